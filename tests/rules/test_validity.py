"""What is refused when a rule is saved, in words."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.utils.translation import override

from rules import validity
from rules.models import Alternative, Rule, RuleSet
from shops.models import Alliance
from tests.factories import DOUYIN, WECHAT

pytestmark = pytest.mark.django_db


def draft(purpose: str = "admission", subject: str = "shop") -> RuleSet:
    """The one that is open, made where there is none yet."""
    found, _made = RuleSet.objects.get_or_create(
        alliance=Alliance.objects.get(code=DOUYIN),
        purpose=purpose,
        subject=subject,
        published_at=None,
        defaults={"version": RuleSet.objects.count() + 1000},
    )
    return found


def rule(rule_set: RuleSet, **values) -> Rule:
    number = rule_set.rules.count() + 1
    return Rule(
        **{
            "rule_set": rule_set,
            "position": number,
            "code": f"R-{number}",
            "sentence_en": "a rule",
            "sentence_zh": "规则",
            "source": "test",
            "metric": "shop_score",
            "operator": "≥",
            "value": "4.2",
            **values,
        }
    )


def problems(
    purpose: str = "admission", alternatives: list | None = None, subject: str = "shop", **values
) -> dict[str, str]:
    rule_set = draft(purpose, subject)
    return validity.check_rule(rule(rule_set, **values), alternatives or [], rule_set)


@pytest.mark.parametrize("rule_set", [1, 2, 3, 4, 5, 6])
def test_the_rules_that_every_installation_has_are_right(rule_set: int) -> None:
    assert validity.errors_of(RuleSet.objects.order_by("pk")[rule_set - 1]) == []
    assert RuleSet.objects.count() == 6


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"metric": "shop_status", "operator": "in", "value": "normal, suspended"},
        {"metric": "shop_status", "operator": "in", "value": "normal，suspended"},
        {"operator": "between", "value": "4.0", "upper": "4.0"},
        {"operator": "between", "value": "0", "upper": "4.99"},
        {"operator": "unknown", "value": ""},
        {"metric": "shop_status", "operator": "in", "value": "normal,suspended"},
        {"operator": "known", "value": ""},
        {"metric": "penalties:V8:30d", "operator": "<", "value": "3"},
        {"metric": "account_ok", "operator": "≠", "value": "false"},
        {"metric": "", "operator": "", "value": ""},
        {"sample_metric": "paid_orders_30d", "sample_minimum": 5},
        {"exemption": "no_score_yet", "entered_from": date(2026, 1, 1), "entered_until": date(2026, 1, 1)},
        {"categories": ["beauty"], "shop_types": ["flagship"], "goods_kinds": ["mixed"]},
    ],
)
def test_a_rule_that_can_be_evaluated_is_right(values: dict) -> None:
    assert problems(**values) == {}


@pytest.mark.parametrize(
    ("values", "field", "says"),
    [
        ({"metric": "shop_scores"}, "metric", "unknown metric"),
        ({"metric": "penalties:V99:30d"}, "metric", "unknown metric"),
        ({"metric": "penalties:V8:0d"}, "metric", "unknown metric"),
        ({"metric": ""}, "metric", "Name the metric"),
        ({"operator": ""}, "operator", "how it is compared"),
        ({"operator": "~"}, "operator", "how it is compared"),
        ({"metric": "shop_status", "operator": ">", "value": "4"}, "operator", "is no number"),
        ({"metric": "account_ok", "operator": "≤", "value": "1"}, "operator", "is no number"),
        ({"metric": "account_ok", "operator": "in", "value": "true"}, "operator", "yes or no"),
        ({"metric": "shop_status", "operator": "=", "value": "4"}, "value", "none of: preparing"),
        ({"metric": "shop_status", "operator": "in", "value": "normal, open"}, "value", "“open” is none of"),
        ({"value": "good"}, "value", "cannot be compared with shop score"),
        ({"value": "NaN"}, "value", "cannot be compared"),
        ({"value": "1e1"}, "value", "cannot be compared"),
        ({"value": "４.２"}, "value", "cannot be compared"),
        ({"metric": "paid_orders_30d", "value": "1_000"}, "value", "cannot be compared"),
        ({"metric": "paid_orders_30d", "value": "30.5"}, "value", "cannot be compared"),
        ({"metric": "account_ok", "operator": "=", "value": "1"}, "value", "write true or false, not “1”"),
        ({"operator": ">", "value": "5"}, "value", "No value of “shop score” meets this."),
        ({"operator": "<", "value": "0.00"}, "value", "No value of “shop score” meets this."),
        ({"operator": "≥", "value": "0"}, "value", "Every value of “shop score” meets this."),
        ({"operator": "≤", "value": "5"}, "value", "Every value of “shop score” meets this."),
        ({"operator": "between", "value": "0", "upper": "5"}, "value", "Every value of “shop score” meets"),
        (
            {
                "metric": "shop_status",
                "operator": "in",
                "value": "preparing,normal,suspended,closed",
            },
            "value",
            "Every value of “shop status” meets this.",
        ),
        ({"goods_kinds": ["virtual"], "exemption": "virtual_goods"}, "exemption", "apply to nobody"),
        ({"metric": "gmv_30d", "operator": "unknown", "value": ""}, "operator", "may be missing data"),
        ({"value": ""}, "value", "with what"),
        ({"operator": "in", "value": ""}, "value", "with what"),
        ({"operator": "in", "value": " , ,"}, "value", "with what"),
        ({"operator": "between", "value": "4.5", "upper": "4.0"}, "upper", "ends before it begins"),
        ({"operator": "between", "value": "", "upper": "4.0"}, "value", "with what"),
        ({"operator": "between", "value": "4.0", "upper": ""}, "upper", "with what"),
        ({"operator": "≥", "value": "4.0", "upper": "4.5"}, "upper", "Only an interval"),
        ({"operator": "known", "value": "4.2"}, "value", "compares with nothing"),
        ({"value": "5.01"}, "value", "outside the scale of “shop score”: 0 to 5"),
        ({"value": "-0.01"}, "value", "outside the scale"),
        ({"metric": "positive_rate", "value": "75"}, "value", "outside the scale of “positive rate”: 0 to 1"),
        ({"operator": "between", "value": "4", "upper": "40"}, "upper", "outside the scale"),
        ({"sample_metric": "reviews", "sample_minimum": 5}, "sample_metric", "unknown metric"),
        ({"sample_metric": "positive_rate", "sample_minimum": 5}, "sample_metric", "is no count"),
        ({"sample_metric": "paid_orders_30d"}, "sample_minimum", "least sample"),
        ({"sample_minimum": 5}, "sample_metric", "Name the count"),
        ({"warn_within": Decimal("0.1")}, "warn_within", "Only rules that clear shops"),
        ({"code": "DF A5"}, "code", "letters and digits"),
        ({"code": ""}, "code", "letters and digits"),
        ({"exemption": "no_score_yet", "metric": "positive_rate", "value": "1"}, "exemption", "is no score"),
        ({"shop_types": ["flagships"]}, "shop_types", "“flagships” is none of: flagship"),
        ({"categories": [" "]}, "categories", "no name"),
        (
            {"entered_from": date(2026, 2, 1), "entered_until": date(2026, 1, 31)},
            "entered_until",
            "ends before it begins",
        ),
        (
            {"metric": "", "operator": "", "value": "", "sample_metric": "paid_orders_30d"},
            "sample_metric",
            "never evaluated",
        ),
    ],
)
def test_what_cannot_be_evaluated_is_refused_in_words(values: dict, field: str, says: str) -> None:
    found = problems(**values)
    assert list(found) == [field]
    assert says in found[field]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"metric": "account_ok", "operator": "=", "value": "false"}, "no distance"),
        ({"operator": "known", "value": ""}, "no distance"),
        ({"warn_within": Decimal(0)}, "wider than nothing"),
    ],
)
def test_a_band_lies_above_a_bar_that_is_a_number(values: dict, says: str) -> None:
    assert says in problems("clearance", **{"warn_within": Decimal("0.1"), **values})["warn_within"]
    assert problems("clearance", warn_within=Decimal("0.1"), operator="<") == {}


def test_nobody_is_put_out_for_what_is_not_known() -> None:
    unknown = {"operator": "unknown", "value": ""}
    assert "not known" in problems("clearance", **unknown)["operator"]
    assert problems("warning", **unknown) == {}


def test_nobody_is_put_out_for_what_is_known() -> None:
    assert "is known" in problems("clearance", operator="known", value="")["operator"]


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"metric": "sales", "operator": ">", "value": "1"}, "Alternative 2: “sales” is an unknown metric."),
        ({}, "Alternative 2: Name the metric"),
        ({"metric": "shop_score", "operator": ">", "value": "6"}, "Alternative 2: 6 lies outside"),
    ],
)
def test_what_is_wrong_with_an_alternative_names_it(other: dict, says: str) -> None:
    right = Alternative(metric="account_ok", operator="=", value="true")
    found = problems(alternatives=[right, Alternative(**other)])
    assert list(found) == ["alternatives"]
    assert found["alternatives"].startswith(says)


def test_a_code_is_used_once_whatever_its_case() -> None:
    rule_set = draft()
    rule(rule_set, code="DF-A5").save()
    again = rule(rule_set, code="df-a5")
    assert "already" in validity.check_rule(again, [], rule_set)["code"]
    again.save()
    assert [error.split(":")[0] for error in validity.errors_of(rule_set)] == ["DF-A5", "df-a5"]


@pytest.mark.parametrize(("purpose", "subject"), [("clearance", "shop"), ("admission", "product")])
def test_a_code_names_one_rule_of_an_alliance_in_whichever_version(purpose: str, subject: str) -> None:
    told = problems(purpose, subject=subject, code="df-a5")["code"]
    assert told == (
        "DF-A5 is a rule of Douyin Featured Alliance · admission v1: a code names one rule of an alliance."
    )
    wechat = Alliance.objects.get(code=WECHAT)
    elsewhere = RuleSet.objects.create(alliance=wechat, purpose="clearance", version=1000)
    assert validity.check_rule(rule(elsewhere, code="DF-A5"), [], elsewhere) == {}


def test_a_set_without_anything_to_evaluate_is_refused() -> None:
    rule_set = draft()
    assert "ever evaluated" in validity.errors_of(rule_set)[0]
    rule(rule_set, metric="", operator="", value="").save()
    assert "ever evaluated" in validity.errors_of(rule_set)[0]


def test_an_admission_that_only_advises_would_let_everybody_in() -> None:
    rule_set = draft()
    rule(rule_set, advisory=True).save()
    assert "everybody would be let in" in validity.errors_of(rule_set)[0]


def test_a_set_tells_every_rule_that_is_wrong() -> None:
    rule_set = draft()
    rule(rule_set, code="R-1", value="9").save()
    rule(rule_set, code="R-2").save()
    rule(rule_set, code="R-3", metric="sales").save()
    assert [error.split(":")[0] for error in validity.errors_of(rule_set)] == ["R-1", "R-3"]


@pytest.mark.parametrize(
    "values",
    [
        {"metric": "settled_orders", "value": "30"},
        {"metric": "quality_refund_rate", "value": "0.05"},
        {"metric": "quality_refund_rate", "operator": "known", "value": ""},
        {"metric": "quality_refund_rate", "value": "0.05", "exemption": "no_score_yet"},
        {"metric": "product_price", "operator": "between", "value": "1", "upper": "99.90"},
        {"metric": "product_status", "operator": "=", "value": "on_sale"},
        {
            "metric": "quality_refund_rate",
            "value": "0.05",
            "sample_metric": "valid_paid_orders",
            "sample_minimum": 20,
        },
    ],
)
@pytest.mark.parametrize("purpose", ["admission", "observation"])
def test_a_rule_on_products_speaks_of_what_is_measured_of_them(purpose: str, values: dict) -> None:
    assert problems(purpose, subject="product", **values) == {}


@pytest.mark.parametrize(
    ("values", "field", "says"),
    [
        ({}, "metric", "“shop score” is told of shops, not of products."),
        ({"metric": "penalties:V8:30d", "value": "1"}, "metric", "is told of shops, not of products."),
        ({"metric": "sales", "value": "1"}, "metric", "“sales” is an unknown metric."),
        ({"metric": "quality_refund_rate", "value": "1.1"}, "value", "outside the scale"),
        ({"metric": "settled_orders", "value": "29.5"}, "value", "cannot be compared"),
        ({"metric": "product_status", "operator": ">", "value": "on_sale"}, "operator", "no number"),
        ({"metric": "product_status", "operator": "=", "value": "sold"}, "value", "none of: on_sale"),
        (
            {
                "metric": "settled_orders",
                "value": "1",
                "sample_metric": "paid_orders_30d",
                "sample_minimum": 1,
            },
            "sample_metric",
            "told of shops",
        ),
        ({"metric": "settled_orders", "value": "1", "warn_within": Decimal(1)}, "warn_within", "Only rules"),
    ],
)
def test_what_is_wrong_with_a_rule_on_products(values: dict, field: str, says: str) -> None:
    assert says in problems("clearance", subject="product", **values)[field]


@pytest.mark.parametrize("metric", ["settled_orders", "quality_refund_rate", "product_price"])
def test_a_rule_on_shops_speaks_of_no_product(metric: str) -> None:
    assert "is told of products, not of shops" in problems(metric=metric, value="1")["metric"]


def test_a_warning_may_speak_of_the_sales_of_observed_products() -> None:
    assert problems("warning", metric="observed_sales", operator=">", value="5000") == {}


def test_the_words_are_the_readers() -> None:
    with override("zh-hans"):
        assert "量程" in problems(value="9")["value"]
        assert "true" in problems(metric="account_ok", operator="=", value="是")["value"]
        status = problems(metric="shop_status", operator="=", value="正常")["value"]
        assert "normal (正常)" in status
