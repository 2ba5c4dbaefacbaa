"""Money where a penalty's measure took or demanded too much: the shop stands as if it never had.

What was deducted is taken back, and less of it deducted anew; what was demanded is cancelled, and less of it
due on the same day, also where that is over. What the shop has paid of it counts towards that, and then
towards what else is due.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from shops import settling, topups
from shops.accounts import last_number
from shops.cases import collected_of
from shops.models import DepositEntry, Measure, Shop, TopUp
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
        count_once_given_back(measure, beyond, by=by, at=at)
    settling.collect_what_came_back(measure, before, by=by, at=at)


def _claimed(owed: TopUp) -> int:
    """What the measure claims by it, paid or not; of what was cancelled, what was deducted of payments."""
    if owed.state != State.CANCELLED:
        return owed.amount_fen
    return -sum(entry.amount_fen for entry in collected_of([owed]))
