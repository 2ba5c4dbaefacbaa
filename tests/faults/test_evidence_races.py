"""Two officers add evidence or file many appeals at once; the appeal is ruled on; a process is killed."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.models import QuerySet

from opsdesk import appeals, audit, leftovers
from opsdesk.appeals import Offered, contests, evidence, many
from opsdesk.models import Appeal, Evidence
from shops.models import Penalty
from tests.databases import CHECKOUT
from tests.factories import AT, make_appeal, make_cleared, make_evidence, make_penalty, make_user
from tests.faults.test_killed_imports import TO_WRITE, eventually
from tests.faults.test_publishing_races import at_once
from tests.opsdesk.files import jpeg

LATER = AT + timedelta(days=2)
TIMES = 5


def add(appeal: Appeal, seed: int = 0) -> Callable[[], object]:
    def attempt() -> object:
        offered = [Offered(f"{seed}.jpg", io.BytesIO(jpeg(seed)))]
        return appeals.add(appeal.pk, evidence=offered, by=None, at=LATER)

    return attempt


def deny(appeal: Appeal) -> Callable[[], object]:
    judge = make_user("appeals_officer")
    appeals.take(appeal.pk, by=judge, at=LATER)
    return lambda: appeals.deny(appeal.pk, reason="right", by=judge, at=LATER)


def test_of_two_who_add_the_same_file_one_does_and_the_other_is_told(committed_db) -> None:
    for _ in range(TIMES):
        first, second = at_once(*[add(appeal := make_appeal()), add(appeal)])
        assert first is None
        assert "is on this appeal already" in str(second)
    assert audit.verify_history() is None


def test_of_the_last_file_that_fits_there_is_one(committed_db, settings) -> None:
    settings.EVIDENCE_MAX_FILES = 1
    for _ in range(TIMES):
        appeal = make_appeal()
        first, second = at_once(add(appeal, 1), add(appeal, 2))
        assert first is None
        assert "at most 1 files" in str(second)
        assert appeal.evidence.count() == 1


def test_control_without_the_lock_there_are_more_than_fit(
    committed_db, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EVIDENCE_MAX_FILES = 1
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **options: rows.all())
    # Both have counted before either has written.
    real, inside = evidence._write, threading.Barrier(2)

    def together(*args, **options):
        inside.wait(timeout=30)
        return real(*args, **options)

    monkeypatch.setattr(evidence, "_write", together)
    appeal = make_appeal()
    assert at_once(add(appeal, 1), add(appeal, 2)) == [None, None]
    assert appeal.evidence.count() == 2


def test_evidence_comes_before_the_ruling_or_not_at_all(committed_db) -> None:
    for _ in range(TIMES):
        appeal = make_appeal()
        said = at_once(add(appeal), deny(appeal))
        assert [str(each) for each in said if each and "is over" not in str(each)] == []
        assert Appeal.objects.get(pk=appeal.pk).state == "denied"
        assert appeal.evidence.count() == (said == [None, None])
    assert audit.verify_history() is None


def test_of_two_who_strike_a_file_one_does_and_the_other_is_told(committed_db) -> None:
    for _ in range(TIMES):
        token = make_evidence().token
        first, second = at_once(
            lambda token=token: appeals.strike(token, reason="one", by=None, at=LATER),
            lambda token=token: appeals.strike(token, reason="other", by=None, at=LATER),
        )
        assert first is None
        assert "was struck by" in str(second)
        assert Evidence.objects.get(token=token).history.count() == 2


def test_what_was_committed_keeps_its_files_though_the_answer_was_lost(
    committed_db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    appeal = make_appeal()
    commit = DatabaseWrapper._commit

    def unanswered(wrapper: DatabaseWrapper) -> None:
        commit(wrapper)
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as broken:
        broken.setattr(DatabaseWrapper, "_commit", unanswered)
        with pytest.raises(OperationalError):
            appeals.add(appeal.pk, evidence=[Offered("a.jpg", io.BytesIO(jpeg()))], by=None, at=LATER)
    connection.close()
    assert Evidence.objects.filter(appeal=appeal).count() == 1
    assert audit.verify_evidence() is None


# Files of appeals


def files_in_another_order() -> list[Callable[[], object]]:
    """Two files about the same two shops, one of which names them the other way round."""
    first, second = make_cleared(), make_cleared()
    third, fourth = (make_penalty(penalty.shop, violation_code="V1") for penalty in (first, second))

    def file(*penalties: Penalty) -> Callable[[], object]:
        rows = "".join(f"{penalty.case_number},mail,s\n" for penalty in penalties)
        return lambda: appeals.file_many(f"penalty,channel,statement\n{rows}".encode(), by=None, at=LATER)

    return [file(first, second), file(fourth, third)]


def pause_after_the_first_row(monkeypatch: pytest.MonkeyPatch, wait: float) -> None:
    """Each file has filed its first row before either goes on, or has waited `wait` seconds for the other."""
    real, first, been = many.file_looked_into, threading.Barrier(2), threading.local()

    def pausing(**options: Any) -> Appeal:
        appeal = real(**options)
        if not getattr(been, "here", False):
            been.here = True
            with contextlib.suppress(threading.BrokenBarrierError):
                first.wait(timeout=wait)
        return appeal

    monkeypatch.setattr(many, "file_looked_into", pausing)


def test_of_two_files_about_the_same_shops_in_another_order_one_waits_for_the_other(
    committed_db, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause_after_the_first_row(monkeypatch, wait=2)
    assert at_once(*files_in_another_order()) == [None, None]
    assert Appeal.objects.count() == 4


class RowByRow(dict[int, contests.Contest]):
    """What rows contest, each held only once its row's turn comes."""

    def __missing__(self, penalty: int) -> contests.Contest:
        return contests.held([Penalty.objects.get(pk=penalty)])[penalty]


def test_control_where_shops_are_locked_row_by_row_the_database_kills_one(
    committed_db, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "_hold", lambda rows: RowByRow())
    pause_after_the_first_row(monkeypatch, wait=60)
    first, second = at_once(*files_in_another_order())
    assert first is None
    assert "deadlock detected" in str(second)
    assert Appeal.objects.count() == 2


# A kill


def test_what_a_killed_process_has_put_into_the_store_is_named_and_taken_away(
    committed_db: Any, settings: Any, tmp_path: Path
) -> None:
    store = str(tmp_path / "store")
    folder = {**settings.STORAGES["evidence"], "OPTIONS": {"location": store}}
    settings.STORAGES = {**settings.STORAGES, "evidence": folder}
    kept, filed = make_evidence(), (AT + timedelta(days=1)).isoformat()
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.jpg").write_bytes(jpeg(1))
    rows = tmp_path / "a.csv"
    rows.write_text(f"penalty,channel,filed_at,statement,evidence\n{make_cleared()},mail,{filed},s,a.jpg\n")
    with psycopg.connect(committed_db.env["DATABASE_OWNER_URL"]) as owner:
        # Lets everybody read, and nobody write: the files are in the store already.
        owner.execute("LOCK TABLE opsdesk_evidence IN SHARE MODE")
        victim = subprocess.Popen(
            [sys.executable, "manage.py", "file_appeals", rows, "--evidence", tmp_path / "files"],
            env={**committed_db.env, "EVIDENCE_ROOT": store},
            cwd=CHECKOUT,
        )
        eventually(TO_WRITE, "the command never came to writing")
        victim.kill()
        victim.wait()
    [found] = leftovers.left_over()
    assert len(found.files) == 3
    now = datetime.now(UTC)
    assert list(leftovers.sweep(at=now)) == []
    assert list(leftovers.sweep(at=now + timedelta(days=1, minutes=1))) == [found]
    assert list(leftovers.left_over()) == []
    assert audit.verify_evidence() is None
    assert Evidence.objects.get() == kept
