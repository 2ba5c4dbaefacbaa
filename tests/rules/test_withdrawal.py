"""What a check takes back, and what it leaves alone."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from rules import sweeps
from rules.models import Proposal, Rule, RuleSet, Sweep
from shops import enrollments
from shops.models import Alliance
from tests.factories import (
    AT,
    DAY,
    DOUYIN,
    WECHAT,
    make_enrollment,
    make_metrics,
    make_proposal,
    make_published,
    make_shop,
    make_sweep,
)

pytestmark = pytest.mark.django_db

NEXT = DAY + timedelta(days=1)


def check(alliance: str = DOUYIN, *, day: date = DAY, at=AT) -> Sweep:
    requested = sweeps.request(alliance=Alliance.objects.get(code=alliance), by=None, at=at, day=day)
    return sweeps.run(requested.pk, at=at)


def the_proposal() -> Proposal:
    return Proposal.objects.get()


def test_a_check_of_an_older_day_takes_nothing_back_that_a_newer_one_filed() -> None:
    enrollment = make_enrollment()
    make_metrics(enrollment.shop, DAY, experience_score="3.60")
    make_metrics(enrollment.shop, NEXT, experience_score="3.49")
    check(day=NEXT)
    assert check(day=DAY).withdrawn == 0
    assert the_proposal().status == "open"


def test_a_check_of_an_older_day_takes_no_admission_back_that_a_newer_one_filed() -> None:
    enrollment = make_enrollment(state="applied")
    make_metrics(enrollment.shop, DAY, shop_score="4.10")
    make_metrics(enrollment.shop, NEXT)
    check(day=NEXT)
    assert check(day=DAY).withdrawn == 0
    assert the_proposal().kind == "admit"


def test_what_was_filed_by_hand_is_withdrawn_once_the_shop_has_left() -> None:
    enrollment = make_enrollment()
    make_metrics(enrollment.shop)
    make_proposal(enrollment, ground="judgement", failed_rules=["DF-C3"], sweep=None)
    enrollments.leave(enrollment, by=None, at=AT)
    assert check().withdrawn == 1
    assert the_proposal().status == "withdrawn"


def test_an_admission_is_withdrawn_once_a_shop_that_was_in_before_takes_its_application_back() -> None:
    enrollment = make_enrollment(state="applied", openings=1)
    make_metrics(enrollment.shop)
    check()
    enrollments.leave(enrollment, by=None, at=AT)
    assert check().withdrawn == 1


@pytest.mark.parametrize("state", ["open", "applied"])
def test_what_was_filed_is_withdrawn_once_the_shop_is_of_a_category_that_is_not_served(state: str) -> None:
    shop = make_shop()
    make_enrollment(shop, WECHAT, state)
    make_metrics(shop, shop_score="4.19" if state == "open" else "4.20")
    assert check(WECHAT).filed == 1
    shop.category = "local-life"
    shop.save_by(None)
    assert check(WECHAT).withdrawn == 1


def test_a_rule_that_a_later_version_no_longer_has_keeps_no_proposal_open() -> None:
    enrollment = make_enrollment()
    make_metrics(enrollment.shop, experience_score="3.49")
    make_metrics(enrollment.shop, NEXT, experience_score="3.49")
    check()
    without = RuleSet.objects.create(
        alliance=enrollment.alliance, purpose="clearance", version=2, in_force_from=NEXT
    )
    Rule.objects.create(
        rule_set=without, position=1, code="DF-C9", metric="positive_rate", operator="<", value="0.1"
    )
    make_published(without)
    assert check(day=NEXT, at=AT + timedelta(days=1)).withdrawn == 1


def test_a_check_goes_by_the_version_in_force_when_it_runs_and_says_which() -> None:
    enrollment = make_enrollment()
    make_metrics(enrollment.shop, experience_score="3.80")
    requested = sweeps.request(alliance=enrollment.alliance, by=None, at=AT, day=DAY)
    stricter = RuleSet.objects.create(
        alliance=enrollment.alliance, purpose="clearance", version=2, in_force_from=DAY
    )
    Rule.objects.create(
        rule_set=stricter, position=1, code="DF-C1", metric="experience_score", operator="<", value="3.9"
    )
    make_published(stricter)
    sweep = sweeps.run(requested.pk, at=AT)
    assert the_proposal().rule_set == sweep.clearance == stricter


def test_a_check_before_the_days_metrics_came_in_leaves_the_day_to_the_timetable() -> None:
    enrollment = make_enrollment()
    check()
    assert sweeps.is_checked(enrollment.alliance, DAY)
    make_metrics(enrollment.shop)
    early = Sweep.objects.get()
    early.started_at = early.finished_at = AT - timedelta(hours=5)
    early.save_by(None)
    assert not sweeps.is_checked(enrollment.alliance, DAY)
    make_sweep(started_at=AT + timedelta(hours=1))
    assert sweeps.is_checked(enrollment.alliance, DAY)


def test_an_admission_is_withdrawn_while_the_shops_clearance_is_still_fresh() -> None:
    enrollment = make_enrollment(state="cleared")
    enrollments.apply(enrollment, by=None, at=AT)
    make_metrics(enrollment.shop)
    check()
    assert the_proposal().status == "open"
    # The factory's openings end fifty days before the day.
    alliance = enrollment.alliance
    alliance.cool_down_days = 60
    alliance.save()
    assert check().withdrawn == 1
