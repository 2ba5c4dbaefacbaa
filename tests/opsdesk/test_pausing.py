"""While a penalty is stayed, what lasts of it rests on the platform; after, it goes on there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from opsdesk import appeals, audit, dashboard, execution, penalising
from opsdesk.models import Appeal, Execution
from shops.errors import Refused
from shops.models import Measure, Penalty
from tests.clients import client_of
from tests.exporting import taken
from tests.factories import AT, make_appeal, make_imposed, make_shop, make_user
from tests.opsdesk.executing import (
    LATER,
    by_hand,
    cleared,
    fresh,
    granted,
    lifted,
    overturned,
    penalised,
    undone,
)
from tests.opsdesk.test_executions_admin import LIST, record_of, told

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
    execution.record(asked.pk, outcome="done", by=None, on=PAUSED_ON)
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
    assert (asked.state, asked.turn, asked.asked_at) == ("done", "to_pause", STAYED_AT)
    assert execution.what(asked) == ["Live selling is restricted"]
    assert [asked] == list(Execution.objects.waiting()) == list(Execution.objects.to_pause())
    assert not Execution.objects.to_go_on().exists()
    assert audit.verify_decisions() is None


@pytest.mark.parametrize("so_far", ["to_do", "failed"])
def test_what_is_not_done_is_not_to_be_done_while_it_is_stayed(so_far: str) -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far=so_far)
    stayed(asked.penalty)
    asked = fresh(asked)
    assert (asked.state, asked.turn) == (so_far, None)
    assert "nothing of it is to be done" in execution.told_stay(asked)


def test_what_was_done_although_it_was_stayed_is_to_be_paused() -> None:
    asked = by_hand(Measure(kind="restrict_live"))
    stayed(asked.penalty)
    execution.record(asked.pk, outcome="done", by=None, on=PAUSED_ON)
    assert fresh(asked).turn == "to_pause"


def test_what_is_done_once_and_for_all_has_nothing_to_pause() -> None:
    asked = cleared("done")
    stayed(asked.penalty)
    asked = fresh(asked)
    assert (asked.turn, asked.asked_at, execution.told_stay(asked)) == (None, AT, "")
    with pytest.raises(Refused, match="already recorded as done"):
        execution.record(asked.pk, outcome="done", by=None, on=PAUSED_ON)


def test_what_the_platform_imposed_by_itself_is_to_be_paused_there_as_well() -> None:
    penalty = make_imposed(make_shop(), Measure(kind="restrict_live"))
    assert not Execution.objects.exists()
    stayed(penalty)
    asked = Execution.objects.get()
    assert (asked.penalty, asked.state, asked.turn) == (penalty, "done", "to_pause")
    assert asked.executed_on == AT.date()
    assert audit.verify_decisions() is None


@pytest.mark.parametrize("end", [unstayed, denied, withdrawn])
def test_what_is_paused_is_to_go_on_once_the_stay_ends(end: Callable[[Appeal], None]) -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    appeal = paused(asked)
    assert (fresh(asked).turn, fresh(asked).paused_on) == (None, PAUSED_ON)
    end(appeal)
    asked = fresh(asked)
    assert (asked.turn, asked.asked_at) == ("to_go_on", LATER)
    assert [asked] == list(Execution.objects.waiting()) == list(Execution.objects.to_go_on())
    execution.record(asked.pk, outcome="done", by=None, on=LATER.date())
    asked = fresh(asked)
    assert (asked.turn, asked.paused_on, asked.executed_on) == (None, None, AT.date())
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
    assert (fresh(asked).state, fresh(asked).turn) == ("undone", None)
    assert not Execution.objects.waiting().exists()
    assert audit.verify_decisions() is None


def test_what_is_left_of_what_was_paused_goes_on_once_the_rest_is_undone() -> None:
    asked = by_hand(Measure(kind="restrict_live"), Measure(kind="points", points=4), so_far="done")
    granted_in_part(paused(asked), "points")
    asked = fresh(asked)
    assert (asked.state, asked.turn) == ("to_undo", None)
    assert execution.told_stay(asked) == "What lasts of it is paused there since 12 Mar 2026."
    asked = fresh(undone(asked))
    assert (asked.state, asked.turn) == ("undone", "to_go_on")
    execution.record(asked.pk, outcome="done", by=None, on=LATER.date())
    assert (fresh(asked).state, fresh(asked).turn, fresh(asked).paused_on) == ("undone", None, None)
    assert audit.verify_decisions() is None


def test_a_part_that_was_paused_and_is_undone_has_nothing_to_go_on_with() -> None:
    asked = by_hand(Measure(kind="restrict_live"), Measure(kind="points", points=4), so_far="done")
    granted_in_part(paused(asked), "restrict_live")
    assert fresh(undone(asked)).turn is None


def test_what_runs_out_while_it_is_paused_does_not_go_on() -> None:
    ends = Measure(kind="restrict_live", ends_at=AT + timedelta(hours=36))
    asked = by_hand(ends, Measure(kind="points", points=4), so_far="done")
    appeal = paused(asked)
    penalising.run_timers(LATER)
    unstayed(appeal)
    assert fresh(asked).turn is None
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
    execution.record(asked.pk, outcome="failed", by=None, note="page was down")
    assert (fresh(asked).turn, fresh(asked).state) == ("to_pause", "done")
    execution.record(asked.pk, outcome="done", by=None, on=PAUSED_ON, reference="DY-8")
    reasons = list(asked.history.order_by("history_id").values_list("history_change_reason", flat=True))
    assert reasons[-3:] == ["stayed", "not paused", "paused"]
    # Under its own number; without one, that under which it was done stays.
    assert fresh(asked).reference == "DY-8"


def test_what_the_platform_does_not_go_on_with_still_waits() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    unstayed(paused(asked))
    asked = execution.record(asked.pk, outcome="failed", by=None, note="page was down")
    assert (fresh(asked).turn, fresh(asked).paused_on) == ("to_go_on", PAUSED_ON)
    assert fresh(asked).reference == "DY-7"


def test_nothing_is_paused_before_the_stay_nor_goes_on_before_its_end() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    appeal = stayed(asked.penalty)
    with pytest.raises(Refused, match="Nobody asked for it before 12 Mar 2026"):
        execution.record(asked.pk, outcome="done", by=None, on=AT.date())
    execution.record(asked.pk, outcome="done", by=None, on=PAUSED_ON)
    unstayed(appeal)
    with pytest.raises(Refused, match="Nobody asked for it before 13 Mar 2026"):
        execution.record(asked.pk, outcome="done", by=None, on=PAUSED_ON)


def test_who_looked_before_the_stay_began_or_ended_records_nothing() -> None:
    asked = by_hand(Measure(kind="restrict_live"))
    seen = execution.looked_at(fresh(asked))
    appeal = stayed(asked.penalty)
    with pytest.raises(Refused, match="is otherwise by now"):
        execution.record(asked.pk, outcome="done", by=None, on=PAUSED_ON, seen=seen)
    execution.record(asked.pk, outcome="done", by=None, on=PAUSED_ON)
    seen = execution.looked_at(fresh(asked))
    unstayed(appeal)
    with pytest.raises(Refused, match=r"is otherwise by now|already recorded as done"):
        execution.record(asked.pk, outcome="done", by=None, on=LATER.date(), seen=seen)


def test_the_database_knows_that_only_what_was_done_is_paused() -> None:
    asked = by_hand(Measure(kind="restrict_live"))
    with (
        pytest.raises(IntegrityError, match="opsdesk_execution_paused_was_done"),
        transaction.atomic(),
    ):
        Execution.objects.filter(pk=asked.pk).update(paused_on=PAUSED_ON)


def test_verify_finds_a_pause_without_a_stay_and_a_stay_that_nobody_is_told_of() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    Execution.objects.filter(pk=asked.pk).update(paused_on=PAUSED_ON)
    assert "though its penalty was never stayed" in str(audit.verify_decisions())
    Execution.objects.filter(pk=asked.pk).update(paused_on=None)
    penalty = make_imposed(make_shop(), Measure(kind="restrict_live"))
    Penalty.objects.filter(pk=penalty.pk).update(stayed_at=STAYED_AT, first_stayed_at=STAYED_AT)
    assert f"penalty {penalty.pk} is stayed, and" in str(audit.verify_decisions())


# On its pages


def test_its_page_and_form_ask_for_the_pause_and_then_for_going_on() -> None:
    asked, client = by_hand(Measure(kind="restrict_live"), so_far="done"), client_of()
    page = f"{LIST}{asked.pk}/change/"
    appeal = stayed(asked.penalty)
    assert "have what lasts of it paused on the platform" in client.get(page).content.decode()
    form = client.get(record_of(asked))
    assert [label for _value, label in form.context["form"].fields["outcome"].choices] == [
        "paused",
        "not paused",
    ]
    seen = dict(form.context["hidden"])["seen"]
    sent = {"outcome": "done", "on": "2026-03-12", "reference": "", "note": "", "seen": seen}
    assert client.post(record_of(asked), sent).status_code == 302
    assert fresh(asked).paused_on == PAUSED_ON
    assert "is paused there since 12 Mar 2026" in client.get(page).content.decode()
    assert "pill-paused" in client.get(LIST).content.decode()
    unstayed(appeal)
    assert "have the platform go on with what lasts of it" in client.get(page).content.decode()
    form = client.get(record_of(asked))
    assert form.context["form"].fields["on"].label == "Goes on since"


def test_the_list_finds_and_exports_whose_turn_it_is() -> None:
    to_pause = by_hand(Measure(kind="restrict_live"), so_far="done")
    by_hand(Measure(kind="restrict_live"), so_far="done")
    stayed(to_pause.penalty)
    client = client_of()
    for chosen in ("waiting", "to_pause"):
        assert list(client.get(LIST, {"state__exact": chosen}).context["cl"].result_list) == [to_pause]
    assert not client.get(LIST, {"state__exact": "to_go_on"}).context["cl"].result_list
    [cells] = taken(client, f"{LIST}export/", {"state__exact": "to_pause"})
    assert (cells["on the platform"], cells["stayed"]) == ("to pause", "yes")
    assert cells["what is asked"] == "Live selling is restricted"


def test_the_dashboard_counts_what_a_stay_asks_for() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    stayed(asked.penalty)
    state = dashboard.state_of(make_user("operator"), at=LATER)
    assert (state.to_execute, state.for_a_stay, state.oldest_to_execute) == (1, 1, STAYED_AT)


def test_many_are_recorded_together_that_ask_for_the_same() -> None:
    first, second = (by_hand(Measure(kind="restrict_live"), so_far="done") for _one in range(2))
    stayed(first.penalty)
    client = client_of()
    chosen = {"action": "record", "_selected_action": [first.pk, second.pk], "index": "0"}
    assert "Choose what asks for the same" in told(client.post(LIST, chosen, follow=True))[0]
    stayed(second.penalty)
    form = client.post(LIST, chosen)
    sent = {**dict(form.context["hidden"]), "_selected_action": [first.pk, second.pk]}
    client.post(LIST, {**sent, "outcome": "done", "on": "2026-03-12"})
    assert [fresh(one).paused_on for one in (first, second)] == [PAUSED_ON, PAUSED_ON]


def test_a_clearance_pauses_what_it_restricts_beside_it() -> None:
    asked = penalised(Measure(kind="restrict_live"), so_far="done")
    stayed(asked.penalty)
    assert execution.what(fresh(asked)) == ["Live selling is restricted"]
