"""The contract of the two addresses: what each answer means, for a browser and for other programs."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from opsdesk.models import Decision
from rules.models import Proposal
from shops.models import Enrollment
from tests.clients import client_of
from tests.factories import AT, make_enrollment, make_proposal, make_user

pytestmark = pytest.mark.django_db


def address(proposal: Proposal | int, verb: str) -> str:
    return f"/admin/rules/proposal/{getattr(proposal, 'pk', proposal)}/{verb}/"


@pytest.mark.parametrize(("verb", "status"), [("accept", "accepted"), ("reject", "rejected")])
def test_a_decision_is_302_to_the_next_open_proposal_of_the_list(verb: str, status: str) -> None:
    client = client_of("operator")
    oldest, middle, newest = make_proposal(), make_proposal(), make_proposal()
    answer = client.post(address(middle, verb), {"reason": "as I see it"})
    assert (answer.status_code, answer["Location"]) == (
        302,
        reverse("admin:rules_proposal_change", args=[oldest.pk]),
    )
    assert Proposal.objects.get(pk=middle.pk).status == status
    answer = client.post(address(oldest, verb), {"reason": "as I see it"})
    assert answer["Location"] == reverse("admin:rules_proposal_change", args=[newest.pk])
    answer = client.post(address(newest, verb), {"reason": "as I see it"})
    assert answer["Location"] == reverse("admin:rules_proposal_changelist")


def test_reason_and_note_arrive_and_the_person_is_told() -> None:
    client = client_of("operator", username="wang")
    answer = client.post(
        address(make_proposal(), "accept"), {"reason": "below_bar", "note": "for weeks"}, follow=True
    )
    decision = Decision.objects.get()
    assert (decision.reason, decision.note, decision.decided_by.username) == (
        "below_bar",
        "for weeks",
        "wang",
    )
    assert any("accepted" in str(message) for message in answer.context["messages"])


@pytest.mark.parametrize("verb", ["accept", "reject"])
@pytest.mark.parametrize("data", [{}, {"reason": ""}, {"reason": " "}, {"note": "a note alone"}])
def test_no_reason_is_400_and_decides_nothing(verb: str, data: dict[str, str]) -> None:
    answer = client_of("operator").post(address(make_proposal(), verb), data)
    assert answer.status_code == 400
    assert "states its reason" in answer.text
    assert not Decision.objects.exists()


@pytest.mark.parametrize("verb", ["accept", "reject"])
@pytest.mark.parametrize("role", ["auditor", "finance", "rules_editor", "appeals_officer", "administrator"])
def test_without_the_right_it_is_403_whatever_else_is_wrong(verb: str, role: str) -> None:
    client, proposal = client_of(role), make_proposal()
    assert client.post(address(proposal, verb), {"reason": "x"}).status_code == 403
    assert client.post(address(proposal, verb)).status_code == 403
    assert client.post(address(2**62, verb), {"reason": "x"}).status_code == 403
    assert not Decision.objects.exists()


@pytest.mark.parametrize("verb", ["accept", "reject"])
@pytest.mark.parametrize("number", [2**62, 10**30])
def test_an_unknown_proposal_is_404(verb: str, number: int) -> None:
    assert client_of("operator").post(address(number, verb), {"reason": "x"}).status_code == 404


@pytest.mark.parametrize("verb", ["accept", "reject"])
@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "patch"])
def test_other_methods_are_405(verb: str, method: str) -> None:
    answer = getattr(client_of("operator"), method)(address(make_proposal(), verb))
    assert answer.status_code == 405


def test_nobody_signed_in_is_sent_to_the_sign_in() -> None:
    answer = Client().post(address(make_proposal(), "accept"), {"reason": "x"})
    assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/admin/login/")


def test_a_request_from_elsewhere_is_403() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user("operator"))
    assert client.post(address(make_proposal(), "accept"), {"reason": "x"}).status_code == 403
    assert not Decision.objects.exists()


def test_a_second_decision_is_409_and_the_page_names_who_what_and_when() -> None:
    proposal = make_proposal()
    client_of("operator", username="wang").post(
        address(proposal, "reject"), {"reason": "thin_evidence", "note": "two <days> only"}
    )
    answer = client_of("operator").post(address(proposal, "accept"), {"reason": "below_bar"})
    when = Decision.objects.get().decided_at
    assert answer.status_code == 409
    for part in ("rejected by wang", str(when.year), "thin evidence", "two &lt;days&gt; only"):
        assert part in answer.text
    assert Enrollment.objects.get().state == "open"


def test_a_withdrawn_proposal_is_409() -> None:
    answer = client_of("operator").post(
        address(make_proposal(status="withdrawn", closed_at=AT), "accept"), {"reason": "below_bar"}
    )
    assert answer.status_code == 409
    assert "withdrawn by the system" in answer.text


def test_what_the_rules_refuse_is_409_and_names_the_rule() -> None:
    proposal = make_proposal(make_enrollment(state="applied", openings=3), kind="admit")
    answer = client_of("operator").post(address(proposal, "accept"), {"reason": "qualifies"})
    assert answer.status_code == 409
    assert "DF-A12" in answer.text
