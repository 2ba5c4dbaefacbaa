"""The statements of a simulation of rules on products: both versions' verdicts side by side.

In the transaction's own table `simulated_products`, with a line for each product and side ("now", "draft")
whose verdict is worth a word.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Case, CharField, F, Q, Value, When

from rules.judging import acts, blocking, lack_data
from rules.models import Proposal, SimulatedChange
from rules.products import ProductEvaluation, State
from rules.sql import TextArray, gather
from shops import sql

Change, Kind = SimulatedChange.Change, Proposal.Kind
STOP, OBSERVE, ADMIT, RESUME, NO_DATA, HOLDS = "stop", "observe", "admit", "resume", "no_data", "holds"
AGAINST, FOR = f"('{STOP}', '{OBSERVE}')", f"('{ADMIT}', '{RESUME}')"


def begin() -> None:
    """Make room. Once per transaction."""
    sql.for_many_rows(0, any_number=True)
    sql.execute("DROP TABLE IF EXISTS pg_temp.simulated_products")
    sql.execute(
        "CREATE TEMP TABLE simulated_products"
        " (side text, id bigint, shop bigint, verdict text, failed text[], sales numeric) ON COMMIT DROP"
    )


def judge(side: str, products: ProductEvaluation) -> None:
    """What one version does to every product on its day, and one only tried out does nothing. Those that
    simply hold are not worth a line.
    """
    products.prepare()
    verdict = Case(
        *(When(condition, then=Value(kind.value)) for kind, condition in _filed(products).items()),
        *(
            When(Q(standing=standing) & lack_data(products.judging(standing)), then=Value(NO_DATA))
            for standing in State.values
        ),
        default=Value(HOLDS),
        output_field=CharField(),
    )
    judged = products.checked().annotate(verdict=verdict)
    gather(
        "simulated_part",
        judged.values(
            "product_id",
            "verdict",
            shop=F("product__shop_id"),
            failed=_failed(products),
            sales=F("m__sales_amount"),
        ),
    )
    sql.execute(
        "INSERT INTO simulated_products (side, id, shop, verdict, failed, sales)"
        " SELECT %s, product_id, shop, verdict, failed, sales FROM simulated_part"
        " WHERE verdict <> %s OR failed <> '{}'",
        [side, HOLDS],
    )


def _filed(products: ProductEvaluation) -> dict[Proposal.Kind, Q]:
    """Who is due for what by versions that are not only tried out: those file nothing."""
    files = {
        Kind.STOP: acts(products.clearance),
        Kind.OBSERVE: acts(products.observation),
        Kind.ADMIT: acts(products.admission),
    }
    resuming = {State.OBSERVED: acts(products.observation), State.STOPPED: acts(products.admission)}
    resumed = Q(standing__in=[standing for standing, resumes in resuming.items() if resumes])
    return {
        kind: condition & resumed if kind == Kind.RESUME else condition
        for kind, condition in products.due().items()
        if files.get(kind, True)
    }


def _failed(products: ProductEvaluation) -> TextArray:
    """The codes of the blocking rules that fail, of those that say anything of a product where it stands."""
    return TextArray(
        [
            Case(
                When(Q(standing__in=standings) & criterion.fails(), then=Value(criterion.rule.code)),
                default=Value(None),
                output_field=CharField(),
            )
            for purpose, standings in products.CONCERNED.items()
            for criterion in blocking(products.of_purpose(purpose))
        ]
    )


def population(products: ProductEvaluation) -> tuple[int, int]:
    """How many products are promoted or under observation, and how many wait outside or are stopped."""
    inside = products.checked().filter(standing__in=[State.PROMOTED, State.OBSERVED])
    outside = products.checked().filter(standing__in=[State.APPLIED, State.STOPPED])
    return inside.count(), outside.count()


def tell_changes(simulation_id: int) -> None:
    """Keep every product for which the versions differ, with the rules that make the difference."""
    changes = {
        Change.NEWLY_STOPPED: (f"draft = '{STOP}' AND now <> '{STOP}'", "d.failed"),
        Change.NEWLY_OBSERVED: (f"draft = '{OBSERVE}' AND now <> '{OBSERVE}'", "d.failed"),
        Change.RESCUED: (f"now IN {AGAINST} AND draft NOT IN {AGAINST}", "n.failed"),
        Change.NEWLY_IN: (f"draft IN {FOR} AND now NOT IN {FOR}", "n.failed"),
        Change.KEPT_OUT: (f"now IN {FOR} AND draft NOT IN {FOR}", "d.failed"),
        Change.NO_DATA: (f"draft = '{NO_DATA}' AND now <> '{NO_DATA}'", "d.failed"),
    }
    of_change = " ".join(f"WHEN {condition} THEN '{change}'" for change, (condition, _) in changes.items())
    rules = " ".join(f"WHEN '{change}' THEN {named}" for change, (_, named) in changes.items())
    sql.execute(
        "INSERT INTO rules_simulatedchange (simulation_id, shop_id, product_id, change, rules, sales)"
        f" SELECT %s, coalesce(d.shop, n.shop), id, change, coalesce(CASE change {rules} END, '{{}}'),"
        "   coalesce(d.sales, n.sales)"
        " FROM (SELECT * FROM simulated_products WHERE side = 'draft') d"
        " FULL JOIN (SELECT * FROM simulated_products WHERE side = 'now') n USING (id)"
        f" CROSS JOIN LATERAL (SELECT coalesce(d.verdict, '{HOLDS}') AS draft,"
        f"   coalesce(n.verdict, '{HOLDS}') AS now) sides"
        f" CROSS JOIN LATERAL (SELECT CASE {of_change} END AS change) told WHERE change IS NOT NULL",
        [simulation_id],
    )
    sql.execute("ANALYZE rules_simulatedchange")


def verdicts() -> dict[str, dict[str, int]]:
    """How many products each side would stop, observe, admit, resume, and could not judge."""
    told = {side: dict.fromkeys((STOP, OBSERVE, ADMIT, RESUME, NO_DATA), 0) for side in ("now", "draft")}
    found = sql.fetch("SELECT side, verdict, count(*) FROM simulated_products GROUP BY side, verdict")
    for side, verdict, count in found:
        if verdict in told[side]:
            told[side][verdict] = count
    return told


def failing_by_rule() -> list[dict[str, Any]]:
    """Each rule that fails, with how many products on each side."""
    found = sql.fetch(
        "SELECT code, count(*) FILTER (WHERE side = 'now'), count(*) FILTER (WHERE side = 'draft') FROM"
        " (SELECT side, unnest(failed) AS code FROM simulated_products) failing GROUP BY code ORDER BY code"
    )
    return [{"code": code, "now": now, "draft": draft} for code, now, draft in found]


def totals(simulation_id: int) -> list[dict[str, Any]]:
    """Products and their sales of the day by what would change."""
    found = sql.fetch(
        "SELECT change, count(*), coalesce(sum(sales), 0) FROM rules_simulatedchange"
        " WHERE simulation_id = %s GROUP BY change",
        [simulation_id],
    )
    by_change = {change: (products, sales) for change, products, sales in found}
    return [
        {
            "change": change.value,
            "products": by_change.get(change, (0, 0))[0],
            "sales": f"{by_change.get(change, (0, 0))[1]}",
        }
        for change in SimulatedChange.OF_PRODUCTS
    ]


def breakdown(simulation_id: int) -> dict[str, list[dict[str, Any]]]:
    """The changes by rule, the product's category and shop type, the largest groups first."""
    told: dict[str, list[dict[str, Any]]] = {}
    for group, name in (
        ("rule", "unnest(c.rules)"),
        ("category", "g.category"),
        ("shop_type", "s.shop_type"),
    ):
        found = sql.fetch(
            "SELECT name, change, count(*), coalesce(sum(sales), 0) FROM ("
            f"  SELECT {name} AS name, c.change, c.sales FROM rules_simulatedchange c"
            "   JOIN shops_product g ON g.id = c.product_id JOIN shops_shop s ON s.id = c.shop_id"
            "   WHERE c.simulation_id = %s"
            ") grouped GROUP BY name, change ORDER BY count(*) DESC, name, change",
            [simulation_id],
        )
        told[group] = [
            {"name": name, "change": change, "products": products, "sales": f"{sales}"}
            for name, change, products, sales in found
        ]
    return told
