"""Every row of a file into the transaction's own tables, each cell checked on the way.

`import_rows` holds a line for each row, NULL where a cell is bad; `import_errors` what is wrong with which.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

from shops import sql
from shops.imports.columns import Table
from shops.imports.errors import shortened
from shops.imports.reading import Source
from shops.imports.values import BadCell, nothing, parser

ERROR_COLUMNS = ["row", "position", "column_name", "value", "code", "params"]


@dataclass
class Staged:
    """What was staged: the file's table and source, how many rows."""

    table: Table
    source: Source
    rows: int = 0

    @property
    def present(self) -> list[str]:
        """The staged columns that the file brings."""
        return [name for column in self.source.present for name in column.staged]


def stage(source: Source, table: Table) -> Staged:
    """Fill the staging tables. Raises FileRefused where the file's structure breaks in the middle."""
    types = {name: kind for column in table.columns for name, kind in column.staged.items()}
    for name in ("import_rows", "import_errors", "import_plan"):
        sql.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")
    columns = ", ".join(f"{name} {kind}" for name, kind in types.items())
    sql.execute(f"CREATE TEMP TABLE import_rows (row integer, {columns}) ON COMMIT DROP")
    sql.execute(
        "CREATE TEMP TABLE import_errors (row integer, position integer, column_name text, value text,"
        " code text, params jsonb) ON COMMIT DROP"
    )
    staged = Staged(table, source)
    # Errors wait on disk: a connection does one COPY at a time, and every row may be bad.
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as errors:
        sql.copy_in("import_rows", ["row", *staged.present], _lines(staged, errors))
        errors.seek(0)
        sql.copy_in("import_errors", ERROR_COLUMNS, (line.rstrip("\n") for line in errors))
    sql.execute("ANALYZE import_rows")
    return staged


def _lines(staged: Staged, errors: TextIO) -> Iterator[str]:
    source = staged.source
    width = len(source.headers)
    read = [(position, column) for position, column in enumerate(source.columns) if column is not None]
    parsers = [parser(column) for _position, column in read]
    # Where every column is read, cells and parsers pair as they stand.
    picked = [position for position, _column in read]
    everything = len(picked) == width
    blanks = [nothing(column) for _position, column in read]
    for number, cells in source.rows():
        staged.rows += 1
        if len(cells) != width:
            params = {"found": len(cells), "expected": width}
            _report(errors, number, width, "", "", BadCell("row_length", **params))
            yield "\t".join([str(number), *blanks])
            continue
        if not everything:
            cells = [cells[position] for position in picked]
        try:
            yield "\t".join([str(number), *[parse(cell) for parse, cell in zip(parsers, cells, strict=True)]])
        except BadCell:
            parts = [str(number)]
            for index, (parse, cell) in enumerate(zip(parsers, cells, strict=True)):
                try:
                    parts.append(parse(cell))
                except BadCell as bad:
                    parts.append(blanks[index])
                    _report(errors, number, picked[index], source.headers[picked[index]], cell, bad)
            yield "\t".join(parts)


def _report(errors: TextIO, row: int, position: int, column: str, value: str, bad: BadCell) -> None:
    fields = (str(row), str(position), column, shortened(value), bad.code, json.dumps(bad.params))
    errors.write("\t".join(map(_escaped, fields)) + "\n")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
