"""How a file is written and what its columns mean, found out from its first rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from shops.imports.columns import REASONS, Column, Table, spoken
from shops.imports.declared_columns import takes
from shops.imports.encodings import encoding_of
from shops.imports.errors import FileRefused, RowError, shortened
from shops.imports.reading import Buffer, Reading, Row, Source, records

MOST_HEADERS = 400
DELIMITERS = ",;\t"
AS_FOUND = Reading()


def open_csv(path: Path, table: Table, reading: Reading = AS_FOUND) -> Source:
    """Find out how the file is written and what its columns mean. Raises FileRefused with all errors."""
    encoding = encoding_of(path, reading.encoding, firm=reading.firm)
    readings = _first_lines(path, encoding, reading)
    if not any(first.cells for _delimiter, first in readings):
        raise FileRefused(RowError(1, "", "", "empty_file"))
    # The delimiter by which most headers are known; of equals the one that makes more of them.
    understood = [
        (delimiter, first, [_meaning(told, header, table, reading) for told, header in _told(first.cells)])
        for delimiter, first in readings
        if len(first.cells) <= MOST_HEADERS
    ]
    delimiter, first, columns = max(
        understood,
        key=lambda found: (sum(map(bool, found[2])), len(found[1].cells)),
        default=("", Row(1, []), []),
    )
    if len(understood) < len(readings) and not any(columns):
        number = readings[0][1].number
        raise FileRefused(RowError(number, "", "", "too_many_columns", {"limit": MOST_HEADERS}))
    if errors := list(_header_errors(first, columns, table, reading)):
        raise FileRefused(*errors, headers=first.cells)
    source = Source(path, encoding, delimiter, first.number, first.cells, columns)
    if next(source.pieces(), None) is None:
        raise FileRefused(RowError(first.number + 1, "", "", "no_rows"))
    return source


def told_apart(headers: Sequence[str]) -> list[str]:
    """The headers with a number behind each that has stood before, so that a person can speak of either."""
    told: list[str] = []
    for header in headers:
        number, name = 1, header
        while name in told:
            number += 1
            name = f"{header} ({number})"
        told.append(name)
    return told


def _told(headers: Sequence[str]) -> Iterator[tuple[str, str]]:
    return zip(told_apart(headers), headers, strict=True)


def _first_lines(path: Path, encoding: str, reading: Reading) -> list[tuple[str, Row]]:
    """Each delimiter that fits, with the headers by it. Raises FileRefused where none does."""
    found = []
    broken: FileRefused | None = None
    chosen = reading.delimiter
    others = "" if chosen and reading.firm else DELIMITERS.replace(chosen, "") if chosen else DELIMITERS
    for delimiter in chosen + others:
        try:
            found.append((delimiter, _headers(path, encoding, delimiter)))
        except FileRefused as refusal:
            broken = refusal
    if broken is not None and not found:
        raise broken
    return found


def _meaning(told: str, header: str, table: Table, reading: Reading) -> Column | None:
    name = reading.columns.get(told)
    return table.find(header) if name is None else table.find(name)


def _headers(path: Path, encoding: str, delimiter: str) -> Row:
    """The first row with anything in it by this delimiter. FileRefused where the delimiter doesn't fit."""
    with open(path, "rb") as file:
        for number, found in records(Buffer(file, encoding, lambda done: None), 0, delimiter):
            if any(cells := [cell.strip() for cell in found]):
                return Row(number, cells)
    return Row(1, [])


def _header_errors(
    first: Row, columns: list[Column | None], table: Table, reading: Reading
) -> Iterator[RowError]:
    known = ", ".join(f"{column.name} ({column.name_zh})" for column in table.columns if takes(column))
    seen: set[str] = set()
    for (told, header), column in zip(_told(first.cells), columns, strict=True):
        if column is None and told in reading.columns:
            continue
        name = column.name if column else spoken(header)
        if name in seen and (column or name):
            yield RowError(first.number, shortened(header), "", "doubled_column")
        elif column is None and spoken(header) not in REASONS:
            yield RowError(first.number, shortened(header), "", "unknown_column", {"known": known})
        seen.add(name)
    for column in table.columns:
        if column.required and column.name not in seen:
            params = {"name": column.name, "name_zh": column.name_zh}
            yield RowError(first.number, column.name, "", "missing_column", params)
    figures = [column for column in table.columns if column.name not in table.key]
    if not any(column.required for column in figures) and not any(column.name in seen for column in figures):
        names = ", ".join(f"{column.name} ({column.name_zh})" for column in figures if takes(column))
        yield RowError(first.number, "", "", "no_figures", {"known": names})
