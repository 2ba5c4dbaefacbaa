"""What a daily check makes of products: observed, admitted, stopped, resumed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rules.models import Proposal, Rule, RuleSet
from shops.models import Alliance, Listing
from tests.factories import (
    AT,
    DAY,
    DOUYIN,
    WECHAT,
    make_enrollment,
    make_listing,
    make_metrics,
    make_penalty,
    make_product,
    make_product_metrics,
    make_published,
)
from tests.rules.test_sweeps import check

pytestmark = pytest.mark.django_db

LATER = DAY + timedelta(days=1)
BAD = {"quality_refunds": 6}


def rules(
    purpose: str, *, mode: str = "propose", alliance: str = WECHAT, published: bool = True, **rule: Any
) -> RuleSet:
    """Rules on products, in force once published: a refund rate above 5 % stops, one up to 3 % lets in."""
    found = RuleSet.objects.filter(alliance__code=alliance, subject="product", purpose=purpose)
    rule_set = RuleSet.objects.create(
        alliance=Alliance.objects.get(code=alliance),
        subject="product",
        purpose=purpose,
        version=found.count() + 1,
        in_force_from=DAY,
        mode=mode,
    )
    usual = {
        "admission": {"code": "P-A1", "operator": "≤", "value": "0.03"},
        "clearance": {"code": "P-C1", "operator": ">", "value": "0.05"},
        "observation": {"code": "P-O1", "metric": "settled_orders", "operator": "<", "value": "30"},
    }[purpose]
    Rule.objects.create(rule_set=rule_set, position=1, **{"metric": "quality_refund_rate", **usual, **rule})
    if published:
        make_published(rule_set)
    return rule_set


def listed(state: str, day: Any = DAY, *, alliance: str = WECHAT, **metrics: Any) -> Listing:
    """A listing of a shop that is in, with metrics of the day."""
    shop = make_enrollment(alliance_code=alliance).shop
    make_metrics(shop, day)
    listing = make_listing(make_product(shop), alliance, state=state)
    make_product_metrics(listing.product, day, **metrics)
    return listing


def proposed() -> list[tuple[str, str]]:
    found = Proposal.objects.exclude(product=None).order_by("pk")
    return [(proposal.kind, proposal.status) for proposal in found]


def check_next(day: Any = LATER) -> Any:
    return check(WECHAT, day=day, at=AT + (day - DAY))


# Nothing in force


def test_an_alliance_without_rules_on_products_evaluates_none() -> None:
    listed("promoted", alliance=DOUYIN, **BAD)
    sweep = check(DOUYIN)
    assert (sweep.checked, sweep.product_clearance, sweep.observation, proposed()) == (1, None, None, [])


def test_of_products_that_no_rule_speaks_of_none_is_checked() -> None:
    # WeChat ships observation alone.
    listed("promoted"), listed("stopped")
    sweep = check(WECHAT)
    assert (sweep.checked, sweep.product_admission, proposed()) == (2, None, [])
    assert sweep.observation.purpose == "observation"


# Observed


def test_a_product_that_applies_with_few_orders_is_proposed_for_observation_with_its_evidence() -> None:
    listing = listed("applied", settled_orders=29)
    sweep = check(WECHAT)
    proposal = Proposal.objects.get()
    product = listing.product
    assert (proposal.kind, proposal.product, proposal.shop) == ("observe", product, product.shop)
    assert proposal.enrollment == product.shop.enrollments.get()
    assert (proposal.ground, proposal.rule_set) == ("metric", sweep.observation)
    assert (proposal.failed_rules, proposal.lead_rule, proposal.observed) == (["WS-O1"], "WS-O1", "29")
    assert (proposal.threshold, proposal.margin, proposal.failing_since) == ("30", -1, None)
    assert proposal.batch == product.metrics.get().batch
    assert proposal.gmv_30d is None
    [rule] = proposal.evidence["rules"]
    assert rule == {
        "code": "WS-O1",
        "purpose": "observation",
        "metric": "settled_orders",
        "observed": 29,
        "operator": "<",
        "threshold": 30,
        "outcome": "fails",
        "margin": -1,
        "advisory": False,
        "alternatives": [
            {"metric": "quality_refund_rate", "observed": "0.01", "operator": "unknown", "threshold": None}
        ],
    }
    assert [s["purpose"] for s in proposal.evidence["rule_sets"]] == ["observation"]
    assert proposal.history.get().history_change_reason == f"daily check {sweep.pk}"
    # The shop and its product.
    assert (sweep.checked, sweep.failing, sweep.filed, sweep.by_kind) == (2, 1, 1, {"observe": 1})
    assert sweep.by_rule["WS-O1"] == {"holds": 0, "fails": 1, "exempt": 0, "no_data": 0}


def test_a_product_under_observation_stays_there_without_a_rate() -> None:
    listed("observed", settled_orders=30, valid_paid_orders=0, quality_refunds=0)
    assert (check(WECHAT).by_kind, proposed()) == ({}, [])


def test_observation_ends_at_30_orders_and_a_known_rate() -> None:
    listed("observed", settled_orders=30, valid_paid_orders=1, quality_refunds=0)
    sweep = check(WECHAT)
    proposal = Proposal.objects.get()
    assert (proposal.kind, proposal.ground, proposal.failed_rules) == ("resume", "", [])
    assert (proposal.rule_set, sweep.failing) == (sweep.observation, 0)


@pytest.mark.parametrize("state", ["applied", "observed"])
@pytest.mark.parametrize("missing", ["settled_orders", "valid_paid_orders", "quality_refunds"])
def test_without_data_no_product_is_observed_or_admitted_or_leaves_its_observation(
    state: str, missing: str
) -> None:
    rules("admission", metric="sales_amount", operator="≥", value="0")
    listed(state, **{missing: None})
    sweep = check(WECHAT)
    assert (sweep.no_data, sweep.failing, proposed()) == (1, 0, [])


@pytest.mark.parametrize("state", Listing.State.values)
def test_a_product_without_metrics_of_the_day_is_left_alone(state: str) -> None:
    for purpose in ("admission", "clearance"):
        rules(purpose)
    shop = make_enrollment(alliance_code=WECHAT).shop
    make_metrics(shop)
    make_listing(make_product(shop), state=state)
    sweep = check(WECHAT)
    assert (sweep.checked, sweep.no_data, sweep.failing, proposed()) == (2, 1, 0, [])


# Admitted


def test_a_product_that_applies_is_admitted_where_everything_speaks_for_it() -> None:
    admission = rules("admission")
    rules("clearance")
    listed("applied", quality_refunds=3)
    sweep = check(WECHAT)
    proposal = Proposal.objects.get()
    assert (proposal.kind, proposal.ground, proposal.rule_set) == ("admit", "", admission)
    assert (sweep.product_admission, sweep.by_kind) == (admission, {"admit": 1})
    assert {rule["purpose"] for rule in proposal.evidence["rules"]} == {
        "admission",
        "clearance",
        "observation",
    }


def test_a_product_that_fails_its_admission_is_neither_admitted_nor_counted_as_failing() -> None:
    rules("admission")
    listed("applied", quality_refunds=4)
    sweep = check(WECHAT)
    assert (sweep.failing, sweep.by_rule["P-A1"]["fails"], proposed()) == (0, 1, [])


def test_a_product_that_a_clearance_would_stop_at_once_is_not_admitted() -> None:
    rules("admission", value="1")
    rules("clearance")
    listed("applied", **BAD)
    check(WECHAT)
    assert proposed() == []


def test_without_rules_of_admission_nothing_is_admitted() -> None:
    listed("applied")
    check(WECHAT)
    assert proposed() == []


# Stopped


@pytest.mark.parametrize("state", ["promoted", "observed"])
def test_a_product_that_fails_a_clearance_is_stopped_and_not_resumed(state: str) -> None:
    clearance = rules("clearance")
    listed(state, **BAD)
    sweep = check(WECHAT)
    proposal = Proposal.objects.get()
    assert (proposal.kind, proposal.ground, proposal.rule_set) == ("stop", "metric", clearance)
    assert (proposal.failed_rules, proposal.observed, proposal.threshold) == (["P-C1"], "0.06", "0.05")
    assert (sweep.product_clearance, sweep.failing) == (clearance, 1)


def test_a_rate_is_compared_as_it_is_and_not_rounded() -> None:
    rules("clearance", value="0.333333")
    listed("promoted", valid_paid_orders=3, quality_refunds=1)
    check(WECHAT)
    assert proposed() == [("stop", "open")]


def test_a_rule_on_the_products_own_record_needs_no_metrics_of_the_day() -> None:
    rules("clearance", metric="product_status", operator="=", value="off_sale")
    shop = make_enrollment(alliance_code=WECHAT).shop
    make_metrics(shop)
    for status in ("off_sale", "on_sale", ""):
        make_listing(make_product(shop, status=status))
    sweep = check(WECHAT)
    assert (sweep.by_kind, sweep.no_data) == ({"stop": 1}, 1)


@pytest.mark.parametrize(
    ("scope", "stopped"),
    [
        ({"categories": ["food"]}, False),
        ({"categories": ["beauty"]}, True),
        ({"shop_types": ["flagship"]}, False),
        ({"goods_kinds": ["physical"]}, True),
        ({"entered_from": DAY}, False),
        ({"sample_metric": "valid_paid_orders", "sample_minimum": 101}, False),
        ({"sample_metric": "valid_paid_orders", "sample_minimum": 100}, True),
        ({"advisory": True}, False),
    ],
)
def test_a_rule_reaches_products_by_their_category_and_their_shop(scope: dict, stopped: bool) -> None:
    rules("clearance", **scope)
    listed("promoted", **BAD)
    check(WECHAT)
    assert bool(proposed()) == stopped


def test_a_products_category_and_not_its_shops_is_what_a_rule_is_scoped_to() -> None:
    rules("clearance", categories=["food"])
    listing = listed("promoted", **BAD)
    listing.product.category = "food"
    listing.product.save()
    check(WECHAT)
    assert proposed() == [("stop", "open")]


def test_products_of_a_shop_that_is_not_in_and_of_what_is_not_served_are_left_alone() -> None:
    rules("clearance")
    out = make_enrollment(alliance_code=WECHAT, state="cleared").shop
    make_product_metrics(make_listing(make_product(out)).product, **BAD)
    shop = make_enrollment(alliance_code=WECHAT).shop
    make_product_metrics(make_listing(make_product(shop, category="local-life")).product, **BAD)
    local = listed("promoted", **BAD).product.shop
    local.category = "local-life"
    local.save()
    check(WECHAT)
    assert proposed() == []


# Resumed


def test_a_stopped_product_that_meets_its_admission_again_is_resumed() -> None:
    admission = rules("admission")
    rules("clearance")
    listed("stopped")
    check(WECHAT)
    proposal = Proposal.objects.get()
    assert (proposal.kind, proposal.ground, proposal.rule_set) == ("resume", "", admission)


def test_without_rules_of_admission_nothing_that_is_stopped_returns() -> None:
    rules("clearance")
    listed("stopped")
    check(WECHAT)
    assert proposed() == []


@pytest.mark.parametrize(
    ("penalty", "returns"),
    [
        ({"ground": "metric"}, True),
        ({"ground": "judgement"}, False),
        ({"ground": "judgement", "status": "lifted"}, True),
        ({"violation_code": "V8"}, False),
        ({"violation_code": "V8", "status": "reported"}, True),
        ({"violation_code": "V2", "status": "expired"}, False),
        ({"violation_code": "V2", "status": "overturned"}, True),
    ],
)
@pytest.mark.parametrize("alliance", [WECHAT, None])
def test_what_more_than_a_metric_has_stopped_does_not_return_by_itself(
    penalty: dict, returns: bool, alliance: str | None
) -> None:
    rules("admission")
    product = listed("stopped").product
    here = Alliance.objects.get(code=alliance) if alliance else None
    make_penalty(product.shop, product=product, alliance=here, **penalty)
    check(WECHAT)
    assert bool(proposed()) == returns


def test_a_penalty_elsewhere_or_on_another_product_bars_nothing() -> None:
    rules("admission")
    product = listed("stopped").product
    elsewhere = Alliance.objects.get(code=DOUYIN)
    make_penalty(product.shop, product=product, alliance=elsewhere)
    make_penalty(product.shop, product=make_product(product.shop))
    make_penalty(product.shop)
    check(WECHAT)
    assert proposed() == [("resume", "open")]
