"""Every row of a file into the transaction's own tables, each cell checked on the way.

`import_rows` holds a line for each row, empty where a cell is bad; `import_errors` what is wrong with which.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TextIO

from shops import sql
from shops.imports.columns import Column, Table
from shops.imports.declared_columns import DeclaredColumn
from shops.imports.errors import shortened
from shops.imports.reading import Row, Run, Source
from shops.imports.values import BadCell, nothing, parser

ERROR_COLUMNS = ["row", "position", "column_name", "value", "code", "params"]


@dataclass
class Staged:
    """What was staged: the file's table and source, how many rows."""

    table: Table
    source: Source
    rows: int = 0

    @property
    def values(self) -> dict[str, str]:
        """The records' columns that the file brings, as expressions over the staged row `r`."""
        return {name: value for column in self.source.present for name, value in column.values("r").items()}

    @property
    def figures(self) -> dict[str, str]:
        """Of `values` those that are no part of the key."""
        return {name: value for name, value in self.values.items() if name not in self.table.key}


def stage(source: Source, table: Table, told: Callable[[int], object]) -> Staged:
    """Fill the staging tables; `told` hears how many bytes are read.

    Raises FileRefused where the file's structure breaks in the middle.
    """
    types = {
        name: kind
        for column in table.columns
        # Nothing asks for a declared metric that the file doesn't bring.
        if not isinstance(column, DeclaredColumn)
        for name, kind in column.staged.items()
    }
    read: dict[str, str] = {}
    for position, column in enumerate(source.columns):
        # What is read over is staged and forgotten: good lines are taken as they stand.
        read |= column.staged if column else {f"ignored_{position}": "text"}
    for name in ("import_rows", "import_errors", "import_plan"):
        sql.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")
    columns = ", ".join(f"{name} {kind}" for name, kind in {**types, **read}.items())
    sql.execute(f"CREATE TEMP TABLE import_rows (row integer, {columns}) ON COMMIT DROP")
    sql.execute(
        "CREATE TEMP TABLE import_errors (row integer, position integer, column_name text, value text,"
        " code text, params jsonb) ON COMMIT DROP"
    )
    staged = Staged(table, source)
    # Errors wait on disk: a connection does one COPY at a time, and every row may be bad.
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as errors:
        texts = [name for name, kind in read.items() if kind == "text"]
        others = [name for name, kind in read.items() if kind != "text"]
        form = [f"DELIMITER '{source.delimiter}'", f"FORCE_NOT_NULL ({', '.join(texts)})"]
        if others:
            form.append(f"FORCE_NULL ({', '.join(others)})")
        sql.copy_in(
            "import_rows", ["row", *read], _blocks(staged, errors, told), f"FORMAT csv, {', '.join(form)}"
        )
        errors.seek(0)
        sql.copy_in("import_errors", ERROR_COLUMNS, (line.encode() for line in errors))
    return staged


def _blocks(staged: Staged, errors: TextIO, told: Callable[[int], object]) -> Iterator[bytes]:
    """The rows as COPY takes them, each with its number in front."""
    delimiter = staged.source.delimiter
    line = f"%d{delimiter}%b\n".encode()
    cells = _Cells(staged, errors)
    good = staged.source.good_lines
    for piece in staged.source.pieces(told):
        match piece:
            case Run(first, lines):
                assert good is not None  # or there would be no run
                rows = good.staged(lines).split(b"\n")[:-1]
                staged.rows += len(rows)
                yield b"".join([line % numbered for numbered in enumerate(rows, first)])
            case Row(number, found):
                staged.rows += 1
                yield f"{number}{delimiter}{cells.staged(number, found)}\n".encode()


class _Cells:
    """Reads a row cell by cell, and writes down what is wrong with which."""

    def __init__(self, staged: Staged, errors: TextIO) -> None:
        self._headers = staged.source.headers
        self._delimiter = staged.source.delimiter
        self._errors = errors
        self._parsers = [self._parser(column) for column in staged.source.columns]
        self._blanks = [
            nothing(column, self._delimiter) if column else "" for column in staged.source.columns
        ]

    def _parser(self, column: Column | None) -> Callable[[str], str]:
        return parser(column, self._delimiter) if column else lambda cell: ""

    def staged(self, number: int, cells: list[str]) -> str:
        width = len(self._headers)
        if len(cells) != width:
            bad = BadCell("row_length", found=len(cells), expected=width)
            self._report(number, width, "", "", bad)
            return self._delimiter.join(self._blanks)
        try:
            return self._delimiter.join(
                [parse(cell) for parse, cell in zip(self._parsers, cells, strict=True)]
            )
        except BadCell:
            return self._delimiter.join(
                [self._tried(number, position, cell) for position, cell in enumerate(cells)]
            )

    def _tried(self, number: int, position: int, cell: str) -> str:
        try:
            return self._parsers[position](cell)
        except BadCell as bad:
            self._report(number, position, self._headers[position], cell, bad)
            return self._blanks[position]

    def _report(self, row: int, position: int, column: str, value: str, bad: BadCell) -> None:
        fields = (str(row), str(position), column, shortened(value), bad.code, json.dumps(bad.params))
        self._errors.write("\t".join(map(_escaped, fields)) + "\n")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
