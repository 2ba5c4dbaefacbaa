"""Files that mean harm or merely went wrong, each with what must come of it. Data alone: nothing here reads.

A case says where its good rows must stand afterwards (`stands`) and what is wrong where (`wrong`). The ground
it meets: shops S1, S2, S3 and LONG_ID, their products G1, G2, G3 and LONG_ID, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.factories import AT, DAY, DOUYIN

# Nineteen digits: more than a spreadsheet keeps.
LONG_ID = "2534567890123456789"
SHOPS = ("S1", "S2", "S3", LONG_ID)
# Of S1, S2, S3 and LONG_ID.
PRODUCTS = ("G1", "G2", "G3", LONG_ID)
KNOWN_ON = AT.date()
ANY = None

# Row as a spreadsheet counts, column as the file calls it, code; ANY where the file itself decides it, and
# several codes with | between where each would be right.
Wrong = tuple[int | None, str | None, str]
# Key cells with spaces between → column → value as plain text; what is missing is left out.
Standing = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Case:
    """`unreadable`: refused before any row is looked at, however the rest is. `rows` as they are counted."""

    name: str
    kind: str
    content: bytes = field(repr=False)
    rows: int
    stands: Standing
    wrong: tuple[Wrong, ...] = ()
    unreadable: bool = False
    # What is brought before it.
    before: bytes = field(default=b"", repr=False)


def exact(name: str, kind: str, content: str | bytes, stands: Standing) -> Case:
    """Each row is taken, exactly so."""
    return Case(name, kind, _bytes(content), len(stands), stands)


def rejected(
    name: str, kind: str, content: str | bytes, *wrong: Wrong, stands: Standing | None = None
) -> Case:
    """Rows that are wrong: nothing is taken of the file, or its good rows where somebody says so."""
    rows = len(stands or {}) + len({row for row, _column, _code in wrong})
    return Case(name, kind, _bytes(content), rows, stands or {}, wrong)


def unreadable(name: str, kind: str, content: str | bytes, *wrong: Wrong) -> Case:
    """The whole file is refused, also in part."""
    return Case(name, kind, _bytes(content), 0, {}, wrong, unreadable=True)


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def lines(*rows: Sequence[str], delimiter: str = ",", end: str = "\n") -> str:
    """Rows of cells as CSV, quoted where needed."""
    needy = {delimiter, '"', "\r", "\n"}

    def written(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"' if needy & set(cell) else cell

    return "".join(delimiter.join(map(written, row)) + end for row in rows)


def day_of(shop: str, **figures: str) -> dict[str, dict[str, str]]:
    """Metrics of a shop on DAY."""
    return {f"{shop} {DAY}": figures}


METRICS = "shop,day,gmv_30d,shop_score\n"
GOOD = f"S1,{DAY},100.5,4.5\n"
GOOD_STANDS = day_of("S1", gmv_30d="100.5", shop_score="4.5")


def beside_good(name: str, row: str, *wrong: Wrong) -> Case:
    """A bad row of metrics in row 2, and a good one below."""
    return rejected(name, "metrics", f"{METRICS}{row}\n{GOOD}", *wrong, stands=GOOD_STANDS)


_SHOP = {
    "shop_type": "ordinary",
    "category": "beauty",
    "goods_kind": "physical",
    "status": "normal",
    "subject_kind": "enterprise",
}


def shop_file(code: str, name: str, **more: str) -> str:
    """A file of one shop, with further columns if any are given."""
    cells = {"code": code, "name": name, **_SHOP, **more}
    return lines(list(cells), list(cells.values()))


def shop(code: str, name: str, **more: str) -> dict[str, dict[str, str]]:
    """The shop of that file as it stands afterwards."""
    return {code: {"name": name, **_SHOP, **more}}


PAPERS = "shop,kind,valid_until,verdict,brand\n"


def paper(shop: str, brand: str, until: str = "2027-01-01") -> dict[str, dict[str, str]]:
    """An accepted brand paper."""
    return {f"{shop} brand {brand} {until}".rstrip(): {"verdict": "accepted"}}


ENROLLMENTS = "shop,alliance,state,openings,opened_on,closed_on,cause\n"


def enrollment(shop: str, state: str, openings: int, **latest: str) -> dict[str, dict[str, str]]:
    """An enrollment in Douyin's alliance with its latest opening."""
    return {f"{shop} {DOUYIN}": {"state": state, "openings": str(openings), **latest}}


def shown(cell: str) -> str:
    """A cell as a case's name shows it."""
    return cell if len(cell) <= 20 else f"{cell[:6]}… ({len(cell)})"


def merged(*parts: Standing) -> Standing:
    return {key: values for part in parts for key, values in part.items()}


def corpus() -> list[Case]:
    """All of them. Their names are unique."""
    # Here, as both speak about the cases above.
    from tests.shops import (
        hostile_bytes,
        hostile_cells,
        hostile_deposits,
        hostile_penalties,
        hostile_products,
        hostile_shapes,
        hostile_texts,
    )

    parts = (
        hostile_cells,
        hostile_texts,
        hostile_shapes,
        hostile_bytes,
        hostile_products,
        hostile_deposits,
        hostile_penalties,
    )
    return [case for part in parts for case in part.cases()]
