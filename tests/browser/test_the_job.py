"""The main job as a person does it: a CSV comes in, a shop is cleared, and all is on record."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils.timezone import localdate
from playwright.sync_api import expect

from opsdesk import audit
from rules.models import Proposal
from shops.models import Enrollment, Opening
from tests.browser.conftest import PASSWORD
from tests.factories import make_enrollment, make_metrics, make_shop, make_user

pytestmark = pytest.mark.browser

WORDS = {
    "en": {
        "import": "Import a file",
        "send": "Import",
        "ready": "ready",
        "apply": "Apply",
        "applied": "applied",
        "check": "Check now",
        "done": "done",
        "queue": "Review queue",
        "accept": "Accept",
        "cleared": "cleared",
        "accepted": "accepted",
        "home": "The state of the day",
    },
    "zh-hans": {
        "import": "导入文件",
        "send": "导入",
        "ready": "待确认",
        "apply": "确认导入",
        "applied": "已导入",
        "check": "立即校验",
        "done": "已完成",
        "queue": "审核队列",
        "accept": "采纳",
        "cleared": "已清退",
        "accepted": "已采纳",
        "home": "今日概况",
    },
}
COLUMNS = {
    "en": "shop,day,gmv_30d,shop_score,experience_score,positive_rate",
    "zh-hans": "店铺,日期,近30天成交金额,店铺评分,商家体验分,好评率",
}


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_from_a_csv_to_a_cleared_shop(language, committed_db, worker, a_visitor, picture, tmp_path) -> None:
    words = WORDS[language]
    make_user("operator", username="operator", password=PASSWORD)
    yesterday = localdate() - timedelta(days=1)
    shop = make_shop(code="DY-1", name="云杉女装旗舰店")
    enrollment = make_enrollment(shop)
    for back in range(2, 8):
        make_metrics(shop, localdate() - timedelta(days=back), experience_score=f"3.{90 - back}")
    file = tmp_path / "metrics.csv"
    file.write_text(
        f"{COLUMNS[language]}\nDY-1,{yesterday},50000.00,4.60,3.41,95%\n",
        encoding="utf-8" if language == "en" else "gb18030",
    )
    worker.start()
    page = a_visitor("operator", language)
    expect(page.locator("h1")).to_have_text(words["home"])
    picture(page, f"{language}-1-home")

    # The file of a new day.
    page.get_by_role("link", name=words["import"]).first.click()
    page.select_option("select[name=kind]", "metrics")
    page.set_input_files("input[type=file]", file)
    picture(page, f"{language}-2-import")
    page.get_by_role("button", name=words["send"], exact=True).click()
    # What would change is shown before it does.
    expect(page.locator(".pill-ready")).to_have_text(words["ready"], timeout=60_000)
    picture(page, f"{language}-3-checked")
    page.get_by_role("button", name=words["apply"], exact=True).click()
    expect(page.locator(".pill-applied")).to_have_text(words["applied"], timeout=60_000)
    picture(page, f"{language}-3-imported")

    # The daily check, which a worker runs.
    page.goto("/admin/")
    page.locator("form[action$='/check/douyin-featured/'] button").click()
    expect(page.locator(".pill-done").first).to_have_text(words["done"], timeout=60_000)
    picture(page, f"{language}-4-checked")

    # The proposal, with its evidence; accepted.
    page.get_by_role("link", name=words["queue"]).first.click()
    expect(page.locator("#result_list")).to_contain_text("3.41")
    picture(page, f"{language}-5-queue")
    page.get_by_role("link", name="云杉女装旗舰店").first.click()
    expect(page.locator("svg").first).to_be_visible()
    picture(page, f"{language}-6-proposal")
    page.select_option("#accept-reason", "below_bar")
    page.get_by_role("button", name=words["accept"], exact=True).click()
    page.wait_for_url(re.compile(r"/admin/rules/proposal/(\?.*)?$"))
    expect(page.locator(".messagelist")).to_contain_text(words["accepted"])

    # The shop is out, its opening closed, and the record names the operator.
    page.goto(f"/admin/shops/shop/{shop.pk}/change/")
    expect(page.locator("#content")).to_contain_text(words["cleared"])
    picture(page, f"{language}-7-shop")
    page.goto(f"/admin/shops/enrollment/{enrollment.pk}/history/")
    expect(page.locator("#content")).to_contain_text("operator")
    picture(page, f"{language}-8-history")

    proposal = Proposal.objects.get()
    opening = Opening.objects.get()
    assert Enrollment.objects.get().state == "cleared"
    assert (opening.closed, opening.closed_on, opening.cause) == (True, localdate(), "metric")
    assert (proposal.status, proposal.decision.decided_by.username) == ("accepted", "operator")
    assert opening.history.first().history_user.username == "operator"
    assert [fact.verify() for fact in audit.FACTS.values() if fact.verify()] == []
