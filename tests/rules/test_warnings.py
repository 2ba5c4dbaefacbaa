"""Warnings: a band above the bar, rules of their own, and admission lost while in (R22)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from opsdesk import review
from rules.models import Proposal, Rule, RuleSet
from shops import penalties
from shops.models import Alliance, Enrollment, Measure, Penalty
from tests.factories import (
    AT,
    DAY,
    DOUYIN,
    WECHAT,
    make_enrollment,
    make_metrics,
    make_published,
    make_shop,
    make_user,
)
from tests.rules.test_sweeps import check

pytestmark = pytest.mark.django_db


def version(purpose: str, *, mode: str = "propose", **rule) -> RuleSet:
    """A version of Douyin's rules with that one rule on the experience score."""
    found = RuleSet.objects.create(
        alliance=Alliance.objects.get(code=DOUYIN), purpose=purpose, version=2, in_force_from=DAY, mode=mode
    )
    values = {"position": 1, "metric": "experience_score", "operator": "<", "value": "3.5"}
    Rule.objects.create(rule_set=found, **{**values, **rule})
    make_published(found)
    return found


def inside(score: str | None, alliance: str = DOUYIN, day=DAY, **values) -> Enrollment:
    enrollment = make_enrollment(alliance_code=alliance)
    make_metrics(enrollment.shop, day, experience_score=score, **values)
    return enrollment


def test_a_shop_in_the_band_above_the_bar_is_warned_with_its_evidence() -> None:
    clearance = version("clearance", code="DF-C1", warn_within=Decimal("0.2"))
    warned, cleared, fine = inside("3.69"), inside("3.49"), inside("3.70")
    sweep = check()
    assert sweep.by_kind == {"clear": 1, "warn": 1}
    warning = Proposal.objects.get(kind="warn")
    assert (warning.shop, warning.status, warning.rule_set) == (warned.shop, "open", clearance)
    assert (warning.failed_rules, warning.ground, warning.observed) == (["DF-C1"], "metric", "3.69")
    assert Proposal.objects.get(kind="clear").shop == cleared.shop
    assert not Proposal.objects.filter(shop=fine.shop).exists()


def test_a_rule_of_warning_warns_and_names_its_version() -> None:
    warning = version("warning", code="DF-W1", value="4.0")
    enrollment = inside("3.99")
    inside("4.00")
    sweep = check()
    assert (sweep.warning, sweep.by_kind) == (warning, {"warn": 1})
    proposal = Proposal.objects.get()
    assert (proposal.shop, proposal.rule_set, proposal.lead_rule) == (enrollment.shop, warning, "DF-W1")
    assert proposal.failing_since == DAY
    assert {s["purpose"] for s in proposal.evidence["rule_sets"]} == {"admission", "clearance", "warning"}
    assert sweep.by_rule["DF-W1"] == {"holds": 1, "fails": 1, "exempt": 0, "no_data": 0}


def test_warnings_in_shadow_mode_are_only_counted() -> None:
    version("warning", code="DF-W1", value="4.0", mode="shadow")
    inside("3.99")
    sweep = check()
    assert (sweep.by_kind, sweep.in_shadow) == ({}, {"warn": 1})


@pytest.mark.parametrize(("score", "status"), [("3.60", "open"), ("3.70", "withdrawn"), (None, "open")])
def test_a_warning_that_no_longer_holds_is_withdrawn(score: str | None, status: str) -> None:
    version("clearance", code="DF-C1", warn_within=Decimal("0.2"))
    enrollment = inside("3.69")
    check()
    make_metrics(enrollment.shop, DAY + timedelta(days=1), experience_score=score)
    check(day=DAY + timedelta(days=1), at=AT + timedelta(days=1))
    assert Proposal.objects.get(kind="warn").status == status


def test_accepting_a_warning_puts_nobody_out_and_can_be_overturned() -> None:
    version("clearance", code="DF-C1", warn_within=Decimal("0.2"))
    enrollment = inside("3.69")
    check()
    proposal = Proposal.objects.get()
    review.accept(proposal.pk, by=make_user("operator"), reason="below_bar", at=AT)
    enrollment.refresh_from_db()
    penalty = Penalty.objects.get()
    assert (enrollment.state, penalty.ground) == ("open", "metric")
    [measure] = penalty.measures.all()
    assert (measure.kind, measure.applied_at, measure.undone_at) == (Measure.Kind.WARNING, AT, None)
    penalties.overturn(penalty, by=make_user("supervisor"), at=AT, reason="unfair")
    measure.refresh_from_db()
    enrollment.refresh_from_db()
    assert (measure.undone_at, enrollment.state) == (AT, "open")


def test_a_shop_that_was_warned_is_warned_again_only_after_the_waiting_time() -> None:
    version("clearance", code="DF-C1", warn_within=Decimal("0.2"))
    enrollment = inside("3.69")
    check()
    review.accept(Proposal.objects.get().pk, by=None, reason="below_bar", at=AT)
    filed = []
    for later in range(1, 8):
        make_metrics(enrollment.shop, DAY + timedelta(days=later), experience_score="3.69")
        filed.append(check(day=DAY + timedelta(days=later), at=AT + timedelta(days=later)).filed)
    assert filed == [0, 0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize(
    ("lost", "rule"), [({"freight_insurance": False}, "WS-A2"), ({"status": "suspended"}, "WS-A1")]
)
def test_a_wechat_shop_that_has_lost_what_it_was_admitted_for_is_warned_and_not_cleared(lost, rule) -> None:
    shop = make_shop(status=lost.get("status", "normal"))
    make_enrollment(shop, WECHAT)
    make_metrics(shop, freight_insurance=lost.get("freight_insurance", True))
    sweep = check(WECHAT)
    assert sweep.by_kind == {"warn": 1}
    assert (Proposal.objects.get().failed_rules, Proposal.objects.get().shop) == ([rule], shop)


def test_a_wechat_shop_below_the_bar_is_cleared_and_not_warned_as_well() -> None:
    inside("4.60", WECHAT, shop_score="4.19", freight_insurance=False)
    assert check(WECHAT).by_kind == {"clear": 1}


def test_a_douyin_shop_that_has_lost_what_it_was_admitted_for_is_left_alone() -> None:
    inside("4.60", shop_score="4.00")
    assert check(DOUYIN).by_kind == {}
