"""What the platform has done of what was decided, and of what was taken back since."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from opsdesk.models import Decision, Execution
from rules.models import Proposal
from shops import listings
from shops import measures as effects
from shops.errors import Refused
from shops.models import Enrollment, Measure, Penalty
from shops.rights import require

if TYPE_CHECKING:
    from django.contrib.auth.models import User

EXECUTE = "opsdesk.record_execution"

State = Execution.State
# What the platform keeps up once it has done it: taken back here, it is to be undone there.
KEPT_THERE = Measure.LASTING | {Measure.Kind.CLEAR, Measure.Kind.STOP, Measure.Kind.CLOSE}
# What lists prefetch to tell `what`.
MEASURES = Prefetch(
    "penalty__measures",
    Measure.objects.select_related("alliance", "opening__enrollment__alliance", "listing__product")
    .select_related("listing__alliance")
    .prefetch_related("deposit_entries", "top_ups")
    .order_by("pk"),
)


def ask(decision: Decision) -> None:
    """Have the platform do what was just decided, on record as by whoever decided it."""
    proposal = decision.proposal
    asked = Execution(
        decision=decision,
        penalty=proposal.penalty,
        shop=proposal.shop,
        product=proposal.product,
        alliance=proposal.alliance,
        kind=proposal.kind,
        decided_at=decision.decided_at,
    )
    asked.save_by(decision.decided_by)


def ask_for_penalty(penalty: Penalty) -> None:
    """Have the platform do what was imposed by hand. Asked twice it does nothing more."""
    if not Execution.objects.filter(penalty=penalty).exists():
        _of(penalty).save_by(penalty.imposed_by)


def _of(penalty: Penalty) -> Execution:
    assert penalty.imposed_at is not None
    return Execution(
        penalty=penalty,
        shop=penalty.shop,
        product=penalty.product,
        alliance=penalty.alliance,
        kind=Proposal.Kind.PENALISE,
        decided_at=penalty.imposed_at,
    )


@transaction.atomic
def record(
    execution_id: int,
    *,
    outcome: str,
    by: User | None,
    on: date | None = None,
    reference: str = "",
    note: str = "",
    undoing: bool = False,
) -> Execution:
    """Record whether the platform has done what was decided: "done" on a day, or "failed" with a note; with
    `undoing` whether it has undone what is to be undone there.

    A failure can be followed by another try. Refused for what is done, undone or called off already, for what
    is to be undone where somebody speaks of doing it, without the day, or without the reason of a failure.
    """
    require(by, EXECUTE)
    execution = Execution.objects.select_for_update(no_key=True).get(pk=execution_id)
    if refusal := _over(execution):
        raise Refused(refusal)
    if execution.state == State.TO_UNDO and not undoing:
        # Whoever has still the page that asked for it would say that it is undone.
        raise Refused(_("“%(what)s” is to be undone by now: look at it again.") % {"what": execution})
    if undoing and execution.state != State.TO_UNDO:
        raise Refused(_("“%(what)s” is to be done, not to be undone.") % {"what": execution})
    if outcome not in (State.DONE, State.FAILED):
        raise Refused(_("What the platform did is either done or failed."))
    if outcome == State.DONE and on is None:
        raise Refused(_("Say on which day it was done."))
    if outcome == State.FAILED and not note.strip():
        raise Refused(_("Say why it failed."))
    execution.executed_by, execution.note = by, note.strip()
    if undoing and outcome == State.FAILED:
        # It is still as it was done, and still to be undone.
        execution.save_by(by, Execution.NOT_UNDONE)
        return execution
    execution.state = State.UNDONE if undoing else State(outcome)
    execution.executed_on, execution.reference = on, reference.strip()
    execution.save_by(by)
    return execution


def follow(shops: QuerySet[Any] | Collection[int], *, by: User | None, at: datetime) -> None:
    """Once a penalty of these shops, by their keys, or a part of one, was taken back or lifted at that
    moment: what the platform has still to do of it is called off, and what it has done is to be undone there.
    What it had imposed by itself, it has done.

    Where more than a warning is left of the penalty, the rest is still to be done. Needs the shops locked.
    """
    fallen = Penalty.objects.filter(_ceased_at(at), shop__in=shops)
    held = Execution.objects.select_for_update(no_key=True, of=("self",)).filter(penalty__in=fallen)
    for execution in held.select_related("penalty").order_by("pk"):
        assert execution.penalty is not None
        follows = _follows(State(execution.state), execution.penalty)
        if follows != execution.state:
            execution.state = follows
            execution.save_by(by)
    for penalty in fallen.filter(execution=None).select_related("shop", "product", "alliance").order_by("pk"):
        there = _of(penalty)
        there.state, there.executed_on = State.TO_UNDO, localdate(there.decided_at)
        there.save_by(by)


def _ceased_at(at: datetime) -> Q:
    """For a penalty: it was overturned then, or something that the platform keeps up was taken back then."""
    kept_up = Measure.objects.given_up().filter(penalty=OuterRef("pk"), kind__in=KEPT_THERE)
    overturned = Q(status=Penalty.Status.OVERTURNED, ended_at=at)
    return overturned | Q(Exists(kept_up.filter(Q(undone_at=at) | Q(lapsed_at=at))))


def what(execution: Execution) -> list[str]:
    """What its penalty does, or did, measure by measure in words; of MEASURES, where those are fetched."""
    return [effects.describe(one) for one in execution.penalty.measures.all()] if execution.penalty else []


def taken_back(execution: Execution) -> list[str]:
    """What of its penalty was taken back, in words, and where the shop stays out or the product stopped all
    the same, as something else keeps it.
    """
    penalty = execution.penalty
    # A product that is promoted again needs its stop no longer: the penalty was lifted, and had been right.
    if penalty is None or (execution.kind == Proposal.Kind.STOP and not is_overturned(execution)):
        return []
    found = penalty.measures.given_up().order_by("pk")
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


def is_overturned(execution: Execution) -> bool:
    """Whether its penalty was overturned, on an appeal or by hand."""
    return execution.penalty is not None and _fell(execution.penalty)


def can_be_recorded(execution: Execution) -> bool:
    """Whether the platform may still have done something of it that is not on record."""
    return not _over(execution)


def _follows(state: Execution.State, penalty: Penalty) -> Execution.State:
    match state:
        case State.TO_DO | State.FAILED:
            return state if _goes_on(penalty) else State.CALLED_OFF
        case State.DONE | State.UNDONE:
            return State.TO_UNDO
    return state


def _fell(penalty: Penalty) -> bool:
    return penalty.status == Penalty.Status.OVERTURNED


def _goes_on(penalty: Penalty) -> bool:
    left = penalty.measures.filter(applied_at__isnull=False).exclude(kind=Measure.Kind.WARNING)
    return not _fell(penalty) and left.exclude(pk__in=penalty.measures.given_up()).exists()


def _over(execution: Execution) -> str:
    """Why nothing is to be recorded of it any more; empty where something is."""
    match execution.state:
        case State.DONE:
            return _("This is already recorded as done on the platform.")
        case State.UNDONE:
            return _("This is already recorded as undone on the platform.")
        case State.CALLED_OFF:
            told = _(
                "This is called off: penalty %(penalty)s was taken back, and nothing of it is to be done."
            )
            return told % {"penalty": execution.penalty}
    return ""
