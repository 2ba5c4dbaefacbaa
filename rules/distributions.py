"""How figures of shops or products are spread, for thresholds to be drawn into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from rules.criteria import Criterion
from rules.evaluation import Evaluation
from rules.metrics import Kind, RuleMetric
from rules.models import Rule, RuleSet
from rules.products import ProductEvaluation
from shops import sql

# Into so many bars the scale of a score or a rate is cut.
BARS = 50
# What has no end is cut at 1, 2 and 5 of each magnitude.
MAGNITUDES = range(9)


def of_shops(purpose: str, sides: Mapping[str, Evaluation]) -> list[dict[str, Any]]:
    """How each imported number that the rules of a purpose speak of is spread, with both thresholds."""
    draft = sides["draft"]
    return _spread(
        "shops",
        draft.candidates() if purpose == RuleSet.Purpose.ADMISSION else draft.inside(),
        {
            side: [criterion for criterion in evaluation.of_purpose(purpose) if criterion.metric.column]
            for side, evaluation in sides.items()
        },
    )


def of_products(purpose: str, sides: Mapping[str, ProductEvaluation]) -> list[dict[str, Any]]:
    """The same of products, for the rules of a purpose: also of the refund rate and the price."""
    draft = sides["draft"]
    return _spread(
        "products",
        draft.checked().filter(standing__in=draft.CONCERNED[purpose]),
        {side: evaluation.of_purpose(purpose) for side, evaluation in sides.items()},
    )


def _spread(
    subjects: str, population: QuerySet[Any], criteria: Mapping[str, Sequence[Criterion]]
) -> list[dict[str, Any]]:
    metrics = {
        criterion.metric.key: criterion.metric
        for compared in criteria.values()
        for criterion in compared
        if criterion.metric.kind.numeric
    }
    if not metrics:
        return []
    edges = {key: _edges(metric) for key, metric in metrics.items()}
    counts = _counts(population, metrics, edges)
    return [
        {
            "metric": key,
            "edges": [str(edge) for edge in edges[key]],
            subjects: bars,
            "missing": missing,
            **{
                side: [
                    {"code": c.rule.code, "operator": c.rule.operator, "at": at}
                    for c in compared
                    if c.metric.key == key and c.rule.operator != Rule.Operator.IN
                    for at in (c.rule.value, c.rule.upper)
                    if at
                ]
                for side, compared in criteria.items()
            },
        }
        for key, (bars, missing) in counts.items()
    ]


def _edges(metric: RuleMetric) -> list[Decimal]:
    if metric.kind in (Kind.MONEY, Kind.COUNT):
        return [Decimal(0), *(Decimal(step) * 10**power for power in MAGNITUDES for step in (1, 2, 5))]
    bottom, top = metric.minimum or Decimal(0), metric.maximum or Decimal(0)
    return [bottom + (top - bottom) * bar / BARS for bar in range(BARS + 1)]


def _counts(
    subjects: QuerySet[Any], metrics: Mapping[str, RuleMetric], edges: Mapping[str, Sequence[Decimal]]
) -> dict[str, tuple[list[int], int]]:
    """Metric → how many subjects lie from each edge to the next, and how many have no value."""
    values = {f"spread_{number}": metrics[key].value for number, key in enumerate(edges)}
    query, params = subjects.annotate(**values).values_list(*values).query.sql_with_params()
    names = [f"v{number}" for number in range(len(edges))]
    buckets = ", ".join(
        f"width_bucket({name}, ARRAY[{', '.join(map(str, of_metric))}]::numeric[]) AS {name}"
        for name, of_metric in zip(names, edges.values(), strict=True)
    )
    found = sql.fetch(
        f"SELECT grouping({', '.join(names)}), {', '.join(names)}, count(*)"
        f" FROM (SELECT {buckets} FROM ({query}) shops ({', '.join(names)})) bars"
        f" GROUP BY GROUPING SETS ({', '.join(f'({name})' for name in names)})",
        params,
    )
    told = {key: ([0] * len(of_metric), 0) for key, of_metric in edges.items()}
    everything = (1 << len(names)) - 1
    for grouped, *bars, count in found:
        # The one bit that is not set is that of the metric.
        number = len(names) - (everything ^ grouped).bit_length()
        key = list(edges)[number]
        bar = bars[number]
        counted, missing = told[key]
        if bar is None:
            told[key] = (counted, missing + count)
        else:
            counted[max(bar, 1) - 1] += count
    return told
