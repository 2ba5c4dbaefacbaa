"""What waits for people: reads alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Case, DateField, Max, QuerySet, Sum, Value, When
from django.utils import timezone

from rules.dictionaries import METRICS
from rules.models import Proposal, Rule, Sweep
from shops import enrollments, listings
from shops.metrics import PRODUCT_METRICS
from shops.models import (
    Enrollment,
    Penalty,
    Product,
    ProductMetrics,
    Qualification,
    Shop,
    ShopMetrics,
)

CODES_AT_ONCE = 500
DAYS_SHOWN = 30
# What is imported of a product each day, and what is derived from that (WS-O3).
OF_PRODUCTS = frozenset({*PRODUCT_METRICS, "quality_refund_rate"})


def last_swept_days() -> dict[int, date]:
    """Alliance id → the newest day that a finished check has looked at."""
    done = Sweep.objects.filter(status=Sweep.Status.DONE)
    return {pk: day for pk, day in done.order_by().values_list("alliance").annotate(Max("day")) if day}


def proposals(queryset: QuerySet[Proposal] | None = None) -> QuerySet[Proposal]:
    """Proposals as the list shows them: each with `last_swept`, and without its evidence."""
    swept = [When(alliance=alliance, then=Value(day)) for alliance, day in last_swept_days().items()]
    rows = Proposal.objects.all() if queryset is None else queryset
    return (
        rows.select_related("shop", "alliance", "product")
        .defer("evidence")
        .annotate(last_swept=Case(*swept, default=Value(None), output_field=DateField()))
    )


def days_failing(proposal: Proposal) -> int | None:
    """Days in a row up to the last check; for a closed one up to its end. None for an admission."""
    if proposal.failing_since is None:
        return None
    last = getattr(proposal, "last_swept", None) or proposal.day
    if proposal.closed_at is not None:
        last = min(last, timezone.localdate(proposal.closed_at))
    return max((last - proposal.failing_since).days + 1, 1)


def days_failing_of(proposal: Proposal) -> int | None:
    """The same for a proposal that was not read through `proposals`."""
    last = Sweep.objects.filter(status=Sweep.Status.DONE, alliance=proposal.alliance_id).aggregate(Max("day"))
    # What `proposals` annotates; the model does not know of it.
    proposal.last_swept = last["day__max"]  # type: ignore[attr-defined]
    return days_failing(proposal)


def codes_in(text: str) -> list[str]:
    """Shop codes as people paste them: one a line, or with commas between; at most CODES_AT_ONCE."""
    found = dict.fromkeys(code for code in re.split(r"[\s\0,;，；、]+", text) if code)
    return list(found)[:CODES_AT_ONCE]


def unknown_codes(codes: list[str]) -> list[str]:
    """Those that no shop has."""
    known = set(Shop.objects.filter(code__in=codes).values_list("code", flat=True))
    return [code for code in codes if code not in known]


@dataclass(frozen=True)
class JudgedRule:
    """One rule of a proposal's evidence, with its words as they stand in the version it was judged by."""

    entry: dict[str, Any]
    rule: Rule | None


def judged_rules(record: Proposal | Penalty) -> list[JudgedRule]:
    """What the evidence says of every rule, those that failed first."""
    evidence = record.evidence
    versions = [version["id"] for version in evidence.get("rule_sets", [])]
    rules = {
        (rule.rule_set.purpose, rule.code): rule
        for rule in Rule.objects.filter(rule_set__in=versions).select_related("rule_set")
    }
    order = {"fails": 0, "no_data": 1}
    entries = sorted(evidence.get("rules", []), key=lambda entry: order.get(entry["outcome"], 2))
    return [JudgedRule(entry, rules.get((entry["purpose"], entry["code"]))) for entry in entries]


def metric_history(proposal: Proposal) -> list[tuple[date, float | None]]:
    """The metric that failed on each of the last days up to the proposal's; empty where none is imported."""
    return course_of(proposal, _last_days(proposal))


def course_of(proposal: Proposal, days: list[date]) -> list[tuple[date, float | None]]:
    """The metric that failed, of the shop or the product, on each of the days; empty where none is imported,
    or nothing is known of any.
    """
    # The days by name: the keys are (day, shop) and (day, product).
    if proposal.product_id is not None:
        if proposal.lead_metric not in OF_PRODUCTS:
            return []
        rows = ProductMetrics.objects.filter(product=proposal.product_id, day__in=days)
        return _day_by_day(days, {row.day: getattr(row, proposal.lead_metric) for row in rows})
    metric = METRICS.get(proposal.lead_metric)
    if metric is None or not metric.column or not metric.kind.numeric:
        return []
    of_the_shop = ShopMetrics.objects.filter(shop=proposal.shop_id, day__in=days).annotate(**metric.in_rows)
    return _day_by_day(days, dict(of_the_shop.values_list("day", metric.column)))


@dataclass(frozen=True)
class ObservedSales:
    """Of which products a shop is warned (WS-O2): what each sold on the day, and what all of them did on the
    days before. `more` were not named.
    """

    products: list[dict[str, Any]]
    most: Decimal
    more: int
    history: list[tuple[date, float | None]]


def observed_sales(proposal: Proposal) -> ObservedSales | None:
    """None where the warning is not about products."""
    named = proposal.evidence.get("products")
    if not named:
        return None
    pks = dict(Product.objects.filter(code__in=[entry["code"] for entry in named]).values_list("code", "pk"))
    products = [
        {**entry, "pk": pks.get(entry["code"]), "sales": _amount(entry.get("sales"))} for entry in named
    ]
    days = _last_days(proposal)
    sold = ProductMetrics.objects.filter(day__in=days, product__in=pks.values())
    return ObservedSales(
        products=products,
        most=max((entry["sales"] for entry in products if entry["sales"] is not None), default=Decimal(0)),
        more=proposal.evidence.get("more_products") or 0,
        history=_day_by_day(days, dict(sold.values_list("day").annotate(Sum("sales_amount")))),
    )


def _amount(text: object) -> Decimal | None:
    return None if text in (None, "") else Decimal(str(text))


def _last_days(proposal: Proposal) -> list[date]:
    return [proposal.day - timedelta(days=ago) for ago in reversed(range(DAYS_SHOWN))]


def _day_by_day(days: list[date], known: Mapping[date, Any]) -> list[tuple[date, float | None]]:
    """What is known of each day; empty where nothing is of any."""
    found = [(day, None if known.get(day) is None else float(known[day])) for day in days]
    return found if any(value is not None for _day, value in found) else []


def open_about(product: Product) -> QuerySet[Proposal]:
    """What is proposed about the product and not decided yet."""
    return proposals(Proposal.objects.filter(product=product, status__in=Proposal.UNDECIDED))


def open_for(case: Penalty) -> Proposal | None:
    """What is proposed for a case that was reported, and not decided yet."""
    return Proposal.objects.filter(
        case=case, kind=Proposal.Kind.PENALISE, status__in=Proposal.UNDECIDED
    ).first()


def _concerned(proposal: Proposal) -> QuerySet[Enrollment]:
    """The shop's enrollment in the proposal's alliance; of the platform as a whole, all that it has."""
    found = Enrollment.objects.filter(shop=proposal.shop).order_by("alliance")
    return found.filter(alliance=proposal.alliance_id) if proposal.alliance_id else found


def case_of(proposal: Proposal) -> dict[str, Any]:
    """What an operator looks at before deciding, beside the proposal itself."""
    shop, product = proposal.shop, proposal.product
    of_the_same = Proposal.objects.filter(product=product) if product else Proposal.objects.filter(shop=shop)
    return {
        "judged": judged_rules(proposal),
        "history": metric_history(proposal),
        "enrollments": enrollments.with_openings(_concerned(proposal)),
        "papers": Qualification.objects.filter(shop=shop).order_by("kind", "brand", "-received_at")[:20],
        "penalties": Penalty.objects.filter(shop=shop).select_related("alliance", "violation", "product")[
            :20
        ],
        "earlier": of_the_same.exclude(pk=proposal.pk)
        .select_related("alliance", "product", "decision")
        .defer("evidence")[:20],
        "listing": listings.with_standing(product.listings.filter(alliance=proposal.alliance_id)).first()
        if product
        else None,
        "observed_sales": observed_sales(proposal),
        "siblings": Shop.objects.filter(controller=shop.controller_id).exclude(pk=shop.pk).count()
        if shop.controller_id
        else 0,
    }
