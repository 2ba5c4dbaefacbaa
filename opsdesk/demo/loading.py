"""Loads made-up shops: one COPY of wide rows, then a statement a table that also writes its history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import datetime, timedelta
from operator import attrgetter

from django.db.backends.utils import CursorWrapper

from opsdesk.demo.files import REASON, next_import, record
from opsdesk.demo.moments import Past
from opsdesk.demo.shops import EARLIER, LASTED, DemoShop, Standing, Walk
from shops.models import (
    Audited,
    Controller,
    Enrollment,
    ImportBatch,
    Measure,
    Opening,
    Penalty,
    Qualification,
    Shop,
)
from shops.pinyin import sort_key
from shops.sql import write_with_history

NESTED = {"Standing": Standing, "Walk": Walk}
COLUMN_TYPES = {"str": "text", "int": "bigint", "bool": "boolean", "date": "date"}


def load_facts(cursor: CursorWrapper, shops: Iterable[DemoShop], past: Past) -> None:
    """Everything but metrics, as the files of the first day and what the desk has learnt since."""
    _stage(cursor, shops)
    _load_shops(cursor, past)
    _load_enrollments(cursor, past)
    _load_papers(cursor, past)
    _load_cases(cursor, past)


def _attributes() -> Iterator[tuple[str, str]]:
    """Every attribute of the wide row, those of nested records by their path, and its type."""
    for outer in fields(DemoShop):
        if nested := NESTED.get(str(outer.type)):
            yield from ((f"{outer.name}.{inner.name}", str(inner.type)) for inner in fields(nested))
        else:
            yield outer.name, str(outer.type)


def _stage(cursor: CursorWrapper, shops: Iterable[DemoShop]) -> None:
    attributes = dict(_attributes())
    columns = ", ".join(
        f"{path.replace('.', '_')} {COLUMN_TYPES[kind.removesuffix(' | None')]}"
        for path, kind in attributes.items()
    )
    cursor.execute(f"CREATE TEMPORARY TABLE demo_shop ({columns}, name_key text) ON COMMIT DROP")
    values = attrgetter(*attributes)
    with cursor.copy("COPY demo_shop FROM STDIN") as copy:
        for shop in shops:
            copy.write_row((*values(shop), sort_key(shop.name)))
    cursor.execute("CREATE UNIQUE INDEX ON demo_shop (code)")
    cursor.execute("ANALYZE demo_shop")


def insert(cursor: CursorWrapper, model: type[Audited], statement: str, params: list, at: datetime) -> int:
    """Run one INSERT with its history, and return how many rows it wrote."""
    return write_with_history(cursor, model, statement, params, change="+", by=None, reason=REASON, at=at)


def _load_shops(cursor: CursorWrapper, past: Past) -> None:
    at = past.began
    insert(
        cursor,
        Controller,
        "INSERT INTO shops_controller (code)"
        " SELECT DISTINCT controller FROM demo_shop WHERE controller <> '' ORDER BY 1",
        [],
        at,
    )
    batch = next_import(cursor)
    same = (
        "code, name, name_key, shop_type, category, goods_kind, status, account_ok, subject_kind, entered_on,"
        " closed_on, closed_cause, contact, phone, email, account_manager"
    )
    prefixed = ", ".join(f"d.{column.strip()}" for column in same.split(","))
    created = insert(
        cursor,
        Shop,
        f"INSERT INTO shops_shop ({same}, controller_id, batch_id)"
        f" SELECT {prefixed}, c.id, %s FROM demo_shop d"
        " LEFT JOIN shops_controller c ON c.code = d.controller ORDER BY d.code",
        [batch],
        at,
    )
    record(cursor, batch, ImportBatch.Kind.SHOPS, at.date(), at, created=created)


# Both standings of each shop that has any, as rows.
STANDINGS = """
    SELECT s.id AS shop_id, a.id AS alliance_id, standing.*
    FROM demo_shop d
    JOIN shops_shop s ON s.code = d.code
    CROSS JOIN LATERAL (VALUES
        ('douyin-featured', douyin_state, douyin_openings, douyin_opened_on, douyin_closed_on, douyin_cause),
        ('wechat-select', wechat_state, wechat_openings, wechat_opened_on, wechat_closed_on, wechat_cause)
    ) AS standing (alliance, state, openings, opened_on, closed_on, cause)
    JOIN shops_alliance a ON a.code = standing.alliance
    WHERE standing.state <> ''
"""


def _load_enrollments(cursor: CursorWrapper, past: Past) -> None:
    at = past.began + timedelta(minutes=5)
    batch = next_import(cursor)
    created = insert(
        cursor,
        Enrollment,
        "INSERT INTO shops_enrollment (shop_id, alliance_id, state, openings_used, batch_id)"
        f" SELECT shop_id, alliance_id, state, openings, %s FROM ({STANDINGS}) standing"
        " ORDER BY shop_id, alliance_id",
        [batch],
        at,
    )
    insert(
        cursor,
        Opening,
        f"""
        INSERT INTO shops_opening (enrollment_id, number, opened_on, closed, closed_on, cause)
        SELECT e.id, number, opened, number < openings OR o.state <> 'open',
               CASE WHEN number < openings THEN opened + %s ELSE closed_on END,
               CASE WHEN number < openings THEN 'metric' ELSE cause END
        FROM ({STANDINGS}) o
        JOIN shops_enrollment e ON e.shop_id = o.shop_id AND e.alliance_id = o.alliance_id
        CROSS JOIN LATERAL generate_series(1, openings) AS number
        CROSS JOIN LATERAL (SELECT opened_on - ((openings - number) * %s)::integer AS opened) AS since
        ORDER BY e.id, number
        """,
        [LASTED.days, EARLIER.days],
        at,
    )
    record(cursor, batch, ImportBatch.Kind.ENROLLMENTS, at.date(), at, created=created)


def _load_papers(cursor: CursorWrapper, past: Past) -> None:
    """A first file, and a week before the last day a second one with the renewals."""
    known = """
        SELECT s.id AS shop_id, paper.*
        FROM demo_shop d
        JOIN shops_shop s ON s.code = d.code
        CROSS JOIN LATERAL (VALUES
            (1, 'brand', d.brand, d.paper_before, 'accepted', d.paper_before IS NOT NULL),
            (1, 'brand', d.brand, d.paper_until, d.paper_verdict,
                d.paper_before IS NULL AND d.paper_verdict <> ''),
            (1, 'licence', '', d.licence_until, 'accepted', d.licence_until IS NOT NULL),
            (2, 'brand', d.brand, d.paper_until, d.paper_verdict, d.paper_before IS NOT NULL)
        ) AS paper (file, kind, brand, valid_until, verdict, on_file)
        WHERE on_file
    """
    first = past.began + timedelta(minutes=10)
    second = past.on(past.last_day - timedelta(days=7), "08:30")
    for file, at in ((1, first), (2, second)):
        batch = next_import(cursor)
        created = insert(
            cursor,
            Qualification,
            "INSERT INTO shops_qualification"
            " (shop_id, kind, brand, valid_until, verdict, received_at, batch_id)"
            f" SELECT shop_id, kind, brand, valid_until, verdict, %s, %s FROM ({known}) paper"
            " WHERE file = %s ORDER BY shop_id, kind, brand, valid_until",
            [at, batch, file],
            at,
        )
        record(cursor, batch, ImportBatch.Kind.QUALIFICATIONS, at.date(), at, created=created)


# When what a first case brings ends by itself in the demonstration. Deductions are left out: they would stand
# in no account.
ENDS = """
    CASE m.kind WHEN 'points' THEN date_trunc('day', {moment} + interval '365 days', 'Asia/Shanghai')
                WHEN 'reduce_room' THEN {moment} + interval '14 days' END
"""
TOLD = "m.from_case = 1 AND m.kind IN ('points', 'reduce_room', 'close')"


def _load_cases(cursor: CursorWrapper, past: Past) -> None:
    at = past.began + timedelta(minutes=15)
    insert(
        cursor,
        Penalty,
        f"""
        INSERT INTO shops_penalty (reference, key, shop_id, alliance_id, ground, violation_id,
                                   violation_version, status, reason, evidence, reported_at, imposed_at,
                                   ends_at, ended_reason)
        SELECT 'CASE-' || to_char(penalty_on, 'YYYYMMDD-') || s.id, '', s.id, v.alliance_id,
               'violation', v.id,
               CASE WHEN imposed THEN (
                   SELECT max(h.history_id) FROM shops_historicalviolation h WHERE h.id = v.id
               ) END,
               CASE WHEN imposed THEN 'imposed' ELSE penalty_status END, v.name_zh, '{{}}',
               CASE WHEN NOT imposed THEN moment END, CASE WHEN imposed THEN moment END,
               CASE WHEN imposed THEN (
                   SELECT max({ENDS.format(moment="moment")}) FROM shops_defaultmeasure m
                   WHERE m.violation_id = v.id AND {TOLD}
               ) END, ''
        FROM demo_shop d
        JOIN shops_shop s ON s.code = d.code
        JOIN shops_violation v ON v.code = d.violation
        CROSS JOIN LATERAL (
            SELECT (penalty_on + time '15:00') AT TIME ZONE %s AS moment,
                   penalty_status <> 'reported' AS imposed
        ) AS since
        ORDER BY s.id
        """,
        [str(at.tzinfo)],
        at,
    )
    insert(
        cursor,
        Measure,
        "INSERT INTO shops_measure"
        " (penalty_id, kind, alliance_id, points, basis, state_before, ends_at, applied_at)"
        " SELECT p.id, m.kind, CASE m.kind WHEN 'points' THEN p.alliance_id END, m.points_least, '', '',"
        f" {ENDS.format(moment='p.imposed_at')}, p.imposed_at"
        " FROM shops_penalty p JOIN shops_defaultmeasure m ON m.violation_id = p.violation_id"
        f" WHERE p.status = 'imposed' AND {TOLD} ORDER BY p.id, m.position",
        [],
        at,
    )
    lifted_at = past.on(past.last_day - timedelta(days=12), "16:00")
    write_with_history(
        cursor,
        Penalty,
        "UPDATE shops_penalty SET status = 'lifted', ended_at = %s, ended_reason = '整改完成'"
        " FROM shops_shop s JOIN demo_shop d ON d.code = s.code"
        " WHERE s.id = shops_penalty.shop_id AND d.penalty_status = 'lifted'",
        [lifted_at],
        change="~",
        by=None,
        reason=REASON,
        at=lifted_at,
    )
