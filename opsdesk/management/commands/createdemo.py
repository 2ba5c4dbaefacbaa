"""Demonstration data: the same every time for the same arguments."""

from __future__ import annotations

import argparse
import json
from datetime import date, timedelta
from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from opsdesk.demo import creation
from opsdesk.models import Decision
from rules.models import Proposal
from shops.errors import Refused
from shops.models import Shop, ShopMetrics


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("expected a number that is not negative")
    return number


def _days(text: str) -> int:
    if (number := _count(text)) < 1:
        raise argparse.ArgumentTypeError("expected at least one day")
    return number


class Command(BaseCommand):
    help = "Fills an empty development database with made-up shops, their metrics and a few decisions."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--shops", type=_count, default=2000, help="how many shops (default: 2000)")
        parser.add_argument("--products", type=_count, default=0, help="how many products (default: none)")
        parser.add_argument("--days", type=_days, default=40, help="how many days of metrics (default: 40)")
        parser.add_argument(
            "--day",
            type=date.fromisoformat,
            help="the last day of metrics, already over (default: yesterday in Asia/Shanghai)",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON value")

    def handle(self, *args: Any, **options: Any) -> None:
        began = perf_counter()
        today = timezone.localdate()
        last_day = options["day"] or today - timedelta(days=1)
        if last_day >= today:
            raise CommandError("--day must be over: its metrics come in after midnight.", returncode=2)
        try:
            creation.create(
                shops=options["shops"], products=options["products"], days=options["days"], last_day=last_day
            )
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        loaded = {
            "shops": Shop.objects.count(),
            "metrics": ShopMetrics.objects.count(),
            "last_day": str(last_day),
            "open_proposals": Proposal.objects.filter(status=Proposal.Status.OPEN).count(),
            "decisions": Decision.objects.count(),
            "seconds": f"{perf_counter() - began:.1f}",
        }
        if options["json"]:
            self.stdout.write(json.dumps(loaded))
        else:
            self.stdout.write(
                "{shops} shops, {metrics} rows of metrics until {last_day}, {open_proposals} open proposals,"
                " {decisions} decisions, {seconds} s".format(**loaded)
            )
