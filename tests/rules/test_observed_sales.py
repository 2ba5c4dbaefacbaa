"""WS-O2, and figures of products that come in late or are taken back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from opsdesk import review
from rules import replay, reversals, sweeps
from rules.models import Proposal
from shops.models import Alliance, ImportBatch, Product
from tests.factories import (
    AT,
    DAY,
    DOUYIN,
    WECHAT,
    make_batch,
    make_enrollment,
    make_listing,
    make_metrics,
    make_product,
    make_product_metrics,
)
from tests.rules.test_products import LATER, check_next, listed, proposed
from tests.rules.test_sweeps import check
from tests.shops.importing import bring

pytestmark = pytest.mark.django_db

# Sales of observed products (WS-O2)


def selling(*sales: str | None, alliance: str = WECHAT, measured: bool = True) -> Any:
    """The enrollment of a shop with observed products that sold so much."""
    enrollment = make_enrollment(alliance_code=alliance)
    if measured:
        make_metrics(enrollment.shop)
    for amount in sales:
        product = make_listing(make_product(enrollment.shop), alliance, state="observed").product
        make_product_metrics(product, settled_orders=1, sales_amount=amount)
    return enrollment


@pytest.mark.parametrize("of", ["product", "shop"])
def test_products_of_a_category_that_is_not_served_do_not_count(of: str) -> None:
    enrollment = selling("5000.00")
    local = make_product(enrollment.shop, **({"category": "local-life"} if of == "product" else {}))
    make_product_metrics(make_listing(local, WECHAT, state="observed").product, sales_amount="9000")
    if of == "shop":
        enrollment.shop.category = "local-life"
        enrollment.shop.save()
    check(WECHAT)
    assert not Proposal.objects.exists()


@pytest.mark.parametrize("measured", [True, False])
def test_beyond_the_cap_the_shop_is_warned_once_and_its_products_are_named(measured: bool) -> None:
    enrollment = selling("1000.00", "4000.01", "0.00", None, measured=measured)
    make_listing(make_product(enrollment.shop), state="promoted")
    sweep = check(WECHAT)
    proposal = Proposal.objects.get()
    assert (proposal.kind, proposal.product, proposal.shop) == ("warn", None, enrollment.shop)
    assert (proposal.failed_rules, proposal.observed, proposal.ground) == (["WS-O2"], "5000.01", "metric")
    assert str(proposal.margin) == "-0.010000"
    products = {p.code: p.name for p in enrollment.shop.products.all()}
    told = proposal.evidence["products"]
    assert [each["sales"] for each in told] == ["4000.01", "1000.00", "0.00"]
    assert all(products[each["code"]] == each["name"] for each in told)
    assert proposal.evidence["more_products"] == 0
    assert (sweep.warning.alliance.code, sweep.by_kind) == (WECHAT, {"warn": 1})


def test_of_many_products_the_200_largest_are_named_and_the_others_counted() -> None:
    selling("5000.00", *["1.00"] * 201)
    check(WECHAT)
    evidence = Proposal.objects.get().evidence
    assert (len(evidence["products"]), evidence["more_products"]) == (200, 2)
    assert evidence["products"][0]["sales"] == "5000.00"


def test_a_warning_that_rests_on_several_rules_is_one_proposal() -> None:
    enrollment = selling("5000.01", measured=False)
    make_metrics(enrollment.shop, freight_insurance=False)
    assert check(WECHAT).by_kind == {"warn": 1}
    assert Proposal.objects.get().failed_rules == ["WS-O2", "WS-A2"]


def test_a_shop_without_metrics_of_the_day_is_warned_of_its_products_alone() -> None:
    enrollment = selling("5000.01", measured=False)
    enrollment.shop.status = "suspended"
    enrollment.shop.save()
    check(WECHAT)
    assert Proposal.objects.get().failed_rules == ["WS-O2"]


def test_a_warning_of_another_rule_names_no_products() -> None:
    enrollment = selling("5000.00", measured=False)
    make_metrics(enrollment.shop, freight_insurance=False)
    check(WECHAT)
    assert "products" not in Proposal.objects.get().evidence


@pytest.mark.parametrize(("sales", "status"), [("5000.00", "withdrawn"), ("5000.01", "open"), (None, "open")])
def test_a_warning_of_sales_is_withdrawn_once_they_are_known_to_be_within_the_cap(
    sales: str | None, status: str
) -> None:
    enrollment = selling("5000.01")
    check(WECHAT)
    make_metrics(enrollment.shop, LATER)
    make_product_metrics(enrollment.shop.products.get(), LATER, settled_orders=1, sales_amount=sales)
    check_next()
    assert Proposal.objects.get(kind="warn").status == status


def test_each_day_beyond_the_cap_is_a_warning_of_its_own_once_the_last_was_decided() -> None:
    enrollment = selling("5000.01")
    check(WECHAT)
    review.accept(Proposal.objects.get().pk, by=None, reason="below_bar", at=AT)
    assert check(WECHAT).filed == 0
    make_metrics(enrollment.shop, LATER)
    make_product_metrics(enrollment.shop.products.get(), LATER, settled_orders=1, sales_amount="5000.01")
    assert check_next().by_kind == {"warn": 1}


def test_a_warning_gives_way_to_one_with_the_rules_that_speak_for_it_now() -> None:
    enrollment = selling("1.00", measured=False)
    make_metrics(enrollment.shop, freight_insurance=False)
    check(WECHAT)
    make_metrics(enrollment.shop, LATER, freight_insurance=False)
    make_product_metrics(enrollment.shop.products.get(), LATER, settled_orders=1, sales_amount="5000.01")
    sweep = check_next()
    assert (sweep.by_kind, sweep.withdrawn, sweep.already_open) == ({"warn": 1}, 1, 0)
    outgrown, filed = Proposal.objects.order_by("pk")
    assert (outgrown.failed_rules, outgrown.status) == (["WS-A2"], "withdrawn")
    assert (filed.failed_rules, filed.status, filed.day) == (["WS-O2", "WS-A2"], "open", LATER)
    assert [told["sales"] for told in filed.evidence["products"]] == ["5000.01"]
    # Fewer rules are no reason, nor is a day before its own.
    assert (check(WECHAT).withdrawn, check_next().filed) == (0, 0)


def test_what_was_known_of_sales_is_kept_and_comes_to_the_same_again() -> None:
    warned, *_others = selling("5000.01"), selling("5000.00"), selling(None)
    sweep = check(WECHAT)
    # And whom else the sample keeps, by the codes that they happen to have.
    assert sweep.inputs.filter(shop=warned.shop).exists()
    again = replay.replay(sweep)
    assert again.identical and again.compared >= 1


def test_sales_are_worked_out_only_where_a_rule_asks(django_assert_max_num_queries) -> None:
    selling("9000.00", alliance=DOUYIN)
    with django_assert_max_num_queries(200) as asked:
        check(DOUYIN)
    assert not any("shops_productmetrics" in query["sql"] for query in asked.captured_queries)


# Figures that come in late, or are taken back


def product_day(*lines: str) -> ImportBatch:
    headers = "product,day,settled_orders,valid_paid_orders,quality_refunds,sales_amount"
    batch = bring("product_metrics", "\n".join([headers, *lines]))
    assert batch.state == "applied"
    return batch


def test_a_day_is_checked_again_once_the_first_figures_of_products_have_come_in() -> None:
    shop = make_enrollment(alliance_code=WECHAT).shop
    make_enrollment(shop, DOUYIN)
    listing = make_listing(make_product(shop), state="applied")
    make_metrics(shop)
    early = AT + timedelta(minutes=1)
    for alliance in (WECHAT, DOUYIN):
        check(alliance, at=early)
    wechat, douyin = (Alliance.objects.get(code=code) for code in (WECHAT, DOUYIN))
    assert sweeps.is_checked(wechat, DAY)
    make_product_metrics(
        listing.product,
        batch=make_batch("product_metrics", first_day=DAY, last_day=DAY, finished_at=AT + timedelta(hours=1)),
        settled_orders=1,
    )
    # Douyin has no rules on products.
    assert (sweeps.is_checked(wechat, DAY), sweeps.is_checked(douyin, DAY)) == (False, True)
    check(WECHAT, at=AT + timedelta(hours=2))
    assert (sweeps.is_checked(wechat, DAY), proposed()) == (True, [("observe", "open")])


def test_what_rests_on_figures_of_products_goes_with_them() -> None:
    observed = listed("observed", DAY - timedelta(days=1), settled_orders=1).product
    applied = make_listing(make_product(observed.shop), state="applied").product
    make_metrics(observed.shop)
    batch = product_day(f"{observed.code},{DAY},1,1,0,5000.01", f"{applied.code},{DAY},1,1,0,1")
    other = make_enrollment(alliance_code=WECHAT).shop
    make_metrics(other, freight_insurance=False)
    check(WECHAT)
    found = Proposal.objects.order_by("kind", "pk").values_list("kind", "shop")
    assert list(found) == [("observe", observed.shop.pk), ("warn", observed.shop.pk), ("warn", other.pk)]
    assert reversals.reverse_import(batch.pk, by=None, reason="a wrong file", at=AT) == 2
    assert Proposal.objects.get(status="open").shop == other


# Superseded figures


def superseded() -> list[tuple[str, str | None]]:
    found = Proposal.objects.filter(reversals.rests_on_superseded_data()).order_by("pk")
    return [(proposal.kind, proposal.product.code if proposal.product else None) for proposal in found]


def test_a_proposal_on_a_product_rests_on_superseded_data_once_its_own_figures_are_corrected() -> None:
    first, second = listed("applied", settled_orders=1).product, listed("applied", settled_orders=1).product
    check(WECHAT)
    product_day(*(f"{product.code},{DAY},1,100,1,1234.50" for product in (first, second)))
    bring("product_metrics", f"product,day,settled_orders\n{first.code},{DAY - timedelta(days=1)},9")
    assert superseded() == []
    correction = product_day(f"{first.code},{DAY},40,100,1,1234.50")
    assert superseded() == [("observe", first.code)]
    reversals.reverse_import(correction.pk, by=None, reason="a wrong file", at=AT)
    assert superseded() == []


def test_a_warning_rests_on_superseded_data_once_a_product_that_it_names_is_corrected() -> None:
    shop = selling("3000.00", "2000.01").shop
    named, _other = shop.products.order_by("code")
    unnamed = make_listing(make_product(shop), state="promoted").product
    make_product_metrics(unnamed)
    # What was corrected before the check is what it went by.
    product_day(f"{named.code},{DAY},1,100,1,3000.02")
    check(WECHAT, at=AT + timedelta(hours=1))
    assert Proposal.objects.get().observed == "5000.03"
    late = AT + timedelta(hours=2)
    assert superseded() == []
    bring_sales(unnamed, late)
    assert superseded() == []
    bring_sales(named, late + timedelta(minutes=1))
    assert superseded() == [("warn", None)]


def test_a_warning_that_names_only_some_products_may_rest_on_any() -> None:
    shop = selling("5000.00", *["1.00"] * 200).shop
    check(WECHAT)
    smallest = shop.products.order_by("code").last()
    assert smallest.code not in {each["code"] for each in Proposal.objects.get().evidence["products"]}
    bring_sales(smallest, AT + timedelta(hours=1))
    assert superseded() == [("warn", None)]


def bring_sales(product: Product, at: datetime) -> None:
    batch = bring("product_metrics", f"product,day,sales_amount\n{product.code},{DAY},7.00", at=at)
    assert batch.state == "applied"
