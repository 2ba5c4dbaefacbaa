"""What becomes of a file that still brings a metric which is retired."""

from __future__ import annotations

from shops import sql
from shops.imports.declared_columns import DeclaredColumn
from shops.imports.errors import FileRefused, RowError, shortened
from shops.imports.reading import Source


def refuse_retired(source: Source) -> None:
    """FileRefused where the staged rows bring a metric on a day from which on it is retired."""
    retired = [
        (column, column.retired_on)
        for column in source.present
        if isinstance(column, DeclaredColumn) and column.retired_on is not None
    ]
    if not retired:
        return
    [(newest,)] = sql.fetch("SELECT max(day) FROM import_rows")
    errors = [
        RowError(
            source.headers_at,
            shortened(source.header_of(column.name)),
            "",
            "retired_column",
            {"name": column.name, "name_zh": column.name_zh, "day": day.isoformat()},
        )
        for column, day in retired
        if newest is not None and newest >= day
    ]
    if errors:
        raise FileRefused(*errors, headers=source.headers)
