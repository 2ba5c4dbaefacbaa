"""Money where a penalty's measure took or demanded too much: the difference goes back, to the fen.

What was deducted stays on the account, and the difference is a movement of its own: taken back later, the
measure gives back what is left. First falls what is still due of it, then money comes back.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Sum
from django.utils.timezone import localdate

from shops import topups
from shops.models import DepositEntry, Measure, Settlement, Shop, TopUp
from shops.movements import Movement, count_once_given_back, enter

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Kind = DepositEntry.Kind


@transaction.atomic
def deduct_less(measure: Measure, *, amount_fen: int, cause: str, by: User | None, at: datetime) -> None:
    """Leave the shop as if the measure had deducted `amount_fen` and no more. Safe to call twice.

    Asks for no permission of its own: who lessens the measure has the right to.
    """
    Shop.objects.select_for_update(no_key=True).get(pk=measure.penalty.shop_id)
    deducted = _moved(measure, Kind.DEDUCT)
    kept = min(-deducted, amount_fen)
    owe_less(measure, amount_fen=amount_fen - kept, cause=cause, by=by, at=at)
    back = -deducted - _moved(measure, Kind.LESSEN) - kept
    if back > 0:
        key = f"measure {measure.pk}: lessened to {amount_fen}"
        enter(Movement(measure.penalty.shop, Kind.LESSEN, back, cause, key, by, at, at, measure=measure))
        count_once_given_back(measure, back, by=by, at=at)


@transaction.atomic
def owe_less(measure: Measure, *, amount_fen: int, cause: str, by: User | None, at: datetime) -> None:
    """Have the shop owe `amount_fen` for the measure in all, and no more: what it has paid of it counts on.

    What is owed never changes: it is cancelled, and what is left of it is due instead, on the same day.
    """
    Shop.objects.select_for_update(no_key=True).get(pk=measure.penalty.shop_id)
    owed = (
        TopUp.objects.select_for_update(no_key=True).filter(measure=measure, state=TopUp.State.OPEN).first()
    )
    if owed is None:
        return
    standing = Settlement.objects.filter(top_up__measure=measure, entry__reversal=None)
    left = amount_fen - (standing.aggregate(fen=Sum("amount_fen"))["fen"] or 0)
    if left == topups.outstanding_of(owed):
        return
    topups.end(owed, TopUp.State.CANCELLED, by=by, at=at, reason=cause)
    if left > 0:
        topups.open_one(
            measure.penalty.shop,
            left,
            TopUp.Cause(owed.cause),
            by=by,
            at=at,
            due_on=max(owed.due_on, localdate(at)),
            key=f"measure {measure.pk}: lessened to {amount_fen}",
            note=owed.note,
            measure=measure,
        )


def _moved(measure: Measure, kind: DepositEntry.Kind) -> int:
    """What movements of the kind that stand have moved for the measure, with its sign."""
    entries = DepositEntry.objects.filter(measure=measure, kind=kind, reversal=None)
    return int(entries.aggregate(fen=Sum("amount_fen"))["fen"] or 0)
