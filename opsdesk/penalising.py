"""What the desk does to a shop beyond proposals: each changes a fact, and what follows from it is filed.

The verbs are those of shops; here they meet what the rules make of it at once: a threshold of points, the
controller's other shops, proposals that fit the shop no longer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from opsdesk import execution, following, notices, resting, review, voiding
from opsdesk.models import ON_APPEAL, Appeal, Decision, Execution
from opsdesk.remainders import Fallen
from rules import casework
from rules.models import Proposal
from shops import catalogue, closing, enrollments, penalties
from shops import measures as effects
from shops.errors import Refused
from shops.locks import lock, lock_standing
from shops.models import Alliance, Closure, Enrollment, Ground, Measure, Penalty, Product, Shop, Violation
from shops.rights import require

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# Why an accepted proposal was, where a penalty was worded on its own page.
_REASONS = {"case": "violation", "points": "points_reached"}


@transaction.atomic
def impose(
    *,
    shop: Shop,
    violation: Violation,
    measures: Iterable[Measure],
    reason: str,
    by: User | None,
    at: datetime,
    key: str,
    alliance: Alliance | None = None,
    product: Product | None = None,
    evidence: str = "",
) -> Penalty:
    """Impose a penalty under a violation. `key` makes it one.

    Refused where penalties.impose is, and for other points than the catalogue gives.
    """
    require(by, "shops.impose_penalty")
    measures = list(measures)
    lock_standing(shop)
    violation = catalogue.hold(violation)
    if not (key and Penalty.objects.filter(key=key).exists()):
        catalogue.refuse_other_points(violation, shop, measures, at=at)
    penalty = penalties.impose(
        shop=shop,
        ground=Ground.VIOLATION,
        violation=violation,
        alliance=alliance,
        product=product,
        measures=measures,
        reason=reason,
        evidence={"statement": evidence} if evidence else {},
        by=by,
        at=at,
        key=key,
    )
    execution.ask_for_penalty(penalty)
    notices.write(penalty, by=by, at=at)
    casework.file_from_facts(at=at, by=by, shops=[shop])
    return penalty


def accept(
    proposal: Proposal,
    *,
    measures: Iterable[Measure],
    reason: str,
    by: User | None,
    at: datetime,
    evidence: str = "",
) -> Decision:
    """Accept a proposal to penalise, by measures that somebody has chosen. Refused where review.accept is."""
    return review.accept(
        proposal.pk,
        by=by,
        reason=_REASONS["points" if proposal.case_id is None else "case"],
        note=reason,
        at=at,
        measures=measures,
        evidence={"statement": evidence} if evidence else None,
    )


@transaction.atomic
def lift(penalty: Penalty, *, by: User | None, at: datetime, reason: str) -> None:
    """End a rightful penalty; what the platform keeps up of it is to be ended there. Refused where
    penalties.lift is.
    """
    _then_file(penalty.shop, penalties.lift, penalty, by=by, at=at, reason=reason)
    following.follow([penalty.shop_id], by=by, at=at)


@transaction.atomic
def overturn(penalty: Penalty, *, by: User | None, at: datetime, reason: str) -> Fallen:
    """Declare a penalty wrong: all that it did is undone, and what rested on it falls with it, also on the
    controller's other shops (R6). Refused where penalties.overturn is, for the words with which rulings do
    it, and while an appeal is heard: whoever had a part in the decision has none in that.
    """
    _refuse_while_appealed(penalty)
    if reason.strip() == ON_APPEAL:
        raise Refused(
            _("“%(reason)s” is what a ruling says: give a reason of your own.") % {"reason": reason}
        )
    return voiding.overturn(penalty, by=by, at=at, reason=reason)


@transaction.atomic
def undo_measures(
    penalty: Penalty, measures: Sequence[Measure], *, by: User | None, at: datetime, reason: str
) -> Fallen:
    """Take a part of a penalty back. Refused where penalties.undo_measures and `overturn` are."""
    _refuse_while_appealed(penalty)
    return voiding.undo_measures(penalty, measures, by=by, at=at, reason=reason)


@transaction.atomic
def keep(penalty: Penalty, *, by: User | None, at: datetime, reason: str) -> None:
    """Decide that a penalty is right although its ground has fallen: nobody has to decide about it any more.

    Refused without a reason, while its ground stands, while an appeal is heard, and to whoever imposed or
    approved it.
    """
    require(by, "shops.overturn_penalty")
    _refuse_while_appealed(penalty)
    lock(penalty)
    if not resting.lost_ground(penalty):
        raise Refused(_("Nothing on which penalty %(penalty)s rests has fallen.") % {"penalty": penalty})
    if by is not None and by.pk in (penalty.imposed_by_id, penalty.approved_by_id):
        raise Refused(_("Whether it is right all the same decides somebody who had no part in it."))
    if not reason.strip():
        raise Refused(_("Say why it is right all the same."))
    penalty.kept_at = at
    penalty.save_by(by, f"kept: {reason}")


def leave(enrollment: Enrollment, *, by: User | None, at: datetime, reason: str) -> None:
    """The shop goes by itself from an alliance. Refused where enrollments.leave is."""
    _then_file(enrollment.shop, enrollments.leave, enrollment, by=by, at=at, reason=reason)


def close(shop: Shop, *, by: User | None, at: datetime, reason: str) -> Closure:
    """The shop closes by itself (CL-2). Refused where closing.close is."""
    closure: Closure = _then_file(shop, closing.close, shop, by=by, at=at, reason=reason)
    return closure


def come_back(shop: Shop, *, by: User | None, at: datetime, reason: str) -> Closure:
    """A shop that closed by itself trades again. Refused where closing.come_back is."""
    closure: Closure = _then_file(shop, closing.come_back, shop, by=by, at=at, reason=reason)
    return closure


def run_timers(at: datetime) -> int:
    """End what has come to its date, have shops go on whose platform has opened them again, and file what
    follows from that and from what files have brought; how many penalties ended something. Raises once all is
    done where a penalty could not end.
    """
    try:
        return penalties.run_timers(at)
    finally:
        over = [Penalty.Status.EXPIRED, Penalty.Status.LIFTED]
        ran_out = Execution.objects.filter(penalty__status__in=over)
        with transaction.atomic():
            following.call_off_what_is_over(ran_out, by=None)
        for shop in effects.could_go_on(at):
            _then_file(shop, _go_on, shop, by=None, at=at)
        casework.file_from_facts(at=at)


def _go_on(shop: Shop, *, by: User | None, at: datetime) -> None:
    lock_standing(shop)
    effects.continue_what_nothing_keeps(shop, by=by, at=at)


def heard(penalty: Penalty) -> Appeal | None:
    """The open appeal against it: until it ends, nobody but its judge takes anything of the penalty back."""
    return Appeal.open_against(penalty).first()


def _refuse_while_appealed(penalty: Penalty) -> None:
    # Whoever files an appeal holds the shop as well: it is seen here, or waits for what is done.
    voiding.lock(penalty)
    if (appeal := heard(penalty)) is not None:
        raise Refused(_("Appeal %(number)s is heard: its judge decides.") % {"number": appeal.number})


@transaction.atomic
def _then_file(
    shop: Shop, verb: Callable[..., Any], *args: Any, by: User | None, at: datetime, **values: Any
) -> Any:
    done = verb(*args, by=by, at=at, **values)
    casework.file_from_facts(at=at, by=by, shops=[shop])
    return done
