"""The plan carried out: new records, changed ones, their history, and what they replaced."""

from __future__ import annotations

from datetime import datetime

from shops import sql
from shops.imports import deposit_rows, penalty_rows
from shops.imports.daily import DAILY, Daily
from shops.imports.declared_columns import kept_in_extra
from shops.imports.knowledge import remember
from shops.imports.planning import Plan
from shops.imports.records import Join
from shops.imports.writing import write
from shops.models import (
    Controller,
    Enrollment,
    ImportBatch,
    Listing,
    Opening,
    Product,
    Qualification,
    Shop,
)

# A shop's texts that a file may do without.
MAY_BE_EMPTY = ("closed_cause", "contact", "phone", "email", "account_manager")


def apply(plan: Plan, batch: ImportBatch, *, at: datetime) -> None:
    """Write what `import_plan` says. Needs the transaction in which the rows were staged and judged."""
    names = [figure.name for figure in plan.figures]
    match batch.kind:
        case ImportBatch.Kind.SHOPS:
            _shops(names, batch, at)
        case ImportBatch.Kind.ENROLLMENTS:
            _enrollments(batch, at)
        case ImportBatch.Kind.QUALIFICATIONS:
            _qualifications(batch, at)
        case ImportBatch.Kind.PRODUCTS:
            _products(names, batch, at)
        case ImportBatch.Kind.LISTINGS:
            _listings(names, batch, at)
        case ImportBatch.Kind.DEPOSITS:
            deposit_rows.enter(names, batch, at)
        case ImportBatch.Kind.PENALTIES:
            penalty_rows.record(batch, at)
        case _:
            _measured(DAILY[batch.kind], plan, batch)


def _lock(table: str, key: str) -> None:
    """Lock the records that will change, in the order in which everybody locks.

    Not FOR UPDATE: it would wait for a check that files proposals for these shops, and deadlock with it.
    """
    sql.fetch(
        f"SELECT count(*) FROM (SELECT t.id FROM {table} t JOIN import_plan p ON p.{key} = t.id"
        " WHERE p.outcome = 'updated' ORDER BY t.id FOR NO KEY UPDATE OF t) locked"
    )


def _shops(names: list[str], batch: ImportBatch, at: datetime) -> None:
    brought = [name for name in names if name != "controller"]
    controller = ""
    if "controller" in names:
        controller = "(SELECT c.id FROM shops_controller c WHERE c.code = p.controller)"
        write(
            Controller,
            "INSERT INTO shops_controller (code) SELECT DISTINCT p.controller FROM import_plan p"
            " LEFT JOIN shops_controller c ON c.code = p.controller"
            " WHERE p.outcome <> 'unchanged' AND p.controller <> '' AND c.id IS NULL",
            [],
            change="+",
            batch=batch,
            at=at,
        )
    _lock("shops_shop", "shop_id")
    changes = [f"{name} = p.{name}" for name in brought]
    if controller:
        changes.append(f"controller_id = {controller}")
    write(
        Shop,
        f"UPDATE shops_shop SET {', '.join(changes)}, batch_id = %s FROM import_plan p"
        " WHERE p.outcome = 'updated' AND shops_shop.id = p.shop_id",
        [batch.pk],
        change="~",
        batch=batch,
        at=at,
    )
    # What the file doesn't bring: an empty text, or no data.
    values = {name: f"p.{name}" for name in ("code", *brought)} | {
        name: "''" for name in MAY_BE_EMPTY if name not in brought
    }
    if controller:
        values["controller_id"] = controller
    write(
        Shop,
        f"INSERT INTO shops_shop ({', '.join(values)}, batch_id) SELECT {', '.join(values.values())}, %s"
        " FROM import_plan p WHERE p.outcome = 'created' ORDER BY p.row",
        [batch.pk],
        change="+",
        batch=batch,
        at=at,
    )
    remember(batch, "s.id", "import_plan p JOIN shops_shop s ON s.code = p.code")


def _enrollments(batch: ImportBatch, at: datetime) -> None:
    write(
        Enrollment,
        "INSERT INTO shops_enrollment (shop_id, alliance_id, state, openings_used, batch_id)"
        " SELECT p.shop_id, p.alliance_id, p.state, p.used, %s FROM import_plan p"
        " WHERE p.outcome = 'created' ORDER BY p.shop_id, p.alliance_id",
        [batch.pk],
        change="+",
        batch=batch,
        at=at,
    )
    # What a file may lack is not in the plan. Earlier openings are only counted: it tells the latest alone.
    write(
        Opening,
        "INSERT INTO shops_opening (enrollment_id, number, opened_on, closed_on, cause, closed)"
        " SELECT n.id, p.used, r.opened_on, r.closed_on, coalesce(r.cause, ''), r.state <> 'open'"
        " FROM import_plan p JOIN import_rows r ON r.row = p.row"
        " JOIN shops_enrollment n ON n.shop_id = p.shop_id AND n.alliance_id = p.alliance_id"
        " WHERE p.outcome = 'created' AND r.state <> 'applied' AND p.used >= 1 ORDER BY n.id",
        [],
        change="+",
        batch=batch,
        at=at,
    )


def _qualifications(batch: ImportBatch, at: datetime) -> None:
    _lock("shops_qualification", "standing_id")
    write(
        Qualification,
        "UPDATE shops_qualification SET verdict = p.verdict, received_at = p.received_at, batch_id = %s"
        " FROM import_plan p WHERE p.outcome = 'updated' AND shops_qualification.id = p.standing_id",
        [batch.pk],
        change="~",
        batch=batch,
        at=at,
    )
    write(
        Qualification,
        "INSERT INTO shops_qualification"
        " (shop_id, kind, brand, valid_until, verdict, received_at, batch_id)"
        " SELECT p.shop_id, p.kind, p.brand, p.valid_until, p.verdict, p.received_at, %s FROM import_plan p"
        " WHERE p.outcome = 'created' ORDER BY p.row",
        [batch.pk],
        change="+",
        batch=batch,
        at=at,
    )
    remember(
        batch,
        "q.id",
        "import_plan p JOIN shops_qualification q ON q.shop_id = p.shop_id AND q.kind = p.kind"
        " AND q.brand = p.brand AND q.valid_until IS NOT DISTINCT FROM p.valid_until",
    )


def _products(names: list[str], batch: ImportBatch, at: datetime) -> None:
    # Its shop is no change: a file that names another one has been refused.
    brought = [name for name in names if name != "shop"]
    _lock("shops_product", "product_id")
    changes = ", ".join(f"{name} = p.{name}" for name in brought)
    write(
        Product,
        f"UPDATE shops_product SET {changes}, batch_id = %s FROM import_plan p"
        " WHERE p.outcome = 'updated' AND shops_product.id = p.product_id",
        [batch.pk],
        change="~",
        batch=batch,
        at=at,
    )
    values = {name: f"p.{name}" for name in ("code", "shop_id", *brought)}
    # Where the file doesn't bring it: no data.
    values.setdefault("status", "''")
    write(
        Product,
        f"INSERT INTO shops_product ({', '.join(values)}, batch_id) SELECT {', '.join(values.values())}, %s"
        " FROM import_plan p WHERE p.outcome = 'created' ORDER BY p.row",
        [batch.pk],
        change="+",
        batch=batch,
        at=at,
    )
    remember(batch, "g.id", "import_plan p JOIN shops_product g ON g.code = p.code")


def _listings(names: list[str], batch: ImportBatch, at: datetime) -> None:
    _lock("shops_listing", "standing_id")
    write(
        Listing,
        # What its platform says otherwise nobody's resuming has brought about; its own day of it is no other.
        f"UPDATE shops_listing SET {', '.join(f'{name} = p.{name}' for name in names)}, batch_id = %s,"
        " resumed_at = CASE WHEN shops_listing.state = p.state THEN shops_listing.resumed_at END"
        " FROM import_plan p WHERE p.outcome = 'updated' AND shops_listing.id = p.standing_id",
        [batch.pk],
        change="~",
        batch=batch,
        at=at,
    )
    write(
        Listing,
        f"INSERT INTO shops_listing (product_id, alliance_id, {', '.join(names)}, batch_id)"
        f" SELECT p.product_id, p.alliance_id, {', '.join(f'p.{name}' for name in names)}, %s"
        " FROM import_plan p WHERE p.outcome = 'created' ORDER BY p.row",
        [batch.pk],
        change="+",
        batch=batch,
        at=at,
    )
    remember(
        batch,
        "n.id",
        "import_plan p JOIN shops_listing n ON n.product_id = p.product_id AND n.alliance_id = p.alliance_id",
    )


def _measured(daily: Daily, plan: Plan, batch: ImportBatch) -> None:
    table, key = daily.table, daily.key
    values = {figure.name: f"p.{figure.name}" for figure in plan.figures if not figure.declared}
    changed = dict(values)
    if declared := [figure.column for figure in plan.figures if figure.declared]:
        values["extra"] = kept_in_extra(declared, "p")
        changed["extra"] = kept_in_extra(declared, "p", "m.extra")
    for month in {day.replace(day=1) for day in plan.days}:
        sql.fetch(f"SELECT {daily.make_month}(%s)", [month])
    if batch.updated:
        standing = Join(table, "m", f"m.day = p.day AND m.{key} = p.{key}")
        sql.execute(
            f"INSERT INTO {daily.corrections_table} ({key}, day, before, replaced_batch_id, batch_id)"
            f" SELECT m.{key}, m.day, {daily.before()}, m.batch_id, %s"
            f" FROM import_plan p{standing.written(batch.updated)}"
            " WHERE p.outcome = 'updated' AND m.day = ANY(%s)",
            [batch.pk, list(plan.days)],
        )
        changes = ", ".join(f"{name} = {value}" for name, value in changed.items())
        sql.execute(
            f"UPDATE {table} m SET {changes}, batch_id = %s FROM import_plan p"
            f" WHERE {standing.condition} AND m.day = ANY(%s) AND p.outcome = 'updated'",
            [batch.pk, list(plan.days)],
        )
    if batch.created:
        sql.execute(
            f"INSERT INTO {table} (day, {key}, batch_id, {', '.join(values)})"
            f" SELECT p.day, p.{key}, %s, {', '.join(values.values())} FROM import_plan p"
            " WHERE p.outcome = 'created'",
            [batch.pk],
        )
    remember(batch, key, "import_plan", "day")
