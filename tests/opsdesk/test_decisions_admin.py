"""What was decided."""

from __future__ import annotations

import pytest
from django.urls import reverse

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


def test_the_list_shows_what_was_accepted() -> None:
    decision = accepted(name="青禾小店")
    rejected()
    answer = client_of().get(LIST, {"verdict__exact": "accepted"})
    assert list(answer.context["cl"].result_list) == [decision]
    assert "青禾小店" in answer.content.decode()


def test_the_list_asks_no_more_for_many_than_for_one(django_assert_max_num_queries) -> None:
    client = client_of()
    for _number in range(12):
        accepted()
    with django_assert_max_num_queries(9):
        client.get(LIST)


def test_the_list_is_a_spreadsheet_without_formulas() -> None:
    decision = accepted(code="DY-1", name="@SUM(1)")
    [cells] = taken(client_of(), f"{LIST}export/", {"verdict__exact": "accepted"})
    assert (cells["shop's code"], cells["shop"], cells["kind"]) == ("DY-1", "'@SUM(1)", "clear")
    assert cells["case"] == decision.proposal.penalty.case_number
    assert cells["on the platform"] == "to do"
    assert cells["decided at"] == "2026-03-11T09:30:00+08:00"


def test_the_list_needs_its_own_permission() -> None:
    accepted()
    assert client_of("finance").get(f"{LIST}export/").status_code == 403
    assert client_of("auditor").get(f"{LIST}export/").status_code == 200


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
