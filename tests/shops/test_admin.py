"""The pages of the facts: looked at, searched, and never edited."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from shops import closing
from shops.admin import readonly, shops
from shops.models import Alliance, ImportSource, Measure
from tests.clients import client_of
from tests.exporting import taken
from tests.factories import (
    AT,
    DOUYIN,
    make_controller,
    make_enrollment,
    make_imposed,
    make_listing,
    make_metrics,
    make_penalty,
    make_product,
    make_product_metrics,
    make_qualification,
    make_shop,
)

SHOPS = "/admin/shops/shop/export/"

# Shops


@pytest.mark.django_db
def test_shops_are_filtered_by_the_standing_that_the_list_shows() -> None:
    shops_by = {status: make_shop(status=status) for status in ("normal", "closed")}
    gone, held = make_shop(), make_shop()
    closing.close(gone, by=None, at=AT)
    make_imposed(held, Measure(kind=Measure.Kind.SUSPEND, ends_at=timezone.now() + timedelta(days=7)))
    client = client_of()
    for asked, found in (
        ("normal", [shops_by["normal"]]),
        ("closed", [shops_by["closed"], gone]),
        ("suspended", [held]),
    ):
        answer = client.get("/admin/shops/shop/", {"standing": asked})
        assert list(answer.context["cl"].result_list) == sorted(found, key=lambda shop: shop.code), asked
    assert [row["code"] for row in taken(client_of("auditor"), SHOPS, {"standing": "suspended"})] == [
        held.code
    ]


@pytest.mark.django_db
def test_the_page_of_a_shop_tells_what_its_platform_reports_from_what_stands() -> None:
    controller = make_controller()
    shop, other = make_shop(controller=controller), make_shop(controller=controller)
    closing.close(other, by=None, at=AT)
    page = client_of().get(reverse("admin:shops_shop_change", args=[shop.pk])).content.decode()
    assert "as its platform reports it" in page
    assert f'{other}</a> <span class="pill pill-closed">closed</span>' in page


@pytest.mark.django_db
def test_a_shop_is_found_by_part_of_its_code_or_name() -> None:
    found = make_shop(code="DY-77", name="青禾小店")
    make_shop()
    client = client_of()
    for text in ("dy-7", "青禾", "禾小店"):
        answer = client.get("/admin/shops/shop/", {"q": text})
        assert list(answer.context["cl"].result_list) == [found], text


@pytest.mark.django_db
def test_the_page_of_a_shop_shows_what_stands_about_it() -> None:
    controller = make_controller("C-1")
    shop = make_shop(controller=controller)
    make_shop(controller=controller, name="兄弟店铺")
    make_enrollment(shop, openings=2)
    penalty = make_penalty(shop, violation_code="V9")
    make_qualification(shop, brand="一叶")
    yesterday = timezone.localdate() - timedelta(days=1)
    make_metrics(shop, yesterday, shop_score=None, shop_score_none=True, positive_rate="0.9612")
    page = client_of().get(reverse("admin:shops_shop_change", args=[shop.pk])).content.decode()
    for shown in (
        "Douyin Featured Alliance",
        penalty.case_number,
        "V9 Publishing circumvention information",
        "一叶",
        "¥120,000.00",
        "no score yet",
        "96.12%",
        "兄弟店铺",
    ):
        assert shown in page, shown


@pytest.mark.django_db
@pytest.mark.parametrize(
    "listed",
    ["shop", "enrollment", "qualification", "product", "listing", "penalty", "violation", "alliance"],
)
def test_each_list_asks_no_more_for_many_than_for_one(listed: str, django_assert_max_num_queries) -> None:
    for _number in range(10):
        enrollment = make_enrollment(make_shop(controller=make_controller()))
        make_qualification(enrollment.shop)
        make_listing(make_product(enrollment.shop))
        make_penalty(enrollment.shop, violation_code="V1")
    client = client_of()
    with django_assert_max_num_queries(10):
        assert client.get(f"/admin/shops/{listed}/").status_code == 200


@pytest.mark.django_db
def test_the_page_of_a_shop_asks_a_bounded_number_of_questions(django_assert_max_num_queries) -> None:
    shop = make_shop(controller=make_controller())
    for code in (DOUYIN, "wechat-select"):
        make_enrollment(shop, code, openings=2)
    for number in range(10):
        make_metrics(shop, timezone.localdate() - timedelta(days=number))
        make_penalty(shop, violation_code="V1")
        make_listing(make_product(shop))
    client = client_of()
    with django_assert_max_num_queries(39):
        client.get(reverse("admin:shops_shop_change", args=[shop.pk]))


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["operator", "supervisor", "administrator"])
def test_facts_are_neither_added_nor_changed_nor_deleted_by_hand(role: str) -> None:
    shop = make_shop(name="青禾小店")
    client = client_of(role)
    assert client.get(reverse("admin:shops_shop_add")).status_code == 403
    changed = client.post(reverse("admin:shops_shop_change", args=[shop.pk]), {"name": "改名"})
    assert changed.status_code == 403
    deleted = client.post(reverse("admin:shops_shop_delete", args=[shop.pk]), {"post": "yes"})
    assert deleted.status_code == 403
    shop.refresh_from_db()
    assert shop.name == "青禾小店"


@pytest.mark.django_db
def test_papers_are_filtered_by_when_they_expire() -> None:
    today = timezone.localdate()
    papers = {
        days: make_qualification(make_shop(), valid_until=today + timedelta(days=days))
        for days in (-1, 0, 1, 2, 30, 31)
    }
    client = client_of()

    def found(band: str) -> set:
        return set(client.get("/admin/shops/qualification/", {"expires": band}).context["cl"].result_list)

    assert found("1") == {papers[0], papers[1]}
    assert found("30") == {papers[0], papers[1], papers[2], papers[30]}
    assert found("past") == {papers[-1]}


@pytest.mark.django_db
def test_a_filter_cannot_reach_into_another_table() -> None:
    make_enrollment(make_shop(phone="13800000000"))
    answer = client_of().get("/admin/shops/enrollment/", {"shop__phone__startswith": "138"})
    assert answer.status_code == 400


@pytest.mark.django_db
def test_counting_stops_where_nobody_pages_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readonly, "COUNTED", 3)
    for _number in range(5):
        make_shop()
    answer = client_of().get("/admin/shops/shop/")
    assert answer.context["cl"].result_count == 4
    assert "narrow the list" in answer.content.decode()


# Products


@pytest.mark.django_db
def test_the_page_of_a_shop_shows_its_products_and_leads_to_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shops, "PRODUCTS_SHOWN", 2)
    shop, client = make_shop(code="S 1"), client_of()
    address = reverse("admin:shops_shop_change", args=[shop.pk])
    assert "None known." in client.get(address).content.decode()
    products = [make_product(shop, code=f"G{number}") for number in (1, 2, 3)]
    listing = make_listing(products[0], state="observed")
    make_enrollment(shop, listing.alliance.code)
    other = make_listing(make_product())
    page = client.get(address).content.decode()
    assert "G1" in page and "G2" in page and "G3" not in page
    assert "under observation" in page and "There are more." in page
    for model, mine in (("product", products), ("listing", [listing])):
        link = f"{reverse(f'admin:shops_{model}_changelist')}?shop=S%201"
        assert link in page
        assert set(client.get(link).context["cl"].result_list) == set(mine)
    assert other in client.get("/admin/shops/listing/").context["cl"].result_list
    assert not client.get("/admin/shops/product/", {"shop": "nobody"}).context["cl"].result_list


@pytest.mark.django_db
def test_the_page_of_a_product_shows_how_it_is_listed_and_its_rate_of_refunds() -> None:
    product = make_product()
    make_listing(product, state="stopped")
    today = timezone.localdate()
    make_product_metrics(product, today, valid_paid_orders=300, quality_refunds=2)
    make_product_metrics(product, today - timedelta(days=1), valid_paid_orders=0, quality_refunds=0)
    page = client_of().get(reverse("admin:shops_product_change", args=[product.pk])).content.decode()
    for shown in ("WeChat Select Alliance", "stopped", "¥1,234.50", "0.67%"):
        assert shown in page, shown
    # Without orders there is no rate, which is not 0.
    assert "0.00%" not in page


@pytest.mark.django_db
def test_listings_are_filtered_by_alliance_and_state() -> None:
    stopped = make_listing(state="stopped")
    make_listing(alliance_code=DOUYIN, state="stopped")
    make_listing()
    query = {"state__exact": "stopped", "alliance__id__exact": stopped.alliance.pk}
    found = client_of().get("/admin/shops/listing/", query).context["cl"].result_list
    assert list(found) == [stopped]


@pytest.mark.django_db
def test_an_old_version_is_read_and_offers_nothing_to_choose() -> None:
    other, penalty = make_shop(name="另一家店"), make_penalty(make_shop(name="青禾小店"), violation_code="V9")
    client = client_of("supervisor")
    for record in (penalty, penalty.violation, Alliance.objects.get(code=DOUYIN), penalty.shop):
        version = record.history.first()
        address = f"admin:{record._meta.label_lower.replace('.', '_')}_simple_history"
        page = client.get(reverse(address, args=[record.pk, version.pk])).content.decode()
        assert other.name not in page
        assert "<select" not in page.split('id="content"')[1]
    assert "青禾小店" in page


@pytest.mark.django_db
def test_a_judgement_is_lifted_on_the_penaltys_page_and_the_shop_may_apply_again() -> None:
    enrollment = make_enrollment()
    penalty = make_imposed(
        enrollment.shop,
        Measure(kind="clear"),
        alliance=enrollment.alliance,
        ground="judgement",
        reason="unsuitable",
    )
    operator = client_of("operator")
    page = operator.get(reverse("admin:shops_penalty_change", args=[penalty.pk])).content.decode()
    assert reverse("admin:shops_penalty_lift", args=[penalty.pk]) in page
    operator.post(reverse("admin:shops_penalty_lift", args=[penalty.pk]), {"reason": "put in order"})
    operator.post(reverse("admin:shops_enrollment_apply", args=[enrollment.pk]), {"reason": "by mail"})
    penalty.refresh_from_db()
    enrollment.refresh_from_db()
    assert (penalty.status, penalty.ended_reason, enrollment.state) == ("lifted", "put in order", "applied")


@pytest.mark.django_db
def test_a_verb_that_is_refused_says_why_on_its_page() -> None:
    enrollment = make_enrollment(state="applied")
    address = reverse("admin:shops_enrollment_apply", args=[enrollment.pk])
    page = client_of("operator").post(address, {"reason": "again"})
    assert "has already applied" in page.content.decode()


@pytest.mark.django_db
def test_before_an_application_is_recorded_what_keeps_the_shop_out_is_told() -> None:
    barred, free = (make_enrollment(state="left", openings=1) for _ in range(2))
    make_imposed(barred.shop, Measure(kind="close"), code="V4")
    operator = client_of("operator")
    addresses = [reverse("admin:shops_enrollment_apply", args=[one.pk]) for one in (barred, free)]
    pages = [operator.get(address).content.decode() for address in addresses]
    assert ["CL-1)" in page for page in pages] == [True, False]
    assert ["Keeps it out" in page for page in pages] == [True, False]


@pytest.mark.django_db
def test_a_verb_without_a_reason_does_nothing() -> None:
    enrollment = make_enrollment(state="cleared")
    client_of("operator").post(reverse("admin:shops_enrollment_apply", args=[enrollment.pk]), {"reason": ""})
    enrollment.refresh_from_db()
    assert enrollment.state == "cleared"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "model", ["shop", "enrollment", "qualification", "product", "listing", "penalty", "importbatch"]
)
def test_an_empty_list_says_what_to_do_next(model: str) -> None:
    client = client_of("operator")
    listed = reverse(f"admin:shops_{model}_changelist")
    page = client.get(listed)
    assert str(page.context["cl"].model_admin.when_empty) in page.content.decode()
    assert "Clear the filters" in client.get(listed, {"q": "nobody"}).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["GMV → gmv_30d", "备注 → (read over)", "semicolon", "GB18030 (GBK)"]),
        ("zh-hans", ["GMV → 近30天成交金额", "备注 → （忽略）", "分号", "GB18030 (GBK)"]),
    ],
)
def test_how_files_of_a_source_are_read_is_told_in_words(language: str, words: list[str]) -> None:
    source = ImportSource(name="平台 A", kind="metrics")
    source.save_by(None)
    source.columns, source.delimiter, source.encoding = {"GMV": "gmv_30d", "备注": ""}, ";", "gb18030"
    source.save_by(None)
    client = client_of("operator", language)
    for address in ("change", "history"):
        page = client.get(reverse(f"admin:shops_importsource_{address}", args=[source.pk])).content.decode()
        for part in words:
            assert part in page
        assert "&#x27;" not in page.split('id="content"')[1]
    listed = client.get(reverse("admin:shops_importsource_changelist")).content.decode()
    assert all(part in listed for part in words[2:])
