"""What later imports have corrected stands on the shop's page: day, before and after, which import, who."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from rules.reversals import reverse_import
from shops.admin import corrections
from shops.admin.corrections import corrections_of
from shops.models import ImportBatch, Shop, ShopMetrics
from tests.factories import AT, DAY, make_shop, make_user
from tests.shops.importing import bring
from tests.shops.test_import_page import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return make_shop(code="S1")


def scores(gmv: str, score: str, connected: str = "1", **values) -> ImportBatch:
    content = f"shop,day,gmv_30d,shop_score,erp_connected\nS1,{DAY},{gmv},{score},{connected}\n"
    return bring("metrics", content, **values)


def told(shop: Shop) -> list[list[tuple[str, str, str]]]:
    return [[tuple(map(str, figure)) for figure in one.figures] for one in corrections_of(shop)]


def test_each_correction_tells_what_it_changed_from_what_to_what(shop) -> None:
    scores("10", "none")
    scores("10", "4.5")
    scores("11", "4.5", "0")
    assert told(shop) == [
        [("gmv_30d", "10.00", "11.00"), ("erp_connected", "True", "False")],
        [("shop_score", "none", "4.50")],
    ]


def test_of_a_reversed_import_no_figures_are_told_and_of_the_others_still(shop) -> None:
    scores("10", "4.1")
    scores("20", "4.1")
    wrong = scores("99", "4.1")
    reverse_import(wrong.pk, by=None, reason="wrong", at=AT)
    scores("30", "4.1")
    assert told(shop) == [[("gmv_30d", "20.00", "30.00")], [], [("gmv_30d", "10.00", "20.00")]]


def test_of_a_day_that_is_kept_no_longer_what_stood_before_is_told(shop) -> None:
    scores("10", "4.1")
    scores("20", "4.1")
    ShopMetrics.objects.all().delete()
    assert ("gmv_30d", "10.00", "None") in told(shop)[0]


def test_the_page_of_a_shop_shows_its_newest_corrections_with_import_and_person(shop, monkeypatch) -> None:
    monkeypatch.setattr(corrections, "SHOWN", 2)
    by = make_user("operator", username="wang")
    for gmv in ("10", "20", "30", "40"):
        batch = scores(gmv, "none", by=by, name=f"{gmv}.csv")
    address = reverse("admin:shops_shop_change", args=[shop.pk])
    page = client_of("auditor").get(address).content.decode()
    for shown in ("¥30.00 → ¥40.00", "¥20.00 → ¥30.00", "40.csv", "wang", f"/importbatch/{batch.pk}/"):
        assert shown in page, shown
    assert "20.csv" not in page
    assert "更正" in client_of("auditor", "zh-hans").get(address).content.decode()


def test_a_shop_of_which_nothing_was_corrected_has_no_such_table(shop) -> None:
    bring("metrics", f"shop,day,gmv_30d\nS1,{DAY - timedelta(days=1)},1\n")
    page = client_of("auditor").get(reverse("admin:shops_shop_change", args=[shop.pk])).content.decode()
    assert "Corrected metrics" not in page
