"""Demonstration data: the same every time for the same arguments."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from time import perf_counter
from typing import Any

from django.utils import timezone

from opsdesk.demo import creation
from opsdesk.management.answers import AnsweringCommand, a_day, bad_usage
from opsdesk.models import Decision
from rules.models import Proposal
from shops.models import Product, ProductMetrics, Shop, ShopMetrics


def _count(text: str) -> int:
    if (number := int(text)) < 0:
        raise ArgumentTypeError("expected a number that is not negative")
    return number


def _days(text: str) -> int:
    if (number := int(text)) < 1:
        raise ArgumentTypeError("expected at least one day")
    return number


class Command(AnsweringCommand):
    help = "Fills an empty development database with made-up shops, products, metrics and a few decisions."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--shops", type=_count, default=2000, metavar="N", help="Default: 2000.")
        parser.add_argument("--products", type=_count, default=2000, metavar="N", help="Default: 2000.")
        parser.add_argument("--days", type=_days, default=40, metavar="N", help="Of metrics. Default: 40.")
        parser.add_argument(
            "--day",
            type=a_day,
            metavar="LAST_DAY",
            help="The last day of metrics, one that is over. Default: yesterday in Asia/Shanghai.",
        )

    def answer(self, **options: Any) -> tuple[Any, str]:
        began = perf_counter()
        yesterday = timezone.localdate() - timedelta(days=1)
        last_day = options["day"] or yesterday
        if last_day > yesterday:
            bad_usage(f"{last_day} is not over: its metrics come in after midnight.")
        creation.create(
            shops=options["shops"], products=options["products"], days=options["days"], last_day=last_day
        )
        value = {
            "shops": Shop.objects.count(),
            "metrics": ShopMetrics.objects.count(),
            "products": Product.objects.count(),
            "product_metrics": ProductMetrics.objects.count(),
            "last_day": last_day.isoformat(),
            "open_proposals": Proposal.objects.filter(status=Proposal.Status.OPEN).count(),
            "decisions": Decision.objects.count(),
            "seconds": f"{perf_counter() - began:.3f}",
        }
        summary = (
            "{shops} shops, {metrics} rows of metrics until {last_day}, {products} products with"
            " {product_metrics} rows, {open_proposals} open proposals, {decisions} decisions, {seconds} s"
        )
        return value, summary.format(**value)
