"""Set-based writes. Beside rules.sql the only module that holds a cursor."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from django.db import connection, models
from django.db.backends.utils import CursorWrapper

from shops.models import Audited

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def columns_of(model: type[models.Model]) -> list[str]:
    """The table's column names, quoted."""
    return [connection.ops.quote_name(field.column) for field in model._meta.concrete_fields]


def write_with_history(
    cursor: CursorWrapper,
    model: type[Audited],
    statement: str,
    params: Sequence[object] = (),
    *,
    change: Literal["+", "~"],
    by: User | None,
    reason: str,
    at: datetime,
) -> int:
    """Run one INSERT (`+`) or UPDATE (`~`) on `model`'s table and write the history of every row it touches.

    Both happen in the same statement, so neither exists without the other. `statement` names the table
    without an alias and ends before its RETURNING. Returns how many rows were written.
    """
    table = connection.ops.quote_name(model._meta.db_table)
    history = connection.ops.quote_name(model.history.model._meta.db_table)
    columns = ", ".join(columns_of(model))
    cursor.execute(
        f"WITH written AS ({statement} RETURNING {table}.*)"
        f" INSERT INTO {history} ({columns}, history_date, history_type, history_user_id, history_change_reason)"
        f" SELECT {columns}, %s, %s, %s, %s FROM written",
        [*params, at, change, by.pk if by else None, reason[:100]],
    )
    return cursor.rowcount
