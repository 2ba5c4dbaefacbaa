"""Pages of imports and exports for those who see, hear or type them: axe finds nothing wrong."""

from __future__ import annotations

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils.timezone import now

from shops.models import ImportBatch
from tests.browser.conftest import PASSWORD
from tests.factories import DAY, make_metrics, make_shop, make_user
from tests.shops.importing import bring

pytestmark = pytest.mark.browser


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
    found = {}
    for name, address in addresses.items():
        page.goto(address)
        found[name] = [
            (violation["id"], [node["target"] for node in violation["nodes"]])
            for violation in Axe().run(page).response["violations"]
        ]
    assert {name: violations for name, violations in found.items() if violations} == {}
