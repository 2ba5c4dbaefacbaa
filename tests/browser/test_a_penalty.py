"""A penalty as people impose it, read what it does on the shop's page, and take it back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import override
from playwright.sync_api import Page, expect

from opsdesk import audit
from shops import penalties
from shops.accounts import balance_of
from shops.models import (
    Alliance,
    DepositEntry,
    DepositRequirement,
    Enrollment,
    Measure,
    Opening,
    Penalty,
    Shop,
    Violation,
)
from tests.browser.conftest import PASSWORD
from tests.factories import DOUYIN, WECHAT, make_enrollment, make_imposed, make_metrics, make_shop, make_user
from tests.shops.accounting import paid_in

pytestmark = pytest.mark.browser

WORDS = {
    "en": {
        "impose": "Impose a penalty",
        "look": "Show the whole effect",
        "do": "Impose it",
        "overturn": "Overturn the penalty",
        "undo": "Overturn it",
        "continue": "Continue",
        "say": "still to be said: amount",
        "closed": "closed",
        "normal": "normal",
        "points": "the platform: 12",
        "for ever": "every alliance, for ever (CL-1)",
        "required": "of ¥5,000.00 required",
        "short": "short by ¥3,765.44",
        "suspended": "suspended",
        "until": "until {}",
        "points until": "4 points on the platform until {}",
        "deducted": "Deducted ¥0.04 from the deposit",
        "restricted": "Live selling is restricted until {}",
        "kept out": "WeChat Select Alliance, while a penalty stands (R5) until {}",
    },
    "zh-hans": {
        "impose": "作出处罚",
        "look": "查看全部效果",
        "do": "作出处罚",
        "overturn": "撤销处罚",
        "undo": "撤销",
        "continue": "继续",
        "say": "尚待填写：金额",
        "closed": "已关店",
        "normal": "正常",
        "points": "平台: 12",
        "for ever": "所有联盟，永久（CL-1）",
        "required": "应缴 ¥5,000.00",
        "short": "不足 ¥3,765.44",
        "suspended": "封禁",
        "until": "至 {}",
        "points until": "在平台记违规积分 4 分，至 {}",
        "deducted": "已扣划保证金 ¥0.04",
        "restricted": "直播带货已受限，至 {}",
        "kept out": "视频号优选联盟，处罚生效期间（R5） 至 {}",
    },
}
PAID_FEN = 123_456


def a_shop_in_both() -> Shop:
    shop = make_shop(code="S-1", name="青竹小铺")
    for alliance in (DOUYIN, WECHAT):
        make_enrollment(shop, alliance)
    make_metrics(shop)
    paid_in(shop, PAID_FEN)
    return shop


def as_it_was(shop: Shop) -> None:
    assert balance_of(shop) == PAID_FEN
    assert set(Enrollment.objects.values_list("state", "openings_used")) == {("open", 1)}
    assert set(Opening.objects.values_list("number", "closed")) == {(1, False)}
    assert [fact.verify() for fact in audit.FACTS.values() if fact.verify()] == []


def impose(page: Page, words: dict[str, str], shop: Shop, code: str, amount: str = "") -> Penalty:
    """From the shop's page, through its whole effect, to the penalty's own page."""
    page.goto(f"/admin/shops/shop/{shop.pk}/change/")
    page.get_by_role("link", name=words["impose"], exact=True).click()
    page.select_option("[name=violation]", str(Violation.objects.get(code=code).pk))
    page.get_by_role("button", name=words["continue"]).click()
    page.fill("[name=reason]", "核实无误")
    if amount:
        # What the catalogue leaves open has to be said before anything can be imposed.
        page.get_by_role("button", name=words["look"]).click()
        expect(page.locator("#effect")).to_contain_text(words["say"])
        expect(page.locator("button[name=impose]")).to_have_count(0)
        page.fill("[name=deduct-amount]", amount)
    page.get_by_role("button", name=words["look"]).click()
    page.locator("button[name=impose]").click()
    page.wait_for_url("**/admin/shops/penalty/*/change/")
    return Penalty.objects.order_by("-pk")[0]


def overturn(page: Page, words: dict[str, str], penalty: Penalty) -> None:
    page.goto(f"/admin/shops/penalty/{penalty.pk}/change/")
    page.get_by_role("link", name=words["overturn"], exact=True).click()
    page.fill("[name=reason]", "核对有误")
    page.get_by_role("button", name=words["undo"], exact=True).click()
    page.wait_for_url("**/admin/shops/penalty/*/change/")


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_shop_removed_for_v4_and_restored(language, live_desk, a_visitor, picture) -> None:
    words = WORDS[language]
    make_user("operator", username="operator", password=PASSWORD)
    make_user("appeals_officer", username="judge", password=PASSWORD)
    shop = a_shop_in_both()
    page = a_visitor("operator", language)

    penalty = impose(page, words, shop, "V4")
    assert sorted(penalty.measures.values_list("kind", flat=True)) == ["clear", "clear", "close", "deduct"]
    expect(page.locator("#measures tbody tr")).to_have_count(4)
    page.goto(f"/admin/shops/shop/{shop.pk}/change/")
    standing = page.locator("#standing")
    expect(standing.locator(".pill-closed")).to_have_text(words["closed"])
    for told in (penalty.case_number, words["for ever"], "¥0.00"):
        expect(standing).to_contain_text(told)
    picture(page, f"v4-{language}")
    assert balance_of(shop) == 0
    assert set(Enrollment.objects.values_list("state", flat=True)) == {"cleared"}

    overturn(a_visitor("judge", language), words, penalty)
    page.reload()
    expect(standing.locator(".pill-normal")).to_have_text(words["normal"])
    expect(standing).to_contain_text("¥1,234.56")
    for told in (penalty.case_number, words["for ever"]):
        expect(standing).not_to_contain_text(told)
    as_it_was(shop)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_three_cases_of_v8_and_each_taken_back(language, live_desk, a_visitor, picture) -> None:
    words = WORDS[language]
    make_user("operator", username="operator", password=PASSWORD)
    make_user("appeals_officer", username="judge", password=PASSWORD)
    shop = a_shop_in_both()
    page = a_visitor("operator", language)

    cases = [impose(page, words, shop, "V8", amount) for amount in ("100.05", "200.10", "0.07")]
    assert list(DepositEntry.objects.filter(kind="deduct").values_list("amount_fen", flat=True)) == [
        -7,
        -20_010,
        -10_005,
    ]
    page.goto(f"/admin/shops/shop/{shop.pk}/change/")
    standing = page.locator("#standing")
    for told in (words["points"], "¥934.34", *(one.case_number for one in cases)):
        expect(standing).to_contain_text(told)
    picture(page, f"v8-{language}")
    assert set(Enrollment.objects.values_list("state", flat=True)) == {"open"}

    judge = a_visitor("judge", language)
    # In another order than they were imposed in.
    for number, left in ((1, "¥1,134.44"), (0, "¥1,234.49"), (2, "¥1,234.56")):
        overturn(judge, words, cases[number])
        page.reload()
        expect(standing).to_contain_text(left)
        expect(standing).not_to_contain_text(cases[number].case_number)
    expect(standing).not_to_contain_text(words["points"])
    as_it_was(shop)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_shops_page_tells_what_stands_against_it_and_until_when(
    language, live_desk, a_visitor, picture
) -> None:
    words = WORDS[language]
    make_user("operator", username="operator", password=PASSWORD)
    shop = a_shop_in_both()
    wechat = Alliance.objects.get(code=WECHAT)
    DepositRequirement.objects.create(category="", base_fen=500_000)
    now = timezone.now()
    ends = now + timedelta(days=9)
    points_end = now + timedelta(days=40)
    for measures in (
        [
            Measure(kind="clear", alliance=wechat),
            Measure(kind="restrict_live", ends_at=ends),
            Measure(kind="suspend", ends_at=ends),
        ],
        [
            Measure(kind="points", points=4, ends_at=points_end),
            Measure(kind="deduct", basis="fixed", amount_fen=4),
        ],
    ):
        penalties.impose(
            shop=shop,
            ground="violation",
            violation=Violation.objects.get(code="V8"),
            measures=measures,
            reason="核实无误",
            evidence={},
            by=None,
            at=now,
        )
    paid_in(shop, 4, at=now)
    page = a_visitor("operator", language)
    page.goto(f"/admin/shops/shop/{shop.pk}/change/")
    picture(page, f"standing-{language}")
    standing = page.locator("#standing")
    with override(language):
        end, points_over = (
            date_format(timezone.localtime(moment), "DATETIME_FORMAT") for moment in (ends, points_end)
        )
    expect(standing.locator(".pill-suspended").first).to_contain_text(words["suspended"])
    for told in ("points", "required", "short", "deducted"):
        expect(standing).to_contain_text(words[told].replace("12", "4") if told == "points" else words[told])
    expect(standing).to_contain_text(words["points until"].format(points_over))
    for told in ("until", "restricted", "kept out"):
        expect(standing).to_contain_text(words[told].format(end))
    for penalty in Penalty.objects.all():
        expect(standing).to_contain_text(penalty.case_number)


def test_a_reason_without_a_space_widens_no_page(committed_db, a_visitor, picture) -> None:
    make_user("auditor", username="a", password=PASSWORD)
    endless = "https://example.com/" + "a" * 280
    penalty = make_imposed(make_shop(), Measure(kind=Measure.Kind.WARNING), reason=endless)
    penalties.overturn(penalty, by=None, at=timezone.now(), reason=endless)
    page = a_visitor("a", "zh-hans")
    page.goto(f"/admin/shops/penalty/{penalty.pk}/change/")
    picture(page, "penalty-endless")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
