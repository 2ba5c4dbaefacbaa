from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from opsdesk import leftovers
from opsdesk.management.verification import VerifyCommand


class Command(VerifyCommand):
    help = (
        "Every file that supports an appeal is in the store as it came, and what is shown of it as it was "
        "drawn; reads all of them. "
        "Names besides what killed processes have left in the store, which breaks nothing."
    )
    facts = ("evidence",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--sweep",
            action="store_true",
            help="Take away what no evidence names and nobody has touched for a day. Not while the database "
            "is older than the store: after a restore, what came since the backup is named by nothing.",
        )

    def answer(self, **options: Any) -> tuple[Any, str]:
        value, summary = super().answer(**options)
        away = leftovers.sweep(at=timezone.now()) if options["sweep"] else ()
        removed = [name for found in away for name in found.files]
        left = [name for found in leftovers.left_over() for name in found.files]
        told = [*(f"left over: {name}" for name in left), *(f"taken away: {name}" for name in removed)]
        return {**value, "left_over": left, "taken_away": removed}, "\n".join([summary, *told])
