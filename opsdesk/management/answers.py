"""How commands answer: a short summary, or with --json exactly one JSON value on standard output."""

from __future__ import annotations

import json
import sys
from abc import ABC, abstractmethod
from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError

from shops.calendar import NAMEABLE
from shops.errors import Refused
from shops.models import Alliance, Shop


def a_day(text: str) -> date:
    """An option's YYYY-MM-DD. An error here is argparse's "bad usage", exit status 2."""
    day = date.fromisoformat(text)
    if not NAMEABLE.holds(day):
        raise ArgumentTypeError(f"name a day from {NAMEABLE.first} to {NAMEABLE.last}")
    return day


class AnsweringCommand(BaseCommand, ABC):
    """A command whose `answer()` returns the JSON value and the summary; Refused becomes exit status 1."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON value and nothing else.")

    @abstractmethod
    def answer(self, **options: Any) -> tuple[Any, str]: ...

    def status(self, value: Any) -> int:
        """The exit status that goes with a JSON value."""
        return 0

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            value, summary = self.answer(**options)
        except Refused as refusal:
            if options["json"]:
                self.stdout.write(json.dumps({"refused": str(refusal)}, ensure_ascii=False))
            raise CommandError(str(refusal), returncode=1) from refusal
        self.stdout.write(json.dumps(value, ensure_ascii=False) if options["json"] else summary)
        if status := self.status(value):
            sys.exit(status)


def bad_usage(message: str) -> NoReturn:
    """End with exit status 2."""
    raise CommandError(message, returncode=2)


def the_alliance(code: str) -> Alliance:
    """The alliance named on the command line; bad usage where there is none."""
    alliance = Alliance.objects.filter(code=code).first()
    if alliance is None:
        known = ", ".join(Alliance.objects.values_list("code", flat=True))
        bad_usage(f"There is no alliance {code!r}; known are {known}.")
    return alliance


def the_shop(code: str) -> Shop:
    """The shop named on the command line; bad usage where there is none."""
    shop = Shop.objects.filter(code=code).first()
    if shop is None:
        bad_usage(f"There is no shop {code!r}.")
    return shop
