"""What later imports have corrected in a shop's metrics: read for its page alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shops.metrics import METRICS
from shops.models import Correction, ImportBatch, Shop, ShopMetrics

# How many of the newest are shown.
SHOWN = 20


@dataclass(frozen=True)
class Corrected:
    """`figures`: metric, what stood before, what stood then. None of an import that was reversed since."""

    correction: Correction
    figures: list[tuple[str, object, object]]


def corrections_of(shop: Shop) -> list[Corrected]:
    """The newest corrections first. What one brought is what the next one replaced, or what stands."""
    found = list(
        Correction.objects.filter(shop=shop).select_related("batch__received_by").order_by("-id")[:SHOWN]
    )
    standing = ShopMetrics.objects.filter(shop=shop, day__in={correction.day for correction in found})
    then = {row.day: _figures(vars(row)) for row in standing}
    told = []
    for correction in found:
        before = _figures(correction.before)
        # Of a day that is kept no longer only what stood before is known.
        after = then.get(correction.day, dict.fromkeys(before))
        then[correction.day] = before
        is_gone = correction.batch.state == ImportBatch.State.REVERSED
        # A declared metric stands only where there is a value.
        pairs = [(key, before.get(key), after.get(key)) for key in {**before, **after}]
        changed = [] if is_gone else [pair for pair in pairs if str(pair[1]) != str(pair[2])]
        told.append(Corrected(correction, changed))
    return told


def _figures(values: Mapping[str, Any]) -> dict[str, object]:
    known = {key: "none" if values.get(f"{key}_none") else values[key] for key in METRICS}
    return {**known, **(values.get("extra") or {})}
