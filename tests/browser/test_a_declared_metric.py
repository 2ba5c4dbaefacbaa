"""A metric without a column, as people bring it in: declared, imported, and there for rules to speak of."""

from __future__ import annotations

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils.timezone import localdate, now
from playwright.sync_api import expect

from shops.models import DeclaredMetric, ShopMetrics
from tests.browser.conftest import PASSWORD
from tests.factories import make_enrollment, make_metrics, make_shop, make_user
from tests.shops.importing import bring

pytestmark = pytest.mark.browser

SAYS = {"en": "Declare a metric", "zh-hans": "登记自定义指标"}


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_from_the_dictionary_to_a_shops_page(language, committed_db, a_visitor, picture) -> None:
    make_user("rules_editor", username="editor", password=PASSWORD)
    shop = make_enrollment(make_shop(code="S1")).shop
    today = localdate()
    make_metrics(shop, today)

    # axe itself writes styles into the page, which our policy would refuse.
    editor = a_visitor("editor", language, bypass_csp=True)
    editor.goto("/admin/rules/metrics/")
    picture(editor, f"metrics-none-declared-{language}")
    editor.get_by_role("link", name=SAYS[language]).click()
    editor.fill("#id_key", "Care")
    editor.fill("#id_name_en", "care of buyers")
    editor.fill("#id_name_zh", "买家关怀分")
    editor.select_option("#id_type", "score")
    editor.fill("#id_maximum", "100")
    editor.check("#id_knows_none_yet")
    editor.locator("input[type=submit].default").click()
    expect(editor.locator(".field-key .errorlist")).to_be_visible()
    picture(editor, f"metric-refused-{language}")
    assert Axe().run(editor).response["violations"] == []

    editor.fill("#id_key", "care_score")
    editor.locator("input[type=submit].default").click()
    editor.wait_for_url("**/change/")
    picture(editor, f"metric-declared-{language}")
    assert Axe().run(editor).response["violations"] == []
    assert DeclaredMetric.objects.get().maximum == 100

    batch = bring("metrics", f"店铺编码,日期,买家关怀分\nS1,{today},87.5\n", at=now() + timedelta(seconds=1))
    assert batch.state == "applied"
    assert ShopMetrics.objects.get(day=today).extra == {"care_score": "87.50"}
    editor.goto("/admin/rules/metrics/")
    expect(editor.locator("tr", has_text="care_score")).to_contain_text("0–100")
    picture(editor, f"metrics-one-declared-{language}")
    assert Axe().run(editor).response["violations"] == []
    editor.goto(f"/admin/shops/shop/{shop.pk}/change/")
    expect(editor.locator("table.numbers").first).to_contain_text("87.5")
    picture(editor, f"shop-with-declared-{language}")
