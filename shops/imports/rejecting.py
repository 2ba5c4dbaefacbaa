"""How a statement says that staged rows are wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shops import sql
from shops.imports.staging import Staged


def reject(
    staged: Staged,
    code: str,
    column: str,
    *,
    where: str,
    joins: str = "",
    rows: str = "import_rows r",
    params: str = "'{}'::jsonb",
    values: Sequence[Any] = (),
) -> None:
    """An error of `column` for each staged row `r` that meets `where`. `params` is a jsonb expression.

    A cell that is bad by itself was staged as nothing, and has its error already.
    """
    position = staged.source.position_of(column)
    sql.execute(
        "INSERT INTO import_errors (row, position, column_name, value, code, params)"
        f" SELECT r.row, %s, %s, coalesce(r.{column}::text, ''), %s, {params}"
        f" FROM {rows} {joins} WHERE ({where})"
        " AND NOT EXISTS (SELECT FROM import_errors e WHERE e.row = r.row AND e.position = %s)",
        [position, staged.source.header_of(column), code, *values, position],
    )


def as_standing(staged: Staged, column: str, stands: str) -> str:
    """The parameters of an error that shows what stands in a column: `stands`, an expression for a text."""
    of = f"jsonb_build_array('{staged.table.kind}', '{column}')"
    return f"jsonb_build_object('standing', coalesce({stands}, '–'), 'of', {of})"
