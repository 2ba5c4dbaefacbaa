"""What was moved on deposits for cases, by penalties or under the cases' numbers: it counts once.

A case goes by the platform's number of it and by the desk's own: a movement names either.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import CharField, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext as _

from shops import money
from shops.errors import Refused
from shops.models import DepositEntry, Measure, Penalty, TopUp
from shops.quoting import number_in

Kind = DepositEntry.Kind


def named(number: str) -> Penalty | None:
    """The penalty, or case, that goes by the number."""
    if not number:
        return None
    found = Penalty.objects.filter(reference=number).first()
    if found is None and (own := number_in(number, "P")) is not None:
        found = Penalty.objects.filter(pk=own).first()
    return found if found is not None and number in numbers_of(found) else None


def numbers_of(penalty: Penalty) -> list[str]:
    """What the penalty's case goes by."""
    return [penalty.reference, penalty.case_number] if penalty.reference else [penalty.case_number]


def moved_for(penalty: Penalty, kind: Kind = Kind.DEDUCT) -> list[DepositEntry]:
    """What was moved on the shop's deposit for the penalty's case, under a number of it, by no penalty, and
    stands: the oldest first.
    """
    moved = _of_case(penalty).filter(kind=kind, measure=None, reversal=None)
    return list(moved.order_by("number"))


def gone_back_of(penalty: Penalty) -> QuerySet[DepositEntry]:
    """The entries by which a case that came to nothing has given back what was deducted under its number."""
    if penalty.status not in Penalty.VOID:
        return DepositEntry.objects.none()
    undone = _of_case(penalty).filter(kind=Kind.DEDUCT, measure=None)
    return DepositEntry.objects.filter(
        reverses__in=undone, key=Concat(Value("entry "), Cast("reverses", CharField()), Value(": given back"))
    )


def deducted(moved: Iterable[DepositEntry]) -> int:
    """What these deductions come to, with what they found missing, in fen."""
    return sum(entry.short_fen - entry.amount_fen for entry in moved)


def told_moved(penalty: Penalty) -> str:
    """What movements of the platform's own have deducted for the case, and what becomes of it, in words;
    empty where there are none.
    """
    stands = deducted(moved_for(penalty))
    if stands:
        return _(
            "The ledger has %(amount)s deducted for this case by the platform's own movements: that goes back"
            " if the case comes to nothing."
        ) % {"amount": money.told(stands)}
    gone_back = sum(entry.amount_fen for entry in gone_back_of(penalty))
    if gone_back:
        return _(
            "%(amount)s that the platform's own movements had deducted for this case went back to the"
            " deposit."
        ) % {"amount": money.told(gone_back)}
    return ""


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
    penalty = named(reference)
    if penalty is None:
        return
    if kind == Kind.DEDUCT:
        if _stands_deducted(penalty) is not None:
            raise Refused(
                _("Penalty %(penalty)s has this reference and has deducted it already: it counts once.")
                % {"penalty": penalty}
            )
        if penalty.status in Penalty.VOID:
            raise Refused(
                _("Case %(penalty)s has this reference and is %(status)s: nothing is deducted for it.")
                % {"penalty": penalty, "status": penalty.get_status_display()}
            )
    if kind == Kind.ADJUST and amount_fen > 0:
        # What went back to a payment that was taken back is given back to nobody.
        by_measures = DepositEntry.objects.filter(
            kind=Kind.REVERSAL,
            measure__penalty=penalty,
            reverses__settlement__entry__reversal=None,
        )
        entry = by_measures.order_by("number").last() or gone_back_of(penalty).order_by("number").last()
        if entry is not None:
            raise Refused(
                _(
                    "Penalty %(penalty)s has this reference and has given money back already, by entry"
                    " %(number)s: it counts once."
                )
                % {"penalty": penalty, "number": entry.number}
            )
        stands = _stands_deducted(penalty)
        if stands is None:
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


def _of_case(penalty: Penalty) -> QuerySet[DepositEntry]:
    numbers = numbers_of(penalty)
    goes_by = Q(case_reference__in=numbers) | Q(case_reference="", reference__in=numbers)
    return DepositEntry.objects.filter(goes_by, shop=penalty.shop_id)


def _stands_deducted(penalty: Penalty) -> int | None:
    """What stands of the penalty's deductions, in fen; None where it has made none."""
    made = penalty.measures.filter(kind=Measure.Kind.DEDUCT, applied_at__isnull=False)
    if not made:
        return None
    return sum(measure.amount_fen or 0 for measure in made if measure.undone_at is None)
