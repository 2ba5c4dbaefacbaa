"""What a stay asks of the platform, on the pages and in the files that tell it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from opsdesk import dashboard, pausing
from opsdesk.models import Execution
from opsdesk.story import story
from shops.models import Measure, Penalty
from tests.clients import client_of
from tests.exporting import taken
from tests.factories import make_user
from tests.opsdesk.executing import (
    LATER,
    PAUSED_ON,
    STAYED_AT,
    by_hand,
    fresh,
    lifted,
    part_taken_back,
    paused,
    penalised,
    stayed,
    unstayed,
)
from tests.opsdesk.test_executions_admin import LIST, told

pytestmark = pytest.mark.django_db


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
