from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from opsdesk import timetable


class Command(BaseCommand):
    help = "Puts into the queue what is due by opsdesk/cron.py. A second one waits until the first has ended."

    def handle(self, *args: Any, **options: Any) -> None:
        timetable.keep("opsdesk.cron")
