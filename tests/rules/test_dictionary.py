"""The page that tells what rules can speak about."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from rules.admin.dictionary import entries
from rules.dictionaries import METRICS, PRODUCT_METRICS
from rules.models import Rule, RuleSet
from shops.models import Alliance
from tests.factories import DAY, DOUYIN, make_published, make_user

pytestmark = pytest.mark.django_db


def page(language: str = "en") -> str:
    client = Client(headers={"accept-language": language})
    client.force_login(make_user("rules_editor"))
    answer = client.get(reverse("admin:metrics"))
    assert answer.status_code == 200
    return answer.content.decode()


def test_every_metric_stands_there_in_both_languages_with_the_rules_that_use_it() -> None:
    shown = page()
    assert all(key in shown for key in (*METRICS, *PRODUCT_METRICS))
    assert "Of products" in shown and ">WS-O1</a>" in shown
    assert "shop score" in shown and "店铺评分" in shown
    assert ">DF-A5</a>, " in shown and ">WS-C1</a>" in shown
    # Its scale, and the window with both ends.
    assert "0–5" in shown and "[D−29, D]" in shown and "[D−364, D]" in shown
    assert "has not given a score yet" in shown


def test_the_page_is_in_the_readers_language() -> None:
    assert "平台尚未给出评分（暂无）" in page("zh-hans")


def test_the_sidebar_leads_there() -> None:
    assert 'href="/admin/rules/metrics/" aria-current="page"' in page()


def test_a_metric_that_a_rule_made_up_by_its_key_is_shown_as_well() -> None:
    rule_set = RuleSet.objects.create(
        alliance=Alliance.objects.get(code=DOUYIN), purpose="warning", version=1, in_force_from=DAY
    )
    Rule.objects.create(
        rule_set=rule_set,
        position=1,
        code="R-1",
        metric="penalties:V8:30d",
        operator="≥",
        value="2",
        sample_metric="paid_orders_30d",
        sample_minimum=5,
    )
    make_published(rule_set)
    using = {entry.metric.key: [rule.code for rule in entry.rules] for entry in entries(DAY)["shop"]}
    assert using["penalties:V8:30d"] == ["R-1"]
    assert using["paid_orders_30d"] == ["R-1"]
