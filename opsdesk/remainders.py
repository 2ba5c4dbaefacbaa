"""What is not as before although it was taken back, and what stands although its ground has fallen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsdesk.models import Appeal
from shops import bars, listings, openings, standing
from shops import measures as effects
from shops.models import Measure, Opening, Penalty, Shop


@dataclass(frozen=True)
class Fallen:
    """What of a penalty was taken back and what was lessened, as {"measure": its key, "from", "to"}; what
    fell with it, and what has lost its ground by that and stands until somebody decides.
    """

    taken_back: list[Measure]
    lessened: list[dict[str, Any]]
    with_it: list[Penalty]
    left: list[Penalty]


class Why(TextChoices):
    """Why something is not as before."""

    GONE = "gone", gettext_lazy("the shop has closed by itself since")
    CLOSED = "closed", gettext_lazy("the shop is closed")
    STANDS = "stands", gettext_lazy("the same penalty, which stands, keeps the shop out")
    KEPT_OUT = "kept_out", gettext_lazy("something else keeps the shop out")
    STOPPED = "stopped", gettext_lazy("something else stops the product")
    SERVED = "served", gettext_lazy("for as long as it was in effect, nobody can undo it")
    PLATFORM = "platform", gettext_lazy("only the platform can give it back")
    HEARD = "heard", gettext_lazy("it rests on what is taken back, and an appeal against it is heard")
    RESTS = "rests", gettext_lazy("it rests on what is taken back, and stands until somebody decides")


def of(fallen: Fallen, at: datetime) -> list[dict[str, Any]]:
    """All of it, by keys: {"measure" or "penalty", "why"}."""
    taken_back = [one.pk for one in fallen.taken_back]
    undone = Measure.objects.filter(pk__in=taken_back) | Measure.objects.filter(penalty__in=fallen.with_it)
    related = ("penalty", "listing", "opening__enrollment__alliance", "opening__enrollment__shop")
    found: list[dict[str, Any]] = [
        {"measure": measure.pk, "why": why.value}
        for measure in undone.select_related(*related).order_by("pk")
        if (why := _why_not(measure, at)) is not None
    ]
    heard = set(Appeal.open_against(*fallen.left).values_list("penalty", flat=True))
    return found + [
        {"penalty": one.pk, "why": (Why.HEARD if one.pk in heard else Why.RESTS).value} for one in fallen.left
    ]


def told(entries: Iterable[dict[str, Any]]) -> list[str]:
    """The same in words, one by one; measures as they were before they were taken back."""
    entries = list(entries)
    related = ("penalty__shop", "alliance", "opening__enrollment__alliance", "listing__product")
    measures = Measure.objects.select_related(*related).in_bulk(
        [one["measure"] for one in entries if "measure" in one]
    )
    penalties = Penalty.objects.select_related("shop").in_bulk(
        [one["penalty"] for one in entries if "penalty" in one]
    )
    found = []
    for one in entries:
        if "penalty" in one:
            what = _("penalty %(number)s") % {"number": penalties[one["penalty"]]}
            shop = penalties[one["penalty"]].shop
        else:
            measure = measures[one["measure"]]
            measure.undone_at = None
            what, shop = effects.describe(measure), measure.penalty.shop
        named = {"shop": shop, "what": what, "why": Why(one["why"]).label}
        found.append(_("%(shop)s: %(what)s (%(why)s)") % named)
    return found


def _why_not(measure: Measure, at: datetime) -> Why | None:
    """Why a measure that was taken back at the moment has left a trace; None where it has left none."""
    if measure.kind == Measure.Kind.SCORE:
        return Why.PLATFORM
    if measure.kind in Measure.LASTING:
        ends = [moment for moment in (measure.lapsed_at, measure.ends_at) if moment is not None]
        return Why.SERVED if ends and min(ends) <= at else None
    if measure.listing is not None:
        return Why.STOPPED if listings.standing(measure.listing) == listings.Standing.STOPPED else None
    if measure.opening is None or openings.goes_on(measure.opening, at):
        return None
    enrollment, penalty = measure.opening.enrollment, Penalty.objects.filter(pk=measure.penalty_id)
    if measure.opening.cause == Opening.Cause.VOLUNTARY:
        return Why.GONE
    if standing.standing(enrollment.shop, at).status == Shop.Status.CLOSED:
        return Why.CLOSED
    keeps_out = bars.removing() | bars.barring(enrollment.alliance)
    return Why.STANDS if (penalty & keeps_out).exists() else Why.KEPT_OUT
