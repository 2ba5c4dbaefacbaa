"""Pages of files, for those who see, hear or type them: axe finds nothing wrong."""

from __future__ import annotations

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils.timezone import now
from playwright.sync_api import Page

from opsdesk import appeals, notices
from shops.models import ImportBatch
from tests.browser.conftest import PASSWORD
from tests.factories import (
    AT,
    DAY,
    make_appeal,
    make_controller,
    make_evidence,
    make_metrics,
    make_penalty,
    make_shop,
    make_user,
)
from tests.opsdesk.files import pdf
from tests.shops.accounting import paid_in
from tests.shops.importing import bring

pytestmark = pytest.mark.browser

# It would look for the stylesheets of stylesheets beside the page, where there are none.
AXE = {"preload": False}


@pytest.fixture
def imports(committed_db) -> dict[str, ImportBatch]:
    """One import for each thing that its page may show."""
    make_metrics(make_shop(code="S1"), shop_score="3.10")
    at = now() - timedelta(hours=1)
    good, ask = f"shop,day,shop_score\nS1,{DAY},4.5\n", ImportBatch.Consent.ASK
    return {
        "ready, with changes and rejected rows": bring(
            "metrics", f"{good}S9,{DAY},6\n", at=at, consent=ask, partial=True
        ),
        "refused": bring("metrics", f"{good}S9,{DAY},6\nS9,1,-1\n", at=at),
        "not understood": bring("metrics", f"商家,某日,得分\nS1,{DAY},4.5\n", at=at),
        "applied": bring("metrics", good, at=at),
    }


@pytest.mark.parametrize("width", [1280, 390])
def test_pages_of_imports_and_exports(imports, a_visitor, width: int) -> None:
    make_user("operator", username="o", password=PASSWORD)
    # axe itself writes styles into the page, which our policy would refuse.
    page = a_visitor("o", "zh-hans", width, bypass_csp=True)
    record = "/admin/shops/importbatch"
    addresses = {state: f"{record}/{batch.pk}/change/" for state, batch in imports.items()} | {
        "form": f"{record}/add/",
        "list": f"{record}/",
        "columns": f"{record}/{imports['not understood'].pk}/columns/",
        "history": f"{record}/{imports['applied'].pk}/history/",
        "sources": "/admin/shops/importsource/",
        "export": "/admin/shops/shop/export/",
        "my exports": "/admin/shops/export/",
    }
    assert_nothing_wrong(page, addresses)


@pytest.mark.parametrize("width", [1280, 390])
def test_pages_of_evidence(committed_db, a_visitor, width: int) -> None:
    make_user("appeals_officer", username="o", password=PASSWORD)
    at = now() - timedelta(hours=1)
    penalty = make_penalty(violation_code="V8", at=at)
    notice = notices.write(penalty, by=None, at=at)
    # What people paste has no place where a line could end.
    notices.record_delivery(
        notice.pk, channel="mail", delivered_at=at, reference="EMS" + "9" * 90, by=None, at=at
    )
    appeal = make_appeal(penalty, at=at)
    struck = make_evidence(appeal, item=0, at=at)
    appeals.strike(struck.token, reason="of another shop", by=None, at=at)
    report = make_evidence(appeal, pdf(2), name=f"检测报告{'x' * 150}.pdf", at=at)
    appeals.add(appeal.pk, text="said on the telephone", item=1, by=None, at=at)
    record = "/admin/opsdesk/appeal"
    page = a_visitor("o", "zh-hans", width, bypass_csp=True)
    addresses = {
        "appeal": f"{record}/{appeal.pk}/change/",
        "adding": f"{record}/{appeal.pk}/evidence/",
        "pages": f"{record}/evidence/{report.token}/",
        "struck": f"{record}/evidence/{struck.token}/",
        "striking": f"{record}/evidence/{report.token}/strike/",
        "filing": f"{record}/add/",
        "filing many": f"{record}/many/",
        "notice": f"/admin/opsdesk/notice/{notice.pk}/change/",
    }
    assert_nothing_wrong(page, addresses)


@pytest.mark.parametrize("width", [1280, 390])
def test_drawings_are_read_at_any_width(committed_db, a_visitor, width: int) -> None:
    make_user("finance", username="o", password=PASSWORD)
    controller = make_controller()
    shop = make_shop(controller=controller, name="一家名字很长很长很长很长很长的旗舰店")
    make_shop(controller=controller)
    make_penalty(shop, violation_code="V4")
    for day in range(3):
        paid_in(shop, 1_000, at=AT + timedelta(days=day), recorded_at=AT + timedelta(days=day))
    page = a_visitor("o", "zh-hans", width, bypass_csp=True)
    addresses = {
        "controller": f"/admin/shops/controller/{controller.pk}/change/",
        "account": f"/admin/shops/depositentry/account/{shop.pk}/",
    }
    assert_nothing_wrong(page, addresses)
    for address in addresses.values():
        page.goto(address)
        letters = page.locator(".chart.wide .label").all()
        assert min(letter.bounding_box()["height"] for letter in letters) >= 10


def assert_nothing_wrong(page: Page, addresses: dict[str, str]) -> None:
    found = {}
    for name, address in addresses.items():
        page.goto(address)
        found[name] = [
            (violation["id"], [node["target"] for node in violation["nodes"]])
            for violation in Axe().run(page, options=AXE).response["violations"]
        ]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found[name].append(("wider than the window", []))
    assert {name: violations for name, violations in found.items() if violations} == {}
