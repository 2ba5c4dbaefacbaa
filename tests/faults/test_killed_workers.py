"""A worker is killed in the middle of a check: nothing is half done, and the next one finishes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import psycopg
from django.db import connection, transaction
from django.utils.timezone import now

from opsdesk import jobs, review
from opsdesk.models import Decision
from rules import sweeps
from rules.models import Proposal, Sweep
from shops.models import Alliance, Enrollment, Penalty
from tests.factories import AT, DAY, DOUYIN, make_batch, make_enrollment, make_metrics, make_shop
from tests.rules.test_modes import in_mode


def a_population() -> None:
    # A third of them fails: a brake would hold the check.
    Alliance.objects.update(most_cleared=None)
    batch = make_batch(first_day=DAY, last_day=DAY)
    for number in range(60):
        state = "applied" if number % 3 == 0 else "open"
        shop = make_shop(code=f"K{number:03d}")
        make_enrollment(shop, state=state)
        make_metrics(shop, batch=batch, experience_score="3.40" if number % 3 == 1 else "4.50")


def filed() -> list[tuple[Any, ...]]:
    """The proposals without what differs from run to run."""
    return list(
        Proposal.objects.order_by("shop__code", "kind").values_list(
            "shop__code", "kind", "status", "failed_rules", "margin", "failing_since", "evidence"
        )
    )


def undisturbed() -> list[tuple[Any, ...]]:
    with transaction.atomic():
        requested = sweeps.request(alliance=Alliance.objects.get(code=DOUYIN), by=None, at=AT, day=DAY)
        sweeps.run(requested.pk, at=AT)
        expected = filed()
        transaction.set_rollback(True)
    return expected


def eventually(happened: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def someone_waits_for_a_row() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock')"
        )
        return bool(cursor.fetchone()[0])


def someone_waits_to_write() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            # A clone's tables have their template's numbers, so the database counts too.
            "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE NOT granted AND relation = 'rules_proposal'::regclass AND datname = current_database())"
        )
        return bool(cursor.fetchone()[0])


def nobody_holds(sweep: Sweep) -> bool:
    return sweep in sweeps.abandoned()


def test_a_check_whose_worker_is_killed_is_done_again_with_the_same_result(committed_db, worker) -> None:
    a_population()
    expected = undisturbed()
    assert len(expected) == 40
    with psycopg.connect(committed_db.env["DATABASE_OWNER_URL"]) as owner:
        # Lets everybody read, and nobody write: the worker stops in the middle, at a known point.
        owner.execute("LOCK TABLE rules_proposal IN SHARE MODE")
        sweep = sweeps.request(alliance=Alliance.objects.get(code=DOUYIN), by=None, at=AT, day=DAY)
        jobs.ask_for(sweep)
        victim = worker.start()
        eventually(someone_waits_to_write, "the worker never came to writing")
        os.killpg(victim.pid, signal.SIGKILL)
        victim.wait()
    eventually(lambda: nobody_holds(sweep), "the dead worker's session lived on")
    sweep.refresh_from_db()
    assert sweep.status == "running"
    assert filed() == []
    jobs.reconcile()
    worker.burst()
    sweep.refresh_from_db()
    assert (sweep.status, sweep.filed) == ("done", 40)
    assert filed() == expected
    assert Proposal.history.count() == 40


def test_a_second_copy_of_a_running_check_is_refused_by_the_database(committed_db, worker) -> None:
    a_population()
    with psycopg.connect(committed_db.env["DATABASE_OWNER_URL"]) as owner:
        owner.execute("LOCK TABLE rules_proposal IN SHARE MODE")
        sweep = sweeps.request(alliance=Alliance.objects.get(code=DOUYIN), by=None, at=AT, day=DAY)
        jobs.ask_for(sweep)
        worker.start()
        eventually(someone_waits_to_write, "the worker never came to writing")
        assert sweeps.abandoned() == []
        jobs.ask_for(sweep)
        worker.burst()
        assert Proposal.objects.count() == 0
    eventually(lambda: Sweep.objects.get(pk=sweep.pk).status == "done", "the first copy never finished")
    assert Proposal.objects.count() == 40


def test_a_check_waiting_in_a_queue_that_was_lost_is_queued_again(committed_db, worker) -> None:
    a_population()
    sweep = sweeps.request(alliance=Alliance.objects.get(code=DOUYIN), by=None, at=AT, day=DAY)
    jobs.reconcile()
    worker.burst()
    sweep.refresh_from_db()
    assert (sweep.status, sweep.filed) == ("done", 40)


def test_a_worker_killed_while_it_accepts_automatically_leaves_each_decision_whole(
    committed_db, worker
) -> None:
    a_population()
    in_mode("automatic")
    taken = Enrollment.objects.get(shop__code="K031")
    with psycopg.connect(committed_db.env["DATABASE_OWNER_URL"]) as other:
        # Filed before the worker starts, so that it comes to accepting alone.
        sweep = sweeps.request(alliance=taken.alliance, by=None, at=now(), day=DAY)
        sweeps.run(sweep.pk, at=now())
        # Somebody else's transaction holds a shop in the middle: the worker stops there.
        other.execute("SELECT FROM shops_shop WHERE id = %s FOR UPDATE", [taken.shop_id])
        jobs.ask_for(sweep)
        victim = worker.start()
        eventually(someone_waits_for_a_row, "the worker never came to the shop that is held")
        os.killpg(victim.pid, signal.SIGKILL)
        victim.wait()
    before = Decision.objects.count()
    assert 0 < before < 20
    assert Penalty.objects.count() == before
    eventually(lambda: not someone_waits_for_a_row(), "the dead worker's session lived on")
    assert review.half_accepted(at=now()) == [sweep.pk]
    jobs.reconcile()
    worker.burst()
    assert Decision.objects.count() == Penalty.objects.count() == 20
    assert Decision.history.count() == 20
    assert review.half_accepted(at=now()) == []
