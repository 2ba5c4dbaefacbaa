"""The page on which a penalty is imposed, with the keyboard and on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from rules import casework
from rules.models import Proposal
from shops.models import Penalty, Violation
from tests.browser.conftest import PASSWORD
from tests.factories import (
    AT,
    DOUYIN,
    WECHAT,
    make_controller,
    make_enrollment,
    make_penalty,
    make_shop,
    make_user,
)
from tests.shops.accounting import paid_in

pytestmark = pytest.mark.browser

IN_VAIN = {
    "en": ("isn't ticked: tick it, or empty this field.", "every alliance, for ever (CL-1)"),
    "zh-hans": ("请勾选，或清空此项。", "所有联盟，永久（CL-1）"),
}


@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("zh-hans", 390)])
def test_enter_in_a_field_shows_the_effect_and_imposes_nothing(
    language, width, live_desk, a_visitor, picture
) -> None:
    make_user("operator", username="operator", password=PASSWORD)
    shop = make_shop(name="青竹小铺", controller=make_controller())
    make_enrollment(make_shop(controller=shop.controller), WECHAT)
    for alliance in (DOUYIN, WECHAT):
        make_enrollment(shop, alliance)
    paid_in(shop, 500_000)
    page = a_visitor("operator", language, width)
    page.goto(f"/admin/shops/shop/{shop.pk}/penalise/?violation={Violation.objects.get(code='V11').pk}")
    page.fill("[name=reason]", "核实无误")
    page.fill("[name=top_up-amount]", "100")
    page.press("[name=top_up-amount]", "Enter")
    dropped, barred = IN_VAIN[language]
    expect(page.locator(".measure-top_up .errorlist")).to_contain_text(dropped)
    picture(page, f"imposing-refused-{language}-{width}")
    page.fill("[name=top_up-amount]", "")
    page.check("[name=stop-taken]")
    page.press("[name=product]", "Enter")
    expect(page.locator("#effect")).to_be_visible()
    picture(page, f"imposing-asked-{language}-{width}")
    page.uncheck("[name=stop-taken]")
    page.check("[name=clear-taken]")
    page.locator("[name=clear-alliances]").first.check()
    page.fill("[name=deduct-amount]", "200")
    for _ in range(2):
        # The second time it could be imposed, and nothing was changed.
        page.press("[name=product]", "Enter")
        page.wait_for_load_state()
        expect(page.locator("#effect")).to_contain_text(barred)
    picture(page, f"imposing-effect-{language}-{width}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not Penalty.objects.exists()
    page.locator("button[name=impose]").click()
    page.wait_for_url("**/admin/shops/penalty/*/change/")
    assert Penalty.objects.get().status == "imposed"


@pytest.mark.parametrize(("language", "width"), [("en", 390), ("zh-hans", 1280)])
def test_a_proposal_that_asks_something_leads_to_the_form(
    language, width, live_desk, a_visitor, picture
) -> None:
    make_user("operator", username="operator", password=PASSWORD)
    shop = make_enrollment(make_shop(name="青竹小铺")).shop
    make_penalty(shop, violation_code="V8", status="reported")
    casework.file_from_facts(at=AT)
    proposal = Proposal.objects.get()
    page = a_visitor("operator", language, width)
    page.goto(f"/admin/rules/proposal/{proposal.pk}/change/")
    picture(page, f"proposal-asks-{language}-{width}")
    page.locator(".tile-decision a.button.default").click()
    expect(page.locator("[name=reason]")).to_be_visible()
    for _ in range(2):
        page.fill("[name=reason]", "核实无误")
        page.fill("[name=deduct-amount]", "200")
        page.press("[name=deduct-amount]", "Enter")
        expect(page.locator("#effect")).to_be_visible()
    page.locator("button[name=impose]").click()
    page.wait_for_url("**/admin/shops/penalty/*/change/")
