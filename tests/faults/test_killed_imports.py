"""A worker is killed in the middle of an import, or two come at once: all or nothing, each row once."""

from __future__ import annotations

import io
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import psycopg
from django.db import DatabaseError, connection

from opsdesk import jobs
from shops import imports, sql
from shops import jobs as imports_jobs
from shops.imports import files
from shops.models import ImportBatch, Shop
from tests.factories import AT

HEADERS = "code,name,shop_type,category,goods_kind,status,subject_kind,controller"
CONTENT = "\n".join(
    [
        HEADERS,
        *(f"K{n:04d},店铺{n},ordinary,beauty,physical,normal,enterprise,C{n // 3}" for n in range(500)),
    ]
)


def received() -> ImportBatch:
    return imports.receive(
        kind="shops", file=io.BytesIO(CONTENT.encode()), file_name="shops.csv", by=None, at=AT
    )


def eventually(happened: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def waiting(lock: str) -> Callable[[], bool]:
    """Whether some session of this database waits for a lock of that kind."""

    def waits() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
                " AND wait_event_type = 'Lock' AND wait_event = %s)",
                [lock],
            )
            return bool(cursor.fetchone()[0])

    return waits


def beside() -> list[int]:
    """The connections over which imports of this database tell how far they are."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND query LIKE 'UPDATE shops_importprogress%%'"
        )
        return [pid for (pid,) in cursor.fetchall()]


TO_WRITE = waiting("relation")
ITS_TURN = waiting("advisory")
THE_OTHERS_COMMIT = waiting("transactionid")


def test_an_import_whose_worker_is_killed_leaves_nothing_and_is_done_again(committed_db, worker) -> None:
    with psycopg.connect(committed_db.env["DATABASE_OWNER_URL"]) as owner:
        # Lets everybody read, and nobody write: the worker stops in the middle, controllers written already.
        owner.execute("LOCK TABLE shops_shop IN SHARE MODE")
        batch = received()
        imports_jobs.ask_for(batch)
        victim = worker.start()
        eventually(TO_WRITE, "the worker never came to writing")
        # Found by nobody while it is alive.
        assert imports.unfinished() == []
        os.killpg(victim.pid, signal.SIGKILL)
        victim.wait()
    eventually(lambda: imports.unfinished() == [batch.pk], "the dead worker's session lived on")
    batch.refresh_from_db()
    assert (batch.state, Shop.objects.count()) == ("checking", 0)
    jobs.reconcile()
    worker.burst()
    batch.refresh_from_db()
    assert (batch.state, batch.created, Shop.objects.count()) == ("applied", 500, 500)
    assert Shop.history.count() == 500


def test_an_import_that_kills_its_workers_is_refused_in_the_end(committed_db, worker) -> None:
    batch = received()
    for _attempt in range(3):
        with psycopg.connect(committed_db.env["DATABASE_OWNER_URL"]) as owner:
            owner.execute("LOCK TABLE shops_shop IN SHARE MODE")
            imports_jobs.ask_for(batch)
            victim = worker.start()
            eventually(TO_WRITE, "the worker never came to writing")
            os.killpg(victim.pid, signal.SIGKILL)
            victim.wait()
        eventually(lambda: imports.unfinished() == [batch.pk], "the dead worker's session lived on")
    jobs.reconcile()
    worker.burst()
    batch.refresh_from_db()
    assert (batch.state, imports.errors_of(batch)[0].code) == ("refused", "kept_dying")
    assert Shop.objects.count() == 0


def both_at_once(committed_db, before_writing: Callable[[], bool]) -> list[tuple[int, int] | str]:
    """Two imports of the same file, the first of which is held back until the second `before_writing`."""
    outcomes: list[tuple[int, int] | str] = []

    def run(batch_id: int) -> None:
        try:
            batch = imports.process(batch_id, at=AT)
            outcomes.append((batch.created, batch.unchanged))
        except DatabaseError as error:
            outcomes.append(type(error).__name__)
        finally:
            connection.close()

    with psycopg.connect(committed_db.env["DATABASE_OWNER_URL"]) as owner:
        owner.execute("LOCK TABLE shops_shop IN SHARE MODE")
        threads = [Thread(target=run, args=[received().pk]) for _file in range(2)]
        threads[0].start()
        eventually(TO_WRITE, "the first never came to writing")
        threads[1].start()
        eventually(before_writing, "the second never came there")
    for thread in threads:
        thread.join(60)
    return sorted(outcomes, key=str)


def test_two_imports_of_a_kind_at_once_wait_for_each_other(committed_db) -> None:
    assert both_at_once(committed_db, ITS_TURN) == [(0, 500), (500, 0)]
    assert (Shop.objects.count(), Shop.history.count()) == (500, 500)


def test_without_taking_turns_the_second_import_breaks(committed_db, monkeypatch) -> None:
    monkeypatch.setattr(sql, "take_turns", lambda kind, number: None)
    # The controllers come first, and already there the two meet.
    outcomes = both_at_once(committed_db, THE_OTHERS_COMMIT)
    assert "IntegrityError" in outcomes


def in_the_middle(committed_db, happens: Callable[[], None]) -> ImportBatch:
    """An import, while which this happens before it comes to writing."""
    batch = received()
    outcome: list[ImportBatch] = []

    def process() -> None:
        try:
            outcome.append(imports.process(batch.pk, at=AT))
        finally:
            connection.close()

    with psycopg.connect(committed_db.env["DATABASE_OWNER_URL"]) as owner:
        owner.execute("LOCK TABLE shops_shop IN SHARE MODE")
        thread = Thread(target=process)
        thread.start()
        eventually(TO_WRITE, "it never came to writing")
        happens()
    thread.join(60)
    [batch] = outcome
    return batch


def test_an_import_goes_on_where_the_connection_that_tells_of_it_is_cut(committed_db) -> None:
    def cut() -> None:
        [pid] = beside()
        sql.fetch("SELECT pg_terminate_backend(%s)", [pid])
        eventually(lambda: beside() == [], "it was never cut")

    batch = in_the_middle(committed_db, cut)
    assert (batch.state, Shop.objects.count()) == ("applied", 500)


def test_an_import_goes_on_where_no_second_connection_is_to_be_had(committed_db, caplog) -> None:
    def cut_and_closed() -> None:
        with psycopg.connect(committed_db.env["DATABASE_OWNER_URL"], autocommit=True) as another:
            another.execute(f"ALTER DATABASE {committed_db.name} CONNECTION LIMIT 0")
        [pid] = beside()
        sql.fetch("SELECT pg_terminate_backend(%s)", [pid])

    batch = in_the_middle(committed_db, cut_and_closed)
    assert (batch.state, Shop.objects.count()) == ("applied", 500)
    assert "is not told" in caplog.text


def test_what_killed_workers_left_on_the_disk_is_swept_once_it_is_a_day_old(db) -> None:
    kept = files.path_of(received().sha256)
    with files.workplace() as directory:
        workplaces = directory.parent
    left: dict[str, list[Path]] = {"old": [], "young": []}
    for age, paths in left.items():
        sheet = workplaces / age / "sheet.csv"
        sheet.parent.mkdir()
        paths += [sheet, kept.with_name(f"{age}.unfinished"), kept.parents[1] / f"{age}.unfinished"]
        for path in paths:
            path.touch()
    two_days_ago = time.time() - 2 * 24 * 60 * 60
    for path in (*left["old"], workplaces / "old", kept):
        os.utime(path, (two_days_ago, two_days_ago))
    imports_jobs.clear_away()
    assert [path.exists() for path in left["old"]] == [False] * 3
    assert [path.exists() for path in left["young"]] == [True] * 3
    assert kept.exists() and not (workplaces / "old").exists()
    for path in left["young"]:
        path.unlink()
    (workplaces / "young").rmdir()
