"""What was taken back is called off on the platform, or to be undone there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from opsdesk import appeals, audit, dashboard, execution, penalising, review
from opsdesk.models import Decision
from rules import casework
from rules.models import Proposal
from shops.errors import Refused
from shops.models import Alliance, Measure, Penalty
from tests.clients import client_of
from tests.factories import (
    AT,
    DOUYIN,
    make_appeal,
    make_enrollment,
    make_imposed,
    make_penalty,
    make_proposal,
    make_user,
)
from tests.opsdesk.test_resting import barred_by, family
from tests.product_proposals import make_product_proposal

pytestmark = pytest.mark.django_db

LATER = AT + timedelta(days=2)
LIST = "/admin/opsdesk/decision/"


def cleared(execution_so_far: str = "to_do") -> Decision:
    """A clearance that was accepted, and what the platform has done of it."""
    return as_far_as(review.accept(make_proposal().pk, by=None, reason="below_bar", at=AT), execution_so_far)


def as_far_as(decision: Decision, execution_so_far: str) -> Decision:
    if execution_so_far == "failed":
        execution.record(decision.pk, outcome="failed", by=None, note="page was down")
    elif execution_so_far == "done":
        execution.record(decision.pk, outcome="done", by=None, on=AT.date(), reference="DY-7")
    return fresh(decision)


def fresh(decision: Decision) -> Decision:
    return Decision.objects.get(pk=decision.pk)


def granted(penalty: Penalty) -> None:
    judge = make_user("appeals_officer")
    appeal = make_appeal(penalty)
    appeals.take(appeal.pk, by=judge, at=LATER)
    appeals.grant(appeal.pk, by=judge, at=LATER, reason="wrong")


def overturned(penalty: Penalty) -> None:
    penalising.overturn(penalty, by=make_user("appeals_officer"), at=LATER, reason="wrong")


def undone(decision: Decision) -> Decision:
    return execution.record(decision.pk, outcome="done", by=None, on=LATER.date(), reference="DY-8")


@pytest.mark.parametrize("undo", [granted, overturned])
@pytest.mark.parametrize(
    ("before", "after"), [("to_do", "called_off"), ("failed", "called_off"), ("done", "to_undo")]
)
def test_what_was_overturned_is_called_off_or_to_be_undone(before: str, after: str, undo) -> None:
    decision = cleared(before)
    undo(decision.proposal.penalty)
    decision = fresh(decision)
    assert decision.execution == after
    newest, previous = decision.history.order_by("-history_id")[:2]
    assert (previous.execution, newest.execution, newest.history_change_reason) == (before, after, after)
    assert newest.history_user == Penalty.objects.get(pk=decision.proposal.penalty_id).ended_by
    assert audit.verify_decisions() is None


def test_a_product_that_was_stopped_wrongly_is_to_be_promoted_there_again() -> None:
    stop = review.accept(make_product_proposal().pk, by=None, reason="below_bar", at=AT)
    as_far_as(stop, "done")
    overturned(stop.proposal.penalty)
    assert fresh(stop).execution == "to_undo"


def test_a_product_that_is_resumed_calls_nothing_off() -> None:
    stop = make_product_proposal()
    decision = as_far_as(review.accept(stop.pk, by=None, reason="below_bar", at=AT), "done")
    resume = make_product_proposal(stop.product.listings.get(), kind="resume")
    review.accept(resume.pk, by=None, reason="qualifies", at=LATER)
    assert fresh(decision).execution == "done"
    assert execution.taken_back(fresh(decision)) == []


def test_with_a_case_falls_what_the_platform_did_to_the_controllers_other_shops() -> None:
    first, second = family()
    case = barred_by(first)
    done, waiting = Decision.objects.filter(proposal__case=case).order_by("pk")
    as_far_as(done, "done")
    overturned(case)
    assert [fresh(one).execution for one in (done, waiting)] == ["to_undo", "called_off"]
    assert {done.proposal.shop, waiting.proposal.shop} == {second}


def test_what_rests_on_nothing_that_fell_is_done_as_decided() -> None:
    kept, fallen = cleared(), cleared()
    overturned(fallen.proposal.penalty)
    assert (fresh(kept).execution, fresh(fallen).execution) == ("to_do", "called_off")


# A part is taken back


def penalised(*measures: Measure, execution_so_far: str) -> Decision:
    """A reported case that was accepted with a clearance and these measures."""
    enrollment = make_enrollment()
    make_penalty(enrollment.shop, violation_code="V1", status="reported")
    casework.file_from_facts(at=AT)
    clear = Measure(kind="clear", alliance=Alliance.objects.get(code=DOUYIN))
    decision = penalising.accept(
        Proposal.objects.get(), measures=[clear, *measures], reason="as found", by=None, at=AT
    )
    return as_far_as(decision, execution_so_far)


def part_taken_back(decision: Decision, kind: str) -> None:
    penalty = decision.proposal.penalty
    assert penalty is not None
    judge = make_user("appeals_officer")
    penalising.undo_measures(
        penalty, [penalty.measures.get(kind=kind)], by=judge, at=LATER, reason="too much"
    )


@pytest.mark.parametrize(
    ("other", "taken_back", "before", "after"),
    [
        ("warning", "clear", "to_do", "called_off"),
        ("warning", "clear", "done", "to_undo"),
        ("score", "clear", "to_do", "to_do"),
        ("score", "clear", "done", "to_undo"),
        # What the desk alone keeps on record.
        ("score", "score", "done", "done"),
    ],
)
def test_a_clearance_that_is_taken_back_as_a_part(
    other: str, taken_back: str, before: str, after: str
) -> None:
    score = "0.50" if other == "score" else None
    decision = penalised(Measure(kind=other, score=score), execution_so_far=before)
    part_taken_back(decision, taken_back)
    assert fresh(decision).execution == after
    assert audit.verify_decisions() is None


def test_what_was_undone_in_part_is_to_be_undone_once_more_where_the_rest_falls() -> None:
    decision = penalised(Measure(kind="restrict_live"), execution_so_far="done")
    part_taken_back(decision, "clear")
    assert undone(decision).execution == "undone"
    penalising.overturn(
        decision.proposal.penalty, by=None, at=LATER + timedelta(days=1), reason="wrong altogether"
    )
    assert fresh(decision).execution == "to_undo"


# Recorded


def test_nothing_is_recorded_of_what_was_called_off() -> None:
    decision = cleared()
    overturned(decision.proposal.penalty)
    for outcome in ("done", "failed"):
        with pytest.raises(Refused, match=rf"called off: penalty {decision.proposal.penalty} was taken back"):
            execution.record(decision.pk, outcome=outcome, by=None, on=LATER.date(), note="n")


def test_what_the_platform_has_undone_is_recorded_once() -> None:
    decision = cleared("done")
    overturned(decision.proposal.penalty)
    decision = undone(decision)
    assert (decision.execution, decision.executed_on) == ("undone", LATER.date())
    assert decision.execution_reference == "DY-8"
    # When it had been done, history says.
    assert decision.history.order_by("-history_id")[1].executed_on == AT.date()
    with pytest.raises(Refused, match="already recorded as undone"):
        undone(decision)


def test_what_the_platform_could_not_undo_is_still_to_be_undone() -> None:
    decision = cleared("done")
    overturned(decision.proposal.penalty)
    with pytest.raises(Refused, match="why it failed"):
        execution.record(decision.pk, outcome="failed", by=None, note=" ")
    failed = execution.record(decision.pk, outcome="failed", by=None, note="page was down")
    assert (failed.execution, failed.execution_note) == ("to_undo", "page was down")
    assert (failed.executed_on, failed.execution_reference) == (AT.date(), "DY-7")
    assert (undone(decision).execution, fresh(decision).execution_note) == ("undone", "")


@pytest.mark.parametrize("state", ["to_undo", "undone"])
def test_the_database_knows_that_only_what_was_done_is_undone(state: str) -> None:
    decision = cleared()
    with (
        pytest.raises(IntegrityError, match="opsdesk_decision_done_has_a_date"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE opsdesk_decision SET execution = %s WHERE id = %s", [state, decision.pk])


@pytest.mark.parametrize(
    ("state", "overturn", "says"),
    [
        ("to_do", True, "is to_do on the platform, though its penalty was overturned"),
        ("called_off", False, "is called_off on the platform, though nothing of it was taken back"),
    ],
)
def test_verify_finds_what_does_not_follow(state: str, overturn: bool, says: str) -> None:
    decision = cleared()
    if overturn:
        overturned(decision.proposal.penalty)
    Decision.objects.filter(pk=decision.pk).update(execution=state)
    assert says in (audit.verify_decisions() or "")


# Shown


def test_what_is_to_be_undone_stands_among_the_decisions_to_execute() -> None:
    to_do, to_undo, called_off = cleared(), cleared("done"), cleared()
    for decision in (to_undo, called_off):
        overturned(decision.proposal.penalty)
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
        answer = client.get(LIST, {"execution__exact": value})
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
def test_a_decisions_page_says_that_it_was_overturned_and_what_follows(
    language: str, before: str, says: str
) -> None:
    decision = cleared(before)
    overturned(decision.proposal.penalty)
    page = client_of(language=language).get(f"{LIST}{decision.pk}/change/").content.decode()
    assert ("This decision was overturned on" in page) == (language == "en")
    assert says in page and decision.proposal.penalty.case_number in page
    address = reverse("admin:opsdesk_decision_execution", args=[decision.pk])
    assert (address in page) == (before == "done")


def test_a_decisions_page_names_what_was_taken_back_as_a_part() -> None:
    decision = penalised(Measure(kind="restrict_live"), execution_so_far="to_do")
    part_taken_back(decision, "clear")
    page = client_of().get(f"{LIST}{decision.pk}/change/").content.decode()
    assert "A part of this decision was taken back" in page and "out of opening 1" in page
    assert "as decided" in page


def test_a_decisions_page_warns_where_something_else_keeps_the_shop_out() -> None:
    decision = cleared("done")
    make_imposed(
        decision.proposal.shop,
        Measure(kind="warning"),
        ground="judgement",
        alliance=decision.proposal.alliance,
        reason="unsuitable",
    )
    overturned(decision.proposal.penalty)
    assert any("All the same the shop is not in" in line for line in execution.taken_back(fresh(decision)))


def test_the_form_says_that_something_is_to_be_undone_and_records_it() -> None:
    decision, client = cleared("done"), client_of()
    overturned(decision.proposal.penalty)
    address = reverse("admin:opsdesk_decision_execution", args=[decision.pk])
    assert "To be undone, as it was taken back" in client.get(address).content.decode()
    client.post(address, {"outcome": "done", "on": "2026-03-14", "reference": "T-9"})
    assert fresh(decision).execution == "undone"
    history = client.get(reverse("admin:opsdesk_decision_history", args=[decision.pk])).content.decode()
    assert "to undo" in history and "undone" in history
