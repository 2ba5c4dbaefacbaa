"""Plain functions about files that people look at before they are written."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User

from shops import imports
from shops.models import ImportBatch, ShopMetrics
from tests.factories import AT, DAY

ASK = ImportBatch.Consent.ASK
LATER = AT + timedelta(hours=1)
STRANGE = f"店铺代号,日期,得分,备注\nS1,{DAY},4.5,好\n"


def metrics(*rows: tuple[str, str, str]) -> str:
    """Shop, gmv_30d and shop_score of the day."""
    return "\n".join(["shop,day,gmv_30d,shop_score", *(f"{s},{DAY},{gmv},{score}" for s, gmv, score in rows)])


def confirmed(batch: ImportBatch, by: User | None = None) -> ImportBatch:
    imports.confirm(batch.pk, by=by)
    return imports.process(batch.pk, at=LATER)


def stands(code: str = "S1") -> tuple[str, str]:
    row = ShopMetrics.objects.get(shop__code=code, day=DAY)
    return str(row.gmv_30d), "none" if row.shop_score_none else str(row.shop_score)
