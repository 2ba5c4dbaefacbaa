from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from opsdesk.management.answers import AnsweringCommand, a_day, the_alliance, the_shop
from rules import sweeps
from rules.checking import Check, check
from rules.models import RuleSet
from shops.errors import Refused

Purpose = RuleSet.Purpose
# What is told of a rule, in this order.
TOLD = ("code", "metric", "observed", "operator", "threshold", "outcome", "margin", "advisory")


class Command(AnsweringCommand):
    help = "Every rule of admission and clearance for one shop."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("shop", metavar="CODE")
        parser.add_argument("--alliance", required=True, metavar="CODE")
        parser.add_argument("--day", type=a_day, metavar="YYYY-MM-DD", help="Default: the newest day.")

    def answer(self, **options: Any) -> tuple[Any, str]:
        shop, alliance = the_shop(options["shop"]), the_alliance(options["alliance"])
        day = options["day"] or sweeps.newest_day(localdate())
        if day is None:
            raise Refused(_("No metrics have been imported yet: there is no day to check."))
        answer = check(shop, alliance, day)
        return as_json(answer), summary(answer)


def as_json(answer: Check) -> dict[str, Any]:
    def part(purpose: str, holds: bool) -> dict[str, Any]:
        rules = [{key: rule[key] for key in TOLD} for rule in answer.rules[purpose]]
        rule_set = answer.rule_set(purpose)
        return {"version": rule_set and rule_set.version, "holds": holds, "rules": rules}

    return {
        "shop": answer.shop.code,
        "alliance": answer.evaluation.alliance.code,
        "day": answer.evaluation.day.isoformat(),
        "enrollment": answer.state or None,
        "admission": part(Purpose.ADMISSION, answer.admission_holds),
        "clearance": part(Purpose.CLEARANCE, answer.clearance_holds),
    }


def summary(answer: Check) -> str:
    lines = [f"{answer.shop.code} {answer.evaluation.alliance.code} {answer.evaluation.day}"]
    for purpose, rules in answer.rules.items():
        rule_set = answer.rule_set(purpose)
        lines.append(f"{purpose} v{rule_set.version}" if rule_set else purpose)
        lines += ["  {code:8} {outcome:8} {observed} {operator} {threshold}".format(**rule) for rule in rules]
    return "\n".join(lines)
