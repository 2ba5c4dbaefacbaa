"""Plain functions that take imports of metrics back, and look at what stands then."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from rules import reversals, sweeps
from rules.models import Sweep
from shops.models import Alliance, ImportBatch, ShopMetrics
from tests.factories import AT, DAY, DOUYIN

LATER = AT + timedelta(hours=1)
WHY = "the platform sent another platform's file"


def scores(*rows: tuple[str, str]) -> str:
    """Shop and experience score of the day."""
    return "\n".join(["shop,day,experience_score", *(f"{shop},{DAY},{score}" for shop, score in rows)])


def reverse_it(batch: ImportBatch, by: Any = None, reason: str = WHY) -> int:
    return reversals.reverse_import(batch.pk, by=by, reason=reason, at=LATER)


def standing() -> list[dict[str, Any]]:
    """Every row of metrics with every column, the import it came with among them."""
    return list(ShopMetrics.objects.order_by("day", "shop_id").values())


def check() -> Sweep:
    sweep = sweeps.request(alliance=Alliance.objects.get(code=DOUYIN), by=None, at=AT, day=DAY)
    return sweeps.run(sweep.pk, at=AT)
