"""What was recorded of the platform by mistake is taken back, and only that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.urls import reverse

from opsdesk import audit, correcting, execution, pausing, penalising
from opsdesk.models import Execution
from shops.errors import Refused
from shops.models import Measure
from shops.rights import NotAllowed
from tests.clients import client_of
from tests.factories import AT, make_user
from tests.opsdesk.executing import (
    LATER,
    PAUSED_ON,
    by_hand,
    cleared,
    fresh,
    overturned,
    paused,
    stayed,
    undone,
    unstayed,
)

pytestmark = pytest.mark.django_db

FIELDS = (*Execution.RECORDED_OF_IT, "asked_at")


def restricted(so_far: str = "to_do") -> Execution:
    return by_hand(Measure(kind="restrict_live"), so_far=so_far)


def to_undo() -> Execution:
    asked = restricted("done")
    overturned(asked.penalty)
    return fresh(asked)


def to_pause() -> Execution:
    asked = restricted("done")
    stayed(asked.penalty)
    return fresh(asked)


def to_go_on() -> Execution:
    asked = restricted("done")
    unstayed(paused(asked))
    return fresh(asked)


def called_off() -> Execution:
    asked = restricted()
    overturned(asked.penalty)
    return fresh(asked)


def said_of(asked: Execution) -> list[object]:
    return [getattr(asked, name) for name in FIELDS]


def take_back(asked: Execution) -> Execution:
    return correcting.take_back(asked.pk, reason="the wrong row", by=make_user("operator"))


WAITING = [cleared, restricted, to_undo, to_pause, to_go_on]


@pytest.mark.parametrize(
    ("waiting", "outcome"),
    # Of what is called off no failure is recorded.
    [*((waiting, outcome) for waiting in WAITING for outcome in ("done", "failed")), (called_off, "done")],
)
def test_it_is_as_before_and_can_be_recorded_anew(waiting: Callable[[], Execution], outcome: str) -> None:
    asked = waiting()
    before = said_of(asked)

    verb = pausing.record if asked.turn else execution.record

    def record() -> list[object]:
        told = {"on": LATER.date(), "reference": "DY-9", "note": "page was down"}
        return said_of(verb(asked.pk, outcome=outcome, by=None, **told))

    recorded = record()
    assert recorded != before
    assert said_of(take_back(asked)) == before
    assert fresh(asked).history.first().history_change_reason == "record taken back: the wrong row"
    assert record() == recorded
    assert audit.verify_decisions() is None


def test_one_record_after_the_other_is_taken_back_and_each_once() -> None:
    asked = to_pause()
    pausing.record(asked.pk, outcome="done", by=None, on=PAUSED_ON)
    assert (take_back(asked).turn, fresh(asked).paused_on) == ("to_pause", None)
    # What was never done, whatever stay has begun since; or on another day.
    assert (take_back(asked).state, fresh(asked).asked_at) == ("to_do", AT)
    execution.record(asked.pk, outcome="done", by=None, on=AT.date())
    take_back(asked)
    with pytest.raises(Refused, match="Nothing is recorded of it"):
        take_back(asked)


def test_what_was_recorded_anew_is_taken_back_as_well() -> None:
    asked = restricted("done")
    take_back(asked)
    execution.record(asked.pk, outcome="failed", by=None, note="page was down")
    assert (take_back(asked).state, fresh(asked).note) == ("to_do", "")


def test_where_nothing_is_recorded_nothing_is_taken_back() -> None:
    with pytest.raises(Refused, match="Nothing is recorded of it"):
        take_back(restricted())


def test_what_something_was_taken_back_of_since_is_not_taken_back() -> None:
    asked = restricted("done")
    overturned(asked.penalty)
    with pytest.raises(Refused, match="something has come of that"):
        take_back(asked)


def test_a_second_click_takes_nothing_more_back() -> None:
    asked = restricted()
    for _time in range(2):
        execution.record(asked.pk, outcome="failed", by=None, note="page was down")
    seen = execution.looked_at(fresh(asked))
    correcting.take_back(asked.pk, reason="the wrong row", by=make_user("operator"), seen=seen)
    with pytest.raises(Refused, match="is otherwise by now"):
        correcting.take_back(asked.pk, reason="the wrong row", by=make_user("operator"), seen=seen)


def test_whoever_has_seen_another_record_takes_none_back() -> None:
    asked = restricted("done")
    seen = execution.looked_at(asked)
    take_back(asked)
    execution.record(asked.pk, outcome="done", by=None, on=LATER.date())
    with pytest.raises(Refused, match="is otherwise by now"):
        correcting.take_back(asked.pk, reason="the wrong row", by=make_user("operator"), seen=seen)


def test_what_has_run_out_since_is_called_off() -> None:
    ends = Measure(kind="restrict_live", ends_at=AT + timedelta(hours=36))
    asked = by_hand(ends, so_far="done")
    penalising.run_timers(LATER)
    assert take_back(asked).state == "called_off"
    assert audit.verify_decisions() is None


def test_it_takes_a_reason_and_whoever_may_record() -> None:
    asked = restricted("done")
    with pytest.raises(Refused, match="Say why the record is taken back"):
        correcting.take_back(asked.pk, reason=" \x00 ", by=make_user("operator"))
    with pytest.raises(NotAllowed):
        correcting.take_back(asked.pk, reason="the wrong row", by=make_user("auditor"))
    assert fresh(asked).state == "done"


def test_a_resumption_that_is_taken_back_once_the_stay_has_ended_is_asked_for_anew() -> None:
    asked = restricted("done")
    appeal = paused(asked)
    pausing.record(asked.pk, outcome="done", by=None, on=LATER.date())
    unstayed(appeal)
    asked = take_back(asked)
    assert (asked.turn, asked.stay_at is not None) == ("to_go_on", True)
    assert (take_back(asked).turn, fresh(asked).stay_at) == (None, None)


def test_an_undoing_that_is_taken_back_knows_when_it_was_done() -> None:
    asked = undone(to_undo())
    take_back(asked)
    assert (fresh(asked).state, fresh(asked).executed_on) == ("to_undo", AT.date())


def test_its_page_offers_it_while_that_is_so_and_says_what_it_is() -> None:
    asked, client = restricted(), client_of("operator")
    page = reverse("admin:opsdesk_execution_change", args=[asked.pk])
    address = reverse("admin:opsdesk_execution_take_back", args=[asked.pk])
    assert address not in client.get(page).content.decode()
    execution.record(asked.pk, outcome="done", by=make_user("operator"), on=AT.date(), reference="DY-9")
    assert address in client.get(page).content.decode()
    form = client.get(address)
    [(_heading, said)] = form.context["facts"]
    assert said.startswith("done · 11 Mar 2026 · DY-9 · operator")
    sent = {"reason": "the wrong row", "seen": dict(form.context["hidden"])["seen"]}
    assert "The record is taken back" in client.post(address, sent, follow=True).content.decode()
    shown = client.get(page).content.decode()
    assert "to do" in shown and address not in shown
    assert "is otherwise by now" in client.post(address, sent, follow=True).content.decode()


@pytest.mark.parametrize(
    ("waiting", "told"), [(to_pause, "the platform has paused what goes on"), (to_go_on, "resumed")]
)
def test_its_page_says_so_of_a_pause(waiting: Callable[[], Execution], told: str) -> None:
    asked = waiting()
    pausing.record(asked.pk, outcome="done", by=None, on=LATER.date(), reference="DY-9")
    address = reverse("admin:opsdesk_execution_take_back", args=[asked.pk])
    said = client_of("operator").get(address).context["facts"][-1][1]
    assert told in said and "DY-9" in said
