"""What was moved on deposits for cases, by penalties or under the platform's numbers: it counts once."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from shops import money
from shops.errors import Refused
from shops.models import DepositEntry, Measure, Penalty, TopUp

Kind = DepositEntry.Kind


def moved_for(penalty: Penalty, kind: Kind = Kind.DEDUCT) -> list[DepositEntry]:
    """What was moved on the shop's deposit for the penalty's case, under the platform's number of it, by no
    penalty, and stands: the oldest first.
    """
    reference = penalty.reference
    if not reference:
        return []
    named = Q(case_reference=reference) | Q(case_reference="", reference=reference)
    moved = DepositEntry.objects.filter(named, shop=penalty.shop_id, kind=kind)
    return list(moved.filter(measure=None, reversal=None).order_by("number"))


def given_back_for(penalty: Penalty) -> int:
    """What adjustments that stand have given back for the penalty's case, in fen."""
    return sum(max(entry.amount_fen, 0) for entry in moved_for(penalty, Kind.ADJUST))


def collected_of(owed: Iterable[TopUp]) -> QuerySet[DepositEntry]:
    """What stands deducted of payments, as deductions had found it missing that left these due."""
    return DepositEntry.objects.filter(settlement__top_up__in=owed, reversal=None)


def refuse_what_a_penalty_moved(reference: str, kind: Kind, amount_fen: int) -> None:
    """Refused for what a penalty with that number has deducted, or given back, itself; and for giving back
    more than is left of what it deducted: it gives all of that back itself once it is overturned.
    """
    if not reference:
        return
    if kind == Kind.DEDUCT:
        penalty = Penalty.objects.filter(
            reference=reference,
            measures__kind=Measure.Kind.DEDUCT,
            measures__applied_at__isnull=False,
        ).first()
        if penalty is not None:
            raise Refused(
                _("Penalty %(penalty)s has this reference and has deducted it already: it counts once.")
                % {"penalty": penalty}
            )
    if kind == Kind.ADJUST and amount_fen > 0:
        # What went back to a payment that was taken back is given back to nobody.
        entries = DepositEntry.objects.filter(
            kind=Kind.REVERSAL,
            measure__penalty__reference=reference,
            reverses__settlement__entry__reversal=None,
        )
        entry = entries.order_by("number").last()
        if entry is not None and entry.measure is not None:
            raise Refused(
                _(
                    "Penalty %(penalty)s has this reference and has given money back already, by entry"
                    " %(number)s: it counts once."
                )
                % {"penalty": entry.measure.penalty, "number": entry.number}
            )
        penalty = Penalty.objects.filter(reference=reference).first()
        stands = _stands_deducted(penalty) if penalty is not None else None
        if penalty is None or stands is None:
            return
        left = max(stands - given_back_for(penalty), 0)
        if amount_fen > left:
            raise Refused(
                _(
                    "Penalty %(penalty)s has this reference, and of what it deducted only %(left)s can go"
                    " back still."
                )
                % {"penalty": penalty, "left": money.told(left)}
            )


def _stands_deducted(penalty: Penalty) -> int | None:
    """What stands of the penalty's deductions, in fen; None where it has made none."""
    made = penalty.measures.filter(kind=Measure.Kind.DEDUCT, applied_at__isnull=False)
    if not made:
        return None
    return sum(measure.amount_fen or 0 for measure in made if measure.undone_at is None)
