"""Two officers add evidence at once; evidence comes or is struck while the appeal is ruled on."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.models import QuerySet

from opsdesk import appeals, audit
from opsdesk.appeals import Offered, evidence
from opsdesk.models import Appeal, Evidence
from tests.factories import AT, make_appeal, make_evidence, make_user
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
