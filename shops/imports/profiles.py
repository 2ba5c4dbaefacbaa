"""What a day's metrics look like as a whole: how many rows, each metric's median and what is missing.

Leaves in the transaction's `import_sample` the lines of the plan that are looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from shops import sql
from shops.declared import declared
from shops.imports.declared_columns import of_declared
from shops.imports.planning import Plan
from shops.metrics import METRICS, Metric, MetricType
from shops.models import DayProfile, ImportBatch, ShopMetrics

# A day with more rows is known by a sample of about as many: exact medians would cost more than the import.
ENOUGH = 20_000


def profiles_of(plan: Plan) -> list[DayProfile]:
    """The profile of each day as it will stand, unsaved and without its import; the newest day last.

    Only shops' days have profiles: of a file of another kind there are none.
    """
    if not plan.days or plan.staged.table.kind != ImportBatch.Kind.METRICS:
        return []
    standing_rows = "SELECT day, count(*) FROM shops_shopmetrics WHERE day = ANY(%s) GROUP BY day"
    stand = dict(sql.fetch(standing_rows, [list(plan.days)]))
    rows = {day: stand.get(day, 0) + created for day, created in plan.days.items()}
    step = step_of(max(rows.values(), default=0))
    sql.execute("DROP TABLE IF EXISTS pg_temp.import_sample")
    sql.execute(
        "CREATE TEMP TABLE import_sample ON COMMIT DROP AS SELECT * FROM import_plan WHERE shop_id %% %s = 0",
        [step],
    )
    brought = {figure.name for figure in plan.figures}
    metrics = _metrics()
    new = ", ".join(value for metric in metrics for value in _columns(metric, brought).values())
    # Beside the rows of the file those that stand already.
    sample = (
        f"SELECT p.day, {new} FROM import_sample p LEFT JOIN LATERAL {standing('p.day')} m ON true"
        f" UNION ALL {_standing(metrics)}"
        "  AND NOT EXISTS (SELECT FROM import_sample p WHERE p.day = m.day AND p.shop_id = m.shop_id)"
    )
    return _profiles(rows, sample, step, metrics)


def profile_of(day: date) -> DayProfile:
    """The profile of a day as it stands, unsaved and without its import."""
    rows = ShopMetrics.objects.filter(day=day).count()
    metrics = _metrics()
    [profile] = _profiles({day: rows}, _standing(metrics), step_of(rows), metrics)
    return profile


def _metrics() -> list[Metric]:
    return [*METRICS.values(), *(metric for metric in declared().values() if metric.retired_on is None)]


def _name(metric: Metric) -> str:
    """What statements call it."""
    return of_declared(metric).cell if metric.declared else metric.key


def _columns(metric: Metric, brought: Collection[str] = ()) -> dict[str, str]:
    """The sample's columns for it, as expressions over the row `m` that stands, or the plan's line `p` that
    has what is `brought`.
    """
    name = _name(metric)
    row = "p" if name in brought else "m"
    if not metric.declared:
        none = {f"{name}_none": f"{row}.{name}_none"} if metric.knows_none_yet else {}
        return {name: f"{row}.{name}", **none}
    text = f"p.{name} #>> '{{}}'" if row == "p" else f"m.extra ->> '{metric.key}'"
    kind = "boolean" if metric.type is MetricType.FLAG else "numeric"
    none = {f"{name}_none": f"({text}) = 'none'"} if metric.knows_none_yet else {}
    return {name: f"nullif({text}, 'none')::{kind}", **none}


def _standing(metrics: Sequence[Metric]) -> str:
    """The rows that stand on these days, of every so manieth shop."""
    values = ", ".join(value for metric in metrics for value in _columns(metric).values())
    return f"SELECT m.day, {values} FROM shops_shopmetrics m WHERE m.day = ANY(%s) AND m.shop_id %% %s = 0"


def _profiles(
    rows: Mapping[date, int], sample: str, step: int, metrics: Sequence[Metric]
) -> list[DayProfile]:
    """One statement over all days, for a file may bring a year of them."""
    aggregates = ", ".join(_aggregates(metric) for metric in metrics)
    columns = ", ".join(name for metric in metrics for name in _columns(metric))
    lines = ", ".join(
        f"('{metric.key}', {name}_median, {name}_missing, {name}_none_yet, {name}_alike)"
        for metric, name in zip(metrics, map(_name, metrics), strict=True)
    )
    found = sql.fetch(
        f"WITH sample (day, {columns}) AS ({sample}),"
        f" days AS (SELECT day, {aggregates} FROM sample GROUP BY day)"
        " SELECT day, line.* FROM days,"
        f" LATERAL (VALUES {lines}) line (key, median, missing, none_yet, alike)",
        [list(rows), step],
    )
    figures: dict[date, dict[str, Any]] = {day: {} for day in rows}
    for day, key, median, missing, none_yet, alike in found:
        figures[day][key] = {"median": median, "missing": missing, "none_yet": none_yet, "alike": alike}
    return [DayProfile(day=day, rows=count, figures=figures[day]) for day, count in rows.items()]


def standing(day: str) -> str:
    """What stands on a day for the shop of a line `p`: looked up one by one, which for a sample is faster."""
    return f"(SELECT * FROM shops_shopmetrics m WHERE m.day = {day} AND m.shop_id = p.shop_id OFFSET 0)"


def step_of(rows: int) -> int:
    """Every how many shops one is looked at, where a day has so many rows."""
    return max(1, rows // ENOUGH)


def _aggregates(metric: Metric) -> str:
    key = _name(metric)
    # A new row has nothing in a column that its file does not bring.
    not_yet = f"coalesce({key}_none, false)" if metric.knows_none_yet else "false"
    number = metric.type is not MetricType.FLAG
    median = f"percentile_disc(0.5) WITHIN GROUP (ORDER BY {key})::text" if number else "NULL::text"
    alike = f"count({key}) > 0 AND min({key}) = max({key})" if number else "false"
    return (
        f"{median} AS {key}_median,"
        f" round(avg(({key} IS NULL AND NOT {not_yet})::integer), 4)::float AS {key}_missing,"
        f" round(avg({not_yet}::integer), 4)::float AS {key}_none_yet, {alike} AS {key}_alike"
    )
