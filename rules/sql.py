"""The statements of a check: what is due, filing and withdrawing. All set-based."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import BooleanField, Expression, ExpressionWrapper, Func, Q, QuerySet, TextField
from django.db.models.expressions import Combinable, RawSQL

from rules import listings
from rules.models import Proposal
from shops.models import Alliance, ShopMetrics
from shops.sql import execute, fetch, write_with_history

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# First half of the advisory lock that a running check holds for as long as its session lives.
SWEEPING = 7_306_003
# How many products the evidence of a shop names.
TOLD_PRODUCTS = 200
# How many days back "failing in a row" is counted.
LOOKS_BACK = 30
# Of all shops, or of those that are asked about. `shop`: the column of their keys.
OF_SHOPS = "(%(shops)s::bigint[] IS NULL OR {shop} = ANY (%(shops)s::bigint[]))"


class TextArray(Func):
    """A text[] of the expressions that are not NULL."""

    def __init__(self, expressions: Sequence[Expression]) -> None:
        super().__init__(
            *expressions,
            template="array_remove(ARRAY[%(expressions)s]::text[], NULL)",
            output_field=ArrayField(TextField()),
        )


class Disjoint(Func):
    """Whether two lists have nothing in common."""

    template = "NOT (%(expressions)s)"
    arg_joiner = " && "
    output_field = BooleanField()


class OneRowEach(QuerySet[Any]):
    """Shops joined to relations of which each has one row at most, as rules.evaluation annotates them.

    A filter asks the joins that are there already. (Django's own would join a relation of many rows anew for
    each filter, and every join is one of a million rows.)
    """

    def _filter_or_exclude_inplace(self, negate: bool, args: Any, kwargs: Any) -> None:
        condition = Q(*args, **kwargs)
        self.query.add_q(~condition if negate else condition, reuse_all=True)


@contextmanager
def over_everybody() -> Iterator[None]:
    """For statements that read every shop: each table is read once, and hashed.

    Of a day that has just come in the planner knows nothing, and of "no such fact" it thinks too little: it
    would look up a million rows one by one. One may stand inside another.
    """
    [(before,)] = fetch("SHOW enable_nestloop")
    execute("SET LOCAL enable_nestloop = off")
    # Few rows come back from many: let workers share the reading.
    execute("SET LOCAL parallel_tuple_cost = 0")
    yield
    execute(f"SET LOCAL enable_nestloop = {before}")


def gather_told(name: str, found: QuerySet, told: QuerySet) -> int:
    """`gather` what `told` says of the few shops that `found` finds among all.

    First who they are: what is said of them, said of everybody, would go through every join.
    """
    with over_everybody():
        gather("rules_found", found.values("id"))
    return gather(name, told.filter(pk__in=RawSQL("SELECT rules_found.id FROM rules_found", [])))


def gather(name: str, queryset: QuerySet) -> int:
    """Keep a queryset's rows in the temporary table `name` until the transaction ends; how many they are."""
    query, params = queryset.query.sql_with_params()
    with connection.cursor() as cursor:
        # A handful of rows come back from a million: let workers share the scan.
        cursor.execute("SET LOCAL parallel_tuple_cost = 0")
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")
        cursor.execute(f"CREATE TEMP TABLE {name} ON COMMIT DROP AS {query}", params)
        found = cursor.rowcount
        cursor.execute(f"ANALYZE {name}")
    return found


def date_failures(
    name: str, lead_rule: str, fails: Q, day: date, in_rows: Mapping[str, Combinable] | None = None
) -> None:
    """Date since when each shop of `name` fails `lead_rule` in a row, on the days that brought a value.

    `in_rows`: what `fails` asks for beyond the columns of ShopMetrics.
    """
    days = [day - timedelta(days=n) for n in range(LOOKS_BACK)]
    looked_at = ShopMetrics.objects.filter(day__in=days, shop_id=RawSQL("d.id", []))
    looked_at = looked_at.annotate(**(in_rows or {}))
    failed = ExpressionWrapper(fails, output_field=BooleanField(null=True))
    query, params = looked_at.values("shop_id", "day", failed=failed).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE {name} due SET failing_since = past.since
            FROM (
                SELECT shop_id, min(day) FILTER (WHERE day > coalesce(held_on, '-infinity')) AS since
                FROM (
                    SELECT m.*,
                           max(m.day) FILTER (WHERE NOT m.failed) OVER (PARTITION BY m.shop_id) AS held_on
                    FROM {name} d
                    -- OFFSET: shop by shop, by the key. Left to itself the planner reads all shops' days.
                    CROSS JOIN LATERAL ({query} OFFSET 0) m
                    WHERE d.lead_rule = %s
                ) days
                WHERE failed
                GROUP BY shop_id
            ) past
            WHERE due.id = past.shop_id
            """,
            [*params, lead_rule],
        )


def tell_observed_products(name: str, codes: Sequence[str], alliance: Alliance, day: date) -> None:
    """Have the shops of `name` that one of the rules `codes` speaks against tell their observed products.

    By value: code, name and sales of the day, the largest first, at most TOLD_PRODUCTS of them, and how many
    more there are.
    """
    query, params = listings.observed_sales(alliance, day).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE {name} due SET more = jsonb_build_object('products', sold.told, 'more_products', sold.more)
            FROM (
                SELECT shop,
                       jsonb_agg(jsonb_build_object('code', code, 'name', name, 'sales', sales::text)
                                 ORDER BY place) FILTER (WHERE place <= %s) AS told,
                       greatest(count(*) - %s, 0) AS more
                FROM (
                    SELECT *, row_number() OVER (PARTITION BY shop ORDER BY sales DESC, code) AS place
                    FROM ({query}) observed
                ) placed
                GROUP BY shop
            ) sold
            WHERE due.id = sold.shop AND due.failed && %s::text[]
            """,
            [TOLD_PRODUCTS, TOLD_PRODUCTS, *params, list(codes)],
        )


def withdraw(
    name: str, params: Sequence[Any] = (), *, at: datetime, reason: str, by: User | None = None
) -> int:
    """Withdraw the open proposals named by column `proposal` of `name`, a table or a query with its `params`;
    how many were still open.
    """
    with connection.cursor() as cursor:
        return write_with_history(
            cursor,
            Proposal,
            f"""
            UPDATE rules_proposal SET status = 'withdrawn', closed_at = %s
            FROM {name} gone
            WHERE rules_proposal.id = gone.proposal AND rules_proposal.status IN ('open', 'held')
            """,
            [at, *params],
            change="~",
            by=by,
            reason=reason,
            at=at,
        )
