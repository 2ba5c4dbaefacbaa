"""What is taken as good at first sight is staged just as its parsers would stage it."""

from __future__ import annotations

import csv

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shops.imports.columns import Table
from shops.imports.patterns import good_lines
from shops.imports.tables import TABLES
from shops.imports.values import BadCell, parser

METRICS, OF_PRODUCTS = TABLES["metrics"], TABLES["product_metrics"]
# Spellings around every bound, good and bad ones.
SPELLINGS = """
|0|1|5|5.0|5.01|4.99|4.999|-0|none|None|暂无|是|否|true|TRUE|NaN|nan|1e5|95%|100%|100.0%|101%|1.00|0.1234567
|12.34567%|99%%|999999999999999|S1|nones|NaN1|12e4|1E+5|2026-02-29|2024-02-29|2026-02-28|2026-04-31|a b
| 4.5|4.5 |4.5　|１|12.5万|'1|=1|2147483647|999999999|t|f|\\N|\\.|S_1-a|7000000000000000001|00123|0.5|99.5%
|#N/A|#REF!|###
""".replace("\n", "").split("|")
CELLS = st.one_of(
    st.sampled_from(SPELLINGS),
    st.from_regex(r"[0-9]{1,16}(\.[0-9]{1,3})?%?", fullmatch=True),
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\r\n"), max_size=6),
)
EVERYDAY = [
    "S1",
    "2026-03-10",
    "120000.50",
    "900",
    "4.8",
    "5.00",
    "none",
    "",
    "4.61",
    "0.96",
    "1",
    "0",
    "1",
    "0",
]


@st.composite
def lines(draw) -> list[str]:
    """An everyday line, some of whose cells are spelt otherwise."""
    cells = list(EVERYDAY)
    for position in draw(st.lists(st.integers(0, len(cells) - 1), max_size=3)):
        cells[position] = draw(CELLS)
    return cells


def as_parsed(table: Table, cells: list[str], delimiter: str) -> list[str] | None:
    """What the parsers make of the cells; None where one refuses."""
    try:
        staged = [parser(column, delimiter)(cell) for column, cell in zip(table.columns, cells, strict=True)]
    except BadCell:
        return None
    return next(csv.reader([delimiter.join(staged)], delimiter=delimiter))


@given(
    cells=st.lists(CELLS, min_size=14, max_size=14), delimiter=st.sampled_from(",;\t"), marked=st.booleans()
)
@example(["S1", "2026-03-10", *[""] * 12], ",", False)
@example(["S1", "2026-03-10", "1", "2", *["none"] * 5, "1", "是", "否", "1", "0"], ",", True)
def test_a_good_line_is_staged_as_its_parsers_would_stage_it(cells, delimiter, marked) -> None:
    assert_staged_as_parsed(METRICS, cells, delimiter, marked)


@given(cells=st.lists(CELLS, min_size=6, max_size=6), delimiter=st.sampled_from(",;\t"), marked=st.booleans())
@example(["G1", "2026-03-10", *[""] * 4], ",", False)
@example(["G1", "2026-03-10", "30", "10", "0", "5000.01"], ",", True)
def test_and_so_is_a_good_line_of_products(cells, delimiter, marked) -> None:
    assert_staged_as_parsed(OF_PRODUCTS, cells, delimiter, marked)


def assert_staged_as_parsed(table: Table, cells: list[str], delimiter: str, marked: bool) -> None:
    good = good_lines(table.columns, delimiter)
    assert good is not None
    mark = '"' if marked else ""
    line = (delimiter.join(f"{mark}{cell}{mark}" for cell in cells) + "\n").encode()
    if good.end_of_run(line, 0) != len(line):
        return
    [staged] = csv.reader([good.staged(line).decode()], delimiter=delimiter)
    flags = {"true": "t", "false": "f", "1": "t", "0": "f"}
    parsed = as_parsed(table, cells, delimiter)
    assert parsed is not None
    for column, found, expected in zip(table.columns, staged, parsed, strict=True):
        if column.type.value == "flag":
            found = flags.get(found, found)
        if column.type.value == "rate" and found.endswith("%"):
            assert float(found[:-1]) == pytest.approx(float(expected) * 100)
        elif column.type.value in ("number", "rate", "score") and found not in ("", "NaN"):
            assert float(found) == float(expected)
        else:
            assert found == expected


def test_everyday_lines_are_good_at_first_sight() -> None:
    good = good_lines(METRICS.columns, ",")
    assert good is not None
    lines = (
        "7000000000000000001,2026-03-10,120000.50,900,4.8,5.00,none,,暂无,0.96,1,0,1,0\r\n"
        "S1,2026-12-31,,,,,,,,95.5%,是,否,,true\n"
    ).encode()
    assert good.end_of_run(lines, 0) == len(lines)


def test_everyday_lines_of_products_are_good_at_first_sight() -> None:
    good = good_lines(OF_PRODUCTS.columns, ",")
    assert good is not None
    lines = b"7000000000000000001,2026-03-10,30,10,0,5000.01\r\nG1,2026-12-31,,,,\n"
    assert good.end_of_run(lines, 0) == len(lines)


@pytest.mark.parametrize(
    "line", ["S1,2026-03-10\n", "S1,2026-03-10" + "," * 13 + "\n", '"S1,2026-03-10' + "," * 12]
)
def test_a_line_of_another_length_is_not(line) -> None:
    good = good_lines(METRICS.columns, ",")
    assert good is not None
    assert good.end_of_run(line.encode(), 0) == 0


@pytest.mark.parametrize("kind", ["shops", "products"])
def test_kinds_with_names_are_read_cell_by_cell(kind: str) -> None:
    assert good_lines(TABLES[kind].columns, ",") is None
