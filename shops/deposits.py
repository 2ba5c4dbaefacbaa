"""A shop's deposit account: pay in, adjust, top up, compensate, deduct, refund, reverse (DP-1, DP-2).

Every amount is in whole fen. `key` makes a movement one: entered again under the same key, it is the same
entry that comes back, and something else under it is refused. `at` is the moment of the movement;
`recorded_at`, where it is another, the moment at which it is entered.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from shops import holds, money, settling, topups
from shops.accounts import Free, free_of, last_number, measured_day
from shops.errors import Refused
from shops.models import DepositEntry, Measure, Shop, TopUp
from shops.movements import (
    Deduction,
    Movement,
    cancel_owed,
    count_once_given_back,
    enter,
    enter_what_comes,
    known_as,
    refuse_unless_above_zero,
    reverse_entry,
    take,
)
from shops.rights import require
from shops.topups import ENTER

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Kind = DepositEntry.Kind


@transaction.atomic
def pay_in(
    *,
    shop: Shop,
    amount_fen: int,
    cause: str,
    key: str,
    by: User | None,
    at: datetime,
    recorded_at: datetime | None = None,
    reference: str = "",
) -> DepositEntry:
    """The shop paid, for no debt; what a deduction had found missing is deducted of it all the same. Refused
    as everywhere: out of bounds, in the future, without a cause, known already.
    """
    require(by, ENTER)
    refuse_unless_above_zero(amount_fen)
    movement = Movement(shop, Kind.PAY_IN, amount_fen, cause, key, by, at, recorded_at or at, reference)
    return enter_what_comes(movement)


@transaction.atomic
def adjust(
    *,
    shop: Shop,
    amount_fen: int,
    cause: str,
    key: str,
    by: User | None,
    at: datetime,
    recorded_at: datetime | None = None,
    reference: str = "",
) -> DepositEntry:
    """Set right what is wrong, up, or down (below zero); what goes up is there for what a deduction had found
    missing. Refused also where less than nothing is left, and up under the number of a case that has given
    back itself, or by more than is left of what it took.
    """
    require(by, ENTER)
    movement = Movement(shop, Kind.ADJUST, amount_fen, cause, key, by, at, recorded_at or at, reference)
    return enter_what_comes(movement)


@transaction.atomic
def top_up(
    *,
    shop: Shop,
    amount_fen: int,
    cause: str,
    key: str,
    by: User | None,
    at: datetime,
    recorded_at: datetime | None = None,
    reference: str = "",
    settles: TopUp | None = None,
) -> DepositEntry:
    """The shop paid what it owed: what is due first is settled first, or `settles` alone. What a deduction
    had found missing is deducted at once.
    """
    require(by, ENTER)
    refuse_unless_above_zero(amount_fen)
    recorded_at = recorded_at or at
    movement = Movement(shop, Kind.TOP_UP, amount_fen, cause, key, by, at, recorded_at, reference)
    known = known_as(movement)
    if known is not None:
        return known
    entry = enter(movement)
    settling.count_payments("e.id = %s", [entry.pk], by=by, at=recorded_at, only=settles)
    return entry


@transaction.atomic
def settle(
    owed: TopUp,
    *,
    key: str,
    by: User | None,
    at: datetime,
    cause: str,
    amount_fen: int | None = None,
    recorded_at: datetime | None = None,
    reference: str = "",
) -> DepositEntry:
    """The shop paid this top-up, or a part of it; without an amount all that is outstanding.

    Refused where nothing is due any more, and for more than is outstanding.
    """
    require(by, ENTER)
    topups.lock(owed)
    known = DepositEntry.objects.filter(key=key).first()
    if known is not None:
        amount_fen = known.amount_fen if amount_fen is None else amount_fen
    else:
        if owed.state != TopUp.State.OPEN:
            raise Refused(_("This top-up is %(state)s.") % {"state": owed.get_state_display()})
        outstanding = topups.outstanding_of(owed)
        amount_fen = outstanding if amount_fen is None else amount_fen
        if amount_fen > outstanding:
            raise Refused(
                _("Only %(outstanding)s of it is outstanding: enter what is beyond as paid in.")
                % {"outstanding": money.told(outstanding)}
            )
    entry = top_up(
        shop=owed.shop,
        amount_fen=amount_fen,
        cause=cause,
        key=key,
        by=by,
        at=at,
        recorded_at=recorded_at,
        reference=reference,
        settles=owed,
    )
    owed.refresh_from_db()
    return entry


@transaction.atomic
def compensate(
    *,
    shop: Shop,
    amount_fen: int,
    cause: str,
    key: str,
    by: User | None,
    at: datetime,
    recorded_at: datetime | None = None,
    reference: str = "",
) -> DepositEntry:
    """Buyers are paid out of the deposit. Refused for more than there is."""
    require(by, ENTER)
    refuse_unless_above_zero(amount_fen)
    return enter(
        Movement(shop, Kind.COMPENSATE, -amount_fen, cause, key, by, at, recorded_at or at, reference)
    )


@transaction.atomic
def refund(
    *,
    shop: Shop,
    amount_fen: int,
    cause: str,
    key: str,
    by: User | None,
    at: datetime,
    recorded_at: datetime | None = None,
    reference: str = "",
) -> DepositEntry:
    """The shop gets back what is free. Refused for more, with what holds the rest."""
    require(by, ENTER)
    refuse_unless_above_zero(amount_fen)
    recorded_at = recorded_at or at
    movement = Movement(shop, Kind.REFUND, -amount_fen, cause, key, by, at, recorded_at, reference)
    known = known_as(movement)
    if known is not None:
        return known
    free = free_of(shop, day=measured_day(localdate(recorded_at)), at=recorded_at)
    if amount_fen > free.amount_fen:
        raise Refused(_not_free(free))
    return enter(movement)


@transaction.atomic
def deduct(
    *,
    shop: Shop,
    amount_fen: int,
    cause: str,
    key: str,
    by: User | None,
    at: datetime,
    recorded_at: datetime | None = None,
    reference: str = "",
    due_on: date | None = None,
) -> Deduction:
    """Take from the deposit (DP-2). What it lacks the shop owes until `due_on`, by default days later, and it
    is deducted once it is paid.
    """
    require(by, ENTER)
    refuse_unless_above_zero(amount_fen)
    recorded_at = recorded_at or at
    due_on = due_on or topups.due_day(None, recorded_at)
    movement = Movement(shop, Kind.DEDUCT, -amount_fen, cause, key, by, at, recorded_at, reference)
    return take(movement, due_on)


@transaction.atomic
def deduct_for(measure: Measure, *, amount_fen: int, cause: str, by: User | None, at: datetime) -> Deduction:
    """What a penalty's measure takes. Safe to call twice.

    Asks for no permission of its own: who imposes the penalty has the right to.
    """
    shop, key = measure.penalty.shop, f"measure {measure.pk}: deducted"
    Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
    refuse_unless_above_zero(amount_fen)
    movement = Movement(shop, Kind.DEDUCT, -amount_fen, cause, key, by, at, at, measure=measure)
    return take(movement, topups.due_day(measure.penalty.alliance, at))


@transaction.atomic
def reverse(
    entry: DepositEntry,
    *,
    cause: str,
    key: str,
    by: User | None,
    at: datetime,
    recorded_at: datetime | None = None,
) -> DepositEntry:
    """Take an entry back by its exact opposite, once. What a deduction had left owing is owed no longer, and
    what comes back is there for what another had found missing.

    Refused for a reversal, for what was taken back already, for what a penalty deducted (the penalty is
    overturned instead), for what was deducted of a payment, and where the money is gone.
    """
    require(by, ENTER)
    if entry.measure_id is not None:
        raise Refused(
            _("Penalty %(penalty)s deducted this. Overturn the penalty to take it back.")
            % {"penalty": entry.measure and entry.measure.penalty}
        )
    if entry.kind == Kind.COLLECT:
        raise Refused(
            _("This was deducted of a payment. Take back the payment, or the deduction that was short.")
        )
    Shop.objects.select_for_update(no_key=True).get(pk=entry.shop_id)
    known, recorded_at = DepositEntry.objects.filter(key=key).exists(), recorded_at or at
    reversal = reverse_entry(entry, cause=cause, key=key, by=by, at=at, recorded_at=recorded_at)
    if not known:
        settling.collect_what_came("e.id = %s", [reversal.pk], by=by, at=recorded_at)
    return reversal


@transaction.atomic
def reverse_for(measure: Measure, *, cause: str, by: User | None, at: datetime) -> DepositEntry | None:
    """Give back what a penalty's measure took, also once it was paid, and cancel what it demanded: what was
    paid of that counts towards what is due next, and what other deductions had found missing is deducted of
    the rest. What was given back for its case before counts once. Safe to call twice.

    Asks for no permission of its own, as `deduct_for`. None where there was nothing to take.
    """
    shop = Shop.objects.select_for_update(no_key=True).get(pk=measure.penalty.shop_id)
    before = last_number(shop)
    taken = DepositEntry.objects.filter(measure=measure, kind=Kind.DEDUCT).order_by("number").last()
    cancel_owed(TopUp.objects.filter(measure=measure), by=by, at=at, reason=cause)
    reversal = None
    if taken is not None:
        key = f"measure {measure.pk}: given back"
        reversal = reverse_entry(taken, cause=cause, key=key, by=by, at=at, recorded_at=at)
    if measure.kind == Measure.Kind.DEDUCT:
        # It can't have been more: what goes back before is no more than what stands.
        count_once_given_back(measure.penalty, measure.amount_fen or 0, by=by, at=at, more=False)
    settling.collect_what_came_back(measure, before, by=by, at=at)
    return reversal


def _not_free(free: Free) -> str:
    told = {"free": money.told(free.amount_fen), "required": money.told(free.required_fen)}
    if free.held_by:
        return _("Nothing of the deposit is free while something is open: %(what)s.") % {
            "what": holds.told(holds.counted(free.held_by))
        }
    if free.required_fen:
        return _("Only %(free)s is free: %(required)s is required of the shop.") % told
    return _("Only %(free)s is free.") % told
