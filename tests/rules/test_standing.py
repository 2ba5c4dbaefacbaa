"""What the rules on a shop's status make of our own measures and closings (DF-A1, DF-A2, WS-A1)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from rules.checking import check
from rules.models import Rule, RuleSet
from shops import closing, penalties, stays
from shops.calendar import midnight
from shops.models import Alliance, Measure, Penalty, Shop
from tests.factories import DAY, DOUYIN, WECHAT, make_imposed, make_metrics, make_published, make_shop

pytestmark = pytest.mark.django_db

NOON = midnight(DAY) + timedelta(hours=12)
END = midnight(DAY + timedelta(days=1))


def penalised(shop: Shop, measure: Measure, at: datetime = NOON) -> Penalty:
    return make_imposed(shop, measure, at=at)


def outcomes(shop: Shop) -> dict[str, str]:
    """What the rules on the status say on DAY."""
    return {
        rule["code"]: rule["outcome"]
        for alliance in (DOUYIN, WECHAT)
        for rules in check(shop, Alliance.objects.get(code=alliance), DAY).rules.values()
        for rule in rules
        if rule["code"] in ("DF-A1", "DF-A2", "WS-A1")
    }


def measured(**values: object) -> Shop:
    shop = make_shop(**values)
    make_metrics(shop)
    return shop


def test_a_shop_that_a_measure_suspends_is_not_open_to_buyers() -> None:
    shop = measured()
    penalised(shop, Measure(kind="suspend", ends_at=END))
    assert outcomes(shop) == {"DF-A1": "holds", "DF-A2": "fails", "WS-A1": "fails"}


@pytest.mark.parametrize("ends_at", [END - timedelta(seconds=1), END])
def test_what_counts_is_the_end_of_the_day(ends_at: datetime) -> None:
    shop = measured()
    penalised(shop, Measure(kind="suspend", ends_at=ends_at))
    assert outcomes(shop)["DF-A2"] == ("fails" if ends_at == END else "holds")


def test_a_suspension_of_a_later_day_does_not_count_yet() -> None:
    shop = measured()
    penalised(shop, Measure(kind="suspend", ends_at=END + timedelta(days=7)), at=END)
    assert outcomes(shop)["DF-A2"] == "holds"


def test_a_shop_that_a_measure_closes_counts_as_closed_until_it_is_overturned() -> None:
    shop = measured()
    penalty = penalised(shop, Measure(kind="close"))
    assert outcomes(shop)["DF-A2"] == "fails"
    penalties.overturn(penalty, by=None, at=NOON, reason="granted")
    assert outcomes(shop)["DF-A2"] == "holds"


def test_a_shop_that_closed_by_itself_counts_as_closed() -> None:
    shop = measured()
    closing.close(shop, by=None, at=NOON)
    assert outcomes(shop)["WS-A1"] == "fails"


def test_a_shop_that_is_still_preparing_is_not_opened_suspended_or_not() -> None:
    shop = measured(status="preparing")
    penalised(shop, Measure(kind="suspend", ends_at=END))
    assert outcomes(shop)["DF-A1"] == "fails"


def test_a_suspension_that_is_stayed_suspends_nobody() -> None:
    shop = measured()
    penalty = penalised(shop, Measure(kind="suspend", ends_at=END))
    stays.stay(penalty, by=None, at=NOON, reason="an appeal runs")
    assert outcomes(shop)["DF-A2"] == "holds"
    stays.end_stay(penalty, by=None, reason="denied")
    assert outcomes(shop)["DF-A2"] == "fails"


def points(shop: Shop, metric: str) -> str:
    """What a rule on the points reads of the shop in Douyin's alliance on DAY."""
    douyin = Alliance.objects.get(code=DOUYIN)
    rule_set = RuleSet.objects.create(alliance=douyin, purpose="admission", version=100, in_force_from=DAY)
    Rule.objects.create(rule_set=rule_set, position=1, code="P-1", metric=metric, operator="<", value="12")
    make_published(rule_set)
    [told] = check(shop, douyin, DAY).rules["admission"]
    return f"{told['observed']} {told['outcome']}"


@pytest.mark.parametrize(
    ("metric", "expected"), [("standing_points", "12 fails"), ("platform_points", "11 holds")]
)
def test_points_count_where_they_were_given(metric: str, expected: str) -> None:
    shop = measured()
    for where, count in [(DOUYIN, 7), (DOUYIN, 5), (WECHAT, 9), (None, 11)]:
        alliance = where and Alliance.objects.get(code=where)
        penalised(shop, Measure(kind="points", points=count, alliance=alliance))
    assert points(shop, metric) == expected


def test_a_shop_without_points_has_none() -> None:
    assert points(measured(), "standing_points") == "0 holds"


@pytest.mark.parametrize(
    ("ends_at", "expected"), [(END - timedelta(seconds=1), "0 holds"), (END, "12 fails")]
)
def test_points_that_have_lapsed_by_the_end_of_the_day_do_not_count(ends_at: datetime, expected: str) -> None:
    shop = measured()
    penalised(shop, Measure(kind="points", points=12, ends_at=ends_at))
    assert points(shop, "platform_points") == expected


def test_points_that_were_taken_back_do_not_count() -> None:
    shop = measured()
    penalty = penalised(shop, Measure(kind="points", points=12))
    penalties.overturn(penalty, by=None, at=NOON, reason="granted")
    assert points(shop, "platform_points") == "0 holds"
