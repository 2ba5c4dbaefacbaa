"""Two people publish the same draft, or begin one for the same purpose, at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connections
from django.db.models import QuerySet

from rules import drafts, publishing
from rules.models import RuleSet
from shops.errors import Refused
from tests.factories import AT, DOUYIN, make_simulation, make_user

SOON = AT.date() + timedelta(days=7)


def version(number: int) -> RuleSet:
    return RuleSet.objects.get(alliance__code=DOUYIN, purpose="admission", version=number)


def at_once(*attempts: Callable[[], object]) -> list[object]:
    """What each attempt said: None where it went through."""
    together = threading.Barrier(len(attempts))
    said: list[object] = []

    def make(attempt: Callable[[], object]) -> None:
        together.wait(timeout=30)
        try:
            attempt()
            said.append(None)
        except (Refused, DatabaseError) as refusal:
            said.append(refusal)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=make, args=(attempt,)) for attempt in attempts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(said, key=lambda each: each is not None)


def publish_at_once() -> list[object]:
    editor = make_user("rules_editor")
    draft = drafts.draft_from(version(1), by=editor, at=AT)
    publishing.submit(draft, make_simulation(draft), by=editor, at=AT)

    def publish(by: User) -> Callable[[], object]:
        return lambda: publishing.publish(version(2), in_force_from=SOON, by=by, at=AT)

    return at_once(publish(make_user("supervisor")), publish(make_user("supervisor")))


def test_of_two_who_publish_one_does_and_the_other_is_told(committed_db) -> None:
    first, second = publish_at_once()
    assert first is None
    assert isinstance(second, Refused) and "was published by" in str(second)
    assert version(2).history.filter(history_change_reason="published").count() == 1


def test_control_without_the_lock_the_second_runs_into_the_database(
    committed_db, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = threading.Barrier(2)

    def editors_of(rule_set: RuleSet) -> set[int]:
        inside.wait(timeout=30)
        return set()

    monkeypatch.setattr(publishing, "editors_of", editors_of)
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **options: rows.all())
    first, second = publish_at_once()
    assert first is None
    assert isinstance(second, DatabaseError)


def test_of_two_who_begin_a_draft_one_does_and_the_other_is_told(committed_db) -> None:
    editors = [make_user("rules_editor"), make_user("rules_editor")]
    first, second = at_once(*(lambda by=by: drafts.draft_from(version(1), by=by, at=AT) for by in editors))
    assert first is None
    assert isinstance(second, Refused) and "still open" in str(second)
    assert RuleSet.objects.filter(published_at=None).count() == 1
