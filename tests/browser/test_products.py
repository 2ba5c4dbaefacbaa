"""A product as a person decides on it, and pages that fit the window they are read in."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from opsdesk import review
from rules.models import Proposal
from shops import listings
from shops.models import Alliance, Listing, PromotionPeriod
from tests.browser.conftest import PASSWORD
from tests.factories import (
    AT,
    DAY,
    WECHAT,
    make_enrollment,
    make_listing,
    make_metrics,
    make_product,
    make_product_metrics,
    make_shop,
    make_user,
)
from tests.product_proposals import make_product_proposal, make_sales_warning

pytestmark = pytest.mark.browser

WORDS = {
    "en": {
        "queue": "Review queue",
        "accept": "Accept",
        "accepted": "accepted",
        "stopped": "stopped",
        "by hand": "File by hand",
        "file": "File",
        "filed": "filed",
    },
    "zh-hans": {
        "queue": "审核队列",
        "accept": "采纳",
        "accepted": "已采纳",
        "stopped": "停止推广",
        "by hand": "人工提交",
        "file": "提交",
        "filed": "已提交",
    },
}


def a_days_work() -> tuple[Proposal, Proposal]:
    """A product to be stopped, and a shop whose observed products sold too much."""
    shop = make_shop(code="WX-1", name="云杉美妆专营店")
    make_enrollment(shop, WECHAT)
    listing = make_listing(make_product(shop, code="G1001", name="桂花香膏 第二代 礼盒装"))
    make_product_proposal(
        make_listing(make_product(shop, code="G1002", name="面霜"), state="applied"), kind="observe"
    )
    for back, refunds in enumerate((8, 7, 7, 6, 4, 3, 3)):
        make_product_metrics(listing.product, DAY - timedelta(days=back), quality_refunds=refunds)
    make_metrics(shop)
    warned = make_enrollment(make_shop(code="WX-2", name="青禾食品店"), WECHAT)
    for code, sales in (("G1", (4000, 2300, 1500, 900)), ("G2", (1000, 1200, 700, 300))):
        product = make_product(warned.shop, code=code, name={"G1": "新品一号", "G2": "新品二号"}[code])
        make_listing(product, state="observed")
        for back, amount in enumerate(sales):
            make_product_metrics(product, DAY - timedelta(days=back), sales_amount=amount)
    return make_product_proposal(listing), make_sales_warning(warned)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_product_is_stopped_and_another_filed_by_hand(language, committed_db, a_visitor, picture) -> None:
    words = WORDS[language]
    make_user("operator", username="operator", password=PASSWORD)
    stop, warning = a_days_work()
    page = a_visitor("operator", language)
    page.get_by_role("link", name=words["queue"]).first.click()
    expect(page.locator("#result_list")).to_contain_text("桂花香膏")
    picture(page, f"{language}-products-1-queue")
    page.goto(f"/admin/rules/proposal/{warning.pk}/change/")
    expect(page.locator("svg").first).to_be_visible()
    picture(page, f"{language}-products-2-warning")
    page.goto(f"/admin/rules/proposal/{stop.pk}/change/")
    picture(page, f"{language}-products-3-stop")
    page.select_option("#accept-reason", "below_bar")
    page.get_by_role("button", name=words["accept"], exact=True).click()
    page.wait_for_url(re.compile(r"/admin/rules/proposal/\d+/change/$"))
    expect(page.locator(".messagelist")).to_contain_text(words["accepted"])

    page.goto(f"/admin/shops/product/{stop.product_id}/change/")
    expect(page.locator(".pill-stopped").first).to_have_text(words["stopped"])
    picture(page, f"{language}-products-4-product")
    page.goto("/admin/opsdesk/decision/")
    picture(page, f"{language}-products-5-decisions")

    # Another product, in the operator's own judgement.
    other = Listing.objects.exclude(product=stop.product).first().product
    page.goto(f"/admin/shops/product/{other.pk}/change/")
    page.get_by_role("link", name=words["by hand"]).click()
    expect(page.locator("#id_product")).to_have_value(other.code)
    page.select_option("#id_alliance", str(Alliance.objects.get(code=WECHAT).pk))
    page.fill("#id_statement", "包装仿冒他人品牌")
    picture(page, f"{language}-products-6-by-hand")
    page.get_by_role("button", name=words["file"], exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text(words["filed"])
    expect(page.locator("blockquote")).to_contain_text("包装仿冒他人品牌")

    assert listings.standing(Listing.objects.get(product=stop.product)) == "stopped"
    assert Proposal.objects.get(product=other, kind="stop").ground == "judgement"


def overhang(page: Page) -> int:
    """By how many pixels the page, or a table in it, is wider than its room. Lists scroll by themselves."""
    return page.evaluate(
        """() => Math.max(
            document.documentElement.scrollWidth - document.documentElement.clientWidth,
            0, ...[...document.querySelectorAll('#content table:not(#result_list)')].map(
                table => table.scrollWidth - table.parentElement.clientWidth))"""
    )


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_about_products_fit_their_window_and_axe_finds_nothing_wrong(
    committed_db, a_visitor, picture, width: int, language: str
) -> None:
    make_user("supervisor", username="s", password=PASSWORD)
    stop, warning = a_days_work()
    review.accept(stop.pk, by=None, reason="below_bar", at=AT)
    page = a_visitor("s", language, width, bypass_csp=True)
    addresses = {
        "queue": "/admin/rules/proposal/",
        "stop": f"/admin/rules/proposal/{stop.pk}/change/",
        "warning": f"/admin/rules/proposal/{warning.pk}/change/",
        "product": f"/admin/shops/product/{stop.product_id}/change/",
        "listings": "/admin/shops/listing/",
        "decisions": "/admin/opsdesk/decision/",
        "penalties": "/admin/shops/penalty/",
        "by hand": "/admin/rules/proposal/file/?product=G1001",
    }
    wide, found = {}, {}
    for name, address in addresses.items():
        page.goto(address)
        picture(page, f"{language}-{width}-{name}")
        wide[name] = overhang(page)
        found[name] = [
            (violation["id"], [node["target"] for node in violation["nodes"]])
            for violation in Axe().run(page, options={"preload": False}).response["violations"]
        ]
    assert {name: pixels for name, pixels in wide.items() if pixels > 0} == {}
    assert {name: violations for name, violations in found.items() if violations} == {}


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_promotion_periods_fit_a_small_screen(committed_db, a_visitor, picture, language: str) -> None:
    make_user("supervisor", username="s", password=PASSWORD)
    alliance = Alliance.objects.get(code=WECHAT)
    PromotionPeriod.objects.create(
        alliance=alliance,
        name_en="Mid-year shopping festival",
        name_zh="618 年中购物节",
        first_day=DAY,
        last_day=DAY,
        effect=PromotionPeriod.Effect.SUPERVISOR,
    )
    page = a_visitor("s", language)
    page.goto(f"/admin/shops/alliance/{alliance.pk}/change/")
    picture(page, f"{language}-alliance")
    assert overhang(page) <= 0
