"""What was decided, the list for the platform, and what the platform did."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from opsdesk import review
from opsdesk.models import Decision
from tests.clients import client_of
from tests.exporting import taken
from tests.factories import AT, make_enrollment, make_proposal, make_shop, make_user

pytestmark = pytest.mark.django_db

LIST = "/admin/opsdesk/decision/"


def accepted(**values) -> Decision:
    proposal = make_proposal(make_enrollment(make_shop(**values)))
    return review.accept(proposal.pk, by=make_user(), reason="below_bar", at=AT)


def rejected() -> Decision:
    return review.reject(make_proposal().pk, by=make_user(), reason="recovered", at=AT)


def told(answer) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def test_the_list_shows_what_is_still_to_do() -> None:
    to_do = accepted(name="青禾小店")
    rejected()
    answer = client_of().get(LIST, {"execution__exact": "to_do"})
    assert list(answer.context["cl"].result_list) == [to_do]
    assert "青禾小店" in answer.content.decode()


def test_the_list_asks_no_more_for_many_than_for_one(django_assert_max_num_queries) -> None:
    client = client_of()
    for _number in range(12):
        accepted()
    with django_assert_max_num_queries(9):
        client.get(LIST)


def test_the_list_for_the_platform_is_a_spreadsheet_without_formulas() -> None:
    decision = accepted(code="DY-1", name="@SUM(1)")
    [cells] = taken(client_of(), f"{LIST}export/", {"execution__exact": "to_do"})
    assert (cells["shop's code"], cells["shop"], cells["kind"]) == ("DY-1", "'@SUM(1)", "clear")
    assert cells["case"] == decision.proposal.penalty.case_number
    assert cells["decided at"] == "2026-03-11T09:30:00+08:00"


def test_the_list_for_the_platform_needs_its_own_permission() -> None:
    accepted()
    assert client_of("finance").get(f"{LIST}export/").status_code == 403
    assert client_of("auditor").get(f"{LIST}export/").status_code == 200


def test_what_the_platform_did_is_recorded_for_one() -> None:
    decision = accepted()
    client = client_of()
    address = reverse("admin:opsdesk_decision_execution", args=[decision.pk])
    assert (
        address in client.get(reverse("admin:opsdesk_decision_change", args=[decision.pk])).content.decode()
    )
    client.post(address, {"outcome": "done", "on": "2026-03-12", "reference": "T-88"})
    decision.refresh_from_db()
    assert (decision.execution, str(decision.executed_on)) == ("done", "2026-03-12")
    assert (decision.execution_reference, decision.executed_by) == (
        "T-88",
        decision.history.latest().history_user,
    )


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"outcome": "done", "on": ""}, "on"),
        ({"outcome": "done", "on": "2026-02-30"}, "on"),
        ({"outcome": "failed", "note": " "}, "note"),
        ({}, "outcome"),
    ],
)
def test_an_execution_says_when_or_why_not(data: dict[str, str], field: str) -> None:
    decision = accepted()
    answer = client_of().post(reverse("admin:opsdesk_decision_execution", args=[decision.pk]), data)
    assert field in answer.context["form"].errors
    decision.refresh_from_db()
    assert decision.execution == "to_do"


def test_what_the_platform_did_is_recorded_for_many_and_refusals_are_counted() -> None:
    client = client_of()
    chosen = [accepted(), accepted(), rejected()]
    data = {"action": "record_execution", "_selected_action": [str(decision.pk) for decision in chosen]}
    question = client.post(LIST, data | {"index": "0"})
    assert question.context["title"] == "Record 3 decisions"
    today = timezone.localdate().isoformat()
    answer = client.post(LIST, data | {"record": "1", "outcome": "done", "on": today}, follow=True)
    done, refused = told(answer)
    assert done == "2 decisions recorded."
    assert refused.startswith("1 was refused: ")
    assert Decision.objects.filter(execution="done").count() == 2


@pytest.mark.parametrize("role", ["auditor", "finance", "rules_editor"])
def test_whoever_may_only_look_records_nothing(role: str) -> None:
    decision = accepted()
    client = client_of(role)
    address = reverse("admin:opsdesk_decision_execution", args=[decision.pk])
    data = {"outcome": "done", "on": "2026-03-12"}
    assert client.post(address, data).status_code == 403
    action = {"action": "record_execution", "_selected_action": [str(decision.pk)], "record": "1"}
    client.post(LIST, data | action)
    decision.refresh_from_db()
    assert decision.execution == "to_do"


def test_a_verdict_cannot_be_edited_or_deleted_by_anyone() -> None:
    decision = accepted()
    client = client_of("supervisor")
    change = reverse("admin:opsdesk_decision_change", args=[decision.pk])
    assert client.post(change, {"verdict": "rejected"}).status_code == 403
    assert client.post(reverse("admin:opsdesk_decision_delete", args=[decision.pk])).status_code == 403


def test_history_names_people_and_puts_reasons_in_words() -> None:
    decision = accepted()
    page = client_of().get(reverse("admin:opsdesk_decision_history", args=[decision.pk])).content.decode()
    assert "below the bar" in page
    assert decision.decided_by.username in page


def test_recording_many_passes_over_decisions_that_never_were() -> None:
    decision = accepted()
    answer = client_of().post(
        LIST,
        {
            "action": "record_execution",
            "record": "1",
            "_selected_action": [decision.pk, 999_999, "9" * 30],
            "outcome": "done",
            "on": "2026-03-12",
        },
        follow=True,
    )
    assert told(answer) == ["1 decision recorded."]
    decision.refresh_from_db()
    assert decision.execution == "done"
