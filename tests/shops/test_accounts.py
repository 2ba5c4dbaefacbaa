"""What a shop's deposit is to be, and who has less (DP-3, DP-4, R7)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shops import accounts, closing, penalties, standing, stays
from shops.accounts import Required
from shops.models import Alliance, DepositRequirement, DepositStep, Measure, Shop
from tests.factories import (
    AT,
    DAY,
    DOUYIN,
    WECHAT,
    make_batch,
    make_enrollment,
    make_imposed,
    make_metrics,
    make_product,
    make_shop,
)
from tests.shops.accounting import paid_in

pytestmark = pytest.mark.django_db


def require(category: str, yuan: int, alliance: str | None = None) -> None:
    of = Alliance.objects.get(code=alliance) if alliance else None
    DepositRequirement.objects.create(alliance=of, category=category, base_fen=yuan * 100)


def step(category: str, sales: int, yuan: int, alliance: str | None = None) -> None:
    of = Alliance.objects.get(code=alliance) if alliance else None
    DepositStep.objects.create(alliance=of, category=category, sales_fen=sales * 100, amount_fen=yuan * 100)


def set_(code: str, **values: Any) -> None:
    alliance = Alliance.objects.get(code=code)
    for name, value in values.items():
        setattr(alliance, name, value)
    alliance.save_by(None, "set")


def required(shop: Shop) -> tuple[int | None, int | None]:
    """What is due, and what later, in yuan."""
    found = accounts.required_for(shop, day=DAY)
    assert all((fen or 0) % 100 == 0 for fen in (found.due, found.later))
    return found.due and found.due // 100, found.later and found.later // 100


def test_where_nobody_stated_any_nothing_is_required() -> None:
    assert accounts.required_for(make_shop(), day=DAY) == Required(None, None)
    assert accounts.shortfall(make_shop(), day=DAY) == 0


def test_the_main_categorys_amount_is_required_and_the_others_where_it_is_not_listed() -> None:
    require("beauty", 2000)
    require("", 500)
    assert required(make_shop(category="beauty")) == (2000, 2000)
    assert required(make_shop(category="toys")) == (500, 500)


def test_an_alliances_own_amounts_go_before_the_platforms() -> None:
    require("beauty", 2000)
    require("", 500, DOUYIN)
    shop = make_shop(category="beauty")
    assert required(shop) == (2000, 2000)
    make_enrollment(shop)
    assert required(shop) == (500, 500)
    require("beauty", 700, DOUYIN)
    assert required(shop) == (700, 700)


def test_a_shop_that_is_no_longer_in_is_asked_what_the_platform_asks() -> None:
    require("beauty", 2000)
    require("beauty", 9000, DOUYIN)
    enrollment = make_enrollment(make_shop(category="beauty"), state="cleared")
    assert required(enrollment.shop) == (2000, 2000)


def test_of_several_categories_the_highest_counts_where_the_alliance_says_so() -> None:
    require("beauty", 2000)
    require("jewellery", 20_000)
    require("toys", 50_000)
    shop = make_shop(category="beauty")
    make_enrollment(shop)
    make_product(shop, category="jewellery")
    make_product(shop, category="toys", status="off_sale")
    assert required(shop) == (2000, 2000)
    set_(DOUYIN, deposit_rule="highest")
    assert required(shop) == (20_000, 20_000)


@pytest.mark.parametrize(
    ("sales", "yuan"), [("9999.99", 2000), ("10000.00", 3000), ("99999.99", 3000), ("100000.00", 8000)]
)
def test_the_larger_of_base_and_floating_amount_is_required(sales: str, yuan: int) -> None:
    require("beauty", 2000)
    step("", 0, 100)
    step("", 10_000, 3000)
    step("", 100_000, 8000)
    shop = make_shop(category="beauty")
    make_metrics(shop, gmv_30d=sales)
    assert required(shop) == (yuan, yuan)


def test_sales_that_are_not_known_ask_for_nothing_beyond_the_base() -> None:
    require("beauty", 2000)
    step("", 0, 9000)
    unmeasured, unknown, earlier = (make_shop(category="beauty") for _ in range(3))
    make_metrics(unknown, gmv_30d=None)
    make_metrics(earlier, DAY - timedelta(days=1))
    assert [required(shop) for shop in (unmeasured, unknown, earlier)] == [(2000, 2000)] * 3
    assert accounts.required_for(earlier, day=None) == Required(200_000, 200_000)


def test_steps_of_the_category_go_before_those_of_all() -> None:
    step("", 0, 9000)
    step("beauty", 0, 10)
    shop = make_shop(category="beauty")
    make_metrics(shop)
    assert required(shop) == (10, 10)
    step("", 200_000, 5, DOUYIN)
    make_enrollment(shop)
    # The alliance has steps of its own, of which these sales reach none.
    assert required(shop) == (None, None)
    step("", 0, 5, DOUYIN)
    assert required(shop) == (5, 5)


def test_what_falls_due_with_a_withdrawal_is_not_due_before() -> None:
    require("beauty", 2000)
    shop = make_shop(category="beauty")
    make_enrollment(shop, WECHAT)
    assert required(shop) == (None, 2000)
    assert accounts.shortfall(shop, day=DAY) == 0
    assert accounts.short_shops(day=DAY, limit=10) == ([], 0)
    make_enrollment(shop, DOUYIN)
    assert required(shop) == (2000, 2000)
    set_(WECHAT, deposit_due="opening")
    assert required(shop) == (2000, 2000)


def test_a_closing_counts_for_what_is_required_as_for_the_shops_standing() -> None:
    require("", 500)
    shop = make_shop()

    def seen() -> tuple[str, int | None]:
        return standing.standing(shop, AT).status, required(shop)[0]

    penalty = make_imposed(shop, Measure(kind="close"))
    assert seen() == ("closed", None)
    stays.stay(penalty, by=None, at=AT, reason="an appeal runs")
    assert seen() == ("normal", 500)
    assert [short.shop for short in accounts.short_shops(day=DAY, limit=9)[0]] == [shop]
    stays.end_stay(penalty, by=None, reason="denied")
    assert seen() == ("closed", None)
    penalties.overturn(penalty, by=None, at=AT, reason="not theirs")
    closing.close(shop, by=None, at=AT)
    assert seen() == ("closed", None)


def test_nothing_is_required_of_a_closed_shop() -> None:
    require("", 2000)
    shop = make_shop(status="closed", closed_cause="voluntary")
    assert required(shop) == (None, None)


def test_whoever_has_less_than_is_due_is_listed_those_who_lack_most_first() -> None:
    require("", 10)
    full, empty, half, poor = (make_shop() for _ in range(4))
    paid_in(full, 1000)
    paid_in(half, 500)
    paid_in(poor, 999)
    found, count = accounts.short_shops(day=DAY, limit=10)
    assert count == 3
    assert [(short.shop, short.required, short.balance, short.lacking) for short in found] == [
        (empty, 1000, 0, 1000),
        (half, 1000, 500, 500),
        (poor, 1000, 999, 1),
    ]
    found, count = accounts.short_shops(day=DAY, first=1, limit=1)
    assert ([short.shop for short in found], count) == ([half], 3)
    assert [short.shop for short in accounts.every_short_shop(day=DAY)] == [empty, half, poor]
    assert [accounts.shortfall(shop, day=DAY) for shop in (full, empty, half)] == [0, 1000, 500]


def test_the_newest_day_of_metrics_up_to_a_day_tells_the_sales() -> None:
    assert accounts.measured_day(DAY) is None
    make_batch(first_day=DAY, last_day=DAY)
    make_batch(first_day=DAY, last_day=DAY, state="reversed")
    make_batch(first_day=DAY, last_day=DAY + timedelta(days=5))
    assert accounts.measured_day(DAY + timedelta(days=1)) == DAY
