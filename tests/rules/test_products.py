"""What a daily check makes of products: observed, admitted, stopped, resumed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.utils import IntegrityError
from django.utils.translation import override

from rules.brakes import Brake
from rules.models import Proposal, Rule, RuleSet
from shops.models import Alliance, Listing, PromotionPeriod
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
    make_proposal,
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
        rule_set.published_at = AT
        rule_set.save()
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


def test_sales_are_worked_out_only_where_a_rule_asks(django_assert_max_num_queries) -> None:
    selling("9000.00", alliance=DOUYIN)
    with django_assert_max_num_queries(200) as asked:
        check(DOUYIN)
    assert not any("shops_productmetrics" in query["sql"] for query in asked.captured_queries)
