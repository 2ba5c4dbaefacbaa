"""CSV for people's spreadsheets: read as UTF-8, and no cell of it starts a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence

BOM = "\ufeff"
# What spreadsheets take for the start of a formula, in their full-width forms too, or drop before one.
_STARTS = "=+-@＝＋－＠\t\r\n\0"
# A plain number is no formula, whatever its sign.
_NUMERIC = frozenset("0123456789.")


class _Line:
    """A file for csv.writer that keeps the line it was given."""

    line = ""

    def write(self, line: str) -> None:
        self.line = line


def neutral(cell: object) -> str:
    """The cell as text that no spreadsheet evaluates: a leading `'` where it could start a formula."""
    text = "" if cell is None else str(cell)
    # A `'` of the text's own gets another one, so that `plain` knows which of them is ours.
    visible = text.lstrip(" \u00a0\u3000\ufeff'")
    if not visible or visible[0] not in _STARTS:
        return text
    if visible[0] in "+-" and len(visible) > 1 and set(visible[1:]) <= _NUMERIC and visible == text:
        return text
    return f"'{text}"


def plain(cell: str) -> str:
    """What `neutral` made this cell of: a file that went out comes back with the same values."""
    return cell[1:] if cell.startswith("'") and neutral(cell[1:]) == cell else cell


def csv_lines(header: Sequence[object], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The file line by line, so that a long one needs no memory."""
    out = _Line()
    writer = csv.writer(out)
    writer.writerow([neutral(cell) for cell in header])
    yield BOM + out.line
    for row in rows:
        writer.writerow([neutral(cell) for cell in row])
        yield out.line
