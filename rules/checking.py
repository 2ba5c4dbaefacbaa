"""Ask about one shop, or about whom and what could not be judged. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import BigIntegerField, Case, CharField, F, Q, QuerySet, Value, When
from django.db.models.functions import Cast

from rules import evidence, sql
from rules.criteria import Criterion, Outcome
from rules.dictionaries import metric_called
from rules.evaluation import Evaluation
from rules.judging import acts, blocking, nobody, passes_all, yes
from rules.models import RuleSet
from rules.products import ProductEvaluation, State
from shops.declared import read_once
from shops.models import Alliance, ProductMetrics, Shop, ShopMetrics

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
        evaluation.prepare(shops=[shop.pk])
        row = (
            evaluation.shops()
            .filter(pk=shop.pk)
            .values(
                state=F("en__state"),
                admitting=evidence.of(evaluation.admitting),
                clearing=evidence.of(evaluation.clearing),
                warning=evidence.of(evaluation.warning_criteria),
                admission_holds=yes(passes_all(evaluation.admitting) if evaluation.admission else nobody()),
                clearance_fails=yes(evaluation.to_clear()),
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


@dataclass(frozen=True)
class Unjudged:
    """A shop or a product that a day's check could not judge, and what it lacked.

    `product_id`: None where it is about the shop. `checked_for`: the purposes of the rules it was checked by.
    `lacking`: keys of metrics, empty where it had no metrics at all. `last`: the newest earlier day on
    which it lacked none of them, as far as that can be told; `days`: for how many days it has lacked data.
    """

    shop_id: int
    code: str
    name: str
    checked_for: list[str]
    lacking: list[str]
    product_id: int | None = None
    product_code: str = ""
    product_name: str = ""
    last: date | None = None
    days: int | None = None

    @property
    def dated(self) -> bool:
        """Whether the past of what it lacks is known: that of a derived fact is not."""
        return all(getattr(metric_called(key), "column", "") for key in self.lacking)


def without_data(alliance: Alliance, day: date, *, start: int, stop: int) -> tuple[int, list[Unjudged]]:
    """How many subjects of `day`'s check could not be judged, and those from `start` to `stop` by code.

    After a shop its products. Nobody is let in or put out for it: somebody looks after the data.
    """
    with transaction.atomic():
        everybody = _all_unjudged(alliance, day)
        count = everybody.count()
        rows = list(everybody[start:stop])
    return count, _since_when([_told(row) for row in rows], day)


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
                yield from _since_when([_told(row) for row in some], self.day)


def _all_unjudged(alliance: Alliance, day: date) -> QuerySet[Any, dict[str, Any]]:
    """Needs a transaction, for as long as it is read."""
    evaluation, products = Evaluation(alliance, day), ProductEvaluation(alliance, day)
    evaluation.prepare(*products.criteria)
    shop = {
        "of_shop": F("pk"),
        "shop_code": F("code"),
        "shop_name": F("name"),
        "of_product": Cast(Value(None), BigIntegerField()),
        "product_code": Value("", output_field=CharField()),
        "product_name": Value("", output_field=CharField()),
    }
    shops = [
        _unjudged(subjects.annotate(judged=judged), shop, [purpose], _lacking(criteria))
        for subjects, judged, purpose, criteria in (
            (
                evaluation.inside(),
                evaluation.judged_inside(),
                RuleSet.Purpose.CLEARANCE,
                evaluation.clearing,
            ),
            (
                evaluation.candidates(),
                evaluation.judged_candidates(),
                RuleSet.Purpose.ADMISSION,
                evaluation.admitting,
            ),
        )
    ]
    first, *others = [*shops, *_unjudged_products(products)]
    return first.union(*others, all=True).order_by("shop_code", "product_code")


def _unjudged_products(products: ProductEvaluation) -> Iterator[QuerySet[Any, dict[str, Any]]]:
    """By where they stand, for other rules speak of each. None where no rule speaks of them."""
    product = {
        "of_shop": F("product__shop_id"),
        "shop_code": F("product__shop__code"),
        "shop_name": F("product__shop__name"),
        "of_product": F("product_id"),
        "product_code": F("product__code"),
        "product_name": F("product__name"),
    }
    for standing in State.values:
        criteria = products.judging(standing)
        if not criteria:
            continue
        listed = products.checked().filter(standing=standing).annotate(judged=products.judged(standing))
        purposes = sorted({criterion.rule.rule_set.purpose for criterion in criteria})
        # Where every rule speaks of the product's own record, that is what it lacks.
        measured = any(metric.measured for criterion in blocking(criteria) for metric in criterion.metrics)
        yield _unjudged(listed, product, purposes, _lacking(criteria, only_measured=measured))


def _unjudged(
    subjects: QuerySet[Any], who: dict[str, Any], purposes: list[str], lacking: sql.TextArray
) -> QuerySet[Any, dict[str, Any]]:
    return subjects.filter(judged=Outcome.NO_DATA.value).values(
        **who,
        judged_by=sql.TextArray([Value(purpose, output_field=CharField()) for purpose in purposes]),
        lacks=lacking,
    )


def _lacking(criteria: list[Criterion], *, only_measured: bool = True) -> sql.TextArray:
    """The metrics for want of which rules could not be judged. `only_measured`: of those with metrics."""
    measured = Q(m__day__isnull=False) if only_measured else Q()
    return sql.TextArray(
        [
            Case(
                When(measured & criterion.lacks_data() & missing, then=Value(key)),
                default=Value(None),
                output_field=CharField(),
            )
            for criterion in blocking(criteria)
            for key, missing in criterion.wanting()
        ]
    )


def _told(row: dict[str, Any]) -> Unjudged:
    return Unjudged(
        shop_id=row["of_shop"],
        code=row["shop_code"],
        name=row["shop_name"],
        checked_for=row["judged_by"],
        # Several rules may want the same.
        lacking=list(dict.fromkeys(row["lacks"])),
        product_id=row["of_product"],
        product_code=row["product_code"],
        product_name=row["product_name"],
    )


def _since_when(rows: list[Unjudged], day: date) -> list[Unjudged]:
    """For how long already, of those on one page."""
    shops = _last_known([row for row in rows if row.product_id is None], ShopMetrics, "shop_id", day)
    products = _last_known([row for row in rows if row.product_id], ProductMetrics, "product_id", day)
    lasts = [
        shops.get(row.shop_id) if row.product_id is None else products.get(row.product_id) for row in rows
    ]
    return [
        replace(row, last=last, days=(day - last).days) if last is not None and row.dated else row
        for row, last in zip(rows, lasts, strict=True)
    ]


def _last_known(
    rows: list[Unjudged], model: type[ShopMetrics | ProductMetrics], whose: str, day: date
) -> dict[int, date]:
    """The newest day before `day` on which each had all that it lacks."""
    with read_once():
        metrics = {key: metric_called(key) for row in rows for key in row.lacking}
    known_metrics = [metric for metric in metrics.values() if metric is not None]
    columns = {metric.key: metric.column for metric in known_metrics if metric.column}
    in_rows = {name: told for metric in known_metrics for name, told in metric.in_rows.items()}
    back = [day - timedelta(days=ago) for ago in range(1, LOOKS_BACK + 1)]
    known: dict[int, date] = {}
    by_subject = {getattr(row, whose): row for row in rows}
    earlier = model.objects.filter(**{f"{whose}__in": list(by_subject)}, day__in=back).order_by("day")
    for measured in earlier.annotate(**in_rows).values(whose, "day", *columns.values()):
        row = by_subject[measured[whose]]
        if all(key not in columns or measured[columns[key]] is not None for key in row.lacking):
            known[measured[whose]] = measured["day"]
    return known
