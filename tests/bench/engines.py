"""The same conditions asked by rule engines of Python: `python -m tests.bench.engines DAY SHOPS`.

What they read lies ready in a dict for each shop; reading it from the database, which they need and we don't,
is not counted. Prints how many microseconds each of them takes for a shop, with all rules of both alliances,
and for how many shops it names other rules than we do.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import rule_engine
import zen
from django.db import transaction
from django.db.models import Q

# This sets Django up.
from tests.bench.evaluated import evaluations, every_failure

# Each rule as it fails, with what is missing never failing. Both engines read the same words.
FAILS = {
    "DF-A1": 'shop_status == "preparing"',
    "DF-A2": 'shop_status != "normal"',
    "DF-A3": "account_ok == false",
    "DF-A4": "gmv_30d != null and gmv_30d <= 0",
    "DF-A5": "shop_score != null and shop_score <= 4.1",
    "DF-A6": "positive_rate != null and positive_rate <= 0.75",
    "DF-A7": 'goods_kind != "virtual" and warehouse_passed == false',
    "DF-A8": 'goods_kind != "virtual" and alliance_and_erp_connected == false',
    "DF-A9": "circumvention_penalties_365d != 0",
    "DF-A10": "controller_serious_cases != 0",
    "DF-A12": "openings_left <= 0",
    "DF-C1": "experience_score != null and experience_score < 3.5",
    "DF-C2": "brand_papers_ok == false",
    "WS-A1": 'shop_status != "normal"',
    "WS-A2": "freight_insurance == false",
    "WS-A3": "shop_score != null and shop_score < 4.2",
    "WS-C1": "shop_score != null and shop_score < 4.2",
}
Facts = dict[str, Any]


def read(day: date, count: int) -> tuple[list[Facts], list[list[str]]]:
    """What the rules read of the first shops, and which of them fail by our own evaluation."""
    facts: dict[int, Facts] = {}
    ours: dict[int, list[str]] = {}
    for evaluation in evaluations(day):
        with transaction.atomic():
            evaluation.prepare()
            few = Q(pk__lte=count)
            names = {metric.alias: f"v_{metric.alias}" for c in evaluation.criteria for metric in c.metrics}
            for row in evaluation.shops().filter(few).values("id", "goods_kind", *names.values()):
                read_of = {name: plain(row[column]) for name, column in names.items()}
                facts.setdefault(row["id"], {}).update(read_of, goods_kind=row["goods_kind"])
            for row in every_failure(evaluation).filter(few):
                ours.setdefault(row["id"], []).extend(row["failed"])
    return [facts[pk] for pk in sorted(facts)], [ours.get(pk, []) for pk in sorted(facts)]


def plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def by_rule_engine() -> Callable[[Facts], list[str]]:
    rules = [(code, rule_engine.Rule(words)) for code, words in FAILS.items()]
    return lambda shop: [code for code, rule in rules if rule.matches(shop)]


def by_zen() -> Callable[[Facts], list[str]]:
    """A decision of one node, compiled beforehand: its quickest way that is one call a shop."""
    rules = [{"id": code, "key": code, "value": words} for code, words in FAILS.items()]
    nodes = [
        {"id": "in", "name": "in", "type": "inputNode"},
        {"id": "rules", "name": "rules", "type": "expressionNode", "content": {"expressions": rules}},
        {"id": "out", "name": "out", "type": "outputNode"},
    ]
    edges = [
        {"id": "1", "type": "edge", "sourceId": "in", "targetId": "rules"},
        {"id": "2", "type": "edge", "sourceId": "rules", "targetId": "out"},
    ]
    engine = zen.ZenEngine(
        {"loader": {"type": "static", "content": {"rules": {"nodes": nodes, "edges": edges}}}}
    )

    def ask(shop: Facts) -> list[str]:
        found = engine.evaluate("rules", shop)["result"]
        return [code for code in FAILS if found[code]]

    return ask


def main() -> None:
    shops, ours = read(date.fromisoformat(sys.argv[1]), int(sys.argv[2]))
    told: dict[str, Any] = {"shops": len(shops)}
    for name, engine in {"rule-engine": by_rule_engine(), "zen-engine": by_zen()}.items():
        began = time.perf_counter()
        found = [engine(shop) for shop in shops]
        seconds = time.perf_counter() - began
        differing = sum(theirs != our for theirs, our in zip(found, ours, strict=True))
        told[name] = {"µs": seconds / len(shops) * 1e6, "differing": differing}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
