"""What shops owe their deposits: demand, remind, cancel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import BigIntegerField, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Cast, Coalesce
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from shops import money, settling
from shops.errors import Refused
from shops.models import Alliance, DepositEntry, Measure, Settlement, Shop, TopUp
from shops.rights import require

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ENTER = "shops.enter_deposit"
# Where no alliance says how many days a shop has to pay.
DAYS_TO_PAY = 7

State = TopUp.State


class Demanded(NamedTuple):
    """What a shop has to pay, in fen: what will stay in its deposit, and what a deduction found missing."""

    stays: int
    deducted: int


def with_outstanding(top_ups: QuerySet[TopUp]) -> QuerySet[TopUp]:
    """With `outstanding_fen`: what payments that still stand have left of each."""
    paid = (
        Settlement.objects.filter(top_up=OuterRef("pk"), entry__reversal=None)
        .order_by()
        .values("top_up")
        .annotate(paid=Sum("amount_fen"))
        .values("paid")
    )
    return top_ups.annotate(
        outstanding_fen=F("amount_fen") - Coalesce(Cast(Subquery(paid), BigIntegerField()), 0)
    )


def open_of(shop: Shop) -> QuerySet[TopUp]:
    """What the shop has to pay, each with `outstanding_fen`; what is due first comes first."""
    return with_outstanding(TopUp.objects.filter(shop=shop, state=State.OPEN)).order_by("due_on", "pk")


def demanded_of(shops: Sequence[Shop]) -> dict[int, Demanded]:
    """How much each of these shops has to pay, by its key."""
    found = {shop.pk: Demanded(0, 0) for shop in shops}
    owed: Any
    for owed in with_outstanding(TopUp.objects.filter(shop__in=shops, state=State.OPEN)):
        stays, deducted = found[owed.shop_id]
        if owed.cause == TopUp.Cause.SHORTAGE:
            deducted += owed.outstanding_fen
        else:
            stays += owed.outstanding_fen
        found[owed.shop_id] = Demanded(stays, deducted)
    return found


def outstanding_of(top_up: TopUp) -> int:
    """In fen; nothing of one that was cancelled."""
    if top_up.state == State.CANCELLED:
        return 0
    found: Any = with_outstanding(TopUp.objects.filter(pk=top_up.pk)).get()
    return int(found.outstanding_fen)


def due_day(alliance: Alliance | None, at: datetime) -> date:
    """The last day on which a shop may pay what is demanded at that moment."""
    return localdate(at) + timedelta(days=alliance.top_up_days if alliance else DAYS_TO_PAY)


@transaction.atomic
def demand(
    *,
    shop: Shop,
    amount_fen: int,
    by: User | None,
    at: datetime,
    key: str,
    due_on: date | None = None,
    note: str = "",
) -> TopUp:
    """Ask the shop to pay what its deposit lacks, until `due_on`. Under a known key the same is returned.

    Refused for an amount that is not above zero, a day that is over, and a key that means something else.
    """
    require(by, ENTER)
    due_on = due_on or due_day(None, at)
    return open_one(
        shop, amount_fen, TopUp.Cause.REQUIREMENT, by=by, at=at, due_on=due_on, key=key, note=note
    )


@transaction.atomic
def demand_for(measure: Measure, *, amount_fen: int, by: User | None, at: datetime) -> TopUp:
    """What a penalty's measure demands. Who imposes the penalty has the right to; safe to call twice."""
    return open_one(
        measure.penalty.shop,
        amount_fen,
        TopUp.Cause.MEASURE,
        by=by,
        at=at,
        due_on=due_day(measure.penalty.alliance, at),
        key=f"measure {measure.pk}: demanded",
        measure=measure,
    )


@transaction.atomic
def remind(top_up: TopUp, *, by: User | None, at: datetime, note: str = "") -> None:
    """Keep that the shop was reminded, and by what. Refused where nothing is due any more."""
    require(by, ENTER)
    lock(top_up)
    _refuse_unless_open(top_up)
    top_up.reminded_at = at
    top_up.save_by(by, note.strip() or "reminded")


@transaction.atomic
def cancel(top_up: TopUp, *, by: User | None, at: datetime, reason: str) -> None:
    """The shop need not pay it (any more); what it has paid of it counts for what is due next, unless that
    was deducted. Refused without a reason, and where nothing is due any more.
    """
    require(by, ENTER)
    lock(top_up)
    _refuse_unless_open(top_up)
    if not reason.strip():
        raise Refused(_("Cancelling a top-up takes a reason."))
    end(top_up, State.CANCELLED, by=by, at=at, reason=reason.strip())
    settling.count_freed([top_up.pk], by=by, at=at)


# What the verbs of other modules are made of


def open_one(
    shop: Shop,
    amount_fen: int,
    cause: TopUp.Cause,
    *,
    by: User | None,
    at: datetime,
    due_on: date,
    key: str,
    note: str = "",
    measure: Measure | None = None,
    entry: DepositEntry | None = None,
    goes_on: bool = False,
) -> TopUp:
    """A new top-up due, or the one that is known under the key. Locks the shop.

    `goes_on`: it is what is left of one that was due on that day, which may be over.
    """
    Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
    known = TopUp.objects.filter(key=key).first()
    if known is not None:
        if (known.shop_id, known.amount_fen, known.cause) != (shop.pk, amount_fen, cause):
            raise Refused(another_under_the_key(key))
        return known
    if not 0 < amount_fen <= money.MOST:
        raise Refused(amount_out_of_bounds())
    if due_on < localdate(at) and not goes_on:
        raise Refused(_("The day until which it is to be paid is over."))
    top_up = TopUp(
        shop=shop,
        amount_fen=amount_fen,
        due_on=due_on,
        cause=cause,
        note=note.strip(),
        measure=measure,
        entry=entry,
        key=key,
        demanded_at=at,
        demanded_by=by,
    )
    try:
        with transaction.atomic():
            top_up.save_by(by, "demanded")
    except IntegrityError as error:
        # Somebody demanded it of another shop a moment ago, whose row is not ours to lock.
        if "topup_key" not in str(error):
            raise
        raise Refused(another_under_the_key(key)) from error
    return top_up


def lock(top_up: TopUp) -> None:
    """Hold the shop's row, then the top-up's, which is read afresh."""
    Shop.objects.select_for_update(no_key=True).get(pk=top_up.shop_id)
    top_up.refresh_from_db(from_queryset=TopUp.objects.select_for_update(no_key=True))


def end(top_up: TopUp, state: TopUp.State, *, by: User | None, at: datetime, reason: str) -> None:
    """It is due no longer."""
    top_up.state, top_up.ended_at, top_up.ended_by, top_up.ended_reason = state, at, by, reason
    top_up.save_by(by, state.value)


def reopen(top_up: TopUp, *, by: User | None) -> None:
    """A payment that settled it was taken back."""
    top_up.state, top_up.ended_at, top_up.ended_by, top_up.ended_reason = State.OPEN, None, None, ""
    top_up.save_by(by, "reopened")


def amount_out_of_bounds(*, either_way: bool = False) -> str:
    """`either_way`: whether it may take away as well as add."""
    told = (
        _("An adjustment is not zero: it adds from %(least)s to %(most)s, or below zero takes away as much.")
        if either_way
        else _("An amount lies between %(least)s and %(most)s.")
    )
    return told % {"least": money.told(1), "most": money.told(money.MOST)}


def another_under_the_key(key: str) -> str:
    return _("Something else was entered under the key “%(key)s”. Open the form anew.") % {"key": key}


def _refuse_unless_open(top_up: TopUp) -> None:
    if top_up.state != State.OPEN:
        raise Refused(_("This top-up is %(state)s.") % {"state": top_up.get_state_display()})
