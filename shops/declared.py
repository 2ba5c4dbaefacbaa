"""The metrics that people have declared, as they stand in the database: no restart makes them known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal

from django.utils.functional import lazy

from shops.metrics import DECIMALS, Metric, MetricType
from shops.models import DeclaredMetric
from shops.texts import in_the_readers_language

# What was read already, where somebody wants it read once; empty until the first look.
_read: ContextVar[list[Mapping[str, Metric]] | None] = ContextVar("declared metrics", default=None)


def declared() -> Mapping[str, Metric]:
    """Each declared metric by its key, in order; those that are retired too."""
    kept = _read.get()
    if kept:
        return kept[0]
    found = {metric.key: _told(metric) for metric in DeclaredMetric.objects.order_by("key")}
    if kept is not None:
        kept.append(found)
    return found


@contextmanager
def read_once() -> Iterator[None]:
    """Within the block they are looked up no more than once, and not at all if nobody asks."""
    if _read.get() is not None:
        yield
        return
    token = _read.set([])
    try:
        yield
    finally:
        _read.reset(token)


def read_anew() -> None:
    """What was read before no longer counts: one of them has changed."""
    kept = _read.get()
    if kept is not None:
        kept.clear()


_told_lazily = lazy(in_the_readers_language, str)


def _told(metric: DeclaredMetric) -> Metric:
    kind = MetricType(metric.type)
    return Metric(
        metric.key,
        _told_lazily(metric.name_en, metric.name_zh),
        metric.name_zh,
        "%" if kind is MetricType.RATE else _told_lazily(metric.unit_en, metric.unit_zh),
        kind,
        decimals=DECIMALS[kind],
        minimum=_plain(metric.minimum),
        maximum=_plain(metric.maximum),
        knows_none_yet=metric.knows_none_yet,
        window_days=metric.window_days,
        source=metric.source,
        declared=True,
        retired_on=metric.retired_on,
    )


def _plain(bound: Decimal | None) -> Decimal | None:
    """Without the zeros that its column adds, as people read it."""
    return None if bound is None else Decimal(f"{bound.normalize():f}")
