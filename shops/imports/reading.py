"""From a file's bytes to its rows: decoding, delimiter, headers. No file is in memory as a whole."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from shops.exports import plain
from shops.imports.columns import REASONS, Column, Table, spoken
from shops.imports.errors import FileRefused, RowError, shortened

BLOCK = 1 << 20
# In characters.
LONGEST_LINE = 1 << 20
LONGEST_CELL = csv.field_size_limit()
DELIMITERS = ",;\t"
# The longer one first: UTF-32 is not read, and its BOM begins like UTF-16's.
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


_CHINESE = re.compile("[\u4e00-\u9fff]")


@dataclass
class Source:
    """A CSV file whose headers are understood. `columns` by position; None is read over."""

    path: Path
    encoding: str
    delimiter: str
    headers: list[str]
    columns: list[Column | None]

    @property
    def present(self) -> list[Column]:
        return [column for column in self.columns if column is not None]

    def header_of(self, name: str) -> str:
        """What the file calls a column; the column's own name where the file lacks it."""
        for header, column in zip(self.headers, self.columns, strict=True):
            if column is not None and column.name == name:
                return header
        return name

    def position_of(self, name: str) -> int:
        for position, column in enumerate(self.columns):
            if column is not None and column.name == name:
                return position
        return len(self.columns)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Row numbers as a spreadsheet counts, and cells. Rows without anything in them are left out.

        Raises FileRefused where the file's structure breaks.
        """
        # Files that went out come back, and their cells were made safe for spreadsheets. In any file a `'`
        # before what would start a formula says that this is a text, and is no part of it.
        marked = _holds(self.path, b"'")
        with open(self.path, encoding=self.encoding, newline="") as text:
            reader = csv.reader(_lines(text), delimiter=self.delimiter, strict=True)
            number = 0
            try:
                for number, cells in enumerate(reader, 1):
                    if number > 1 and any(cells):
                        if marked:
                            cells = [plain(cell) if cell[:1] == "'" else cell for cell in cells]
                        yield number, cells
            except csv.Error as error:
                raise FileRefused(_broken(number + 1, error)) from error


def open_csv(path: Path, table: Table) -> Source:
    """Find out how the file is written and what its columns mean. Raises FileRefused with all errors."""
    encoding = _encoding(path)
    with open(path, encoding=encoding, newline="") as text:
        first = next(_lines(text), "").lstrip("\ufeff")
    if not first.strip():
        raise FileRefused(RowError(1, "", "", "empty_file"))
    readings = []
    for delimiter in DELIMITERS:
        try:
            readings.append((delimiter, _cells(path, encoding, delimiter)))
        except csv.Error as error:
            broken = error
    if not readings:
        raise FileRefused(_broken(1, broken))
    # The delimiter by which most headers are known; of equals the first.
    delimiter, headers = max(readings, key=lambda reading: sum(map(bool, map(table.find, reading[1]))))
    columns = [table.find(header) for header in headers]
    if errors := list(_header_errors(headers, columns, table)):
        raise FileRefused(*errors)
    source = Source(path, encoding, delimiter, headers, columns)
    if next(source.rows(), None) is None:
        raise FileRefused(RowError(2, "", "", "no_rows"))
    return source


def _lines(text: TextIO) -> Iterator[str]:
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE and not line.endswith(("\n", "\r")):
            raise FileRefused(RowError(number, "", shortened(line), "line_too_long", {"limit": LONGEST_LINE}))
        yield line.lstrip("\ufeff") if number == 1 else line


def _cells(path: Path, encoding: str, delimiter: str) -> list[str]:
    """The headers by this delimiter. csv.Error where it doesn't fit."""
    with open(path, encoding=encoding, newline="") as text:
        return [cell.strip() for cell in next(csv.reader(_lines(text), delimiter=delimiter, strict=True), [])]


def _broken(row: int, error: csv.Error) -> RowError:
    """What the csv module found in a row. It has only words for it."""
    if "field limit" in str(error):
        return RowError(row, "", "", "line_too_long", {"limit": LONGEST_CELL})
    return RowError(row, "", "", "broken_quotes", {"detail": str(error)})


def _header_errors(headers: list[str], columns: list[Column | None], table: Table) -> Iterator[RowError]:
    known = ", ".join(f"{column.name} ({column.name_zh})" for column in table.columns)
    seen: set[str] = set()
    for header, column in zip(headers, columns, strict=True):
        name = column.name if column else spoken(header)
        if name in seen and (column or name):
            yield RowError(1, shortened(header), "", "doubled_column")
        elif column is None and spoken(header) not in REASONS:
            yield RowError(1, shortened(header), "", "unknown_column", {"known": known})
        seen.add(name)
    for column in table.columns:
        if column.required and column.name not in seen:
            params = {"name": column.name, "name_zh": column.name_zh}
            yield RowError(1, column.name, "", "missing_column", params)
    figures = [column for column in table.columns if column.name not in table.key]
    if not any(column.required for column in figures) and not any(column.name in seen for column in figures):
        names = ", ".join(f"{column.name} ({column.name_zh})" for column in figures)
        yield RowError(1, "", "", "no_figures", {"known": names})


def _encoding(path: Path) -> str:
    """BOM, else UTF-8 if all of it is, else GB18030 if all of it is and none is UTF-8. Raises FileRefused."""
    with open(path, "rb") as file:
        start = file.read(4)
    if not start:
        raise FileRefused(RowError(1, "", "", "empty_file"))
    for bom, encoding in BOMS:
        if start.startswith(bom):
            if broken := _breaks(path, encoding):
                params = {"encoding": encoding.removesuffix("-sig").upper(), "row": broken[0]}
                raise FileRefused(RowError(broken[0], "", broken[1], "not_utf", params))
            return encoding
    utf8 = _breaks(path, "utf-8")
    if utf8 is None:
        return "utf-8"
    gb = _breaks(path, "gb18030")
    if gb is None:
        # GB18030 also reads most of UTF-8, as other characters.
        if row := _clearly_utf8(path):
            params = {"utf8_row": row, "row": utf8[0], "byte": utf8[1]}
            raise FileRefused(RowError(utf8[0], "", utf8[1], "mixed_encodings", params))
        return "gb18030"
    params = {"utf8_row": utf8[0], "utf8_byte": utf8[1], "gb_row": gb[0], "gb_byte": gb[1]}
    raise FileRefused(RowError(utf8[0], "", utf8[1], "not_text", params))


def _breaks(path: Path, encoding: str) -> tuple[int, str] | None:
    """The line and the byte at which the file stops being text so encoded. Raises FileRefused for a NUL."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    line = 1
    with open(path, "rb") as file:
        while True:
            block = file.read(BLOCK)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                broken: bytes = error.object
                before = broken[: error.start]
                line += before.count(b"\n")
                return line, f"0x{broken[error.start]:02X}" if error.start < len(broken) else ""
            if "\0" in text:
                line += text[: text.index("\0")].count("\n")
                raise FileRefused(RowError(line, "", "", "nul"))
            line += text.count("\n")
            if not block:
                return None


def _holds(path: Path, byte: bytes) -> bool:
    """Whether the byte stands anywhere in the file."""
    with open(path, "rb") as file:
        return any(byte in block for block in iter(lambda: file.read(BLOCK), b""))


def _clearly_utf8(path: Path) -> int | None:
    """The first line that holds Chinese in UTF-8 and in GB18030 would hold characters hardly in use."""
    number = 0
    with open(path, "rb") as file:
        while line := file.readline(LONGEST_LINE):
            number += 1
            if line.isascii():
                continue
            try:
                # Not final: the file may have been cut within a character.
                text, _length = codecs.utf_8_decode(line, "strict", False)
            except UnicodeDecodeError:
                continue
            if _CHINESE.search(text) and not _reads(line, "gb2312"):
                return number
    return None


def _reads(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
