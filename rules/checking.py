"""Ask about one shop, or about those that could not be judged. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import BooleanField, Case, CharField, F, Q, QuerySet, Value, When

from rules import evidence, sql
from rules.criteria import Criterion, Outcome
from rules.dictionaries import METRICS
from rules.evaluation import Evaluation
from rules.judging import acts, blocking, nobody, passes_all
from rules.models import RuleSet
from shops.declared import read_once
from shops.models import Alliance, Shop, ShopMetrics

# Further back than this, a shop without data has simply had none for long.
LOOKS_BACK = 60


@dataclass(frozen=True)
class Check:
    """What the rules of a day say of one shop. `state` is its enrollment's, empty where it has none."""

    shop: Shop
    evaluation: Evaluation
    state: str
    # Every admission rule passes, no clearance rule fails, and nothing else stands against it.
    admissible: bool
    admission_holds: bool
    clearance_holds: bool
    # It is in, not to be cleared, and a rule of warning or a clearance's band says so.
    warned: bool
    # Purpose → its rules by value; "warning" only where the alliance has such rules.
    rules: dict[str, list[dict[str, Any]]]

    def rule_set(self, purpose: str) -> RuleSet | None:
        """The version that was asked."""
        return {
            RuleSet.Purpose.ADMISSION.value: self.evaluation.admission,
            RuleSet.Purpose.CLEARANCE.value: self.evaluation.clearance,
            RuleSet.Purpose.WARNING.value: self.evaluation.warning,
        }[purpose]

    @property
    def against(self) -> list[dict[str, Any]]:
        """What keeps it out: admission rules that fail or can't be judged, clearance rules that fail."""
        kept_out = {RuleSet.Purpose.ADMISSION.value: {Outcome.FAILS.value, Outcome.NO_DATA.value}}
        if acts(self.evaluation.clearance):
            kept_out[RuleSet.Purpose.CLEARANCE.value] = {Outcome.FAILS.value}
        return [
            rule
            for purpose, outcomes in kept_out.items()
            for rule in self.rules[purpose]
            if rule["outcome"] in outcomes and not rule["advisory"]
        ]


def check(shop: Shop, alliance: Alliance, day: date) -> Check:
    """Evaluate `shop` by the rules in force on `day`, through the same expressions as the daily check."""
    evaluation = Evaluation(alliance, day)
    evaluation.refuse_without_rules()
    with transaction.atomic():
        evaluation.prepare()
        row = (
            evaluation.shops()
            .filter(pk=shop.pk)
            .values(
                state=F("en__state"),
                admitting=evidence.of(evaluation.admitting),
                clearing=evidence.of(evaluation.clearing),
                warning=evidence.of(evaluation.warning_criteria),
                admission_holds=_yes(passes_all(evaluation.admitting) if evaluation.admission else nobody()),
                clearance_fails=_yes(evaluation.to_clear()),
            )
            .get()
        )
        warned = evaluation.inside().filter(evaluation.to_warn(), pk=shop.pk).exists()
        admissible = evaluation.candidates().filter(evaluation.to_admit(), pk=shop.pk).exists()
    return Check(
        shop=shop,
        evaluation=evaluation,
        state=row["state"] or "",
        admissible=admissible,
        admission_holds=row["admission_holds"],
        clearance_holds=not row["clearance_fails"],
        warned=warned,
        rules={
            RuleSet.Purpose.ADMISSION.value: row["admitting"],
            RuleSet.Purpose.CLEARANCE.value: row["clearing"],
            **({RuleSet.Purpose.WARNING.value: row["warning"]} if evaluation.warning else {}),
        },
    )


def _yes(condition: Any) -> Case:
    return Case(When(condition, then=Value(True)), default=Value(False), output_field=BooleanField())


@dataclass(frozen=True)
class Unjudged:
    """A shop that a day's check could not judge, and what it lacked.

    `lacking`: keys of metrics, empty where the shop had no metrics at all. `last`: the newest earlier day on
    which it lacked none of them, as far as that can be told; `days`: for how many days it has lacked data.
    """

    shop_id: int
    code: str
    name: str
    inside: bool
    lacking: list[str]
    last: date | None = None
    days: int | None = None

    @property
    def dated(self) -> bool:
        """Whether the past of what it lacks is known: that of a derived fact is not."""
        return all(METRICS[key].column for key in self.lacking)


def without_data(alliance: Alliance, day: date, *, start: int, stop: int) -> tuple[int, list[Unjudged]]:
    """How many subjects of `day`'s check could not be judged, and those from `start` to `stop` by code.

    Nobody is let in or put out for it: somebody looks after the data.
    """
    with transaction.atomic():
        both = _all_unjudged(alliance, day)
        count = both.count()
        rows = list(both[start:stop])
    return count, _since_when([Unjudged(**row) for row in rows], day)


@dataclass(frozen=True)
class EveryUnjudged:
    """All subjects of `day`'s check that could not be judged, by code, as a list that goes out."""

    alliance: Alliance
    day: date

    def count(self) -> int:
        with transaction.atomic():
            return _all_unjudged(self.alliance, self.day).count()

    def iterator(self, chunk_size: int) -> Iterator[Unjudged]:
        """One by one; so many of them are in memory."""
        with transaction.atomic():
            rows = _all_unjudged(self.alliance, self.day).iterator(chunk_size=chunk_size)
            while some := list(islice(rows, chunk_size)):
                yield from _since_when([Unjudged(**row) for row in some], self.day)


def _all_unjudged(alliance: Alliance, day: date) -> QuerySet[Any, dict[str, Any]]:
    """Needs a transaction, for as long as it is read."""
    evaluation = Evaluation(alliance, day)
    evaluation.prepare()
    inside = _unjudged(evaluation.inside(), evaluation.judged_inside(), evaluation.clearing, inside=True)
    outside = _unjudged(
        evaluation.candidates(), evaluation.judged_candidates(), evaluation.admitting, inside=False
    )
    return inside.union(outside, all=True).order_by("code")


def _unjudged(
    shops: QuerySet[Any], judged: Case, criteria: list[Criterion], *, inside: bool
) -> QuerySet[Any, dict[str, Any]]:
    lacking = sql.TextArray(
        [
            Case(
                When(Q(m__day__isnull=False) & c.lacks_data(), then=Value(c.metric.key)),
                default=Value(None),
                output_field=CharField(),
            )
            for c in blocking(criteria)
        ]
    )
    return (
        shops.annotate(judged=judged, lacking=lacking)
        .filter(judged=Outcome.NO_DATA.value)
        .values("code", "name", "lacking", shop_id=F("pk"), inside=Value(inside, output_field=BooleanField()))
    )


def _since_when(rows: list[Unjudged], day: date) -> list[Unjudged]:
    """For how long already, of those on one page."""
    with read_once():
        metrics = {key: METRICS[key] for row in rows for key in row.lacking}
    columns = {key: metric.column for key, metric in metrics.items() if metric.column}
    in_rows = {name: told for metric in metrics.values() for name, told in metric.in_rows.items()}
    back = [day - timedelta(days=ago) for ago in range(1, LOOKS_BACK + 1)]
    known: dict[int, date] = {}
    by_shop = {row.shop_id: row for row in rows}
    earlier = ShopMetrics.objects.filter(shop__in=list(by_shop), day__in=back).order_by("day")
    for measured in earlier.annotate(**in_rows).values("shop_id", "day", *columns.values()):
        row = by_shop[measured["shop_id"]]
        if all(key not in columns or measured[columns[key]] is not None for key in row.lacking):
            known[row.shop_id] = measured["day"]
    return [
        replace(row, last=known[row.shop_id], days=(day - known[row.shop_id]).days)
        if row.shop_id in known and row.dated
        else row
        for row in rows
    ]
