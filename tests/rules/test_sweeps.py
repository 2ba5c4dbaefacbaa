"""The daily check, through its public verbs."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from rules import exemptions, sweeps
from rules.models import Proposal, Rule, RuleSet, Sweep
from shops import enrollments
from shops.errors import NotAllowed, Refused
from shops.models import Alliance, Enrollment
from tests.factories import (
    AT,
    DAY,
    DOUYIN,
    WECHAT,
    make_enrollment,
    make_metrics,
    make_penalty,
    make_proposal,
    make_published,
    make_qualification,
    make_shop,
    make_user,
)

pytestmark = pytest.mark.django_db


def check(alliance: str = DOUYIN, *, day: date = DAY, at=AT) -> Sweep:
    requested = sweeps.request(alliance=Alliance.objects.get(code=alliance), by=None, at=at, day=day)
    return sweeps.run(requested.pk, at=at)


def inside(alliance: str = DOUYIN, **metrics) -> Enrollment:
    enrollment = make_enrollment(alliance_code=alliance)
    make_metrics(enrollment.shop, **metrics)
    return enrollment


def test_a_shop_below_the_bar_is_proposed_for_clearance_with_its_evidence() -> None:
    enrollment = inside(experience_score="3.49")
    sweep = check()
    proposal = Proposal.objects.get()
    assert (sweep.status, sweep.checked, sweep.failing, sweep.filed) == ("done", 1, 1, 1)
    assert sweep.by_kind == {"clear": 1}
    assert (proposal.shop, proposal.kind, proposal.ground) == (enrollment.shop, "clear", "metric")
    assert proposal.failed_rules == ["DF-C1"]
    assert (proposal.observed, proposal.operator, proposal.threshold) == ("3.49", "<", "3.5")
    assert str(proposal.margin) == "-0.010000"
    rule = next(r for r in proposal.evidence["rules"] if r["code"] == "DF-C1")
    assert rule == {
        "code": "DF-C1",
        "purpose": "clearance",
        "metric": "experience_score",
        "observed": "3.49",
        "operator": "<",
        "threshold": "3.5",
        "outcome": "fails",
        "margin": "-0.01",
        "advisory": False,
    }
    assert proposal.evidence["day"] == DAY.isoformat()
    assert [(s["purpose"], s["version"]) for s in proposal.evidence["rule_sets"]] == [
        ("admission", 1),
        ("clearance", 1),
    ]


def test_each_filed_proposal_has_its_history_row() -> None:
    inside(experience_score="3.49")
    check()
    proposal = Proposal.objects.get()
    record = proposal.history.get()
    assert (record.history_type, record.status, record.evidence) == ("+", "open", proposal.evidence)


def test_checking_twice_on_one_day_files_nothing_new() -> None:
    inside(experience_score="3.49")
    check()
    again = check()
    assert (again.filed, again.already_open, again.withdrawn) == (0, 1, 0)
    assert Proposal.objects.count() == 1


def test_a_finished_check_delivered_again_changes_nothing() -> None:
    inside(experience_score="3.49")
    sweep = check()
    assert sweeps.run(sweep.pk, at=AT).finished_at == sweep.finished_at
    assert Proposal.history.count() == 1


def test_a_shop_that_recovered_has_its_proposal_withdrawn() -> None:
    enrollment = inside(experience_score="3.49")
    check()
    make_metrics(enrollment.shop, DAY + timedelta(days=1), experience_score="3.50")
    sweep = check(day=DAY + timedelta(days=1), at=AT + timedelta(days=1))
    proposal = Proposal.objects.get()
    assert sweep.withdrawn == 1
    assert (proposal.status, proposal.closed_at) == ("withdrawn", AT + timedelta(days=1))
    assert proposal.history.first().status == "withdrawn"


def test_a_day_without_data_neither_clears_nor_withdraws() -> None:
    enrollment = inside(experience_score="3.49")
    check()
    other = inside(experience_score="4.00")
    make_metrics(other.shop, DAY + timedelta(days=1))
    make_metrics(enrollment.shop, DAY + timedelta(days=1), experience_score=None)
    sweep = check(day=DAY + timedelta(days=1), at=AT + timedelta(days=1))
    assert (sweep.withdrawn, sweep.no_data) == (0, 1)
    assert Proposal.objects.get().status == "open"


def test_a_shop_without_metrics_of_the_day_is_no_data_and_never_cleared() -> None:
    make_enrollment(shop=make_shop(shop_type="flagship"))
    inside()
    sweep = check()
    assert (sweep.checked, sweep.no_data, sweep.filed) == (2, 1, 0)


def test_a_proposal_filed_by_hand_is_not_withdrawn_by_a_check() -> None:
    enrollment = inside()
    make_proposal(enrollment, ground="judgement", failed_rules=["DF-C3"], sweep=None)
    assert check().withdrawn == 0


def test_a_shop_that_has_applied_and_qualifies_is_proposed_for_admission() -> None:
    shop = make_shop()
    make_enrollment(shop, state="applied")
    make_metrics(shop)
    sweep = check()
    proposal = Proposal.objects.get()
    assert (proposal.kind, proposal.ground, proposal.failed_rules) == ("admit", "", [])
    assert (sweep.checked, sweep.failing, sweep.by_kind) == (1, 0, {"admit": 1})


def test_a_cleared_shop_that_qualifies_again_is_not_proposed_until_it_applies() -> None:
    shop = make_shop()
    make_enrollment(shop, state="cleared")
    make_metrics(shop)
    assert check().checked == 0


def test_nobody_is_admitted_while_a_clearance_rule_fails() -> None:
    shop = make_shop()
    make_enrollment(shop, state="applied")
    make_metrics(shop, experience_score="3.40")
    assert check().filed == 0


def test_an_admission_is_withdrawn_once_the_shop_no_longer_qualifies() -> None:
    shop = make_shop()
    make_enrollment(shop, state="applied")
    make_metrics(shop)
    check()
    make_metrics(shop, DAY + timedelta(days=1), shop_score="4.10")
    assert check(day=DAY + timedelta(days=1), at=AT + timedelta(days=1)).withdrawn == 1
    assert Proposal.objects.get().status == "withdrawn"


def test_a_rejected_proposal_returns_only_after_the_waiting_time() -> None:
    enrollment = inside(experience_score="3.49")
    make_proposal(enrollment, status="rejected", closed_at=AT)
    for after in range(1, 8):
        make_metrics(enrollment.shop, DAY + timedelta(days=after), experience_score="3.49")
    assert check().filed == 0
    assert check(day=DAY + timedelta(days=6), at=AT + timedelta(days=6)).filed == 0
    assert check(day=DAY + timedelta(days=7), at=AT + timedelta(days=7)).filed == 1


def test_a_rejected_proposal_returns_at_once_when_another_rule_fails() -> None:
    enrollment = make_enrollment(make_shop(shop_type="flagship"))
    make_metrics(enrollment.shop, experience_score="3.49")
    make_proposal(enrollment, status="rejected", closed_at=AT)
    check()
    assert Proposal.objects.get(status="open").failed_rules == ["DF-C1", "DF-C2"]


def test_local_life_shops_are_not_checked_by_wechat() -> None:
    enrollment = make_enrollment(make_shop(category="local-life"), WECHAT)
    make_metrics(enrollment.shop, shop_score="4.00")
    applicant = make_shop(category="local-life")
    make_enrollment(applicant, WECHAT, "applied")
    make_metrics(applicant)
    sweep = check(WECHAT)
    assert (sweep.checked, sweep.filed) == (0, 0)


def test_failing_days_in_a_row_are_counted_from_the_last_day_that_held() -> None:
    enrollment = make_enrollment()
    scores = ["3.40", "3.60", "3.49", None, "3.48", "3.47"]
    for back, score in enumerate(reversed(scores)):
        make_metrics(enrollment.shop, DAY - timedelta(days=back), experience_score=score)
    check()
    assert Proposal.objects.get().failing_since == DAY - timedelta(days=3)


def test_a_shop_in_force_under_older_rules_is_refused_before_the_first_version() -> None:
    with pytest.raises(Refused):
        sweeps.request(alliance=Alliance.objects.get(code=DOUYIN), by=None, at=AT, day=date(2024, 7, 24))


def test_a_check_without_any_metrics_is_refused() -> None:
    with pytest.raises(Refused):
        sweeps.request(alliance=Alliance.objects.get(code=DOUYIN), by=None, at=AT)


def test_a_person_without_the_right_cannot_request_a_check() -> None:
    with pytest.raises(NotAllowed):
        sweeps.request(alliance=Alliance.objects.get(code=DOUYIN), by=make_user("auditor"), at=AT, day=DAY)


def test_pressing_the_button_twice_asks_for_one_check() -> None:
    inside()
    alliance = Alliance.objects.get(code=DOUYIN)
    first = sweeps.request(alliance=alliance, by=None, at=AT)
    assert sweeps.request(alliance=alliance, by=None, at=AT) == first


def test_the_newest_day_with_metrics_is_checked_but_none_of_the_future() -> None:
    shop = make_shop()
    make_metrics(shop, DAY)
    make_metrics(shop, DAY + timedelta(days=5))
    assert sweeps.newest_day(DAY + timedelta(days=1)) == DAY


def test_a_check_that_died_gives_way_to_the_next() -> None:
    inside(experience_score="3.49")
    alliance = Alliance.objects.get(code=DOUYIN)
    dead = sweeps.request(alliance=alliance, by=None, at=AT, day=DAY)
    dead.status = "running"
    dead.save_by(None)
    make_metrics(make_shop(), DAY + timedelta(days=1))
    sweep = check(day=DAY + timedelta(days=1))
    dead.refresh_from_db()
    assert (dead.status, dead.failure, sweep.status) == ("failed", "interrupted", "done")


def test_a_check_that_breaks_files_nothing_and_says_why() -> None:
    inside(experience_score="3.49")
    clearance = RuleSet.objects.get(alliance__code=DOUYIN, purpose="clearance")
    broken = RuleSet.objects.create(
        alliance=clearance.alliance, purpose="clearance", version=2, in_force_from=DAY
    )
    Rule.objects.create(
        rule_set=broken, position=1, code="DF-X1", metric="unheard_of", operator="<", value="1"
    )
    make_published(broken)
    requested = sweeps.request(alliance=clearance.alliance, by=None, at=AT, day=DAY)
    with pytest.raises(Refused):
        sweeps.run(requested.pk, at=AT)
    requested.refresh_from_db()
    assert (requested.status, requested.filed) == ("failed", 0)
    assert "DF-X1" in requested.failure


def exempt(enrollment: Enrollment, code: str, until: date) -> None:
    exemptions.grant(
        shop=enrollment.shop,
        alliance=enrollment.alliance,
        rule_code=code,
        until=until,
        reason="the platform's own incident",
        by=make_user("supervisor"),
        at=AT,
    )


def test_a_shop_exempted_from_a_rule_is_not_cleared_for_it_until_the_date() -> None:
    enrollment = inside(experience_score="3.49")
    make_metrics(enrollment.shop, DAY + timedelta(days=1), experience_score="3.49")
    make_metrics(enrollment.shop, DAY + timedelta(days=2), experience_score="3.49")
    exempt(enrollment, "DF-C1", DAY + timedelta(days=1))
    assert check(day=DAY).filed == 0
    assert check(day=DAY + timedelta(days=1)).filed == 0
    assert check(day=DAY + timedelta(days=2), at=AT + timedelta(days=1)).filed == 1


def test_an_exemption_is_from_one_rule_for_one_shop() -> None:
    enrollment, other = inside(experience_score="3.49"), inside(experience_score="3.49")
    exempt(enrollment, "DF-C2", DAY + timedelta(days=9))
    exempt(other, "DF-C1", DAY + timedelta(days=9))
    check()
    assert Proposal.objects.get().shop == enrollment.shop


def test_an_exemption_withdraws_the_open_proposal_at_the_next_check() -> None:
    enrollment = inside(experience_score="3.49")
    check()
    exempt(enrollment, "DF-C1", DAY + timedelta(days=9))
    assert check().withdrawn == 1


def test_an_exemption_lets_a_candidate_in() -> None:
    shop = make_shop()
    enrollment = make_enrollment(shop, state="applied")
    make_metrics(shop, shop_score="4.00")
    assert check().filed == 0
    exempt(enrollment, "DF-A5", DAY + timedelta(days=9))
    assert check().by_kind == {"admit": 1}


def test_a_barred_shop_is_no_candidate() -> None:
    shop = make_shop()
    make_enrollment(shop, state="applied")
    make_metrics(shop)
    make_penalty(shop, violation_code="V2")
    assert check().checked == 0


def test_two_shops_of_one_kind_in_two_alliances_are_checked_apart() -> None:
    shop = make_shop()
    make_enrollment(shop, DOUYIN)
    make_enrollment(shop, WECHAT)
    make_metrics(shop, shop_score="4.19")
    assert check(DOUYIN).filed == 0
    assert check(WECHAT).filed == 1
    assert Proposal.objects.get().alliance.code == WECHAT


@pytest.mark.parametrize(("verdict", "filed"), [("pending", 0), ("rejected", 0), ("accepted", 1)])
def test_a_shop_cleared_for_its_papers_comes_back_once_they_are_accepted(verdict: str, filed: int) -> None:
    shop = make_shop(shop_type="flagship")
    enrollment = make_enrollment(shop)
    enrollments.clear(enrollment, cause="qualification", by=None, at=AT)
    enrollments.apply(enrollment, by=None, at=AT)
    make_metrics(shop)
    make_qualification(shop, verdict=verdict)
    assert check().filed == filed


def test_papers_still_pending_keep_nobody_out_who_was_not_cleared_for_them() -> None:
    shop = make_shop(shop_type="flagship")
    enrollment = make_enrollment(shop)
    enrollments.clear(enrollment, cause="metric", by=None, at=AT)
    enrollments.apply(enrollment, by=None, at=AT)
    make_metrics(shop)
    make_qualification(shop, verdict="pending")
    assert check().filed == 1


def test_rules_that_only_advise_clear_nobody_and_keep_nobody_out() -> None:
    enrollment = inside(WECHAT, shop_score="4.20")
    applicant = make_enrollment(alliance_code=WECHAT, state="applied")
    make_metrics(applicant.shop)
    advice = RuleSet.objects.create(
        alliance=enrollment.alliance, purpose="clearance", version=2, in_force_from=DAY
    )
    Rule.objects.create(
        rule_set=advice,
        position=1,
        code="WS-C1",
        metric="shop_score",
        operator="<",
        value="4.9",
        advisory=True,
    )
    make_published(advice)
    assert check(WECHAT).by_kind == {"admit": 1}


def test_a_check_that_has_killed_three_workers_is_given_up() -> None:
    inside(experience_score="3.49")
    requested = sweeps.request(alliance=Alliance.objects.get(code=DOUYIN), by=None, at=AT, day=DAY)
    for _ in range(3):
        requested.status = "running"
        requested.save_by(None)
    given_up = sweeps.run(requested.pk, at=AT)
    assert (given_up.status, given_up.filed) == ("failed", 0)
    assert "died" in given_up.failure
    assert check().filed == 1


def test_a_day_to_come_is_not_checked() -> None:
    inside()
    alliance = Alliance.objects.get(code=DOUYIN)
    with pytest.raises(Refused, match="still to come"):
        sweeps.request(alliance=alliance, by=None, at=AT, day=AT.date() + timedelta(days=1))
