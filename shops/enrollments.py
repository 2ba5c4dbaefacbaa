"""A shop's way in and out of an alliance: apply, admit, clear, leave, and a clearance taken back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.utils.formats import date_format
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from shops import bars, controllers, openings, standing
from shops.calendar import midnight
from shops.errors import Refused
from shops.models import Enrollment, Opening, Shop
from shops.rights import require
from shops.texts import told_moment

if TYPE_CHECKING:
    from django.contrib.auth.models import User

RECORD = "shops.record_enrollment"


def with_openings(enrollments: QuerySet[Enrollment]) -> QuerySet[Enrollment]:
    """As pages show them: each with its alliance and its openings, by their number."""
    by_number = Prefetch("openings", Opening.objects.order_by("number"))
    return enrollments.select_related("alliance").prefetch_related(by_number)


def lock(enrollment: Enrollment) -> None:
    """Hold the shop's row, then the enrollment's, until the transaction ends; the latter is read afresh.

    Not FOR UPDATE: a check that files for thousands of shops holds a key share on each of their rows,
    and decisions don't have to wait for that.
    """
    Shop.objects.select_for_update(no_key=True).get(pk=enrollment.shop_id)
    enrollment.refresh_from_db(from_queryset=Enrollment.objects.select_for_update(no_key=True))


@transaction.atomic
def apply(enrollment: Enrollment, *, by: User | None, at: datetime, reason: str = "") -> None:
    """The shop asks to be let in (again): R18 needs it for every opening but the first.

    Refused when the shop is in already or has already asked.
    """
    require(by, RECORD)
    lock(enrollment)
    if enrollment.state == Enrollment.State.OPEN:
        raise Refused(_already_open(enrollment))
    closure = standing.standing(enrollment.shop, at).closure
    if closure is not None:
        raise Refused(standing.told_closed_by_itself(closure))
    if enrollment.state == Enrollment.State.APPLIED:
        raise Refused(_("%(shop)s has already applied to %(alliance)s.") % _names(enrollment))
    enrollment.state = Enrollment.State.APPLIED
    enrollment.save_by(by, reason or "applied")


def refusals_to_admit(enrollment: Enrollment, day: date, at: datetime | None = None) -> Iterator[str]:
    """Why nobody could let the shop in on `day`, whatever it measures, by which rule and until when; nothing
    where nothing stands in the way. `at`: at what moment of it, by default at its end.

    It is in, was in before and has not applied again (R18), is of a category that the alliance doesn't serve
    (R22), is closed, is barred (R5, CL-1), was cleared too lately, or has used up its openings (DF-A12, R4).
    """
    shop, alliance, State = enrollment.shop, enrollment.alliance, Enrollment.State
    names = _names(enrollment)
    if enrollment.state == State.OPEN:
        yield _already_open(enrollment)
        return
    if enrollment.openings_used and enrollment.state != State.APPLIED:
        yield _("%(shop)s was in %(alliance)s before: it comes back only once it has applied (R18).") % names
    if alliance.category_not_served and shop.category == alliance.category_not_served:
        yield _("%(alliance)s does not serve the category %(category)s (R22).") % {
            **names,
            "category": shop.category,
        }
    if barred := bars.told_barred_for_ever(shop):
        yield barred
    stands = standing.standing(shop, at or midnight(day + timedelta(days=1)))
    if closed := standing.told_closed_on_its_platform(shop):
        yield closed
    if stands.closure is not None:
        yield standing.told_closed_by_itself(stands.closure)
    if resumes := stands.suspended_until:
        yield _("%(shop)s is suspended until %(resumes)s (CL-3).") % {
            **names,
            "resumes": told_moment(resumes),
        }
    if ends := bars.barred_until(enrollment):
        yield _("%(shop)s is barred from %(alliance)s until %(until)s, while a penalty stands (R5).") % {
            **names,
            "until": told_moment(ends),
        }
    elif bars.barring(alliance).filter(shop=shop).exists():
        yield _("%(shop)s is barred from %(alliance)s while a penalty stands (R5).") % names
    if controllers.cases_barring(shop).exists():
        yield _("Another shop of the controller of %(shop)s bars it from every alliance (R6).") % names
    if (back := bars.cools_until(enrollment)) and day < back:
        yield _(
            "%(shop)s was cleared on %(cleared)s: %(alliance)s takes it back from %(back)s on, after %(days)s"
            " days out (R5)."
        ) % {
            **names,
            "cleared": date_format(back - timedelta(days=alliance.cool_down_days)),
            "back": date_format(back),
            "days": alliance.cool_down_days,
        }
    if alliance.openings_limit is not None and enrollment.openings_used >= alliance.openings_limit:
        yield _("%(shop)s has used all %(limit)s openings in %(alliance)s (DF-A12).") % {
            **names,
            "limit": alliance.openings_limit,
        }


@transaction.atomic
def admit(enrollment: Enrollment, *, by: User | None, at: datetime) -> Opening:
    """Let the shop in: the next opening begins, on the local day of `at`.

    Refused for the first of `refusals_to_admit`.
    """
    lock(enrollment)
    if refusal := next(refusals_to_admit(enrollment, localdate(at), at), None):
        raise Refused(refusal)
    number = enrollment.openings_used + 1
    opening = Opening(enrollment=enrollment, number=number, opened_on=localdate(at))
    opening.save_by(by, "admitted")
    enrollment.state = Enrollment.State.OPEN
    enrollment.openings_used = number
    enrollment.save_by(by, "admitted")
    return opening


@transaction.atomic
def clear(enrollment: Enrollment, *, cause: str, by: User | None, at: datetime) -> Opening:
    """Put the shop out: the open opening ends, on the local day of `at`, and is returned.

    `cause` is an Opening.Cause. Refused when the shop is not in.
    """
    lock(enrollment)
    if enrollment.state != Enrollment.State.OPEN:
        raise Refused(_not_open(enrollment))
    opening = _close(enrollment, cause=cause, by=by, at=at, reason="cleared")
    enrollment.state = Enrollment.State.CLEARED
    enrollment.save_by(by, "cleared")
    return opening


@transaction.atomic
def leave(enrollment: Enrollment, *, by: User | None, at: datetime, reason: str = "") -> None:
    """The shop goes by itself, or takes its application back: one that was cleared stands as cleared again.
    No wait follows (CL-2).

    Refused when it is neither in nor has applied.
    """
    require(by, RECORD)
    lock(enrollment)
    if enrollment.state == Enrollment.State.OPEN:
        _close(enrollment, cause=Opening.Cause.VOLUNTARY, by=by, at=at, reason=reason or "left")
        enrollment.state = Enrollment.State.LEFT
    elif enrollment.state == Enrollment.State.APPLIED:
        put_out = openings.was_put_out(enrollment)
        enrollment.state = Enrollment.State.CLEARED if put_out else Enrollment.State.LEFT
    else:
        raise Refused(_not_open(enrollment))
    enrollment.save_by(by, reason or "left")


@transaction.atomic
def continue_opening(opening: Opening, *, by: User | None, at: datetime) -> bool:
    """Take a clearance back: the same opening goes on, and no further one is used (R4). A later one is void.

    False where it stays out: closed, kept out otherwise, or gone by itself, which then ended it (CL-2).
    """
    enrollment = opening.enrollment
    lock(enrollment)
    opening.refresh_from_db(from_queryset=Opening.objects.select_for_update(no_key=True))
    if openings.went_by_itself(opening):
        opening.cause = Opening.Cause.VOLUNTARY
        opening.save_by(by, "closed by itself since")
        return False
    # Having come in again since, the shop stands where it stands, in the earlier opening.
    if openings.void_the_next(opening, by=by, at=at):
        return True
    if (
        enrollment.state not in (Enrollment.State.CLEARED, Enrollment.State.APPLIED)
        or bars.told_barred_for_ever(enrollment.shop)
        or bars.barring(enrollment.alliance).filter(shop=enrollment.shop_id).exists()
        or standing.standing(enrollment.shop, at).status == Shop.Status.CLOSED
    ):
        return False
    opening.closed, opening.closed_on, opening.cause = False, None, ""
    opening.save_by(by, "continued")
    enrollment.state = Enrollment.State.OPEN
    enrollment.save_by(by, "opening continued")
    return True


def _close(enrollment: Enrollment, *, cause: str, by: User | None, at: datetime, reason: str) -> Opening:
    opening = enrollment.openings.select_for_update(no_key=True).get(closed=False)
    opening.closed, opening.closed_on, opening.cause = True, localdate(at), cause
    opening.save_by(by, reason)
    return opening


def _already_open(enrollment: Enrollment) -> str:
    return _("%(shop)s is already open in %(alliance)s.") % _names(enrollment)


def _not_open(enrollment: Enrollment) -> str:
    return _("%(shop)s is not open in %(alliance)s.") % _names(enrollment)


def _names(enrollment: Enrollment) -> dict[str, Any]:
    return {"shop": enrollment.shop, "alliance": enrollment.alliance}
