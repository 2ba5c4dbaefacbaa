from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, ProgrammingError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import translation

from opsdesk import execution, review
from opsdesk.models import Decision, Execution
from opsdesk.reasons import ReasonMissing, resolve
from rules import casework
from rules.models import Proposal, RuleSet
from shops import bars, enrollments
from shops.errors import NotAllowed, Refused
from shops.models import Alliance, Enrollment, Measure, Opening, Penalty
from tests.clients import client_of
from tests.factories import (
    AT,
    DOUYIN,
    WECHAT,
    make_enrollment,
    make_listing,
    make_penalty,
    make_proposal,
    make_shop,
    make_sweep,
    make_user,
)

pytestmark = pytest.mark.django_db


def test_accepting_a_clearance_imposes_a_penalty_that_closes_the_opening() -> None:
    by = make_user("operator")
    proposal = make_proposal()
    decision = review.accept(proposal.pk, by=by, reason="below_bar", note="for weeks", at=AT)
    proposal.refresh_from_db()
    penalty, enrollment = Penalty.objects.get(), Enrollment.objects.get()
    assert (proposal.status, proposal.closed_at, proposal.penalty) == ("accepted", AT, penalty)
    assert (decision.verdict, decision.reason, decision.note) == ("accepted", "below_bar", "for weeks")
    assert (decision.decided_by, decision.decided_at, decision.execution.state) == (by, AT, "to_do")
    assert (penalty.ground, penalty.imposed_by, penalty.reason) == ("metric", by, "for weeks")
    assert penalty.evidence == proposal.evidence
    assert penalty.measures.get().opening == enrollment.openings.get()
    assert enrollment.state == "cleared"
    for record in (proposal, decision, penalty, enrollment, enrollment.openings.get()):
        assert record.history.first().history_user == by


@pytest.mark.parametrize(("language", "words"), [("en", "below the bar"), ("zh-hans", "指标不达标")])
def test_a_penaltys_reason_is_told_in_the_readers_language(language: str, words: str) -> None:
    """Whatever language the person who decided reads."""
    with translation.override("zh-hans"):
        decision = review.accept(make_proposal().pk, by=make_user(), reason="below_bar", at=AT)
    client = Client(headers={"accept-language": language})
    client.force_login(make_user("auditor"))
    penalty = decision.proposal.penalty
    page = client.get(reverse("admin:shops_penalty_change", args=[penalty.pk])).content.decode()
    assert words in page


def test_accepting_an_admission_opens_the_next_opening_and_imposes_nothing() -> None:
    proposal = make_proposal(make_enrollment(state="applied", openings=2), kind="admit")
    decision = review.accept(proposal.pk, by=make_user("operator"), reason="qualifies", at=AT)
    enrollment = Enrollment.objects.get()
    assert (enrollment.state, enrollment.openings_used) == ("open", 3)
    assert (enrollment.openings.get(closed=False).number, decision.execution.state) == (3, "to_do")
    assert not Penalty.objects.exists()


def test_a_fourth_opening_is_refused_and_the_proposal_stays_open() -> None:
    proposal = make_proposal(make_enrollment(state="applied", openings=3), kind="admit")
    with pytest.raises(Refused, match="DF-A12"):
        review.accept(proposal.pk, by=None, reason="qualifies", at=AT)
    proposal.refresh_from_db()
    assert proposal.status == "open"
    assert not Decision.objects.exists()


def test_rejecting_decides_and_changes_nothing_else() -> None:
    proposal = make_proposal()
    decision = review.reject(proposal.pk, by=make_user("operator"), reason="recovered", at=AT)
    proposal.refresh_from_db()
    assert (proposal.status, decision.verdict) == ("rejected", "rejected")
    assert Enrollment.objects.get().state == "open"
    assert not Penalty.objects.exists()


@pytest.mark.parametrize("verb", [review.accept, review.reject])
def test_who_comes_second_is_told_who_decided_what_and_when(verb) -> None:
    proposal = make_proposal()
    review.reject(proposal.pk, by=make_user("operator", username="wang"), reason="recovered", at=AT)
    with (
        translation.override("en"),
        pytest.raises(review.AlreadyDecided, match=r"rejected by wang on 11 Mar 2026, 09:30") as told,
    ):
        verb(proposal.pk, by=make_user("operator"), reason="judgement", at=AT)
    assert told.value.decision == Decision.objects.get()


@pytest.mark.parametrize("status", ["withdrawn", "expired"])
def test_a_proposal_that_is_gone_says_so(status: str) -> None:
    proposal = make_proposal(status=status, closed_at=AT)
    with pytest.raises(review.AlreadyDecided, match=f"{status} by the system") as told:
        review.accept(proposal.pk, by=None, reason="below_bar", at=AT)
    assert told.value.decision is None


def test_a_held_proposal_waits_for_its_release() -> None:
    with pytest.raises(Refused, match="release"):
        review.accept(make_proposal(status="held").pk, by=None, reason="below_bar", at=AT)


def test_a_clearance_of_a_shop_that_has_left_meanwhile_is_refused() -> None:
    proposal = make_proposal()
    enrollments.leave(Enrollment.objects.get(), by=None, at=AT)
    with pytest.raises(Refused, match="not open"):
        review.accept(proposal.pk, by=None, reason="below_bar", at=AT)
    assert not Penalty.objects.exists()


def test_what_the_desk_cannot_carry_out_is_refused() -> None:
    listing = make_listing(alliance_code=DOUYIN)
    for proposal in (
        make_proposal(kind="observe", ground="metric"),
        make_proposal(make_enrollment(listing.product.shop), product=listing.product),
    ):
        with pytest.raises(Refused, match="carry out"):
            review.accept(proposal.pk, by=None, reason="below_bar", at=AT)


def test_accepting_a_clearance_withdraws_a_warning_and_leaves_other_alliances_alone() -> None:
    shop = make_shop()
    clearance = make_proposal(make_enrollment(shop))
    warning = make_proposal(clearance.enrollment, kind="warn", ground="metric")
    elsewhere = make_proposal(make_enrollment(shop, WECHAT))
    review.accept(clearance.pk, by=None, reason="below_bar", at=AT)
    warning.refresh_from_db()
    elsewhere.refresh_from_db()
    assert (warning.status, elsewhere.status) == ("withdrawn", "open")
    newest = warning.history.order_by("-history_id").first()
    assert newest.history_change_reason == f"proposal {clearance.pk} was accepted"


def test_the_database_refuses_a_second_decision_and_the_application_another_verdict() -> None:
    decision = review.reject(make_proposal().pk, by=None, reason="recovered", at=AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        Decision.objects.create(
            proposal=decision.proposal, verdict="rejected", reason="recovered", decided_at=AT
        )
    decision.note = "something else"
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        decision.save()


@pytest.mark.parametrize("role", ["auditor", "finance", "administrator", "rules_editor", None])
def test_who_may_not_decide_decides_nothing(role: str | None) -> None:
    by, proposal = make_user(role), make_proposal()
    for verb in (review.accept, review.reject):
        with pytest.raises(NotAllowed):
            verb(proposal.pk, by=by, reason="judgement", at=AT)
    with pytest.raises(NotAllowed):
        review.file_by_hand(shop=proposal.shop, alliance=proposal.alliance, statement="x", by=by, at=AT)


# Reasons


@pytest.mark.parametrize(
    ("reason", "note", "verdict", "kept"),
    [
        ("below_bar", "", "accepted", ("below_bar", "")),
        ("recovered", " seen ", "rejected", ("recovered", "seen")),
        ("below_bar", "", "rejected", ("other", "below_bar")),
        ("I have seen it", "", "accepted", ("other", "I have seen it")),
        ("I have seen it", "twice", "accepted", ("other", "I have seen it\ntwice")),
        ("other", "my words", "rejected", ("other", "my words")),
        ("a\x00b", "", "rejected", ("other", "ab")),
    ],
)
def test_a_reason_is_a_code_of_the_table_or_somebodys_own_words(
    reason: str, note: str, verdict: str, kept: tuple[str, str]
) -> None:
    assert resolve(reason, note, verdict) == kept


@pytest.mark.parametrize(
    ("reason", "note"), [("", ""), ("  ", ""), ("", "a note alone"), ("other", ""), ("\x00", "")]
)
def test_a_decision_without_a_reason_is_refused(reason: str, note: str) -> None:
    proposal = make_proposal()
    with pytest.raises(ReasonMissing):
        review.accept(proposal.pk, by=None, reason=reason, note=note, at=AT)
    assert not Decision.objects.exists()


# DF-C3: filed by hand


def test_an_operator_files_a_clearance_by_hand_and_it_bars_once_accepted() -> None:
    by = make_user("operator")
    enrollment = make_enrollment()
    proposal = review.file_by_hand(
        shop=enrollment.shop, alliance=enrollment.alliance, statement="unsuitable", by=by, at=AT
    )
    assert (proposal.kind, proposal.ground, proposal.failed_rules) == ("clear", "judgement", ["DF-C3"])
    assert (proposal.filed_by, proposal.filed_on, proposal.sweep) == (by, date(2026, 3, 11), None)
    assert proposal.evidence["statement"] == "unsuitable"
    assert [rule["code"] for rule in proposal.evidence["rules"]] == ["DF-C3"]
    review.accept(proposal.pk, by=by, reason="judgement", at=AT)
    assert Opening.objects.get().cause == "judgement"
    assert bars.barred_shops(enrollment.alliance).get() == enrollment.shop


def test_where_the_rules_name_no_judgement_it_is_filed_without_a_rule() -> None:
    enrollment = make_enrollment(alliance_code=WECHAT)
    proposal = review.file_by_hand(
        shop=enrollment.shop, alliance=enrollment.alliance, statement="unsuitable", by=None, at=AT
    )
    assert (proposal.failed_rules, proposal.evidence["rules"]) == ([], [])


def test_filing_by_hand_takes_a_statement_an_open_shop_and_no_open_clearance() -> None:
    alliance = Alliance.objects.get(code=DOUYIN)
    inside = make_enrollment().shop
    for shop, statement, says in (
        (inside, " ", "says why"),
        (make_shop(), "unsuitable", "not open"),
        (make_enrollment(state="cleared").shop, "unsuitable", "not open"),
        (make_proposal().shop, "unsuitable", "already open"),
    ):
        with pytest.raises(Refused, match=says):
            review.file_by_hand(shop=shop, alliance=alliance, statement=statement, by=None, at=AT)
    assert Proposal.objects.count() == 1


# What the platform did


def asked() -> Execution:
    return review.accept(make_proposal().pk, by=None, reason="below_bar", at=AT).execution


def test_the_platform_failed_first_and_then_did_it() -> None:
    by, waiting = make_user("operator"), asked()
    execution.record(waiting.pk, outcome="failed", by=by, note="page was down")
    day = AT.date() + timedelta(days=1)
    done = execution.record(waiting.pk, outcome="done", by=by, on=day, reference="DY-77")
    assert (done.state, done.executed_on, done.executed_by) == ("done", day, by)
    assert (done.reference, done.note) == ("DY-77", "")
    assert list(done.history.order_by("history_id").values_list("state", flat=True)) == [
        "to_do",
        "failed",
        "done",
    ]


def test_an_execution_that_does_not_add_up_is_refused() -> None:
    waiting = asked()
    for values, says in (
        ({"outcome": "done"}, "on which day"),
        ({"outcome": "failed", "note": " "}, "why it failed"),
        ({"outcome": "to_do"}, "done or failed"),
    ):
        with pytest.raises(Refused, match=says):
            execution.record(waiting.pk, by=None, **values)
    execution.record(waiting.pk, outcome="done", by=None, on=AT.date())
    with pytest.raises(Refused, match="already recorded"):
        execution.record(waiting.pk, outcome="done", by=None, on=AT.date())


def test_a_rejected_proposal_has_nothing_to_execute() -> None:
    decision = review.reject(make_proposal().pk, by=None, reason="recovered", at=AT)
    assert not Execution.objects.exists()
    with pytest.raises(IntegrityError, match="nobody has decided that"), transaction.atomic():
        execution.ask(decision)


def test_recording_an_execution_takes_the_right() -> None:
    with pytest.raises(NotAllowed):
        execution.record(asked().pk, outcome="done", by=make_user("auditor"), on=AT.date())


# What the catalogue leaves open


def asking() -> Proposal:
    """A reported case whose penalty, as the catalogue has it, reduces traffic until a day that is asked."""
    enrollment = make_enrollment(alliance_code=WECHAT)
    case = make_penalty(
        enrollment.shop, violation_code="WS-V1", status="reported", alliance=enrollment.alliance
    )
    casework.file_from_facts(at=AT)
    return Proposal.objects.get(case=case)


def test_a_case_whose_end_is_asked_is_not_accepted_before_somebody_says_it() -> None:
    proposal, by = asking(), make_user("operator")
    with pytest.raises(Refused, match=r"Still to be said: .* \(ends at\)"):
        review.accept(proposal.pk, by=by, reason="violation", at=AT)
    proposal.refresh_from_db()
    assert (proposal.status, proposal.case.status) == ("open", "reported")
    said = [Measure(kind="reduce_room", ends_at=AT + timedelta(days=7))]
    review.accept(proposal.pk, by=by, reason="violation", at=AT, measures=said)
    assert Measure.objects.get().ends_at == AT + timedelta(days=7)


def test_nor_by_its_page_nor_among_many() -> None:
    proposal, client = asking(), client_of("operator")
    page = client.post(reverse("admin:rules_proposal_accept", args=[proposal.pk]), {"reason": "violation"})
    assert (page.status_code, "traffic (ends at)" in page.content.decode()) == (409, True)
    answered = {"action": "accept_selected", "_selected_action": [proposal.pk], "decide": "1"}
    page = client.post(
        reverse("admin:rules_proposal_changelist"), answered | {"reason": "violation"}, follow=True
    )
    assert "1 proposal still needs its measures filled in" in page.content.decode()
    assert Penalty.objects.get().status == "reported"


def test_nor_by_itself_where_rules_are_automatic(caplog: pytest.LogCaptureFixture) -> None:
    wechat = Alliance.objects.get(code=WECHAT)
    rule_set = RuleSet.objects.create(
        alliance=wechat, purpose="clearance", version=9, mode=RuleSet.Mode.AUTOMATIC, in_force_from=AT.date()
    )
    filed = asking()
    Proposal.objects.filter(pk=filed.pk).update(status="withdrawn", closed_at=AT)
    proposal = make_proposal(
        filed.enrollment,
        kind="penalise",
        case=filed.case,
        ground="violation",
        failed_rules=["WS-V1"],
        evidence=filed.evidence,
        sweep=make_sweep(WECHAT),
        rule_set=rule_set,
    )
    with caplog.at_level("INFO"):
        assert review.accept_automatic(proposal.sweep_id, at=AT) == 0
    assert f"proposal {proposal.pk} is not accepted by itself" in caplog.text
    assert "traffic (ends at)" in caplog.text
    assert Proposal.objects.get(pk=proposal.pk).status == "open"
