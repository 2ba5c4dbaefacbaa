"""What was proposed of products: filed once, withdrawn, held back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.utils import IntegrityError
from django.utils.translation import override

from opsdesk import review
from rules.brakes import Brake
from rules.models import Alternative, Proposal
from shops.models import Alliance, PromotionPeriod
from tests.factories import (
    AT,
    DAY,
    WECHAT,
    make_enrollment,
    make_listing,
    make_metrics,
    make_penalty,
    make_product,
    make_product_metrics,
    make_proposal,
    make_published,
)
from tests.rules.test_products import BAD, LATER, check_next, listed, proposed, rules
from tests.rules.test_sweeps import check

pytestmark = pytest.mark.django_db

# Filed once


def test_a_second_check_files_nothing() -> None:
    for purpose in ("admission", "clearance"):
        rules(purpose)
    listed("applied", settled_orders=1), listed("applied"), listed("promoted", **BAD), listed("stopped")
    assert check(WECHAT).by_kind == {"observe": 1, "admit": 1, "stop": 1, "resume": 1}
    again = check(WECHAT)
    assert (again.filed, again.withdrawn, again.already_open) == (0, 0, 4)
    assert Proposal.objects.count() == 4


def test_two_open_proposals_of_a_kind_for_a_product_are_refused() -> None:
    listing = listed("applied", settled_orders=1)
    check(WECHAT)
    one = Proposal.objects.get()
    with pytest.raises(IntegrityError, match="only_open_one_for_its_product"):
        make_proposal(one.enrollment, kind="observe", product=listing.product, ground="metric")


def test_what_was_filed_of_a_product_stays_with_it() -> None:
    listed("applied", settled_orders=1)
    check(WECHAT)
    with pytest.raises(IntegrityError, match="what was filed never changes"):
        Proposal.objects.update(product=make_product())


@pytest.mark.parametrize("status", ["rejected", "accepted"])
def test_what_was_decided_of_a_product_returns_after_the_waiting_time(status: str) -> None:
    product = listed("applied", settled_orders=1).product
    check(WECHAT)
    Proposal.objects.update(status=status, closed_at=AT)
    filed = []
    for ago in range(1, 8):
        make_product_metrics(product, DAY + timedelta(days=ago), settled_orders=1)
        filed.append(check_next(DAY + timedelta(days=ago)).filed)
    assert filed == [0, 0, 0, 0, 0, 0, 1]


def test_what_was_rejected_returns_at_once_when_another_rule_fails() -> None:
    rules("clearance")
    product = listed("promoted", **BAD).product
    check(WECHAT)
    Proposal.objects.update(status="rejected", closed_at=AT)
    rules("clearance", code="P-C2")
    make_product_metrics(product, LATER, **BAD)
    assert check_next().by_kind == {"stop": 1}


# Withdrawn


@pytest.mark.parametrize(
    ("metrics", "status"),
    [({}, "withdrawn"), (BAD, "open"), ({"quality_refunds": None}, "open"), (None, "open")],
)
def test_a_stop_is_withdrawn_only_once_the_product_is_known_to_have_recovered(
    metrics: dict | None, status: str
) -> None:
    rules("clearance")
    product = listed("promoted", **BAD).product
    check(WECHAT)
    if metrics is not None:
        make_product_metrics(product, LATER, **metrics)
    sweep = check_next()
    assert (proposed(), sweep.withdrawn) == ([("stop", status)], int(status == "withdrawn"))


@pytest.mark.parametrize(
    ("state", "first", "then", "kind"),
    [
        ("applied", {"settled_orders": 29}, {"settled_orders": 30}, "observe"),
        ("observed", {}, {"settled_orders": 29}, "resume"),
        ("observed", {}, BAD, "resume"),
        ("stopped", {}, {"quality_refunds": 4}, "resume"),
        ("applied", {}, {"quality_refunds": 4}, "admit"),
        ("applied", {}, {"settled_orders": 29}, "admit"),
    ],
)
def test_what_has_lost_its_reason_is_withdrawn(state: str, first: dict, then: dict, kind: str) -> None:
    for purpose in ("admission", "clearance"):
        rules(purpose)
    product = listed(state, **first).product
    check(WECHAT)
    make_product_metrics(product, LATER, **then)
    check_next()
    assert proposed()[0] == (kind, "withdrawn")


@pytest.mark.parametrize(
    ("state", "to"),
    [("applied", "observed"), ("applied", "promoted"), ("promoted", "stopped"), ("observed", "promoted")],
)
def test_what_makes_no_sense_where_the_product_stands_now_is_withdrawn(state: str, to: str) -> None:
    rules("clearance")
    first = {"promoted": BAD, "applied": {"settled_orders": 1}}.get(state, {})
    listing = listed(state, **first)
    check(WECHAT)
    assert len(proposed()) == 1
    listing.state = to
    listing.save()
    check(WECHAT)
    assert proposed()[0][1] == "withdrawn"


def test_what_was_proposed_of_a_product_is_withdrawn_once_its_shop_is_out() -> None:
    rules("clearance")
    listing = listed("promoted", **BAD)
    check(WECHAT)
    enrollment = listing.product.shop.enrollments.get()
    enrollment.openings.update(closed=True, closed_on=DAY, cause="voluntary")
    enrollment.state = "left"
    enrollment.save()
    check(WECHAT)
    assert proposed() == [("stop", "withdrawn")]


def test_what_a_person_filed_stays_whatever_the_metrics_say() -> None:
    rules("clearance")
    listing = listed("promoted")
    enrollment = listing.product.shop.enrollments.get()
    make_proposal(enrollment, kind="stop", product=listing.product, ground="judgement")
    check_next()
    assert proposed() == [("stop", "open")]


def test_a_product_that_something_has_barred_meanwhile_is_not_resumed() -> None:
    rules("admission")
    product = listed("stopped").product
    check(WECHAT)
    make_penalty(product.shop, product=product)
    check(WECHAT)
    assert proposed() == [("resume", "withdrawn")]


# Modes, promotion days, brakes


def test_rules_on_products_in_shadow_mode_are_counted_and_keep_nobody_back() -> None:
    rules("admission")
    rules("observation", mode="shadow")
    rules("clearance", mode="shadow")
    listed("promoted", **BAD), listed("applied", settled_orders=1)
    sweep = check(WECHAT)
    assert (sweep.in_shadow, sweep.by_kind) == ({"stop": 1, "observe": 1}, {"admit": 1})


def test_on_days_on_which_clearances_wait_products_are_stopped_all_the_same() -> None:
    rules("clearance")
    alliance = Alliance.objects.get(code=WECHAT)
    names = {"name_en": "618", "name_zh": "618"}
    PromotionPeriod.objects.create(alliance=alliance, first_day=DAY, last_day=DAY, effect="wait", **names)
    listed("promoted", **BAD)
    check(WECHAT)
    assert proposed() == [("stop", "open")]


@pytest.mark.parametrize(("bad", "status"), [(2, "done"), (3, "held")])
def test_a_check_that_would_stop_too_many_products_is_held(bad: int, status: str) -> None:
    rules("clearance")
    shop = make_enrollment(alliance_code=WECHAT).shop
    make_metrics(shop)
    for number in range(20):
        product = make_listing(make_product(shop), state="promoted" if number % 2 else "observed").product
        make_product_metrics(product, settled_orders=1, **(BAD if number < bad else {}))
    sweep = check(WECHAT)
    assert (sweep.status, len(proposed())) == (status, 0 if status == "held" else bad)
    if status == "held":
        [record] = sweep.brakes
        assert record == {"brake": "most_stopped", "observed": "0.1500", "limit": "0.1000"}
        with override("en"):
            assert Brake.of_record(record).message.startswith("15 % of the products that are promoted")


def test_rules_in_shadow_mode_stop_no_products_and_hold_no_check() -> None:
    rules("clearance", mode="shadow")
    shop = make_enrollment(alliance_code=WECHAT).shop
    make_metrics(shop)
    for _ in range(20):
        make_product_metrics(make_listing(make_product(shop)).product, **BAD)
    assert check(WECHAT).status == "done"


def test_a_product_without_metrics_of_the_day_is_not_stopped_for_a_rule_that_reads_them() -> None:
    rule_set = rules("clearance", published=False)
    Alternative.objects.create(
        rule=rule_set.rules.get(), position=1, metric="product_status", operator="=", value="off_sale"
    )
    make_published(rule_set)
    listing = listed("promoted", LATER)
    listing.product.status = "off_sale"
    listing.product.save()
    sweep = check(WECHAT)
    assert (sweep.failing, sweep.no_data, proposed()) == (0, 1, [])


def test_a_stopped_product_that_is_not_past_its_observation_comes_back_under_it() -> None:
    rules("admission")
    rules("observation")
    listing = listed("stopped", settled_orders=4)
    check(WECHAT)
    assert proposed() == [("resume", "open")]
    review.accept(Proposal.objects.get(product=listing.product).pk, by=None, reason="qualifies", at=AT)
    listing.refresh_from_db()
    assert listing.state == "observed"


@pytest.mark.parametrize(("mode", "orders"), [("propose", 30), ("shadow", 4)])
def test_a_stopped_product_that_nothing_keeps_under_observation_is_promoted(mode: str, orders: int) -> None:
    rules("admission")
    rules("observation", mode=mode)
    listing = listed("stopped", settled_orders=orders)
    check(WECHAT)
    review.accept(Proposal.objects.get(product=listing.product).pk, by=None, reason="qualifies", at=AT)
    listing.refresh_from_db()
    assert listing.state == "promoted"
