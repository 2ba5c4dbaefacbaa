"""The list for the platform, and what the platform did."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from opsdesk import dashboard, execution, review, staying
from opsdesk.admin.choosing import AT_ONCE
from opsdesk.models import Execution
from shops.models import Measure
from tests.clients import client_of
from tests.exporting import taken
from tests.factories import AT, make_enrollment, make_imposed, make_proposal, make_shop, make_user
from tests.opsdesk.executing import (
    LATER,
    brought,
    by_hand,
    cleared,
    fresh,
    lifted,
    overturned,
    part_taken_back,
    penalised,
)

pytestmark = pytest.mark.django_db

LIST = "/admin/opsdesk/execution/"


def asked(**values) -> Execution:
    """A clearance of a shop of these values that was accepted."""
    proposal = make_proposal(make_enrollment(make_shop(**values)))
    return review.accept(proposal.pk, by=None, reason="below_bar", at=AT).execution


def record_of(waiting: Execution) -> str:
    return reverse("admin:opsdesk_execution_record", args=[waiting.pk])


def told(answer) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def test_the_list_shows_what_is_still_to_do_and_what_that_is() -> None:
    decided = asked(name="青禾小店")
    imposed = by_hand(Measure(kind="restrict_live"))
    review.reject(make_proposal().pk, by=None, reason="recovered", at=AT)
    answer = client_of().get(LIST, {"state__exact": "to_do"})
    assert set(answer.context["cl"].result_list) == {decided, imposed}
    page = answer.content.decode()
    assert "青禾小店" in page and "out of opening 1" in page and "Live selling is restricted" in page


def test_the_list_asks_no_more_for_many_than_for_one(django_assert_max_num_queries) -> None:
    client = client_of()
    for _number in range(12):
        asked()
        by_hand(Measure(kind="restrict_live"))
    with django_assert_max_num_queries(12):
        client.get(LIST)


def test_the_list_for_the_platform_is_a_spreadsheet_without_formulas() -> None:
    waiting = asked(code="DY-1", name="@SUM(1)")
    [cells] = taken(client_of(), f"{LIST}export/", {"state__exact": "to_do"})
    assert (cells["shop's code"], cells["shop"], cells["kind"]) == ("DY-1", "'@SUM(1)", "clear")
    assert cells["case"] == waiting.penalty.case_number
    assert cells["asked of the platform at"] == "2026-03-11T09:30:00+08:00"
    assert "out of opening 1" in cells["what is asked"]


def test_the_list_for_the_platform_needs_its_own_permission() -> None:
    asked()
    assert client_of("finance").get(f"{LIST}export/").status_code == 403
    assert client_of("auditor").get(f"{LIST}export/").status_code == 200


@pytest.mark.parametrize("quoted", ["DY-1", "青禾", "T-88", "case"])
def test_it_is_found_by_shop_case_and_the_platforms_reference(quoted: str) -> None:
    wanted, _other = asked(code="DY-1", name="青禾小店"), asked()
    Execution.objects.filter(pk=wanted.pk).update(reference="T-88")
    quoted = wanted.penalty.case_number if quoted == "case" else quoted
    assert list(client_of().get(LIST, {"q": quoted}).context["cl"].result_list) == [wanted]


def test_what_the_platform_did_is_recorded_for_one() -> None:
    waiting, client = asked(), client_of()
    page = client.get(reverse("admin:opsdesk_execution_change", args=[waiting.pk])).content.decode()
    assert record_of(waiting) in page
    client.post(record_of(waiting), {"outcome": "done", "on": "2026-03-12", "reference": "T-88"})
    waiting.refresh_from_db()
    assert (waiting.state, str(waiting.executed_on), waiting.reference) == ("done", "2026-03-12", "T-88")
    assert waiting.executed_by == waiting.history.latest().history_user


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"outcome": "done", "on": ""}, "on"),
        ({"outcome": "done", "on": "2026-02-30"}, "on"),
        ({"outcome": "done", "on": "2099-01-01"}, "on"),
        ({"outcome": "failed", "note": " "}, "note"),
        ({}, "outcome"),
    ],
)
def test_an_execution_says_when_or_why_not(data: dict[str, str], field: str) -> None:
    waiting = asked()
    answer = client_of().post(record_of(waiting), data)
    assert field in answer.context["form"].errors
    waiting.refresh_from_db()
    assert waiting.state == "to_do"


def test_what_the_platform_did_is_recorded_for_many_and_refusals_are_counted() -> None:
    client = client_of()
    chosen = [asked(), by_hand(Measure(kind="restrict_live")), asked()]
    client.post(record_of(chosen[2]), {"outcome": "done", "on": "2026-03-12"})
    data = {"action": "record", "_selected_action": [str(one.pk) for one in chosen]}
    question = client.post(LIST, data | {"index": "0"})
    assert question.context["title"] == "Record 3 executions"
    today = timezone.localdate().isoformat()
    answer = client.post(LIST, data | {"record": "1", "outcome": "done", "on": today}, follow=True)
    done, refused = told(answer)
    assert done == "2 recorded."
    assert refused.startswith("1 was refused: ")
    assert Execution.objects.filter(state="done").count() == 3


@pytest.mark.parametrize("role", ["auditor", "finance", "rules_editor"])
def test_whoever_may_only_look_records_nothing(role: str) -> None:
    waiting, client = asked(), client_of(role)
    data = {"outcome": "done", "on": "2026-03-12"}
    assert client.post(record_of(waiting), data).status_code == 403
    action = {"action": "record", "_selected_action": [str(waiting.pk)], "record": "1"}
    client.post(LIST, data | action)
    waiting.refresh_from_db()
    assert waiting.state == "to_do"


def test_recording_many_passes_over_what_never_was() -> None:
    waiting = asked()
    answer = client_of().post(
        LIST,
        {
            "action": "record",
            "record": "1",
            "_selected_action": [waiting.pk, 999_999, "9" * 30],
            "outcome": "done",
            "on": "2026-03-12",
        },
        follow=True,
    )
    assert told(answer) == ["1 recorded."]
    waiting.refresh_from_db()
    assert waiting.state == "done"


def test_decision_penalty_and_proposal_lead_to_it() -> None:
    waiting, client = asked(), client_of()
    address = reverse("admin:opsdesk_execution_change", args=[waiting.pk])
    for page in (
        reverse("admin:opsdesk_decision_change", args=[waiting.decision_id]),
        reverse("admin:shops_penalty_change", args=[waiting.penalty_id]),
        reverse("admin:rules_proposal_change", args=[waiting.decision.proposal_id]),
    ):
        assert address in client.get(page).content.decode(), page


# What was taken back


def test_what_is_to_be_undone_stands_among_what_waits_for_the_platform() -> None:
    to_do, to_undo, called_off = cleared(), cleared("done"), cleared()
    for asked in (to_undo, called_off):
        overturned(asked.penalty)
    state = dashboard.state_of(make_user("operator"), at=LATER)
    assert (state.to_execute, state.to_undo) == (2, 1)
    client = client_of()
    assert "1 to undo" in client.get("/admin/").content.decode()
    for value, found in (
        ("waiting", {to_do, to_undo}),
        ("to_undo", {to_undo}),
        ("called_off", {called_off}),
        ("done", set()),
    ):
        answer = client.get(LIST, {"state__exact": value})
        assert set(answer.context["cl"].result_list) == found


@pytest.mark.parametrize(
    ("language", "before", "says"),
    [
        ("en", "to_do", "Nothing of it is to be done on the platform any more."),
        ("en", "done", "have it undone there"),
        ("zh-hans", "to_do", "已取消"),
        ("zh-hans", "done", "待撤回"),
    ],
)
def test_its_page_says_that_the_penalty_was_overturned_and_what_follows(
    language: str, before: str, says: str
) -> None:
    asked = cleared(before)
    overturned(asked.penalty)
    page = client_of(language=language).get(f"{LIST}{asked.pk}/change/").content.decode()
    assert ("The penalty was overturned on" in page) == (language == "en")
    assert says in page and asked.penalty.case_number in page
    address = reverse("admin:opsdesk_execution_record", args=[asked.pk])
    assert address in page


def test_its_page_names_what_was_taken_back_as_a_part() -> None:
    asked = penalised(Measure(kind="restrict_live"), so_far="to_do")
    part_taken_back(asked, "clear")
    page = client_of().get(f"{LIST}{asked.pk}/change/").content.decode()
    assert "A part of the penalty was taken back or lessened." in page and "out of opening 1" in page
    assert "as decided" in page


def test_its_page_warns_where_something_else_keeps_the_shop_out() -> None:
    asked = cleared("done")
    make_imposed(
        asked.shop,
        Measure(kind="warning"),
        ground="judgement",
        alliance=asked.alliance,
        reason="unsuitable",
    )
    overturned(asked.penalty)
    assert any("All the same the shop is not in" in line for line in execution.taken_back(fresh(asked)))


def test_the_form_says_that_something_is_to_be_undone_and_records_it() -> None:
    asked, client = cleared("done"), client_of()
    overturned(asked.penalty)
    address = reverse("admin:opsdesk_execution_record", args=[asked.pk])
    page = client.get(address)
    assert "To be undone, as it was taken back" in page.content.decode()
    assert [str(label) for _value, label in page.context["form"].fields["outcome"].choices] == [
        "undone",
        "not undone",
    ]
    done = {"outcome": "done", "on": "2026-03-14", "reference": "T-9"}
    stale = client.post(address, done | {"seen": f"{asked.pk}-{'0' * 32}"})
    assert any("is otherwise by now" in message for message in told(stale))
    assert fresh(asked).state == "to_undo"
    client.post(address, done | dict(page.context["hidden"]))
    assert fresh(asked).state == "undone"
    history = client.get(reverse("admin:opsdesk_execution_history", args=[asked.pk])).content.decode()
    assert "to undo" in history and "undone" in history


def test_many_are_recorded_as_done_or_as_undone_and_not_both_at_once() -> None:
    to_do, client = cleared(), client_of()
    to_undo = [cleared("done"), cleared("done")]
    for asked in to_undo:
        overturned(asked.penalty)
    action = {"action": "record", "index": "0"}
    both = client.post(
        LIST, action | {"_selected_action": [to_do.pk, *(one.pk for one in to_undo)]}, follow=True
    )
    assert told(both) == ["These ask for different things: choose what asks for the same."]
    page = client.post(LIST, action | {"_selected_action": [one.pk for one in to_undo]})
    hidden = dict(page.context["hidden"]) | {"_selected_action": [one.pk for one in to_undo]}
    assert hidden["of"] == "to_undo"
    answer = {"outcome": "done", "on": "2026-03-14"}
    seen = hidden["seen"].replace(f"{to_undo[0].pk}-", f"{to_undo[0].pk}-{'0' * 32} ", 1)
    stale = client.post(LIST, hidden | answer | {"seen": seen}, follow=True)
    assert any("is otherwise by now" in message for message in told(stale))
    assert [fresh(one).state for one in to_undo] == ["to_undo", "undone"]
    client.post(LIST, hidden | answer)
    assert [fresh(one).state for one in (to_do, *to_undo)] == ["to_do", "undone", "undone"]


def test_its_page_says_that_the_penalty_was_lifted() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    lifted(asked.penalty)
    page = client_of().get(f"{LIST}{asked.pk}/change/").content.decode()
    assert "The penalty was lifted on" in page and "have it undone there" in page


def test_a_page_and_the_list_say_that_the_penalty_is_stayed() -> None:
    asked, client = by_hand(Measure(kind="restrict_live")), client_of()
    staying.begin(asked.penalty, by=make_user("supervisor"), at=LATER, reason="thin")
    assert "The penalty is stayed" in client.get(f"{LIST}{asked.pk}/change/").content.decode()
    assert "pill-stayed" in client.get(LIST).content.decode()


def test_the_platforms_own_number_of_a_case_is_told_and_finds_it() -> None:
    penalty, client = brought(points="4"), client_of()
    overturned(penalty)
    asked = Execution.objects.get()
    assert "DY-9" in client.get(f"{LIST}{asked.pk}/change/").content.decode()
    assert list(client.get(LIST, {"q": "DY-9"}).context["cl"].result_list) == [asked]
    [cells] = taken(client, f"{LIST}export/", {"state__exact": "to_undo"})
    assert cells["platform's reference"] == "DY-9"


def test_as_many_as_may_be_recorded_at_once_fit_into_a_form() -> None:
    client, chosen = client_of(), [cleared() for _number in range(3)]
    page = client.post(
        LIST, {"action": "record", "_selected_action": [one.pk for one in chosen], "index": "0"}
    )
    names = [name for name, _value in page.context["hidden"] if name != "_selected_action"]
    # Besides those there are the form's own four, and the token.
    assert AT_ONCE + len(names) + 5 <= settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
