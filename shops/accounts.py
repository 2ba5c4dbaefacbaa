"""A shop's deposit account, read: what is there, what is required (DP-3), what may be refunded.

Amounts are in whole fen. What is required is one statement, for one shop or for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from django.db.models import CharField, Max, QuerySet, Value

from shops import money, sql
from shops.models import DepositEntry, ImportBatch, Penalty, Shop, TopUp

# A shop is asked for the most that any alliance asks in which it is, or for what the platform asks where it
# is in none. An alliance's own amounts go before the platform's, a category's before that of all others.
# Sales that are not known ask for nothing beyond the base. Takes the day of the sales.
REQUIRED = """
WITH scope AS (
    SELECT s.id AS shop_id, s.category, a.id AS alliance_id,
           coalesce(a.deposit_due, 'opening') = 'opening' AS at_opening, a.deposit_rule
    FROM shops_shop s
    LEFT JOIN shops_enrollment n ON n.shop_id = s.id AND n.state = 'open'
    LEFT JOIN shops_alliance a ON a.id = n.alliance_id
    WHERE s.status <> 'closed'{which}
      AND NOT EXISTS (SELECT FROM shops_closure c WHERE c.shop_id = s.id AND c.returned_at IS NULL)
      AND NOT EXISTS (
          SELECT FROM shops_measure x JOIN shops_penalty p ON p.id = x.penalty_id
          WHERE p.shop_id = s.id AND x.kind = 'close' AND x.applied_at IS NOT NULL AND x.undone_at IS NULL
      )
), sold AS (
    SELECT shop_id, category, alliance_id, at_opening FROM scope
    UNION ALL
    SELECT DISTINCT c.shop_id, g.category, c.alliance_id, c.at_opening
    FROM scope c JOIN shops_product g ON g.shop_id = c.shop_id
    WHERE c.deposit_rule = 'highest' AND g.status <> 'off_sale'
), base AS (
    SELECT alliance_id, category, base_fen AS fen FROM shops_depositrequirement
), step AS (
    SELECT alliance_id, category, amount_fen AS fen, sales_fen AS first,
           lead(sales_fen, 1, {most}) OVER (PARTITION BY alliance_id, category ORDER BY sales_fen) AS next
    FROM shops_depositstep
), asked AS (
    SELECT d.shop_id, d.at_opening,
           greatest(coalesce(b1.fen, b2.fen, b3.fen, b4.fen), coalesce(s1.fen, s2.fen, s3.fen, s4.fen)) AS fen
    FROM sold d
    LEFT JOIN shops_shopmetrics m ON m.shop_id = d.shop_id AND m.day = %s
    {amounts}
), required AS (
    SELECT shop_id, max(fen) FILTER (WHERE at_opening) AS due_fen, max(fen) AS fen
    FROM asked GROUP BY shop_id
)
"""
# The amounts that may hold for a shop and a category, those that go before the others first.
_WHOSE = (
    "{0}.alliance_id = d.alliance_id AND {0}.category = d.category",
    "{0}.alliance_id = d.alliance_id AND {0}.category = ''",
    "{0}.alliance_id IS NULL AND {0}.category = d.category",
    "{0}.alliance_id IS NULL AND {0}.category = ''",
)
_AMOUNTS = "\n    ".join(
    f"LEFT JOIN base b{place} ON {whose.format(f'b{place}')}"
    f" LEFT JOIN step s{place} ON {whose.format(f's{place}')}"
    f" AND m.gmv_30d * 100 >= s{place}.first AND m.gmv_30d * 100 < s{place}.next"
    for place, whose in enumerate(_WHOSE, 1)
)
SHORT = """
SELECT q.shop_id, q.due_fen, coalesce(e.balance_fen, 0), count(*) OVER () FROM required q
LEFT JOIN LATERAL (
    SELECT e.balance_fen FROM shops_depositentry e WHERE e.shop_id = q.shop_id ORDER BY e.number DESC LIMIT 1
) e ON true
WHERE q.due_fen > coalesce(e.balance_fen, 0)
ORDER BY q.due_fen - coalesce(e.balance_fen, 0) DESC, q.shop_id LIMIT %s OFFSET %s
"""


class Free(NamedTuple):
    """What may be refunded, in fen, and what keeps it from being more: kinds and keys of records."""

    amount_fen: int
    required_fen: int
    held_by: list[tuple[str, int]]


@dataclass(frozen=True)
class Required:
    """In fen. `due`: what is due now; `later`: with withdrawals included (DP-4). None: nobody stated any."""

    due: int | None
    later: int | None


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
    found = sql.fetch(_required(" AND s.id = %s") + "SELECT due_fen, fen FROM required", [shop.pk, day])
    due, later = found[0] if found else (None, None)
    return Required(due, later)


def short_shops(*, day: date | None, first: int = 0, limit: int) -> tuple[list[Short], int]:
    """Shops that have less than is due, those that lack most first, and how many there are in all.

    `limit` of them, from `first` on.
    """
    found: list[Any] = sql.fetch(_required() + SHORT, [day, limit, first])
    shops = Shop.objects.in_bulk([shop_id for shop_id, *_amounts in found])
    short = [Short(shops[shop_id], required, balance) for shop_id, required, balance, _count in found]
    return short, found[0][-1] if found else 0


def _required(which: str = "") -> str:
    return REQUIRED.format(which=which, amounts=_AMOUNTS, most=money.MOST)


def balance_of(shop: Shop) -> int:
    """In fen; nothing where nothing was ever entered."""
    newest = DepositEntry.objects.filter(shop=shop).order_by("-number").values_list("balance_fen", flat=True)
    return newest.first() or 0


def shortfall(shop: Shop, *, day: date | None) -> int:
    """How much the deposit lacks of what is due, in fen, with the shop's sales on data of `day`."""
    return max((required_for(shop, day=day).due or 0) - balance_of(shop), 0)


def held_by(shop: Shop) -> QuerySet:
    """What keeps the whole deposit from being refunded, as (kind, key): unsettled penalties, top-ups due."""
    unsettled = Penalty.objects.filter(
        shop=shop, status__in=[Penalty.Status.REPORTED, Penalty.Status.IMPOSED]
    )
    owed = TopUp.objects.filter(shop=shop, state=TopUp.State.OPEN)
    rows = [
        records.order_by().annotate(what=Value(what, CharField())).values_list("what", "pk")
        for what, records in (("penalty", unsettled), ("topup", owed))
    ]
    return rows[0].union(*rows[1:], all=True)


def free_of(shop: Shop, *, day: date | None) -> Free:
    """What may be refunded: what is beyond what is due, of a closed shop all; nothing while it is held."""
    held = list(held_by(shop))
    required = required_for(shop, day=day).due or 0
    return Free(0 if held else max(balance_of(shop) - required, 0), required, held)
