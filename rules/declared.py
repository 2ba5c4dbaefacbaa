"""Declared metrics as expressions: their values stand under their keys in `extra` of a day's metrics."""

from __future__ import annotations

from typing import Any

from django.db.models import BooleanField, DecimalField, Expression, Field, IntegerField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce, NullIf
from django.db.models.lookups import Exact

from shops.metrics import Metric, MetricType

# How a score that is not given yet is kept.
NONE_YET = "none"


def read_as(metric: Metric) -> dict[str, Any]:
    """What makes a rule's metric of it: how shops have its value, and how rows of metrics do."""
    column, none_yet = f"declared_{metric.key}", f"none_yet_{metric.key}"
    in_rows, beside = {column: value_of(metric, "extra")}, {}
    if metric.knows_none_yet:
        in_rows[none_yet] = is_none_yet(metric, "extra")
        beside[none_yet] = is_none_yet(metric, "m__extra")
    return {
        "value": value_of(metric, "m__extra"),
        "none_yet": none_yet,
        "column": column,
        "in_rows": in_rows,
        "beside": beside,
        "retired_on": metric.retired_on,
    }


def value_of(metric: Metric, extra: str) -> Expression:
    """The value as its type compares it, read from the jsonb at the path `extra`; NULL: none."""
    text: Expression = KeyTextTransform(metric.key, extra)
    if metric.knows_none_yet:
        text = NullIf(text, Value(NONE_YET))
    return Cast(text, _field(metric))


def is_none_yet(metric: Metric, extra: str) -> Expression:
    """Whether the platform said that there is none yet."""
    return Coalesce(Exact(KeyTextTransform(metric.key, extra), Value(NONE_YET)), Value(False))


def _field(metric: Metric) -> Field:
    if metric.type is MetricType.FLAG:
        return BooleanField(null=True)
    if metric.type is MetricType.COUNT:
        return IntegerField(null=True)
    return DecimalField(max_digits=20, decimal_places=metric.decimals, null=True)
