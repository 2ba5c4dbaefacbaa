"""What workers run: each loads by id, calls one verb, and is safe to run twice."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.timezone import localdate, now
from django_rq import get_queue

from opsdesk import notices, penalising, review
from rules import promotions, simulation, sweeps
from rules.jobs import simulate
from rules.models import Sweep
from shops import imports, outgoing
from shops.errors import Refused
from shops.jobs import ask_for as ask_for_import
from shops.jobs import process_import, write_export
from shops.models import Alliance

logger = logging.getLogger(__name__)


def check(sweep_id: int) -> None:
    """Carry a requested daily check out, and accept what its automatic rules have filed.

    What it is refused for is no failure of the job: either another worker is at it, and `reconcile` looks
    after it; or the check's own record says why.
    """
    try:
        sweeps.run(sweep_id, at=now())
    except Refused as refusal:
        logger.warning("daily check %s: %s", sweep_id, refusal)
    else:
        review.accept_automatic(sweep_id, at=now())


def ask_for(sweep: Sweep) -> None:
    """Queue a check once its row is committed. Lost with the queue, it is queued again by `reconcile`."""
    transaction.on_commit(lambda: get_queue("default").enqueue(check, sweep.pk), robust=True)


def daily_check(at: datetime | None = None) -> None:
    """Ask for the check of each alliance whose newest day has not been checked yet.

    Clearances that waited for the end of promotion days can be decided from the second day after them on.
    """
    moment = at or now()
    for alliance in Alliance.objects.all():
        promotions.open_what_waited(alliance, localdate(moment) - timedelta(days=1), at=moment)
    day = sweeps.newest_day(localdate(moment))
    if day is None:
        return
    for alliance in Alliance.objects.all():
        if sweeps.is_checked(alliance, day):
            continue
        try:
            ask_for(sweeps.request(alliance=alliance, by=None, at=moment))
        except Refused as refusal:
            # An alliance without rules in force keeps no other from its check.
            logger.warning("no daily check of %s on %s: %s", alliance.code, day, refusal)


def reconcile() -> None:
    """Queue again what waits in the database and has no worker: queue or worker may have been lost."""
    for sweep in sweeps.abandoned():
        ask_for(sweep)
    for sweep_id in review.half_accepted(at=now()):
        get_queue("default").enqueue(check, sweep_id)
    for batch_id in imports.unfinished():
        get_queue("default").enqueue(process_import, batch_id)
    for export_id in outgoing.unfinished():
        get_queue("default").enqueue(write_export, export_id)
    for simulation_id in simulation.unfinished():
        get_queue("default").enqueue(simulate, simulation_id)


def collect_files() -> None:
    """Take in what other systems have left in the drop folder."""
    for batch in imports.collect(at=now()):
        ask_for_import(batch)


def tell_what_files_brought() -> None:
    """Write the notices of penalties that files have brought as imposed."""
    notices.write_for_files(at=now())


def end_what_is_over() -> None:
    """End suspensions, restrictions and points whose date has come (CL-3)."""
    penalising.run_timers(now())


def forget_old_metrics() -> None:
    """Give up the months of metrics that are older than the setting says."""
    imports.forget_months(before=localdate(now()))
