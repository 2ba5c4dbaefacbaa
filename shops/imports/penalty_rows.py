"""Penalties out of a file: what is wrong with them, and how they are put on record.

What the platform has imposed is a penalty with what it says it did: points, and what it took of the deposit.
What it only reported is a case that nobody has decided yet; where nobody has when it comes in as imposed, it
becomes that penalty. What the desk has decided, no file changes.
"""

from __future__ import annotations

from datetime import datetime

from django.utils.timezone import localtime

from shops import points, sql
from shops.calendar import POINTS_LAPSE_AT
from shops.imports import penalty_deductions
from shops.imports.planning import PLANNED
from shops.imports.rejecting import as_standing, reject
from shops.imports.staging import Staged
from shops.imports.writing import write
from shops.models import ImportBatch, Measure, Penalty, Violation

# Of the cases that are known already what the desk first heard of them, and what stands now: a file may say
# either, as it doesn't know what has become of a case since.
CASES = """
CREATE TEMP TABLE import_cases ON COMMIT DROP AS
SELECT DISTINCT ON (p.row) p.row, s.code AS shop, v.code AS violation,
    coalesce(h.imposed_at, h.reported_at) AS moment, n.imposed_at AS moment_now,
    h.ends_at AS until, n.ends_at AS until_now, n.status AS status_now, n.reason AS reason_now,
    p.outcome = 'updated' AS becomes_imposed,
    n.imposed_by_id IS NOT NULL OR n.status IN ('dismissed', 'lifted', 'overturned') AS decided,
    (SELECT o.code FROM shops_alliance o WHERE o.id = n.alliance_id) AS alliance_now,
    (SELECT o.code FROM shops_product o WHERE o.id = n.product_id) AS product_now,
    (coalesce(h.imposed_at, h.reported_at) AT TIME ZONE 'Asia/Shanghai') AS imposed_at,
    (h.ends_at AT TIME ZONE 'Asia/Shanghai') AS ends_at, a.code AS alliance, g.code AS product,
    CASE h.status WHEN 'reported' THEN h.status ELSE 'imposed' END AS status, nullif(h.reason, '') AS reason,
    d.points, d.points_now, d.deposit_deducted, d.deposit_deducted_now
FROM import_plan p
JOIN shops_penalty n ON n.id = p.standing_id
JOIN shops_historicalpenalty h ON h.id = n.id
JOIN shops_shop s ON s.id = n.shop_id
LEFT JOIN shops_violation v ON v.id = n.violation_id
LEFT JOIN shops_alliance a ON a.id = h.alliance_id
LEFT JOIN shops_product g ON g.id = h.product_id
LEFT JOIN (
    SELECT m.penalty_id, max(h.points) FILTER (WHERE m.kind = 'points') AS points,
           max(m.points) FILTER (WHERE m.kind = 'points') AS points_now,
           trim_scale(max(h.amount_fen) FILTER (WHERE m.kind = 'deduct') / 100.0) AS deposit_deducted,
           trim_scale(max(m.amount_fen) FILTER (WHERE m.kind = 'deduct') / 100.0) AS deposit_deducted_now
    FROM shops_measure m JOIN import_plan o ON o.standing_id = m.penalty_id
    -- It may have been lessened since, never more.
    JOIN shops_historicalmeasure h ON h.id = m.id
    GROUP BY m.penalty_id
) d ON d.penalty_id = n.id
ORDER BY p.row, h.history_date, h.history_id
"""
# Column → when a row contradicts what is known. It may say less.
_STATED = "r.{0} <> '' AND r.{0} IS DISTINCT FROM c.{0}"
_NOW = "{0} IS DISTINCT FROM c.{0}_now"
_EITHER = f"{_STATED} AND r.{_NOW}"
# What its decision brings, whoever makes it; the platform's may also say where, and with which product.
_OPEN = "NOT c.decided AND NOT c.becomes_imposed AND"
_UNSAID = "NOT c.decided AND NOT (c.becomes_imposed AND c.{0} IS NULL) AND"
CONTRADICTS = {
    **{column: _STATED.format(column) for column in ("shop", "violation")},
    **{column: f"{_UNSAID} {_EITHER}".format(column) for column in ("alliance", "product")},
    **{column: f"{_OPEN} {_EITHER}".format(column) for column in ("status", "reason")},
    "imposed_at": f"{_OPEN} p.moment <> c.moment AND p.{_NOW.format('moment')}",
    "ends_at": f"{_OPEN} p.until IS NOT NULL AND p.until IS DISTINCT FROM c.until"
    f" AND p.{_NOW.format('until')}",
    "points": "NOT c.becomes_imposed AND r.points IS NOT NULL AND p.given IS DISTINCT FROM c.points"
    " AND p.given IS DISTINCT FROM c.points_now",
    "deposit_deducted": "NOT c.becomes_imposed AND r.deposit_deducted IS NOT NULL"
    " AND p.taken IS DISTINCT FROM c.deposit_deducted AND p.taken IS DISTINCT FROM c.deposit_deducted_now",
}


# The entries of the catalogue that go by a name, and those among them of the row's alliance, or of the whole
# platform where it names none. What is a code is nobody's name.
_BY_NAME = """
SELECT r.violation, r.alliance, array_agg(v.code ORDER BY v.code) AS codes,
       array_agg(v.code) FILTER (WHERE coalesce(a.code, '') = r.alliance) AS own
FROM (SELECT DISTINCT violation, coalesce(alliance, '') AS alliance FROM import_rows) r
JOIN shops_violation v ON r.violation IN (v.name_en, v.name_zh)
LEFT JOIN shops_alliance a ON a.id = v.alliance_id
WHERE NOT EXISTS (SELECT FROM shops_violation c WHERE c.code = r.violation)
GROUP BY r.violation, r.alliance
"""
_OF_THE_ROW = "n.violation = r.violation AND n.alliance = coalesce(r.alliance, '')"


def name_violations_by_code() -> None:
    """People also write a violation's name: where it is one entry's, or one of the row's alliance."""
    sql.execute(
        "UPDATE import_rows r SET violation ="
        " CASE cardinality(n.codes) WHEN 1 THEN n.codes[1] ELSE n.own[1] END"
        f" FROM ({_BY_NAME}) n WHERE {_OF_THE_ROW} AND (cardinality(n.codes) = 1 OR cardinality(n.own) = 1)"
    )


def judge(staged: Staged, as_of: datetime) -> None:
    """All that is wrong with penalties. `as_of`: of what moment the file's knowledge is."""
    planned = "JOIN import_plan p ON p.row = r.row"
    reject(
        staged,
        "ambiguous_violation",
        "violation",
        joins=f"JOIN ({_BY_NAME}) n ON {_OF_THE_ROW}",
        where="true",
        params="jsonb_build_object('choices', array_to_string(n.codes, ', '))",
    )
    reject(
        staged,
        "unknown_violation",
        "violation",
        rows=PLANNED,
        where="p.violation_id IS NULL AND r.violation <> ''",
        params="jsonb_build_object('choices', %s::text)",
        values=[", ".join(Violation.objects.values_list("code", flat=True))],
    )
    reject(
        staged,
        "unknown_product",
        "product",
        rows=PLANNED,
        where="p.product_id IS NULL AND r.product <> ''",
    )
    reject(
        staged,
        "not_the_shops_product",
        "product",
        rows=PLANNED,
        joins="JOIN shops_product g ON g.id = p.product_id JOIN shops_shop o ON o.id = g.shop_id",
        where="o.code <> r.shop",
        params="jsonb_build_object('shop', o.code)",
    )
    reject(
        staged,
        "other_alliance",
        "alliance",
        rows=PLANNED,
        joins="JOIN shops_violation v ON v.id = p.violation_id JOIN shops_alliance o ON o.id = v.alliance_id",
        where="p.alliance_id <> v.alliance_id",
        params="jsonb_build_object('alliance', o.code)",
    )
    reject(
        staged,
        "future_moment",
        "imposed_at",
        joins=planned,
        where="p.moment > %s",
        params="jsonb_build_object('limit', %s::text)",
        values=[localtime(as_of).strftime("%Y-%m-%d %H:%M:%S"), as_of],
    )
    reject(staged, "ends_before_it_begins", "ends_at", joins=planned, where="p.until <= p.moment")
    penalty_deductions.refuse_what_was_moved_otherwise(staged)
    for column in ("ends_at", "points", "deposit_deducted"):
        reject(
            staged,
            "only_reported",
            column,
            where=f"r.status = 'reported' AND coalesce(r.{column}::text, '') <> ''",
        )
    sql.execute("DROP TABLE IF EXISTS pg_temp.import_cases")
    if not sql.execute(CASES):
        return
    reject(
        staged,
        "imposed_though_dismissed",
        "status",
        joins=f"{planned} JOIN import_cases c ON c.row = r.row",
        where="c.status_now = 'dismissed' AND p.became = 'imposed'",
    )
    for column, contradicts in CONTRADICTS.items():
        for code, which in (("known_case", "NOT c.decided"), ("decided_otherwise", "c.decided")):
            reject(
                staged,
                code,
                column,
                joins=f"{planned} JOIN import_cases c ON c.row = r.row",
                where=f"{which} AND {contradicts}",
                params=as_standing(staged, column, f"c.{column}::text"),
            )


def record(batch: ImportBatch, at: datetime) -> None:
    """Put the new ones on record, with what the platform did, and take of deposits what it took; what was
    only reported becomes imposed in the same way.
    """
    by = batch.received_by
    version = (
        "(SELECT id, max(history_id) AS version FROM shops_historicalviolation GROUP BY id) v"
        " ON v.id = p.violation_id"
    )
    imposed = "p.became = 'imposed'"
    write(
        Penalty,
        "INSERT INTO shops_penalty (reference, key, shop_id, alliance_id, product_id, ground, violation_id,"
        " violation_version, status, reason, evidence, reported_at, imposed_at, ends_at, ended_reason,"
        " batch_id, reported_by_id)"
        " SELECT p.reference, '', p.shop_id, p.alliance_id, p.product_id, 'violation', p.violation_id,"
        f" CASE WHEN {imposed} THEN v.version END, p.became, p.because, '{{}}',"
        f" CASE WHEN NOT {imposed} THEN p.moment END, CASE WHEN {imposed} THEN p.moment END, p.until, '', %s,"
        # Nobody checks whether the platform has really decided what somebody's file says.
        " %s::integer"
        f" FROM import_plan p JOIN {version}"
        " WHERE p.outcome = 'created' ORDER BY p.row",
        [batch.pk, by.pk if by else None],
        batch=batch,
        at=at,
    )
    write(
        Penalty,
        "UPDATE shops_penalty SET status = 'imposed', violation_version = v.version, imposed_at = p.moment,"
        " ends_at = p.until, alliance_id = coalesce(shops_penalty.alliance_id, p.alliance_id),"
        " product_id = coalesce(shops_penalty.product_id, p.product_id),"
        " reason = coalesce(nullif(p.because, ''), shops_penalty.reason), confirmed_by_id = %s::integer"
        f" FROM import_plan p JOIN {version}"
        " WHERE p.outcome = 'updated' AND shops_penalty.id = p.standing_id",
        [by.pk if by else None],
        batch=batch,
        at=at,
        change="~",
    )
    days = "CASE WHEN n.alliance_id IS NULL THEN %s::integer ELSE n.points_days END"
    new = (
        "FROM import_plan p JOIN ("
        "  SELECT n.id, n.reference, n.imposed_at, a.id AS alliance_id, a.points_days,"
        "  (n.imposed_at AT TIME ZONE 'Asia/Shanghai')::date AS day"
        "  FROM shops_penalty n JOIN shops_violation v ON v.id = n.violation_id"
        "  LEFT JOIN shops_alliance a ON a.id = v.alliance_id"
        "  WHERE n.reference <> ''"
        " ) n ON n.reference = p.reference WHERE p.outcome <> 'unchanged' AND"
    )
    # They count where, and as long as, points that the desk gives itself (R16): of a violation of the whole
    # platform on the platform, in whatever alliance it was committed.
    write(
        Measure,
        "INSERT INTO shops_measure"
        " (penalty_id, kind, alliance_id, points, basis, state_before, ends_at, applied_at)"
        " SELECT n.id, 'points', n.alliance_id, p.given, '', '',"
        f" {POINTS_LAPSE_AT.format(day='n.day', days=days)}, n.imposed_at {new} p.given IS NOT NULL"
        " ORDER BY n.id",
        [points.days_that_count(None)],
        batch=batch,
        at=at,
    )
    write(
        Measure,
        "INSERT INTO shops_measure (penalty_id, kind, basis, state_before, amount_fen, applied_at)"
        f" SELECT n.id, 'deduct', 'fixed', '', (p.taken * 100)::bigint, n.imposed_at {new}"
        " p.taken IS NOT NULL ORDER BY n.id",
        [],
        batch=batch,
        at=at,
    )
    penalty_deductions.deduct(batch, by=by, at=at)
