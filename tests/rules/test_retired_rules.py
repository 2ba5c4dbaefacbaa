"""Where rules were retired and no others took their place, the check goes by what is left."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rules.models import Retirement, RuleSet
from rules.replay import replay
from shops.errors import Refused
from tests.factories import AT, DAY, DOUYIN, make_enrollment, make_metrics, make_user
from tests.rules.test_sweeps import check

pytestmark = pytest.mark.django_db


def without_rules_of(*purposes: str) -> None:
    for purpose in purposes:
        rule_set = RuleSet.objects.get(alliance__code=DOUYIN, subject="shop", purpose=purpose)
        Retirement.objects.create(
            rule_set=rule_set, day=DAY, reason="under revision", retired_at=AT, retired_by=make_user()
        )


def test_without_rules_of_clearance_nobody_is_put_out_and_what_was_proposed_is_taken_back() -> None:
    inside, outside = make_enrollment().shop, make_enrollment(state="applied").shop
    for day in (DAY - timedelta(days=1), DAY):
        make_metrics(inside, day=day, experience_score="3.49")
    make_metrics(outside)
    assert check(day=DAY - timedelta(days=1)).by_kind == {"clear": 1}
    without_rules_of("clearance")
    sweep = check()
    assert (sweep.status, sweep.clearance, sweep.by_kind, sweep.withdrawn) == ("done", None, {"admit": 1}, 1)


def test_without_rules_of_admission_nobody_is_let_in_and_what_was_proposed_is_taken_back() -> None:
    inside, outside = make_enrollment().shop, make_enrollment(state="applied").shop
    make_metrics(inside, experience_score="3.49")
    for day in (DAY - timedelta(days=1), DAY):
        make_metrics(outside, day=day)
    assert check(day=DAY - timedelta(days=1)).by_kind == {"admit": 1}
    without_rules_of("admission")
    sweep = check()
    assert (sweep.admission, sweep.by_kind, sweep.withdrawn) == (None, {"clear": 1}, 1)
    assert replay(sweep).identical


def test_without_any_rules_no_check_is_asked_for() -> None:
    make_metrics(make_enrollment().shop)
    without_rules_of("admission", "clearance")
    with pytest.raises(Refused, match="has no rules in force"):
        check()
