"""A simulation says beforehand, of everyone, what a check by the same rules then does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rules import simulation, sweeps
from rules.models import Proposal, Rule, RuleSet, Simulation
from shops.errors import Refused
from shops.models import Alliance, Enrollment
from tests.factories import AT, DAY, DOUYIN, make_enrollment, make_metrics, make_published, make_shop

pytestmark = pytest.mark.django_db

Purpose = RuleSet.Purpose


def draft(purpose: RuleSet.Purpose = Purpose.CLEARANCE, **changes: tuple[str, str]) -> RuleSet:
    """Version 2 of the rules of `purpose`, with other operators and values by code (DF_C1=("<", "3.8"))."""
    first = RuleSet.objects.get(alliance__code=DOUYIN, purpose=purpose, version=1)
    second = RuleSet.objects.create(alliance=first.alliance, purpose=purpose, version=2, based_on=first)
    for rule in first.rules.all():
        rule.pk, rule.rule_set = None, second
        if change := changes.get(rule.code.replace("-", "_")):
            rule.operator, rule.value = change
        rule.save()
    return second


def simulated(rule_set: RuleSet, **how: Any) -> Simulation:
    asked = simulation.request(rule_set, by=None, at=AT, **how)
    done = simulation.run(asked.pk, at=AT)
    assert done.status == Simulation.Status.DONE, done.failure
    return done


def measured(state: str = Enrollment.State.OPEN, **metrics: Any) -> Enrollment:
    enrollment = make_enrollment(state=state)
    make_metrics(enrollment.shop, **metrics)
    return enrollment


def changes(of: Simulation) -> dict[str, str]:
    return dict(of.changes.values_list("shop__code", "change"))


def test_a_higher_bar_puts_out_whoever_lies_below_it() -> None:
    below, above = measured(experience_score="3.70"), measured(experience_score="3.80")
    done = simulated(draft(DF_C1=("<", "3.8")))
    assert changes(done) == {below.shop.code: "newly_out"}
    assert above.shop.code not in changes(done)
    [change] = done.changes.all()
    assert change.rules == ["DF-C1"]


def test_a_lower_bar_rescues_whoever_lies_above_it() -> None:
    enrollment = measured(experience_score="3.40")
    done = simulated(draft(DF_C1=("<", "3.0")))
    assert changes(done) == {enrollment.shop.code: "rescued"}


def test_a_lower_bar_of_admission_lets_in_who_has_applied() -> None:
    let_in = measured(Enrollment.State.APPLIED, shop_score="4.00")
    measured(Enrollment.State.APPLIED, shop_score="3.90")
    done = simulated(draft(Purpose.ADMISSION, DF_A5=("≥", "4.0")))
    assert changes(done) == {let_in.shop.code: "newly_in"}


def test_a_higher_bar_of_admission_keeps_out_who_would_have_been_let_in() -> None:
    kept_out = measured(Enrollment.State.APPLIED, shop_score="4.15")
    done = simulated(draft(Purpose.ADMISSION, DF_A5=("≥", "4.2")))
    assert changes(done) == {kept_out.shop.code: "kept_out"}


def test_a_copy_changes_nothing() -> None:
    measured(experience_score="3.40")
    measured(experience_score="4.40")
    measured(Enrollment.State.APPLIED)
    done = simulated(draft())
    assert changes(done) == {}
    assert done.result["now"] == done.result["draft"]
    assert done.result["draft"] == {"clear": 1, "admit": 1, "warn": 0, "no_data": 0}


def test_whoever_has_no_metrics_is_told_as_without_data_and_not_put_out() -> None:
    make_enrollment()
    measured()
    done = simulated(draft(DF_C1=("<", "4.9")))
    assert done.result["draft"]["no_data"] == 1
    assert set(changes(done).values()) == {"newly_out"}


def test_the_sales_at_stake_are_those_of_the_shops_that_change() -> None:
    measured(experience_score="3.70", gmv_30d="1000.50")
    measured(experience_score="3.60", gmv_30d="2000.00")
    measured(experience_score="4.60", gmv_30d="4000.00")
    totals = {total["change"]: total for total in simulated(draft(DF_C1=("<", "3.8"))).result["totals"]}
    assert (totals["newly_out"]["shops"], totals["newly_out"]["gmv"]) == (2, "3000.50")


def test_the_breakdown_adds_up_to_the_totals() -> None:
    for category in ("beauty", "beauty", "food"):
        make_metrics(make_enrollment(make_shop(category=category)).shop, experience_score="3.60")
    breakdown = simulated(draft(DF_C1=("<", "3.8"))).result["breakdown"]
    assert [(group["name"], group["shops"]) for group in breakdown["category"]] == [
        ("beauty", 2),
        ("food", 1),
    ]
    assert sum(group["shops"] for group in breakdown["shop_type"]) == 3
    assert [(group["name"], group["shops"]) for group in breakdown["rule"]] == [("DF-C1", 3)]


def test_the_distribution_counts_every_shop_once_with_both_thresholds() -> None:
    for score in ("0.00", "3.49", "3.50", "5.00", None):
        measured(experience_score=score)
    [told] = simulated(draft(DF_C1=("<", "3.8"))).result["distributions"]
    assert told["metric"] == "experience_score"
    assert sum(told["shops"]) == 4
    assert told["missing"] == 1
    counted = {edge: shops for edge, shops in zip(told["edges"], told["shops"], strict=True) if shops}
    assert counted == {"0": 1, "3.4": 1, "3.5": 1, "5": 1}
    assert [mark["at"] for mark in told["now"]] == ["3.5"]
    assert [mark["at"] for mark in told["draft"]] == ["3.8"]


def test_a_check_by_the_published_draft_does_what_its_simulation_said() -> None:
    # So many fail here that a brake would hold the check.
    Alliance.objects.filter(code=DOUYIN).update(most_cleared=None, largest_jump=None)
    for number in range(60):
        measured(experience_score=f"{3 + number / 40:.2f}", shop_score=f"{4 + number / 80:.2f}")
        measured(Enrollment.State.APPLIED, shop_score=f"{3.9 + number / 100:.2f}")
    before = checked("clear")
    second = draft(DF_C1=("<", "3.9"))
    done = simulated(second)
    second.in_force_from = DAY
    make_published(second)
    told = changes(done)
    newly_out = {code for code, change in told.items() if change == "newly_out"}
    rescued = {code for code, change in told.items() if change == "rescued"}
    assert newly_out and before
    assert checked("clear") == (before - rescued) | newly_out
    assert done.result["draft"]["clear"] == len(checked("clear"))
    assert done.result["draft"]["admit"] == len(checked("admit"))


def checked(kind: str) -> set[str]:
    """Whom a daily check leaves proposed."""
    alliance = Alliance.objects.get(code=DOUYIN)
    sweeps.run(sweeps.request(alliance=alliance, by=None, at=AT, day=DAY).pk, at=AT)
    found = Proposal.objects.filter(kind=kind, status=Proposal.Status.OPEN)
    return set(found.values_list("shop__code", flat=True))


def test_looking_back_tells_who_would_have_gone_out_and_come_back() -> None:
    flapping, steady = make_enrollment().shop, make_enrollment().shop
    for ago, score in ((2, "3.70"), (1, "4.00"), (0, "3.70")):
        make_metrics(flapping, DAY - timedelta(days=ago), experience_score=score)
        make_metrics(steady, DAY - timedelta(days=ago), experience_score="3.70")
    result = simulated(draft(DF_C1=("<", "3.8")), days_back=2).result
    assert [(day["now"], day["draft"]) for day in result["days"]] == [(0, 2), (0, 1), (0, 2)]
    assert result["flapping"] == {"now": 0, "draft": 1}


def test_a_finished_simulation_is_not_run_again() -> None:
    measured()
    done = simulated(draft())
    measured(experience_score="3.00")
    assert simulation.run(done.pk, at=AT + timedelta(days=1)).finished_at == AT


def test_rules_without_a_condition_cannot_be_simulated() -> None:
    measured()
    second = draft()
    Rule.objects.filter(rule_set=second).exclude(metric="").delete()
    with pytest.raises(Refused, match="nothing to simulate"):
        simulation.request(second, by=None, at=AT)


def test_a_day_to_come_cannot_be_simulated() -> None:
    measured()
    with pytest.raises(Refused, match="no metrics after"):
        simulation.request(draft(), by=None, at=AT, day=DAY + timedelta(days=1))


def test_a_day_that_brought_no_metrics_cannot_be_simulated() -> None:
    shop = make_enrollment().shop
    for ago in (0, 2):
        make_metrics(shop, DAY - timedelta(days=ago))
    second = draft()
    with pytest.raises(Refused, match="no metrics of 9 Mar 2026"):
        simulation.request(second, by=None, at=AT, day=DAY - timedelta(days=1))
    for how in ({"day": DAY - timedelta(days=3)}, {"days_back": 3}):
        with pytest.raises(Refused, match="no metrics before 8 Mar 2026"):
            simulation.request(second, by=None, at=AT, **how)


def test_a_first_set_is_judged_beside_the_other_rules_in_force() -> None:
    measured(experience_score="3.40")
    warned = measured(experience_score="3.70")
    first = RuleSet.objects.create(alliance=warned.alliance, purpose=Purpose.WARNING, version=1)
    words = {"sentence_en": "Low.", "sentence_zh": "低。", "source": "own"}
    Rule.objects.create(
        rule_set=first, position=1, code="W-1", metric="experience_score", operator="<", value="3.8", **words
    )
    done = simulated(first)
    assert changes(done) == {warned.shop.code: "warned"}
    assert (done.result["now"]["clear"], done.result["draft"]["clear"]) == (1, 1)


@pytest.mark.parametrize(
    ("purpose", "state", "change"), [("clearance", "open", "rescued"), ("admission", "applied", "kept_out")]
)
def test_a_draft_that_is_only_to_be_tried_out_does_nothing(purpose: Any, state: str, change: str) -> None:
    enrollment = measured(state, **({"experience_score": "3.40"} if state == "open" else {}))
    second = draft(purpose)
    RuleSet.objects.filter(pk=second.pk).update(mode="shadow")
    done = simulated(second)
    assert changes(done) == {enrollment.shop.code: change}
    assert done.result["draft"] == {"clear": 0, "admit": 0, "warn": 0, "no_data": 0}


def test_a_draft_of_warnings_that_is_only_to_be_tried_out_warns_nobody() -> None:
    measured(experience_score="3.60")
    second = draft()
    Rule.objects.filter(rule_set=second, code="DF-C1").update(warn_within="0.3")
    RuleSet.objects.filter(pk=second.pk).update(mode="shadow")
    assert (changes(done := simulated(second)), done.result["draft"]["warn"]) == ({}, 0)


def test_a_band_warns_whoever_holds_by_less() -> None:
    near = measured(experience_score="3.60")
    measured(experience_score="3.80")
    second = draft()
    Rule.objects.filter(rule_set=second, code="DF-C1").update(warn_within="0.3")
    done = simulated(second)
    assert changes(done) == {near.shop.code: "warned"}
    assert [change.rules for change in done.changes.all()] == [["DF-C1"]]
    assert (done.result["now"]["warn"], done.result["draft"]["warn"]) == (0, 1)


def test_a_simulation_that_keeps_killing_its_worker_fails_and_tells_nothing() -> None:
    measured(experience_score="3.40")
    asked = simulation.request(draft(), by=None, at=AT)
    Simulation.objects.filter(pk=asked.pk).update(status="running", tries=3)
    failed = simulation.run(asked.pk, at=AT)
    assert (failed.status, failed.result, failed.changes.count()) == (Simulation.Status.FAILED, {}, 0)
    assert failed.failure
