"""An appeal as people hear it: recorded in a window the size of a phone, heard and ruled on by another."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from opsdesk import audit
from opsdesk.models import Appeal
from shops.models import Enrollment
from tests.browser.conftest import PASSWORD
from tests.factories import make_cleared_and_warned, make_enrollment, make_metrics, make_shop, make_user

pytestmark = pytest.mark.browser

WORDS = {
    "en": {
        "file": "File an appeal",
        "send": "File",
        "filed": "filed",
        "queue": "Appeal queue",
        "take": "Take this appeal",
        "ask": "Ask the shop for material",
        "answer": "Record the shop's answer",
        "part": "Grant in part",
        "granted": "granted in part",
        "notice": "Notice",
        "warned": "Warned",
    },
    "zh-hans": {
        "file": "提交申诉",
        "send": "提交",
        "filed": "已提交",
        "queue": "申诉队列",
        "take": "领取该申诉",
        "ask": "要求商家补充材料",
        "answer": "记录商家的答复",
        "part": "裁定部分成立",
        "granted": "部分成立",
        "notice": "通知",
        "warned": "已预警",
    },
}


def write(page: Page, field: str, text: str, submit: str) -> None:
    page.fill(f"[name={field}]", text)
    page.get_by_role("button", name=submit, exact=True).click()


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_an_appeal_from_a_phone_to_a_ruling(language, live_desk, a_visitor, picture) -> None:
    words = WORDS[language]
    for name, role in (("clerk", "appeals_officer"), ("judge", "appeals_officer"), ("other", "operator")):
        make_user(role, username=name, password=PASSWORD)
    enrollment = make_enrollment(make_shop(code="S-1", name="青竹小铺"), openings=2)
    make_metrics(enrollment.shop)
    penalty = make_cleared_and_warned(enrollment, at=timezone.now() - timedelta(days=3))

    phone = a_visitor("clerk", language, width=390)
    phone.goto(f"/admin/shops/penalty/{penalty.pk}/change/")
    phone.get_by_role("link", name=words["file"]).click()
    phone.select_option("[name=channel]", "ticket")
    phone.fill("[name=reference]", "T-17")
    picture(phone, f"file-an-appeal-{language}")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    write(phone, "statement", "评分有误，附物流记录", words["send"])
    expect(phone.get_by_role("heading", level=1)).to_contain_text(words["filed"])
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    picture(phone, f"appeal-on-a-phone-{language}")

    page = a_visitor("judge", language)
    page.get_by_role("link", name=words["queue"]).first.click()
    appeal = Appeal.objects.get()
    page.get_by_role("link", name=appeal.number).click()
    page.get_by_role("button", name=words["take"]).click()
    page.get_by_role("link", name=words["ask"]).click()
    write(page, "items", "检测报告", words["ask"])
    page.get_by_role("link", name=words["answer"]).click()
    write(page, "text", "见附件", words["answer"])
    picture(page, f"appeal-{language}")
    page.get_by_role("link", name=words["part"]).click()
    page.locator("label", has_text=words["warned"]).locator("input").check()
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

    assert Enrollment.objects.get(pk=enrollment.pk).state == "cleared"
    assert penalty.measures.get(kind="warning").undone_at is not None
    assert audit.verify_history() is None
