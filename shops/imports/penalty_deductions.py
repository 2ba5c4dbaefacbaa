"""What penalties out of a file deduct: from what there is, and of what is known already only once."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.timezone import localdate

from shops import sql, topups
from shops.imports.planning import PLANNED
from shops.imports.rejecting import reject
from shops.imports.staging import Staged
from shops.imports.writing import write
from shops.models import ImportBatch, TopUp

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# Deductions that a file of movements, or finance, has entered for a case: by a number of the case, or by its
# own where that is the same. `which`: the cases by the platform's numbers, and how each is `named`.
MOVED = """
SELECT m.* FROM (
    SELECT e.id, e.shop_id, e.number, e.amount_fen, e.short_fen, e.at, w.reference FROM ({which}) w
    JOIN shops_depositentry e ON e.case_reference = w.named AND e.case_reference <> ''
    WHERE e.kind = 'deduct' AND e.measure_id IS NULL
    UNION ALL
    SELECT e.id, e.shop_id, e.number, e.amount_fen, e.short_fen, e.at, w.reference FROM ({which}) w
    JOIN shops_depositentry e ON e.reference = w.named AND e.reference <> ''
    WHERE e.kind = 'deduct' AND e.measure_id IS NULL AND e.case_reference = ''
    OFFSET 0
) m
WHERE (SELECT r.id FROM shops_depositentry r WHERE r.reverses_id = m.id) IS NULL
"""
# The movements that name a case, or go by its number where they name none. `numbers`: what the case goes by.
OF_CASE = """
    SELECT v.* FROM shops_depositentry v WHERE v.case_reference IN ({numbers}) AND v.case_reference <> ''
    UNION ALL
    SELECT v.* FROM shops_depositentry v
    WHERE v.reference IN ({numbers}) AND v.reference <> '' AND v.case_reference = ''
    OFFSET 0
"""
# What adjustments that stand have given back for a case of the shop, in fen. `numbers`: what it goes by.
GIVEN_BACK = f"""coalesce((
    SELECT sum(e.amount_fen) FROM ({OF_CASE}) e
    WHERE e.kind = 'adjust' AND e.amount_fen > 0 AND e.shop_id = {{shop}}
      AND (SELECT x.id FROM shops_depositentry x WHERE x.reverses_id = e.id) IS NULL), 0)"""
_GIVEN_BACK = GIVEN_BACK.format(numbers="p.reference, shops_case_number(p.standing_id)", shop="p.shop_id")
_NEW_CASES = (
    "SELECT p.reference, c.named FROM import_plan p"
    " CROSS JOIN LATERAL (VALUES (p.reference), (shops_case_number(p.standing_id))) c (named)"
    " WHERE p.outcome <> 'unchanged' AND p.taken IS NOT NULL AND c.named IS NOT NULL"
)


def refuse_what_was_moved_otherwise(staged: Staged) -> None:
    """What the ledger has deducted for a case already has to be what the case says was deducted, and what it
    has given back for it no more than that.
    """
    with sql.by_index():
        reject(
            staged,
            "more_given_back",
            "deposit_deducted",
            rows=PLANNED,
            joins=f"CROSS JOIN LATERAL (SELECT {_GIVEN_BACK} AS fen) m",
            where="p.outcome <> 'unchanged' AND p.taken IS NOT NULL AND m.fen > p.taken * 100",
            params="jsonb_build_object('amount', to_char(m.fen * 0.01, 'FM99999999999999990.00'))",
        )
    sql.execute("DROP TABLE IF EXISTS pg_temp.import_moved")
    moved = MOVED.format(which=_NEW_CASES)
    if not sql.execute(f"CREATE TEMP TABLE import_moved ON COMMIT DROP AS {moved}"):
        return
    joins = (
        "JOIN import_plan p ON p.row = r.row JOIN (SELECT reference, max(shop_id) AS shop_id,"
        " bool_or(shop_id <> other) AS mixed, sum(short_fen - amount_fen) AS fen FROM (SELECT *,"
        " min(shop_id) OVER (PARTITION BY reference) AS other FROM import_moved) m GROUP BY reference)"
        " m ON m.reference = p.reference JOIN shops_shop o ON o.id = m.shop_id"
    )
    elsewhere = "(m.mixed OR m.shop_id <> p.shop_id)"
    reject(
        staged,
        "moved_for_another_shop",
        "shop",
        joins=joins,
        where=elsewhere,
        params="jsonb_build_object('shop', o.code)",
    )
    reject(
        staged,
        "moved_otherwise",
        "deposit_deducted",
        joins=joins,
        where=f"NOT {elsewhere} AND m.fen <> p.taken * 100",
        params="jsonb_build_object('amount', to_char(m.fen * 0.01, 'FM99999999999999990.00'))",
    )


# What each deduction finds in its account, after those before it; the rest is short.
# Each case is looked up by itself, as what is owed is (see settling).
_TAKEN = """
SELECT w.*, greatest(0, least(w.fen, w.balance - (w.until - w.fen))) AS found FROM (
    SELECT m.id AS measure_id, n.shop_id, n.alliance_id, n.imposed_at, m.amount_fen AS fen,
           shops_case_number(n.id) AS cause, 'measure ' || m.id || ': deducted' AS key,
           coalesce(b.balance_fen, 0) AS balance,
           sum(m.amount_fen) OVER (PARTITION BY n.shop_id ORDER BY n.imposed_at, m.id) AS until
    FROM import_plan p
    CROSS JOIN LATERAL (
        SELECT n.* FROM shops_penalty n WHERE n.reference = p.reference AND n.reference <> '' OFFSET 0
    ) n
    CROSS JOIN LATERAL (
        SELECT m.* FROM shops_measure m WHERE m.penalty_id = n.id AND m.kind = 'deduct' OFFSET 0
    ) m
    LEFT JOIN LATERAL (
        SELECT e.balance_fen FROM shops_depositentry e WHERE e.shop_id = n.shop_id
        ORDER BY e.number DESC LIMIT 1
    ) b ON true
    WHERE p.outcome <> 'unchanged'
) w
"""


def deduct(batch: ImportBatch, *, by: User | None, at: datetime) -> None:
    """As penalties of the desk's own do: what there is, and what is missing is due.

    What was deducted for the same case before is taken back first: it counts once, and the penalty, if it is
    overturned, gives it back.
    """
    _carry_over(batch, by=by, at=at)
    sql.execute("DROP TABLE IF EXISTS pg_temp.import_taken")
    with sql.by_index():
        taken = sql.execute(f"CREATE TEMP TABLE import_taken ON COMMIT DROP AS {_TAKEN}")
    if not taken:
        return
    sql.execute(
        "INSERT INTO shops_depositentry (shop_id, kind, amount_fen, short_fen, at, recorded_at,"
        " recorded_by_id, cause, reference, key, measure_id, batch_id)"
        " SELECT t.shop_id, 'deduct', -t.found::bigint, (t.fen - t.found)::bigint, t.imposed_at, %s, %s,"
        " t.cause, '', t.key, t.measure_id, %s FROM import_taken t WHERE t.found > 0"
        " ORDER BY t.shop_id, t.imposed_at, t.measure_id",
        [at, by.pk if by else None, batch.pk],
    )
    write(
        TopUp,
        "INSERT INTO shops_topup (shop_id, amount_fen, due_on, cause, note, measure_id, entry_id, key, state,"
        " demanded_at, demanded_by_id, ended_reason)"
        " SELECT t.shop_id, (t.fen - t.found)::bigint, %s::date + coalesce(a.top_up_days, %s), 'shortage',"
        " t.cause, t.measure_id, e.id, t.key, 'open', %s, %s, '' FROM import_taken t"
        " LEFT JOIN shops_alliance a ON a.id = t.alliance_id"
        " LEFT JOIN shops_depositentry e ON e.key = t.key"
        " WHERE t.fen > t.found ORDER BY t.shop_id, t.imposed_at, t.measure_id",
        [localdate(at), topups.DAYS_TO_PAY, at, by.pk if by else None],
        batch=batch,
        at=at,
    )


def _carry_over(batch: ImportBatch, *, by: User | None, at: datetime) -> None:
    sql.execute("DROP TABLE IF EXISTS pg_temp.import_moved")
    moved = MOVED.format(which=_NEW_CASES)
    if not sql.execute(f"CREATE TEMP TABLE import_moved ON COMMIT DROP AS {moved}"):
        return
    sql.execute(
        "INSERT INTO shops_depositentry (shop_id, kind, amount_fen, at, recorded_at, recorded_by_id, cause,"
        " reference, key, reverses_id, batch_id)"
        " SELECT m.shop_id, 'reversal', -m.amount_fen, m.at, %s, %s, shops_case_number(n.id), '',"
        " 'entry ' || m.id || ': carried over', m.id, %s"
        " FROM import_moved m JOIN shops_penalty n ON n.reference = m.reference AND n.shop_id = m.shop_id"
        " ORDER BY m.shop_id, m.number",
        [at, by.pk if by else None, batch.pk],
    )
    # What the shop has paid of it is there for the penalty.
    owed = "SELECT id FROM shops_topup WHERE entry_id IN (SELECT id FROM import_moved)"
    sql.execute(
        "INSERT INTO shops_depositentry (shop_id, kind, amount_fen, at, recorded_at, recorded_by_id, cause,"
        " reference, key, measure_id, reverses_id, batch_id)"
        " SELECT x.shop_id, 'reversal', -x.amount_fen, x.at, %s, %s, x.cause, '',"
        " 'entry ' || x.id || ': given back', x.measure_id, x.id, %s"
        " FROM shops_depositentry x JOIN shops_settlement c ON c.id = x.settlement_id"
        f" WHERE c.top_up_id IN ({owed})"
        " AND NOT EXISTS (SELECT FROM shops_depositentry r WHERE r.reverses_id = x.id)"
        " ORDER BY x.shop_id, x.number",
        [at, by.pk if by else None, batch.pk],
    )
    write(
        TopUp,
        "UPDATE shops_topup SET state = 'cancelled', ended_at = %s, ended_by_id = %s,"
        f" ended_reason = 'import ' || %s::text WHERE state <> 'cancelled' AND id IN ({owed})",
        [at, by.pk if by else None, batch.pk],
        batch=batch,
        at=at,
        change="~",
    )
