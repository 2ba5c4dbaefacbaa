"""What the platform has done of what was decided, and of what was taken back since."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
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
_NOT_DONE = frozenset({State.TO_DO, State.FAILED})
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
        _of(penalty).save_by(penalty.imposed_by)


def _of(penalty: Penalty) -> Execution:
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
    undoing: bool = False,
) -> Execution:
    """Record whether the platform has done what was decided: "done" on a day, or "failed" with a note; with
    `undoing` whether it has undone what is to be undone there.

    A failure can be followed by another try. Refused for what is done, undone or called off already, for what
    is to be undone where somebody speaks of doing it, without the day or for one before that on which the
    platform was asked, and without the reason of a failure.
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
    asked_on = localdate(execution.asked_at)
    if outcome == State.DONE and on is None:
        raise Refused(_("Say on which day it was done."))
    if outcome == State.DONE and on is not None and on < asked_on:
        raise Refused(_("Nobody asked for it before %(day)s.") % {"day": date_format(asked_on)})
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


def follow(
    shops: QuerySet[Any] | Collection[int],
    *,
    by: User | None,
    at: datetime,
    lessened: Mapping[int, str] | None = None,
) -> None:
    """Once a penalty of these shops, by their keys, or a part of one, was taken back, lifted or lessened at
    that moment: what the platform has still to do of it is called off, and what it has done is to be undone
    there. What it had imposed by itself, it has done. `lessened`: measures by their keys, with what they had
    been before.

    Where something is left of the penalty, the rest is still to be done. Needs the shops locked.
    """
    lessened = lessened or {}
    changed = Penalty.objects.filter(
        _changed_at(at) | Q(measures__in=list(lessened)), shop__in=shops
    ).distinct()
    keys = list(changed.values_list("pk", flat=True))
    held = Execution.objects.select_for_update(no_key=True, of=("self",)).filter(penalty__in=keys)
    for asked in held.select_related("penalty").order_by("pk"):
        assert asked.penalty is not None
        if asked.state in _NOT_DONE:
            _call_off_unless_something_is_left(asked, by)
        elif asked.state != State.CALLED_OFF:
            _have_undone(asked, by, at, lessened)
    by_itself = Penalty.objects.filter(pk__in=keys, execution=None)
    for penalty in by_itself.select_related("shop", "product", "alliance").order_by("pk"):
        there = _of(penalty)
        there.executed_on = localdate(there.asked_at)
        _have_undone(there, by, at, lessened)


def call_off_what_is_over(waiting: QuerySet[Execution], *, by: User | None) -> None:
    """Of these, call off what nobody has done and nothing is left of: its time is over, or something else
    has ended it.
    """
    held = waiting.filter(state__in=_NOT_DONE).select_for_update(no_key=True, of=("self",))
    for asked in held.exclude(penalty=None).select_related("penalty").order_by("pk"):
        _call_off_unless_something_is_left(asked, by)


def _changed_at(at: datetime) -> Q:
    """For a penalty: as a whole or in part it was overturned, taken back or lifted then."""
    of_it = Measure.objects.given_up().filter(penalty=OuterRef("pk"))
    ended = Q(status__in=[Penalty.Status.OVERTURNED, Penalty.Status.LIFTED], ended_at=at)
    return ended | Q(Exists(of_it.filter(undone_at=at)))


def _call_off_unless_something_is_left(asked: Execution, by: User | None) -> None:
    assert asked.penalty is not None
    if not _goes_on(asked.penalty):
        asked.state = State.CALLED_OFF
        asked.save_by(by)


def _have_undone(asked: Execution, by: User | None, at: datetime, lessened: Mapping[int, str]) -> None:
    """Ask for what has just changed to be changed on the platform, beside what waits for that already."""
    assert asked.penalty is not None
    changes = _changes(asked.penalty, at, lessened)
    if not changes and not _fell_as_a_whole(asked.penalty, at):
        return
    waiting = {one["measure"]: one for one in asked.changes} if asked.state == State.TO_UNDO else {}
    for one in changes:
        # Lessened before, it still is there what it was at first.
        waiting.setdefault(one["measure"], one)
    asked.state, asked.asked_at, asked.changes = State.TO_UNDO, at, list(waiting.values())
    asked.save_by(by)


def _changes(penalty: Penalty, at: datetime, lessened: Mapping[int, str]) -> list[dict[str, Any]]:
    """What of it the platform is to undo as of that moment: nothing that was over before, nor a warning that
    is not wrong altogether.
    """
    given_up = penalty.measures.given_up().filter(Q(undone_at=at, lapsed_at=None) | Q(lapsed_at=at))
    if not _fell(penalty):
        given_up = given_up.exclude(kind=Measure.Kind.WARNING)
    found: dict[int, str | None] = dict.fromkeys(given_up.values_list("pk", flat=True))
    found |= {key: was for key, was in lessened.items() if penalty.measures.filter(pk=key).exists()}
    return [{"measure": key, "from": found[key]} for key in sorted(found)]


def _fell_as_a_whole(penalty: Penalty, at: datetime) -> bool:
    """Whether the case is to be struck there although none of its measures is to be undone: they are over, or
    it has none that the desk knows. A stop that went as its product was resumed has gone by that.
    """
    if penalty.status not in (Penalty.Status.OVERTURNED, Penalty.Status.LIFTED) or penalty.ended_at != at:
        return False
    own = penalty.measures.filter(applied_at__isnull=False)
    return not own.exists() or (_fell(penalty) and own.filter(undone_at=at).exists())


def what(asked: Execution) -> list[str]:
    """What the platform is to do of the penalty, or has done, measure by measure in words; where something is
    to be undone, that alone. Of MEASURES, where those are fetched.
    """
    if asked.penalty is None:
        return []
    applied = [one for one in asked.penalty.measures.all() if one.applied_at is not None]
    if asked.state in (State.TO_UNDO, State.UNDONE):
        return list(_told(applied, asked))
    if asked.state in _NOT_DONE:
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
    return asked.penalty is not None and _fell(asked.penalty)


def can_be_recorded(asked: Execution) -> bool:
    """Whether the platform may still have done something of it that is not on record."""
    return not _over(asked)


def _fell(penalty: Penalty) -> bool:
    return penalty.status == Penalty.Status.OVERTURNED


def _goes_on(penalty: Penalty) -> bool:
    """Whether something of it is still to be done where nothing is: more than to warn, where it does more."""
    own = penalty.measures.filter(applied_at__isnull=False).exclude(kind=Measure.Kind.WARNING)
    if own.exists():
        return not _fell(penalty) and own.standing().exists()
    return penalty.status == Penalty.Status.IMPOSED


def _over(asked: Execution) -> str:
    """Why nothing is to be recorded of it any more; empty where something is."""
    match asked.state:
        case State.DONE:
            return _("This is already recorded as done on the platform.")
        case State.UNDONE:
            return _("This is already recorded as undone on the platform.")
        case State.CALLED_OFF:
            told = _("This is called off: nothing of penalty %(penalty)s is to be done any more.")
            return told % {"penalty": asked.penalty}
    return ""
