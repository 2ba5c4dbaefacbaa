"""A shop's own way out and back: it leaves alliances, closes by itself, and returns (CL-1, CL-2)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from shops import bars, enrollments, openings, standing
from shops.calendar import midnight
from shops.errors import Refused
from shops.locks import lock_standing
from shops.models import Closure, Enrollment, Shop
from shops.rights import require

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@transaction.atomic
def close(shop: Shop, *, by: User | None, at: datetime, reason: str = "") -> Closure:
    """The shop stops trading and closes by itself: it leaves every alliance, and may return in six months.

    Its deposit is the ledger's business: what is free of it can be refunded. Refused when it is closed.
    """
    require(by, enrollments.RECORD)
    lock_standing(shop)
    shop.refresh_from_db()
    if standing.standing(shop, at).status == Shop.Status.CLOSED:
        raise Refused(_("%(shop)s is closed already.") % {"shop": shop})
    for enrollment in Enrollment.objects.filter(shop=shop).order_by("pk"):
        _go(enrollment, by=by, at=at)
    closure = Closure(
        shop=shop, closed_at=at, return_from=standing.return_day(localdate(at)), reason=reason.strip()
    )
    closure.save_by(by, "closed by itself")
    return closure


@transaction.atomic
def come_back(shop: Shop, *, by: User | None, at: datetime, reason: str = "") -> Closure:
    """A shop that closed by itself trades again. It applies to alliances like every other.

    Refused where it is barred for ever (CL-1), when the desk has recorded no closing (one that its platform
    reports ends in its files alone), and within six months of it (CL-2).
    """
    require(by, enrollments.RECORD)
    lock_standing(shop)
    if barred := bars.told_barred_for_ever(shop):
        raise Refused(barred)
    closure = Closure.objects.filter(shop=shop, returned_at=None).first()
    if closure is None:
        raise Refused(
            standing.told_closed_on_its_platform(shop)
            or _("%(shop)s has not closed by itself: there is nothing to return from.") % {"shop": shop}
        )
    if at < midnight(closure.return_from):
        raise Refused(standing.told_closed_by_itself(closure))
    closure.returned_at = at
    closure.save_by(by, reason.strip() or "returned")
    return closure


def _go(enrollment: Enrollment, *, by: User | None, at: datetime) -> None:
    """Wherever the shop stands, also put out: it comes back by applying (CL-2, R18)."""
    reason = "closed by itself"
    enrollments.lock(enrollment)
    openings.end_what_was_wrongly_cleared(enrollment, by=by, reason=reason)
    if enrollment.state == Enrollment.State.OPEN:
        enrollments.leave(enrollment, by=by, at=at, reason=reason)
    elif enrollment.state in (Enrollment.State.APPLIED, Enrollment.State.CLEARED):
        enrollment.state = Enrollment.State.LEFT
        enrollment.save_by(by, reason)
