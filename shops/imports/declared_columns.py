"""The columns of metrics that people have declared: read like the others, kept by key in `extra`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date

from django.utils.translation import override

from shops.imports.columns import Column, Type, of_metric
from shops.imports.staged_cells import share_of
from shops.metrics import Metric, MetricType


@dataclass(frozen=True)
class DeclaredColumn(Column):
    """From `retired_on` on no figures are taken."""

    retired_on: date | None = None

    @property
    def cell(self) -> str:
        """People choose keys, and some of them mean something in SQL."""
        return f"declared_{self.name}"

    @property
    def standing(self) -> str:
        """What stands in the row `m` of the day's metrics, as jsonb."""
        return f"(m.extra -> '{self.name}')"

    def values(self, staged: str) -> dict[str, str]:
        """Its value as jsonb: a flag as one, a count as a number, a score that is not given yet as "none".

        Other numbers are texts with all their decimals, so that what is equal is the same.
        """
        cell = f"{staged}.{self.cell}"
        if self.type is Type.FLAG:
            return {self.cell: f"to_jsonb({cell})"}
        if not self.decimals:
            return {self.cell: f"to_jsonb({cell}::integer)"}
        number = share_of(cell) if self.type is Type.RATE else cell
        text = f"round({number}, {self.decimals})::text"
        if self.type is Type.SCORE:
            text = f"CASE WHEN {cell} = 'NaN' THEN 'none' ELSE {text} END"
        return {self.cell: f"to_jsonb({text})"}


def of_declared(metric: Metric) -> DeclaredColumn:
    """The column that brings it, under its key or either name."""
    with override("en"):
        column = of_metric(metric, (str(metric.name),))
    # Only a score that may be missing yet takes a word for a number.
    if metric.type is MetricType.SCORE and not metric.knows_none_yet:
        column = replace(column, type=Type.NUMBER)
    told = {field.name: getattr(column, field.name) for field in fields(column)}
    return DeclaredColumn(**told, retired_on=metric.retired_on)


def takes(column: Column, day: date | None = None) -> bool:
    """Whether figures of the day, or of any day to come, are taken in that column."""
    if not isinstance(column, DeclaredColumn) or column.retired_on is None:
        return True
    return day is not None and day < column.retired_on


def keys_of(columns: Sequence[Column]) -> list[str]:
    """The declared metrics among them."""
    return [column.name for column in columns if isinstance(column, DeclaredColumn)]


def kept_in_extra(keys: Sequence[str], row: str, standing: str = "") -> str:
    """What is to stand in `extra` once these are as the planned row `row` says, and all else is as it stands.

    What has no data is not kept.
    """
    pairs = ", ".join(f"'{key}', {row}.declared_{key}" for key in keys)
    before = f"{standing} || " if standing else ""
    return f"jsonb_strip_nulls({before}jsonb_build_object({pairs}))"
