"""Money where a penalty's measure took or demanded too much, or a case comes to nothing: the shop stands as
if it never had.

What was deducted is taken back, and less of it deducted anew; what was demanded is cancelled, and less of it
due on the same day, also where that is over. What the shop has paid of it counts towards that, and then
towards what else is due.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from shops import cases, settling, topups
from shops.accounts import last_number
from shops.models import DepositEntry, Measure, Penalty, Shop, TopUp
from shops.movements import (
    Movement,
    cancel_owed,
    count_once_given_back,
    enter,
    reverse_entry,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Kind, State = DepositEntry.Kind, TopUp.State


@transaction.atomic
def lessen(measure: Measure, *, amount_fen: int, cause: str, by: User | None, at: datetime) -> None:
    """Leave the shop as if the measure had taken or demanded `amount_fen` and no more. What finance has
    waived of it stays waived.

    Asks for no permission of its own: who lessens the measure has the right to.
    """
    shop = Shop.objects.select_for_update(no_key=True).get(pk=measure.penalty.shop_id)
    before = last_number(shop)
    taken = DepositEntry.objects.filter(measure=measure, kind=Kind.DEDUCT, reversal=None).first()
    there = -taken.amount_fen if taken else 0
    kept = min(there, amount_fen)
    owed = list(TopUp.objects.select_for_update(no_key=True).filter(measure=measure).order_by("pk"))
    beyond = there + sum(_claimed(one) for one in owed) - amount_fen
    if beyond <= 0:
        return
    key = f"measure {measure.pk}: lessened to {amount_fen}"
    freed = cancel_owed(owed, by=by, at=at, reason=cause, freed_counts=False)
    if taken is not None and kept < there:
        undone = f"entry {taken.pk}: given back"
        reverse_entry(taken, cause=cause, key=undone, by=by, at=at, recorded_at=at, freed_counts=False)
        enter(Movement(shop, Kind.DEDUCT, -kept, cause, key, by, at, at, measure=measure))
    if owed:
        anew = None
        if amount_fen > kept:
            anew = topups.open_one(
                shop,
                amount_fen - kept,
                TopUp.Cause(owed[-1].cause),
                by=by,
                at=at,
                due_on=owed[-1].due_on,
                key=key,
                note=owed[-1].note,
                measure=measure,
                goes_on=True,
            )
        settling.count_freed(freed, by=by, at=at, first=anew)
    if measure.kind == Measure.Kind.DEDUCT:
        count_once_given_back(measure.penalty, beyond, by=by, at=at)
    settling.collect_what_came_back(measure, before, by=by, at=at)


@transaction.atomic
def give_back_of_case(penalty: Penalty, *, by: User | None, at: datetime) -> None:
    """Give back what was deducted for a case that comes to nothing under a number of it, by no measure of its
    penalty; what was given back for it before counts once, and what other deductions had found missing is
    deducted of the rest. Safe to call twice.

    Asks for no permission of its own: who overturns the penalty, or dismisses the case, has the right to.
    """
    _take_back(penalty, "given back", by=by, at=at, given_back=True)


@transaction.atomic
def count_case_once(penalty: Penalty, *, by: User | None, at: datetime) -> None:
    """The same where the penalty stands and has deducted it itself. What was given back stays so."""
    _take_back(penalty, "carried over", by=by, at=at)


def _take_back(
    penalty: Penalty, how: str, *, by: User | None, at: datetime, given_back: bool = False
) -> None:
    Shop.objects.select_for_update(no_key=True).get(pk=penalty.shop_id)
    moved, came_back = cases.moved_for(penalty), []
    for entry in moved:
        cause, key = penalty.case_number, f"entry {entry.pk}: {how}"
        came_back.append(reverse_entry(entry, cause=cause, key=key, by=by, at=at, recorded_at=at).pk)
    if given_back and moved:
        count_once_given_back(penalty, cases.deducted(moved), by=by, at=at)
    settling.collect_what_came("e.id = ANY (%s)", [came_back], by=by, at=at)


def _claimed(owed: TopUp) -> int:
    """What the measure claims by it, paid or not; of what was cancelled, what was deducted of payments."""
    if owed.state != State.CANCELLED:
        return owed.amount_fen
    return -sum(entry.amount_fen for entry in cases.collected_of([owed]))
