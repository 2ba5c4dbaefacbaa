"""Refunds out of a file of what is not free: it states facts, which stand once a person has agreed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models.expressions import RawSQL
from django.utils.timezone import localdate

from shops import accounts, holds, settling, sql
from shops.imports.deposit_rows import MOVED
from shops.imports.suspicions import NAMED, Suspicion, names_of
from shops.models import Shop

_NEW = "p.kind = 'refund' AND p.outcome = 'created'"
# What a shop owes, of which payments that come before in the file leave nothing where they are as much.
_OWED = f"""coalesce((
    SELECT sum({settling.OUTSTANDING})
    FROM shops_topup t WHERE t.shop_id = p.shop_id AND t.ended_at IS NULL), 0)"""
# The refunds that a file would enter, what each leaves in the deposit, and whether the shop owes anything by
# then.
_REFUNDS = f"""
CREATE TEMP TABLE import_refunds ON COMMIT DROP AS
SELECT p.row, p.shop_id, k.before + k.fen AS left_fen, {_OWED} > p.paid AS owes
FROM (
    SELECT p.*, coalesce(sum(p.amount * 100) FILTER (WHERE p.kind = 'top_up')
        OVER (PARTITION BY p.shop_id ORDER BY p.at, p.row), 0) AS paid
    FROM import_plan p WHERE p.outcome = 'created'
) p
JOIN ({MOVED.format(which=f" AND p.shop_id IN (SELECT p.shop_id FROM import_plan p WHERE {_NEW})")}) k
    ON k.row = p.row
WHERE {_NEW}
"""
_NAMED = f"""count(*), (array_agg(DISTINCT s.code ORDER BY s.code))[:{NAMED + 1}]
FROM import_refunds f JOIN shops_shop s ON s.id = f.shop_id"""


def suspicions_of_refunds(at: datetime) -> Iterator[Suspicion]:
    """Those of more than is free, by the moment at which they are entered: as where somebody refunds.

    What they leave is less than is required, or something holds the deposit.
    """
    [(any_,)] = sql.fetch(f"SELECT EXISTS (SELECT FROM import_plan p WHERE {_NEW})")
    if not any_:
        return
    sql.execute("DROP TABLE IF EXISTS pg_temp.import_refunds")
    sql.execute(_REFUNDS)
    sql.execute("ANALYZE import_refunds")
    owing = {shop for (shop,) in sql.fetch("SELECT DISTINCT shop_id FROM import_refunds WHERE owes")}
    shops = Shop.objects.filter(pk__in=RawSQL("SELECT f.shop_id FROM import_refunds f", []))
    counts: dict[str, int] = {}
    held: dict[str, set[int]] = {}
    for what, of in holds.held_among(shops, at).items():
        for shop, _key in of:
            if what != holds.TOP_UP or shop in owing:
                counts[what] = counts.get(what, 0) + 1
                held.setdefault(what, set()).add(shop)
    owed = list(held.pop(holds.TOP_UP, ()))
    otherwise = list(set().union(*held.values()))
    is_held = "(f.shop_id = ANY(%s) OR f.owes AND f.shop_id = ANY(%s))"
    yield from _suspicion(
        "held_refunds", f"SELECT {_NAMED} WHERE {is_held}", [otherwise, owed], held_by=counts
    )
    required = accounts.REQUIRED.format(which=" AND s.id IN (SELECT f.shop_id FROM import_refunds f)")
    day = accounts.measured_day(localdate(at))
    yield from _suspicion(
        "required_refunds",
        f"{required} SELECT {_NAMED} JOIN required q ON q.shop_id = f.shop_id"
        f" WHERE f.left_fen < q.due_fen AND NOT {is_held}",
        [day, otherwise, owed],
    )


def _suspicion(code: str, statement: str, values: list[Any], **params: Any) -> Iterator[Suspicion]:
    [(rows, codes)] = sql.fetch(statement, values)
    if rows:
        yield Suspicion(code, {"rows": rows, "shops": names_of(codes), **params})
