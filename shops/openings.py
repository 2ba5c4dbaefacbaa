"""Openings that a wrongful clearance cut in two: the later part is void, and the earlier goes on."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from shops import bars
from shops.calendar import midnight
from shops.models import Closure, Enrollment, Opening

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def void_the_next(opening: Opening, *, by: User | None, at: datetime) -> bool:
    """Have the opening take over whatever became of the one after it, which is void and used none (R4).

    The shop stands where it stood, as if it had never been out; later openings move up by one. What closed
    the void one counts as having closed this. Needs the enrollment locked. False where none follows.
    """
    enrollment = opening.enrollment
    later = list(
        Opening.objects.select_for_update(no_key=True)
        .filter(enrollment=enrollment, number__gt=opening.number)
        .order_by("number")
    )
    if not later:
        return False
    void, *rest = later
    # Of the next, as it is about to be void, nothing is left but its beginning.
    opening.closed, opening.closed_on, opening.cause = void.closed, void.closed_on, void.cause
    void.closed, void.closed_on, void.cause = True, None, ""
    void.number, void.voided_at, void.part_of = None, at, opening
    void.save_by(by, "void: the clearance before it was wrong")
    opening.save_by(by, "continued in place of the next")
    for measure in void.measures.select_for_update(no_key=True).order_by("pk"):
        measure.opening = opening
        measure.save_by(by, "the opening it closed is part of an earlier one")
    for one in rest:
        assert one.number is not None
        one.number -= 1
        one.save_by(by, "an earlier opening is void")
    enrollment.openings_used -= 1
    enrollment.save_by(by, "an opening is void")
    return True


def end_what_was_wrongly_cleared(enrollment: Enrollment, *, by: User | None, reason: str) -> None:
    """Of a shop that closes: the opening whose clearance was taken back while something else kept it out is
    ended by itself, and not by that clearance (CL-2). Needs the enrollment locked.
    """
    last = Opening.objects.select_for_update(no_key=True).filter(
        bars.wrongly_cleared(),
        enrollment=enrollment,
        number=enrollment.openings_used,
        closed=True,
    )
    for opening in last:
        opening.cause = Opening.Cause.VOLUNTARY
        opening.save_by(by, reason)


def was_put_out(enrollment: Enrollment) -> bool:
    """Whether it was cleared out of its last opening, and did not end that itself."""
    last = Opening.objects.filter(enrollment=enrollment, number=enrollment.openings_used, closed=True)
    return last.exclude(cause=Opening.Cause.VOLUNTARY).exists()


def went_by_itself(opening: Opening) -> bool:
    """Whether the shop closed by itself while it was out of the opening (CL-2), before any later one."""
    if opening.closed_on is None:
        return False
    since = Closure.objects.filter(
        shop=opening.enrollment.shop_id, closed_at__gte=midnight(opening.closed_on)
    )
    later = Opening.objects.filter(enrollment=opening.enrollment_id, number__gt=opening.number)
    following = later.order_by("number").first()
    # It takes six months to return: who is let in again on the day has not closed on it before.
    if following is not None and following.opened_on is not None:
        since = since.filter(closed_at__lt=midnight(following.opened_on))
    return since.exists()


def goes_on(opening: Opening, at: datetime) -> bool:
    """Whether its clearance, taken back at the moment, left no trace: it is open, or a later one is void."""
    return not opening.closed or Opening.objects.filter(part_of=opening, voided_at=at).exists()
