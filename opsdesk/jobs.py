"""What workers run: each loads by id, calls one verb, and is safe to run twice."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.timezone import localdate, now
from django_rq import get_queue
from shops.jobs import process_import

from rules import sweeps
from rules.models import Sweep
from shops.imports import unfinished
from shops.models import Alliance


def check(sweep_id: int) -> None:
    """Carry a requested daily check out."""
    sweeps.run(sweep_id, at=now())


def ask_for(sweep: Sweep) -> None:
    """Queue a check once its row is committed. Lost with the queue, it is queued again by `reconcile`."""
    transaction.on_commit(lambda: get_queue("default").enqueue(check, sweep.pk), robust=True)


def daily_check(at: datetime | None = None) -> None:
    """Ask for the check of each alliance whose newest day has not been checked yet."""
    moment = at or now()
    day = sweeps.newest_day(localdate(moment))
    if day is None:
        return
    for alliance in Alliance.objects.all():
        if not sweeps.is_checked(alliance, day):
            ask_for(sweeps.request(alliance=alliance, by=None, at=moment, day=day))


def reconcile() -> None:
    """Queue again what waits in the database and has no worker: queue or worker may have been lost."""
    for sweep in sweeps.abandoned():
        ask_for(sweep)
    for batch_id in unfinished():
        get_queue("default").enqueue(process_import, batch_id)
