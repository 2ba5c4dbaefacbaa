"""While a penalty is stayed, what goes on of it rests on the platform; after, it goes on there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.urls import reverse

from opsdesk import appeals, audit, dashboard, execution, pausing, penalising
from opsdesk.models import Appeal, Execution
from opsdesk.story import story
from shops import standing
from shops.errors import NotAllowed, Refused
from shops.models import Measure, Penalty
from tests.clients import client_of
from tests.exporting import taken
from tests.factories import AT, make_appeal, make_imposed, make_shop, make_user
from tests.opsdesk.executing import (
    LATER,
    brought,
    by_hand,
    cleared,
    fresh,
    granted,
    lifted,
    overturned,
    part_taken_back,
    penalised,
    undone,
)
from tests.opsdesk.test_executions_admin import LIST, told

pytestmark = pytest.mark.django_db

# While the appeal is open, which is filed a day after the decision and ruled on at LATER.
STAYED_AT = AT + timedelta(days=1)
PAUSED_ON = STAYED_AT.date()


def stayed(penalty: Penalty) -> Appeal:
    appeal = make_appeal(penalty)
    return appeals.stay(appeal.pk, reason="thin", by=make_user("supervisor"), at=STAYED_AT)


def paused(asked: Execution) -> Appeal:
    """Stayed, and recorded as paused on the platform."""
    appeal = stayed(asked.penalty)
    pausing.record(asked.pk, outcome="done", by=None, on=PAUSED_ON)
    return appeal


def unstayed(appeal: Appeal) -> None:
    appeals.unstay(appeal.pk, reason="seen", by=make_user("supervisor"), at=LATER)


def denied(appeal: Appeal) -> None:
    judge = make_user("appeals_officer")
    appeals.take(appeal.pk, by=judge, at=LATER)
    appeals.deny(appeal.pk, reason="as found", by=judge, at=LATER)


def withdrawn(appeal: Appeal) -> None:
    officer = make_user("appeals_officer")
    appeals.take(appeal.pk, by=officer, at=LATER)
    appeals.withdraw(appeal.pk, reason="its wish", by=officer, at=LATER)


def granted_in_part(appeal: Appeal, kind: str) -> None:
    judge = make_user("appeals_officer")
    appeals.take(appeal.pk, by=judge, at=LATER)
    chosen = [appeal.penalty.measures.get(kind=kind).pk]
    appeals.grant_in_part(appeal.pk, measures=chosen, reason="too much", by=judge, at=LATER)


# Asked


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


# Recorded


def test_what_the_platform_did_not_pause_is_still_to_be_paused_and_history_says_why() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    stayed(asked.penalty)
    asked = pausing.record(asked.pk, outcome="failed", by=None, note="page was down")
    assert (asked.turn, asked.state, asked.pause_note) == ("to_pause", "done", "page was down")
    asked = pausing.record(asked.pk, outcome="done", by=None, on=PAUSED_ON, reference="DY-8")
    reasons = list(asked.history.order_by("history_id").values_list("history_change_reason", flat=True))
    assert reasons[-3:] == ["stayed", "not paused", "paused"]
    assert (asked.reference, asked.pause_reference, asked.pause_note) == ("DY-7", "DY-8", "")


def test_what_the_platform_has_not_resumed_still_waits() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    unstayed(paused(asked))
    asked = pausing.record(asked.pk, outcome="failed", by=None, note="page was down")
    assert (fresh(asked).turn, fresh(asked).paused_on) == ("to_go_on", PAUSED_ON)


def test_why_it_was_not_paused_is_told_no_longer_once_the_stay_ends() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    appeal = stayed(asked.penalty)
    pausing.record(asked.pk, outcome="failed", by=None, note="page was down")
    unstayed(appeal)
    assert (fresh(asked).turn, fresh(asked).pause_note) == (None, "")


def test_what_was_paused_before_the_stay_ended_is_recorded_after_that_and_is_to_go_on() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    unstayed(stayed(asked.penalty))
    with pytest.raises(Refused, match="Nobody asks the platform for that"):
        pausing.record(asked.pk, outcome="failed", by=None, note="page was down")
    asked = pausing.record(asked.pk, outcome="done", by=None, on=PAUSED_ON)
    assert (asked.turn, asked.paused_on) == ("to_go_on", PAUSED_ON)


def test_what_went_on_before_it_was_stayed_anew_is_recorded_after_that_and_is_to_be_paused() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    appeal = paused(asked)
    unstayed(appeal)
    appeals.stay(appeal.pk, reason="doubts", by=make_user("supervisor"), at=LATER + timedelta(hours=1))
    assert fresh(asked).turn is None
    asked = pausing.record(asked.pk, outcome="done", by=None, on=LATER.date())
    assert (asked.turn, asked.is_paused) == ("to_pause", False)
    with pytest.raises(Refused, match="It was not paused again before it was resumed, on 13 Mar 2026"):
        pausing.record(asked.pk, outcome="done", by=None, on=PAUSED_ON)


def test_nothing_is_paused_before_it_was_stayed_nor_resumed_before_it_was_paused() -> None:
    asked = by_hand(Measure(kind="restrict_live"))
    stayed(asked.penalty)
    execution.record(asked.pk, outcome="done", by=None, on=PAUSED_ON)
    with pytest.raises(Refused, match="It was not paused before it was done, on 12 Mar 2026"):
        pausing.record(asked.pk, outcome="done", by=None, on=AT.date())
    with pytest.raises(Refused, match="Say on which day"):
        pausing.record(asked.pk, outcome="done", by=None)
    with pytest.raises(Refused, match="Say why it failed"):
        pausing.record(asked.pk, outcome="failed", by=None, note=" ")
    pausing.record(asked.pk, outcome="done", by=None, on=LATER.date())
    with pytest.raises(Refused, match="It was not resumed before it was paused, on 13 Mar 2026"):
        pausing.record(asked.pk, outcome="done", by=None, on=PAUSED_ON)


def test_what_the_platform_paused_from_the_first_stay_on_is_recorded_also_after_it() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    unstayed(stayed(asked.penalty))
    with pytest.raises(Refused, match="Nobody asked for it before 12 Mar 2026"):
        pausing.record(asked.pk, outcome="done", by=None, on=AT.date())
    for day in (STAYED_AT.date(), LATER.date() + timedelta(days=1)):
        with transaction.atomic():
            assert pausing.record(asked.pk, outcome="done", by=None, on=day).turn == "to_go_on"
            transaction.set_rollback(True)


def test_the_day_of_an_undoing_is_not_that_of_the_doing() -> None:
    asked = by_hand(Measure(kind="restrict_live"), Measure(kind="points", points=4), so_far="done")
    part_taken_back(asked, "points")
    undone(asked)
    asked = fresh(asked)
    assert asked.executed_on == LATER.date()
    stayed(asked.penalty)
    assert pausing.record(asked.pk, outcome="done", by=None, on=PAUSED_ON).paused_on == PAUSED_ON


def test_what_is_done_although_it_is_stayed_is_asked_for_since_it_was_recorded() -> None:
    asked = by_hand(Measure(kind="restrict_live"))
    stayed(asked.penalty)
    with time_machine.travel(LATER, tick=False):
        execution.record(asked.pk, outcome="done", by=None, on=PAUSED_ON)
    assert (fresh(asked).turn, fresh(asked).stay_at) == ("to_pause", LATER)


def test_what_was_never_stayed_is_not_paused() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    with pytest.raises(Refused, match="Nothing of it goes on"):
        pausing.record(asked.pk, outcome="done", by=None, on=PAUSED_ON)


def test_it_takes_whoever_may_record() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    stayed(asked.penalty)
    with pytest.raises(NotAllowed):
        pausing.record(asked.pk, outcome="done", by=make_user("auditor"), on=PAUSED_ON)


def test_who_looked_before_the_stay_began_records_nothing() -> None:
    asked = by_hand(Measure(kind="restrict_live"))
    seen = execution.looked_at(fresh(asked))
    stayed(asked.penalty)
    with pytest.raises(Refused, match="is otherwise by now"):
        execution.record(asked.pk, outcome="done", by=None, on=PAUSED_ON, seen=seen)


def test_who_looked_before_the_stay_ended_records_nothing() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    appeal = stayed(asked.penalty)
    seen = execution.looked_at(fresh(asked))
    unstayed(appeal)
    with pytest.raises(Refused, match="is otherwise by now"):
        pausing.record(asked.pk, outcome="done", by=None, on=PAUSED_ON, seen=seen)


def test_the_database_knows_that_only_what_was_done_is_paused() -> None:
    asked = by_hand(Measure(kind="restrict_live"))
    with (
        pytest.raises(IntegrityError, match="opsdesk_execution_paused_was_done"),
        transaction.atomic(),
    ):
        Execution.objects.filter(pk=asked.pk).update(paused_on=PAUSED_ON)


@pytest.mark.parametrize("paused_on", [None, LATER.date()])
def test_the_database_knows_that_only_what_was_paused_before_is_resumed(paused_on: date | None) -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    with (
        pytest.raises(IntegrityError, match="opsdesk_execution_resumed_was_paused_before"),
        transaction.atomic(),
    ):
        Execution.objects.filter(pk=asked.pk).update(paused_on=paused_on, resumed_on=PAUSED_ON)


def test_verify_finds_a_pause_without_a_stay_and_a_stay_that_nobody_is_told_of() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    Execution.objects.filter(pk=asked.pk).update(paused_on=PAUSED_ON)
    assert "though its penalty was never stayed" in str(audit.verify_decisions())
    Execution.objects.filter(pk=asked.pk).update(paused_on=None)
    penalty = make_imposed(make_shop(), Measure(kind="close"))
    Penalty.objects.filter(pk=penalty.pk).update(stayed_at=STAYED_AT, first_stayed_at=STAYED_AT)
    assert f"penalty {penalty.pk} is stayed, and" in str(audit.verify_decisions())


# On its pages


def page_of(asked: Execution) -> str:
    return client_of().get(f"{LIST}{asked.pk}/change/").content.decode()


def test_its_page_and_form_ask_for_the_pause_and_then_for_going_on() -> None:
    asked, client = by_hand(Measure(kind="restrict_live"), so_far="done"), client_of()
    address = reverse("admin:opsdesk_execution_pause", args=[asked.pk])
    assert address not in page_of(asked)
    appeal = stayed(asked.penalty)
    assert "have it paused on the platform" in page_of(asked) and address in page_of(asked)
    form = client.get(address)
    assert labels_of(form) == ["paused", "not paused"]
    seen = dict(form.context["hidden"])["seen"]
    sent = {"outcome": "done", "on": "2026-03-12", "reference": "", "note": "", "seen": seen}
    assert client.post(address, sent).status_code == 302
    assert fresh(asked).paused_on == PAUSED_ON
    assert "it is paused since 12 Mar 2026" in page_of(asked)
    assert "pill-paused" in client.get(LIST).content.decode()
    unstayed(appeal)
    assert "have the platform resume it" in page_of(asked)
    form = client.get(address)
    assert (labels_of(form), form.context["form"].fields["on"].label) == (
        ["resumed", "not resumed"],
        "Resumed on",
    )


def labels_of(form) -> list[str]:
    return [str(label) for _value, label in form.context["form"].fields["outcome"].choices]


def test_its_case_and_its_story_say_what_the_stay_asks_for() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    appeal = paused(asked)
    unstayed(appeal)
    case = reverse("admin:shops_penalty_change", args=[asked.penalty_id])
    assert "pill-to_go_on" in client_of().get(case).content.decode()
    told_of = [event.what for event in story(asked.shop) if event.record.model is Execution]
    number = asked.penalty.case_number
    assert told_of == [
        f"On the platform, penalise {number}: {state}"
        for state in ("to do", "done", "done; to pause", "done; paused on 12 Mar 2026", "done; to resume")
    ]


def test_a_decision_says_what_the_stay_asks_for() -> None:
    asked = penalised(Measure(kind="restrict_live"), so_far="done")
    stayed(asked.penalty)
    decisions = reverse("admin:opsdesk_decision_changelist")
    assert "pill-to_pause" in client_of().get(decisions).content.decode()
    [cells] = taken(client_of(), f"{decisions}export/", {})
    assert (cells["on the platform"], cells["stay"]) == ("done", "to pause")


def test_decisions_with_a_stay_ask_no_more_for_many_than_for_one(django_assert_max_num_queries) -> None:
    client = client_of()
    for _one in range(4):
        paused(penalised(Measure(kind="restrict_live"), so_far="done"))
    with django_assert_max_num_queries(12):
        assert client.get(reverse("admin:opsdesk_decision_changelist")).content.count(b"pill-paused") == 4


def test_the_list_finds_and_exports_whose_turn_it_is() -> None:
    to_pause = by_hand(Measure(kind="restrict_live"), so_far="done")
    by_hand(Measure(kind="restrict_live"), so_far="done")
    stayed(to_pause.penalty)
    client = client_of()
    for chosen in ("waiting", "to_pause"):
        assert list(client.get(LIST, {"state__exact": chosen}).context["cl"].result_list) == [to_pause]
    assert not client.get(LIST, {"state__exact": "to_go_on"}).context["cl"].result_list
    [cells] = taken(client, f"{LIST}export/", {"state__exact": "to_pause"})
    assert (cells["on the platform"], cells["stay"]) == ("done", "to pause")
    assert cells["what is asked"] == "to pause: Live selling is restricted"


def test_the_file_for_the_platform_says_both_where_something_is_to_be_undone_as_well() -> None:
    asked = by_hand(Measure(kind="restrict_live"), Measure(kind="points", points=4), so_far="done")
    part_taken_back(asked, "points")
    stayed(asked.penalty)
    [cells] = taken(client_of(), f"{LIST}export/", {"state__exact": "to_pause"})
    points = "4 points on the platform until 11 Mar 2027, 00:00"
    assert cells["what is asked"] == f"{points}; to pause: Live selling is restricted"


def test_the_file_for_the_platform_says_that_something_is_stayed_before_it_was_done_or_is_paused() -> None:
    stayed(by_hand(Measure(kind="restrict_live")).penalty)
    paused(by_hand(Measure(kind="restrict_live"), so_far="done"))
    rows = taken(client_of(), f"{LIST}export/", {})
    assert sorted((cells["on the platform"], cells["stay"]) for cells in rows) == [
        ("done", "paused"),
        ("to do", "stayed"),
    ]


def test_the_dashboard_counts_what_a_stay_asks_for() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    stayed(asked.penalty)
    stayed(by_hand(Measure(kind="restrict_live")).penalty)
    state = dashboard.state_of(make_user("operator"), at=LATER)
    # Since the stay began.
    assert (state.to_execute, state.for_a_stay, state.oldest_to_execute) == (1, 1, STAYED_AT)


def test_many_are_recorded_together_that_ask_for_the_same() -> None:
    to_pause, second, was_paused = (
        by_hand(Measure(kind="restrict_live"), so_far="done") for _one in range(3)
    )
    stayed(to_pause.penalty)
    stayed(second.penalty)
    paused(was_paused)
    client = client_of()
    chosen = {"action": "record_pause", "index": "0"}
    both = chosen | {"_selected_action": [to_pause.pk, was_paused.pk]}
    assert "choose what asks for the same" in told(client.post(LIST, both, follow=True))[0]
    none = chosen | {"_selected_action": [was_paused.pk]}
    assert "Nobody asks for that of these" in told(client.post(LIST, none, follow=True))[0]
    # On its own page what was done all the same can be recorded.
    own = client.get(reverse("admin:opsdesk_execution_pause", args=[was_paused.pk])).content.decode()
    assert "only where the platform has done it all the same" in own
    form = client.post(LIST, chosen | {"_selected_action": [to_pause.pk, second.pk]})
    sent = {**dict(form.context["hidden"]), "_selected_action": [to_pause.pk, second.pk]}
    client.post(LIST, {**sent, "outcome": "done", "on": "2026-03-12"})
    assert [fresh(one).is_paused for one in (to_pause, second)] == [True, True]


def test_why_it_was_not_paused_is_told_while_that_is_asked_for() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    stayed(asked.penalty)
    pausing.record(asked.pk, outcome="failed", by=None, note="page was down")
    assert "page was down" in page_of(asked)
    lifted(Penalty.objects.get(pk=asked.penalty_id))
    assert "page was down" not in page_of(asked)


def test_a_clearance_pauses_what_it_restricts_beside_it() -> None:
    asked = penalised(Measure(kind="restrict_live"), so_far="done")
    stayed(asked.penalty)
    assert pausing.what(fresh(asked)) == ["Live selling is restricted"]
