"""What is wrong with the staged rows, by statements over all of them. Every error of every row is named.

Takes the wrong rows out of `import_plan`.
"""

from __future__ import annotations

from datetime import date, datetime

from django.utils.timezone import localdate

from shops import sql
from shops.imports import deposit_rows, penalty_rows
from shops.imports.daily import DAILY, Daily
from shops.imports.planning import PLANNED, Counts, Plan, counted, plan
from shops.imports.preview import written
from shops.imports.rejecting import as_standing, reject
from shops.imports.retention import first_day_kept
from shops.imports.staging import Staged
from shops.models import Alliance, ImportBatch

Kind = ImportBatch.Kind


def judge(staged: Staged, *, as_of: datetime, at: datetime) -> tuple[Plan, Counts]:
    """Plan what the rows would do, and find all that is wrong with any of them.

    `as_of`: of what moment the file's knowledge is. `at`: when it is judged.
    """
    known_on = localdate(as_of)
    kind = staged.table.kind
    sql.for_many_rows(staged.rows)
    if kind in (Kind.ENROLLMENTS, Kind.LISTINGS, Kind.PENALTIES):
        _name_alliances_by_code()
    if kind == Kind.PENALTIES:
        penalty_rows.name_violations_by_code()
    if kind in (Kind.DEPOSITS, Kind.PENALTIES):
        deposit_rows.lock_accounts()
    planned = plan(staged, as_of=as_of)
    subject = planned.records.subject
    strangers = bool(subject) and _any_stranger(subject)
    _duplicates(staged, strangers)
    if kind == Kind.PRODUCTS:
        _other_shops_products(planned)
    if strangers:
        _strangers(staged, subject)
    match kind:
        case Kind.ENROLLMENTS:
            _unknown_alliances(staged)
            _enrollment_errors(staged, known_on)
            _contradictions(staged)
        case Kind.QUALIFICATIONS:
            brandless = "r.kind = 'brand' AND coalesce(r.brand, '') = ''"
            reject(staged, "brand_needed", "brand", where=brandless)
        case Kind.LISTINGS:
            _unknown_alliances(staged)
            _in_the_future(staged, "since", known_on)
        case Kind.DEPOSITS:
            deposit_rows.judge(staged, as_of)
        case Kind.PENALTIES:
            _unknown_alliances(staged)
            penalty_rows.judge(staged, as_of)
        case Kind.METRICS:
            _in_the_future(staged, "day", known_on)
            _kept_no_longer(staged, "day", localdate(at))
        case Kind.PRODUCT_METRICS:
            _in_the_future(staged, "day", known_on)
            _kept_no_longer(staged, "day", localdate(at))
            _more_refunds_than_orders(staged)
    _clashes(planned)
    sql.execute("DELETE FROM import_plan p USING import_errors e WHERE e.row = p.row")
    return counted(planned)


def _any_stranger(subject: str) -> bool:
    """Whether any row is about a shop or product that was not found."""
    [(any_,)] = sql.fetch(f"SELECT EXISTS (SELECT FROM import_plan WHERE {subject}_id IS NULL)")
    return bool(any_)


def _strangers(staged: Staged, subject: str) -> None:
    reject(
        staged,
        f"unknown_{subject}",
        subject,
        rows=PLANNED,
        where=f"p.{subject}_id IS NULL AND r.{subject} <> ''",
    )


def _other_shops_products(planned: Plan) -> None:
    """A product's shop never changes."""
    standing = planned.records.standing("shop")
    reject(
        planned.staged,
        "other_shop",
        "shop",
        joins=planned.records.joined(planned.staged.rows),
        where=f"r.shop <> '' AND {standing} <> r.shop",
        params=f"jsonb_build_object('standing', {standing}, 'stated', r.shop)",
    )


def _more_refunds_than_orders(staged: Staged) -> None:
    reject(
        staged,
        "refunds_above_orders",
        "quality_refunds",
        where="r.quality_refunds > r.valid_paid_orders",
        params="jsonb_build_object('refunds', r.quality_refunds, 'orders', r.valid_paid_orders)",
    )


def _in_the_future(staged: Staged, column: str, known_on: date) -> None:
    limit = known_on.isoformat()
    reject(
        staged,
        "future",
        column,
        where=f"r.{column} > %s",
        params="jsonb_build_object('limit', %s::text)",
        values=[limit, known_on],
    )


def _kept_no_longer(staged: Staged, column: str, on: date) -> None:
    """What would be given up again the next night."""
    earliest = first_day_kept(on)
    if earliest is not None:
        reject(
            staged,
            "kept_no_longer",
            column,
            where=f"r.{column} < %s",
            params="jsonb_build_object('earliest', %s::text)",
            values=[earliest.isoformat(), earliest],
        )


def _duplicates(staged: Staged, strangers: bool) -> None:
    """All rows of a key that stands twice: which of them is meant, nobody can tell.

    `strangers`: whether any row is about a shop or product that was not found.
    """
    key = staged.table.key
    suspects, strange = "import_rows r", ""
    # Of metrics a good file is told at once: ids that have been found sort faster than texts gather.
    daily = DAILY.get(staged.table.kind)
    if daily is not None and _nobody_comes_twice_a_day(daily):
        if not strangers:
            return
        # What is left are rows whose shop or product was not found, by their texts.
        suspects, strange = PLANNED, f" AND p.{daily.key} IS NULL"
    positions = [staged.source.position_of(name) for name in key]
    headers = [staged.source.header_of(name) for name in key]
    parts = ", ".join(f"r.{name}" for name in key)
    # A bad cell was staged as nothing, which must not pass for an empty one.
    bad = (
        "SELECT FROM import_errors e WHERE e.row = r.row AND (e.position = ANY(%s) OR e.code = 'row_length')"
    )
    sql.execute("DROP TABLE IF EXISTS pg_temp.import_doubles")
    found = sql.execute(
        "CREATE TEMP TABLE import_doubles ON COMMIT DROP AS"
        f" SELECT {parts}, min(r.row) AS first, max(r.row) AS last FROM {suspects}"
        f" WHERE NOT EXISTS ({bad}){strange} GROUP BY {parts} HAVING count(*) > 1",
        [positions],
    )
    if not found:
        return
    # Of a key's parts an empty cell may be NULL, and is the same as another. As texts they can be hashed.
    same = " AND ".join(f"coalesce(r.{part}::text, '') = coalesce(d.{part}::text, '')" for part in key)
    sql.execute(
        "INSERT INTO import_errors (row, position, column_name, value, code, params)"
        f" SELECT r.row, %s, %s, r.{key[0]}, 'duplicate', jsonb_build_object("
        "  'other', CASE WHEN r.row = d.first THEN d.last ELSE d.first END, 'key', %s::text)"
        f" FROM {suspects} JOIN import_doubles d ON {same} WHERE NOT EXISTS ({bad}){strange}",
        [positions[0], headers[0], ", ".join(headers), positions],
    )


def _nobody_comes_twice_a_day(daily: Daily) -> bool:
    [(twice,)] = sql.fetch(
        "SELECT coalesce(sum(rows), 0) FROM"
        f" (SELECT count({daily.key}) - count(DISTINCT {daily.key}) AS rows"
        " FROM import_plan WHERE day IS NOT NULL GROUP BY day) days"
    )
    return bool(twice == 0)


def _name_alliances_by_code() -> None:
    """People also write an alliance's name."""
    sql.execute(
        "UPDATE import_rows r SET alliance = a.code FROM shops_alliance a"
        " WHERE r.alliance IN (a.name_en, a.name_zh)"
    )


def _unknown_alliances(staged: Staged) -> None:
    reject(
        staged,
        "unknown_alliance",
        "alliance",
        joins="LEFT JOIN shops_alliance a ON a.code = r.alliance",
        where="a.id IS NULL AND r.alliance <> ''",
        params="jsonb_build_object('choices', %s::text)",
        values=[", ".join(f"{a.code} ({a.name_zh})" for a in Alliance.objects.all())],
    )


def _enrollment_errors(staged: Staged, known_on: date) -> None:
    _in_the_future(staged, "opened_on", known_on)
    _in_the_future(staged, "closed_on", known_on)
    reject(
        staged,
        "openings_above_limit",
        "openings",
        joins="JOIN shops_alliance a ON a.code = r.alliance",
        where="r.openings > a.openings_limit",
        params="jsonb_build_object('limit', a.openings_limit)",
    )
    reject(
        staged, "open_without_opening", "openings", where="r.state IN ('open', 'cleared') AND r.openings = 0"
    )
    for column in ("closed_on", "cause"):
        reject(
            staged,
            "open_has_no_end",
            column,
            where=f"r.state = 'open' AND coalesce(r.{column}::text, '') <> ''",
        )
    for column in ("opened_on", "closed_on", "cause"):
        reject(
            staged,
            "never_opened",
            column,
            where="(r.state = 'applied' OR (r.state = 'left' AND r.openings = 0))"
            f" AND coalesce(r.{column}::text, '') <> ''",
        )
    reject(
        staged,
        "closed_before_opened",
        "closed_on",
        where="r.closed_on < r.opened_on",
        params="jsonb_build_object('opened_on', r.opened_on)",
    )


def _contradictions(staged: Staged) -> None:
    """A row that stands may say less than the record, but nothing else."""
    joins = (
        "JOIN import_plan p ON p.row = r.row JOIN shops_enrollment n ON n.id = p.standing_id"
        " LEFT JOIN shops_opening o ON o.enrollment_id = n.id AND o.number = n.openings_used"
    )
    standing = {
        "state": "n.state",
        "openings": "n.openings_used",
        "opened_on": "o.opened_on",
        "closed_on": "o.closed_on",
        "cause": "nullif(o.cause, '')",
    }
    for column, stands in standing.items():
        stated = f"nullif(r.{column}::text, '')"
        reject(
            staged,
            "contradiction",
            column,
            joins=joins,
            where=f"{stated} <> {stands}::text",
            params=as_standing(staged, column, f"{stands}::text"),
        )
        reject(
            staged,
            "nothing_standing",
            column,
            joins=joins,
            where=f"{stated} IS NOT NULL AND {stands} IS NULL",
        )


def _clashes(planned: Plan) -> None:
    """What another file of the very same moment says differently: which is right, nobody can tell."""
    stands = {column: old for column, (old, _new) in written(planned).items()}
    for figure in planned.figures:
        clash = planned.knowledge.clash(figure.column, figure.brought, figure.standing)
        if clash and not figure.follows:
            reject(
                planned.staged,
                "same_moment",
                figure.column,
                joins=planned.joins,
                where=clash,
                params=as_standing(planned.staged, figure.column, stands[figure.column]),
            )
