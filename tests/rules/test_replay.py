"""A check evaluated again from what it kept: the same, whatever has become of rules and shops since."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from rules import exemptions, replay, sweeps
from rules.models import Rule, RuleSet, ShopExemption, Sweep, SweepInput
from shops.models import Alliance, Enrollment, Listing, Product, ProductMetrics, Shop
from tests.factories import (
    AT,
    DAY,
    DOUYIN,
    WECHAT,
    make_controller,
    make_enrollment,
    make_listing,
    make_metrics,
    make_penalty,
    make_product,
    make_product_metrics,
    make_published,
    make_qualification,
    make_shop,
    make_user,
)
from tests.rules.test_products import listed, rules
from tests.rules.test_sweeps import check

pytestmark = pytest.mark.django_db


def sampled(of: type[Shop | Product] = Shop) -> str:
    """A code that nobody has yet, and of which every check keeps the inputs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT code FROM (SELECT 'sample-' || generate_series(1, 100000) AS code) codes"
            " WHERE mod(('x' || left(md5(code), 8))::bit(32)::bigint, 100) = 0"
            f" AND code NOT IN (SELECT code FROM {of._meta.db_table}) LIMIT 1"
        )
        (code,) = cursor.fetchone()
    return str(code)


def in_the_sample(**values: Any) -> Shop:
    """A shop of which every check keeps its inputs."""
    return make_shop(code=sampled(), **values)


def test_a_check_keeps_what_it_proposed_and_what_belongs_to_the_sample() -> None:
    failing, quiet, chosen = make_shop(), make_shop(code="not sampled"), in_the_sample()
    for shop in (failing, quiet, chosen):
        make_enrollment(shop)
        make_metrics(shop, experience_score="3.49" if shop == failing else "4.00")
    sweep = check()
    kept = {row.shop_id: row for row in sweep.inputs.all()}
    assert set(kept) == {failing.pk, chosen.pk}
    assert kept[failing.pk].inputs["v_experience_score"] == 3.49
    assert kept[failing.pk].verdict["due"] == "clear"
    assert kept[failing.pk].verdict["rules"]["DF-C1"] == "fails"
    assert kept[chosen.pk].verdict["due"] == ""
    assert kept[chosen.pk].verdict["rules"]["DF-C1"] == "holds"


def test_a_check_delivered_again_keeps_its_inputs_once() -> None:
    make_metrics(make_enrollment().shop, experience_score="3.49")
    sweep = check()
    sweeps.run(sweep.pk, at=AT)
    assert sweep.inputs.count() == 1


def a_population() -> list[Shop]:
    """Shops of all sorts, all in the sample, some in an alliance and some applying."""
    shops = []
    for number in range(16):
        shop = in_the_sample(
            shop_type=["ordinary", "flagship"][number % 2],
            goods_kind=["physical", "virtual", "mixed"][number % 3],
            status=["normal", "normal", "suspended"][number % 3],
            controller=make_controller() if number % 4 == 0 else None,
        )
        for alliance in (DOUYIN, WECHAT):
            make_enrollment(shop, alliance, Enrollment.State.OPEN if number % 2 else Enrollment.State.APPLIED)
        if number % 5 == 0:
            make_penalty(shop, violation_code="V9")
        if number % 3 == 0:
            make_qualification(shop, verdict=["accepted", "pending", "rejected"][number // 3 % 3])
        shops.append(shop)
    return shops


def measured(shops: list[Shop], day: date, turn: int) -> None:
    for number, shop in enumerate(shops):
        if (number + turn) % 7 == 0:
            continue
        score = None if (number + turn) % 5 == 0 else f"{3.90 + (number * 7 + turn * 3) % 60 / 100:.2f}"
        make_metrics(
            shop,
            day,
            shop_score=score,
            shop_score_none=score is None and number % 2 == 0,
            experience_score=f"{3.30 + (number * 5 + turn) % 40 / 100:.2f}",
            positive_rate=f"{0.74 + (number + turn) % 4 / 100:.6f}",
            warehouse_passed=(number + turn) % 3 != 0,
            erp_connected=None if number == turn else True,
        )


def everything_changes(shops: list[Shop]) -> None:
    """New versions of the rules, other shops, penalties and exemptions, another setting."""
    for rule_set in list(RuleSet.objects.filter(subject="shop")):
        newer = RuleSet.objects.create(
            alliance=rule_set.alliance, purpose=rule_set.purpose, version=2, in_force_from=DAY
        )
        Rule.objects.create(
            rule_set=newer,
            position=1,
            code=rule_set.rules.first().code,
            metric="shop_score",
            operator="<" if rule_set.purpose == "clearance" else "≥",
            value="4.9",
        )
        make_published(newer)
    supervisor = make_user("supervisor")
    for exemption in ShopExemption.objects.all():
        exemptions.end(exemption, by=supervisor, on=AT.date(), reason="the incident is over")
    for shop in shops:
        shop.status, shop.shop_type, shop.goods_kind = "closed", "flagship", "physical"
        shop.entered_on, shop.closed_on, shop.closed_cause = None, DAY, "violation"
        shop.category = "local-life"
        shop.save()
        make_penalty(shop, violation_code="V2")
        exemptions.grant(
            shop=shop,
            alliance=Alliance.objects.get(code=DOUYIN),
            rule_code="DF-C1",
            until=DAY + timedelta(days=99),
            reason="another day",
            by=supervisor,
            at=AT,
        )
    for alliance in Alliance.objects.all():
        alliance.openings_limit = None
        alliance.warns_on_lost_admission = not alliance.warns_on_lost_admission
        alliance.category_not_served = "beauty"
        alliance.save()


def test_thirty_past_checks_come_to_the_same_after_everything_has_changed() -> None:
    shops = a_population()
    exemptions.grant(
        shop=shops[1],
        alliance=Alliance.objects.get(code=DOUYIN),
        rule_code="DF-C1",
        until=DAY + timedelta(days=20),
        reason="the platform's own incident",
        by=make_user("supervisor"),
        at=AT,
    )
    past: list[Sweep] = []
    for turn in range(15):
        day = DAY + timedelta(days=turn)
        measured(shops, day, turn)
        for alliance in (DOUYIN, WECHAT):
            past.append(check(alliance, day=day, at=AT + timedelta(days=turn)))
    outcomes = {outcome for row in SweepInput.objects.all() for outcome in row.verdict["rules"].values()}
    assert outcomes == {"holds", "fails", "exempt", "no_data"}
    everything_changes(shops)
    answers = [replay.replay(Sweep.objects.get(pk=sweep.pk)) for sweep in past]
    assert [answer.differences for answer in answers] == [[]] * 30
    assert all(answer.identical and answer.compared >= 10 for answer in answers)
    assert sum(answer.compared for answer in answers) == SweepInput.objects.count()


def test_a_verdict_that_its_inputs_do_not_bear_out_is_told() -> None:
    make_metrics(make_enrollment(make_shop(code="S1")).shop, experience_score="3.49")
    sweep = check()
    kept = sweep.inputs.get()
    other = make_shop(code="S2")
    SweepInput.objects.create(
        sweep=sweep,
        shop=other,
        inputs={**kept.inputs, "v_experience_score": "3.5"},
        verdict=kept.verdict,
    )
    answer = replay.replay(sweep)
    assert not answer.identical
    assert (answer.compared, answer.differing) == (2, 1)
    [difference] = answer.differences
    assert difference["shop"] == "S2"
    assert (difference["product"], difference["then"]["due"], difference["now"]["due"]) == (None, "clear", "")


# Products


def test_a_check_keeps_the_products_that_it_proposed_and_those_of_the_sample() -> None:
    few, quiet = listed("applied", settled_orders=29), listed("applied")
    quiet.product.code = "not sampled"
    quiet.product.save()
    chosen = make_listing(make_product(quiet.product.shop, code=sampled(Product)), state="applied")
    make_product_metrics(chosen.product, valid_paid_orders=0, quality_refunds=0)
    outside = make_listing(make_product(code=sampled(Product)), state="applied")
    sweep = check(WECHAT)
    kept = {row.product_id: row for row in sweep.inputs.exclude(product=None)}
    assert set(kept) == {few.product_id, chosen.product_id}
    assert outside.product_id not in kept
    first, second = kept[few.product_id], kept[chosen.product_id]
    assert (first.shop_id, first.inputs["v_settled_orders"]) == (few.product.shop_id, 29)
    assert first.verdict == {"rules": {"WS-O1": "fails"}, "due": "observe"}
    assert (second.inputs["v_settled_orders"], second.inputs["no_rate_yet"]) == (120, True)
    assert replay.replay(sweep).identical


def products_of_all_sorts() -> list[Product]:
    """All in the sample, in every standing, some barred and some of a category that a rule leaves out."""
    products = []
    for number in range(20):
        shop = make_enrollment(
            make_shop(shop_type=["ordinary", "flagship"][number % 2]), alliance_code=WECHAT
        ).shop
        product = make_product(
            shop,
            code=sampled(Product),
            category=["beauty", "food"][number // 4 % 2],
            price="9.90" if number % 3 else None,
            status=["on_sale", "off_sale", ""][number % 3],
        )
        make_listing(product, state=Listing.State.values[number % 4])
        if number % 8 == 7:
            make_penalty(shop, product=product, alliance=Alliance.objects.get(code=WECHAT))
        products.append(product)
    return products


def products_measured(products: list[Product], day: date, turn: int) -> None:
    for number, product in enumerate(products):
        make_metrics(product.shop, day)
        if (number + turn) % 9 == 0:
            continue
        make_product_metrics(
            product,
            day,
            settled_orders=None if (number + turn) % 7 == 0 else 20 + (number * 5 + turn) % 20,
            valid_paid_orders=[0, 3, 7, None, 90][(number + turn) % 5],
            quality_refunds=[0, 1, 1, 2, 1][(number + turn) % 5],
            sales_amount=f"{number * 10 + turn}.50",
        )


def all_of_products_changes(products: list[Product]) -> None:
    """New versions of the rules, listings, products, shops, penalties, exemptions and metrics."""
    for purpose in ("admission", "clearance", "observation"):
        rules(purpose, metric="sales_amount", operator="<" if purpose != "admission" else "≥", value="999")
    for number, product in enumerate(products):
        product.category, product.price, product.status = "toys", "1.00", "off_sale"
        product.save()
        product.shop.shop_type, product.shop.category = "flagship", "local-life"
        product.shop.entered_on = None
        product.shop.save()
        listing = product.listings.get()
        listing.state = Listing.State.values[(number + 1) % 4]
        listing.save()
        make_penalty(product.shop, product=product, alliance=listing.alliance)
        make_exemption(product.shop, code="P-C1", until=DAY + timedelta(days=99))
    ProductMetrics.objects.update(settled_orders=1, valid_paid_orders=1, quality_refunds=1, sales_amount=0)


def make_exemption(shop: Shop, *, code: str, until: date) -> None:
    ShopExemption.objects.create(
        shop=shop,
        alliance=Alliance.objects.get(code=WECHAT),
        rule_code=code,
        until=until,
        reason="the carrier's fault",
        granted_at=AT,
    )


def test_past_checks_of_products_come_to_the_same_after_everything_has_changed() -> None:
    rules("admission", value="0.1", shop_types=["ordinary"])
    rules("clearance", value="0.142857", categories=["beauty"])
    price = {"position": 2, "metric": "product_price", "operator": "<", "value": "9.90"}
    tried_out = rules("observation", mode="shadow", published=False)
    Rule.objects.create(rule_set=tried_out, code="P-O2", **price)
    make_published(tried_out)
    products = products_of_all_sorts()
    for product in products[1:10:4]:
        make_exemption(product.shop, code="P-C1", until=DAY + timedelta(days=1))
    past = []
    for turn in range(5):
        day = DAY + timedelta(days=turn)
        products_measured(products, day, turn)
        past.append(check(WECHAT, day=day, at=AT + timedelta(days=turn)))
    kept = SweepInput.objects.exclude(product=None)
    assert kept.count() == 100
    assert {outcome for row in kept for outcome in row.verdict["rules"].values()} == {
        "holds",
        "fails",
        "exempt",
        "no_data",
    }
    # Rules that are only tried out keep nobody out.
    assert {row.verdict["due"] for row in kept} == {
        "",
        "stop",
        "observe",
        "observe, admit",
        "admit",
        "resume",
    }
    all_of_products_changes(products)
    answers = [replay.replay(Sweep.objects.get(pk=sweep.pk)) for sweep in past]
    assert [answer.differences for answer in answers] == [[]] * 5
    assert all(answer.compared >= 20 for answer in answers)


def test_a_verdict_on_a_product_that_its_inputs_do_not_bear_out_is_told_with_the_product() -> None:
    listed("applied", settled_orders=29)
    sweep = check(WECHAT)
    kept = sweep.inputs.get(product__isnull=False)
    other = make_product(make_shop(code="S2"), code="G2")
    SweepInput.objects.create(
        sweep=sweep,
        shop=other.shop,
        product=other,
        inputs={**kept.inputs, "v_settled_orders": 30},
        verdict=kept.verdict,
    )
    answer = replay.replay(sweep)
    assert answer.differing == 1
    [difference] = answer.differences
    assert (difference["shop"], difference["product"]) == ("S2", "G2")
    assert (difference["then"]["due"], difference["now"]["due"]) == ("observe", "")


def test_a_products_inputs_are_kept_once_and_never_changed() -> None:
    listed("applied", settled_orders=29)
    sweep = check(WECHAT)
    kept = sweep.inputs.get(product__isnull=False)
    with pytest.raises(IntegrityError, match="rules_sweepinput_is_kept_once"), transaction.atomic():
        SweepInput.objects.create(sweep=sweep, shop=kept.shop, product=kept.product, inputs={}, verdict={})
    with pytest.raises(DatabaseError), transaction.atomic():
        SweepInput.objects.filter(pk=kept.pk).update(verdict={})
