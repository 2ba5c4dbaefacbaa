"""Products on the desk's pages: in the queue, on a proposal's and a product's own page, filed by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from opsdesk import review
from rules import sweeps
from rules.models import Proposal
from shops.models import Alliance, Listing, Penalty
from tests.clients import client_of
from tests.exporting import taken
from tests.factories import (
    AT,
    DAY,
    WECHAT,
    make_enrollment,
    make_listing,
    make_penalty,
    make_product,
    make_product_metrics,
    make_proposal,
    make_shop,
    make_user,
)
from tests.product_proposals import make_product_proposal, make_sales_warning
from tests.shops.importing import bring

pytestmark = pytest.mark.django_db

QUEUE = "/admin/rules/proposal/"


def page_of(client: Client, record: Proposal | Listing | Penalty, name: str = "") -> str:
    model = record._meta
    address = reverse(f"admin:{model.app_label}_{name or model.model_name}_change", args=[record.pk])
    return client.get(address).content.decode()


def a_stop(code: str = "G7", name: str = "桂花香膏", **values) -> Proposal:
    return make_product_proposal(make_listing(make_product(code=code, name=name)), **values)


# The list


def test_the_list_names_the_product_with_its_shop() -> None:
    proposal = a_stop()
    page = client_of().get(QUEUE).content.decode()
    for shown in ("桂花香膏", "G7", proposal.shop.name):
        assert shown in page


def test_products_are_found_by_code_and_name_and_told_from_shops() -> None:
    client, stop, clearance = client_of(), a_stop(), make_proposal()
    for query, found in (
        ({"q": "g7"}, [stop]),
        ({"q": "桂花香"}, [stop]),
        ({"about": "products"}, [stop]),
        ({"about": "shops"}, [clearance]),
        ({"product__id__exact": str(stop.product_id)}, [stop]),
        ({"about": "whatever"}, [stop, clearance]),
    ):
        assert set(client.get(QUEUE, query).context["cl"].result_list) == set(found), query


def test_the_list_asks_no_more_for_fifty_products_than_for_one(django_assert_max_num_queries) -> None:
    client = client_of()
    client.get(QUEUE)
    for _number in range(50):
        make_product_proposal()
    with django_assert_max_num_queries(14):
        assert len(client.get(QUEUE).context["cl"].result_list) == 50


def test_a_proposal_on_corrected_figures_of_products_is_found_and_warns_on_its_page() -> None:
    shop = make_enrollment(alliance_code=WECHAT).shop
    sold = make_product(shop, code="G1")
    products = [make_listing(make_product(shop), state="applied").product for _product in range(2)]
    make_listing(sold, state="observed")
    make_product_metrics(sold, settled_orders=1, sales_amount="5000.01")
    for product in products:
        make_product_metrics(product, settled_orders=1)
    wechat = Alliance.objects.get(code=WECHAT)
    sweeps.run(sweeps.request(alliance=wechat, by=None, at=AT, day=DAY).pk, at=AT)
    corrected, stands = Proposal.objects.filter(kind="observe").order_by("pk")
    warned = Proposal.objects.get(kind="warn")
    rows = [f"{product.code},{DAY},9" for product in (corrected.product, sold)]
    bring("product_metrics", "\n".join(["product,day,settled_orders", *rows]))
    client = client_of()
    found = client.get(QUEUE, {"data": "superseded"}).context["cl"].result_list
    assert set(found) == {corrected, warned}
    assert "have been corrected since" not in page_of(client, stands)
    assert "Look at the product's metrics first." in page_of(client, corrected)
    assert "Look at the metrics of the shop and of its products first." in page_of(client, warned)


def test_a_supervisor_may_exempt_a_products_shop_from_the_rule_that_it_fails() -> None:
    proposal = a_stop()
    address = reverse("admin:rules_shopexemption_add")
    assert f"{address}?shop={proposal.shop.code}" in page_of(client_of("supervisor"), proposal)
    assert address not in page_of(client_of(), proposal)


def test_products_are_decided_many_at_once() -> None:
    client = client_of()
    chosen = [make_product_proposal(), make_product_proposal(kind="observe")]
    data = {"action": "accept_selected", "_selected_action": [p.pk for p in chosen]}
    question = client.post(QUEUE, data | {"index": "0"}).content.decode()
    assert all(p.product.code in question for p in chosen)
    client.post(QUEUE, data | {"decide": "1", "reason": "below_bar"})
    assert set(Proposal.objects.values_list("status", flat=True)) == {"accepted"}


def test_exports_of_proposals_and_decisions_carry_the_product() -> None:
    client = client_of()
    decided, _clearance = a_stop("G1", "=1+1"), make_proposal()
    review.accept(decided.pk, by=None, reason="below_bar", at=AT)
    waiting = a_stop("G2", "香膏")
    rows = {row["kind"]: row for row in taken(client, f"{QUEUE}export/", {})}
    assert (rows["stop"]["product's code"], rows["stop"]["product"]) == ("G2", "香膏")
    assert (rows["clear"]["product's code"], rows["clear"]["product"]) == ("", "")
    assert waiting.product.category == rows["stop"]["category"]
    [cells] = taken(client, "/admin/opsdesk/decision/export/", {})
    assert (cells["shop's code"], cells["product's code"], cells["product"]) == (
        decided.shop.code,
        "G1",
        "'=1+1",
    )


def test_the_list_of_decisions_names_the_product() -> None:
    decision = review.accept(a_stop().pk, by=None, reason="below_bar", at=AT)
    client = client_of()
    assert "桂花香膏" in client.get("/admin/opsdesk/decision/", {"q": "g7"}).content.decode()
    page = client.get(reverse("admin:opsdesk_decision_change", args=[decision.pk])).content.decode()
    assert "桂花香膏" in page


# One proposal


def test_the_page_shows_the_product_its_standing_and_what_was_observed() -> None:
    proposal = a_stop()
    for ago, refunds in ((0, 8), (1, 6), (4, 5)):
        make_product_metrics(proposal.product, DAY - timedelta(days=ago), quality_refunds=refunds)
    page = page_of(client_of(), proposal)
    for shown in (
        "桂花香膏",
        reverse("admin:shops_product_change", args=[proposal.product_id]),
        reverse("admin:shops_shop_change", args=[proposal.shop_id]),
        "pill-promoted",
        "PR-C1",
        "last 30 days",
        'class="threshold"',
    ):
        assert shown in page, shown
    assert page.count('class="dot"') == 3
    assert "Other proposals of this product" in page


def test_the_page_shows_only_what_was_proposed_of_the_same_product() -> None:
    proposal = a_stop()
    same = make_product_proposal(Listing.objects.get(), kind="observe", status="withdrawn", closed_at=AT)
    other = make_product_proposal(make_listing(make_product(proposal.shop)))
    page = page_of(client_of(), proposal)
    assert reverse("admin:rules_proposal_change", args=[same.pk]) in page
    assert reverse("admin:rules_proposal_change", args=[other.pk]) not in page


def test_the_page_of_a_shops_proposal_tells_of_its_products() -> None:
    stop = a_stop()
    penalty = make_penalty(stop.shop, product=stop.product, ground="metric", alliance=stop.alliance)
    page = page_of(client_of(), make_proposal(stop.enrollment))
    assert page.count("桂花香膏") == 2
    assert penalty.case_number in page


def test_a_product_that_is_not_listed_any_more_says_so() -> None:
    shop = make_enrollment(alliance_code=WECHAT).shop
    proposal = make_proposal(shop.enrollments.get(), kind="stop", ground="metric", product=make_product(shop))
    assert "without a listing" in page_of(client_of(), proposal)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Observed products and their sales of the day", "and 3 more products", "¥4,000.01")),
        ("zh-hans", ("观察期商品及其当日成交金额", "另有 3 个商品", "¥4,000.01")),
    ],
)
def test_a_warning_shows_each_observed_product_and_what_all_of_them_sold(language: str, words) -> None:
    warning = make_sales_warning()
    known = make_product(warning.shop, code="G1")
    second = make_product(warning.shop, code="G2")
    for ago, sales in ((0, "4000.01"), (1, "2500.00"), (3, None)):
        make_product_metrics(known, DAY - timedelta(days=ago), sales_amount=sales)
    make_product_metrics(second, sales_amount="1000.00")
    page = page_of(client_of(language=language), warning)
    for shown in (*words, "新品一号", "新品二号", 'value="4000.01"', 'max="4000.01"'):
        assert shown in page, shown
    assert reverse("admin:shops_product_change", args=[known.pk]) in page
    # The day before yesterday's cell is empty: no point, and no zero.
    assert page.count('class="dot"') == 2
    assert "5,000.01" in page or "5000.01" in page


def test_a_warning_whose_products_are_gone_from_the_register_still_names_them() -> None:
    page = page_of(client_of(), make_sales_warning())
    assert "新品一号" in page
    assert '<svg viewBox="0 0 560' not in page


def test_the_page_of_a_product_asks_a_bounded_number_of_questions(django_assert_max_num_queries) -> None:
    client, proposal = client_of(), a_stop()
    for number in range(10):
        make_product_metrics(proposal.product, DAY - timedelta(days=number))
        make_penalty(proposal.shop, product=proposal.product)
        make_product_proposal(Listing.objects.get(), status="withdrawn", closed_at=AT)
    with django_assert_max_num_queries(22):
        page_of(client, proposal)


def test_nothing_on_these_pages_breaks_the_content_policy() -> None:
    client, stop, warning = client_of("supervisor"), a_stop(), make_sales_warning()
    product = make_product(warning.shop, code="G1")
    make_product_metrics(product, sales_amount="12.00")
    pages = [page_of(client, stop), page_of(client, warning), page_of(client, stop.product)]
    for page in pages:
        for forbidden in (" style=", "<style", "onclick=", "<script>"):
            assert forbidden not in page


# A product's own page, its listings, its penalties


def test_a_products_page_shows_where_it_stands_what_waits_and_what_stands_against_it() -> None:
    client, stop = client_of(), a_stop()
    make_product_metrics(stop.product, timezone.localdate(), sales_amount="77.00")
    page = page_of(client, stop.product)
    assert reverse("admin:rules_proposal_change", args=[stop.pk]) in page
    assert "pill-promoted" in page and "¥77.00" in page
    review.accept(stop.pk, by=None, reason="below_bar", at=AT)
    page = page_of(client, stop.product)
    # Stopped by the desk, while the platform's file still says promoted.
    assert "pill-stopped" in page and "pill-promoted" in page
    assert "Nothing waits for a decision." in page
    assert Penalty.objects.get().case_number in page


def test_who_may_not_see_proposals_finds_none_on_a_products_page() -> None:
    client, stop = Client(), a_stop()
    reader = make_user(None)
    client.force_login(reader)
    reader.user_permissions.add(Permission.objects.get(codename="view_product"))
    page = page_of(client, stop.product)
    assert "桂花香膏" in page
    assert reverse("admin:rules_proposal_change", args=[stop.pk]) not in page


@pytest.mark.parametrize(("role", "offered"), [("operator", True), ("auditor", False)])
def test_only_who_may_file_is_offered_it_on_a_products_page(role: str, offered: bool) -> None:
    page = page_of(client_of(role), a_stop().product)
    assert (f"{reverse('admin:rules_proposal_file')}?product=G7" in page) == offered


def test_lists_of_listings_tell_what_a_product_may_do_beside_what_the_file_says() -> None:
    client, stop = client_of(), a_stop()
    review.accept(stop.pk, by=make_user(username="wang"), reason="below_bar", at=AT)
    listing = Listing.objects.get()
    page = client.get("/admin/shops/listing/").content.decode()
    assert "pill-stopped" in page and "pill-promoted" in page
    assert "pill-stopped" in page_of(client, listing)


def test_a_listings_history_says_in_the_readers_language_why_it_moved() -> None:
    observe = make_product_proposal(kind="observe")
    review.accept(observe.pk, by=make_user(username="wang"), reason="little_sold", at=AT)
    address = reverse("admin:shops_listing_history", args=[Listing.objects.get().pk])
    page = client_of(language="zh-hans").get(address).content.decode()
    assert "wang" in page and "销量尚少" in page


def test_a_penaltys_page_names_the_listing_it_stopped_and_why_it_ended() -> None:
    stop = a_stop()
    review.accept(stop.pk, by=None, reason="below_bar", at=AT)
    resume = make_product_proposal(Listing.objects.get(), kind="resume")
    review.accept(resume.pk, by=None, reason="qualifies", at=AT)
    client = client_of(language="zh-hans")
    page = page_of(client, Penalty.objects.get())
    assert "停止推广" in page and "桂花香膏" in page
    assert "符合条件" in page or "达标" in page
    assert "qualifies" not in page


# Filed by hand


def test_a_stop_is_filed_by_hand_from_the_products_page() -> None:
    client = client_of()
    listing = make_listing(make_product(make_shop(code="W1"), code="G9"))
    make_enrollment(listing.product.shop, WECHAT)
    form = client.get(f"{QUEUE}file/", {"product": "G9"})
    assert 'value="G9"' in form.content.decode()
    data = {"product": "G9", "alliance": listing.alliance_id, "statement": "It imitates a brand."}
    answer = client.post(f"{QUEUE}file/", data)
    proposal = Proposal.objects.get()
    assert answer["Location"] == reverse("admin:rules_proposal_change", args=[proposal.pk])
    assert (proposal.kind, proposal.ground, proposal.product) == ("stop", "judgement", listing.product)
    assert "It imitates a brand." in page_of(client, proposal)


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ({"product": "NO-SUCH"}, "There is no product with the code “NO-SUCH”."),
        ({"product": "", "shop": ""}, "Name the shop or the product."),
        ({"product": "G9", "shop": "W2"}, "is not a product of"),
    ],
)
def test_filing_of_a_product_says_what_does_not_fit(named: dict[str, str], says: str) -> None:
    listing = make_listing(make_product(make_shop(code="W1"), code="G9"))
    make_enrollment(listing.product.shop, WECHAT)
    make_enrollment(make_shop(code="W2"), WECHAT)
    data = {"alliance": Alliance.objects.get(code=WECHAT).pk, "statement": "No.", **named}
    assert says in client_of().post(f"{QUEUE}file/", data).content.decode()
    assert not Proposal.objects.exists()


def test_the_commands_answer_names_the_product_for_people(capsys) -> None:
    proposal = a_stop()
    call_command("list_proposals", "--alliance", WECHAT)
    told = capsys.readouterr().out
    assert "G7" in told and proposal.shop.code in told
