"""Many proposals are decided at once, with one reason after a question."""

from __future__ import annotations

import pytest
from django.test import Client

from opsdesk import review
from opsdesk.models import Decision
from rules.models import Proposal
from tests.clients import client_of
from tests.factories import AT, make_enrollment, make_penalty, make_proposal, make_user
from tests.opsdesk.test_proposal_admin import QUEUE

pytestmark = pytest.mark.django_db


def decide(client: Client, action: str, chosen: list[Proposal], **answered: str):
    """First the question, then, where `answered`, the answer."""
    data = {"action": action, "_selected_action": [str(proposal.pk) for proposal in chosen]}
    return client.post(
        QUEUE, data | ({"decide": "1"} | answered if answered else {"index": "0"}), follow=True
    )


def told(answer) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


@pytest.mark.parametrize(
    ("action", "reason", "status"),
    [("accept_selected", "below_bar", "accepted"), ("reject_selected", "thin_evidence", "rejected")],
)
def test_many_are_decided_with_one_reason_after_a_question(action: str, reason: str, status: str) -> None:
    client = client_of()
    chosen = [make_proposal() for _number in range(3)]
    question = decide(client, action, chosen)
    assert question.status_code == 200
    assert "3 proposals" in question.context["title"]
    assert not Decision.objects.exists()
    assert told(decide(client, action, chosen, reason=reason, note="seen")) == ["3 proposals decided."]
    assert set(Proposal.objects.values_list("status", flat=True)) == {status}
    assert set(Decision.objects.values_list("reason", "note")) == {(reason, "seen")}


def test_many_are_decided_in_ones_own_words() -> None:
    client = client_of()
    chosen = [make_proposal()]
    without = decide(client, "reject_selected", chosen, reason="other", note="")
    assert without.context["form"].errors["note"]
    decide(client, "reject_selected", chosen, reason="other", note="the shop has moved")
    assert Decision.objects.values_list("reason", "note").get() == ("other", "the shop has moved")


def test_those_that_others_decided_meanwhile_stay_and_are_counted() -> None:
    client = client_of()
    mine, theirs = make_proposal(), make_proposal()
    review.reject(theirs.pk, by=make_user(), reason="recovered", at=AT)
    answer = decide(client, "accept_selected", [mine, theirs], reason="below_bar")
    assert told(answer) == [
        "1 proposal decided.",
        "1 had already been decided or withdrawn, and stays so.",
    ]
    assert Proposal.objects.get(pk=theirs.pk).status == "rejected"


def test_those_that_are_refused_are_counted_with_why() -> None:
    client = client_of()
    barred = make_enrollment(state="applied")
    make_penalty(barred.shop, violation_code="V2")
    answer = decide(client, "accept_selected", [make_proposal(barred, kind="admit")], reason="qualifies")
    (message,) = told(answer)
    assert message.startswith("1 was refused: ")
    assert not Decision.objects.exists()


def test_whoever_may_only_look_is_not_offered_the_actions_and_cannot_run_them() -> None:
    client = client_of("auditor")
    proposal = make_proposal()
    assert "accept_selected" not in client.get(QUEUE).content.decode()
    decide(client, "accept_selected", [proposal], reason="below_bar")
    assert Proposal.objects.get().status == "open"
