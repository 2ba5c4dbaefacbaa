"""What is no error and yet looks wrong: half the rows, a column all equal, yesterday's file again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from shops import holds, sql
from shops.declared import declared
from shops.imports.planning import Plan
from shops.imports.profiles import standing
from shops.metrics import METRICS, MetricType
from shops.models import DayProfile, ImportBatch
from shops.texts import in_the_readers_language

# How many shops or cases are named.
NAMED = 5
# Fewer rows say nothing about what is usual.
ENOUGH_ROWS = 20
# What is usual: so many profiles before the day, none older than so many days.
LOOKED_AT, LOOKS_BACK = 7, 14
# How many of a file's days are looked at, the newest first.
JUDGED_DAYS = 7
# People are asked below this share of the usual rows, beyond this change of a median, this much more missing.
FEW, JUMP, MORE_MISSING = 0.5, Decimal("0.2"), 0.5
# So much like the day before that it must be the same file.
THE_SAME = 0.99

MESSAGES: dict[str, Promise] = {
    "few_rows": _("%(day)s would have %(rows)s rows; lately a day had about %(usual)s."),
    "all_alike": _("%(day)s: %(metric)s is %(value)s for every shop."),
    "same_as_before": _("%(day)s repeats the figures of %(before)s: yesterday's file under another date?"),
    "median_jumped": _("%(day)s: the median of %(metric)s is %(now)s; lately it was about %(usual)s."),
    "mostly_missing": _(
        "%(day)s: %(metric)s is missing for %(missing)s %% of the shops; lately for %(usual)s %%."
    ),
    "held_refunds": _(
        "Refunds of deposits that something holds: %(rows)s, of the shops %(shops)s. What holds them:"
        " %(what)s."
    ),
    "required_refunds": _(
        "Refunds that leave less in the deposit than is required: %(rows)s, of the shops %(shops)s."
    ),
    "imposed_here": _(
        "Rows that look like penalties that were imposed here, of the same shop and violation and within"
        " %(days)s days: %(rows)s. The cases are %(cases)s. Record the platform's number on a case's page"
        " where it is the same one: otherwise it counts twice."
    ),
    "changed_meanwhile": _(
        "What stands has changed since this was shown: what would be written is another. Look again."
    ),
}


@dataclass(frozen=True)
class Suspicion:
    """A code with parameters, told in the reader's language."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def message(self) -> str:
        params = dict(self.params)
        key = params.get("metric", "")
        if metric := METRICS.get(key) or (declared().get(key) if key else None):
            params["metric"] = in_the_readers_language(metric.name, metric.name_zh)
        if "held_by" in params:
            params["what"] = holds.told(params["held_by"])
        return str(MESSAGES[self.code]) % params

    def as_record(self) -> dict[str, Any]:
        """How ImportBatch.suspicions keeps it."""
        return {"code": self.code, "params": dict(self.params)}

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Suspicion:
        return cls(record["code"], record["params"])


def names_of(found: Sequence[str]) -> str:
    """The first of the shops or cases that were found, of which one more than are named tells of others."""
    return ", ".join([*found[:NAMED], "…"] if len(found) > NAMED else found)


def suspicions_of(plan: Plan, profiles: Sequence[DayProfile]) -> list[Suspicion]:
    """What looks wrong with the days of a file, each held against those before it."""
    found: list[Suspicion] = []
    for number, profile in list(enumerate(profiles))[-JUDGED_DAYS:]:
        # A file's own earlier days tell what is usual as well.
        before = sorted([*profiles[:number], *_usual(profile.day)], key=lambda other: other.day, reverse=True)
        found += _of_day(plan, profile, before[:LOOKED_AT])
    return found


def _usual(day: date) -> list[DayProfile]:
    """The newest profile of each of the days before."""
    earlier = DayProfile.objects.filter(
        batch__state=ImportBatch.State.APPLIED, day__lt=day, day__gte=day - timedelta(days=LOOKS_BACK)
    )
    return list(earlier.order_by("-day", "-id").distinct("day")[:LOOKED_AT])


def _of_day(plan: Plan, profile: DayProfile, before: Sequence[DayProfile]) -> Iterator[Suspicion]:
    day = profile.day.isoformat()
    usual_rows = median([other.rows for other in before]) if before else 0
    if usual_rows >= ENOUGH_ROWS and profile.rows < usual_rows * FEW:
        yield Suspicion("few_rows", {"day": day, "rows": profile.rows, "usual": round(usual_rows)})
    if profile.rows < ENOUGH_ROWS:
        return
    if before and _repeats(plan, profile, before[0].day):
        yield Suspicion("same_as_before", {"day": day, "before": before[0].day.isoformat()})
    for key, metric in {**METRICS, **declared()}.items():
        figures = profile.figures.get(key)
        if figures is None or metric.type is MetricType.FLAG:
            continue
        past = [other.figures[key] for other in before if key in other.figures and other.rows >= ENOUGH_ROWS]
        names = {"day": day, "metric": key}
        values = profile.rows * (1 - figures["missing"] - figures["none_yet"])
        if figures["alike"] and values >= ENOUGH_ROWS and not (past and past[0]["alike"]):
            yield Suspicion("all_alike", {**names, "value": figures["median"]})
        medians = [Decimal(other["median"]) for other in past if other["median"] is not None]
        if medians and figures["median"] is not None:
            usual, now = median(medians), Decimal(figures["median"])
            if abs(now - usual) > JUMP * abs(usual):
                yield Suspicion("median_jumped", {**names, "now": str(now), "usual": f"{usual:f}"})
        if past:
            usually = median(other["missing"] for other in past)
            if figures["missing"] - usually > MORE_MISSING:
                missing = {"missing": round(figures["missing"] * 100), "usual": round(usually * 100)}
                yield Suspicion("mostly_missing", {**names, **missing})


def _repeats(plan: Plan, profile: DayProfile, before: date) -> bool:
    """Whether the file's figures of the day are those of the day before, with hardly an exception."""
    numbers = [
        figure.name
        for figure in plan.figures
        if figure.column in METRICS and METRICS[figure.column].type is not MetricType.FLAG
    ]
    if not numbers:
        return False
    same = " AND ".join(f"m.{name} IS NOT DISTINCT FROM p.{name}" for name in numbers)
    # The day before may be the file's own: it does not stand yet.
    earlier = (
        "JOIN import_sample m ON m.shop_id = p.shop_id AND m.day = %s"
        if before in plan.days
        else f"CROSS JOIN LATERAL {standing('%s')} m"
    )
    [(compared, alike)] = sql.fetch(
        f"SELECT count(*), count(*) FILTER (WHERE {same}) FROM import_sample p {earlier} WHERE p.day = %s",
        [before, profile.day],
    )
    return bool(compared >= ENOUGH_ROWS and alike >= compared * THE_SAME)
