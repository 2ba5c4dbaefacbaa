"""Derived facts: what the desk's own record says of shops at the end of a day, one row each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from contextlib import nullcontext
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from rules import listings
from rules.metrics import CLOSED, SUSPENDED, penalties_asked
from rules.sql import OF_SHOPS, over_everybody
from shops import points, sql, standing
from shops.calendar import midnight, window
from shops.models import Alliance, Penalty

_OF_PENALISED = OF_SHOPS.format(shop="p.shop_id")
# DF-A9, read as R12: [D−364, D], both days in. A reported case is not yet a penalty.
PENALTIES = f"""
    INSERT INTO rules_fact
    SELECT asked.key, p.shop_id, count(*)
    FROM unnest(%(keys)s::text[], %(violations)s::text[], %(since)s::timestamptz[])
        AS asked (key, violation, since)
    JOIN shops_violation v ON v.code = asked.violation
    JOIN shops_penalty p ON p.violation_id = v.id AND p.imposed_at >= asked.since
    WHERE p.status = ANY (%(penalised)s) AND p.imposed_at < %(end)s AND {_OF_PENALISED}
    GROUP BY asked.key, p.shop_id
"""
# DF-A10: a penalty that bars them (R6), or a case endangering transactions whether penalised or not. What a
# violation says of that counts as it stood when the penalty was imposed. By the flags that each counts.
CONTROLLER_CASES = {
    "controller_serious_cases": ("bars_controller", "endangers_transactions"),
    "controller_serious_penalties": ("bars_controller",),
    "controller_transaction_cases": ("endangers_transactions",),
}
_COUNTED = {
    "bars_controller": "p.status = ANY (%(penalised)s)",
    "endangers_transactions": "p.status NOT IN ('overturned', 'dismissed')",
}
OF_OTHER_SHOPS = f"""
    INSERT INTO rules_fact
    SELECT %(key)s, s.id, count(*)
    FROM shops_penalty p
    JOIN shops_violation v ON v.id = p.violation_id
    LEFT JOIN shops_historicalviolation imposed ON imposed.history_id = p.violation_version
    JOIN shops_shop offender ON offender.id = p.shop_id
    JOIN shops_shop s ON s.controller_id = offender.controller_id AND s.id <> offender.id
    WHERE ({{cases}}) AND {OF_SHOPS.format(shop="s.id")}
    GROUP BY s.id
"""
# DF-C2: the newest paper of each brand. One that fails decides, else one that is pending.
BRAND_PAPERS = f"""
    INSERT INTO rules_fact
    SELECT 'brand_papers', shop_id,
           CASE WHEN bool_or(verdict = 'rejected' OR valid_until < %(day)s) THEN 0
                WHEN bool_or(verdict = 'pending') THEN NULL
                ELSE 1 END
    FROM (
        SELECT DISTINCT ON (shop_id, brand) shop_id, verdict, valid_until
        FROM shops_qualification
        WHERE kind = 'brand' AND {OF_SHOPS.format(shop="shop_id")}
        ORDER BY shop_id, brand, received_at DESC, valid_until DESC NULLS FIRST, id DESC
    ) newest
    GROUP BY shop_id
"""
# Of openings that ended before the day; one that the shop ended itself is no clearance, and one that was
# taken back never was.
SINCE_CLEARANCE = f"""
    INSERT INTO rules_fact
    SELECT 'days_since_clearance', e.shop_id, %(day)s - max(o.closed_on)
    FROM shops_opening o JOIN shops_enrollment e ON e.id = o.enrollment_id
    LEFT JOIN (
        SELECT m.opening_id FROM shops_measure m WHERE m.kind = 'clear'
        GROUP BY m.opening_id HAVING bool_and(m.undone_at IS NOT NULL)
    ) w ON w.opening_id = o.id
    WHERE e.alliance_id = %(alliance)s AND o.closed AND o.cause <> 'voluntary' AND o.closed_on <= %(day)s
      AND w.opening_id IS NULL
      AND {OF_SHOPS.format(shop="e.shop_id")}
    GROUP BY e.shop_id
"""
# WS-O2. A product whose sales nobody knows adds nothing; a shop of which none are known has no value.
OBSERVED_SALES = """
    INSERT INTO rules_fact
    SELECT 'observed_sales', shop, sum(sales) FROM ({products}) observed GROUP BY shop
"""
# Shops that a measure suspends or closes at the end of the day, or that have closed by themselves. What is
# stayed suspends and closes nobody.
STANDING = f"""
    INSERT INTO rules_fact
    SELECT 'standing', shop_id, max(value)
    FROM (
        SELECT p.shop_id, %(suspended)s::numeric AS value
        FROM shops_measure m JOIN shops_penalty p ON p.id = m.penalty_id
        WHERE m.kind = 'suspend' AND {standing.IN_FORCE.format(at="%(last)s")}
        UNION ALL
        SELECT shop_id, %(closed)s::numeric FROM ({standing.CLOSED.format(at="%(last)s")}) closed
    ) told
    WHERE {OF_SHOPS.format(shop="shop_id")}
    GROUP BY shop_id
"""
# Points standing at the end of the day, where they count: in the alliance, or (NULL) on the platform (R16).
_COUNTED_THERE = f"m.alliance_id IS NOT DISTINCT FROM %(where)s AND {_OF_PENALISED}"
STANDING_POINTS = f"""
    INSERT INTO rules_fact
    SELECT %(key)s, shop_id, total
    FROM ({points.STANDING.format(at="%(last)s", which=_COUNTED_THERE)}) stands
"""


def prepare(
    day: date,
    alliance: Alliance,
    *,
    keys: Set[str],
    marks: Mapping[str, QuerySet],
    shops: Collection[int] | None = None,
) -> None:
    """Fill the transaction's own table `rules_fact` with what the desk's record says of shops on `day`, of
    all or of those with the keys `shops`.

    `keys`: which facts are asked for; the others are not worked out. `marks` are facts without a value: each
    queryset yields the ids of the shops that its key marks.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("derived facts live no longer than a transaction")
    end = midnight(day + timedelta(days=1))
    values: dict[str, Any] = {
        "day": day,
        "end": end,
        # The day's last moment, as PostgreSQL keeps them.
        "last": end - timedelta(microseconds=1),
        "alliance": alliance.pk,
        "shops": None if shops is None else sorted(shops),
        "penalised": list(Penalty.PENALISED),
    }
    penalties = {key: asked for key in sorted(keys) if (asked := penalties_asked(key))}
    with sql.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute("DROP TABLE IF EXISTS pg_temp.rules_fact")
        cursor.execute(
            "CREATE TEMP TABLE rules_fact (key text NOT NULL, shop_id bigint NOT NULL, value numeric)"
            " ON COMMIT DROP"
        )
        # Of what has just come in the planner may know nothing, and go through all shops once for each.
        with over_everybody() if shops is None else nullcontext():
            if penalties:
                counted = {
                    "keys": list(penalties),
                    "violations": [violation for violation, _days in penalties.values()],
                    "since": [midnight(window(day, days).first) for _code, days in penalties.values()],
                }
                cursor.execute(PENALTIES, values | counted)
            for key, flags in CONTROLLER_CASES.items():
                if key in keys:
                    cases = " OR ".join(
                        f"coalesce(imposed.{flag}, v.{flag}) AND {_COUNTED[flag]}" for flag in flags
                    )
                    cursor.execute(OF_OTHER_SHOPS.format(cases=cases), values | {"key": key})
            if "standing" in keys:
                cursor.execute(STANDING, values | {"suspended": SUSPENDED, "closed": CLOSED})
            for key, where in (("standing_points", alliance.pk), ("platform_points", None)):
                if key in keys:
                    cursor.execute(STANDING_POINTS, values | {"key": key, "where": where})
            if "brand_papers" in keys:
                cursor.execute(BRAND_PAPERS, values)
            if "days_since_clearance" in keys:
                cursor.execute(SINCE_CLEARANCE, values)
            if "observed_sales" in keys:
                observed = listings.observed_sales(alliance, day)
                if shops is not None:
                    observed = observed.filter(product__shop__in=values["shops"])
                query, params = observed.query.sql_with_params()
                cursor.execute(OBSERVED_SALES.format(products=query), params)
            for key, marked in marks.items():
                query, params = marked.query.sql_with_params()
                cursor.execute(
                    f"INSERT INTO rules_fact SELECT %s, id FROM ({query}) marked (id)"
                    " WHERE (%s::bigint[] IS NULL OR id = ANY (%s::bigint[])) GROUP BY id",
                    [key, *params, values["shops"], values["shops"]],
                )
        # Last: one by one the entries of an index cost more.
        cursor.execute("ALTER TABLE rules_fact ADD PRIMARY KEY (key, shop_id)")
        cursor.execute("ANALYZE rules_fact")
