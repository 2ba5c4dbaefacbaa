"""Every rule of the rule book at its boundary values, in the words of the documents."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import pytest

from rules import evidence
from rules.checking import check
from rules.evaluation import Evaluation
from rules.models import Rule
from rules.products import ProductEvaluation
from shops.models import Alliance, Listing, Shop
from tests.factories import (
    AT,
    DAY,
    DOUYIN,
    SHANGHAI,
    WECHAT,
    make_controller,
    make_enrollment,
    make_listing,
    make_metrics,
    make_penalty,
    make_product,
    make_product_metrics,
    make_qualification,
    make_shop,
)

pytestmark = pytest.mark.django_db

NONE_YET = {"shop_score": None, "shop_score_none": True}


def outcome(code: str, shop: Shop) -> str:
    """What the rule says of the shop on DAY."""
    alliance = Alliance.objects.get(code=DOUYIN if code.startswith("DF") else WECHAT)
    rules = check(shop, alliance, DAY).rules
    return next(r["outcome"] for judged in rules.values() for r in judged if r["code"] == code)


def measured(code: str, *, shop: dict[str, Any] | None = None, **metrics: Any) -> str:
    subject = make_shop(**(shop or {}))
    make_metrics(subject, **metrics)
    return outcome(code, subject)


@pytest.mark.parametrize(
    ("status", "expected"),
    [("preparing", "fails"), ("normal", "holds"), ("suspended", "holds"), ("closed", "holds")],
)
def test_df_a1_the_shop_is_opened_on_the_platform(status: str, expected: str) -> None:
    assert measured("DF-A1", shop={"status": status}) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [("normal", "holds"), ("preparing", "fails"), ("suspended", "fails"), ("closed", "fails")],
)
def test_df_a2_the_shops_status_is_normal(status: str, expected: str) -> None:
    assert measured("DF-A2", shop={"status": status}) == expected


@pytest.mark.parametrize(("ok", "expected"), [(True, "holds"), (False, "fails"), (None, "no_data")])
def test_df_a3_the_account_is_in_good_standing(ok: bool | None, expected: str) -> None:
    assert measured("DF-A3", shop={"account_ok": ok}) == expected


@pytest.mark.parametrize(("gmv", "expected"), [("0.00", "fails"), ("0.01", "holds"), (None, "no_data")])
def test_df_a4_sales_of_30_days_are_above_zero(gmv: str | None, expected: str) -> None:
    assert measured("DF-A4", gmv_30d=gmv) == expected


@pytest.mark.parametrize(
    ("score", "expected"), [("4.09", "fails"), ("4.10", "fails"), ("4.11", "holds"), (None, "no_data")]
)
def test_df_a5_the_shop_score_is_above_4_1(score: str | None, expected: str) -> None:
    assert measured("DF-A5", shop_score=score) == expected


def test_df_a5_does_not_know_a_score_that_is_not_given_yet() -> None:
    assert measured("DF-A5", **NONE_YET) == "no_data"


@pytest.mark.parametrize(
    ("rate", "expected"),
    [("0.7499", "fails"), ("0.7500", "fails"), ("0.7501", "holds"), (None, "no_data")],
)
def test_df_a6_the_positive_rate_is_above_75_percent(rate: str | None, expected: str) -> None:
    assert measured("DF-A6", positive_rate=rate) == expected


@pytest.mark.parametrize(
    ("goods", "passed", "expected"),
    [
        ("physical", True, "holds"),
        ("physical", False, "fails"),
        ("physical", None, "no_data"),
        ("virtual", False, "exempt"),
        ("virtual", None, "exempt"),
        ("mixed", False, "fails"),
    ],
)
def test_df_a7_passed_the_warehouse_inspection_unless_all_goods_are_virtual(
    goods: str, passed: bool | None, expected: str
) -> None:
    assert measured("DF-A7", shop={"goods_kind": goods}, warehouse_passed=passed) == expected


@pytest.mark.parametrize(
    ("goods", "alliance", "erp", "expected"),
    [
        ("physical", True, True, "holds"),
        ("physical", True, False, "fails"),
        ("physical", False, True, "fails"),
        ("physical", False, None, "fails"),
        ("physical", True, None, "no_data"),
        ("physical", None, None, "no_data"),
        ("virtual", False, False, "exempt"),
        ("mixed", True, False, "fails"),
    ],
)
def test_df_a8_connected_to_the_alliance_and_its_erp_unless_all_goods_are_virtual(
    goods: str, alliance: bool | None, erp: bool | None, expected: str
) -> None:
    connections = {"alliance_connected": alliance, "erp_connected": erp}
    assert measured("DF-A8", shop={"goods_kind": goods}, **connections) == expected


@pytest.mark.parametrize(
    ("days_ago", "at", "expected"),
    [
        (0, time(23, 59, 59), "fails"),
        (364, time(0, 0), "fails"),
        (365, time(23, 59, 59, 999999), "holds"),
    ],
)
def test_df_a9_no_penalty_for_circumvention_information_in_365_days(
    days_ago: int, at: time, expected: str
) -> None:
    shop = make_shop()
    make_metrics(shop)
    moment = datetime.combine(DAY - timedelta(days=days_ago), at, SHANGHAI)
    make_penalty(shop, violation_code="V9", at=moment)
    assert outcome("DF-A9", shop) == expected


@pytest.mark.parametrize(
    ("violation", "status", "expected"),
    [
        ("V9", "lifted", "fails"),
        ("V9", "expired", "fails"),
        ("V9", "overturned", "holds"),
        ("V9", "reported", "holds"),
        ("V8", "imposed", "holds"),
    ],
)
def test_df_a9_counts_penalties_for_that_violation_that_were_rightful(
    violation: str, status: str, expected: str
) -> None:
    shop = make_shop()
    make_metrics(shop)
    make_penalty(shop, violation_code=violation, status=status, at=AT - timedelta(days=1))
    assert outcome("DF-A9", shop) == expected


@pytest.mark.parametrize(
    ("violation", "status", "expected"),
    [
        ("V2", "imposed", "fails"),
        ("V4", "imposed", "fails"),
        ("V10", "lifted", "fails"),
        ("V2", "reported", "holds"),
        ("V2", "overturned", "holds"),
        ("V8", "imposed", "holds"),
        ("V11", "reported", "fails"),
        ("V11", "imposed", "fails"),
        ("V11", "overturned", "holds"),
    ],
)
def test_df_a10_no_other_shop_of_the_controller_has_a_serious_case(
    violation: str, status: str, expected: str
) -> None:
    controller = make_controller()
    shop, other = make_shop(controller=controller), make_shop(controller=controller)
    make_metrics(shop)
    make_penalty(other, violation_code=violation, status=status, at=AT - timedelta(days=2000))
    assert outcome("DF-A10", shop) == expected


def test_df_a10_looks_at_other_shops_of_the_same_controller_alone() -> None:
    shop = make_shop(controller=make_controller())
    make_metrics(shop)
    make_penalty(shop, violation_code="V2")
    make_penalty(make_shop(controller=make_controller()), violation_code="V2")
    make_penalty(make_shop(), violation_code="V2")
    assert outcome("DF-A10", shop) == "holds"


@pytest.mark.parametrize(("score", "expected"), [("3.99", "fails"), ("4.00", "holds")])
def test_df_a11_an_experience_score_of_4_is_usual(score: str, expected: str) -> None:
    assert measured("DF-A11", experience_score=score) == expected


def test_df_a11_advises_and_blocks_nobody() -> None:
    shop = make_shop()
    make_enrollment(shop, state="applied")
    make_metrics(shop, experience_score="3.60")
    answer = check(shop, Alliance.objects.get(code=DOUYIN), DAY)
    assert (answer.admission_holds, answer.admissible) == (True, True)


@pytest.mark.parametrize(("used", "expected"), [(0, "holds"), (2, "holds"), (3, "fails")])
def test_df_a12_three_openings_in_all_so_the_fourth_is_refused(used: int, expected: str) -> None:
    shop = make_shop()
    make_enrollment(shop, state="cleared" if used else "applied", openings=used)
    make_metrics(shop)
    assert outcome("DF-A12", shop) == expected


@pytest.mark.parametrize(("code", "ground"), [("DF-A13", "metric"), ("DF-C3", "judgement")])
def test_df_a13_and_df_c3_are_rows_that_no_check_evaluates(code: str, ground: str) -> None:
    rule = Rule.objects.get(code=code)
    assert (rule.metric, rule.operator, rule.value, rule.ground) == ("", "", "", ground)
    shop = make_shop()
    make_metrics(shop)
    rules = check(shop, Alliance.objects.get(code=DOUYIN), DAY).rules
    assert code not in {r["code"] for judged in rules.values() for r in judged}


@pytest.mark.parametrize(("score", "expected"), [("3.49", "fails"), ("3.50", "holds"), (None, "no_data")])
def test_df_c1_cleared_below_an_experience_score_of_3_5(score: str | None, expected: str) -> None:
    assert measured("DF-C1", experience_score=score) == expected


@pytest.mark.parametrize(
    ("paper", "expected"),
    [
        ({"valid_until": DAY}, "holds"),
        ({"valid_until": DAY - timedelta(days=1)}, "fails"),
        ({"valid_until": None}, "holds"),
        ({"verdict": "rejected"}, "fails"),
        ({"verdict": "pending"}, "no_data"),
    ],
)
@pytest.mark.parametrize("shop_type", ["flagship", "ordinary"])
def test_df_c2_a_brand_paper_that_is_expired_or_rejected_does_not_meet_the_standard(
    shop_type: str, paper: dict[str, Any], expected: str
) -> None:
    shop = make_shop(shop_type=shop_type)
    make_metrics(shop)
    make_qualification(shop, **paper)
    assert outcome("DF-C2", shop) == expected


@pytest.mark.parametrize(
    ("shop_type", "expected"),
    [("flagship", "fails"), ("exclusive", "fails"), ("multi_brand", "fails"), ("ordinary", "exempt")],
)
def test_df_c2_a_missing_paper_fails_where_the_shop_trades_under_a_brand(
    shop_type: str, expected: str
) -> None:
    assert measured("DF-C2", shop={"shop_type": shop_type}) == expected


def test_df_c2_the_newest_paper_of_each_brand_counts() -> None:
    shop = make_shop(shop_type="multi_brand")
    make_metrics(shop)
    yesterday = DAY - timedelta(days=1)
    make_qualification(shop, brand="甲", valid_until=yesterday, received_at=AT - timedelta(days=400))
    make_qualification(shop, brand="甲", received_at=AT - timedelta(days=10))
    make_qualification(shop, brand="乙")
    assert outcome("DF-C2", shop) == "holds"
    make_qualification(shop, brand="乙", verdict="rejected", valid_until=None, received_at=AT)
    assert outcome("DF-C2", shop) == "fails"


def test_df_c2_looks_at_brand_papers_alone() -> None:
    shop = make_shop(shop_type="ordinary")
    make_metrics(shop)
    make_qualification(shop, kind="licence", verdict="rejected")
    assert outcome("DF-C2", shop) == "exempt"


@pytest.mark.parametrize(("status", "expected"), [("normal", "holds"), ("suspended", "fails")])
def test_ws_a1_the_shop_operates_normally(status: str, expected: str) -> None:
    assert measured("WS-A1", shop={"status": status}) == expected


@pytest.mark.parametrize(("signed", "expected"), [(True, "holds"), (False, "fails"), (None, "no_data")])
def test_ws_a2_freight_insurance_is_signed(signed: bool | None, expected: str) -> None:
    assert measured("WS-A2", freight_insurance=signed) == expected


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ({"shop_score": "4.19"}, "fails"),
        ({"shop_score": "4.20"}, "holds"),
        (NONE_YET, "exempt"),
        ({"shop_score": None}, "no_data"),
    ],
)
def test_ws_a3_the_shop_score_is_at_least_4_2_or_not_given_yet(
    metrics: dict[str, Any], expected: str
) -> None:
    assert measured("WS-A3", **metrics) == expected


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ({"shop_score": "4.19"}, "fails"),
        ({"shop_score": "4.20"}, "holds"),
        (NONE_YET, "exempt"),
        ({"shop_score": None}, "no_data"),
    ],
)
def test_ws_c1_cleared_below_a_shop_score_of_4_2_but_not_without_a_score_yet(
    metrics: dict[str, Any], expected: str
) -> None:
    assert measured("WS-C1", **metrics) == expected


def told_of_product(code: str, **metrics: Any) -> dict[str, Any]:
    """What the rule says, by value, of a product that has applied."""
    listing = make_listing(make_product(make_enrollment(alliance_code=WECHAT).shop), state="applied")
    make_product_metrics(listing.product, **metrics)
    alliance = Alliance.objects.get(code=WECHAT)
    products = ProductEvaluation(alliance, DAY)
    Evaluation(alliance, DAY).prepare(*products.criteria)
    told = products.checked().values_list(evidence.of(products.criteria), flat=True).get(pk=listing.pk)
    return next(rule for rule in told if rule["code"] == code)


@pytest.mark.parametrize(
    ("orders", "expected"), [(0, "fails"), (29, "fails"), (30, "holds"), (None, "no_data")]
)
def test_ws_o1_observed_below_30_settled_orders(orders: int | None, expected: str) -> None:
    assert told_of_product("WS-O1", settled_orders=orders)["outcome"] == expected


@pytest.mark.parametrize(
    ("paid", "refunds", "rate", "expected"),
    [
        # No valid paid order yet is no rate; no refund is a rate of 0.
        (0, 0, "none", "fails"),
        (0, None, "none", "fails"),
        (100, 0, "0", "holds"),
        (None, 0, None, "no_data"),
        (100, None, None, "no_data"),
        (None, None, None, "no_data"),
    ],
)
def test_ws_o1_observed_without_a_quality_refund_rate_but_not_for_a_missing_count(
    paid: int | None, refunds: int | None, rate: str | None, expected: str
) -> None:
    told = told_of_product("WS-O1", valid_paid_orders=paid, quality_refunds=refunds)
    assert (told["alternatives"][0]["observed"], told["outcome"]) == (rate, expected)


def test_ws_o1_few_orders_suffice_where_the_rate_is_missing() -> None:
    assert told_of_product("WS-O1", settled_orders=29, quality_refunds=None)["outcome"] == "fails"
    assert told_of_product("WS-O1", settled_orders=None, valid_paid_orders=0)["outcome"] == "fails"


def with_observed_sales(*sales: str | None) -> Shop:
    shop = make_enrollment(alliance_code=WECHAT).shop
    for amount in sales:
        product = make_listing(make_product(shop), state="observed").product
        make_product_metrics(product, sales_amount=amount)
    return shop


@pytest.mark.parametrize(
    ("sales", "expected"),
    [
        (["2500.00", "2500.00"], "holds"),
        (["2500.00", "2500.01"], "fails"),
        (["5000.01", None], "fails"),
        (["0.00", "0.00"], "holds"),
        ([None, None], "no_data"),
        ([], "no_data"),
    ],
)
def test_ws_o2_observed_products_together_sell_at_most_5000_yuan_a_day(
    sales: list[str | None], expected: str
) -> None:
    assert outcome("WS-O2", with_observed_sales(*sales)) == expected


def test_ws_o2_counts_what_is_under_observation_in_this_alliance_on_this_day() -> None:
    shop = with_observed_sales("5000.00")
    for state in ("applied", "promoted", "stopped"):
        make_product_metrics(make_listing(make_product(shop), state=state).product, sales_amount="9999.00")
    elsewhere = make_listing(make_product(shop), DOUYIN, state="observed").product
    make_product_metrics(elsewhere, sales_amount="9999.00")
    yesterday = DAY - timedelta(days=1)
    make_product_metrics(Listing.objects.get(state="observed", alliance__code=WECHAT).product, yesterday)
    assert outcome("WS-O2", shop) == "holds"


def test_ws_o3_defines_the_rate_and_is_never_evaluated() -> None:
    rule = Rule.objects.get(code="WS-O3")
    assert (rule.metric, rule.operator, rule.rule_set.subject) == ("", "", "product")
    alternative = Rule.objects.get(code="WS-O1").alternatives.get()
    assert (alternative.metric, alternative.operator) == ("quality_refund_rate", "unknown")


def test_every_rule_of_the_book_has_its_test_here() -> None:
    tested = {
        name.split("_")[1] + "_" + name.split("_")[2] for name in globals() if name.startswith("test_df_")
    }
    tested |= {
        name.split("_")[1] + "_" + name.split("_")[2] for name in globals() if name.startswith("test_ws_")
    }
    tested.add("df_c3")
    assert {code.replace("-", "_").lower() for code in Rule.objects.values_list("code", flat=True)} == tested


def test_every_rule_that_is_evaluated_blocks_but_df_a11() -> None:
    assert set(Rule.objects.filter(advisory=True).values_list("code", flat=True)) == {"DF-A11"}


def test_df_c2_is_about_papers_df_c3_a_judgement_and_every_other_clearance_about_metrics() -> None:
    clearing = Rule.objects.filter(rule_set__purpose="clearance")
    assert dict(clearing.values_list("code", "ground")) == {
        "DF-C1": "metric",
        "DF-C2": "qualification",
        "DF-C3": "judgement",
        "WS-C1": "metric",
    }


def test_without_metrics_of_the_day_no_clearance_rule_fails() -> None:
    shop = make_shop(shop_type="flagship")
    assert (outcome("DF-C1", shop), outcome("DF-C2", shop)) == ("no_data", "no_data")
    assert check(shop, Alliance.objects.get(code=DOUYIN), DAY).clearance_holds
