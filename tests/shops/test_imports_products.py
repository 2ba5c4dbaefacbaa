"""Products, how they are listed and what was measured of them: taken in by the same one way as the rest."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from django.db import IntegrityError, connection, transaction

from opsdesk.audit import verify_history, verify_imports
from rules import reversals
from shops import imports
from shops.errors import Refused
from shops.models import (
    Coverage,
    DayProfile,
    ImportBatch,
    Listing,
    Product,
    ProductCorrection,
    ProductMetrics,
    Shop,
    ShopMetrics,
)
from tests.factories import AT, DAY, DOUYIN, make_product, make_shop, make_user
from tests.shops.importing import bring, counts, errors, only_error

pytestmark = pytest.mark.django_db

PRODUCTS = "code,shop,name,category,price,status\n"
LISTINGS = "product,alliance,state,since\n"
METRICS = "product,day,settled_orders,valid_paid_orders,quality_refunds,sales_amount\n"


@pytest.fixture
def shop() -> Shop:
    return make_shop(code="S1")


@pytest.fixture
def product(shop: Shop) -> Product:
    return make_product(shop, code="G1")


def test_a_product_is_created_and_changed_and_its_history_names_who_sent_the_file(shop) -> None:
    user = make_user("operator")
    first = bring("products", f"{PRODUCTS}G1,S1,口红,beauty,9.90,在售\n", by=user)
    assert counts(first) == (1, 1, 0, 0, 0)
    product = Product.objects.get()
    assert (product.shop, product.name, product.price) == (shop, "口红", Decimal("9.90"))
    assert (product.status, product.batch) == ("on_sale", first)
    second = bring("products", "code,shop,name,category,price\nG1,S1,口红,beauty,8\n", by=user)
    assert counts(second) == (1, 0, 1, 0, 0)
    product.refresh_from_db()
    assert (product.price, product.status, product.batch) == (Decimal("8"), "on_sale", second)
    assert second.changes["cells"] == [
        {"row": 2, "record": "G1", "column": "price", "old": "9.9", "new": "8"}
    ]
    told = product.history.order_by("history_id").values_list("history_type", "history_user", "price")
    assert list(told) == [("+", user.pk, Decimal("9.90")), ("~", user.pk, Decimal("8.00"))]
    assert (verify_history(), verify_imports()) == (None, None)


def test_a_product_never_changes_its_shop_and_the_error_names_both(product) -> None:
    make_shop(code="S2")
    batch = bring("products", f"{PRODUCTS}G1,S2,口红,beauty,,\n")
    assert batch.state == "refused"
    error = only_error(batch)
    assert (error.row, error.column, error.value) == (2, "shop", "S2")
    assert "“S1”" in error.message and "“S2”" in error.message
    product.refresh_from_db()
    assert product.shop.code == "S1"


def test_a_listing_is_created_and_a_state_that_a_later_file_brings_stands(product) -> None:
    user = make_user("operator")
    first = bring("listings", f"{LISTINGS}G1,{DOUYIN},applied,2026-03-01\n", by=user)
    listing = Listing.objects.get()
    assert (listing.product, listing.alliance.code, listing.batch) == (product, DOUYIN, first)
    assert (listing.state, listing.since) == ("applied", date(2026, 3, 1))
    assert counts(bring("listings", f"{LISTINGS}G1,抖音精选联盟,推广中,2026-03-05\n")) == (1, 0, 1, 0, 0)
    listing.refresh_from_db()
    assert (listing.state, listing.since) == ("promoted", date(2026, 3, 5))
    assert list(listing.history.order_by("history_id").values_list("state", "history_type")) == [
        ("applied", "+"),
        ("promoted", "~"),
    ]
    assert verify_history() is None


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=lambda order: "".join(map(str, order)))
def test_of_a_listing_the_newest_knowledge_stands_in_whatever_order_it_comes(product, order) -> None:
    files = [f"{LISTINGS}G1,{DOUYIN},{state},\n" for state in ("applied", "observed", "promoted")]
    for number in order:
        batch = bring("listings", files[number], as_of=AT - timedelta(hours=3 - number))
        assert batch.state == "applied"
    assert Listing.objects.get().state == "promoted"


def test_two_files_of_one_moment_that_tell_different_states_clash(product) -> None:
    bring("listings", f"{LISTINGS}G1,{DOUYIN},applied,\n", as_of=AT)
    batch = bring("listings", f"{LISTINGS}G1,{DOUYIN},stopped,\n", as_of=AT)
    assert errors(batch) == [(2, "state", "stopped", "same_moment")]


def test_a_product_stands_once_in_an_alliance(product) -> None:
    bring("listings", f"{LISTINGS}G1,{DOUYIN},applied,\n")
    listing = Listing.objects.get()
    with pytest.raises(IntegrityError, match="is_one_per_product_and_alliance"), transaction.atomic():
        Listing.objects.create(product=product, alliance=listing.alliance, state="stopped")


def test_product_metrics_are_written_and_an_empty_cell_is_no_data(product) -> None:
    batch = bring("product_metrics", f"{METRICS}G1,{DAY},30,,0,5000.01\n")
    assert counts(batch) == (1, 1, 0, 0, 0)
    assert (batch.first_day, batch.last_day) == (DAY, DAY)
    row = ProductMetrics.objects.get()
    assert (row.product, row.day, row.batch) == (product, DAY, batch)
    assert (row.settled_orders, row.valid_paid_orders, row.quality_refunds) == (30, None, 0)
    assert row.sales_amount == Decimal("5000.01")
    # Only of shops' days it is known what is usual.
    assert not DayProfile.objects.exists()


def test_what_a_later_file_replaces_is_kept_and_the_same_file_again_writes_nothing(product) -> None:
    content = f"{METRICS}G1,{DAY},30,10,1,50.50\n"
    first = bring("product_metrics", content)
    assert counts(bring("product_metrics", content)) == (1, 0, 0, 1, 0)
    second = bring("product_metrics", content.replace("30,10", "31,"))
    kept = ProductCorrection.objects.get()
    assert (kept.product, kept.day, kept.replaced_batch, kept.batch) == (product, DAY, first, second)
    assert kept.before == {
        "settled_orders": "30",
        "valid_paid_orders": "10",
        "quality_refunds": "1",
        "sales_amount": "50.50",
    }


def test_columns_that_a_file_lacks_stay_as_they_stand(product) -> None:
    bring("product_metrics", f"{METRICS}G1,{DAY},30,10,1,50\n")
    bring("product_metrics", f"product,day,settled_orders\nG1,{DAY},31\n")
    row = ProductMetrics.objects.get()
    assert (row.settled_orders, row.valid_paid_orders, row.sales_amount) == (31, 10, Decimal("50"))


def test_more_refunds_than_orders_are_told_with_both_numbers(product) -> None:
    error = only_error(bring("product_metrics", f"{METRICS}G1,{DAY},1,3,4,1\n"))
    assert (error.column, error.value, error.code) == ("quality_refunds", "4", "refunds_above_orders")
    assert "(4)" in error.message and "(3)" in error.message


def test_an_import_of_product_metrics_is_reversed_whole(product) -> None:
    other = make_product(product.shop, code="G2")
    first = bring("product_metrics", f"{METRICS}G1,{DAY},30,10,1,50.50\n")
    wrong = bring("product_metrics", f"{METRICS}G1,{DAY},,99,0,0.01\nG2,{DAY},1,1,1,1\n")
    reversals.reverse_import(wrong.pk, by=make_user("supervisor"), reason="wrong file", at=AT)
    wrong.refresh_from_db()
    assert wrong.state == ImportBatch.State.REVERSED
    row = ProductMetrics.objects.get()
    assert (row.product, row.batch, row.settled_orders, row.valid_paid_orders) == (product, first, 30, 10)
    assert (row.quality_refunds, row.sales_amount) == (1, Decimal("50.50"))
    assert not other.metrics.exists()
    assert ProductCorrection.objects.count() == 1


def test_a_later_import_keeps_an_earlier_one_of_the_same_products_but_none_of_shops(product) -> None:
    shops = bring("metrics", f"shop,day,gmv_30d\nS1,{DAY},1\n")
    first = bring("product_metrics", f"{METRICS}G1,{DAY},1,1,1,1\n")
    # Numbers of products are numbers of shops as well.
    assert Coverage.objects.filter(batch=first).exists()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE shops_coverage SET records = ARRAY[%s::bigint] WHERE batch_id = %s",
            [product.shop.pk, first.pk],
        )
    reversals.reverse_import(shops.pk, by=None, reason="wrong", at=AT)
    assert not ShopMetrics.objects.exists()
    later = bring("product_metrics", f"{METRICS}G1,{DAY},2,1,1,1\n")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE shops_coverage SET records = ARRAY[%s::bigint] WHERE batch_id = %s",
            [product.pk, first.pk],
        )
    with pytest.raises(Refused, match=f"Reverse them first: {later.pk}\\."):
        reversals.reverse_import(first.pk, by=None, reason="wrong", at=AT)


def test_months_of_product_metrics_are_given_up_with_those_of_shops(product, settings) -> None:
    settings.METRICS_KEPT_MONTHS = 12
    for kind, subject, figure in (("metrics", "S1", "gmv_30d"), ("product_metrics", "G1", "sales_amount")):
        key = "shop" if subject == "S1" else "product"
        bring(kind, f"{key},day,{figure}\n{subject},2025-11-30,1\n{subject},2025-12-01,1\n")
    settings.METRICS_KEPT_MONTHS = 3
    assert imports.forget_months(before=date(2026, 3, 10)) == 1
    for model in (ShopMetrics, ProductMetrics):
        assert list(model.objects.values_list("day", flat=True)) == [date(2025, 12, 1)]
    assert set(Coverage.objects.values_list("day", flat=True)) == {date(2025, 12, 1)}


def test_an_import_of_products_is_not_reversed(shop) -> None:
    batch = bring("products", f"{PRODUCTS}G1,S1,口红,beauty,,\n")
    with pytest.raises(Refused, match="Only imports of metrics"):
        reversals.reverse_import(batch.pk, by=None, reason="wrong", at=AT)
