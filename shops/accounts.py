"""A shop's deposit account, read: what is there, what is required (DP-3), what may be refunded.

Amounts are in whole fen. What is required is one statement, for one shop or for all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Max

from shops import holds, sql
from shops.models import DepositEntry, ImportBatch, Shop
from shops.standing import CLOSED

# A shop is asked for the most that any alliance asks in which it is, or for what the platform asks where it
# is in none. An alliance's own amounts go before the platform's, a category's before that of all others.
# Sales that are not known ask for nothing beyond the base. A closed shop is asked for nothing, one whose
# closing is stayed for what any other is. Takes the day of the sales.
REQUIRED = f"""
WITH scope AS (
    SELECT s.id AS shop_id, s.category, a.id AS alliance_id,
           coalesce(a.deposit_due, 'opening') = 'opening' AS at_opening, a.deposit_rule
    FROM shops_shop s
    LEFT JOIN shops_enrollment n ON n.shop_id = s.id AND n.state = 'open'
    LEFT JOIN shops_alliance a ON a.id = n.alliance_id
    WHERE s.status <> 'closed'{{which}}
      AND NOT EXISTS (
          SELECT FROM ({CLOSED.format(at="'infinity'::timestamptz")}) closed WHERE closed.shop_id = s.id
      )
), sold AS (
    SELECT shop_id, category, alliance_id, at_opening FROM scope
    UNION ALL
    SELECT DISTINCT c.shop_id, g.category, c.alliance_id, c.at_opening
    FROM scope c JOIN shops_product g ON g.shop_id = c.shop_id
    WHERE c.deposit_rule = 'highest' AND g.status <> 'off_sale'
), terms AS MATERIALIZED (
    SELECT d.alliance_id, d.category, b.base_fen, t.sales, t.fens
    FROM (SELECT DISTINCT coalesce(alliance_id, 0) AS alliance_id, category FROM sold) d
    LEFT JOIN LATERAL (
        SELECT r.base_fen FROM shops_depositrequirement r
        WHERE (r.alliance_id = d.alliance_id OR r.alliance_id IS NULL) AND r.category IN (d.category, '')
        ORDER BY r.alliance_id IS NULL, r.category = '' LIMIT 1
    ) b ON true
    LEFT JOIN LATERAL (
        SELECT array_agg(t.sales_fen ORDER BY t.sales_fen) AS sales,
               array_agg(t.amount_fen ORDER BY t.sales_fen) AS fens
        FROM shops_depositstep t
        WHERE (t.alliance_id = d.alliance_id OR t.alliance_id IS NULL) AND t.category IN (d.category, '')
        GROUP BY t.alliance_id, t.category ORDER BY t.alliance_id IS NULL, t.category = '' LIMIT 1
    ) t ON true
), asked AS (
    SELECT d.shop_id, d.at_opening,
           greatest(t.base_fen, t.fens[width_bucket((m.gmv_30d * 100)::bigint, t.sales)]) AS fen
    FROM sold d
    JOIN terms t ON t.alliance_id = coalesce(d.alliance_id, 0) AND t.category = d.category
    LEFT JOIN shops_shopmetrics m ON m.shop_id = d.shop_id AND m.day = %s
), required AS (
    SELECT shop_id, max(fen) FILTER (WHERE at_opening) AS due_fen, max(fen) AS fen
    FROM asked GROUP BY shop_id
)
"""
SHORT = """
SELECT q.shop_id, q.due_fen, coalesce(e.balance_fen, 0){more} FROM required q
LEFT JOIN LATERAL (
    SELECT e.balance_fen FROM shops_depositentry e WHERE e.shop_id = q.shop_id ORDER BY e.number DESC LIMIT 1
) e ON true
WHERE q.due_fen > coalesce(e.balance_fen, 0)
ORDER BY q.due_fen - coalesce(e.balance_fen, 0) DESC, q.shop_id
"""


class Free(NamedTuple):
    """What may be refunded, in fen, and what keeps it from being more."""

    amount_fen: int
    required_fen: int
    held_by: list[holds.Hold]


@dataclass(frozen=True)
class Required:
    """In fen. `due`: what is due now; `later`: with withdrawals included (DP-4). None: nobody stated any."""

    due: int | None
    later: int | None

    def lacking(self, balance: int) -> int:
        """How much a deposit of that balance lacks of what is due."""
        return max((self.due or 0) - balance, 0)


@dataclass(frozen=True)
class Short:
    """A shop whose deposit is less than what is due; amounts in fen."""

    shop: Shop
    required: int
    balance: int

    @property
    def lacking(self) -> int:
        return self.required - self.balance


def measured_day(until: date) -> date | None:
    """The newest day up to that one of which metrics were imported: its sales count."""
    applied = ImportBatch.objects.filter(
        kind=ImportBatch.Kind.METRICS, state=ImportBatch.State.APPLIED, last_day__lte=until
    )
    newest: date | None = applied.aggregate(newest=Max("last_day"))["newest"]
    return newest


def required_for(shop: Shop, *, day: date | None) -> Required:
    """What the shop's deposit is to be, with its sales on data of `day`; None: sales are not known."""
    statement = REQUIRED.format(which=" AND s.id = %s") + "SELECT due_fen, fen FROM required"
    found = sql.fetch(statement, [shop.pk, day])
    due, later = found[0] if found else (None, None)
    return Required(due, later)


def short_shops(*, day: date | None, first: int = 0, limit: int) -> tuple[list[Short], int]:
    """Shops that have less than is due, those that lack most first, and how many there are in all.

    `limit` of them, from `first` on.
    """
    statement = REQUIRED.format(which="") + SHORT.format(more=", count(*) OVER ()")
    with transaction.atomic():
        sql.for_many_rows(0, any_number=True)
        found: list[Any] = sql.fetch(f"{statement} LIMIT %s OFFSET %s", [day, limit, first])
    return _with_shops(found), found[0][-1] if found else 0


def every_short_shop(*, day: date | None) -> Iterator[Short]:
    """All of them in that order, one by one. Needs a transaction."""
    sql.for_many_rows(0, any_number=True)
    rows = sql.stream(REQUIRED.format(which="") + SHORT.format(more=""), [day])
    while some := list(islice(rows, 2000)):
        yield from _with_shops(some)


def _with_shops(rows: list[tuple[Any, ...]]) -> list[Short]:
    shops = Shop.objects.in_bulk([shop_id for shop_id, *_amounts in rows])
    return [Short(shops[shop_id], required, balance) for shop_id, required, balance, *_count in rows]


def balance_of(shop: Shop) -> int:
    """In fen; nothing where nothing was ever entered."""
    return balances_of([shop.pk]).get(shop.pk, 0)


def balances_of(shops: Collection[int]) -> dict[int, int]:
    """The same of these shops, by their keys, save those of which nothing was ever entered."""
    newest = DepositEntry.objects.filter(shop__in=shops).order_by("shop", "-number").distinct("shop")
    return dict(newest.values_list("shop", "balance_fen"))


def last_number(shop: Shop) -> int:
    """Of the account's entries; 0 where nothing was ever entered."""
    found = DepositEntry.objects.filter(shop=shop).aggregate(number=Max("number"))
    return found["number"] or 0


def shortfall(shop: Shop, *, day: date | None) -> int:
    """How much the deposit lacks of what is due, in fen, with the shop's sales on data of `day`."""
    return required_for(shop, day=day).lacking(balance_of(shop))


def free_of(shop: Shop, *, day: date | None, at: datetime) -> Free:
    """What may be refunded at that moment: what is beyond what is due, of a closed shop all; nothing while
    something holds it. `day`: of the sales that count.
    """
    held = holds.held_by(shop, at)
    required = required_for(shop, day=day).due or 0
    return Free(0 if held else max(balance_of(shop) - required, 0), required, held)
