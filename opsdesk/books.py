"""Whether the deposits add up: the first record that does not, in words."""

from __future__ import annotations

from shops import sql

# What stands deducted of a settlement `c`.
_COLLECTED = (
    "SELECT FROM shops_depositentry x WHERE x.settlement_id = c.id"
    " AND NOT EXISTS (SELECT FROM shops_depositentry r WHERE r.reverses_id = x.id)"
)
# What is paid of each top-up.
_PAID_OF = (
    "SELECT c.top_up_id, sum(c.amount_fen) AS fen FROM shops_settlement c"
    " WHERE NOT EXISTS (SELECT FROM shops_depositentry r WHERE r.reverses_id = c.entry_id)"
)
# Each yields the first broken record: its sentence, and the values in it.
_I2 = (
    (
        "SELECT id, shop_id FROM shops_depositentry v"
        " WHERE NOT EXISTS (SELECT FROM shops_shop s WHERE s.id = v.shop_id) ORDER BY id LIMIT 1",
        "deposit entry {} is of shop {}, which is gone",
    ),
    (
        "SELECT id, shop_id, number, place, balance_fen, total FROM ("
        " SELECT id, shop_id, number, balance_fen, row_number() OVER account AS place,"
        " sum(amount_fen) OVER account AS total FROM shops_depositentry"
        " WINDOW account AS (PARTITION BY shop_id ORDER BY number, id)) told"
        " WHERE number <> place OR balance_fen <> total ORDER BY shop_id, place LIMIT 1",
        "deposit entry {} of shop {} is number {} and comes {}; its balance is {}, the sum up to it {} fen",
    ),
    (
        "SELECT id, shop_id, balance_fen FROM shops_depositentry WHERE balance_fen < 0 ORDER BY id LIMIT 1",
        "deposit entry {} leaves shop {} with {} fen",
    ),
    (
        "SELECT v.id, v.short_fen FROM shops_depositentry v"
        " LEFT JOIN shops_topup t ON t.entry_id = v.id AND t.shop_id = v.shop_id"
        " WHERE v.short_fen > 0 AND t.amount_fen IS DISTINCT FROM v.short_fen ORDER BY v.id LIMIT 1",
        "deposit entry {} is short by {} fen, which nobody owes",
    ),
    (
        "SELECT c.id, c.entry_id, c.top_up_id FROM shops_settlement c"
        " LEFT JOIN shops_depositentry v ON v.id = c.entry_id LEFT JOIN shops_topup t ON t.id = c.top_up_id"
        " WHERE (t.shop_id = v.shop_id AND (v.kind = 'top_up'"
        " OR v.kind IN ('pay_in', 'adjust', 'reversal') AND t.cause = 'shortage')) IS NOT TRUE"
        " ORDER BY c.id LIMIT 1",
        "settlement {}: entry {} is no payment for top-up {}",
    ),
    (
        "SELECT v.id, v.amount_fen, sum(c.amount_fen) FROM shops_depositentry v"
        " JOIN shops_settlement c ON c.entry_id = v.id JOIN shops_topup t ON t.id = c.top_up_id"
        f" WHERE t.state <> 'cancelled' OR EXISTS ({_COLLECTED})"
        " GROUP BY v.id HAVING sum(c.amount_fen) > v.amount_fen ORDER BY v.id LIMIT 1",
        "deposit entry {} of {} fen counts for {}",
    ),
    (
        f"SELECT t.id, t.state, t.amount_fen, coalesce(p.fen, 0) FROM shops_topup t LEFT JOIN ({_PAID_OF}"
        " GROUP BY c.top_up_id) p ON p.top_up_id = t.id"
        " WHERE (t.state = 'settled' AND coalesce(p.fen, 0) <> t.amount_fen)"
        " OR (t.state = 'open' AND p.fen >= t.amount_fen) ORDER BY t.id LIMIT 1",
        "top-up {} is {}, and of its {} fen {} are paid",
    ),
    (
        "SELECT t.id, t.entry_id FROM shops_topup t JOIN shops_depositentry r ON r.reverses_id = t.entry_id"
        " WHERE t.state <> 'cancelled' ORDER BY t.id LIMIT 1",
        "top-up {} is owed, though deduction {} was taken back",
    ),
    (
        "SELECT c.id, c.amount_fen, t.id FROM shops_settlement c JOIN shops_topup t ON t.id = c.top_up_id"
        " WHERE t.cause = 'shortage' AND t.state <> 'cancelled'"
        " AND NOT EXISTS (SELECT FROM shops_depositentry r WHERE r.reverses_id = c.entry_id)"
        f" AND NOT EXISTS ({_COLLECTED}) ORDER BY c.id LIMIT 1",
        "settlement {}: {} fen were paid for the shortage of top-up {}, and not deducted",
    ),
    (
        "SELECT x.id, x.settlement_id FROM shops_depositentry x"
        " LEFT JOIN shops_settlement c ON c.id = x.settlement_id"
        " LEFT JOIN shops_topup t ON t.id = c.top_up_id"
        " WHERE x.kind = 'collect' AND (t.cause IS DISTINCT FROM 'shortage' OR t.shop_id <> x.shop_id"
        " OR c.amount_fen + x.amount_fen <> 0 OR t.measure_id IS DISTINCT FROM x.measure_id)"
        " ORDER BY x.id LIMIT 1",
        "deposit entry {} is not what settlement {} is to be deducted",
    ),
    (
        "SELECT v.id, v.shop_id, v.measure_id, p.shop_id FROM shops_depositentry v"
        " JOIN shops_measure m ON m.id = v.measure_id JOIN shops_penalty p ON p.id = m.penalty_id"
        " WHERE p.shop_id <> v.shop_id ORDER BY v.id LIMIT 1",
        "deposit entry {} of shop {} is for measure {} against shop {}",
    ),
    (
        "SELECT v.measure_id, count(*) FROM shops_depositentry v WHERE v.kind = 'deduct'"
        " AND v.measure_id IS NOT NULL"
        " AND NOT EXISTS (SELECT FROM shops_depositentry r WHERE r.reverses_id = v.id)"
        " GROUP BY v.measure_id HAVING count(*) > 1 ORDER BY 1 LIMIT 1",
        "measure {} has deducted {} times",
    ),
    (
        "SELECT measure_id, sum(amount_fen) FROM shops_depositentry WHERE measure_id IS NOT NULL"
        " GROUP BY measure_id HAVING sum(amount_fen) > 0 ORDER BY 1 LIMIT 1",
        "measure {} has given back {} fen more than it deducted",
    ),
    (
        "SELECT m.id, sum(v.amount_fen) FROM shops_measure m JOIN shops_depositentry v ON v.measure_id = m.id"
        " WHERE m.undone_at IS NOT NULL GROUP BY m.id HAVING sum(v.amount_fen) <> 0 ORDER BY m.id LIMIT 1",
        "measure {} is undone, and moved {} fen all the same",
    ),
    (
        "SELECT t.id, m.id FROM shops_topup t JOIN shops_measure m ON m.id = t.measure_id"
        " WHERE m.undone_at IS NOT NULL AND t.state <> 'cancelled' ORDER BY t.id LIMIT 1",
        "top-up {} is owed, though measure {} is undone",
    ),
    (
        "SELECT m.id, coalesce(moved.fen, 0) + coalesce(asked.fen, 0), m.amount_fen FROM shops_measure m"
        " LEFT JOIN (SELECT v.measure_id, -sum(v.amount_fen) AS fen FROM shops_depositentry v"
        " WHERE v.measure_id IS NOT NULL GROUP BY v.measure_id) moved ON moved.measure_id = m.id"
        " LEFT JOIN (SELECT t.measure_id, sum(t.amount_fen - coalesce(p.fen, 0)) AS fen FROM shops_topup t"
        # What is paid of a shortage is deducted, and counted there.
        f" LEFT JOIN ({_PAID_OF} GROUP BY c.top_up_id) p ON p.top_up_id = t.id AND t.cause = 'shortage'"
        " WHERE t.measure_id IS NOT NULL AND t.state <> 'cancelled' GROUP BY t.measure_id"
        ") asked ON asked.measure_id = m.id"
        " WHERE m.undone_at IS NULL"
        " AND coalesce(moved.fen, 0) + coalesce(asked.fen, 0) > coalesce(m.amount_fen, 0)"
        " ORDER BY m.id LIMIT 1",
        "measure {} has taken and demanded {} fen, and is one of {}",
    ),
    (
        "SELECT v.id, shops_case_number(n.id) FROM shops_penalty n JOIN shops_depositentry v"
        " ON v.shop_id = n.shop_id AND v.kind = 'deduct' AND v.measure_id IS NULL"
        " AND coalesce(nullif(v.case_reference, ''), nullif(v.reference, ''))"
        " IN (n.reference, shops_case_number(n.id))"
        " WHERE n.status IN ('overturned', 'dismissed')"
        " AND NOT EXISTS (SELECT FROM shops_depositentry r WHERE r.reverses_id = v.id)"
        " ORDER BY v.id LIMIT 1",
        "deposit entry {} deducts for case {}, which came to nothing",
    ),
)
_I3 = (
    (
        "SELECT reverses_id, count(*) FROM shops_depositentry WHERE reverses_id IS NOT NULL"
        " GROUP BY reverses_id HAVING count(*) > 1 ORDER BY 1 LIMIT 1",
        "deposit entry {} was taken back {} times",
    ),
    (
        "SELECT r.id, r.reverses_id FROM shops_depositentry r"
        " LEFT JOIN shops_depositentry v ON v.id = r.reverses_id"
        " WHERE (r.kind = 'reversal') IS DISTINCT FROM (r.reverses_id IS NOT NULL)"
        " OR (r.kind = 'reversal' AND (v.id IS NULL OR v.kind = 'reversal' OR v.shop_id <> r.shop_id"
        " OR v.amount_fen + r.amount_fen <> 0)) ORDER BY r.id LIMIT 1",
        "deposit entry {} is not the exact opposite of entry {}",
    ),
)


def verify_ledger() -> str | None:
    """I2: every balance equals the sum of its entries; none below zero; a shortage is a top-up due; of a
    measure one deduction stands, from its own shop; it takes and demands what it is one of, and nothing once
    it is undone; of a case that came to nothing no deduction stands.
    """
    return _first(_I2)


def verify_reversals() -> str | None:
    """I3: each reversal names one entry, and none is reversed twice."""
    return _first(_I3)


def _first(checks: tuple[tuple[str, str], ...]) -> str | None:
    for statement, sentence in checks:
        for values in sql.fetch(statement):
            return sentence.format(*values)
    return None
