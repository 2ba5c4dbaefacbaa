"""The rule book's pages: rules in the reader's words, and a supervisor's exemptions."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from rules.models import Alternative, Rule, RuleSet, ShopExemption
from rules.values import any_of_text, condition_text, margin_of, threshold_of, value_of
from shops.models import Alliance, Shop
from tests.clients import client_of
from tests.factories import DOUYIN, WECHAT, make_shop


@pytest.fixture
def shop(db) -> Shop:
    return make_shop(code="DY-1")


def granting(**change) -> dict:
    return {
        "shop": "DY-1",
        "alliance": Alliance.objects.get(code=DOUYIN).pk,
        "rule_code": "DF-C1",
        "until": (timezone.localdate() + timedelta(days=7)).isoformat(),
        "reason": "moved its warehouse",
    } | change


@pytest.mark.django_db
def test_a_rule_set_shows_its_rules_in_the_readers_language() -> None:
    rule_set = RuleSet.objects.get(alliance__code=DOUYIN, purpose="admission")
    address = reverse("admin:rules_ruleset_change", args=[rule_set.pk])
    english = client_of("operator").get(address).content.decode()
    for shown in ("DF-A5", "The shop score is above 4.1.", "shop score", "&gt; 4.10", "§0 DF-A5", "&gt; 75%"):
        assert shown in english, shown
    assert "店铺评分高于 4.1 分。" in client_of("operator", "zh-hans").get(address).content.decode()


@pytest.mark.django_db
def test_a_published_rule_set_is_not_edited() -> None:
    rule_set = RuleSet.objects.first()
    address = reverse("admin:rules_ruleset_change", args=[rule_set.pk])
    assert client_of("supervisor").post(address, {"mode": "automatic"}).status_code == 403


@pytest.mark.parametrize(
    ("metric", "value", "shown"),
    [
        ("shop_score", "4.2", "4.20"),
        ("shop_score", "none", "no score yet"),
        ("positive_rate", "0.7501", "75.01%"),
        ("gmv_30d", "1234.5", "¥1,234.50"),
        ("paid_orders_30d", 12345, "12,345"),
        ("warehouse_passed", False, "no"),
        ("brand_papers_ok", "false", "no"),
        ("shop_status", "normal", "normal"),
        ("experience_score", None, "–"),
        ("a metric of long ago", "7", "7"),
    ],
)
@pytest.mark.django_db
def test_values_are_shown_as_people_read_them(metric: str, value: object, shown: str) -> None:
    with override("en"):
        assert value_of(metric, value) == shown


@pytest.mark.parametrize(
    ("metric", "margin", "shown"),
    [
        ("shop_score", Decimal("-0.010000"), "−0.01"),
        ("shop_score", "0.1", "+0.10"),
        ("positive_rate", "-0.0001", "−0.01%"),
        ("gmv_30d", "0", "¥0.00"),
        ("warehouse_passed", None, "–"),
    ],
)
def test_margins_carry_their_sign(metric: str, margin: Decimal | str | None, shown: str) -> None:
    with override("en"):
        assert margin_of(metric, margin) == shown


@pytest.mark.parametrize(
    ("values", "english", "chinese"),
    [
        (("shop_score", ">", "4.1"), "shop score > 4.10", "店铺评分 > 4.10"),
        (
            ("shop_score", "between", "4.0", "4.5"),
            "shop score is between 4.00–4.50",
            "店铺评分 介于 4.00–4.50",
        ),
        (
            ("shop_status", "in", "normal,suspended"),
            "shop status is one of normal, suspended",
            "店铺状态 属于其中之一 正常, 已封禁",
        ),
        (("positive_rate", "known"), "positive rate is known", "好评率 有值"),
        (
            ("penalties:V8:30d", "<", "3"),
            "penalties under V8 in 30 days < 3",
            "近 30 天 V8 违规处罚次数 < 3",
        ),
        (("",), "", ""),
    ],
)
def test_a_condition_reads_in_both_languages(values: tuple, english: str, chinese: str) -> None:
    condition = Rule(**dict(zip(("metric", "operator", "value", "upper"), values, strict=False)))
    with override("en"):
        assert condition_text(condition) == english
    with override("zh-hans"):
        assert condition_text(condition) == chinese


def test_alternatives_stand_beside_the_rules_own_condition() -> None:
    own = Rule(metric="shop_score", operator="≥", value="4.2")
    other = Alternative(metric="shop_score", operator="unknown")
    with override("en"):
        assert any_of_text([own, other]) == "shop score ≥ 4.20 or shop score is not known"


@pytest.mark.parametrize(
    ("operator", "threshold", "shown"),
    [
        ("between", ["4.0", "4.5"], "4.00–4.50"),
        ("between", "4.0–4.5", "4.00–4.50"),
        ("in", ["4", "5"], "4.00, 5.00"),
        ("in", "4, 5", "4.00, 5.00"),
        ("known", None, ""),
        ("≥", "4.2", "4.20"),
    ],
)
def test_a_threshold_reads_the_same_from_evidence_and_from_a_list(
    operator: str, threshold: object, shown: str
) -> None:
    with override("en"):
        assert threshold_of("shop_score", operator, threshold) == shown


# Exemptions


def test_a_supervisor_exempts_a_shop_from_a_rule(shop: Shop) -> None:
    client = client_of("supervisor")
    answer = client.post(reverse("admin:rules_shopexemption_add"), granting(), follow=True)
    exemption = ShopExemption.objects.get()
    assert (exemption.shop, exemption.rule_code) == (shop, "DF-C1")
    assert "is exempt from DF-C1" in answer.content.decode()
    assert "counts today" in answer.content.decode()


def test_a_supervisor_exempts_a_shop_from_a_rule_on_products_which_is_told_as_such(shop: Shop) -> None:
    address = reverse("admin:rules_shopexemption_add")
    page = client_of("supervisor").get(address).content.decode()
    assert [line.count("(of products)") for line in page.splitlines() if 'value="WS-O1"' in line] == [1]
    assert "all products of the shop" in page
    wechat = Alliance.objects.get(code=WECHAT).pk
    client_of("supervisor").post(address, granting(alliance=wechat, rule_code="WS-O1"))
    assert ShopExemption.objects.get().rule_code == "WS-O1"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"shop": "NO-SUCH"}, "shop"),
        ({"reason": ""}, "reason"),
        ({"until": "2026-02-30"}, "until"),
        ({"rule_code": "XX-1"}, "rule_code"),
        ({"until": "2020-01-01"}, "__all__"),
    ],
)
def test_an_exemption_that_is_not_right_is_not_granted(shop: Shop, change: dict, field: str) -> None:
    answer = client_of("supervisor").post(reverse("admin:rules_shopexemption_add"), granting(**change))
    assert field in answer.context["form"].errors
    assert not ShopExemption.objects.exists()


def test_the_form_is_filled_from_the_proposal_it_was_opened_from(shop: Shop) -> None:
    page = client_of("supervisor").get(
        reverse("admin:rules_shopexemption_add"), {"shop": "DY-1", "rule_code": "DF-C2"}
    )
    assert page.context["form"]["shop"].value() == "DY-1"
    assert page.context["form"]["rule_code"].value() == "DF-C2"


def test_a_supervisor_ends_an_exemption_with_a_reason(shop: Shop) -> None:
    client = client_of("supervisor")
    client.post(reverse("admin:rules_shopexemption_add"), granting())
    exemption = ShopExemption.objects.get()
    address = reverse("admin:rules_shopexemption_end", args=[exemption.pk])
    assert client.post(address, {"reason": ""}).context["form"].errors
    client.post(address, {"reason": "it was an error"})
    exemption.refresh_from_db()
    assert exemption.until == timezone.localdate() - timedelta(days=1)


@pytest.mark.parametrize("role", ["operator", "rules_editor", "auditor"])
def test_only_a_supervisor_grants_and_ends(shop: Shop, role: str) -> None:
    client_of("supervisor").post(reverse("admin:rules_shopexemption_add"), granting())
    exemption = ShopExemption.objects.get()
    client = client_of(role)
    assert client.post(reverse("admin:rules_shopexemption_add"), granting()).status_code == 403
    end = reverse("admin:rules_shopexemption_end", args=[exemption.pk])
    assert client.post(end, {"reason": "no"}).status_code == 403
    assert ShopExemption.objects.count() == 1
