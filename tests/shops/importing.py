"""Plain functions that bring a file in, as tests write files: a text, lines, or bytes."""

from __future__ import annotations

import io
import itertools
from datetime import datetime, timedelta
from typing import Any

from shops import imports
from shops.imports.errors import RowError
from shops.models import ImportBatch
from tests.factories import AT

METRICS_HEADERS = (
    "shop,day,gmv_30d,paid_orders_30d,shop_score,experience_score,product_score,service_score,"
    "logistics_score,positive_rate,warehouse_passed,alliance_connected,erp_connected,freight_insurance"
)

_later = itertools.count(1)


def bring(
    kind: str, content: str | bytes, *, at: datetime | None = None, name: str = "", **values: Any
) -> ImportBatch:
    """Receive the file and process it; by default a moment after the last one, for no two come in at once."""
    at = at or AT + timedelta(microseconds=next(_later))
    data = content.encode() if isinstance(content, str) else content
    values.setdefault("by", None)
    batch = imports.receive(
        kind=kind, file=io.BytesIO(data), file_name=name or f"{kind}.csv", at=at, **values
    )
    return imports.process(batch.pk, at=at)


def counts(batch: ImportBatch) -> tuple[int, int, int, int, int]:
    """Rows, created, updated, unchanged, rejected."""
    return batch.rows, batch.created, batch.updated, batch.unchanged, batch.rejected


def errors(batch: ImportBatch) -> list[tuple[int, str, str, str]]:
    """Row, column, value and code of each."""
    return [(error.row, error.column, error.value, error.code) for error in imports.errors_of(batch)]


def only_error(batch: ImportBatch) -> RowError:
    [error] = imports.errors_of(batch)
    return error


def rejects(batch: ImportBatch) -> str:
    """The file of rejected rows, as text."""
    return "".join(imports.rejects_csv(imports.rejected_path(batch.sha256, batch.pk)))
