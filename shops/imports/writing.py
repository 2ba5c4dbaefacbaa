"""What a file brings about, written with its history."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from shops import sql
from shops.models import Audited, ImportBatch


def write(
    model: type[Audited],
    statement: str,
    params: list[object],
    *,
    change: Literal["+", "~"] = "+",
    batch: ImportBatch,
    at: datetime,
) -> None:
    """Run one INSERT (`+`) or UPDATE (`~`) in the name of whoever sent the file (sql.write_with_history)."""
    with sql.cursor() as cursor:
        sql.write_with_history(
            cursor,
            model,
            statement,
            params,
            change=change,
            by=batch.received_by,
            reason=f"import {batch.pk}",
            at=at,
        )
