from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.utils.timezone import now

from opsdesk import jobs
from opsdesk.management.answers import AnsweringCommand, a_day, the_alliance
from rules import sweeps
from rules.models import Sweep
from shops.errors import Refused


class Command(AnsweringCommand):
    help = "The daily check of one alliance, here and now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--alliance", required=True, metavar="CODE")
        parser.add_argument("--day", type=a_day, metavar="YYYY-MM-DD", help="Default: the newest day.")
        parser.add_argument("--enqueue", action="store_true", help="Leave it to a worker.")
        parser.add_argument(
            "--release",
            metavar="REASON",
            help="File even where a brake trips; the reason goes on record. Without a brake: no difference.",
        )

    def answer(self, **options: Any) -> tuple[Any, str]:
        sweep = sweeps.request(
            alliance=the_alliance(options["alliance"]), by=None, at=now(), day=options["day"]
        )
        if options["enqueue"]:
            jobs.ask_for(sweep)
        else:
            sweep = carried_out(sweep)
        return as_json(sweep), summary(sweep)

    def status(self, value: Any) -> int:
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
    return (
        f"{sweep.alliance.code} {sweep.day}: {sweep.status}; {sweep.checked} checked, "
        f"{sweep.failing} failing, {sweep.no_data} without data, "
        f"{sweep.filed} filed, {sweep.withdrawn} withdrawn, "
        f"{sweep.already_open} already open"
    )
