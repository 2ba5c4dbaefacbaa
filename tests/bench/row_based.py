"""Metrics through django-import-export, as fast as it can be made: `python -m tests.bench.row_based FILE`.

In bulk, the shops looked up in memory, every row a new one, no diff, no report, no check of instances. Prints
how many seconds it took from opening the file to the commit.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

import django
import tablib

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsdesk.settings")
django.setup()

from django.db import models  # noqa: E402
from import_export.fields import Field  # noqa: E402
from import_export.resources import ModelResource  # noqa: E402
from import_export.widgets import DateWidget, DecimalWidget, IntegerWidget, Widget  # noqa: E402

from shops.metrics import METRICS, MetricType  # noqa: E402
from shops.models import Shop, ShopMetrics  # noqa: E402


def twin() -> type[models.Model]:
    fields = {f.name: f.clone() for f in ShopMetrics._meta.concrete_fields if f.name not in ("shop", "batch")}
    meta = type("Meta", (), {"managed": False, "db_table": "bench_twin", "app_label": "shops"})
    own = {"__module__": __name__, "Meta": meta, "id": models.BigAutoField(primary_key=True)}
    ids = {name: models.BigIntegerField() for name in ("shop_id", "batch_id")}
    return type("Twin", (models.Model,), {**own, **ids, **fields})


class ShopWidget(Widget):
    """A shop's code → its key, all of them read at once."""

    def __init__(self) -> None:
        self.known = dict(Shop.objects.values_list("code", "pk"))

    def clean(self, value: Any, row: Any = None, **options: Any) -> int:
        return self.known[value]


class ScoreWidget(DecimalWidget):
    def clean(self, value: Any, row: Any = None, **options: Any) -> Any:
        return None if value == "none" else super().clean(value, row, **options)


class NoneYetWidget(Widget):
    def clean(self, value: Any, row: Any = None, **options: Any) -> bool:
        return value == "none"


class FlagWidget(Widget):
    def clean(self, value: Any, row: Any = None, **options: Any) -> bool | None:
        return {"1": True, "0": False, "": None}[value]


WIDGETS = {
    MetricType.AMOUNT: DecimalWidget,
    MetricType.COUNT: IntegerWidget,
    MetricType.SCORE: ScoreWidget,
    MetricType.RATE: DecimalWidget,
    MetricType.FLAG: FlagWidget,
}


def resource() -> ModelResource:
    fields = {
        "shop_id": Field("shop_id", "shop", ShopWidget()),
        "day": Field("day", "day", DateWidget("%Y-%m-%d")),
    }
    for key, metric in METRICS.items():
        fields[key] = Field(key, key, WIDGETS[metric.type]())
        if metric.knows_none_yet:
            fields[f"{key}_none"] = Field(f"{key}_none", key, NoneYetWidget())
    options = {
        "model": twin(),
        "fields": list(fields),
        "import_id_fields": ["shop_id", "day"],
        "use_bulk": True,
        "batch_size": 1000,
        "use_transactions": True,
        # Nobody asks whether the row is there already.
        "force_init_instance": True,
        "skip_diff": True,
        "report_skipped": False,
    }

    def before_save_instance(self: Any, instance: Any, row: Any, **kwargs: Any) -> None:
        instance.batch_id = 1

    body = {**fields, "Meta": type("Meta", (), options), "before_save_instance": before_save_instance}
    return type("TwinResource", (ModelResource,), body)()


def main() -> None:
    importer = resource()
    began = time.monotonic()
    with open(sys.argv[1], encoding="utf-8", newline="") as file:
        rows = tablib.Dataset().load(file, format="csv")
    result = importer.import_data(rows, raise_errors=True)
    seconds = time.monotonic() - began
    print(json.dumps({"rows": result.totals["new"], "seconds": seconds}))


if __name__ == "__main__":
    main()
