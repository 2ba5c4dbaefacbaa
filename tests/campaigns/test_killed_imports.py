"""Workers are killed and queues lost at any moment of an import: all or nothing, and it ends by itself."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
import redis
from django.db import connection
from django_rq import get_queue

from opsdesk import audit, jobs, supervisor
from shops import imports
from shops import jobs as imports_jobs
from shops.models import Correction, ImportBatch, ShopMetrics
from tests.campaigns import SHARE, Tally, finished
from tests.factories import AT, DAY
from tests.volumes import shops_sql, write_metrics

ROWS = 200_000 if SHARE >= 1 else 20_000
STRIKES = max(4, round(100 * SHARE))
# As many in a database of its own, which so does not grow without end.
TOGETHER = 25
PARTS = [range(first, min(first + TOGETHER, STRIKES)) for first in range(0, STRIKES, TOGETHER)]
# A quarter of each.
AIMS = ("the child", "the parent", "both", "the queue")
UNDER_WAY = {ImportBatch.State.CHECKING, ImportBatch.State.APPLYING}


@dataclass
class Ground:
    """Shops in a database, and a file of all their metrics for any day."""

    directory: Path
    # How many rows were ever visible of the day that is imported now.
    seen: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(shops_sql(ROWS))

    def receive(self, day: date) -> ImportBatch:
        self.seen = set()
        path = write_metrics(self.directory / "metrics.csv", ROWS, [day])
        with open(path, "rb") as file:
            return imports.receive(kind="metrics", file=file, file_name=path.name, by=None, at=AT)

    def watch(self, day: date, until: Callable[[], bool], seconds: float = 120) -> bool:
        """Look at the day again and again; whether it came to `until` in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.seen.add(ShopMetrics.objects.filter(day=day).count())
            if until():
                return True
            time.sleep(0.02)
        return False


@pytest.fixture
def ground(committed_db, tmp_path: Path) -> Ground:
    return Ground(tmp_path)


def state_of(batch: ImportBatch) -> str:
    return ImportBatch.objects.values_list("state", flat=True).get(pk=batch.pk)


def outcome_of(batch: ImportBatch, day: date) -> dict[str, Any]:
    """What an import came to, and a sum over all that it wrote but the day."""
    batch.refresh_from_db()
    figures = [f.column for f in ShopMetrics._meta.concrete_fields if f.column not in ("day", "batch_id")]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*), sum(hashtextextended(({', '.join(figures)})::text, 0))"
            " FROM shops_shopmetrics WHERE day = %s AND batch_id = %s",
            [day, batch.pk],
        )
        written = cursor.fetchone()
    counts = {name: getattr(batch, name) for name in ("rows", "created", "updated", "unchanged", "rejected")}
    corrections = Correction.objects.filter(day=day).count()
    return {"state": str(batch.state), **counts, "corrections": corrections, "written": written}


def none_or_all(seen: set[int]) -> bool:
    """Whether nobody ever saw a part of the import."""
    return seen <= {0, ROWS}


def children_of(process: subprocess.Popen) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split()]


def strike(aim: str, victim: subprocess.Popen) -> None:
    if aim == "the queue":
        with redis.Redis.from_url(os.environ["REDIS_URL"]) as valkey:
            valkey.flushdb()
        return
    pids = children_of(victim) if aim != "the parent" else []
    pids += [victim.pid] if aim != "the child" else []
    for pid in pids:
        # It may be over already.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def undisturbed(ground: Ground) -> tuple[dict[str, Any], float]:
    """What an import comes to that is left alone, and how many seconds it takes."""
    batch = ground.receive(DAY)
    began = time.monotonic()
    imports.process(batch.pk, at=AT)
    return outcome_of(batch, DAY), time.monotonic() - began


def aftermath(ground: Ground, worker, batch: ImportBatch, day: date) -> str | None:
    """Whether the import finishes by itself, with nothing but a new worker and the timetable's minute."""

    def left_alone() -> bool:
        return state_of(batch) == ImportBatch.State.APPLIED or batch.pk in imports.unfinished()

    def applied() -> bool:
        return state_of(batch) == ImportBatch.State.APPLIED

    if not ground.watch(day, left_alone):
        return "somebody still holds it"
    jobs.reconcile()
    worker.burst()
    if not ground.watch(day, applied):
        return f"it never finished: {state_of(batch)}"
    if not none_or_all(ground.seen):
        return f"seen half done: {sorted(ground.seen)}"
    return audit.verify_imports() or audit.verify_leases()


@pytest.mark.parametrize("part", PARTS, ids=lambda part: f"{part.start}-{part.stop - 1}")
def test_an_import_survives_whatever_happens_to_its_worker_and_queue(ground, worker, part: range) -> None:
    tally = Tally("killed-imports", len(part))
    expected, seconds = undisturbed(ground)
    assert (expected["state"], expected["created"]) == ("applied", ROWS)
    for number in part:
        draw = Random(number)
        day, aim = DAY - timedelta(days=number + 1), AIMS[number % len(AIMS)]
        batch = ground.receive(day)
        imports_jobs.ask_for(batch)
        victim = worker.start()
        moment = draw.uniform(0, seconds)
        ground.watch(day, lambda batch=batch: state_of(batch) != ImportBatch.State.RECEIVED)
        ground.watch(day, lambda: False, moment)
        strike(aim, victim)
        hit = state_of(batch)
        problem = aftermath(ground, worker, batch, day)
        supervisor.end([victim])
        if problem is None and (outcome := outcome_of(batch, day)) != expected:
            problem = f"came to {outcome}, not to {expected}"
        if problem:
            problem = f"import {number}, {aim} after {moment:.2f} s, {hit}: {problem}"
        when = "in the middle" if hit in UNDER_WAY else "before it began" if hit == "received" else "too late"
        tally.count(problem, f"{aim}, {when}")
    finished.append(tally)
    assert (tally.passed, tally.failed) == (len(part), 0)


def test_control_an_import_that_commits_half_way_is_seen_half_done(ground, worker) -> None:
    batch = ground.receive(DAY)
    get_queue("default").enqueue("tests.campaigns.half_way.process_import", batch.pk)
    worker.start()
    assert ground.watch(DAY, lambda: not none_or_all(ground.seen))
    assert ground.seen == {0, ROWS // 2}
