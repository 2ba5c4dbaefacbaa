"""The timetable's process on a real queue: JSON for the workers, and never two at once."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator

import pytest
import redis
from django.db import connection

from opsdesk import supervisor
from opsdesk.timetable import KEEPING_TIME
from tests import databases


@pytest.fixture
def start_timetable(committed_db) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    running: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "manage.py", "timetable"]
        running.append(supervisor.start(command, env=committed_db.env, cwd=databases.CHECKOUT))
        return running[-1]

    yield start
    supervisor.end(running)


@pytest.fixture
def valkey(committed_db) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(committed_db.env["REDIS_URL"], socket_timeout=None) as client:
        yield client


def next_job(valkey: redis.Redis) -> bytes:
    """Wait for a job to be queued, take it off the queue and return its id."""
    taken = valkey.blpop(["rq:queue:default"], timeout=60)
    assert taken is not None, "nothing was queued"
    return taken[1]


def others_wait_for_their_turn() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
            " WHERE locktype = 'advisory' AND objid = %s AND NOT granted AND datname = current_database()",
            [KEEPING_TIME],
        )
        return cursor.fetchone() == (1,)


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)


def test_what_is_due_is_queued_as_json(start_timetable, valkey) -> None:
    start_timetable()
    job = next_job(valkey).decode()
    data = zlib.decompress(valkey.hget(f"rq:job:{job}", "data"))
    name, instance, args, kwargs = json.loads(data)
    assert (name, instance, args, kwargs) == ("opsdesk.jobs.reconcile", None, [], {})


def test_a_second_timetable_waits_and_takes_over(start_timetable, valkey) -> None:
    first = start_timetable()
    next_job(valkey)
    second = start_timetable()
    wait_until(others_wait_for_their_turn)
    first.kill()
    next_job(valkey)
    assert second.poll() is None
