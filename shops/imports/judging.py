"""The staged rows against what is known, by statements over all of them: what is wrong, what would change.

Leaves in the transaction's `import_plan` one line for each good row: its shop, the record that stands, and
its outcome (created, updated or unchanged).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.timezone import localdate

from shops import sql
from shops.imports.staging import Staged
from shops.models import Alliance, ImportBatch

# What an older file may not replace (`old` is the batch that a record came from).
NEWER_STANDS = "old.as_of > %s"


@dataclass(frozen=True)
class Judged:
    """How many rows would do what. The outcomes and the rejected add up to the rows."""

    rows: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    first_day: date | None = None
    last_day: date | None = None


def judge(staged: Staged, *, as_of: datetime) -> Judged:
    """Find all that is wrong with any row, then plan what the good ones would do."""
    known_on = localdate(as_of)
    kind = staged.table.kind
    if kind == ImportBatch.Kind.ENROLLMENTS:
        _name_alliances_by_code()
    _duplicates(staged)
    if kind != ImportBatch.Kind.SHOPS:
        _unknown_shops(staged)
    if kind == ImportBatch.Kind.ENROLLMENTS:
        _enrollment_errors(staged, known_on)
    elif kind == ImportBatch.Kind.QUALIFICATIONS:
        _reject(staged, "brand_needed", "brand", where="r.kind = 'brand' AND coalesce(r.brand, '') = ''")
    elif kind == ImportBatch.Kind.METRICS:
        _in_the_future(staged, "day", known_on)
    sql.execute("ANALYZE import_errors")
    _PLANS[kind](staged, as_of)
    if kind == ImportBatch.Kind.ENROLLMENTS:
        _contradictions(staged)
    sql.execute("ANALYZE import_plan")
    return _counted(staged)


def _reject(
    staged: Staged,
    code: str,
    column: str,
    *,
    where: str,
    joins: str = "",
    params: str = "'{}'::jsonb",
    values: Sequence[Any] = (),
) -> None:
    """An error of `column` for each staged row `r` that meets `where`. `params` is a jsonb expression."""
    sql.execute(
        "INSERT INTO import_errors (row, position, column_name, value, code, params)"
        f" SELECT r.row, %s, %s, coalesce(r.{column}::text, ''), %s, {params}"
        f" FROM import_rows r {joins} WHERE {where}",
        [staged.source.position_of(column), staged.source.header_of(column), code, *values],
    )


def _unknown_shops(staged: Staged) -> None:
    _reject(
        staged,
        "unknown_shop",
        "shop",
        joins="LEFT JOIN shops_shop s ON s.code = r.shop",
        # A bad cell is NULL and has its own error.
        where="s.id IS NULL AND r.shop <> ''",
    )


def _in_the_future(staged: Staged, column: str, known_on: date) -> None:
    limit = known_on.isoformat()
    _reject(
        staged,
        "future",
        column,
        where=f"r.{column} > %s",
        params="jsonb_build_object('limit', %s::text)",
        values=[limit, known_on],
    )


def _duplicates(staged: Staged) -> None:
    """All rows of a key that stands twice: which of them is meant, nobody can tell."""
    key = staged.table.key
    positions = [staged.source.position_of(name) for name in key]
    headers = [staged.source.header_of(name) for name in key]
    parts = ", ".join(key)
    # The first part of a key is never NULL; of the others an empty cell may be, and is the same as another.
    same = " AND ".join(f"r.{name} IS NOT DISTINCT FROM d.{name}" for name in key[1:])
    sql.execute(
        # A bad cell was staged as NULL, which must not pass for an empty one.
        "WITH keyed AS (SELECT * FROM import_rows r WHERE NOT EXISTS (SELECT FROM import_errors e"
        "   WHERE e.row = r.row AND (e.position = ANY(%s) OR e.code = 'row_length'))),"
        f" d AS (SELECT {parts}, min(row) AS first, max(row) AS last FROM keyed"
        f"  GROUP BY {parts} HAVING count(*) > 1)"
        " INSERT INTO import_errors (row, position, column_name, value, code, params)"
        f" SELECT r.row, %s, %s, r.{key[0]}, 'duplicate', jsonb_build_object("
        "  'other', CASE WHEN r.row = d.first THEN d.last ELSE d.first END, 'key', %s::text)"
        f" FROM keyed r JOIN d ON r.{key[0]} = d.{key[0]}{same and ' AND ' + same}",
        [positions, positions[0], headers[0], ", ".join(headers)],
    )


def _name_alliances_by_code() -> None:
    """People also write an alliance's name."""
    sql.execute(
        "UPDATE import_rows r SET alliance = a.code FROM shops_alliance a"
        " WHERE r.alliance IN (a.name_en, a.name_zh)"
    )


def _enrollment_errors(staged: Staged, known_on: date) -> None:
    _in_the_future(staged, "opened_on", known_on)
    _in_the_future(staged, "closed_on", known_on)
    alliance = "LEFT JOIN shops_alliance a ON a.code = r.alliance"
    _reject(
        staged,
        "unknown_alliance",
        "alliance",
        joins=alliance,
        where="a.id IS NULL AND r.alliance <> ''",
        params="jsonb_build_object('choices', %s::text)",
        values=[", ".join(f"{a.code} ({a.name_zh})" for a in Alliance.objects.all())],
    )
    _reject(
        staged,
        "openings_above_limit",
        "openings",
        joins=alliance,
        where="r.openings > a.openings_limit",
        params="jsonb_build_object('limit', a.openings_limit)",
    )
    _reject(
        staged, "open_without_opening", "openings", where="r.state IN ('open', 'cleared') AND r.openings = 0"
    )
    for column in ("closed_on", "cause"):
        _reject(
            staged,
            "open_has_no_end",
            column,
            where=f"r.state = 'open' AND coalesce(r.{column}::text, '') <> ''",
        )
    for column in ("opened_on", "closed_on", "cause"):
        _reject(
            staged,
            "never_opened",
            column,
            where="(r.state = 'applied' OR (r.state = 'left' AND r.openings = 0))"
            f" AND coalesce(r.{column}::text, '') <> ''",
        )
    _reject(
        staged,
        "closed_before_opened",
        "closed_on",
        where="r.closed_on < r.opened_on",
        params="jsonb_build_object('opened_on', r.opened_on)",
    )


# One time opened is what a shop has used that is in or was, unless the file says otherwise.
OPENINGS = "coalesce(r.openings::integer, CASE r.state WHEN 'applied' THEN 0 ELSE 1 END)"
GOOD = "NOT EXISTS (SELECT FROM import_errors e WHERE e.row = r.row)"


def _plan(select: str, params: Sequence[Any] = ()) -> None:
    sql.execute(f"CREATE TEMP TABLE import_plan ON COMMIT DROP AS {select}", params)


def differs(standing: Iterable[str], staged: Iterable[str]) -> str:
    """Whether any of these pairs is not the same. NULL is a value here."""
    pairs = [f"{one} IS DISTINCT FROM {other}" for one, other in zip(standing, staged, strict=True)]
    return f"({' OR '.join(pairs)})" if pairs else "false"


def _plan_shops(staged: Staged, as_of: datetime) -> None:
    # name_key follows from the name: another table of pinyin is no change of the shop.
    brought = [name for name in staged.present if name not in ("code", "name_key")]
    standing = ["coalesce(c.code, '')" if name == "controller" else f"s.{name}" for name in brought]
    _plan(
        "SELECT r.row, s.id AS shop_id, CASE WHEN s.id IS NULL THEN 'created'"
        f" WHEN {NEWER_STANDS} THEN 'unchanged'"
        f" WHEN {differs(standing, [f'r.{name}' for name in brought])} THEN 'updated'"
        " ELSE 'unchanged' END AS outcome"
        " FROM import_rows r LEFT JOIN shops_shop s ON s.code = r.code"
        " LEFT JOIN shops_controller c ON c.id = s.controller_id"
        f" LEFT JOIN shops_importbatch old ON old.id = s.batch_id WHERE {GOOD}",
        [as_of],
    )


def _plan_enrollments(staged: Staged, as_of: datetime) -> None:
    _plan(
        "SELECT r.row, s.id AS shop_id, a.id AS alliance_id, n.id AS standing_id,"
        f" {OPENINGS} AS openings, CASE WHEN n.id IS NULL THEN 'created' ELSE 'unchanged' END AS outcome"
        " FROM import_rows r JOIN shops_shop s ON s.code = r.shop"
        " JOIN shops_alliance a ON a.code = r.alliance"
        " LEFT JOIN shops_enrollment n ON n.shop_id = s.id AND n.alliance_id = a.id"
        f" WHERE {GOOD}"
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
        for code, where in (
            ("contradiction", f"{stated} <> {stands}::text"),
            ("nothing_standing", f"{stated} IS NOT NULL AND {stands} IS NULL"),
        ):
            _reject(
                staged,
                code,
                column,
                joins=joins,
                where=where,
                params=f"jsonb_build_object('standing', {stands}::text)",
            )
    sql.execute("DELETE FROM import_plan p USING import_errors e WHERE e.row = p.row")


def _plan_qualifications(staged: Staged, as_of: datetime) -> None:
    _plan(
        "SELECT r.row, s.id AS shop_id, q.id AS standing_id, CASE WHEN q.id IS NULL THEN 'created'"
        f" WHEN {NEWER_STANDS} THEN 'unchanged'"
        " WHEN q.verdict <> r.verdict THEN 'updated' ELSE 'unchanged' END AS outcome"
        " FROM import_rows r JOIN shops_shop s ON s.code = r.shop"
        " LEFT JOIN shops_qualification q ON q.shop_id = s.id AND q.kind = r.kind"
        "  AND q.brand = coalesce(r.brand, '') AND q.valid_until IS NOT DISTINCT FROM r.valid_until"
        f" LEFT JOIN shops_importbatch old ON old.id = q.batch_id WHERE {GOOD}",
        [as_of],
    )


def _plan_metrics(staged: Staged, as_of: datetime) -> None:
    figures = [name for name in staged.present if name not in staged.table.key]
    changed = differs([f"m.{name}" for name in figures], [f"r.{name}" for name in figures])
    days = [day for (day,) in sql.fetch("SELECT DISTINCT day FROM import_rows WHERE day IS NOT NULL")]
    _plan(
        "SELECT r.row, s.id AS shop_id, r.day, CASE WHEN m.shop_id IS NULL THEN 'created'"
        f" WHEN {NEWER_STANDS} THEN 'unchanged'"
        f" WHEN {changed} THEN 'updated'"
        " ELSE 'unchanged' END AS outcome"
        " FROM import_rows r JOIN shops_shop s ON s.code = r.shop"
        # The days by name, so that other months' partitions are not even opened.
        " LEFT JOIN shops_shopmetrics m ON m.day = r.day AND m.shop_id = s.id AND m.day = ANY(%s)"
        f" LEFT JOIN shops_importbatch old ON old.id = m.batch_id WHERE {GOOD}",
        [as_of, days],
    )


_PLANS: dict[str, Callable[[Staged, datetime], None]] = {
    ImportBatch.Kind.SHOPS: _plan_shops,
    ImportBatch.Kind.ENROLLMENTS: _plan_enrollments,
    ImportBatch.Kind.QUALIFICATIONS: _plan_qualifications,
    ImportBatch.Kind.METRICS: _plan_metrics,
}


def _counted(staged: Staged) -> Judged:
    counts = dict(sql.fetch("SELECT outcome, count(*) FROM import_plan GROUP BY outcome"))
    first = last = None
    if staged.table.kind == ImportBatch.Kind.METRICS:
        [(first, last)] = sql.fetch("SELECT min(day), max(day) FROM import_plan")
    return Judged(
        rows=staged.rows,
        created=counts.get("created", 0),
        updated=counts.get("updated", 0),
        unchanged=counts.get("unchanged", 0),
        rejected=staged.rows - sum(counts.values()),
        first_day=first,
        last_day=last,
    )
