"""A simulation of rules on products says beforehand what a check by the same rules then does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from opsdesk.management.commands.simulate import the_rule_set
from rules import drafts, publishing, simulation
from rules.models import Proposal, Rule, RuleSet, Simulation
from shops.errors import Refused
from shops.models import Alliance
from tests.factories import (
    AT,
    DAY,
    WECHAT,
    make_enrollment,
    make_listing,
    make_metrics,
    make_product,
    make_product_metrics,
    make_published,
    make_user,
)
from tests.rules.test_products import BAD, listed, rules
from tests.rules.test_sweeps import check

pytestmark = pytest.mark.django_db


def draft(purpose: str = "clearance", **rule: Any) -> RuleSet:
    """The usual rule on products, as an open draft."""
    rule_set = rules(purpose, published=False, **rule)
    assert rule_set.open
    return rule_set


def simulated(rule_set: RuleSet, **how: Any) -> Simulation:
    asked = simulation.request(rule_set, by=None, at=AT, **how)
    done = simulation.run(asked.pk, at=AT)
    assert done.status == Simulation.Status.DONE, done.failure
    return done


def changes(of: Simulation) -> dict[str, str]:
    return dict(of.changes.values_list("product__code", "change"))


def test_a_first_set_stops_whatever_fails_it_and_leaves_the_rest_as_it_is() -> None:
    bad = listed("promoted", sales_amount="10.50", **BAD).product
    listed("promoted"), listed("applied", settled_orders=1), listed("observed")
    done = simulated(draft())
    assert changes(done) == {bad.code: "newly_stopped"}
    [change] = done.changes.all()
    assert (change.shop, change.rules, str(change.sales)) == (bad.shop, ["P-C1"], "10.50")
    assert change.gmv_30d is None
    assert (done.against, done.checked) == (None, 4)
    assert done.result["now"] == {"stop": 0, "observe": 1, "admit": 0, "resume": 1, "no_data": 0}
    assert done.result["draft"] == {"stop": 1, "observe": 1, "admit": 0, "resume": 1, "no_data": 0}


@pytest.mark.parametrize(
    ("state", "metrics", "purpose", "rule", "change"),
    [
        ("promoted", BAD, "clearance", {"value": "0.1"}, "rescued"),
        ("promoted", {"quality_refunds": 5}, "clearance", {"value": "0.04"}, "newly_stopped"),
        ("applied", {"settled_orders": 40}, "observation", {"value": "50"}, "newly_observed"),
        ("applied", {"settled_orders": 20}, "observation", {"value": "10"}, "rescued"),
        ("observed", {"settled_orders": 20}, "observation", {"value": "10"}, "newly_in"),
        ("observed", {"settled_orders": 40}, "observation", {"value": "50"}, "kept_out"),
        ("applied", {"quality_refunds": 4}, "admission", {"value": "0.04"}, "newly_in"),
        ("stopped", {"quality_refunds": 4}, "admission", {"value": "0.04"}, "newly_in"),
        ("stopped", {"quality_refunds": 2}, "admission", {"value": "0.01"}, "kept_out"),
        (
            "promoted",
            {"sales_amount": None},
            "clearance",
            {"metric": "sales_amount", "value": "1"},
            "no_data",
        ),
    ],
)
def test_what_would_change_for_a_product(
    state: str, metrics: dict, purpose: str, rule: dict, change: str
) -> None:
    for each in ("admission", "clearance"):
        rules(each)
    product = listed(state, **metrics).product
    assert changes(simulated(draft(purpose, **rule))) == {product.code: change}


def test_a_copy_changes_nothing() -> None:
    rules("clearance")
    listed("promoted", **BAD), listed("promoted"), listed("applied", settled_orders=None)
    done = simulated(draft())
    assert (changes(done), done.result["now"]) == ({}, done.result["draft"])


def test_totals_and_groups_count_products_and_what_they_sold_on_the_day() -> None:
    shop = make_enrollment(alliance_code=WECHAT).shop
    make_metrics(shop)
    for category, sales in (("beauty", "1.50"), ("beauty", None), ("food", "2.00")):
        product = make_listing(make_product(shop, category=category)).product
        make_product_metrics(product, sales_amount=sales, **BAD)
    result = simulated(draft()).result
    assert result["totals"][0] == {"change": "newly_stopped", "products": 3, "sales": "3.50"}
    assert [(group["name"], group["products"]) for group in result["breakdown"]["category"]] == [
        ("beauty", 2),
        ("food", 1),
    ]
    assert [(group["name"], group["sales"]) for group in result["breakdown"]["shop_type"]] == [
        ("ordinary", "3.50")
    ]
    assert [(group["name"], group["products"]) for group in result["breakdown"]["rule"]] == [("P-C1", 3)]


def test_the_distribution_of_a_rate_shows_both_thresholds() -> None:
    rules("clearance")
    for refunds in (0, 5, 6, None):
        listed("promoted", quality_refunds=refunds)
    listed("applied", quality_refunds=50)
    [told] = simulated(draft(value="0.1")).result["distributions"]
    assert (told["metric"], sum(told["products"]), told["missing"]) == ("quality_refund_rate", 3, 1)
    assert ([m["at"] for m in told["now"]], [m["at"] for m in told["draft"]]) == (["0.05"], ["0.1"])


def test_earlier_days_of_products_are_not_looked_at() -> None:
    listed("promoted")
    with pytest.raises(Refused, match="one day alone"):
        simulation.request(draft(), by=None, at=AT, days_back=1)


def test_a_day_that_brought_figures_of_shops_alone_is_no_day_for_rules_on_products() -> None:
    product = listed("promoted").product
    make_metrics(product.shop, AT.date())
    second = draft()
    with pytest.raises(Refused, match="no metrics after 10 Mar 2026"):
        simulation.request(second, by=None, at=AT, day=AT.date())
    assert simulation.request(second, by=None, at=AT).day == DAY


def test_a_check_by_the_published_draft_does_what_its_simulation_said() -> None:
    Alliance.objects.filter(code=WECHAT).update(most_cleared=None)
    shop = make_enrollment(alliance_code=WECHAT).shop
    make_metrics(shop)
    for number in range(60):
        state = ("applied", "promoted", "observed", "stopped")[number % 4]
        product = make_listing(make_product(shop), state=state).product
        figures = {"settled_orders": number, "quality_refunds": number % 9}
        make_product_metrics(product, sales_amount="1.00", **figures)
    rules("admission")
    second = draft()
    told = simulated(second).result["draft"]
    make_published(second)
    sweep = check(WECHAT)
    assert sweep.by_kind == {kind: count for kind, count in told.items() if count and kind != "no_data"}
    assert set(sweep.by_kind) == {"stop", "observe", "admit", "resume"}


def test_a_product_is_let_in_where_rules_that_are_only_tried_out_would_observe_it() -> None:
    rules("observation", mode="shadow")
    listed("applied", settled_orders=3), listed("observed", settled_orders=30)
    second = draft("admission")
    told = simulated(second).result["draft"]
    make_published(second)
    sweep = check(WECHAT)
    assert sweep.in_shadow == {"observe": 1, "resume": 1}
    assert sweep.by_kind == {kind: count for kind, count in told.items() if count} == {"admit": 1}


def test_a_first_set_on_products_is_drafted_simulated_submitted_and_published() -> None:
    alliance = Alliance.objects.get(code=WECHAT)
    bad = listed("promoted", **BAD).product
    editor, publisher = make_user("rules_editor"), make_user("supervisor")
    begun = drafts.draft_empty(alliance, subject="product", purpose="clearance", by=editor, at=AT)
    words = {"sentence_en": "At most 5 %.", "sentence_zh": "不超过 5%。", "source": "own"}
    rule = Rule(code="P-C1", metric="quality_refund_rate", operator=">", value="0.05", **words)
    drafts.add_rule(begun, rule, by=editor)
    publishing.submit(begun, simulated(begun), by=editor, at=AT)
    first = DAY + timedelta(days=30)
    publishing.publish(begun, in_force_from=first, by=publisher, at=AT)
    make_product_metrics(bad, first, **BAD)
    make_metrics(bad.shop, first)
    check(WECHAT, day=first, at=AT + timedelta(days=30))
    assert Proposal.objects.get(kind="stop").product == bad


def test_the_page_tells_products_and_leads_to_them() -> None:
    bad = listed("promoted", sales_amount="10.50", **BAD).product
    done = simulated(draft())
    client = Client(headers={"accept-language": "en"})
    client.force_login(make_user("rules_editor"))
    shown = client.get(reverse("admin:rules_simulation_change", args=[done.pk])).content.decode()
    assert "newly stopped" in shown and "All products that would change" in shown
    assert "what these products sold on the day" in shown
    changes_page = reverse("admin:rules_simulatedchange_changelist")
    named = client.get(f"{changes_page}?simulation__id__exact={done.pk}").content.decode()
    assert bad.code in named and "10.50" in named


def test_a_rule_set_on_products_is_named_on_the_command_line() -> None:
    second = draft()
    assert the_rule_set(f"{WECHAT}/product/clearance") == second
    assert the_rule_set(str(second.pk)) == second
    assert the_rule_set(f"{WECHAT}/clearance").subject == "shop"
