"""The plan carried out: new records, changed ones, their history, and what they replaced."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from shops import sql
from shops.imports.staging import Staged
from shops.metrics import METRICS, MetricType
from shops.models import Audited, Controller, Enrollment, ImportBatch, Opening, Qualification, Shop

# A shop's texts that a file may do without.
MAY_BE_EMPTY = ("closed_cause", "contact", "phone", "email", "account_manager")

ROWS = "import_rows r JOIN import_plan p ON p.row = r.row"


def apply(staged: Staged, batch: ImportBatch, *, at: datetime) -> None:
    """Write what `import_plan` says. Needs the transaction in which the rows were staged and judged."""
    match batch.kind:
        case ImportBatch.Kind.SHOPS:
            _shops(staged, batch, at)
        case ImportBatch.Kind.ENROLLMENTS:
            _enrollments(batch, at)
        case ImportBatch.Kind.QUALIFICATIONS:
            _qualifications(batch, at)
        case ImportBatch.Kind.METRICS:
            _metrics(staged, batch)


def _write(
    model: type[Audited],
    statement: str,
    params: list[object],
    *,
    change: Literal["+", "~"],
    batch: ImportBatch,
    at: datetime,
) -> None:
    with sql.cursor() as cursor:
        sql.write_with_history(
            cursor,
            model,
            statement,
            params,
            change=change,
            by=batch.received_by,
            reason=f"import {batch.pk}",
            at=at,
        )


def _lock(table: str, key: str) -> None:
    """Lock the records that will change, in the order in which everybody locks.

    Not FOR UPDATE: it would wait for a check that files proposals for these shops, and deadlock with it.
    """
    sql.fetch(
        f"SELECT count(*) FROM (SELECT t.id FROM {table} t JOIN import_plan p ON p.{key} = t.id"
        " WHERE p.outcome = 'updated' ORDER BY t.id FOR NO KEY UPDATE OF t) locked"
    )


def _shops(staged: Staged, batch: ImportBatch, at: datetime) -> None:
    brought = [name for name in staged.present if name not in ("code", "controller")]
    controller = ""
    if "controller" in staged.present:
        controller = "(SELECT c.id FROM shops_controller c WHERE c.code = r.controller)"
        _write(
            Controller,
            "INSERT INTO shops_controller (code)"
            f" SELECT DISTINCT r.controller FROM {ROWS}"
            " LEFT JOIN shops_controller c ON c.code = r.controller"
            " WHERE p.outcome <> 'unchanged' AND r.controller <> '' AND c.id IS NULL",
            [],
            change="+",
            batch=batch,
            at=at,
        )
    _lock("shops_shop", "shop_id")
    changes = [f"{name} = r.{name}" for name in brought]
    if controller:
        changes.append(f"controller_id = {controller}")
    _write(
        Shop,
        f"UPDATE shops_shop SET {', '.join(changes)}, batch_id = %s FROM {ROWS}"
        " WHERE p.outcome = 'updated' AND shops_shop.id = p.shop_id",
        [batch.pk],
        change="~",
        batch=batch,
        at=at,
    )
    # What the file doesn't bring: an empty text, or no data.
    brought += [name for name in MAY_BE_EMPTY if name not in brought]
    columns = [*brought, "code", "batch_id"]
    values = [f"coalesce(r.{name}, '')" if name in _texts(staged) else f"r.{name}" for name in brought]
    values += ["r.code", "%s"]
    if controller:
        columns.append("controller_id")
        values.append(controller)
    _write(
        Shop,
        f"INSERT INTO shops_shop ({', '.join(columns)}) SELECT {', '.join(values)} FROM {ROWS}"
        " WHERE p.outcome = 'created' ORDER BY r.row",
        [batch.pk],
        change="+",
        batch=batch,
        at=at,
    )


def _texts(staged: Staged) -> set[str]:
    return {name for column in staged.table.columns for name, kind in column.staged.items() if kind == "text"}


def _enrollments(batch: ImportBatch, at: datetime) -> None:
    _write(
        Enrollment,
        "INSERT INTO shops_enrollment (shop_id, alliance_id, state, openings_used, batch_id)"
        f" SELECT p.shop_id, p.alliance_id, r.state, p.openings, %s FROM {ROWS}"
        " WHERE p.outcome = 'created' ORDER BY p.shop_id, p.alliance_id",
        [batch.pk],
        change="+",
        batch=batch,
        at=at,
    )
    # Earlier openings are only counted: the file tells the latest one alone.
    _write(
        Opening,
        "INSERT INTO shops_opening (enrollment_id, number, opened_on, closed_on, cause, closed)"
        " SELECT n.id, p.openings, r.opened_on, r.closed_on, coalesce(r.cause, ''), r.state <> 'open'"
        f" FROM {ROWS} JOIN shops_enrollment n ON n.shop_id = p.shop_id AND n.alliance_id = p.alliance_id"
        " WHERE p.outcome = 'created' AND r.state <> 'applied' AND p.openings >= 1 ORDER BY n.id",
        [],
        change="+",
        batch=batch,
        at=at,
    )


def _qualifications(batch: ImportBatch, at: datetime) -> None:
    _lock("shops_qualification", "standing_id")
    _write(
        Qualification,
        f"UPDATE shops_qualification SET verdict = r.verdict, batch_id = %s FROM {ROWS}"
        " WHERE p.outcome = 'updated' AND shops_qualification.id = p.standing_id",
        [batch.pk],
        change="~",
        batch=batch,
        at=at,
    )
    _write(
        Qualification,
        "INSERT INTO shops_qualification"
        " (shop_id, kind, brand, valid_until, verdict, received_at, batch_id)"
        f" SELECT p.shop_id, r.kind, coalesce(r.brand, ''), r.valid_until, r.verdict, %s, %s FROM {ROWS}"
        " WHERE p.outcome = 'created' ORDER BY r.row",
        [batch.as_of, batch.pk],
        change="+",
        batch=batch,
        at=at,
    )


def _metrics(staged: Staged, batch: ImportBatch) -> None:
    for (month,) in sql.fetch(
        "SELECT DISTINCT date_trunc('month', day)::date FROM import_plan WHERE outcome = 'created'"
    ):
        sql.fetch("SELECT shops_make_month(%s)", [month])
    figures = [name for name in staged.present if name not in staged.table.key]
    days = [day for (day,) in sql.fetch("SELECT DISTINCT day FROM import_plan WHERE outcome = 'updated'")]
    if days:
        standing = "m.day = p.day AND m.shop_id = p.shop_id AND m.day = ANY(%s) AND p.outcome = 'updated'"
        sql.execute(
            "INSERT INTO shops_correction (shop_id, day, before, replaced_batch_id, batch_id)"
            f" SELECT m.shop_id, m.day, {_before()}, m.batch_id, %s"
            f" FROM import_plan p JOIN shops_shopmetrics m ON {standing}",
            [batch.pk, days],
        )
        changes = ", ".join(f"{name} = r.{name}" for name in figures)
        sql.execute(
            f"UPDATE shops_shopmetrics m SET {changes}, batch_id = %s FROM {ROWS} WHERE {standing}",
            [batch.pk, days],
        )
    sql.execute(
        f"INSERT INTO shops_shopmetrics (day, shop_id, batch_id, {', '.join(figures)})"
        f" SELECT p.day, p.shop_id, %s, {', '.join(f'r.{name}' for name in figures)} FROM {ROWS}"
        " WHERE p.outcome = 'created' ORDER BY p.day, p.shop_id",
        [batch.pk],
    )


def _before() -> str:
    """All figures of the row `m` as jsonb: numbers as text, which keeps their decimals."""
    parts = []
    for metric in METRICS.values():
        cast = "" if metric.type is MetricType.FLAG else "::text"
        parts.append(f"'{metric.key}', m.{metric.key}{cast}")
        if metric.knows_none_yet:
            parts.append(f"'{metric.key}_none', m.{metric.key}_none")
    return f"jsonb_build_object({', '.join(parts)}, 'extra', m.extra)"
