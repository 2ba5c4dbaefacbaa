"""Two officers file, take or rule on the same appeal at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.db.models import QuerySet

from opsdesk import appeals, audit, penalising
from opsdesk.appeals import ruling
from opsdesk.models import Appeal
from shops.models import Enrollment, Penalty
from tests.factories import AT, make_appeal, make_cleared, make_user
from tests.faults.test_publishing_races import at_once

LATER = AT + timedelta(days=2)
TIMES = 12


def officers() -> tuple[User, User]:
    return make_user("appeals_officer"), make_user("appeals_officer")


def taken(judge: User, penalty: Penalty | None = None) -> Appeal:
    return appeals.take(make_appeal(penalty).pk, by=judge, at=LATER)


def grant(appeal: Appeal, judge: User, *, all_the_same: bool = False) -> Callable[[], object]:
    ruling = {"reason": "wrong", "by": judge, "at": LATER, "all_the_same": all_the_same}
    return lambda: appeals.grant(appeal.pk, **ruling)


def deny(appeal: Appeal, judge: User, seen: str | None = None) -> Callable[[], object]:
    return lambda: appeals.deny(appeal.pk, reason="right", by=judge, at=LATER, seen=seen)


def broken() -> str | None:
    return next((said for fact in audit.FACTS.values() if (said := fact.verify())), None)


def test_of_two_who_take_an_appeal_one_has_it_and_the_other_is_told(committed_db) -> None:
    ann, ben = officers()
    for _ in range(TIMES):
        appeal = make_appeal()
        first, second = at_once(
            lambda pk=appeal.pk: appeals.take(pk, by=ann, at=LATER),
            lambda pk=appeal.pk: appeals.take(pk, by=ben, at=LATER),
        )
        assert first is None
        assert "has taken appeal" in str(second)
    assert broken() is None


def test_of_two_who_file_against_a_penalty_one_does_and_the_other_is_told(committed_db) -> None:
    for _ in range(TIMES):
        penalty_id = make_cleared().pk
        file = [lambda pk=penalty_id: make_appeal(Penalty.objects.get(pk=pk))] * 2
        first, second = at_once(*file)
        assert first is None
        assert "is open already" in str(second)
    assert broken() is None


def test_of_two_rulings_one_stands_and_the_other_is_told(committed_db) -> None:
    """Its holder rules in two windows; a supervisor's claim would change nothing of it."""
    judge, _ = officers()
    for _ in range(TIMES):
        appeal = taken(judge)
        first, second = at_once(grant(appeal, judge), deny(appeal, judge))
        assert first is None
        assert isinstance(second, appeals.AlreadyOver)
        appeal = Appeal.objects.select_related("penalty").get(pk=appeal.pk)
        inside = Enrollment.objects.get(shop=appeal.penalty.shop_id).state == "open"
        assert (appeal.penalty.status == "overturned") == inside == (appeal.state == "granted")
    assert broken() is None


def test_control_without_locks_and_guards_an_appeal_is_granted_and_denied(
    committed_db, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connections["owner"].cursor() as owner:
        owner.execute("DROP TRIGGER opsdesk_appeal_moves_step_by_step ON opsdesk_appeal")
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **options: rows.all())
    judge, _ = officers()
    appeal = taken(judge)
    # Both have asked whether they may before either has ruled.
    real, inside = ruling._to_be_ruled_on, threading.Barrier(2)

    def together(*args):
        found = real(*args)
        inside.wait(timeout=30)
        return found

    monkeypatch.setattr(ruling, "_to_be_ruled_on", together)
    assert at_once(grant(appeal, judge), deny(appeal, judge)) == [None, None]
    assert set(appeal.history.values_list("state", flat=True)) >= {"granted", "denied"}


def add(appeal: Appeal) -> Callable[[], object]:
    return lambda: appeals.add(appeal.pk, text="signed for", by=None, at=LATER)


def test_what_comes_while_somebody_rules_is_seen_by_him_or_comes_too_late(committed_db) -> None:
    judge, _ = officers()
    for _ in range(TIMES):
        appeal = taken(judge)
        first, second = at_once(deny(appeal, judge, appeals.looked_at(appeal)), add(appeal))
        assert first is None
        came = appeal.evidence.exists()
        assert isinstance(second, appeals.Unseen if came else appeals.AlreadyOver)
        assert Appeal.objects.get(pk=appeal.pk).is_open == came


def test_control_without_locks_a_ruling_goes_past_what_has_just_come(
    committed_db, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **options: rows.all())
    real, asked, added = ruling.refuse_unless_seen, threading.Event(), threading.Event()

    def then_wait(appeal: Appeal, seen: str | None, judge: User) -> None:
        real(appeal, seen, judge)
        asked.set()
        added.wait(timeout=30)

    monkeypatch.setattr(ruling, "refuse_unless_seen", then_wait)
    judge, _ = officers()
    appeal = taken(judge)

    def add_once_asked() -> None:
        asked.wait(timeout=30)
        add(appeal)()
        added.set()

    said = at_once(deny(appeal, judge, appeals.looked_at(appeal)), add_once_asked)
    assert (said, Appeal.objects.get(pk=appeal.pk).state) == ([None, None], "denied")


def filed_and_overturned(meet: Callable[..., list[object]]) -> tuple[list[object], Appeal | None]:
    """What was said where an appeal is filed and its penalty overturned on its page, and the appeal."""
    penalty_id, supervisor = make_cleared().pk, make_user("supervisor")
    said = meet(
        lambda: make_appeal(Penalty.objects.get(pk=penalty_id)),
        lambda: penalising.overturn(
            Penalty.objects.get(pk=penalty_id), by=supervisor, at=LATER, reason="wrong"
        ),
    )
    return said, Appeal.objects.select_related("penalty").filter(penalty=penalty_id).first()


def test_a_penalty_is_overturned_on_its_page_or_appealed_against_and_never_both(committed_db) -> None:
    for _ in range(TIMES):
        (first, second), appeal = filed_and_overturned(at_once)
        assert first is None
        if appeal is None:
            assert "there is nothing to appeal against" in str(second)
        else:
            assert appeal.penalty.status == "imposed"
            assert "its judge decides" in str(second)
    assert broken() is None


def test_control_without_locks_a_penalty_is_overturned_past_an_appeal_that_has_just_come(
    committed_db, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **options: rows.all())
    real, asked, filed = penalising._refuse_while_appealed, threading.Event(), threading.Event()

    def then_wait(penalty: Penalty) -> None:
        real(penalty)
        asked.set()
        filed.wait(timeout=30)

    monkeypatch.setattr(penalising, "_refuse_while_appealed", then_wait)

    def in_between(file: Callable[[], object], overturn: Callable[[], object]) -> list[object]:
        def file_once_asked() -> None:
            asked.wait(timeout=30)
            file()
            filed.set()

        return at_once(file_once_asked, overturn)

    said, appeal = filed_and_overturned(in_between)
    assert said == [None, None]
    assert appeal is not None
    assert f"{appeal.pk} is filed, and penalty {appeal.penalty_id} is overturned" in str(broken())
