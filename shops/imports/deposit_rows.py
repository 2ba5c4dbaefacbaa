"""Movements of deposits out of a file: what is wrong with them, and how they are entered."""

from __future__ import annotations

from datetime import datetime

from django.utils.timezone import localtime

from shops import money, returns, settling, sql
from shops.imports import penalty_deductions
from shops.imports.planning import PLANNED
from shops.imports.rejecting import as_standing, reject
from shops.imports.staging import Staged
from shops.models import DepositEntry, ImportBatch, Penalty

# A file writes what is taken without a sign, the ledger below zero.
TAKING = ", ".join(f"'{kind}'" for kind in sorted(DepositEntry.TAKING))
FEN = f"((CASE WHEN p.kind IN ({TAKING}) THEN -p.amount ELSE p.amount END) * 100)"
_NEW = "p.outcome = 'created' AND NOT EXISTS (SELECT FROM import_errors e WHERE e.row = p.row)"
# What deductions had found missing is deducted of the payments that a file would enter. Each debt is looked
# up by itself: joined, all of them would be read for each payment where the planner knows of few.
_PAYMENTS = f"""
SELECT p.row AS id, p.shop_id, row_number() OVER (ORDER BY p.at, p.row) AS number, {FEN} AS amount_fen
FROM import_plan p WHERE p.kind = 'top_up' AND {_NEW}
"""
COLLECTED = f"""
CREATE TEMP TABLE import_collected ON COMMIT DROP AS
SELECT c.entry_id AS row, sum(c.fen) AS fen FROM ({settling.SHARED.format(paid=_PAYMENTS, of="")}) c
WHERE (SELECT t.cause FROM shops_topup t WHERE t.id = c.top_up_id) = 'shortage'
GROUP BY c.entry_id
"""
# The balance before each movement that a file would enter, in the order of its moments; what the account does
# not hold is passed over, and those behind it are judged without. `which`: a condition on planned rows `p`.
MOVED = f"""
    SELECT row, fen, coalesce(lag(after) OVER account, opening) AS before
    FROM (
        SELECT row, fen, opening, shop_id, at,
               shops_balance_kept(fen, opening) OVER (
                   PARTITION BY shop_id ORDER BY at, row ROWS UNBOUNDED PRECEDING) AS after
        FROM (
            SELECT p.row, p.shop_id, p.at, {FEN} - coalesce(c.fen, 0) AS fen,
                   coalesce(b.balance_fen, 0)::numeric AS opening
            FROM import_plan p LEFT JOIN import_collected c ON c.row = p.row LEFT JOIN LATERAL (
                SELECT v.balance_fen FROM shops_depositentry v WHERE v.shop_id = p.shop_id
                ORDER BY v.number DESC LIMIT 1
            ) b ON true
            WHERE {_NEW}{{which}}
        ) moved
    ) kept
    WINDOW account AS (PARTITION BY shop_id ORDER BY at, row)
"""
BEFORE = f"JOIN ({MOVED.format(which='')}) k ON k.row = r.row"
OVERDRAFT = "k.before + k.fen < 0"
TOO_MUCH = f"k.before + k.fen > {money.MOST}"
BALANCE = "jsonb_build_object('balance', to_char(k.before * 0.01, 'FM99999999999999990.00'))"
# What stands of an entry under the row's reference, as files write it, where it is something else.
STANDING = "JOIN import_plan p ON p.row = r.row JOIN shops_depositentry v ON v.id = p.standing_id"
STANDS = {
    "shop": ("(SELECT o.code FROM shops_shop o WHERE o.id = v.shop_id)", "r.shop <> {}"),
    "kind": ("v.kind", "r.kind <> {}"),
    "amount": (
        f"trim_scale((CASE WHEN v.kind IN ({TAKING}) THEN -v.amount_fen ELSE v.amount_fen END) * 0.01)",
        "r.amount <> {}",
    ),
    "at": ("(v.at AT TIME ZONE 'Asia/Shanghai')", "p.at <> v.at"),
    # A case goes by two numbers.
    "penalty": (
        "v.case_reference",
        "nullif(r.penalty, '') <> {0} AND {0} <> ''"
        " AND coalesce(shops_case_named(r.penalty) <> shops_case_named({0}), true)",
    ),
    "note": ("v.cause", "nullif(r.note, '') <> {}"),
}
_IMPOSED = "(SELECT max(h.amount_fen) FROM shops_historicalmeasure h WHERE h.id = m.id)"
_DEDUCTS = "m.penalty_id = n.id AND m.kind = 'deduct' AND m.applied_at IS NOT NULL"
_NUMBERS = "n.reference, shops_case_number(n.id)"
_GIVEN_BACK = penalty_deductions.GIVEN_BACK.format(numbers=_NUMBERS, shop="n.shop_id")
# What was deducted under a case's number, and has gone back as the case came to nothing.
_GONE_BACK = f"""
SELECT sum(r.amount_fen), sum(x.short_fen - x.amount_fen), max(r.number), NULL::numeric
FROM ({penalty_deductions.OF_CASE.format(numbers=_NUMBERS)}) x
CROSS JOIN LATERAL (SELECT r.* FROM shops_depositentry r WHERE r.reverses_id = x.id OFFSET 0) r
WHERE p.kind = 'adjust' AND n.status IN ({", ".join(f"'{status}'" for status in sorted(Penalty.VOID))})
  AND x.kind = 'deduct' AND x.measure_id IS NULL AND x.shop_id = n.shop_id
  AND r.key = 'entry ' || x.id || ': given back'
  AND NOT EXISTS (SELECT FROM shops_measure m WHERE {_DEDUCTS})
"""
# What a case on record has moved already: a movement names the case, or goes by its number.
# `fen`: what the penalty has deducted; or, as it was lessened or overturned, given back, by entries up to
# `number`. `also`: what stands of the deduction; or with what is owed no longer. `stands`: of an adjustment,
# what of the deduction stands and was not given back otherwise.
OF_CASES = f"""
CREATE TEMP TABLE import_of_cases ON COMMIT DROP AS
SELECT p.row, p.kind, n.id AS penalty_id, p.shop_id = n.shop_id AS of_the_shop, (p.amount * 100) AS moved,
       d.fen, d.also, d.number, d.stands, s.code AS shop,
       row_number() OVER (PARTITION BY n.id, p.kind ORDER BY p.row) AS place
FROM {PLANNED}
CROSS JOIN LATERAL (
    SELECT n.* FROM shops_penalty n
    WHERE n.id = shops_case_named(coalesce(nullif(r.penalty, ''), r.reference))
    OFFSET 0
) n
JOIN shops_shop s ON s.id = n.shop_id
JOIN LATERAL (
    SELECT sum({_IMPOSED}) AS fen, sum(m.amount_fen) AS also, NULL::integer AS number, NULL AS stands
    FROM shops_measure m WHERE {_DEDUCTS} AND p.kind = 'deduct'
    UNION ALL
    SELECT coalesce(sum(b.fen), 0),
           sum({_IMPOSED} - CASE WHEN m.undone_at IS NULL THEN m.amount_fen ELSE 0 END), max(b.number),
           sum(CASE WHEN m.undone_at IS NULL THEN m.amount_fen ELSE 0 END) - {_GIVEN_BACK}
    FROM (SELECT m.* FROM shops_measure m WHERE {_DEDUCTS} AND p.kind = 'adjust' OFFSET 0) m
    CROSS JOIN LATERAL (
        SELECT sum({settling.GIVEN_BACK}) AS fen, max(e.number) AS number
        FROM {settling.OF_REVERSALS.format(which="e.kind = 'reversal' AND e.measure_id = m.id")}
    ) b
    UNION ALL
    {_GONE_BACK}
) d ON d.also IS NOT NULL
WHERE p.outcome = 'created' AND (p.kind = 'deduct' OR p.kind = 'adjust' AND p.amount > 0)
"""
# Of a file that was entered.
_VOID_CASES = """
SELECT DISTINCT n.id FROM (
    SELECT e.shop_id, shops_case_named(coalesce(nullif(e.case_reference, ''), e.reference)) AS case_id
    FROM shops_depositentry e WHERE e.batch_id = %s AND e.kind = 'deduct' AND e.measure_id IS NULL
) e
CROSS JOIN LATERAL (
    SELECT n.* FROM shops_penalty n WHERE n.id = e.case_id AND n.status IN (%s, %s) OFFSET 0
) n
WHERE n.shop_id = e.shop_id
"""
# What can go back still before each adjustment for a case whose penalty has given nothing back itself: all
# that stands of its deduction goes back as it is overturned.
LEFT_TO_GO_BACK = """
JOIN (
    SELECT row, moved, penalty_id, greatest(0, coalesce(lag(after) OVER adjusted, stands)) AS fen
    FROM (
        SELECT *, shops_balance_kept(-moved, stands) OVER (
            PARTITION BY penalty_id ORDER BY row ROWS UNBOUNDED PRECEDING) AS after
        FROM import_of_cases
        WHERE kind = 'adjust' AND of_the_shop AND fen = 0 AND (moved <> also OR place > 1)
    ) kept
    WINDOW adjusted AS (PARTITION BY penalty_id ORDER BY row)
) d ON d.row = r.row
"""


def lock_accounts() -> None:
    """Hold the shops of the staged rows: what their deposits have stays until the file is through."""
    sql.fetch(
        "SELECT count(*) FROM (SELECT s.id FROM shops_shop s"
        " WHERE s.code IN (SELECT r.shop FROM import_rows r) ORDER BY s.id FOR NO KEY UPDATE) locked"
    )


def judge(staged: Staged, as_of: datetime) -> None:
    """All that is wrong with movements, overdrafts last: where all that is wrong otherwise is out.

    `as_of`: of what moment the file's knowledge is.
    """
    planned = "JOIN import_plan p ON p.row = r.row"
    reject(staged, "moves_nothing", "amount", where="r.amount = 0")
    reject(staged, "signed_amount", "amount", where="r.amount < 0 AND r.kind <> 'adjust'")
    reject(
        staged,
        "future_moment",
        "at",
        joins=planned,
        where="p.at > %s",
        params="jsonb_build_object('limit', %s::text)",
        values=[localtime(as_of).strftime("%Y-%m-%d %H:%M:%S"), as_of],
    )
    for column, (stands, differs) in STANDS.items():
        reject(
            staged,
            "known_movement",
            column,
            joins=STANDING,
            where=differs.format(stands),
            params=as_standing(staged, column, f"{stands}::text"),
        )
    _know_what_penalties_moved(staged)
    sql.execute("DROP TABLE IF EXISTS pg_temp.import_collected")
    sql.execute(COLLECTED)
    for code, where in (("overdraft", OVERDRAFT), ("too_much_held", TOO_MUCH)):
        reject(staged, code, "amount", joins=BEFORE, where=where, params=BALANCE)


def _know_what_penalties_moved(staged: Staged) -> None:
    """A deduction counts once, and so does what goes back of it: what a penalty has moved is known, whatever
    the movement's own number.
    """
    sql.execute("DROP TABLE IF EXISTS pg_temp.import_of_cases")
    with sql.by_index():
        of_cases = sql.execute(OF_CASES)
    if not of_cases:
        return
    joins = "JOIN import_of_cases d ON d.row = r.row"
    named = "jsonb_build_object('case', shops_case_number(d.penalty_id)"
    amount = "'amount', to_char(d.fen * 0.01, 'FM99999999999999990.00')"
    otherwise = (
        "d.of_the_shop AND d.fen > 0 AND (d.moved NOT IN (d.fen, d.also) OR d.place > 1) AND d.kind = '{}'"
    )
    for column, code, where, params in (
        ("shop", "case_of_another_shop", "NOT d.of_the_shop", f"{named}, 'shop', d.shop)"),
        ("amount", "deducted_otherwise", otherwise.format("deduct"), f"{named}, {amount})"),
        (
            "amount",
            "given_back_otherwise",
            otherwise.format("adjust"),
            f"{named}, {amount}, 'number', d.number)",
        ),
    ):
        reject(staged, code, column, joins=joins, where=where, params=params)
    beyond = "d.moved > d.fen"
    reject(
        staged,
        "given_back_beyond",
        "amount",
        joins=LEFT_TO_GO_BACK,
        where=beyond,
        params=f"{named}, {amount})",
    )
    sql.execute(
        "UPDATE import_plan p SET outcome = 'unchanged' FROM import_of_cases d WHERE d.row = p.row"
        " AND d.of_the_shop AND d.moved IN (d.fen, d.also) AND d.place = 1"
    )


def enter(names: list[str], batch: ImportBatch, at: datetime) -> None:
    """Enter what is new, account by account in the order of its moments; payments settle what is due.

    Of what else the file leaves in a deposit is deducted what a deduction before it found missing, and what
    it deducts for a case that has come to nothing goes back at once, as if the file had come first.
    """
    by = batch.received_by
    note = "p.note" if "note" in names else "''"
    case = "coalesce(p.penalty, '')" if "penalty" in names else "''"
    sql.execute(
        "INSERT INTO shops_depositentry"
        " (shop_id, kind, amount_fen, at, recorded_at, recorded_by_id, cause, reference, case_reference,"
        " key, batch_id)"
        f" SELECT p.shop_id, p.kind, {FEN}::bigint, p.at, %s, %s,"
        f" {note}, p.reference, {case}, 'reference ' || p.reference, %s"
        " FROM import_plan p WHERE p.outcome = 'created' ORDER BY p.shop_id, p.at, p.row",
        [at, by.pk if by else None, batch.pk],
    )
    with sql.by_index():
        settling.count_payments("e.batch_id = %s", [batch.pk], by=by, at=at)
        settling.collect_what_came("e.batch_id = %s", [batch.pk], by=by, at=at)
        void = [case for (case,) in sql.fetch(_VOID_CASES, [batch.pk, *Penalty.VOID])]
    # Each was overturned or dismissed by a person: there are few.
    for penalty in Penalty.objects.filter(pk__in=void).order_by("shop", "pk"):
        returns.give_back_of_case(penalty, by=by, at=at)
