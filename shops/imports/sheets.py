"""A workbook's sheet as CSV: a program of its own, so that a malicious file takes its memory and no other's.

`sheets.py WORKBOOK COPY OUT UNPACKED` tells the visible sheets with their headers in a line of JSON,
reads from standard input which of them is meant, and writes it to OUT. Its exit status tells a refusal.
"""

from __future__ import annotations

import contextlib
import csv
import json
import re
import resource
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import IO, Any

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    SheetTypeEnum,
    SheetVisibleEnum,
    load_workbook,
)

# Exit statuses.
BROKEN, LOCKED, TOO_LARGE, NO_WORKBOOK, MERGED = 10, 11, 12, 13, 14

# Of address space, in bytes. The reader lays out the whole rectangle that a sheet's cells span, 32 bytes
# each, and needs about 77 bytes a cell on the way: some three and a half million cells fit.
MEMORY = 384 << 20
# Of processor time: a file may name one large sheet a thousand times.
SECONDS = 120
ENTRIES = 10_000
SHEETS = 255
# No header is longer, and no kind of file has more of them.
FIRST_ROW, FIRST_CELL = 500, 200
BLOCK = 1 << 20
# From here on a number has more digits before the point than a spreadsheet keeps.
LOSES_DIGITS = 1e14

# A cell that holds an error, such as #N/A. Within a tag alone: elsewhere in XML `<` is written otherwise.
_ERROR = re.compile(rb"""(<(?:\w+:)?c\s(?:[^<>]*\s)?t\s*=\s*)(["'])e\2""")
# A cell with a formula whose value was never stored: the reader would take it for an empty one. The stored
# value of a formula that makes an empty text is empty too, but then the cell says that it's a text.
_NO_VALUE = re.compile(
    rb"""<(?:\w+:)?c(?>(?=\s(?:[^<>]*\s)?t\s*=\s*(["'])str\1)|)[\s>][^<]*"""
    rb"<(?:\w+:)?f\b(?:[^<>]*/>|[^<>]*>[^<]*</(?:\w+:)?f\s*>)\s*"
    rb"(?(1)|(?:<(?:\w+:)?v\s*(?:/>|>\s*</(?:\w+:)?v\s*>)\s*)?)(?=</(?:\w+:)?c\s*>)"
)
_TOLD = rb"\g<0><is><t>#FORMULA</t></is>"
# The tags of such a cell, of which a block may end within any.
CELL_TAGS = 6
_CELL = re.compile(rb"(?:\w+:)?c\s")
# No cell is longer.
CELL = 1 << 20


def main(workbook: str, copy: str, out: str, unpacked: int) -> None:
    bound(unpacked)
    try:
        repack(workbook, copy, unpacked)
        with load_workbook(copy) as book:
            write_chosen(book, out)
    # NotImplementedError is zipfile's word for a way to pack that it doesn't know.
    except (zipfile.BadZipFile, NotImplementedError, EOFError, CalamineError):
        sys.exit(BROKEN)
    # And RuntimeError, of which that is one, for an entry under a password.
    except RuntimeError:
        sys.exit(LOCKED)
    except (MemoryError, OSError):
        # Out of memory, or of what one file may take on the disk.
        sys.exit(TOO_LARGE)


def bound(unpacked: int) -> None:
    """What the kernel holds this process to. Going beyond its memory, the reader aborts."""
    for what, limit in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, 2 * unpacked),
        (resource.RLIMIT_CORE, 0),
    ):
        # macOS doesn't bound the address space.
        with contextlib.suppress(ValueError):
            resource.setrlimit(what, (limit, limit))


def repack(workbook: str, copy: str, unpacked: int) -> None:
    """The workbook's XML as it really unfolds: its directory may lie, and other readers see another file.

    Errors and formulas without a value become texts on the way: the reader would tell nothing of them.
    """
    with zipfile.ZipFile(workbook) as packed, zipfile.ZipFile(copy, "w") as plain:
        entries = packed.infolist()
        names = {entry.filename for entry in entries}
        if len(entries) > ENTRIES:
            sys.exit(TOO_LARGE)
        if len(names) < len(entries):
            sys.exit(BROKEN)
        if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
            sys.exit(NO_WORKBOOK)
        left = unpacked
        for entry in entries:
            if not entry.filename.endswith((".xml", ".rels")):
                continue
            with packed.open(entry) as source, plain.open(entry.filename, "w") as target:
                for block in with_told_errors(source):
                    left -= len(block)
                    if left < 0:
                        sys.exit(TOO_LARGE)
                    target.write(block)


def with_told_errors(source: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while block := source.read(BLOCK):
        text = rest + block
        end = _whole(text)
        yield _told(text[:end])
        rest = text[end:]
        if len(rest) > CELL:
            sys.exit(TOO_LARGE)
    yield _told(rest)


def _whole(text: bytes) -> int:
    """Up to where no tag and no cell is cut."""
    tags = text.rsplit(b"<", CELL_TAGS)[1:]
    cut = next((place for place, tag in enumerate(tags) if _CELL.match(tag)), -1)
    return len(text) - sum(len(tag) + 1 for tag in tags[cut:])


def _told(xml: bytes) -> bytes:
    return _NO_VALUE.sub(_TOLD, _ERROR.sub(rb"\1\2str\2", xml))


def write_chosen(book: CalamineWorkbook, out: str) -> None:
    names = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
    ][:SHEETS]
    found = []
    for name in names:
        # Let go of before the next one is read.
        sheet = None
        sheet = book.get_sheet_by_name(name)
        first = next(filter(says_something, rows(sheet)), [])
        found.append([name, [cell[:FIRST_CELL] for cell in first[:FIRST_ROW]]])
    print(json.dumps(found), flush=True)
    chosen = names[int(sys.stdin.readline())]
    if sheet is None or sheet.name != chosen:
        sheet = None
        sheet = book.get_sheet_by_name(chosen)
    if sheet.merged_cell_ranges:
        # The first cell alone has the value that people see in all of them.
        sys.exit(MERGED)
    with open(out, "w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        width = 0
        for cells in rows(sheet):
            # Above the headers.
            if not width and not says_something(cells):
                cells.clear()
            # Cells beyond the headers are an error of the row, unless nothing is in them.
            while len(cells) > width and not cells[-1]:
                cells.pop()
            width = width or len(cells)
            writer.writerow(cells + [""] * (width - len(cells)))


def says_something(cells: list[str]) -> bool:
    return any(map(str.strip, cells))


def rows(sheet: CalamineSheet) -> Iterator[list[str]]:
    """The sheet's rows from its first one and its first column on, as texts."""
    # The reader gives empty rows before the first cell, but no empty columns.
    left = [""] * (sheet.start[1] if sheet.start else 0)
    for row in sheet.iter_rows():
        yield left + [WRITTEN[type(value)](value) for value in row]


def _number(value: float) -> str:
    """The fifteen digits that a spreadsheet keeps, in plain notation; an exponent where it lost some."""
    if abs(value) >= LOSES_DIGITS:
        return f"{value:.14E}"
    text = f"{value or 0:.15g}"
    return f"{Decimal(text):f}" if "e" in text else text


def _moment(value: datetime) -> str:
    return value.isoformat() if value.time() != time() else value.date().isoformat()


WRITTEN: dict[type, Callable[[Any], str]] = {
    str: str,
    bool: lambda value: "true" if value else "false",
    int: _number,
    float: _number,
    datetime: _moment,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: str,
}


if __name__ == "__main__":
    [_program, workbook, copy, out, unpacked] = sys.argv
    main(workbook, copy, out, int(unpacked))
