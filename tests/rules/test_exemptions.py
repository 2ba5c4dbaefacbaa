from __future__ import annotations

from datetime import timedelta

import pytest

from rules import exemptions
from rules.models import Proposal, ShopExemption
from shops.errors import NotAllowed, Refused
from shops.models import Alliance
from tests.factories import (
    AT,
    DOUYIN,
    WECHAT,
    make_listing,
    make_product,
    make_product_metrics,
    make_shop,
    make_user,
)
from tests.rules.test_products import listed
from tests.rules.test_sweeps import check

pytestmark = pytest.mark.django_db
TODAY = AT.date()


def grant(rule_code: str = "DF-A5", alliance_code: str = DOUYIN, **values) -> ShopExemption:
    return exemptions.grant(
        **{
            "shop": make_shop(),
            "alliance": Alliance.objects.get(code=alliance_code),
            "rule_code": rule_code,
            "until": TODAY + timedelta(days=30),
            "reason": "moved to a new warehouse",
            "by": None,
            "at": AT,
            **values,
        }
    )


def test_an_exemption_names_who_granted_it_and_why() -> None:
    by = make_user("supervisor")
    exemption = grant(by=by)
    assert exemption.history.get().history_user == by
    assert exemption.reason == "moved to a new warehouse"


def test_an_exemption_until_today_is_granted_and_until_yesterday_refused() -> None:
    assert grant(until=TODAY).until == TODAY
    with pytest.raises(Refused, match="is over"):
        grant(until=TODAY - timedelta(days=1))


@pytest.mark.parametrize(
    ("code", "alliance", "says"),
    [
        ("DF-A99", DOUYIN, "no rule DF-A99"),
        ("WS-A1", DOUYIN, "no rule WS-A1"),
        ("DF-A5", WECHAT, "no rule DF-A5"),
        ("DF-A11", DOUYIN, "advises"),
        ("DF-A13", DOUYIN, "never evaluated"),
        ("DF-C3", DOUYIN, "never evaluated"),
    ],
)
def test_a_rule_that_an_exemption_would_not_change_is_refused(code: str, alliance: str, says: str) -> None:
    with pytest.raises(Refused, match=says):
        grant(code, alliance)
    assert not ShopExemption.objects.exists()


@pytest.mark.parametrize("code", ["DF-A7", "DF-C1"])
def test_rules_of_admission_and_of_clearance_can_be_exempted(code: str) -> None:
    assert grant(code).rule_code == code


def test_a_rule_on_products_in_force_can_be_exempted() -> None:
    assert grant("WS-O1", WECHAT).rule_code == "WS-O1"
    with pytest.raises(Refused, match="no rule WS-O1"):
        grant("WS-O1", DOUYIN)


def test_no_product_of_a_shop_that_is_exempted_from_its_rule_is_proposed_for_it() -> None:
    exempted, other = listed("applied", settled_orders=29), listed("applied", settled_orders=29)
    also = make_listing(make_product(exempted.product.shop), state="applied")
    make_product_metrics(also.product, settled_orders=0)
    grant("WS-O1", WECHAT, shop=exempted.product.shop)
    sweep = check(WECHAT)
    assert Proposal.objects.get().product == other.product
    assert sweep.by_rule["WS-O1"] == {"holds": 0, "fails": 1, "exempt": 2, "no_data": 0}


def test_a_shop_that_is_exempt_already_is_not_exempted_once_more() -> None:
    first = grant()
    with pytest.raises(Refused, match="exempt from rule DF-A5 until"):
        grant(shop=first.shop, until=TODAY + timedelta(days=60))
    assert grant("DF-A6", shop=first.shop).rule_code == "DF-A6"
    exemptions.end(first, by=None, on=TODAY, reason="moved again")
    assert grant(shop=first.shop).pk != first.pk


def test_an_exemption_without_a_reason_is_refused() -> None:
    with pytest.raises(Refused, match="reason"):
        grant(reason="  ")


@pytest.mark.parametrize("role", ["operator", "auditor", "administrator"])
def test_only_a_supervisor_grants_and_ends(role: str) -> None:
    with pytest.raises(NotAllowed):
        grant(by=make_user(role))
    with pytest.raises(NotAllowed):
        exemptions.end(grant(), by=make_user(role), on=TODAY, reason="x")


def test_an_ended_exemption_counts_until_the_day_before_and_keeps_its_record() -> None:
    by = make_user("supervisor")
    exemption = grant()
    exemptions.end(exemption, by=by, on=TODAY, reason="the warehouse is inspected")
    assert exemption.until == TODAY - timedelta(days=1)
    newest = exemption.history.first()
    assert (newest.history_user, newest.history_change_reason) == (by, "the warehouse is inspected")
    with pytest.raises(Refused, match="over since"):
        exemptions.end(exemption, by=by, on=TODAY, reason="again")


def test_ending_takes_a_reason() -> None:
    with pytest.raises(Refused, match="reason"):
        exemptions.end(grant(), by=None, on=TODAY, reason="")


def test_nobody_is_exempted_from_the_limit_of_openings() -> None:
    with pytest.raises(Refused, match="DF-A12"):
        grant("DF-A12")
