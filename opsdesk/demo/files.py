"""The files that the loaded rows would have come in, kept like every import's: people can look at them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from tempfile import TemporaryFile

from django.db.backends.utils import CursorWrapper

from shops.imports.files import keep
from shops.imports.knowledge import remember
from shops.imports.profiles import profile_of
from shops.metrics import METRICS, PRODUCT_METRICS
from shops.models import ImportBatch

REASON = "demonstration"
Kind = ImportBatch.Kind


def _cell(key: str) -> str:
    """The SQL of a metric as its file writes it."""
    written = f"{key}::text"
    return f"CASE WHEN {key}_none THEN 'none' ELSE {written} END" if METRICS[key].knows_none_yet else written


# What an import loaded, in its file's columns.
CONTENTS = {
    Kind.SHOPS: """
        SELECT s.code, name, shop_type, category, goods_kind, status, account_ok::text AS account_ok,
               subject_kind, c.code AS controller, entered_on, closed_on, closed_cause, contact, phone, email,
               account_manager
        FROM shops_shop s LEFT JOIN shops_controller c ON c.id = s.controller_id
        WHERE s.batch_id = {batch} ORDER BY s.code
    """,
    Kind.ENROLLMENTS: """
        SELECT s.code AS shop, a.code AS alliance, e.state, o.opened_on, openings_used AS openings,
               o.closed_on, o.cause
        FROM shops_enrollment e
        JOIN shops_shop s ON s.id = e.shop_id
        JOIN shops_alliance a ON a.id = e.alliance_id
        -- A shop that applies names no opening: its file says only how many it has used.
        LEFT JOIN shops_opening o
            ON o.enrollment_id = e.id AND o.number = e.openings_used AND e.state <> 'applied'
        WHERE e.batch_id = {batch} ORDER BY 1, 2
    """,
    Kind.QUALIFICATIONS: """
        SELECT s.code AS shop, kind, brand, valid_until, verdict
        FROM shops_qualification q JOIN shops_shop s ON s.id = q.shop_id
        WHERE q.batch_id = {batch} ORDER BY 1, 2, 3, 4
    """,
    Kind.DEPOSITS: """
        SELECT e.reference, s.code AS shop, e.kind, (e.amount_fen * 0.01)::numeric(16, 2) AS amount,
               to_char(e.at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD HH24:MI:SS') AS at, e.cause AS note
        FROM shops_depositentry e JOIN shops_shop s ON s.id = e.shop_id
        WHERE e.batch_id = {batch} ORDER BY 1
    """,
    Kind.METRICS: f"""
        SELECT s.code AS shop, day, {", ".join(f"{_cell(key)} AS {key}" for key in METRICS)}
        FROM shops_shopmetrics m JOIN shops_shop s ON s.id = m.shop_id
        WHERE m.day = '{{day}}' AND m.batch_id = {{batch}} ORDER BY 1
    """,
    Kind.PRODUCTS: """
        SELECT g.code, s.code AS shop, g.name, g.category, price, g.status
        FROM shops_product g JOIN shops_shop s ON s.id = g.shop_id
        WHERE g.batch_id = {batch} ORDER BY 1
    """,
    Kind.LISTINGS: """
        SELECT g.code AS product, a.code AS alliance, n.state, since
        FROM shops_listing n
        JOIN shops_product g ON g.id = n.product_id
        JOIN shops_alliance a ON a.id = n.alliance_id
        WHERE n.batch_id = {batch} ORDER BY 1, 2
    """,
    Kind.PRODUCT_METRICS: f"""
        SELECT g.code AS product, day, {", ".join(PRODUCT_METRICS)}
        FROM shops_productmetrics m JOIN shops_product g ON g.id = m.product_id
        WHERE m.day = '{{day}}' AND m.batch_id = {{batch}} ORDER BY 1
    """,
}

# Which records it speaks of, and where these stand.
COVERED = {
    Kind.SHOPS: ("id", "shops_shop WHERE batch_id = {batch}"),
    Kind.QUALIFICATIONS: ("id", "shops_qualification WHERE batch_id = {batch}"),
    Kind.METRICS: ("shop_id", "shops_shopmetrics WHERE day = '{day}' AND batch_id = {batch}", "day"),
    Kind.PRODUCTS: ("id", "shops_product WHERE batch_id = {batch}"),
    Kind.LISTINGS: ("id", "shops_listing WHERE batch_id = {batch}"),
    Kind.PRODUCT_METRICS: (
        "product_id",
        "shops_productmetrics WHERE day = '{day}' AND batch_id = {batch}",
        "day",
    ),
}


def next_import(cursor: CursorWrapper) -> int:
    """The number of the next import: its rows are loaded first, then `record` writes it beside its file."""
    cursor.execute("SELECT nextval(pg_get_serial_sequence('shops_importbatch', 'id'))")
    return int(cursor.fetchone()[0])


def record(cursor: CursorWrapper, number: int, kind: Kind, day: date, at: datetime, *, created: int) -> None:
    """Import `number` came in at `at`, for `day`, and all its rows were new."""
    with TemporaryFile() as file:
        with cursor.copy(
            f"COPY ({CONTENTS[kind].format(batch=number, day=day)}) TO STDOUT (FORMAT csv, HEADER)"
        ) as rows:
            for block in rows:
                file.write(block)
        file.seek(0)
        sha256, size = keep(file)
    batch = ImportBatch(
        pk=number,
        kind=kind,
        file_name=f"demo-{kind.value}-{day}.csv",
        sha256=sha256,
        size=size,
        received_at=at,
        as_of=at,
    )
    _save(batch, at, force_insert=True)
    batch.state = ImportBatch.State.APPLIED
    batch.rows = batch.created = created
    batch.finished_at = at + timedelta(minutes=1)
    if kind in (Kind.METRICS, Kind.PRODUCT_METRICS):
        batch.first_day = batch.last_day = day
    _save(batch, batch.finished_at)
    if covered := COVERED.get(kind):
        remember(batch, *(part.format(batch=number, day=day) for part in covered))
    if kind == Kind.METRICS:
        profile = profile_of(day)
        profile.batch = batch
        profile.save()


def _save(batch: ImportBatch, at: datetime, *, force_insert: bool = False) -> None:
    # Read by the history package, which declares it nowhere.
    batch._history_date = at  # type: ignore[attr-defined]
    batch.save_by(None, REASON, force_insert=force_insert)
