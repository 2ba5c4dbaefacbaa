"""What the platform has done of what was decided, and of what was taken back since."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Max, Prefetch
from django.utils import timezone
from django.utils.formats import date_format
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
        asked_at=decision.decided_at,
    )
    asked.save_by(decision.decided_by)


def ask_for_penalty(penalty: Penalty) -> None:
    """Have the platform do what was imposed by hand. Asked twice it does nothing more."""
    if not Execution.objects.filter(penalty=penalty).exists():
        of_penalty(penalty).save_by(penalty.imposed_by)


def of_penalty(penalty: Penalty) -> Execution:
    """What is asked of the platform of a penalty that no proposal led to, unsaved."""
    assert penalty.imposed_at is not None
    return Execution(
        penalty=penalty,
        shop=penalty.shop,
        product=penalty.product,
        alliance=penalty.alliance,
        kind=Proposal.Kind.PENALISE,
        asked_at=penalty.imposed_at,
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
    seen: str | None = None,
) -> Execution:
    """Record whether the platform has done what was decided, or undone what is to be undone there: "done" on
    a day, or "failed" with a note. What it did before a part of that was taken back, or although it was
    called off, is to be undone from then on.

    A failure can be followed by another try. Refused for what is done or undone already, for a failure of
    what was called off, without the day or for one before that on which the platform was asked, without the
    reason of a failure, and to whoever has `seen` something else (`looked_at`; None: he looked at no page).
    """
    require(by, EXECUTE)
    execution = held(execution_id)
    if refusal := _over(execution):
        raise Refused(refusal)
    refuse_unless_said(execution, outcome, seen)
    execution.executed_by, execution.note = by, note.strip()
    if outcome == State.FAILED:
        return _failed(execution, by)
    if on is None:
        raise Refused(_("Say on which day it was done."))
    if on < (asked_on := localdate(execution.asked_at)):
        raise Refused(_("Nobody asked for it before %(day)s.") % {"day": date_format(asked_on)})
    execution.executed_on, execution.reference = on, reference.strip()
    if execution.state == State.TO_UNDO:
        execution.state = State.UNDONE
    else:
        _has_done(execution, on)
    if execution.turn is not None and execution.stay_at is None:
        # What is stayed, was done all the same.
        execution.stay_at = timezone.now()
    execution.save_by(by, Execution.RECORDED)
    return execution


def held(execution_id: int) -> Execution:
    """It, locked until the transaction ends."""
    return Execution.objects.select_for_update(no_key=True, of=("self",)).get(pk=execution_id)


def refuse_unless_said(asked: Execution, outcome: str, seen: str | None) -> None:
    """Refused for an outcome that is none, and like `refuse_unless_seen`."""
    if outcome not in (State.DONE, State.FAILED):
        raise Refused(_("What the platform did is either done or failed."))
    refuse_unless_seen(asked, seen)


def refuse_unless_seen(asked: Execution, seen: str | None) -> None:
    """Refused to whoever has `seen` something else of it, which is locked; None: he looked at no page."""
    if seen is not None and seen != looked_at(asked):
        raise Refused(told_changed(asked))


def looked_at(asked: Execution) -> str:
    """What somebody has seen who looks at it now, in a word: another once anything of it is otherwise."""
    measures = asked.penalty.measures.all() if asked.penalty else []
    told = [[one.pk, str(effects.much(one)), str(one.undone_at), str(one.lapsed_at)] for one in measures]
    recorded = [str(getattr(asked, name)) for name in Execution.RECORDED_OF_IT]
    case = asked.penalty and [asked.penalty.status, str(asked.penalty.stayed_at)]
    version = asked.history.aggregate(newest=Max("history_id"))["newest"]
    return sha256(json.dumps([version, recorded, case, told]).encode()).hexdigest()[:32]


def told_changed(asked: Execution) -> str:
    """To whoever has seen something else."""
    return _("“%(what)s” is otherwise by now: look at it again.") % {"what": asked}


def _failed(execution: Execution, by: User | None) -> Execution:
    if execution.state == State.CALLED_OFF:
        told = _("This is called off: nothing of penalty %(penalty)s is to be done any more.")
        raise Refused(told % {"penalty": execution.penalty})
    if not execution.note:
        raise Refused(_("Say why it failed."))
    if execution.state == State.TO_UNDO:
        # It is still as it was done, and still to be undone.
        execution.save_by(by, Execution.NOT_UNDONE)
        return execution
    execution.state = State.FAILED
    execution.executed_on, execution.reference = None, ""
    execution.save_by(by, Execution.RECORDED)
    return execution


def _has_done(execution: Execution, on: date) -> None:
    """What it did on that day; what was taken back after it, or is called off altogether, it did in vain."""
    called_off = execution.state == State.CALLED_OFF
    execution.changes = [one for one in execution.changes if called_off or one["on"] > on.isoformat()]
    in_vain = execution.changes or is_overturned(execution)
    execution.state = State.TO_UNDO if in_vain else State.DONE


def what(asked: Execution) -> list[str]:
    """What the platform is to do of the penalty, or has done, measure by measure in words; where something is
    to be undone, that alone. Of MEASURES, where those are fetched.
    """
    if asked.penalty is None:
        return []
    applied = [one for one in asked.penalty.measures.all() if one.applied_at is not None]
    if asked.state in (State.TO_UNDO, State.UNDONE):
        return list(_told(applied, asked))
    if asked.state in Execution.NOT_DONE:
        applied = [one for one in applied if one.undone_at is None and one.lapsed_at is None]
    return [effects.did(one) for one in applied]


def _told(applied: list[Measure], asked: Execution) -> Iterator[str]:
    before = {one["measure"]: one["from"] for one in asked.changes}
    for measure in applied:
        if before.get(measure.pk) is not None:
            was = effects.told_much(measure, before[measure.pk])
            yield _("%(measure)s (before: %(was)s)") % {"measure": effects.describe(measure), "was": was}
        elif measure.pk in before:
            yield effects.did(measure)


def taken_back(asked: Execution) -> list[str]:
    """What of its penalty was taken back, in words, where that is a part of it, and where the shop stays out
    or the product stopped all the same, as something else keeps it.
    """
    penalty = asked.penalty
    # A product that is promoted again needs its stop no longer: the penalty was lifted, and had been right.
    if penalty is None or (asked.kind == Proposal.Kind.STOP and not is_overturned(asked)):
        return []
    found = penalty.measures.given_up().order_by("pk")
    told = []
    for measure in found.select_related("opening__enrollment__alliance", "listing__alliance"):
        if not is_overturned(asked):
            told.append(effects.describe(measure))
        if measure.opening is not None and measure.opening.enrollment.state != Enrollment.State.OPEN:
            stays = _("All the same the shop is not in %(alliance)s: nothing of it is to be opened there.")
            told.append(stays % {"alliance": measure.opening.enrollment.alliance})
        if measure.listing is not None and listings.standing(measure.listing) == listings.Standing.STOPPED:
            stays = _("All the same the product is stopped in %(alliance)s: something else stops it.")
            told.append(stays % {"alliance": measure.listing.alliance})
    return told


def is_overturned(asked: Execution) -> bool:
    """Whether its penalty was overturned, on an appeal or by hand."""
    return asked.penalty is not None and asked.penalty.status == Penalty.Status.OVERTURNED


def can_be_recorded(asked: Execution) -> bool:
    """Whether the platform may still have done something of it that is not on record."""
    return not _over(asked)


def _over(asked: Execution) -> str:
    """Why nothing is to be recorded of it any more; empty where something is."""
    match asked.state:
        case State.DONE:
            return _("This is already recorded as done on the platform.")
        case State.UNDONE:
            return _("This is already recorded as undone on the platform.")
    return ""
