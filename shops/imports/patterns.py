"""Which lines are good as they stand: one regular expression made from a file's columns.

It is stricter than the parsers of `values`, never laxer: what it lets through, they would stage the same. So
a good line costs about a microsecond, and only the others are read cell by cell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from math import ceil

from shops.imports.columns import Column, Type

# Words that are staged as something else. Beside them all that these patterns let through is ASCII.
_WORDS = {
    Type.SCORE: {"none": "NaN", "暂无": "NaN"},
    Type.FLAG: {"是": "t", "否": "f"},
}
# What lets no cell through: each goes to its parser.
NOTHING = r"(?!)"
# A cell that is read over.
_ANYTHING = r'[^",;\t\r\n]{0,200}+'
# Neither a number that a spreadsheet has rounded nor the beginning of a word that is staged differently.
_ID = r"(?![0-9]+[eE][0-9]|none)[0-9A-Za-z_-]{1,%s}+"
# Of the year 2000 its parser asks of what time zone it speaks.
_DAY = (
    r"20(?:0[1-9]|[1-9][0-9])-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)


def _maybe(pattern: str) -> str:
    """The pattern or nothing, and never tried another way.

    Not `(?:…)?+`: Pythons before 3.11.5 go on from the middle of what did not match.
    """
    return f"(?>{pattern}|)"


_SECONDS = _maybe(r":[0-5][0-9]" + _maybe(r"\.[0-9]{1,6}"))
_ZONE = _maybe(r"(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])")
_MOMENT = _DAY + _maybe(rf"[ T](?:[01][0-9]|2[0-3]):[0-5][0-9]{_SECONDS}{_ZONE}")


class GoodLines:
    """Finds runs of good lines in a file's bytes, and turns them into what COPY takes."""

    def __init__(self, columns: Sequence[Column | None], delimiter: str) -> None:
        cells = [
            # Words are known by the delimiter before them, which the first cell of a line hasn't.
            _ANYTHING if column is None else _pattern(column, words=position > 0)
            for position, column in enumerate(columns)
        ]
        # Programs put all cells into quotation marks or none.
        bare, marked = (delimiter.join(f"{mark}{cell}{mark}" for cell in cells) for mark in ("", '"'))
        # Possessive throughout: what has matched is never tried another way.
        self._run = re.compile(f"(?>(?>{bare}|{marked})\r?+\n)*+".encode())
        self._replaced = [
            (f"{delimiter}{mark}{word}".encode(), f"{delimiter}{mark}{staged}".encode())
            for kind in {column.type for column in columns if column is not None}
            for word, staged in _WORDS.get(kind, {}).items()
            for mark in ("", '"')
        ]

    def end_of_run(self, block: bytes, start: int) -> int:
        """Where the good lines that begin at `start` end: at `start` itself if there is none."""
        found = self._run.match(block, start)
        # No line at all is a run as well.
        assert found is not None
        # To the last line's end: Pythons before 3.11.5 tell the place at which the next one failed.
        return block.rfind(b"\n", start, found.end()) + 1 or start

    def staged(self, run: bytes) -> bytes:
        """The lines as they are staged."""
        if b"\r" in run:
            run = run.replace(b"\r\n", b"\n")
        for word, staged in self._replaced:
            if word in run:
                run = run.replace(word, staged)
        return run


def good_lines(columns: Sequence[Column | None], delimiter: str) -> GoodLines | None:
    """None where every line has a cell that only its parser can stage.

    Such as a name, with its pinyin, or a text that has words of its own and may be staged as another.
    """
    present = [column for column in columns if column is not None]
    if any(column.pinyin or (column.type is Type.TEXT and column.words) for column in present):
        return None
    return GoodLines(columns, delimiter)


def end_of_whole_lines(block: bytes, start: int) -> int:
    """Where lines end that are a row each, whatever is in them: quotation marks could hold several."""
    end = block.rfind(b"\n", start) + 1
    bare = block.find(b'"', start, end) < 0
    return (
        end if end and bare and block.count(b"\r", start, end) == block.count(b"\r\n", start, end) else start
    )


def _pattern(column: Column, *, words: bool) -> str:
    match column.type:
        case Type.ID:
            cell = _ID % column.length
        case Type.TEXT:
            cell = _ID % column.length
        case Type.CHOICE:
            cell = "(?:" + "|".join(map(re.escape, column.words)) + ")"
        case Type.DATE:
            cell = _DAY
        case Type.MOMENT:
            cell = _MOMENT
        case Type.FLAG:
            cell = "(?:[01]|true|false" + ("|是|否)" if words else ")")
        case Type.NUMBER:
            cell = _number(column)
        case Type.SCORE:
            cell = f"(?:{_number(column)}" + ("|none|暂无)" if words else ")")
        case Type.RATE:
            cell = _rate(column)
    return cell if column.required else _maybe(cell)


def _rate(column: Column) -> str:
    if (column.minimum, column.maximum) != (Decimal(0), Decimal(1)):
        return NOTHING
    share = f"0{_decimals(column.decimals)}|1{_zeros(column.decimals)}"
    return f"(?:[0-9]{{1,2}}+{_decimals(column.decimals - 2)}%|{share})"


def _number(column: Column) -> str:
    """Most of what is within the column's bounds; the rest its parser judges."""
    lowest, highest = max(ceil(column.minimum), 0), int(column.maximum)
    if column.maximum < 0 or (column.minimum > 0 and highest > 9):
        return NOTHING
    if highest <= 9:
        ends = [f"{highest}{_zeros(column.decimals)}"] if lowest <= highest else []
        below = f"[{lowest}-{highest - 1}]{_decimals(column.decimals)}" if lowest < highest else ""
        return f"(?:{'|'.join(filter(None, [below, *ends]))})" if ends else NOTHING
    most = Decimal(10) ** len(str(highest)) - Decimal(1).scaleb(-column.decimals)
    digits = len(str(highest)) - (column.maximum < most)
    return f"[0-9]{{1,{digits}}}+{_decimals(column.decimals)}"


def _decimals(count: int) -> str:
    return _maybe(rf"\.[0-9]{{1,{count}}}+") if count else ""


def _zeros(count: int) -> str:
    return _maybe(rf"\.0{{1,{count}}}+") if count else ""
