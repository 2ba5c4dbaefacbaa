"""How a movement of a deposit is entered: once under its key, within what is there, never edited."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from shops import cases, money, settling, topups
from shops.accounts import balance_of
from shops.calendar import NAMEABLE_MOMENTS
from shops.errors import Refused
from shops.models import DepositEntry, Measure, Penalty, Shop, TopUp

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Kind = DepositEntry.Kind


class Movement(NamedTuple):
    """What is to be entered; `amount_fen` with its sign."""

    shop: Shop
    kind: Kind
    amount_fen: int
    cause: str
    key: str
    by: User | None
    at: datetime
    recorded_at: datetime
    reference: str = ""
    case_reference: str = ""
    measure: Measure | None = None
    reverses: DepositEntry | None = None
    short_fen: int = 0


class Deduction(NamedTuple):
    """What there was to take, and what the shop owes of it: one of them, or both."""

    entry: DepositEntry | None
    top_up: TopUp | None


def known_as(movement: Movement) -> DepositEntry | None:
    """The entry under the movement's key, if it is the same movement; its moments may be others.

    Locks the shop. Refused where the key means something else.
    """
    Shop.objects.select_for_update(no_key=True).get(pk=movement.shop.pk)
    known = DepositEntry.objects.filter(key=movement.key).first()
    if known is None:
        return None
    if movement != movement._replace(
        shop=known.shop,
        kind=Kind(known.kind),
        amount_fen=known.amount_fen - known.short_fen,
        cause=known.cause,
        reference=known.reference,
        measure=known.measure,
        reverses=known.reverses,
    ):
        raise Refused(topups.another_under_the_key(movement.key))
    return known


def enter(movement: Movement) -> DepositEntry:
    """The entry of the movement. Needs no lock before: it takes the shop's.

    Refused where it says too little, lies in the future, leaves less than nothing or more than is held, or
    its reference is on record.
    """
    known = known_as(movement)
    if known is not None:
        return known
    _refuse_unsaid(movement)
    balance = balance_of(movement.shop)
    after = balance + movement.amount_fen
    if after < 0:
        raise Refused(_too_little(movement, balance))
    if after > money.MOST:
        raise Refused(
            _("The deposit would be more than %(most)s, the most that is held.")
            % {"most": money.told(money.MOST)}
        )
    values = {**movement._asdict(), "recorded_by": movement.by}
    del values["by"]
    try:
        with transaction.atomic():
            return DepositEntry.objects.create(**values)
    except IntegrityError as error:
        # Somebody entered the same on another shop's account a moment ago, whose row is not ours to lock.
        if "depositentry_key" in str(error):
            raise Refused(topups.another_under_the_key(movement.key)) from error
        if "reference_is_used_once" in str(error):
            raise Refused(_known_reference(movement.reference)) from error
        raise


def enter_what_comes(movement: Movement) -> DepositEntry:
    """The same of money that comes in for no debt: what a deduction had found missing is deducted of it."""
    known = known_as(movement)
    if known is not None:
        return known
    entry = enter(movement)
    settling.collect_what_came("e.id = %s", [entry.pk], by=movement.by, at=movement.recorded_at)
    return entry


def take(movement: Movement, due_on: date) -> Deduction:
    """Deduct what there is of the movement's amount, and leave the rest due."""
    wanted = -movement.amount_fen
    known = known_as(movement)
    if known is None:
        owed = TopUp.objects.filter(key=movement.key).first()
    else:
        owed = TopUp.objects.filter(entry=known).first()
    if known is not None or owed is not None:
        if (
            known is None
            and owed is not None
            and (owed.shop_id, owed.amount_fen) != (movement.shop.pk, wanted)
        ):
            raise Refused(topups.another_under_the_key(movement.key))
        return Deduction(known, owed)
    _refuse_unsaid(movement)
    there = min(balance_of(movement.shop), wanted)
    short = wanted - there
    entry = enter(movement._replace(amount_fen=-there, short_fen=short)) if there else None
    if not short:
        return Deduction(entry, None)
    return Deduction(
        entry,
        topups.open_one(
            movement.shop,
            short,
            TopUp.Cause.SHORTAGE,
            by=movement.by,
            at=movement.recorded_at,
            due_on=due_on,
            key=movement.key,
            note=movement.cause,
            measure=movement.measure,
            entry=entry,
        ),
    )


def reverse_entry(
    entry: DepositEntry,
    *,
    cause: str,
    key: str,
    by: User | None,
    at: datetime,
    recorded_at: datetime,
    freed_counts: bool = True,
) -> DepositEntry:
    """The exact opposite of the entry, and what follows from it for what the shop owes.

    `freed_counts`: what the shop has paid of what it owes no longer counts towards what is due next.
    """
    movement = Movement(
        entry.shop,
        Kind.REVERSAL,
        -entry.amount_fen,
        cause,
        key,
        by,
        at,
        recorded_at,
        measure=entry.measure,
        reverses=entry,
    )
    known = known_as(movement)
    if known is not None:
        return known
    if entry.kind == Kind.REVERSAL:
        raise Refused(_("A reversal is not taken back: enter the movement again."))
    earlier = DepositEntry.objects.filter(reverses=entry).first()
    if earlier is not None:
        raise Refused(
            _("Entry %(number)s was taken back already, by entry %(reversal)s.")
            % {"number": entry.number, "reversal": earlier.number}
        )
    # What a deduction has collected of a payment goes back to it first.
    _give_back(DepositEntry.objects.filter(settlement__entry=entry), by=by, at=recorded_at, cause=cause)
    reversal = enter(movement)
    cancel_owed(
        TopUp.objects.filter(entry=entry), by=by, at=recorded_at, reason=cause, freed_counts=freed_counts
    )
    settled = TopUp.objects.filter(settlements__entry=entry, state=TopUp.State.SETTLED)
    for top_up in settled.distinct():
        topups.reopen(top_up, by=by)
    return reversal


def carry_over(measure: Measure, *, by: User | None, at: datetime) -> int:
    """Take back what was deducted for the measure's case before, under a number of it: the measure
    deducts it itself, so that it counts once. Returns how much that was, in fen.
    """
    moved = cases.moved_for(measure.penalty)
    for entry in moved:
        cause, key = measure.penalty.case_number, f"entry {entry.pk}: carried over"
        # What the shop has paid of it is there for the measure.
        reverse_entry(entry, cause=cause, key=key, by=by, at=entry.at, recorded_at=at, freed_counts=False)
    return cases.deducted(moved)


def count_once_given_back(
    penalty: Penalty, fen: int, *, by: User | None, at: datetime, more: bool = True
) -> None:
    """Take back what was given back for the penalty's case before, under a number of it: that much has
    just gone back for the case. `more`: what is more than that stays given back.
    """
    for entry in cases.moved_for(penalty, Kind.ADJUST):
        beyond = max(entry.amount_fen - fen, 0)
        there = 0 < entry.amount_fen <= balance_of(entry.shop)
        if fen <= 0 or not there or (beyond and not more):
            continue
        cause, key = penalty.case_number, f"entry {entry.pk}: carried over"
        reverse_entry(entry, cause=cause, key=key, by=by, at=entry.at, recorded_at=at)
        fen -= entry.amount_fen
        if beyond:
            key = f"entry {entry.pk}: not carried over"
            moved = (entry.shop, Kind.ADJUST, beyond, cause, key, by, entry.at, at)
            enter_what_comes(Movement(*moved, case_reference=penalty.reference))


def cancel_owed(
    owed: Iterable[TopUp], *, by: User | None, at: datetime, reason: str, freed_counts: bool = True
) -> list[int]:
    """These were never owed: what was collected of them is given back, also of those that were paid in full,
    or cancelled in part. Returns the keys of those of which payments are free now. Needs the shop locked.
    """
    freed = []
    for top_up in owed:
        given_back = _give_back(cases.collected_of([top_up]), by=by, at=at, cause=reason)
        if top_up.state != TopUp.State.CANCELLED:
            topups.end(top_up, TopUp.State.CANCELLED, by=by, at=at, reason=reason)
        elif not given_back:
            continue
        freed.append(top_up.pk)
    if freed and freed_counts:
        settling.count_freed(freed, by=by, at=at)
    return freed


def _give_back(collected: QuerySet[DepositEntry], *, by: User | None, at: datetime, cause: str) -> int:
    standing = list(collected.filter(reversal=None).order_by("number"))
    for entry in standing:
        key = f"entry {entry.pk}: given back"
        reverse_entry(entry, cause=cause, key=key, by=by, at=at, recorded_at=at)
    return len(standing)


def refuse_unless_above_zero(amount_fen: int) -> None:
    if not 0 < amount_fen <= money.MOST:
        raise Refused(topups.amount_out_of_bounds())


def _refuse_unsaid(movement: Movement) -> None:
    if not movement.cause.strip():
        raise Refused(_("A movement states its cause."))
    if not movement.key:
        raise Refused(_("A movement has a key of its own."))
    if movement.amount_fen == 0 or abs(movement.amount_fen) > money.MOST:
        raise Refused(topups.amount_out_of_bounds(either_way=movement.kind == Kind.ADJUST))
    if movement.at > movement.recorded_at:
        raise Refused(_("The movement lies in the future."))
    if not NAMEABLE_MOMENTS.holds(movement.at):
        raise Refused(_("That is so long ago that it must be a slip: check the year."))
    if movement.measure is None:
        cases.refuse_what_a_penalty_moved(movement.reference, movement.kind, movement.amount_fen)
    if movement.reference and DepositEntry.objects.filter(reference=movement.reference).exists():
        raise Refused(_known_reference(movement.reference))


def _known_reference(reference: str) -> str:
    return _("A movement with reference %(reference)s is on record already.") % {"reference": reference}


def _too_little(movement: Movement, balance: int) -> str:
    names = {"balance": money.told(balance), "wanted": money.told(-movement.amount_fen)}
    if movement.reverses is not None:
        return (
            _("%(wanted)s can't be taken back: the deposit has only %(balance)s left, the rest was used.")
            % names
        )
    return _("The deposit has %(balance)s, less than %(wanted)s.") % names
