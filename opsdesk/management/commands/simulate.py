from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.utils.timezone import now

from opsdesk.management.answers import AnsweringCommand, a_day, bad_usage
from rules import jobs, simulation
from rules.models import RuleSet, Simulation


class Command(AnsweringCommand):
    help = "What a rule set would do to everyone, beside the version in force."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "rule_set",
            metavar="RULESET",
            help=(
                "Its number, ALLIANCE/PURPOSE/VERSION, or ALLIANCE/PURPOSE for the newest version;"
                " of products ALLIANCE/product/PURPOSE with or without a version."
            ),
        )
        parser.add_argument("--day", type=a_day, metavar="YYYY-MM-DD", help="Default: the newest day.")
        parser.add_argument(
            "--days-back", type=int, default=0, metavar="N", help="Look at N earlier days as well."
        )
        parser.add_argument("--enqueue", action="store_true", help="Leave it to a worker.")

    def answer(self, **options: Any) -> tuple[Any, str]:
        asked = simulation.request(
            the_rule_set(options["rule_set"]),
            by=None,
            at=now(),
            day=options["day"],
            days_back=options["days_back"],
        )
        if options["enqueue"]:
            jobs.ask_for(asked)
        else:
            asked = simulation.run(asked.pk, at=now())
        return as_json(asked), summary(asked)

    def status(self, value: Any) -> int:
        return 1 if value["status"] == Simulation.Status.FAILED else 0


def the_rule_set(name: str) -> RuleSet:
    """The rule set named on the command line; bad usage where there is none."""
    sets = RuleSet.objects.order_by("-version")
    if name.isdecimal():
        found = sets.filter(pk=int(name)).first()
        if found is None:
            bad_usage(f"There is no rule set {name!r}.")
        return found
    alliance, _slash, rest = name.partition("/")
    of_products = rest.startswith("product/")
    rest = rest.removeprefix("product/")
    sets = sets.filter(subject=RuleSet.Subject.PRODUCT if of_products else RuleSet.Subject.SHOP)
    purpose, _slash, version = rest.partition("/")
    if version:
        number = version.removeprefix("v")
        sets = sets.filter(version=int(number)) if number.isdecimal() else sets.none()
        found = sets.filter(alliance__code=alliance, purpose=purpose).first()
    else:
        found = sets.filter(alliance__code=alliance, purpose=purpose).first()
    if found is None:
        bad_usage(f"There is no rule set {name!r}.")
    return found


def as_json(simulation: Simulation) -> dict[str, Any]:
    return {
        "simulation": simulation.pk,
        "rule_set": simulation.rule_set_id,
        "against": simulation.against_id,
        "alliance": simulation.rule_set.alliance.code,
        "subject": simulation.rule_set.subject,
        "purpose": simulation.rule_set.purpose,
        "version": simulation.rule_set.version,
        "day": simulation.day.isoformat(),
        "status": str(simulation.status),
        "failure": simulation.failure,
        "digest": simulation.digest,
        "checked": simulation.checked,
        **simulation.result,
        "seconds": None if simulation.seconds is None else f"{simulation.seconds:.3f}",
    }


def summary(simulation: Simulation) -> str:
    changes = ", ".join(
        f"{count} {total['change'].replace('_', ' ')}"
        for total in simulation.result.get("totals", ())
        if (count := total.get("shops", total.get("products")))
    )
    return (
        f"{simulation.rule_set.alliance.code} {simulation.rule_set.purpose} v{simulation.rule_set.version}"
        f" on {simulation.day}: {simulation.status}; {simulation.checked} checked; {changes or 'no change'}"
        + (f"; {simulation.failure}" if simulation.failure else "")
    )
