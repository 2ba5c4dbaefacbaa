"""Where the records stand that a kind of file speaks of, and how statements over its rows reach them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from shops.imports.daily import DAILY, Daily
from shops.imports.penalty_columns import PENALTIES
from shops.models import ImportBatch

Kind = ImportBatch.Kind

# Up to so many rows records are looked up one by one: faster than reading all that a big desk has.
FEW = 50_000


class Join(NamedTuple):
    """A table that a statement reaches from what stands before it; its rows are NULL where there is none."""

    table: str
    alias: str
    condition: str

    def written(self, rows: int) -> str:
        """For a statement over so many rows."""
        if rows > FEW:
            return f" LEFT JOIN {self.table} {self.alias} ON {self.condition}"
        # Behind OFFSET the planner can't but take each by the index, whatever it believes of a new day.
        found = f"SELECT * FROM {self.table} {self.alias} WHERE {self.condition} OFFSET 0"
        return f" LEFT JOIN LATERAL ({found}) {self.alias} ON true"


@dataclass(frozen=True)
class Records:
    """Where the records that a kind of file speaks of stand, reached from the staged row `r`.

    `keys`: the plan's columns that lead to them. `stands`: NULL where there is none. `standing`: what
    stands in a column of it. `also`: what follows from the file's moment, as (new, standing). `subject`: the
    column that names whom a row is about, who must be known already.
    """

    joins: Sequence[Join]
    keys: Mapping[str, str]
    stands: str
    record: str
    standing: Callable[[str], str]
    also: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    day: str = ""
    subject: str = ""

    def joined(self, rows: int) -> str:
        """The joins for a statement over so many rows."""
        return "".join(join.written(rows) for join in self.joins)


def records_of(kind: str, as_of: datetime, days: list[date]) -> Records:
    """Of a file of that kind and moment. `days`: those that a file of daily figures speaks of."""
    if kind in DAILY:
        return _measured(DAILY[kind], days)
    return _RECORDS[kind](as_of)


_SHOP = Join("shops_shop", "s", "s.code = r.shop")
_PRODUCT = Join("shops_product", "g", "g.code = r.product")
_ALLIANCE = Join("shops_alliance", "a", "a.code = r.alliance")


def _shops(as_of: datetime) -> Records:
    return Records(
        joins=[
            Join("shops_shop", "s", "s.code = r.code"),
            Join("shops_controller", "c", "c.id = s.controller_id"),
        ],
        keys={"code": "r.code", "shop_id": "s.id"},
        stands="s.id",
        record="s.id",
        standing=lambda name: "coalesce(c.code, '')" if name == "controller" else f"s.{name}",
    )


def _enrollments(as_of: datetime) -> Records:
    # One time opened is what a shop has used that is in or was, unless the file says otherwise.
    used = "coalesce(r.openings::integer, CASE r.state WHEN 'applied' THEN 0 ELSE 1 END)"
    return Records(
        joins=[
            _SHOP,
            _ALLIANCE,
            Join("shops_enrollment", "n", "n.shop_id = s.id AND n.alliance_id = a.id"),
        ],
        keys={"shop_id": "s.id", "alliance_id": "a.id", "standing_id": "n.id", "used": used},
        stands="n.id",
        record="n.id",
        # Imports only create enrollments: what differs from one that stands is no change, but wrong.
        standing=lambda name: f"r.{name}",
        subject="shop",
    )


def _qualifications(as_of: datetime) -> Records:
    # When the desk first heard of a paper, whichever file came in first.
    heard = f"timestamptz '{as_of.isoformat()}'"
    return Records(
        joins=[
            _SHOP,
            Join(
                "shops_qualification",
                "q",
                "q.shop_id = s.id AND q.kind = r.kind AND q.brand = coalesce(r.brand, '')"
                " AND q.valid_until IS NOT DISTINCT FROM r.valid_until",
            ),
        ],
        keys={
            "shop_id": "s.id",
            "standing_id": "q.id",
            "kind": "r.kind",
            "brand": "coalesce(r.brand, '')",
            "valid_until": "r.valid_until",
        },
        stands="q.id",
        record="q.id",
        standing=lambda name: f"q.{name}",
        also={"received_at": (f"least(q.received_at, {heard})", "q.received_at")},
        subject="shop",
    )


def _products(as_of: datetime) -> Records:
    return Records(
        joins=[
            _SHOP,
            Join("shops_product", "g", "g.code = r.code"),
            Join("shops_shop", "o", "o.id = g.shop_id"),
        ],
        keys={"code": "r.code", "product_id": "g.id", "shop_id": "s.id"},
        stands="g.id",
        record="g.id",
        standing=lambda name: "o.code" if name == "shop" else f"g.{name}",
        subject="shop",
    )


def _listings(as_of: datetime) -> Records:
    return Records(
        joins=[
            _PRODUCT,
            _ALLIANCE,
            Join("shops_listing", "n", "n.product_id = g.id AND n.alliance_id = a.id"),
        ],
        keys={"product_id": "g.id", "alliance_id": "a.id", "standing_id": "n.id"},
        stands="n.id",
        record="n.id",
        standing=lambda name: f"n.{name}",
        subject="product",
    )


def _deposits(as_of: datetime) -> Records:
    return Records(
        joins=[
            _SHOP,
            Join("shops_depositentry", "v", "v.reference = r.reference AND v.reference <> ''"),
        ],
        keys={"reference": "r.reference", "shop_id": "s.id", "standing_id": "v.id"},
        stands="v.id",
        record="v.id",
        # A movement is never changed: what differs from one that stands is wrong.
        standing=lambda name: "v.at" if name == "at" else f"r.{name}",
        subject="shop",
    )


def _penalties(as_of: datetime) -> Records:
    columns = {column.name: column.values("r") for column in PENALTIES.columns}
    moments = {name: columns[name][name] for name in ("imposed_at", "ends_at")}
    # The platform lists what it has decided, unless it says otherwise.
    became = "coalesce(nullif(r.status, ''), 'imposed')"
    # The one change that a file makes: what was reported, and nobody has decided, is imposed.
    undecided = f"n.status = 'reported' AND {became} = 'imposed'"
    return Records(
        joins=[
            _SHOP,
            Join("shops_violation", "v", "v.code = r.violation"),
            _ALLIANCE,
            _PRODUCT,
            Join("shops_penalty", "n", "n.reference = r.reference AND n.reference <> ''"),
        ],
        keys={
            "reference": "r.reference",
            "shop_id": "s.id",
            "violation_id": "v.id",
            "alliance_id": "a.id",
            "product_id": "g.id",
            "standing_id": "n.id",
            "moment": moments["imposed_at"],
            "until": moments["ends_at"],
            "given": "nullif(r.points, 0)::smallint",
            "taken": "nullif(r.deposit_deducted, 0)",
            "because": "coalesce(r.reason, '')",
        },
        stands="n.id",
        record="n.id",
        # What differs otherwise from a case that stands is no change, but wrong.
        standing=lambda name: (
            f"CASE WHEN {undecided} AND r.status <> '' THEN n.status ELSE r.status END"
            if name == "status"
            else columns[name][name]
        ),
        also={"became": (became, f"CASE WHEN {undecided} THEN n.status ELSE {became} END")},
        subject="shop",
    )


def _measured(daily: Daily, days: list[date]) -> Records:
    # The days by name, so that other months' partitions are not even opened.
    named = ", ".join(f"'{day}'" for day in days) or "NULL"
    whose = {"shop": _SHOP, "product": _PRODUCT}[daily.subject]
    found = f"m.day = r.day AND m.{daily.key} = {whose.alias}.id AND m.day IN ({named})"
    return Records(
        joins=[whose, Join(daily.table, "m", found)],
        keys={daily.key: f"{whose.alias}.id", "day": "r.day"},
        stands=f"m.{daily.key}",
        record=f"{whose.alias}.id",
        day="r.day",
        standing=lambda name: f"m.{name}",
        subject=daily.subject,
    )


_RECORDS: dict[str, Callable[[datetime], Records]] = {
    Kind.SHOPS: _shops,
    Kind.ENROLLMENTS: _enrollments,
    Kind.QUALIFICATIONS: _qualifications,
    Kind.PRODUCTS: _products,
    Kind.LISTINGS: _listings,
    Kind.DEPOSITS: _deposits,
    Kind.PENALTIES: _penalties,
}
