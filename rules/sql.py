"""The statements of a check: derived facts, what is due, filing and withdrawing. All set-based."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import ArrayField
from django.db import connection, transaction
from django.db.models import BooleanField, Expression, ExpressionWrapper, Func, Q, QuerySet, TextField
from django.db.models.expressions import Combinable, RawSQL

from rules import listings
from rules.metrics import CLOSED, SUSPENDED, penalties_asked
from rules.models import Proposal
from shops.calendar import midnight, window
from shops.models import Alliance, Penalty, ShopMetrics
from shops.sql import execute, write_with_history

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# First half of the advisory lock that a running check holds for as long as its session lives.
SWEEPING = 7_306_003
# How many products the evidence of a shop names.
TOLD_PRODUCTS = 200
# How many days back "failing in a row" is counted.
LOOKS_BACK = 30


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


# DF-A9, read as R12: [D−364, D], both days in. A reported case is not yet a penalty.
PENALTIES = """
    INSERT INTO rules_fact
    SELECT asked.key, p.shop_id, count(*)
    FROM unnest(%(keys)s::text[], %(violations)s::text[], %(since)s::timestamptz[])
        AS asked (key, violation, since)
    JOIN shops_violation v ON v.code = asked.violation
    JOIN shops_penalty p ON p.violation_id = v.id AND p.imposed_at >= asked.since
    WHERE p.status = ANY (%(penalised)s) AND p.imposed_at < %(end)s
    GROUP BY asked.key, p.shop_id
"""
# DF-A10: a penalty that bars them (R6), or a case endangering transactions whether penalised or not. What a
# violation says of that counts as it stood when the penalty was imposed.
_SERIOUS = "coalesce(imposed.bars_controller, v.bars_controller) AND p.status = ANY (%(penalised)s)"
_ENDANGERING = (
    "coalesce(imposed.endangers_transactions, v.endangers_transactions) AND p.status <> 'overturned'"
)
CONTROLLER_CASES = {
    "controller_serious_cases": f"{_SERIOUS} OR {_ENDANGERING}",
    "controller_serious_penalties": _SERIOUS,
    "controller_transaction_cases": _ENDANGERING,
}
OF_OTHER_SHOPS = """
    INSERT INTO rules_fact
    SELECT %(key)s, s.id, count(*)
    FROM shops_penalty p
    JOIN shops_violation v ON v.id = p.violation_id
    LEFT JOIN shops_historicalviolation imposed ON imposed.history_id = p.violation_version
    JOIN shops_shop offender ON offender.id = p.shop_id
    JOIN shops_shop s ON s.controller_id = offender.controller_id AND s.id <> offender.id
    WHERE {cases}
    GROUP BY s.id
"""
# DF-C2: the newest paper of each brand. One that fails decides, else one that is pending.
BRAND_PAPERS = """
    INSERT INTO rules_fact
    SELECT 'brand_papers', shop_id,
           CASE WHEN bool_or(verdict = 'rejected' OR valid_until < %(day)s) THEN 0
                WHEN bool_or(verdict = 'pending') THEN NULL
                ELSE 1 END
    FROM (
        SELECT DISTINCT ON (shop_id, brand) shop_id, verdict, valid_until
        FROM shops_qualification
        WHERE kind = 'brand'
        ORDER BY shop_id, brand, received_at DESC, valid_until DESC NULLS FIRST, id DESC
    ) newest
    GROUP BY shop_id
"""
# Of openings that ended before the day; one that the shop ended itself is no clearance.
SINCE_CLEARANCE = """
    INSERT INTO rules_fact
    SELECT 'days_since_clearance', e.shop_id, %(day)s - max(o.closed_on)
    FROM shops_opening o JOIN shops_enrollment e ON e.id = o.enrollment_id
    WHERE e.alliance_id = %(alliance)s AND o.closed AND o.cause <> 'voluntary' AND o.closed_on <= %(day)s
    GROUP BY e.shop_id
"""
# WS-O2. A product whose sales nobody knows adds nothing; a shop of which none are known has no value.
OBSERVED_SALES = """
    INSERT INTO rules_fact
    SELECT 'observed_sales', shop, sum(sales) FROM ({products}) observed GROUP BY shop
"""
# Shops that a measure suspends or closes at the end of the day, or that have closed by themselves.
STANDING = """
    INSERT INTO rules_fact
    SELECT 'standing', shop_id, max(value)
    FROM (
        SELECT p.shop_id, CASE m.kind WHEN 'close' THEN %(closed)s ELSE %(suspended)s END AS value
        FROM shops_measure m JOIN shops_penalty p ON p.id = m.penalty_id
        WHERE m.kind IN ('suspend', 'close') AND m.applied_at < %(end)s AND m.undone_at IS NULL
          AND (m.lapsed_at IS NULL OR m.lapsed_at >= %(end)s) AND (m.ends_at IS NULL OR m.ends_at >= %(end)s)
        UNION ALL
        SELECT shop_id, %(closed)s FROM shops_closure
        WHERE closed_at < %(end)s AND (returned_at IS NULL OR returned_at >= %(end)s)
    ) told
    GROUP BY shop_id
"""


def prepare_facts(day: date, alliance: Alliance, *, keys: Set[str], marks: Mapping[str, QuerySet]) -> None:
    """Fill the transaction's own table `rules_fact` with what the desk's record says of shops on `day`.

    `keys`: which facts are asked for; the others are not worked out. `marks` are facts without a value: each
    queryset yields the ids of the shops that its key marks.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("derived facts live no longer than a transaction")
    values: dict[str, Any] = {"day": day, "alliance": alliance.pk, "penalised": list(Penalty.PENALISED)}
    penalties = {key: asked for key in sorted(keys) if (asked := penalties_asked(key))}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute("DROP TABLE IF EXISTS pg_temp.rules_fact")
        cursor.execute(
            "CREATE TEMP TABLE rules_fact (key text NOT NULL, shop_id bigint NOT NULL, value numeric)"
            " ON COMMIT DROP"
        )
        if penalties:
            counted = {
                "keys": list(penalties),
                "violations": [violation for violation, _days in penalties.values()],
                "since": [midnight(window(day, days).first) for _code, days in penalties.values()],
                "end": midnight(day + timedelta(days=1)),
            }
            cursor.execute(PENALTIES, values | counted)
        for key, cases in CONTROLLER_CASES.items():
            if key in keys:
                cursor.execute(OF_OTHER_SHOPS.format(cases=cases), values | {"key": key})
        if "standing" in keys:
            meant = {"suspended": SUSPENDED, "closed": CLOSED}
            cursor.execute(STANDING, {"end": midnight(day + timedelta(days=1)), **meant})
        if "brand_papers" in keys:
            cursor.execute(BRAND_PAPERS, values)
        if "days_since_clearance" in keys:
            cursor.execute(SINCE_CLEARANCE, values)
        if "observed_sales" in keys:
            query, params = listings.observed_sales(alliance, day).query.sql_with_params()
            cursor.execute(OBSERVED_SALES.format(products=query), params)
        # Of openings and enrollments that have just come in the planner may know nothing.
        with over_everybody():
            for key, shops in marks.items():
                query, params = shops.query.sql_with_params()
                cursor.execute(
                    f"INSERT INTO rules_fact SELECT %s, id FROM ({query}) marked (id) GROUP BY id",
                    [key, *params],
                )
        # Last: one by one the entries of an index cost more.
        cursor.execute("ALTER TABLE rules_fact ADD PRIMARY KEY (key, shop_id)")
        cursor.execute("ANALYZE rules_fact")


@contextmanager
def over_everybody() -> Iterator[None]:
    """For statements that read every shop: each table is read once, and hashed.

    Of a day that has just come in the planner knows nothing, and of "no such fact" it thinks too little: it
    would look up a million rows one by one.
    """
    execute("SET LOCAL enable_nestloop = off")
    # Few rows come back from many: let workers share the reading.
    execute("SET LOCAL parallel_tuple_cost = 0")
    yield
    execute("SET LOCAL enable_nestloop = on")


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


def withdraw(name: str, *, at: datetime, reason: str, by: User | None = None) -> int:
    """Withdraw the open proposals named by column `proposal` of `name`; how many were still open."""
    with connection.cursor() as cursor:
        return write_with_history(
            cursor,
            Proposal,
            f"""
            UPDATE rules_proposal SET status = 'withdrawn', closed_at = %s
            FROM {name} gone
            WHERE rules_proposal.id = gone.proposal AND rules_proposal.status IN ('open', 'held')
            """,
            [at],
            change="~",
            by=by,
            reason=reason,
            at=at,
        )
