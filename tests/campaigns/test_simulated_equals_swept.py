"""What a simulation of a draft says of every shop, and what a check by the same draft, published, does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import StringIO
from typing import Any

import psycopg
from django.core.management import call_command
from django.db import connection, transaction

from rules.checking import check
from rules.models import Proposal, RuleSet, SimulatedChange
from shops.models import Alliance, Shop
from tests.bench.crowd import DAY, crowd
from tests.campaigns import SHARE, Tally, finished
from tests.conftest import CommittedDatabase
from tests.factories import DOUYIN, WECHAT, make_batch, make_published

SHOPS = round(1_000_000 * SHARE)
# Alliance, purpose, a rule and what it says in the draft: somebody goes out, comes in, stays in or is warned.
DRAFTS = [
    (DOUYIN, "clearance", "DF-C1", "<", "3.55"),
    (DOUYIN, "admission", "DF-A6", "≥", "0.73"),
    (WECHAT, "clearance", "WS-C1", "<", "4.1"),
    (WECHAT, "admission", "WS-A3", "≥", "4.3"),
]
Shops = dict[int, list[str]]


@dataclass
class Checked:
    """What a check of everybody comes to: by kind, whom it proposes and by which rules."""

    answer: dict[str, Any]
    proposed: dict[str, Shops]


def answer(*command: str) -> Any:
    out = StringIO()
    call_command(*command, "--day", str(DAY), "--json", stdout=out)
    return json.loads(out.getvalue())


def checked(alliance: str) -> Checked:
    """As if for the first time: what it filed is taken back."""
    with transaction.atomic():
        told = answer("sweep", "--alliance", alliance)
        found: dict[str, Shops] = {"clear": {}, "warn": {}, "admit": {}}
        rows = Proposal.objects.filter(sweep=told["sweep"]).values_list("kind", "shop_id", "failed_rules")
        for kind, shop, rules in rows.iterator():
            found[kind][shop] = rules
        transaction.set_rollback(True)
    return Checked(told, found)


def drafted(alliance: str, purpose: str, code: str, operator: str, value: str) -> RuleSet:
    first = RuleSet.objects.get(alliance__code=alliance, purpose=purpose, version=1)
    draft = RuleSet.objects.create(alliance=first.alliance, purpose=purpose, version=2, based_on=first)
    for rule in first.rules.all():
        rule.pk, rule.rule_set = None, draft
        if rule.code == code:
            rule.operator, rule.value = operator, value
        rule.save()
    return draft


def simulated(told: dict[str, Any]) -> dict[int, tuple[str, list[str]]]:
    """Shop → the change that a simulation tells, with its rules."""
    rows = SimulatedChange.objects.filter(simulation=told["simulation"])
    return {shop: (change, rules) for shop, change, rules in rows.values_list("shop_id", "change", "rules")}


def change_of(shop: int, before: Checked, after: Checked) -> tuple[str, list[str]] | None:
    """What the two checks did differently with a shop, in the words of a simulation, and by which rules."""
    was, now = before.proposed, after.proposed
    if (shop in was["clear"]) != (shop in now["clear"]):
        out = shop in now["clear"]
        return ("newly_out", now["clear"][shop]) if out else ("rescued", was["clear"][shop])
    if (shop in was["admit"]) != (shop in now["admit"]):
        return ("newly_in", []) if shop in now["admit"] else ("kept_out", [])
    if shop in now["warn"] and shop not in was["warn"] and shop not in was["clear"]:
        return "warned", now["warn"][shop]
    return None


def problem_of(
    shop: int, said: tuple[str, list[str]] | None, done: tuple[str, list[str]] | None
) -> str | None:
    if said is None or done is None:
        return None if said == done else f"shop {shop}: simulated {said}, checked {done}"
    # A proposal to admit names no rule: none fails.
    same = said[0] == done[0] and (said[1] == done[1] or done[0] in ("newly_in", "kept_out"))
    return None if same else f"shop {shop}: simulated {said}, checked {done}"


def unjudged(shop: int, alliance: str, purpose: str) -> bool:
    """Whether rules say nothing against the shop, and one of them has nothing to go by."""
    told = check(Shop.objects.get(pk=shop), Alliance.objects.get(code=alliance), DAY).rules[purpose]
    outcomes = {rule["outcome"] for rule in told if not rule["advisory"]}
    return "no_data" in outcomes and "fails" not in outcomes


def compare(tally: Tally, *draft: str) -> None:
    with transaction.atomic():
        second, before = drafted(*draft), checked(draft[0])
        told = answer("simulate", str(second.pk))
        second.in_force_from = DAY
        make_published(second)
        after = checked(draft[0])
        said = simulated(told)
        # Of whom it can't judge a check files nothing: asked alone, such a shop has to say the same.
        without = {shop for shop, (change, _rules) in said.items() if change == "no_data"}
        for shop in without:
            problem = None if unjudged(shop, *draft[:2]) else f"shop {shop}: simulated without data, judged"
            tally.count(problem, "without data by the draft")
        transaction.set_rollback(True)
    shops = {shop for check in (before, after) for shops in check.proposed.values() for shop in shops}
    for shop in shops | said.keys():
        done = change_of(shop, before, after)
        told_of = None if shop in without else said.get(shop)
        tally.count(problem_of(shop, told_of, done), done[0] if done else "the same by both versions")
    for side, found in (("now", before), ("draft", after)):
        counted = {kind: len(shops) for kind, shops in found.proposed.items()}
        counted["no_data"] = found.answer["no_data"]
        problem = None if told[side] == counted else f"{draft}: simulated {told[side]}, checked {counted}"
        tally.count(problem, "all counts of a version")
    assert told["checked"] == after.answer["checked"]


def test_whatever_the_draft_a_check_does_what_its_simulation_said(committed_db: CommittedDatabase) -> None:
    # So many change here that a brake would hold the checks.
    Alliance.objects.update(most_cleared=None, largest_jump=None)
    owner = psycopg.connect(committed_db.env["DATABASE_OWNER_URL"], autocommit=True)
    with owner, connection.cursor() as cursor:
        for statement in crowd(SHOPS, batch=make_batch().pk):
            cursor.execute(statement)
            # As autovacuum does it in the course of days: only the tables' owner may.
            owner.execute("ANALYZE")
    tally = Tally("simulated-equals-swept", SHOPS)
    for draft in DRAFTS:
        compare(tally, *draft)
    finished.append(tally)
    assert tally.failed == 0
    told = ("newly_out", "rescued", "newly_in", "kept_out", "warned", "the same by both versions")
    assert all(tally.seen[outcome] for outcome in told), tally.seen
