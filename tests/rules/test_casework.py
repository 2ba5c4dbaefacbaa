"""What is filed from the desk's own record: reported cases and standing points."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from opsdesk import consequences, penalising, review
from rules import casework
from rules.models import Proposal
from shops import holds, points
from shops.errors import Refused
from shops.models import Alliance, Enrollment, Measure, Penalty, PointsThreshold, Shop, Violation
from tests.factories import (
    AT,
    DOUYIN,
    WECHAT,
    make_enrollment,
    make_imposed,
    make_penalty,
    make_proposal,
    make_shop,
    make_user,
)
from tests.shops.accounting import paid_in
from tests.shops.importing import bring

pytestmark = pytest.mark.django_db
V8_FEN = 10_000


def penalised(
    shop: Shop, *measures: Measure, code: str = "V8", at=AT, alliance: Alliance | None = None
) -> Penalty:
    return make_imposed(shop, *measures, code=code, alliance=alliance, at=at)


def given(shop: Shop, number: int, at=AT) -> Penalty:
    return penalised(shop, Measure(kind="points", points=number), at=at)


def waiting(**which: object) -> list[Proposal]:
    return list(Proposal.objects.filter(status="open", **which).order_by("pk"))


def test_a_reported_case_is_filed_once_with_what_it_is() -> None:
    case = make_penalty(violation_code="V8", status="reported", reference="DY-1")
    assert casework.file_from_facts(at=AT) == 1
    assert casework.file_from_facts(at=AT) == 0
    [proposal] = waiting()
    assert (proposal.kind, proposal.ground, proposal.case, proposal.alliance) == (
        "penalise",
        "violation",
        case,
        None,
    )
    assert proposal.evidence["case"]["number"] == case.case_number
    assert proposal.history.count() == 1


def test_a_case_that_was_rejected_is_not_proposed_again_and_one_imposed_otherwise_is_withdrawn() -> None:
    rejected, other = (make_penalty(violation_code="V8", status="reported") for _ in range(2))
    casework.file_from_facts(at=AT)
    [first], [second] = waiting(case=rejected), waiting(case=other)
    review.reject(first.pk, by=None, reason="unfounded", at=AT)
    make_imposed(other.shop, Measure(kind="warning"), violation=other.violation, reason="x", case=other)
    assert casework.file_from_facts(at=AT) == 0
    second.refresh_from_db()
    assert (second.status, waiting()) == ("withdrawn", [])
    assert rejected.status == "reported"


def test_a_case_that_its_platform_imposes_after_all_waits_for_nobody_any_longer() -> None:
    make_shop(code="S1")
    headers = "reference,shop,violation,imposed_at,status\n"
    bring("penalties", f"{headers}P1,S1,V8,2026-03-01,reported\n")
    casework.file_from_facts(at=AT)
    bring("penalties", f"{headers}P1,S1,V8,2026-03-05,imposed\n")
    assert casework.file_from_facts(at=AT) == 0
    assert [proposal.status for proposal in Proposal.objects.all()] == ["withdrawn"]


def test_an_accepted_case_becomes_the_penalty_with_what_follows_by_itself() -> None:
    enrollment = make_enrollment()
    paid_in(enrollment.shop, 5_000)
    case = make_penalty(enrollment.shop, violation_code="V4", status="reported")
    casework.file_from_facts(at=AT)
    decision = review.accept(waiting()[0].pk, by=make_user("operator"), reason="violation", at=AT)
    case.refresh_from_db()
    assert (case.status, decision.proposal.penalty) == ("imposed", case)
    assert set(case.measures.values_list("kind", flat=True)) == {"close", "clear", "deduct"}
    assert Enrollment.objects.get().state == "cleared"


def test_what_the_catalogue_leaves_open_is_asked_before_a_case_is_accepted() -> None:
    make_penalty(violation_code="V8", status="reported")
    casework.file_from_facts(at=AT)
    [proposal] = waiting()
    with pytest.raises(Refused, match=r"Still to be said: deduct from the deposit \(amount\)"):
        review.accept(proposal.pk, by=None, reason="violation", at=AT)
    penalising.accept(
        proposal,
        measures=[Measure(kind="points", points=4)],
        reason="as the platform found",
        by=None,
        at=AT,
    )
    assert Penalty.objects.get().status == "imposed"


def test_a_case_that_is_rejected_is_dismissed() -> None:
    case = make_penalty(violation_code="V8", status="reported")
    casework.file_from_facts(at=AT)
    review.reject(waiting()[0].pk, by=make_user("operator"), reason="unfounded", at=AT)
    case.refresh_from_db()
    assert (case.status, case.ended_reason) == ("dismissed", "unfounded")
    assert holds.held_by(case.shop, AT) == []


# Points


def thresholds(*marks: int) -> list[PointsThreshold]:
    return [PointsThreshold.objects.create(points=mark, kinds=["suspend"], days=7) for mark in marks]


def test_only_the_highest_threshold_reached_is_proposed_and_a_lower_one_gives_way() -> None:
    shop = make_shop()
    low, high = thresholds(4, 12)
    given(shop, 4)
    casework.file_from_facts(at=AT)
    assert [one.points_threshold for one in waiting()] == [low]
    given(shop, 8)
    casework.file_from_facts(at=AT)
    [proposal] = waiting()
    assert (proposal.points_threshold, proposal.evidence["points"]["standing"]) == (high, 12)
    assert Proposal.objects.get(points_threshold=low).status == "withdrawn"


@pytest.mark.parametrize(("number", "files"), [(11, 0), (12, 1), (13, 1)])
def test_a_threshold_is_reached_at_its_points(number: int, files: int) -> None:
    thresholds(12)
    given(make_shop(), number)
    assert casework.file_from_facts(at=AT) == files


def test_a_threshold_fires_once_while_its_penalty_stands_and_again_only_for_new_points() -> None:
    shop = make_shop()
    thresholds(4)
    given(shop, 4)
    casework.file_from_facts(at=AT)
    review.accept(waiting()[0].pk, by=None, reason="points_reached", at=AT)
    [imposed] = Penalty.objects.filter(ground="metric")
    assert imposed.measures.get().kind == "suspend"
    given(shop, 4)
    assert casework.file_from_facts(at=AT) == 0
    later = AT + timedelta(days=8)
    penalising.run_timers(later)
    assert [one.evidence["points"]["standing"] for one in waiting()] == [8]
    review.reject(waiting()[0].pk, by=None, reason="thin_evidence", at=later)
    assert casework.file_from_facts(at=later) == 0
    given(shop, 1, at=later)
    assert casework.file_from_facts(at=later) == 1


@pytest.mark.parametrize("kinds", [["warning"], ["restrict_live", "warning"]])
def test_a_threshold_fires_again_once_what_it_brought_is_over(kinds: list[str]) -> None:
    shop = make_shop()
    PointsThreshold.objects.create(points=12, kinds=kinds, days=7 if "restrict_live" in kinds else None)
    penalised(shop, Measure(kind="points", points=12, ends_at=AT + timedelta(days=365)))
    casework.file_from_facts(at=AT)
    review.accept(waiting()[0].pk, by=None, reason="points_reached", at=AT)
    later = AT + timedelta(days=800)
    penalising.run_timers(later)
    assert (waiting(), points.standing_points(shop, None, later)) == ([], 0)
    given(shop, 12, at=later)
    assert casework.file_from_facts(at=later) == 1


def test_a_lower_threshold_does_not_fire_as_points_lapse() -> None:
    shop = make_shop()
    thresholds(4, 8)
    penalised(shop, Measure(kind="points", points=4, ends_at=AT + timedelta(days=10)))
    given(shop, 4)
    casework.file_from_facts(at=AT)
    review.reject(waiting()[0].pk, by=None, reason="thin_evidence", at=AT)
    assert casework.file_from_facts(at=AT + timedelta(days=10)) == 0


@pytest.mark.parametrize("decide", [review.accept, review.reject])
def test_a_lower_threshold_fires_where_the_higher_one_was_reached_by_what_was_taken_back(decide: Any) -> None:
    shop = make_shop()
    low, _high = thresholds(8, 12)
    wrong = given(shop, 4)
    given(shop, 8)
    casework.file_from_facts(at=AT)
    reasons = {review.accept: "points_reached", review.reject: "thin_evidence"}
    decide(waiting()[0].pk, by=None, reason=reasons[decide], at=AT)
    penalising.overturn(wrong, by=None, at=AT, reason="granted")
    assert [one.points_threshold for one in waiting()] == [low]


def test_whoever_accepts_what_points_had_reached_before_more_came_decides_anew_on_all() -> None:
    shop = make_shop()
    thresholds(8)
    given(shop, 8)
    casework.file_from_facts(at=AT)
    given(shop, 4)
    with pytest.raises(consequences.NoLongerHolds, match="its points are others by now"):
        review.accept(waiting()[0].pk, by=None, reason="points_reached", at=AT)
    [proposal] = waiting()
    assert proposal.evidence["points"]["standing"] == 12
    review.accept(proposal.pk, by=None, reason="points_reached", at=AT)
    penalising.run_timers(AT + timedelta(days=8))
    assert waiting() == []


def test_a_rejection_counts_for_all_points_that_stood_by_then() -> None:
    shop = make_shop()
    thresholds(8)
    given(shop, 8)
    casework.file_from_facts(at=AT)
    given(shop, 4)
    casework.file_from_facts(at=AT)
    [proposal] = waiting()
    assert proposal.evidence["points"]["standing"] == 12
    review.reject(proposal.pk, by=None, reason="thin_evidence", at=AT)
    assert casework.file_from_facts(at=AT) == 0
    given(shop, 1)
    assert casework.file_from_facts(at=AT) == 1


def test_points_taken_back_withdraw_what_they_had_reached() -> None:
    shop = make_shop()
    thresholds(4)
    penalty = given(shop, 4)
    casework.file_from_facts(at=AT)
    penalising.overturn(penalty, by=None, at=AT, reason="granted")
    assert (waiting(), points.standing_points(shop, None, AT)) == ([], 0)


def test_points_of_an_alliance_reach_its_own_thresholds_alone() -> None:
    shop, douyin = make_shop(), Alliance.objects.get(code=DOUYIN)
    PointsThreshold.objects.create(alliance=douyin, points=4, kinds=["warning"])
    given(shop, 4)
    assert casework.file_from_facts(at=AT) == 0
    penalised(shop, Measure(kind="points", points=4, alliance=douyin))
    casework.file_from_facts(at=AT)
    assert [one.alliance for one in waiting()] == [douyin]


# Cases that put a shop out


@pytest.mark.parametrize("ground", ["violation", "judgement"])
def test_a_shop_closed_for_good_is_proposed_out_of_where_it_still_is_on_whatever_ground(ground: str) -> None:
    case = make_imposed(make_shop(), Measure(kind="close"), ground=ground)
    # As a file of its platform brings it.
    enrollment = make_enrollment(case.shop)
    casework.file_from_facts(at=AT)
    [proposal] = waiting(kind="clear")
    assert (proposal.enrollment, proposal.failed_rules, proposal.case) == (enrollment, ["CL-1"], case)
    assert proposal.evidence["case"]["number"] == case.case_number


# Doors


def test_closing_a_shop_withdraws_what_was_proposed_of_it_as_one_that_is_in() -> None:
    shop = make_shop()
    proposals = [make_proposal(make_enrollment(shop, code)) for code in (DOUYIN, WECHAT)]
    penalising.impose(
        shop=shop,
        violation=Violation.objects.get(code="V4"),
        measures=[Measure(kind="close")],
        reason="as found",
        by=None,
        at=AT,
        key="k",
    )
    assert {Proposal.objects.get(pk=one.pk).status for one in proposals} == {"withdrawn"}


def test_the_daily_check_files_from_the_record_as_well() -> None:
    from rules import sweeps
    from tests.factories import make_metrics

    case = make_penalty(violation_code="V8", status="reported")
    make_metrics(make_enrollment().shop)
    sweep = sweeps.request(alliance=Alliance.objects.get(code=DOUYIN), by=None, at=AT)
    assert sweeps.run(sweep.pk, at=AT).filed == 0
    assert [one.case for one in waiting()] == [case]
