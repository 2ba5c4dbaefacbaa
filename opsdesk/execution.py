"""What the platform has done of what was decided, and of what was taken back since."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from opsdesk.models import Decision
from opsdesk.reasons import NOT_UNDONE
from rules.models import Proposal
from shops import listings
from shops import measures as effects
from shops.errors import Refused
from shops.models import Enrollment, Measure, Penalty
from shops.rights import require

if TYPE_CHECKING:
    from django.contrib.auth.models import User

EXECUTE = "opsdesk.record_execution"

State = Decision.Execution
# What the platform keeps up once it has done it: taken back here, it is to be undone there.
KEPT_THERE = Measure.LASTING | {Measure.Kind.CLEAR, Measure.Kind.STOP, Measure.Kind.CLOSE}


@transaction.atomic
def record(
    decision_id: int,
    *,
    outcome: str,
    by: User | None,
    on: date | None = None,
    reference: str = "",
    note: str = "",
) -> Decision:
    """Record whether the platform has done what was decided: "done" on a day, or "failed" with a note; of
    what is to be undone there, whether it has undone it.

    A failure can be followed by another try. Refused for a rejected proposal, for what is done, undone or
    called off already, without the day, or without the reason of a failure.
    """
    require(by, EXECUTE)
    decision = Decision.objects.select_for_update(no_key=True).get(pk=decision_id)
    if refusal := _over(decision):
        raise Refused(refusal)
    if outcome not in (State.DONE, State.FAILED):
        raise Refused(_("What the platform did is either done or failed."))
    if outcome == State.DONE and on is None:
        raise Refused(_("Say on which day it was done."))
    if outcome == State.FAILED and not note.strip():
        raise Refused(_("Say why it failed."))
    decision.executed_by, decision.execution_note = by, note.strip()
    if decision.execution == State.TO_UNDO and outcome == State.FAILED:
        # It is still as it was done, and still to be undone.
        decision.save_by(by, NOT_UNDONE)
        return decision
    decision.execution = State.UNDONE if decision.execution == State.TO_UNDO else State(outcome)
    decision.executed_on, decision.execution_reference = on, reference.strip()
    decision.save_by(by, decision.execution)
    return decision


def follow(shops: QuerySet[Any], *, by: User | None, at: datetime) -> None:
    """Once a penalty of these shops, by their keys, or a part of one, was taken back at that moment: what the
    platform has still to do of its decision is called off, and what it has done is to be undone there.

    Where more than a warning is left of the penalty, the rest is still to be done. Needs the shops locked
    (voiding.lock).
    """
    just_now = Measure.objects.filter(penalty=OuterRef("proposal__penalty"), undone_at=at)
    fallen = Q(proposal__penalty__status=Penalty.Status.OVERTURNED, proposal__penalty__ended_at=at)
    held = Decision.objects.select_for_update(no_key=True, of=("self",)).filter(
        fallen | Exists(just_now.filter(kind__in=KEPT_THERE)), proposal__shop__in=shops
    )
    for decision in held.select_related("proposal__penalty").order_by("pk"):
        assert decision.proposal.penalty is not None
        follows = _follows(State(decision.execution), decision.proposal.penalty)
        if follows != decision.execution:
            decision.execution = follows
            decision.save_by(by, follows)


def is_overturned(decision: Decision) -> bool:
    """Whether the penalty that came of it was overturned, on an appeal or by hand."""
    penalty = decision.proposal.penalty
    return penalty is not None and _fell(penalty)


def taken_back(decision: Decision) -> list[str]:
    """What of its penalty was taken back, in words, and where the shop stays out or the product stopped all
    the same, as something else keeps it.
    """
    penalty = decision.proposal.penalty
    # A product that is promoted again needs its stop no longer: the penalty was lifted, and had been right.
    if penalty is None or (decision.proposal.kind == Proposal.Kind.STOP and not _fell(penalty)):
        return []
    found = penalty.measures.filter(undone_at__isnull=False).order_by("pk")
    told = []
    for measure in found.select_related("opening__enrollment__alliance", "listing__alliance"):
        told.append(effects.describe(measure))
        if measure.opening is not None and measure.opening.enrollment.state != Enrollment.State.OPEN:
            stays = _("All the same the shop is not in %(alliance)s: nothing of it is to be opened there.")
            told.append(stays % {"alliance": measure.opening.enrollment.alliance})
        if measure.listing is not None and listings.standing(measure.listing) == listings.Standing.STOPPED:
            stays = _("All the same the product is stopped in %(alliance)s: something else stops it.")
            told.append(stays % {"alliance": measure.listing.alliance})
    return told


def can_be_recorded(decision: Decision) -> bool:
    """Whether the platform may still have done something of it that is not on record."""
    return not _over(decision)


def _follows(state: Decision.Execution, penalty: Penalty) -> Decision.Execution:
    match state:
        case State.TO_DO | State.FAILED:
            return state if _goes_on(penalty) else State.CALLED_OFF
        case State.DONE | State.UNDONE:
            return State.TO_UNDO
    return state


def _fell(penalty: Penalty) -> bool:
    return penalty.status == Penalty.Status.OVERTURNED


def _goes_on(penalty: Penalty) -> bool:
    left = penalty.measures.filter(applied_at__isnull=False, undone_at=None)
    return not _fell(penalty) and left.exclude(kind=Measure.Kind.WARNING).exists()


def _over(decision: Decision) -> str:
    """Why nothing is to be recorded of it any more; empty where something is."""
    if decision.verdict != Decision.Verdict.ACCEPTED:
        return _("A rejected proposal has nothing to be done on the platform.")
    match decision.execution:
        case State.DONE:
            return _("This is already recorded as done on the platform.")
        case State.UNDONE:
            return _("This is already recorded as undone on the platform.")
        case State.CALLED_OFF:
            told = _(
                "This is called off: penalty %(penalty)s was taken back, and nothing of it is to be done."
            )
            return told % {"penalty": decision.proposal.penalty}
    return ""
