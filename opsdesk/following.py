"""What the platform is to do, or to undo, once a penalty is taken back, lifted, lessened, stayed, or over."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.timezone import localdate

from opsdesk import execution
from opsdesk.models import Execution
from shops.models import Measure, Penalty

if TYPE_CHECKING:
    from django.contrib.auth.models import User

State = Execution.State


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
    over = set(held.filter(_nothing_is_left()).values_list("pk", flat=True))
    for asked in held.select_related("penalty").order_by("pk"):
        assert asked.penalty is not None
        if asked.state in Execution.NOT_DONE:
            # Whatever it turns out to have done before.
            asked.changes = _merged(asked, _changes(asked.penalty, at, lessened))
            asked.state = State.CALLED_OFF if asked.pk in over else State(asked.state)
            asked.save_by(by)
        elif asked.state != State.CALLED_OFF:
            _have_undone(asked, by, at, lessened)
    by_itself = Penalty.objects.filter(pk__in=keys, execution=None)
    for penalty in by_itself.select_related("shop", "product", "alliance").order_by("pk"):
        there = execution.of_penalty(penalty)
        there.executed_on = localdate(there.asked_at)
        _have_undone(there, by, at, lessened)


def follow_stay(penalty: Penalty, *, by: User | None, at: datetime) -> None:
    """Once the penalty is stayed, or is so no longer: what goes on of it is to be paused where the platform
    has done it, or to be resumed where it is paused. What the platform had imposed by itself, it has done.
    """
    asked = Execution.objects.select_for_update(no_key=True, of=("self",)).filter(penalty=penalty).first()
    if asked is None:
        asked = execution.of_penalty(penalty)
        asked.state, asked.executed_on = State.DONE, localdate(asked.asked_at)
    asked.penalty = penalty
    before = asked.pause_note, asked.stay_at
    asked.pause_note, asked.stay_at = "", at if asked.turn is not None else None
    # What else its platform does of its own case, nobody here knows.
    begins = asked._state.adding and (asked.turn is not None or penalty.is_the_platforms)
    if begins or (not asked._state.adding and before != (asked.pause_note, asked.stay_at)):
        asked.save_by(by, Execution.STAYED if penalty.stayed_at else Execution.STAY_ENDED)


def call_off_what_is_over(waiting: QuerySet[Execution], *, by: User | None) -> None:
    """Of these, call off what nobody has done and nothing is left of: its time is over, or something else
    has ended it.
    """
    over = waiting.filter(_nothing_is_left(), state__in=Execution.NOT_DONE, penalty__isnull=False)
    for asked in over.select_for_update(no_key=True, of=("self",)).order_by("pk"):
        asked.state = State.CALLED_OFF
        asked.save_by(by)


def _changed_at(at: datetime) -> Q:
    """For a penalty: as a whole or in part it was overturned, taken back or lifted then."""
    of_it = Measure.objects.given_up().filter(penalty=OuterRef("pk"))
    ended = Q(status__in=[Penalty.Status.OVERTURNED, Penalty.Status.LIFTED], ended_at=at)
    return ended | Q(Exists(of_it.filter(undone_at=at)))


def _have_undone(asked: Execution, by: User | None, at: datetime, lessened: Mapping[int, str]) -> None:
    """Ask for what has just changed to be changed on the platform, beside what waits for that already."""
    assert asked.penalty is not None
    changes = _changes(asked.penalty, at, lessened)
    if not changes and not _fell_as_a_whole(asked.penalty, at):
        return
    asked.changes = _merged(asked, changes)
    asked.state, asked.asked_at, asked.note = State.TO_UNDO, at, ""
    asked.save_by(by)


def _merged(asked: Execution, changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With those before that the platform has not seen to yet: what was lessened before is there still what
    it was at first.
    """
    waiting = [] if asked.state == State.UNDONE else asked.changes
    known = {one["measure"] for one in waiting}
    return [*waiting, *(one for one in changes if one["measure"] not in known)]


def _changes(penalty: Penalty, at: datetime, lessened: Mapping[int, str]) -> list[dict[str, Any]]:
    """What of it the platform is to undo as of that moment: nothing that was over before, nor a warning that
    is not wrong altogether.
    """
    given_up = penalty.measures.given_up().filter(Q(undone_at=at, lapsed_at=None) | Q(lapsed_at=at))
    if not _fell(penalty):
        given_up = given_up.exclude(kind=Measure.Kind.WARNING)
    found: dict[int, str | None] = dict.fromkeys(given_up.values_list("pk", flat=True))
    less = penalty.measures.filter(pk__in=lessened.keys()).values_list("pk", flat=True)
    found |= {key: lessened[key] for key in less}
    on = localdate(at).isoformat()
    return [{"measure": key, "from": found[key], "on": on} for key in sorted(found)]


def _fell_as_a_whole(penalty: Penalty, at: datetime) -> bool:
    """Whether the case is to be struck there although none of its measures is to be undone: they are over, or
    it has none that the desk knows. A stop that went as its product was resumed has gone by that.
    """
    if penalty.status not in (Penalty.Status.OVERTURNED, Penalty.Status.LIFTED) or penalty.ended_at != at:
        return False
    own = penalty.measures.filter(applied_at__isnull=False)
    return not own.exists() or (_fell(penalty) and own.filter(undone_at=at).exists())


def _nothing_is_left() -> Q:
    """For an execution of a penalty: nothing stands of what that does beyond warning; of one that does no
    more, the penalty itself doesn't.
    """
    own = Measure.objects.filter(penalty=OuterRef("penalty"), applied_at__isnull=False)
    more = own.exclude(kind=Measure.Kind.WARNING)
    stands = Q(Exists(more.standing())) | ~Q(Exists(more)) & Q(penalty__status=Penalty.Status.IMPOSED)
    return ~stands


def _fell(penalty: Penalty) -> bool:
    return penalty.status == Penalty.Status.OVERTURNED
