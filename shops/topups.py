"""What shops owe their deposits: demand, remind, cancel, and payments that count towards it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import BigIntegerField, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Cast, Coalesce
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from shops import money, sql
from shops.errors import Refused
from shops.models import Alliance, DepositEntry, Measure, Settlement, Shop, TopUp
from shops.rights import require

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ENTER = "shops.enter_deposit"
# Where no alliance says how many days a shop has to pay.
DAYS_TO_PAY = 7

State = TopUp.State

# What shops owe, what is due first first: `fen` is outstanding of each, `until` with those before it.
OWED = """
SELECT o.*, sum(o.fen) OVER (PARTITION BY o.shop_id ORDER BY o.due_on, o.id) AS until
FROM (
    SELECT t.id, t.shop_id, t.due_on, t.cause, t.amount_fen - coalesce((
        SELECT sum(c.amount_fen) FROM shops_settlement c WHERE c.top_up_id = t.id
          AND NOT EXISTS (SELECT FROM shops_depositentry r WHERE r.reverses_id = c.entry_id)), 0) AS fen
    FROM shops_topup t
    WHERE t.state = 'open' AND {which}
) o
"""
_OWED = OWED.format(which="t.shop_id IN (SELECT shop_id FROM paid){of}")
# What payments have paid. `paid`: the payments, as (id, shop_id, number, amount_fen).
_SETTLE = f"""
WITH paid AS (
    SELECT e.*, sum(e.amount_fen) OVER (PARTITION BY e.shop_id ORDER BY e.number) AS until FROM ({{paid}}) e
), owed AS ({_OWED}), shared AS (
    SELECT p.id AS entry_id, o.id AS top_up_id,
           least(p.until, o.until) - greatest(p.until - p.amount_fen, o.until - o.fen) AS fen
    FROM paid p JOIN owed o ON o.shop_id = p.shop_id
)
INSERT INTO shops_settlement (entry_id, top_up_id, amount_fen)
SELECT entry_id, top_up_id, fen FROM shared WHERE fen > 0 ORDER BY entry_id, top_up_id
"""
_NEW = (
    "SELECT e.id, e.shop_id, e.number, e.amount_fen FROM shops_depositentry e"
    " WHERE e.kind = 'top_up' AND {which}"
)
# Payments of what is cancelled, as far as they counted for it alone and the deposit has their money still.
_FREED = """
SELECT id, shop_id, number, least(until, balance) - least(until - fen, balance) AS amount_fen
FROM (
    SELECT c.*, sum(c.fen) OVER (PARTITION BY c.shop_id ORDER BY c.number) AS until, (
        SELECT b.balance_fen FROM shops_depositentry b WHERE b.shop_id = c.shop_id
        ORDER BY b.number DESC LIMIT 1) AS balance
    FROM (
        SELECT e.id, e.shop_id, e.number, sum(c.amount_fen) AS fen
        FROM shops_settlement c JOIN shops_depositentry e ON e.id = c.entry_id
        WHERE c.top_up_id = ANY (%s)
          AND NOT EXISTS (SELECT FROM shops_depositentry r WHERE r.reverses_id = e.id)
          AND NOT EXISTS (SELECT FROM shops_depositentry x WHERE x.settlement_id = c.id AND NOT EXISTS (
              SELECT FROM shops_depositentry r WHERE r.reverses_id = x.id))
        GROUP BY e.id
    ) c
) freed
WHERE balance > until - fen
"""
_FREED_ENTRIES = "e.id IN (SELECT c.entry_id FROM shops_settlement c WHERE c.top_up_id = ANY (%s))"
# What was short of a deduction is deducted as it is paid: it is not the shop's own.
_COLLECT = """
INSERT INTO shops_depositentry (shop_id, kind, amount_fen, at, recorded_at, recorded_by_id, cause, reference,
    key, measure_id, settlement_id, batch_id)
SELECT e.shop_id, 'collect', -c.amount_fen, {moved}, %s, %s, t.note, '',
    'settlement ' || c.id || ': deducted', t.measure_id, c.id, e.batch_id
FROM shops_settlement c
JOIN shops_topup t ON t.id = c.top_up_id AND t.cause = 'shortage'
JOIN shops_depositentry e ON e.id = c.entry_id
WHERE {which} AND NOT EXISTS (SELECT FROM shops_depositentry x WHERE x.settlement_id = c.id)
ORDER BY e.shop_id, c.id
"""
_END = """
UPDATE shops_topup SET state = 'settled', ended_at = %s, ended_by_id = %s
WHERE state = 'open'
  AND id IN (SELECT c.top_up_id FROM shops_settlement c JOIN shops_depositentry e ON e.id = c.entry_id
             WHERE {which})
  AND amount_fen = (SELECT sum(c.amount_fen) FROM shops_settlement c WHERE c.top_up_id = shops_topup.id
      AND NOT EXISTS (SELECT FROM shops_depositentry r WHERE r.reverses_id = c.entry_id))
"""


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
def demand_for(
    measure: Measure, *, amount_fen: int, by: User | None, at: datetime, due_on: date | None = None
) -> TopUp:
    """What a penalty's measure demands. Who imposes the penalty has the right to; safe to call twice."""
    due_on = due_on or due_day(measure.penalty.alliance, at)
    return open_one(
        measure.penalty.shop,
        amount_fen,
        TopUp.Cause.MEASURE,
        by=by,
        at=at,
        due_on=due_on,
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
    count_freed([top_up.pk], by=by, at=at)


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
) -> TopUp:
    """A new top-up due, or the one that is known under the key. Locks the shop."""
    Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
    known = TopUp.objects.filter(key=key).first()
    if known is not None:
        if (known.shop_id, known.amount_fen, known.cause) != (shop.pk, amount_fen, cause):
            raise Refused(another_under_the_key(key))
        return known
    if not 0 < amount_fen <= money.MOST:
        raise Refused(amount_out_of_bounds())
    if due_on < localdate(at):
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
    top_up.save_by(by, "demanded")
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


def count_payments(
    which: str, params: Sequence[Any], *, by: User | None, at: datetime, only: TopUp | None = None
) -> None:
    """Have new payments count towards what is due first, deduct what a deduction had found missing of it, and
    end what is paid in full.

    `which`: a condition on the entries `e`, none of which counts towards anything yet. `only`: towards that
    one alone. Needs the shops' rows locked.
    """
    of, of_params = ("", []) if only is None else (" AND t.id = %s", [only.pk])
    sql.execute(_SETTLE.format(paid=_NEW.format(which=which), of=of), [*params, *of_params])
    _follow_up(which, params, "e.at", [], by=by, at=at)


def count_freed(cancelled: Sequence[int], *, by: User | None, at: datetime) -> None:
    """Have what was paid of these count towards what is due next. Needs the shops' rows locked."""
    sql.execute(_SETTLE.format(paid=_FREED, of=""), [list(cancelled)])
    _follow_up(_FREED_ENTRIES, [list(cancelled)], "%s", [at], by=by, at=at)


def _follow_up(
    which: str, params: Sequence[Any], moved: str, moved_at: Sequence[Any], *, by: User | None, at: datetime
) -> None:
    author = by.pk if by else None
    sql.execute(_COLLECT.format(which=which, moved=moved), [*moved_at, at, author, *params])
    with sql.cursor() as cursor:
        sql.write_with_history(
            cursor,
            TopUp,
            _END.format(which=which),
            [at, author, *params],
            change="~",
            by=by,
            reason="settled",
            at=at,
        )


def amount_out_of_bounds() -> str:
    return _("An amount lies between %(least)s and %(most)s.") % {
        "least": money.told(1),
        "most": money.told(money.MOST),
    }


def another_under_the_key(key: str) -> str:
    return _("Something else was entered under the key “%(key)s”. Open the form anew.") % {"key": key}


def _refuse_unless_open(top_up: TopUp) -> None:
    if top_up.state != State.OPEN:
        raise Refused(_("This top-up is %(state)s.") % {"state": top_up.get_state_display()})
