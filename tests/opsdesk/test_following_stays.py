"""While a penalty is stayed, what goes on of it is to be paused on the platform; after, to be resumed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine

from opsdesk import appeals, audit, execution, pausing, penalising
from opsdesk.models import Appeal, Execution
from shops import standing
from shops.errors import Refused
from shops.models import Measure, Penalty
from tests.factories import AT, make_user
from tests.opsdesk.executing import (
    LATER,
    PAUSED_ON,
    STAYED_AT,
    brought,
    by_hand,
    cleared,
    denied,
    fresh,
    granted,
    granted_in_part,
    lifted,
    overturned,
    part_taken_back,
    paused,
    penalised,
    stayed,
    undone,
    unstayed,
    withdrawn,
)

pytestmark = pytest.mark.django_db


def test_what_lasts_is_to_be_paused_there_once_its_penalty_is_stayed() -> None:
    asked = by_hand(Measure(kind="restrict_live"), Measure(kind="points", points=4), so_far="done")
    stayed(asked.penalty)
    asked = fresh(asked)
    assert (asked.state, asked.turn, asked.asked_at, asked.stay_at) == ("done", "to_pause", AT, STAYED_AT)
    assert pausing.what(asked) == ["Live selling is restricted"]
    assert [asked] == list(Execution.objects.waiting()) == list(Execution.objects.to_pause())
    assert not Execution.objects.to_go_on().exists()
    assert audit.verify_decisions() is None


@pytest.mark.parametrize("so_far", ["to_do", "failed"])
def test_what_is_not_done_is_not_to_be_done_while_it_is_stayed(so_far: str) -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far=so_far)
    stayed(asked.penalty)
    asked = fresh(asked)
    assert (asked.state, asked.turn) == (so_far, None)
    assert "nothing of it is to be done" in pausing.told(asked)
    assert not Execution.objects.waiting().exists()
    with pytest.raises(Refused, match="Nothing of it goes on"):
        pausing.record(asked.pk, outcome="done", by=None, on=PAUSED_ON)


def test_what_was_done_although_it_was_stayed_is_to_be_paused() -> None:
    asked = by_hand(Measure(kind="restrict_live"))
    stayed(asked.penalty)
    execution.record(asked.pk, outcome="done", by=None, on=PAUSED_ON)
    assert fresh(asked).turn == "to_pause"


def test_what_is_done_once_and_for_all_has_nothing_to_pause() -> None:
    asked = cleared("done")
    stayed(asked.penalty)
    asked = fresh(asked)
    assert (asked.turn, asked.asked_at, pausing.told(asked)) == (None, AT, "")
    with pytest.raises(Refused, match="Nothing of it goes on"):
        pausing.record(asked.pk, outcome="done", by=None, on=PAUSED_ON)


def test_a_closing_for_good_is_to_be_paused_like_what_ends() -> None:
    asked = by_hand(Measure(kind="close"), so_far="done")
    stayed(asked.penalty)
    assert standing.standing(asked.shop, LATER).status == "normal"
    assert [fresh(asked)] == list(Execution.objects.to_pause())
    assert fresh(asked).turn == "to_pause"


def test_what_a_file_brought_is_to_be_paused_there_as_a_whole() -> None:
    penalty = brought(points="4")
    Penalty.objects.filter(pk=penalty.pk).update(ends_at=LATER + timedelta(days=9))
    with time_machine.travel(STAYED_AT):
        appeal = stayed(Penalty.objects.get(pk=penalty.pk))
        asked = Execution.objects.get()
        assert (asked.penalty, asked.state, asked.turn) == (penalty, "done", "to_pause")
        assert (pausing.what(asked), list(Execution.objects.to_pause())) == ([], [asked])
        pausing.record(asked.pk, outcome="done", by=None, on=PAUSED_ON)
        unstayed(appeal)
        assert fresh(asked).turn == "to_go_on"
        assert audit.verify_decisions() is None
    with time_machine.travel(LATER + timedelta(days=10)):
        assert fresh(asked).turn is None
        assert not Execution.objects.to_go_on().exists()


@pytest.mark.parametrize("so_far", ["to_undo", "not undone"])
def test_a_stay_asks_for_its_pause_whatever_is_to_be_undone_first(so_far: str) -> None:
    asked = by_hand(Measure(kind="restrict_live"), Measure(kind="points", points=4), so_far="done")
    part_taken_back(asked, "points")
    if so_far == "not undone":
        execution.record(asked.pk, outcome="failed", by=None, note="page was down")
    stayed(asked.penalty)
    asked = fresh(asked)
    assert (asked.state, asked.turn, asked.asked_at, asked.stay_at) == (
        "to_undo",
        "to_pause",
        LATER,
        STAYED_AT,
    )
    assert (execution.what(asked), pausing.what(asked)) == (
        ["4 points on the platform until 11 Mar 2027, 00:00"],
        ["Live selling is restricted"],
    )
    pausing.record(asked.pk, outcome="done", by=None, on=LATER.date())
    assert (fresh(asked).state, fresh(asked).turn) == ("to_undo", None)


def test_what_has_run_out_is_not_asked_for_although_the_timer_has_not_come_yet() -> None:
    asked = by_hand(Measure(kind="restrict_live", ends_at=AT + timedelta(hours=36)), so_far="done")
    with time_machine.travel(STAYED_AT):
        stayed(asked.penalty)
        assert fresh(asked).turn == "to_pause"
    with time_machine.travel(LATER):
        assert fresh(asked).turn is None
        assert not Execution.objects.waiting().exists()


@pytest.mark.parametrize("end", [unstayed, denied, withdrawn])
def test_what_is_paused_is_to_go_on_once_the_stay_ends(end: Callable[[Appeal], None]) -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    appeal = paused(asked)
    assert (fresh(asked).turn, fresh(asked).paused_on) == (None, PAUSED_ON)
    end(appeal)
    asked = fresh(asked)
    assert (asked.turn, asked.asked_at, asked.stay_at) == ("to_go_on", AT, LATER)
    assert [asked] == list(Execution.objects.waiting()) == list(Execution.objects.to_go_on())
    pausing.record(asked.pk, outcome="done", by=make_user("operator"), on=LATER.date())
    asked = fresh(asked)
    assert (asked.turn, asked.paused_on, asked.resumed_on) == (None, PAUSED_ON, LATER.date())
    assert asked.stay_at is None
    # The record of the doing is as it was.
    assert (asked.executed_on, asked.executed_by, asked.reference) == (AT.date(), None, "DY-7")
    assert not Execution.objects.waiting().exists()
    assert audit.verify_decisions() is None


@pytest.mark.parametrize("end", [unstayed, denied, withdrawn])
def test_what_was_never_paused_has_nothing_to_go_on_with(end: Callable[[Appeal], None]) -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    end(stayed(asked.penalty))
    assert fresh(asked).turn is None
    assert not Execution.objects.waiting().exists()


@pytest.mark.parametrize("undo", [granted, overturned])
def test_what_is_paused_and_then_overturned_is_to_be_undone_and_no_more(undo) -> None:
    asked = by_hand(Measure(kind="restrict_live"), Measure(kind="points", points=4), so_far="done")
    appeal = paused(asked)
    if undo is granted:
        judge = make_user("appeals_officer")
        appeals.take(appeal.pk, by=judge, at=LATER)
        appeals.grant(appeal.pk, reason="wrong", by=judge, at=LATER)
    else:
        withdrawn(appeal)
        undo(asked.penalty)
    assert (fresh(asked).state, fresh(asked).turn) == ("to_undo", None)
    asked = undone(asked)
    assert (fresh(asked).state, fresh(asked).turn, fresh(asked).is_paused) == ("undone", None, False)
    assert not Execution.objects.waiting().exists()
    assert audit.verify_decisions() is None


def test_what_is_left_of_what_was_paused_is_to_go_on_beside_what_is_to_be_undone() -> None:
    asked = by_hand(Measure(kind="restrict_live"), Measure(kind="points", points=4), so_far="done")
    granted_in_part(paused(asked), "points")
    asked = fresh(asked)
    assert (asked.state, asked.turn) == ("to_undo", "to_go_on")
    assert pausing.told(asked).startswith("Paused since 12 Mar 2026, and the stay has ended")
    asked = fresh(undone(asked))
    assert (asked.state, asked.turn) == ("undone", "to_go_on")
    pausing.record(asked.pk, outcome="done", by=None, on=LATER.date())
    assert (fresh(asked).state, fresh(asked).turn, fresh(asked).is_paused) == ("undone", None, False)
    assert audit.verify_decisions() is None


def test_a_part_that_was_paused_and_is_undone_has_nothing_to_go_on_with() -> None:
    asked = by_hand(Measure(kind="restrict_live"), Measure(kind="points", points=4), so_far="done")
    granted_in_part(paused(asked), "restrict_live")
    assert fresh(undone(asked)).turn is None


def test_what_runs_out_while_it_is_paused_does_not_go_on() -> None:
    ends = Measure(kind="restrict_live", ends_at=AT + timedelta(hours=36))
    asked = by_hand(ends, Measure(kind="points", points=4), so_far="done")
    with time_machine.travel(STAYED_AT):
        appeal = paused(asked)
        assert fresh(asked).is_paused
    with time_machine.travel(LATER):
        penalising.run_timers(LATER)
        unstayed(appeal)
        assert (fresh(asked).turn, fresh(asked).is_paused) == (None, False)
    assert audit.verify_decisions() is None


def test_what_is_lifted_while_it_is_paused_is_to_be_lifted_there_as_well() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    paused(asked)
    lifted(Penalty.objects.get(pk=asked.penalty_id))
    assert (fresh(asked).state, fresh(asked).turn) == ("to_undo", None)
    assert audit.verify_decisions() is None


def test_stayed_anew_before_it_went_on_it_is_still_paused() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    appeal = paused(asked)
    unstayed(appeal)
    appeals.stay(appeal.pk, reason="doubts", by=make_user("supervisor"), at=LATER + timedelta(hours=1))
    assert (fresh(asked).turn, fresh(asked).paused_on) == (None, PAUSED_ON)


def test_a_clearance_pauses_what_it_restricts_beside_it() -> None:
    asked = penalised(Measure(kind="restrict_live"), so_far="done")
    stayed(asked.penalty)
    assert pausing.what(fresh(asked)) == ["Live selling is restricted"]
