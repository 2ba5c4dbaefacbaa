"""The page that asks about one shop."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from shops.models import Shop
from tests.factories import DAY, make_enrollment, make_metrics, make_shop, make_user

pytestmark = pytest.mark.django_db


def page(shop: Shop, language: str = "en", day: date | None = DAY) -> str:
    client = Client(headers={"accept-language": language})
    client.force_login(make_user("auditor"))
    asked = {"day": day.isoformat()} if day else {}
    answer = client.get(reverse("admin:shops_shop_rules", args=[shop.pk]), asked)
    assert answer.status_code == 200
    return answer.content.decode()


def test_every_rule_of_both_alliances_is_told_with_its_value_and_margin() -> None:
    shop = make_enrollment().shop
    make_metrics(shop, shop_score="4.35", experience_score="4.20")
    shown = page(shop)
    for code in ("DF-A4", "DF-A5", "DF-A12", "DF-C1", "DF-C2", "WS-A3", "WS-C1"):
        assert f'<span class="code">{code}</span>' in shown
    assert "+0.25" in shown and "It stays in: no clearance rule fails." in shown
    assert "The shop has never applied to WeChat Select Alliance." in shown


def test_of_a_shop_that_is_out_it_tells_what_would_get_it_back_in() -> None:
    shop = make_shop()
    make_enrollment(shop, state="cleared", openings=3)
    make_metrics(shop, shop_score="4.05", experience_score="3.40")
    shown = page(shop)
    assert "comes back only once it has applied (R18)" in shown
    assert "has used all 3 openings in Douyin Featured Alliance (DF-A12)" in shown
    assert "shop score is 4.05; needed: &gt; 4.10: 0.05 away." in shown
    assert "experience score is 3.40; not allowed: &lt; 3.50: 0.10 away." in shown


def test_it_speaks_chinese() -> None:
    shop = make_shop()
    make_enrollment(shop, state="applied")
    make_metrics(shop, shop_score="4.05")
    shown = page(shop, "zh-hans")
    assert "满足以下条件方可（重新）入驻" in shown
    assert "店铺评分目前为 4.05，须满足 &gt; 4.10：相差 0.05。" in shown


def test_who_fails_a_clearance_rule_and_who_qualifies_is_told_so() -> None:
    inside, outside = make_enrollment().shop, make_shop()
    make_enrollment(outside, state="applied")
    make_metrics(inside, experience_score="3.49")
    make_metrics(outside)
    assert "It fails a clearance rule" in page(inside)
    assert "It qualifies" in page(outside)


def test_an_earlier_day_is_asked_by_its_own_figures() -> None:
    shop = make_enrollment().shop
    make_metrics(shop, experience_score="4.20")
    make_metrics(shop, day=DAY - timedelta(days=1), experience_score="3.10")
    assert "It stays in" in page(shop)
    assert "It fails a clearance rule" in page(shop, day=DAY - timedelta(days=1))


def test_a_day_before_the_first_rules_says_that_there_are_none() -> None:
    shop = make_enrollment().shop
    shown = page(shop, day=date(2020, 1, 1))
    assert "Douyin Featured Alliance has no rules in force" in shown


def test_without_any_metrics_it_says_what_to_do() -> None:
    shop = make_enrollment().shop
    assert "Import a metrics file that has this shop." in page(shop, day=None)


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en", "Name a day from 1 Jan 2000 to 31 Dec 2100."),
        ("zh-hans", "请填写 2000年1月1日至 2100年12月31日之间的日期。"),
    ],
)
@pytest.mark.parametrize("day", [date.min, date(1999, 12, 31), date(2101, 1, 1), date.max])
def test_a_day_that_nothing_could_be_reckoned_from_is_refused(day: date, language: str, says: str) -> None:
    shop = make_enrollment().shop
    make_metrics(shop)
    assert says in page(shop, language, day)
