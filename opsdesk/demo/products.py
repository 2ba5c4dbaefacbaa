"""Made-up products, how they are listed, and their daily metrics: all drawn from a product's own number.

Chance is whole-number arithmetic: the same on every machine. One statement a table and a day. Products on a
rule's boundary say themselves how they are listed and what they sell, the same each day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import timedelta

from django.db.backends.utils import CursorWrapper

from opsdesk.demo.files import next_import, record
from opsdesk.demo.loading import insert
from opsdesk.demo.moments import Past
from shops.models import ImportBatch, Listing, Product

Kind = ImportBatch.Kind
# The SQL of a product's number, which its code holds; those on a boundary have none.
NUMBER = "CASE WHEN starts_with(g.code, 'P') THEN substr(g.code, 2)::bigint END"
# One in so many is new: hardly anything of it is settled yet, and of some nothing is sold.
NEW = f"mod({NUMBER}, 12) = 5"
# How many orders of it are settled in a day.
PACE = f"CASE WHEN {NEW} THEN mod({NUMBER} / 12, 2) ELSE 1 + mod({NUMBER} * 7919, 24) END"


@dataclass(frozen=True)
class DemoProduct:
    """A product on a boundary: whose it is, how it stands, and its metrics of every day."""

    code: str
    shop: str
    name: str
    state: str
    settled: int
    # None: an empty cell, as the refunds then are.
    paid: int | None
    sales: str = "120.00"


def load_products(cursor: CursorWrapper, count: int, bounds: Sequence[DemoProduct], past: Past) -> None:
    """`bounds`, and as many others as make `count`, dealt out in turn to the shops that have none of those.

    Each is listed where its shop promotes. None where `count` is 0. Needs the staged shops of
    `loading.load_facts`.
    """
    if not count:
        return
    _stage(cursor, bounds)
    at = past.began + timedelta(minutes=20)
    batch = next_import(cursor)
    created = insert(
        cursor,
        Product,
        """
        INSERT INTO shops_product (code, shop_id, name, category, price, status, batch_id)
        SELECT 'P' || to_char(number, 'FM000000000'), shop.id,
               shop.word || ' 第' || number / shop.count + 1 || '款', shop.category,
               (500 + mod(number * 7919, 49500)) / 100.0,
               CASE WHEN mod(number * 31, 100) < 95 THEN 'on_sale' ELSE 'off_sale' END, %s
        FROM generate_series(0, %s - 1) AS number
        JOIN (
            SELECT id, category, left(name, 4) AS word, row_number() OVER (ORDER BY id) - 1 AS position,
                   count(*) OVER () AS count
            FROM shops_shop WHERE code NOT IN (SELECT shop FROM demo_product)
        ) AS shop ON shop.position = mod(number, shop.count)
        UNION ALL
        SELECT b.code, s.id, b.name, s.category, 10.00, 'on_sale', %s
        FROM demo_product b JOIN shops_shop s ON s.code = b.shop
        ORDER BY 1
        """,
        [batch, max(0, count - len(bounds)), batch],
        at,
    )
    record(cursor, batch, Kind.PRODUCTS, at.date(), at, created=created)
    _load_listings(cursor, past)


def _stage(cursor: CursorWrapper, bounds: Sequence[DemoProduct]) -> None:
    columns = {"settled": "integer", "paid": "integer", "sales": "numeric"}
    told = ", ".join(f"{field.name} {columns.get(field.name, 'text')}" for field in fields(DemoProduct))
    cursor.execute(f"CREATE TEMPORARY TABLE demo_product ({told}) ON COMMIT DROP")
    with cursor.copy("COPY demo_product FROM STDIN") as copy:
        for product in bounds:
            copy.write_row(astuple(product))


def _load_listings(cursor: CursorWrapper, past: Past) -> None:
    at = past.began + timedelta(minutes=25)
    batch = next_import(cursor)
    created = insert(
        cursor,
        Listing,
        f"""
        INSERT INTO shops_listing (product_id, alliance_id, state, since, batch_id)
        SELECT g.id, a.id,
               CASE WHEN b.code IS NOT NULL THEN b.state
                    WHEN {NEW} THEN CASE WHEN d.wechat_shop THEN 'observed' ELSE 'applied' END
                    WHEN mod({NUMBER} * 31, 100) >= 95 THEN 'stopped' ELSE 'promoted' END,
               %s - coalesce(mod({NUMBER} * 13, 90)::integer, 0), %s
        FROM shops_product g
        LEFT JOIN demo_product b ON b.code = g.code
        JOIN shops_shop s ON s.id = g.shop_id
        JOIN demo_shop d ON d.code = s.code
        JOIN shops_alliance a
            ON a.code = CASE WHEN d.wechat_shop THEN 'wechat-select' ELSE 'douyin-featured' END
        ORDER BY g.id
        """,
        [at.date(), batch],
        at,
    )
    record(cursor, batch, Kind.LISTINGS, at.date(), at, created=created)


def load_product_metrics(cursor: CursorWrapper, past: Past) -> None:
    """The metrics of every day, an import each. Needs the products."""
    if not Product.objects.exists():
        return
    for number, day in enumerate(past.metric_days):
        cursor.execute("SELECT shops_make_product_month(%s)", [day])
        batch = next_import(cursor)
        cursor.execute(
            f"""
            INSERT INTO shops_productmetrics (day, product_id, batch_id, settled_orders, valid_paid_orders,
                                              quality_refunds, sales_amount)
            SELECT %(day)s, id, %(batch)s, settled, paid,
                   CASE WHEN paid IS NOT NULL THEN paid * mod(number * 31, 40) / 1000 END,
                   price * (pace + mod((number + %(past)s) * 48271, 5) * sign(pace))
            FROM (
                SELECT g.id, g.price, {NUMBER} AS number, {PACE} AS pace,
                       CASE WHEN {NEW} THEN 0 ELSE mod({NUMBER} * 104729, 900) END
                           + {PACE} * %(past)s AS settled
                FROM shops_product g WHERE g.code NOT IN (SELECT code FROM demo_product)
            ) AS product
            -- Now and then a cell is empty.
            CROSS JOIN LATERAL (
                SELECT CASE WHEN mod((number + %(past)s) * 69621, 500) > 0
                            THEN settled + mod(number, 9) * sign(settled) END AS paid
            ) AS orders
            UNION ALL
            SELECT %(day)s, g.id, %(batch)s, settled, paid, CASE WHEN paid IS NOT NULL THEN 0 END, sales
            FROM demo_product b JOIN shops_product g ON g.code = b.code
            ORDER BY 2
            """,
            {"day": day, "batch": batch, "past": number},
        )
        at = past.after(day, "00:03")
        record(cursor, batch, Kind.PRODUCT_METRICS, day, at, created=cursor.rowcount)
