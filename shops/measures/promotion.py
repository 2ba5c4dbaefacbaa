"""Measures over promotion: a shop is cleared from an alliance, a product is stopped in one."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.formats import date_format
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from shops import bars, enrollments, listings, standing
from shops.errors import Refused
from shops.measures.effect import Effect
from shops.models import Alliance, Enrollment, Measure, Opening, Penalty, Shop

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class Clear(Effect):
    """The shop is put out of an alliance. Undone, it goes on with the opening it was in.

    Where another opening has followed since, that one is void. It does not while something else keeps it
    out: once that ends as well, `continue_what_nothing_keeps` has it go on.
    """

    def needs(self, measure: Measure) -> list[str]:
        return [] if measure.alliance or measure.penalty.alliance else ["alliance"]

    def prepare(self, measure: Measure, *, by: User | None, at: datetime) -> None:
        penalty = measure.penalty
        measure.alliance = measure.alliance or penalty.alliance
        enrollment = Enrollment.objects.filter(shop=penalty.shop, alliance=measure.alliance).first()
        if enrollment is None:
            raise Refused(
                _("%(shop)s is not in the alliance from which it would be cleared.") % {"shop": penalty.shop}
            )
        # The grounds of a penalty are the first four causes of a closing.
        measure.opening = enrollments.clear(enrollment, cause=penalty.ground, by=by, at=at)

    def take_back(self, measure: Measure, *, by: User | None, at: datetime) -> None:
        assert measure.opening is not None
        enrollments.continue_opening(measure.opening, by=by, at=at)

    def will(self, measure: Measure) -> str:
        alliance = measure.alliance or measure.penalty.alliance
        if alliance is None:
            return _("Clear the shop from the alliance")
        return _("Clear the shop from %(alliance)s") % {"alliance": alliance}

    def did(self, measure: Measure) -> str:
        assert measure.opening is not None
        facts = {
            "alliance": measure.opening.enrollment.alliance,
            "number": measure.opening.number,
        }
        if measure.opening.closed_on is None:
            return _("Cleared from %(alliance)s out of opening %(number)s") % facts
        return _("Cleared from %(alliance)s out of opening %(number)s on %(day)s") % {
            **facts,
            "day": date_format(measure.opening.closed_on),
        }


def continue_what_nothing_keeps(shop: Shop, *, by: User | None, at: datetime) -> None:
    """Have the shop go on where its last clearance was taken back while something else kept it out.

    To be called where that may have ended. What still is kept out stays so.
    """
    for opening in _taken_back().filter(enrollment__shop=shop).order_by("pk"):
        enrollments.continue_opening(opening, by=by, at=at)


def could_go_on(at: datetime) -> QuerySet[Shop]:
    """Shops of which a clearance was taken back while something else kept them out that does so no longer:
    their platform has opened them again, which a file says and no verb. Not while a penalty of theirs is
    stayed: it may bar them again.
    """
    free = Q(pk__in=[])
    for alliance in Alliance.objects.all():
        free |= Q(enrollment__alliance=alliance) & ~Q(enrollment__shop__in=bars.barred_shops(alliance))
    waiting = Shop.objects.filter(
        ~Exists(Penalty.objects.filter(shop=OuterRef("pk"), stayed_at__isnull=False)),
        pk__in=_taken_back().filter(free).values("enrollment__shop"),
    )
    return standing.with_standing(waiting, at).exclude(standing=Shop.Status.CLOSED).order_by("pk")


def _taken_back() -> QuerySet[Opening]:
    """Last openings whose clearance was taken back, and which did not go on."""
    return Opening.objects.filter(
        bars.wrongly_cleared(),
        enrollment__openings_used=F("number"),
        enrollment__state__in=[Enrollment.State.CLEARED, Enrollment.State.APPLIED],
        closed=True,
    ).exclude(cause=Opening.Cause.VOLUNTARY)


class Stop(Effect):
    """The penalty's product is promoted no more in its alliance, whatever files say of it.

    Several may stand at once: the product is stopped until the last is undone.
    """

    def needs(self, measure: Measure) -> list[str]:
        penalty = measure.penalty
        return [name for name in ("product", "alliance") if getattr(penalty, name) is None]

    def prepare(self, measure: Measure, *, by: User | None, at: datetime) -> None:
        penalty = measure.penalty
        assert penalty.product is not None and penalty.alliance is not None
        listing = listings.of(penalty.product, penalty.alliance)
        listings.lock(listing)
        # Where the file repeats an earlier stop, what counts is what was before that.
        earlier = listings.stops().filter(listing=listing).order_by("pk").first()
        measure.listing = listing
        measure.state_before = earlier.state_before if earlier else listing.state
        measure.resumed_before = earlier.resumed_before if earlier else listing.resumed_at

    def take_back(self, measure: Measure, *, by: User | None, at: datetime) -> None:
        listings.restore(measure, by=by, at=at)

    def will(self, measure: Measure) -> str:
        return _("Stop the product's promotion")

    def did(self, measure: Measure) -> str:
        assert measure.listing is not None and measure.applied_at is not None
        return _("Stopped %(product)s in %(alliance)s on %(day)s") % {
            "product": measure.listing.product,
            "alliance": measure.listing.alliance,
            "day": date_format(localdate(measure.applied_at)),
        }
