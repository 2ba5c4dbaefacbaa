"""What comes in counts towards what shops owe, and what a deduction had found missing is deducted of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shops import sql
from shops.models import DepositEntry, Measure, TopUp

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# What payments that still stand have left of the top-up `t`, in fen.
# Here and below each row is looked up by itself, behind OFFSET 0 or as a value, by what one index alone can
# serve: where the planner takes a table for empty, reading all of it by any index, for each row anew, costs
# as little.
OUTSTANDING = """t.amount_fen - coalesce((
        SELECT sum(c.amount_fen) FROM shops_settlement c WHERE c.top_up_id = t.id
          AND (SELECT r.id FROM shops_depositentry r WHERE r.reverses_id = c.entry_id) IS NULL), 0)"""
# What shops owe, what is due first first: `fen` is outstanding of each, `until` with those before it. "No
# end" in place of "open", which the index of what is due would serve too.
_OWED = f"""
SELECT o.*, sum(o.fen) OVER (PARTITION BY o.shop_id ORDER BY o.due_on, o.id) AS until
FROM (SELECT DISTINCT shop_id FROM paid) p CROSS JOIN LATERAL (
    SELECT t.id, t.shop_id, t.due_on, {OUTSTANDING} AS fen
    FROM shops_topup t
    WHERE t.ended_at IS NULL AND t.shop_id = p.shop_id{{of}}
    OFFSET 0
) o
"""
# What of which payment counts towards what. `paid`: payments, as (id, shop_id, number, amount_fen).
# Payments and debts of a shop are laid side by side, and cut wherever one of either ends: joined each with
# each they would be looked at too often where a shop has many, or where the planner knows of none.
SHARED = f"""
WITH paid AS MATERIALIZED (
    SELECT e.*, sum(e.amount_fen) OVER (PARTITION BY e.shop_id ORDER BY e.number) AS until
    FROM ({{paid}} OFFSET 0) e
), ends AS (
    SELECT shop_id, until, ARRAY[until, id] AS entry, NULL::numeric[] AS top_up FROM paid
    UNION ALL
    SELECT shop_id, until, NULL, ARRAY[until, id] FROM ({_OWED}) owed WHERE fen > 0
), cut AS (
    SELECT until - lag(until, 1, 0::numeric) OVER (PARTITION BY shop_id ORDER BY until) AS fen,
           (min(entry) OVER going_back)[2]::bigint AS entry_id,
           (min(top_up) OVER going_back)[2]::bigint AS top_up_id
    FROM ends WINDOW going_back AS (PARTITION BY shop_id ORDER BY until DESC)
)
SELECT entry_id, top_up_id, fen FROM cut WHERE fen > 0 AND entry_id IS NOT NULL AND top_up_id IS NOT NULL
"""
_SETTLE = (
    f"INSERT INTO shops_settlement (entry_id, top_up_id, amount_fen) {SHARED} ORDER BY entry_id, top_up_id"
)
_NEW = (
    "SELECT e.id, e.shop_id, e.number, e.amount_fen FROM shops_depositentry e"
    " WHERE e.kind = 'top_up' AND {which}"
)
# Of that money, what the deposit has still. `money`: the entries, as (id, shop_id, number, fen).
_THERE = """
SELECT id, shop_id, number, least(until, balance) - least(until - fen, balance) AS amount_fen
FROM (
    SELECT c.*, sum(c.fen) OVER (PARTITION BY c.shop_id ORDER BY c.number) AS until, (
        SELECT b.balance_fen FROM shops_depositentry b WHERE b.shop_id = c.shop_id
        ORDER BY b.number DESC LIMIT 1) AS balance
    FROM ({money}) c
) there
WHERE fen > 0 AND balance > until - fen
"""
# What counted towards what is cancelled and for that alone, less what of it counts `already` since then.
_COUNTED = """
    SELECT e.id, e.shop_id, e.number, sum(c.amount_fen){already} AS {fen}
    FROM shops_settlement c JOIN shops_depositentry e ON e.id = c.entry_id
    WHERE c.top_up_id = ANY (%s){of}
      AND NOT EXISTS (SELECT FROM shops_depositentry r WHERE r.reverses_id = e.id)
      AND NOT EXISTS (SELECT FROM shops_depositentry x WHERE x.settlement_id = c.id AND NOT EXISTS (
          SELECT FROM shops_depositentry r WHERE r.reverses_id = x.id))
    GROUP BY e.id"""
_OWED_ANEW = _COUNTED.format(fen="amount_fen", of="", already="")
_ALREADY = """ - coalesce((
        SELECT sum(o.amount_fen) FROM shops_settlement o WHERE o.entry_id = e.id AND o.id > %s), 0)"""
_PAID = {"of": " AND e.kind = 'top_up'", "already": _ALREADY}
_FREED = _THERE.format(money=_COUNTED.format(fen="fen", **_PAID))
# Also what the deposit has no more: of a demand nothing is deducted, and what was paid after it would have
# counted.
_PAID_AFTER = (
    f"SELECT * FROM ({_COUNTED.format(fen='amount_fen', **_PAID)}) p WHERE p.id = %s AND p.amount_fen > 0"
)
_DEMANDED_BEFORE = " AND t.cause <> 'shortage' AND t.demanded_at < %s"
# What came in otherwise, for no debt.
_CAME_IN = _THERE.format(
    money="SELECT e.id, e.shop_id, e.number, e.amount_fen AS fen FROM shops_depositentry e"
    " WHERE e.kind IN ('pay_in', 'adjust', 'reversal') AND e.amount_fen > 0 AND {which}"
)
# What a measure has given back by entry `e`, the reversal of its entry `x`, less what it took of the same
# again, as it was lessened. What went back to a payment that was itself taken back is given back to nobody.
GIVEN_BACK = """e.amount_fen + coalesce((
        SELECT z.amount_fen FROM shops_depositentry z
        WHERE z.measure_id = e.measure_id AND z.kind = x.kind AND z.number > e.number
          AND (SELECT d.entry_id FROM shops_settlement d WHERE d.id = z.settlement_id)
              IS NOT DISTINCT FROM c.entry_id
        ORDER BY z.number LIMIT 1), 0)"""
# The reversals `which`, of payments that stand.
OF_REVERSALS = """(SELECT e.* FROM shops_depositentry e WHERE {which} OFFSET 0) e
CROSS JOIN LATERAL (SELECT x.* FROM shops_depositentry x WHERE x.id = e.reverses_id OFFSET 0) x
LEFT JOIN LATERAL (SELECT c.* FROM shops_settlement c WHERE c.id = x.settlement_id OFFSET 0) c ON true
WHERE (SELECT r.id FROM shops_depositentry r WHERE r.reverses_id = c.entry_id) IS NULL"""
_BACK = "e.kind = 'reversal' AND e.measure_id = %s AND e.number > %s"
# The same of one act, less what another shortage has taken meanwhile of a payment that was free again.
_CAME_BACK = _THERE.format(
    money=f"""
    SELECT e.id, e.shop_id, e.number, e.amount_fen + coalesce((
        SELECT sum(z.amount_fen) FROM shops_depositentry z
        LEFT JOIN shops_settlement d ON d.id = z.settlement_id
        WHERE z.shop_id = e.shop_id AND z.number > e.number AND (
            d.entry_id = c.entry_id OR z.measure_id = x.measure_id AND z.kind = x.kind AND x.kind = 'deduct'
        )), 0) AS fen
    FROM {OF_REVERSALS.format(which=_BACK)}"""
)
# Nothing is deducted before its penalty.
_ONCE_IMPOSED = "greatest(e.at, (SELECT m.applied_at FROM shops_measure m WHERE m.id = t.measure_id))"
_FREED_ENTRIES = "e.id IN (SELECT c.entry_id FROM shops_settlement c WHERE c.top_up_id = ANY (%s))"
# What the entries `which` count towards.
_COUNT = """(SELECT e.* FROM shops_depositentry e WHERE {which} OFFSET 0) e
CROSS JOIN LATERAL (SELECT c.* FROM shops_settlement c WHERE c.entry_id = e.id OFFSET 0) c"""
# What was short of a deduction is deducted as it is paid: it is not the shop's own.
_COLLECT = f"""
INSERT INTO shops_depositentry (shop_id, kind, amount_fen, at, recorded_at, recorded_by_id, cause, reference,
    key, measure_id, settlement_id, batch_id)
SELECT e.shop_id, 'collect', -c.amount_fen, {{moved}}, %s, %s, t.note, '',
    'settlement ' || c.id || ': deducted', t.measure_id, c.id, e.batch_id
FROM {_COUNT}
CROSS JOIN LATERAL (SELECT t.* FROM shops_topup t WHERE t.id = c.top_up_id OFFSET 0) t
WHERE t.cause = 'shortage'
  AND (SELECT x.id FROM shops_depositentry x WHERE x.settlement_id = c.id) IS NULL
ORDER BY e.shop_id, c.id
"""
_END = f"""
UPDATE shops_topup SET state = 'settled', ended_at = %s, ended_by_id = %s
WHERE ended_at IS NULL AND id = ANY (ARRAY(SELECT c.top_up_id FROM {_COUNT}))
  AND amount_fen = (SELECT sum(c.amount_fen) FROM shops_settlement c WHERE c.top_up_id = shops_topup.id
      AND (SELECT r.id FROM shops_depositentry r WHERE r.reverses_id = c.entry_id) IS NULL)
"""


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
    _follow_up(which, params, _ONCE_IMPOSED, [], by=by, at=at)


def collect_what_came(which: str, params: Sequence[Any], *, by: User | None, at: datetime) -> None:
    """Deduct what deductions had found missing of what has come in or back since, as far as the deposits have
    it: who deducts only now would find it there.

    `which`: a condition on the entries `e`. Needs the shops' rows locked, and all that came with it entered.
    """
    came_in = _CAME_IN.format(which=which)
    sql.execute(_SETTLE.format(paid=came_in, of=" AND t.cause = 'shortage'"), params)
    _follow_up(which, params, _ONCE_IMPOSED, [], by=by, at=at)


def collect_what_came_back(measure: Measure, after: int, *, by: User | None, at: datetime) -> None:
    """Deduct what deductions had found missing of what this measure, undone or lessened, has given back, as
    far as the deposit has it: without it they would have found it there.

    `after`: the number of the account's last entry before. Needs the shop's row locked.
    """
    which = [measure.pk, after]
    sql.execute(_SETTLE.format(paid=_CAME_BACK, of=" AND t.cause = 'shortage'"), which)
    _follow_up(_BACK, which, _ONCE_IMPOSED, [], by=by, at=at)


def count_freed(
    cancelled: Sequence[int], *, by: User | None, at: datetime, first: TopUp | None = None
) -> None:
    """Have what was paid of these count towards what is due next, as far as it is there, or was demanded
    before it was paid. What counted of them at all counts towards `first` before, which is owed instead.
    Needs the shops' rows locked.
    """
    [[newest]] = sql.fetch("SELECT coalesce(max(id), 0) FROM shops_settlement")
    if first is not None:
        sql.execute(_SETTLE.format(paid=_OWED_ANEW, of=" AND t.id = %s"), [list(cancelled), first.pk])
    sql.execute(_SETTLE.format(paid=_FREED, of=""), [newest, list(cancelled)])
    payments = DepositEntry.objects.filter(settlements__top_up__in=cancelled, kind=DepositEntry.Kind.TOP_UP)
    for payment in payments.distinct().order_by("number"):
        after = [newest, list(cancelled), payment.pk, payment.recorded_at]
        sql.execute(_SETTLE.format(paid=_PAID_AFTER, of=_DEMANDED_BEFORE), after)
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
