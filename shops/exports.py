"""CSV and XLSX for people's spreadsheets: exact, and no cell of them starts a formula."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO

import xlsxwriter
from django.utils import timezone
from xlsxwriter.worksheet import Worksheet

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


def text_of(value: object) -> str:
    """A value as the import reads it: days and moments by ISO 8601, flags as true or false."""
    match value:
        case str():
            return str(value)
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return timezone.localtime(value).isoformat(timespec="seconds")
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
    return str(value)


def neutral(cell: object) -> str:
    """The cell as text that no spreadsheet evaluates: a leading `'` where it could start a formula."""
    text = text_of(cell)
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
    """The file line by line, so that a long one needs no memory.

    All cells are quoted: a spreadsheet may split lines at `;` or tabs, and what follows would start a cell.
    """
    out = _Line()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow([neutral(cell) for cell in header])
    yield BOM + out.line
    for row in rows:
        writer.writerow([neutral(cell) for cell in row])
        yield out.line


# What a spreadsheet holds: rows in a sheet, characters in a cell, digits in a number.
XLSX_ROWS = 1_048_576
XLSX_CELL = 32_767
XLSX_DIGITS = 15
# What a workbook takes for a character by its code. One may begin with the last `_` of another.
_CODE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
# Characters that XML can't hold; a carriage return would come back as a line feed.
_NO_XML = re.compile("[\0-\x08\x0b-\x1f\ufffe\uffff]")


class _Sheet(Worksheet):
    """A sheet that gives every text back as it was. xlsxwriter overlooks codes that overlap."""

    @staticmethod
    def _escape_control_characters(data: str | int) -> str | int:
        # A flag comes as 1 or 0.
        if isinstance(data, int):
            return data
        return _NO_XML.sub(lambda found: f"_x{ord(found[0]):04X}_", _CODE.sub("_x005F_", data))


def write_xlsx(out: IO[bytes], header: Sequence[object], rows: Iterable[Sequence[object]]) -> None:
    """Write a workbook of one sheet, its headers in sight; at most XLSX_ROWS with them. Needs no memory.

    A text cell of a workbook is no formula whatever it starts with, but it becomes one when a person saves
    the sheet as CSV. So texts are made neutral here too, and the import takes the `'` off both alike.
    """
    with xlsxwriter.Workbook(out, {"constant_memory": True}) as book:
        sheet = book.add_worksheet(worksheet_class=_Sheet)
        sheet.freeze_panes(1, 0)
        bold = book.add_format({"bold": True})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for column, name in enumerate(header):
            sheet.write_string(0, column, neutral(name), bold)
        for row, cells in enumerate(rows, 1):
            for column, cell in enumerate(cells):
                match cell:
                    case str() | None:
                        if text := neutral(cell):
                            sheet.write_string(row, column, _fitting(text))
                    case bool():
                        sheet.write_boolean(row, column, cell)
                    case int() | Decimal() if _digits(cell) <= XLSX_DIGITS:
                        sheet.write_number(row, column, cell)
                    case datetime():
                        local = timezone.localtime(cell).replace(tzinfo=None, microsecond=0)
                        sheet.write_datetime(row, column, local, moment)
                    case date():
                        sheet.write_datetime(row, column, cell, day)
                    case _:
                        sheet.write_string(row, column, _fitting(neutral(cell)))


def _digits(number: int | Decimal) -> int:
    return len(Decimal(number).normalize().as_tuple().digits)


def _fitting(text: str) -> str:
    return text if len(text) <= XLSX_CELL else text[: XLSX_CELL - 1] + "…"
