"""Lists that people take away: with their filters, in their language, long ones by way of a worker."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qsl

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from opsdesk import review
from rules import exemptions
from rules.models import SimulatedChange
from shops import deposits, outgoing, topups
from shops.models import DepositRequirement, DepositStep, ImportSource, PointsThreshold
from tests.clients import client_of
from tests.exporting import ask, content, read_csv, read_xlsx, taken
from tests.factories import (
    AT,
    DAY,
    DOUYIN,
    make_appeal,
    make_controller,
    make_declared,
    make_enrollment,
    make_listing,
    make_metrics,
    make_penalty,
    make_product,
    make_product_metrics,
    make_proposal,
    make_qualification,
    make_shop,
    make_simulation,
    make_sweep,
    make_user,
)
from tests.shops.importing import bring

SHOPS = "/admin/shops/shop/export/"


# The page and what it sends


@pytest.mark.django_db
def test_the_list_leads_to_its_export_with_search_and_filters() -> None:
    make_shop(code="A1", name="青禾小店", status="closed")
    make_shop(code="A2", name="青禾大店")
    make_shop(code="A3", name="别家", status="closed")
    client = client_of("auditor")
    query = {"status__exact": "closed", "q": "青禾"}
    page = client.get("/admin/shops/shop/", query).content.decode()
    [address] = re.findall(r'href="(/admin/shops/shop/export/[^"]*)"', page)
    assert dict(parse_qsl(unescape(address).partition("?")[2])) == query
    assert [row["code"] for row in taken(client, SHOPS, query)] == ["A1"]


@pytest.mark.django_db
def test_the_rows_keep_the_order_of_the_list() -> None:
    for code in ("B", "C", "A"):
        make_shop(code=code)
    assert [row["code"] for row in taken(client_of("auditor"), SHOPS)] == ["A", "B", "C"]
    assert [row["code"] for row in taken(client_of("auditor"), SHOPS, {"o": "-0"})] == ["C", "B", "A"]


@pytest.mark.django_db
def test_people_choose_their_columns_and_the_format() -> None:
    make_shop(code="A1", name="青禾小店", controller=make_controller("张三"))
    answer = ask(client_of("auditor"), SHOPS, format="xlsx", without=("phone", "email", "contact"))
    assert answer["Content-Type"] == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert answer["Content-Disposition"].endswith('.xlsx"')
    [row] = read_xlsx(content(answer))
    assert "phone" not in row
    assert (row["code"], row["name"], row["controller"], row["account_ok"]) == (
        "A1",
        "青禾小店",
        "张三",
        True,
    )


@pytest.mark.django_db
def test_without_a_column_there_is_nothing_to_export() -> None:
    answer = client_of("auditor").post(SHOPS, {"resource": "0", "format": "0"})
    assert "Choose at least one column." in answer.content.decode()


@pytest.mark.django_db
def test_a_filter_that_means_nothing_leads_back_to_the_list() -> None:
    answer = client_of("auditor").get(SHOPS, {"nothing__exact": "x"})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/shops/shop/")


@pytest.mark.django_db
def test_rows_picked_by_hand_are_no_way_around_the_filters() -> None:
    shop = make_shop()
    data = {"resource": "0", "format": "0", "shopresource_code": "on", "export_items": [shop.pk]}
    assert "Content-Disposition" not in client_of("auditor").post(SHOPS, data)


@pytest.mark.django_db
def test_the_form_names_the_columns_in_both_languages() -> None:
    page = client_of("auditor", "zh-hans").get(SHOPS).content.decode()
    assert "code (店铺编码)" in page and "导出" in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "headings"),
    [
        ("en", ["proposal", "shop's code", "shop", "category", "alliance"]),
        ("zh-hans", ["建议", "店铺编码", "店铺", "类目", "联盟"]),
    ],
)
def test_other_lists_have_headings_in_the_readers_language(language: str, headings: list[str]) -> None:
    enrollment = make_enrollment(make_shop(code="A1", name="青禾小店", category="beauty"))
    proposal = make_proposal(enrollment)
    [row] = taken(client_of("auditor", language), "/admin/rules/proposal/export/")
    columns = [heading for heading in row if not heading.startswith(("product", "商品"))]
    assert columns[:5] == headings
    assert list(row.values())[:3] == [str(proposal.pk), "A1", "青禾小店"]


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_registers_have_the_headers_of_the_import_in_every_language(language: str) -> None:
    make_enrollment()
    [row] = taken(client_of("auditor", language), "/admin/shops/enrollment/export/")
    assert list(row) == ["shop", "alliance", "state", "opened_on", "openings", "closed_on", "cause"]
    assert (row["alliance"], row["state"], row["openings"]) == (DOUYIN, "open", "1")


# They have no page to choose columns.
LISTS = sorted(
    outgoing.SOURCES.keys() - {"shops.shopmetrics", "shops.productmetrics", "shops.short", "rules.unjudged"}
)


def something_of_everything() -> None:
    batch = bring("shops", "nothing")
    ImportSource.objects.create(name=f"source of {batch.pk}", kind="shops")
    shop = make_shop(controller=make_controller())
    make_qualification(shop)
    make_listing(make_product(shop))
    make_penalty(shop, violation_code="V9")
    make_sweep(requested_by=make_user())
    SimulatedChange.objects.create(
        simulation=make_simulation(status="running", finished_at=None),
        shop=shop,
        change=SimulatedChange.Change.NEWLY_OUT,
    )
    proposal = make_proposal()
    review.accept(make_proposal().pk, by=make_user(), reason="below_bar", at=AT)
    exemptions.grant(
        shop=shop,
        alliance=proposal.alliance,
        rule_code="DF-A5",
        until=(AT + timedelta(days=3650)).date(),
        reason="moved",
        by=None,
        at=AT,
    )
    make_declared(f"figure_{batch.pk}")
    make_appeal()
    fen = 100 * batch.pk
    deposits.pay_in(shop=shop, amount_fen=fen, cause="paid", key=f"in {batch.pk}", by=None, at=AT)
    topups.demand(shop=shop, amount_fen=fen, key=f"owed {batch.pk}", by=None, at=AT)
    DepositRequirement.objects.create(category=f"c{batch.pk}", base_fen=fen)
    DepositStep.objects.create(category=f"c{batch.pk}", sales_fen=fen, amount_fen=fen)
    PointsThreshold.objects.create(points=batch.pk, kinds=["warning"])


def test_every_list_of_the_desk_goes_out() -> None:
    assert {"shops.importbatch", "rules.ruleset", "rules.shopexemption", "opsdesk.decision"} <= set(LISTS)
    assert len(LISTS) == 28


@pytest.mark.django_db
@pytest.mark.parametrize("source", LISTS)
def test_a_list_goes_out_with_no_more_queries_for_many_rows(source: str) -> None:
    client = client_of("auditor")
    address = reverse(f"admin:{source.replace('.', '_')}_export")
    asked = []
    for _more in range(2):
        something_of_everything()
        ContentType.objects.clear_cache()
        with CaptureQueriesContext(connection) as queries:
            rows = taken(client, address, {"status": "all"} if source == "rules.proposal" else {})
        assert rows
        assert not any("</" in cell for row in rows for cell in row.values())
        asked.append(len(queries))
    assert asked[0] == asked[1]


@pytest.mark.django_db
@pytest.mark.parametrize("address", [SHOPS, "/admin/shops/shop/metrics/"])
def test_a_double_click_asks_for_one_file_and_the_form_is_usable_again(address: str) -> None:
    assert ' data-once="5">' in client_of("auditor").get(address).content.decode()


# A day's metrics


@pytest.mark.django_db
def test_a_days_metrics_go_out_from_the_list_of_shops() -> None:
    make_metrics(make_shop(code="A1"), service_score=None, service_score_none=True, erp_connected=None)
    client = client_of("auditor")
    assert 'href="metrics/"' in client.get("/admin/shops/shop/").content.decode()
    page = client.get("/admin/shops/shop/metrics/")
    assert page.context["form"].initial == {"day": DAY}
    answer = client.post("/admin/shops/shop/metrics/", {"day": DAY.isoformat(), "format": "csv"})
    assert f"metrics-{DAY}" in answer["Content-Disposition"]
    [row] = read_csv(content(answer))
    assert (row["shop"], row["day"], row["gmv_30d"]) == ("A1", DAY.isoformat(), "120000.00")
    assert (row["service_score"], row["erp_connected"], row["warehouse_passed"]) == ("none", "", "true")


@pytest.mark.django_db
def test_a_days_product_metrics_go_out_from_the_list_of_products() -> None:
    make_product_metrics(make_product(code="A1"), valid_paid_orders=None)
    client = client_of("auditor")
    assert 'href="metrics/"' in client.get("/admin/shops/product/").content.decode()
    answer = client.post("/admin/shops/product/metrics/", {"day": DAY.isoformat(), "format": "csv"})
    assert f"product_metrics-{DAY}" in answer["Content-Disposition"]
    [row] = read_csv(content(answer))
    assert row == {
        "product": "A1",
        "day": DAY.isoformat(),
        "settled_orders": "120",
        "valid_paid_orders": "",
        "quality_refunds": "1",
        "sales_amount": "1234.50",
    }


@pytest.mark.django_db
def test_a_day_that_is_none_is_asked_for_again() -> None:
    answer = client_of("auditor").post("/admin/shops/shop/metrics/", {"day": "2026-02-30", "format": "csv"})
    assert (answer.status_code, "day" in answer.context["form"].errors) == (400, True)
