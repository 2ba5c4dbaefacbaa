"""What a shop's page says of its standing: what stands against it, until when, its points, what bars it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from shops import accounts, bars, controllers, measures, points, standing, topups
from shops.calendar import midnight
from shops.models import Alliance, Enrollment, Measure, Penalty, Shop

PENALTIES_SHOWN = 20


def standing_of(shop: Shop, at: datetime) -> dict[str, Any]:
    """Everything about it, for the moment."""
    stands = standing.standing(shop, at)
    day = accounts.measured_day(localdate(at))
    balance, required = accounts.balance_of(shop), accounts.required_for(shop, day=day)
    return {
        "status": stands.status,
        "label": stands.status.label,
        "suspended_until": stands.suspended_until,
        "restrictions": [measures.describe(measure) for measure in stands.restrictions],
        "closure": stands.closure,
        "penalties": _penalties(shop, at),
        "points": _points(shop, at),
        "bars": _bars(shop, at),
        "balance": balance,
        "required": required.due,
        # Where that is more, or all there is: DP-4.
        "with_a_withdrawal": required.later if required.later != required.due else None,
        "lacking": required.lacking(balance),
        "owed": topups.open_of(shop),
        "today": localdate(at),
    }


def _penalties(shop: Shop, at: datetime) -> list[tuple[Penalty, list[str], datetime | None]]:
    """Standing penalties, each with what of it is in effect or was done, what is stayed of it, and until when
    it stands.
    """
    imposed = Penalty.objects.filter(shop=shop, status=Penalty.Status.IMPOSED)
    found = list(
        imposed.select_related("violation", "product")
        .prefetch_related("measures")
        .order_by("-pk")[:PENALTIES_SHOWN]
    )
    related = (
        "penalty",
        "alliance",
        "opening__enrollment__alliance",
        "listing__product",
        "listing__alliance",
    )
    told: dict[int, list[str]] = {penalty.pk: [] for penalty in found}
    active = Measure.objects.active(at).filter(penalty__in=told).select_related(*related)
    for measure in active.prefetch_related("deposit_entries", "top_ups").order_by("pk"):
        state = measures.state_of(measure, at)
        stayed = f" · {state.label}" if state == measures.State.STAYED else ""
        told[measure.penalty_id].append(f"{measures.describe(measure)}{stayed}")
    for penalty in found:
        if penalty.is_the_platforms:
            told[penalty.pk].append(
                _("Imposed by the platform: what else it does there the desk is not told.")
            )
    # Of its own the platform need not say what the points alone tell.
    return [
        (penalty, told[penalty.pk], penalty.ends_at or measures.ends_at(_left(penalty))) for penalty in found
    ]


def _left(penalty: Penalty) -> list[Measure]:
    return [measure for measure in penalty.measures.all() if measure.undone_at is None]


def _points(shop: Shop, at: datetime) -> list[tuple[str, int, Any]]:
    """Standing points by where they count, with the threshold that they have reached."""
    totals = points.standing_by_place(shop, at)
    alliances = Alliance.objects.in_bulk([pk for pk in totals if pk is not None])
    return [
        (
            str(alliances[pk]) if pk is not None else _("the platform"),
            total,
            points.threshold_reached(total, alliances.get(pk) if pk is not None else None),
        )
        for pk, total in sorted(totals.items(), key=lambda row: row[0] or 0)
    ]


def _bars(shop: Shop, at: datetime) -> list[tuple[str, datetime | None]]:
    """What keeps the shop out, and until when; None: no moment ends it by itself."""
    found: list[tuple[str, datetime | None]] = []
    if bars.told_barred_for_ever(shop):
        found.append((_("every alliance, for ever (CL-1)"), None))
    if shop.status == Shop.Status.CLOSED and shop.closed_cause != Shop.ClosedCause.VIOLATION:
        back = standing.returns_from(shop)
        rules = "CL-2" if shop.closed_cause else "DF-A2, WS-A1"
        told = _("every alliance, as it is closed on its platform (%(rules)s)") % {"rules": rules}
        found.append((told, midnight(back) if back else None))
    enrollments = Enrollment.objects.filter(shop=shop).select_related("alliance").order_by("alliance")
    for enrollment in enrollments:
        where = {"alliance": enrollment.alliance}
        if bars.barring(enrollment.alliance).filter(shop=shop).exists():
            told = _("%(alliance)s, while a penalty stands (R5)") % where
            found.append((told, bars.barred_until(enrollment)))
        cool = bars.cools_until(enrollment)
        if enrollment.state != Enrollment.State.OPEN and cool is not None and at < midnight(cool):
            found.append((_("%(alliance)s, as it was cleared lately (R5)") % where, midnight(cool)))
    for other in controllers.cases_barring(shop).select_related("shop")[:5]:
        case = {"case": other.case_number, "shop": other.shop}
        found.append((_("every alliance, for case %(case)s of %(shop)s (R6)") % case, None))
    return found
