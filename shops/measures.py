"""What a penalty does, kind by kind: each effect stands beside its inverse, and each is safe twice."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from django.utils.formats import date_format
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from shops import enrollments, listings
from shops.errors import Refused
from shops.models import Enrollment, Measure

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class Effect(Protocol):
    def apply(self, measure: Measure, *, by: User | None, at: datetime) -> None: ...

    def undo(self, measure: Measure, *, by: User | None, at: datetime) -> None: ...

    def describe(self, measure: Measure) -> str: ...


class Clear:
    """The shop is put out of the penalty's alliance. Undone, it goes on with the opening it was in."""

    def apply(self, measure: Measure, *, by: User | None, at: datetime) -> None:
        if measure.applied_at is not None:
            return
        penalty = measure.penalty
        enrollment = Enrollment.objects.filter(shop=penalty.shop, alliance=penalty.alliance).first()
        if enrollment is None:
            raise Refused(
                _("%(shop)s is not in the alliance from which it would be cleared.") % {"shop": penalty.shop}
            )
        # The grounds of a penalty are the first four causes of a closing.
        measure.opening = enrollments.clear(enrollment, cause=penalty.ground, by=by, at=at)
        measure.applied_at = at
        measure.save_by(by, "applied")

    def undo(self, measure: Measure, *, by: User | None, at: datetime) -> None:
        if measure.applied_at is None or measure.undone_at is not None:
            return
        # First ended, then taken back: while it stands, it may itself be what keeps the shop out.
        measure.undone_at = at
        measure.save_by(by, "undone")
        assert measure.opening is not None
        enrollments.continue_opening(measure.opening, by=by, at=at)

    def describe(self, measure: Measure) -> str:
        if measure.opening is None:
            return _("Clear the shop from the alliance")
        facts = {
            "alliance": measure.opening.enrollment.alliance,
            "number": measure.opening.number,
        }
        if measure.undone_at is not None:
            return _("Cleared from %(alliance)s out of opening %(number)s, undone") % facts
        if measure.opening.closed_on is None:
            return _("Cleared from %(alliance)s out of opening %(number)s") % facts
        return _("Cleared from %(alliance)s out of opening %(number)s on %(day)s") % {
            **facts,
            "day": date_format(measure.opening.closed_on),
        }


class Warn:
    """The shop is told what it risks. Nothing else changes, so there is nothing to take back but the word."""

    def apply(self, measure: Measure, *, by: User | None, at: datetime) -> None:
        if measure.applied_at is None:
            measure.applied_at = at
            measure.save_by(by, "applied")

    def undo(self, measure: Measure, *, by: User | None, at: datetime) -> None:
        if measure.applied_at is not None and measure.undone_at is None:
            measure.undone_at = at
            measure.save_by(by, "undone")

    def describe(self, measure: Measure) -> str:
        return _("Warned, undone") if measure.undone_at is not None else _("Warned")


class Stop:
    """The penalty's product is promoted no more in its alliance, whatever files say of it.

    Several may stand at once: the product is stopped until the last is undone.
    """

    def apply(self, measure: Measure, *, by: User | None, at: datetime) -> None:
        if measure.applied_at is not None:
            return
        penalty = measure.penalty
        if penalty.product is None or penalty.alliance is None:
            raise Refused(_("A stop names the product and the alliance in which it is stopped."))
        listing = listings.of(penalty.product, penalty.alliance)
        listings.lock(listing)
        # Where the file repeats an earlier stop, what counts is what was before that.
        earlier = listings.stops().filter(listing=listing).order_by("pk").first()
        measure.listing = listing
        measure.state_before = earlier.state_before if earlier else listing.state
        measure.applied_at = at
        measure.save_by(by, "applied")

    def undo(self, measure: Measure, *, by: User | None, at: datetime) -> None:
        if measure.applied_at is None or measure.undone_at is not None:
            return
        assert measure.listing is not None
        listings.lock(measure.listing)
        measure.undone_at = at
        measure.save_by(by, "undone")
        listings.restore(measure.listing, measure.state_before, by=by, at=at)

    def describe(self, measure: Measure) -> str:
        if measure.listing is None or measure.applied_at is None:
            return _("Stop the product's promotion")
        facts = {
            "product": measure.listing.product,
            "alliance": measure.listing.alliance,
            "day": date_format(localdate(measure.applied_at)),
        }
        if measure.undone_at is not None:
            return _("Stopped %(product)s in %(alliance)s on %(day)s, undone") % facts
        return _("Stopped %(product)s in %(alliance)s on %(day)s") % facts


EFFECTS: dict[str, Effect] = {
    Measure.Kind.CLEAR: Clear(),
    Measure.Kind.WARNING: Warn(),
    Measure.Kind.STOP: Stop(),
}


def apply(measure: Measure, *, by: User | None, at: datetime) -> None:
    """Let the measure take effect. Refused where it can't."""
    EFFECTS[measure.kind].apply(measure, by=by, at=at)


def undo(measure: Measure, *, by: User | None, at: datetime) -> None:
    """End the measure and take its effect back, as far as nothing else stands in the way."""
    EFFECTS[measure.kind].undo(measure, by=by, at=at)


def describe(measure: Measure) -> str:
    """What the measure does, or did, in a line for people."""
    return EFFECTS[measure.kind].describe(measure)
