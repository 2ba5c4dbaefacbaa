"""An appeal as people hear it: recorded in a window the size of a phone, heard and ruled on by another."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from opsdesk import audit
from opsdesk.models import Appeal
from shops.models import Measure
from tests.browser.conftest import PASSWORD
from tests.factories import (
    make_enrollment,
    make_imposed,
    make_listing,
    make_metrics,
    make_product,
    make_shop,
    make_user,
)
from tests.opsdesk.files import jpeg, pdf, png
from tests.shops.accounting import paid_in

pytestmark = pytest.mark.browser

WORDS = {
    "en": {
        "file": "File an appeal",
        "send": "File",
        "filed": "filed",
        "add": "Add evidence",
        "supports": "What supports the appeal",
        "rests": "What the decision rests on",
        "strike": "Strike",
        "struck": "struck",
        "queue": "Appeal queue",
        "take": "Take this appeal",
        "ask": "Ask the shop for material",
        "answer": "Record the shop's answer",
        "part": "Grant in part",
        "granted": "granted in part",
        "notice": "Notice",
        "undone": ["Cleared from", "Stopped", "Warned"],
        "lessened": "Lessened to, instead of: Deducted",
        "openings": "Openings",
        "products": "Products",
        "normal": "normal",
        "open": ["closed", "open"],
        "promoted": "promoted",
        "points": "the platform: 4",
        "movements": ["deducted", "taken back", "deducted", "paid in"],
    },
    "zh-hans": {
        "file": "提交申诉",
        "send": "提交",
        "filed": "已提交",
        "add": "添加证据",
        "supports": "申诉的证据",
        "rests": "决定的依据",
        "strike": "剔除",
        "struck": "已剔除",
        "queue": "申诉队列",
        "take": "领取该申诉",
        "ask": "要求商家补充材料",
        "answer": "记录商家的答复",
        "part": "裁定部分成立",
        "granted": "部分成立",
        "notice": "通知",
        "undone": ["清退出", "停止", "已预警"],
        "lessened": "减轻为（原为：已扣划",
        "openings": "开通记录",
        "products": "商品",
        "normal": "正常",
        "open": ["已关闭", "已开通"],
        "promoted": "推广中",
        "points": "平台: 4",
        "movements": ["扣划", "冲正", "扣划", "缴存"],
    },
}


def write(page: Page, field: str, text: str, submit: str) -> None:
    page.fill(f"[name={field}]", text)
    page.get_by_role("button", name=submit, exact=True).click()


def assert_drawn(page: Page, count: int) -> None:
    """So many pictures are on the page, and the browser has drawn each."""
    pictures = page.locator("#content-main img")
    expect(pictures).to_have_count(count)
    for number in range(count):
        pictures.nth(number).scroll_into_view_if_needed()
        expect(pictures.nth(number)).to_have_js_property("complete", True)
        assert pictures.nth(number).evaluate("image => image.naturalWidth") > 0


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_an_appeal_from_a_phone_to_a_ruling(language, live_desk, a_visitor, picture, tmp_path: Path) -> None:
    words = WORDS[language]
    for name, role in (("clerk", "appeals_officer"), ("judge", "appeals_officer"), ("other", "operator")):
        make_user(role, username=name, password=PASSWORD)
    enrollment = make_enrollment(make_shop(code="S-1", name="青竹小铺"), openings=2)
    make_metrics(enrollment.shop)
    paid_in(enrollment.shop, 50_000)
    listing = make_listing(make_product(enrollment.shop, code="P-1"), enrollment.alliance.code)
    penalty = make_imposed(
        enrollment.shop,
        Measure(kind="clear"),
        Measure(kind="stop"),
        Measure(kind="points", points=4),
        Measure(kind="deduct", basis="fixed", amount_fen=40_000),
        Measure(kind="warning"),
        alliance=enrollment.alliance,
        product=listing.product,
        at=timezone.now() - timedelta(days=3),
    )

    phone = a_visitor("clerk", language, width=390)
    phone.goto(f"/admin/shops/penalty/{penalty.pk}/change/")
    phone.get_by_role("link", name=words["file"]).click()
    phone.select_option("[name=channel]", "ticket")
    phone.fill("[name=reference]", "T-17")
    files = {"物流.jpg": jpeg(), "chat.png": png(), "检测报告.pdf": pdf(2)}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    phone.set_input_files("[name=evidence]", [tmp_path / name for name in files])
    picture(phone, f"file-an-appeal-{language}")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    write(phone, "statement", "评分有误，附物流记录", words["send"])
    expect(phone.get_by_role("heading", level=1)).to_contain_text(words["filed"])
    assert_drawn(phone, 3)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    picture(phone, f"appeal-on-a-phone-{language}")
    phone.get_by_role("link", name="检测报告.pdf", exact=True).click()
    assert_drawn(phone, 2)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    picture(phone, f"evidence-on-a-phone-{language}")

    page = a_visitor("judge", language)
    page.get_by_role("link", name=words["queue"]).first.click()
    appeal = Appeal.objects.get()
    page.get_by_role("link", name=appeal.number).click()
    page.get_by_role("button", name=words["take"]).click()
    expect(page.get_by_role("link", name=words["ask"])).to_be_visible()
    expect(page.get_by_role("heading", name=words["supports"])).to_be_visible()
    expect(page.get_by_role("heading", name=words["rests"])).to_be_visible()
    assert_drawn(page, 3)
    for name, pages in (("物流.jpg", 1), ("chat.png", 1), ("检测报告.pdf", 2)):
        page.get_by_role("link", name=name, exact=True).click()
        assert_drawn(page, pages)
        expect(page.get_by_role("heading", name=words["rests"])).to_be_visible()
        picture(page, f"evidence-{pages}-{language}")
        page.go_back()
    page.get_by_role("link", name="chat.png", exact=True).click()
    page.get_by_role("link", name=words["strike"], exact=True).click()
    write(page, "reason", "另一买家", words["strike"])
    page.get_by_role("link", name=words["add"], exact=True).click()
    write(page, "text", "仓库来电确认", words["add"])
    expect(page.locator(".pieces")).to_contain_text("仓库来电确认")
    expect(page.locator(".piece-struck")).to_contain_text("另一买家")
    expect(page.locator(".piece-struck .pill")).to_have_text(words["struck"])
    page.get_by_role("link", name=words["ask"]).click()
    write(page, "items", "检测报告", words["ask"])
    page.get_by_role("link", name=words["answer"]).click()
    write(page, "text", "见附件", words["answer"])
    picture(page, f"appeal-{language}")
    page.get_by_role("link", name=words["part"]).click()
    for told in words["undone"]:
        page.locator("#id_measures label", has_text=told).locator("input").check()
    page.get_by_label(words["lessened"]).fill("150")
    write(page, "reason", "警告过重", words["part"])
    expect(page.get_by_role("heading", level=1)).to_contain_text(words["granted"])
    for said in ("评分有误，附物流记录", "检测报告", "见附件", "警告过重"):
        expect(page.locator("#content-main")).to_contain_text(said)
    picture(page, f"appeal-ruled-on-{language}")

    stranger = a_visitor("other", language)
    stranger.goto(f"/admin/shops/penalty/{penalty.pk}/change/")
    assert appeal.number not in stranger.content()
    assert words["queue"] not in stranger.content()
    assert stranger.request.get(f"/admin/opsdesk/appeal/{appeal.pk}/change/").status == 403
    for token in appeal.evidence.values_list("token", flat=True):
        for part in ("", "page/1/", "small/", "original/"):
            assert stranger.request.get(f"/admin/opsdesk/appeal/evidence/{token}/{part}").status == 403

    page.goto(f"/admin/shops/shop/{enrollment.shop_id}/change/")
    standing = page.locator("#standing")
    expect(standing.locator(".pill").first).to_have_text(words["normal"])
    for said in ("¥350.00", words["points"], penalty.case_number):
        expect(standing).to_contain_text(said)
    openings = page.locator("section", has=page.get_by_role("heading", name=words["openings"]))
    # The clearance was never: the opening that it closed goes on.
    expect(openings.locator("tbody tr")).to_have_count(2)
    expect(openings.locator("tbody .pill")).to_have_text(words["open"])
    products = page.locator("section", has=page.get_by_role("heading", name=words["products"]))
    expect(products.locator(".model-listing")).to_contain_text(words["promoted"])
    picture(page, f"shop-after-the-ruling-{language}")
    page.goto(f"/admin/shops/depositentry/account/{enrollment.shop_id}/")
    expect(page.locator("tbody .pill")).to_have_text(words["movements"])
    for said in ("¥350.00", "-¥150.00", "¥400.00", "-¥400.00"):
        expect(page.locator("tbody")).to_contain_text(said)
    assert [fact.verify() for fact in audit.FACTS.values() if fact.verify()] == []
