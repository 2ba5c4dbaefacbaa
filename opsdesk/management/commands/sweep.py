from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils.timezone import now

from opsdesk import jobs, review
from opsdesk.management.answers import AnsweringCommand, a_day, the_alliance
from rules import replay, sweeps
from rules.brakes import Brake
from rules.models import Sweep
from shops.errors import Refused

RULE_SETS = ("admission", "clearance", "warning", "product_admission", "product_clearance", "observation")


class Command(AnsweringCommand):
    help = "The daily check of one alliance, here and now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--alliance", metavar="CODE")
        which.add_argument(
            "--replay",
            type=int,
            metavar="SWEEP",
            help="Evaluate what this check kept again, by the versions it went by, and say what differs.",
        )
        parser.add_argument("--day", type=a_day, metavar="YYYY-MM-DD", help="Default: the newest day.")
        parser.add_argument("--enqueue", action="store_true", help="Leave it to a worker.")
        parser.add_argument(
            "--release",
            metavar="REASON",
            help="File even where a brake trips; the reason goes on record. Without a brake: no difference.",
        )

    def answer(self, **options: Any) -> tuple[Any, str]:
        if options["replay"] is not None:
            return replayed(options["replay"])
        sweep = sweeps.request(
            alliance=the_alliance(options["alliance"]),
            by=None,
            at=now(),
            day=options["day"],
            release=options["release"] or "",
        )
        if options["enqueue"]:
            jobs.ask_for(sweep)
        else:
            sweep = carried_out(sweep)
            review.accept_automatic(sweep.pk, at=now())
        return as_json(sweep), summary(sweep)

    def status(self, value: Any) -> int:
        if "identical" in value:
            return 0 if value["identical"] else 1
        return 1 if value["status"] in (Sweep.Status.HELD, Sweep.Status.FAILED) else 0


def carried_out(sweep: Sweep) -> Sweep:
    """Run the check, once no other of the alliance runs. A worker that was faster has done it for us."""
    while True:
        try:
            return sweeps.run(sweep.pk, at=now())
        except Refused:
            sweep.refresh_from_db()
            if sweep.status == Sweep.Status.FAILED:
                raise
            time.sleep(0.2)


def as_json(sweep: Sweep) -> dict[str, Any]:
    return {
        "sweep": sweep.pk,
        "alliance": sweep.alliance.code,
        "day": sweep.day.isoformat(),
        "status": str(sweep.status),
        "checked": sweep.checked,
        "failing": sweep.failing,
        "no_data": sweep.no_data,
        "filed": sweep.filed,
        "withdrawn": sweep.withdrawn,
        "already_open": sweep.already_open,
        "by_kind": sweep.by_kind,
        "seconds": None if sweep.seconds is None else f"{sweep.seconds:.3f}",
    }


def summary(sweep: Sweep) -> str:
    told = (
        f"{sweep.alliance.code} {sweep.day}: {sweep.status}; {sweep.checked} checked, "
        f"{sweep.failing} failing, {sweep.no_data} without data, "
        f"{sweep.filed} filed, {sweep.withdrawn} withdrawn, "
        f"{sweep.already_open} already open"
    )
    shadow = "".join(f"\n  in shadow mode only: {count} {kind}" for kind, count in sweep.in_shadow.items())
    why = "".join(f"\n  {Brake.of_record(record).message}" for record in sweep.brakes)
    ruling = f"\n  released: {sweep.ruling}" if sweep.ruling else ""
    return told + shadow + why + ruling


def replayed(sweep_id: int) -> tuple[Any, str]:
    sweep = Sweep.objects.select_related("alliance", *RULE_SETS).filter(pk=sweep_id).first()
    if sweep is None:
        raise CommandError(f"There is no check {sweep_id}.", returncode=2)
    answer = replay.replay(sweep)
    value = {
        "sweep": sweep.pk,
        "alliance": sweep.alliance.code,
        "day": sweep.day.isoformat(),
        "compared": answer.compared,
        "identical": answer.identical,
        "differing": answer.differing,
        "differences": answer.differences,
    }
    found = "identical" if answer.identical else f"{answer.differing} differ"
    lines = [f"check {sweep.pk}, {sweep.alliance.code} {sweep.day}: {answer.compared} compared, {found}"]
    for told in answer.differences:
        who = f"{told['shop']}, product {told['product']}" if told["product"] else told["shop"]
        lines.append(f"  {who}: then {told['then']}, now {told['now']}")
    return value, "\n".join(lines)
