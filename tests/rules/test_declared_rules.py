"""Rules on metrics that people have declared: the same checks, evidence and pages as for the others."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from opsdesk import worklist
from rules import checking, declaring, drafts, publishing, replay, reversals, simulation, validity
from rules.admin.ruleset_forms import metric_choices
from rules.evaluation import Evaluation
from rules.models import Proposal, Rule, RuleSet, Simulation
from rules.values import margin_of, name_of, value_of
from shops.declared import read_once
from shops.models import Alliance, DayProfile, Enrollment
from tests.factories import (
    AT,
    DAY,
    DOUYIN,
    make_batch,
    make_declared,
    make_enrollment,
    make_metrics,
    make_proposal,
    make_published,
    make_shop,
    make_user,
)
from tests.rules.test_sweeps import check
from tests.shops.importing import bring

pytestmark = pytest.mark.django_db


# The first day on which rules published at AT can be in force.
LATER = AT.date() + timedelta(days=1)


def in_force(metric: str, operator: str, value: str = "", *, purpose: str = "clearance", **more: Any) -> Rule:
    """A version in force on DAY whose one rule this is."""
    alliance = Alliance.objects.get(code=DOUYIN)
    rule_set = RuleSet.objects.create(
        alliance=alliance, purpose=purpose, version=50, in_force_from=DAY - timedelta(days=40)
    )
    rule = Rule.objects.create(
        rule_set=rule_set, position=1, code="R-1", sentence_en="care", sentence_zh="关怀", source="test",
        metric=metric, operator=operator, value=value, **more,
    )  # fmt: skip
    make_published(rule_set, at=AT - timedelta(days=41))
    return rule


def inside(**extra: Any) -> Enrollment:
    enrollment = make_enrollment()
    make_metrics(enrollment.shop, extra=extra)
    return enrollment


def outcome(enrollment: Enrollment) -> tuple[str, Any, Any]:
    checked = checking.check(enrollment.shop, enrollment.alliance, DAY)
    rule = next(r for rules in checked.rules.values() for r in rules if r["code"] == "R-1")
    return rule["outcome"], rule["observed"], rule["margin"]


# From the declaration to the proposal, as people go.


def test_what_is_declared_imported_and_written_into_a_rule_is_proposed_with_its_evidence() -> None:
    editor, supervisor = make_user("rules_editor"), make_user("supervisor")
    make_declared("care_score", name_zh="关怀分")
    alliance = Alliance.objects.get(code=DOUYIN)
    below, above = make_enrollment(make_shop(code="S1")), make_enrollment(make_shop(code="S2"))
    for shop in (below.shop, above.shop):
        make_metrics(shop)
    bring("metrics", f"店铺编码,日期,关怀分\nS1,{DAY},2.99\nS2,{DAY},3.0\n")
    draft = drafts.draft_from(
        RuleSet.objects.get(alliance=alliance, purpose="clearance", version=1), by=editor, at=AT
    )
    rule = Rule(
        rule_set=draft, code="DF-C9", metric="care_score", operator="<", value="3.00", ground="metric",
        sentence_en="cared for", sentence_zh="关怀", source="§9",
    )  # fmt: skip
    drafts.add_rule(draft, rule, [], by=editor)
    asked = simulation.request(draft, by=editor, at=AT)
    simulated = simulation.run(asked.pk, at=AT)
    assert simulated.status == Simulation.Status.DONE, simulated.failure
    assert dict(simulated.changes.values_list("shop__code", "change")) == {"S1": "newly_out"}
    publishing.submit(draft, simulated, by=editor, at=AT)
    publishing.publish(draft, in_force_from=LATER, short_notice_reason="agreed", by=supervisor, at=AT)
    for shop in (below.shop, above.shop):
        make_metrics(shop, LATER)
    bring("metrics", f"店铺编码,日期,关怀分\nS1,{LATER},2.99\nS2,{LATER},3.0\n", at=AT + timedelta(days=2))
    check(day=LATER, at=AT + timedelta(days=2))
    proposal = Proposal.objects.get()
    assert (proposal.shop, proposal.failed_rules, proposal.kind) == (below.shop, ["DF-C9"], "clear")
    assert (proposal.observed, proposal.threshold, proposal.margin) == ("2.99", "3.00", Decimal("-0.01"))
    [kept] = [entry for entry in proposal.evidence["rules"] if entry["code"] == "DF-C9"]
    assert kept == {
        "code": "DF-C9",
        "purpose": "clearance",
        "metric": "care_score",
        "observed": "2.99",
        "operator": "<",
        "threshold": "3.00",
        "outcome": "fails",
        "margin": "-0.01",
        "advisory": False,
    }


# Values at their bounds, of each type.


@pytest.mark.parametrize(
    ("values", "operator", "threshold", "kept", "expected"),
    [
        ({"type": "score"}, "<", "3.5", "3.49", ("fails", "3.49", "-0.01")),
        ({"type": "score"}, "<", "3.5", "3.50", ("holds", "3.50", "0")),
        ({"type": "score"}, "<", "3.5", "none", ("no_data", "none", None)),
        ({"type": "score", "maximum": Decimal(100)}, "between", "90", "91.00", ("fails", "91.00", "-1")),
        ({"type": "rate"}, "<", "0.75", "0.749999", ("fails", "0.749999", "-0.000001")),
        ({"type": "rate"}, "<", "0.75", "0.750000", ("holds", "0.75", "0")),
        ({"type": "amount"}, "≤", "5000", "5000.00", ("fails", "5000.00", "0")),
        ({"type": "amount"}, "≤", "5000", "5000.01", ("holds", "5000.01", "0.01")),
        ({"type": "amount", "minimum": Decimal(-9)}, "<", "0", "-0.01", ("fails", "-0.01", "-0.01")),
        ({"type": "count"}, ">", "2", 3, ("fails", 3, -1)),
        ({"type": "count"}, ">", "2", 2, ("holds", 2, 0)),
        ({"type": "count"}, ">", "2", 10, ("fails", 10, -8)),
        ({"type": "flag"}, "=", "false", False, ("fails", False, None)),
        ({"type": "flag"}, "=", "false", True, ("holds", True, None)),
        ({"type": "flag"}, "=", "false", None, ("no_data", None, None)),
        ({"type": "count"}, ">", "2", None, ("no_data", None, None)),
    ],
)
def test_values_at_their_bounds(
    values: dict[str, Any], operator: str, threshold: str, kept: Any, expected: tuple
) -> None:
    make_declared("figure", **values)
    upper = {"upper": "99"} if operator == "between" else {}
    in_force("figure", operator, threshold, **upper)
    assert outcome(inside(**({} if kept is None else {"figure": kept}))) == expected


def test_a_shop_without_metrics_of_the_day_is_no_data() -> None:
    make_declared("care_score")
    in_force("care_score", "<", "3")
    assert outcome(make_enrollment())[0] == "no_data"


@pytest.mark.parametrize(("kept", "expected"), [("none", "exempt"), (None, "no_data"), ("2.00", "fails")])
def test_a_score_that_is_not_given_yet_is_exempt_where_the_rule_says_so(kept: Any, expected: str) -> None:
    make_declared("care_score")
    in_force("care_score", "<", "3", exemption="no_score_yet")
    assert outcome(inside(**({"care_score": kept} if kept else {})))[0] == expected


@pytest.mark.parametrize(("orders", "expected"), [(4, "no_data"), (5, "fails"), (None, "no_data")])
def test_a_declared_count_tells_a_sample(orders: int | None, expected: str) -> None:
    make_declared("reviews", type="count")
    in_force("experience_score", "≤", "5", sample_metric="reviews", sample_minimum=5)
    assert outcome(inside(**({"reviews": orders} if orders else {})))[0] == expected


# What looks back, or once more.


def test_since_when_it_fails_is_told_of_a_declared_metric() -> None:
    make_declared("care_score")
    in_force("care_score", "<", "3")
    enrollment = make_enrollment()
    for ago, score in enumerate(["2.00", "2.50", "none", "2.90", "3.00", "1.00"]):
        make_metrics(enrollment.shop, DAY - timedelta(days=ago), extra={"care_score": score})
    check()
    proposal = Proposal.objects.get()
    # The day without a score neither fails nor holds.
    assert proposal.failing_since == DAY - timedelta(days=3)
    history = dict(worklist.metric_history(proposal))
    assert history[DAY] == 2.0 and history[DAY - timedelta(days=2)] is None


def test_since_when_data_lacks_is_told_of_a_declared_metric() -> None:
    make_declared("care_score")
    in_force("care_score", "<", "3")
    enrollment = make_enrollment()
    make_metrics(enrollment.shop)
    make_metrics(enrollment.shop, DAY - timedelta(days=3), extra={"care_score": "4.00"})
    count, [row] = checking.without_data(enrollment.alliance, DAY, start=0, stop=10)
    assert (count, row.lacking, row.days, row.dated) == (1, ["care_score"], 3, True)


def test_a_replay_comes_to_the_same() -> None:
    make_declared("care_score")
    make_declared("has_licence", type="flag")
    in_force("care_score", "<", "3", exemption="no_score_yet")
    in_force("has_licence", "=", "false", purpose="warning")
    inside(care_score="2.00", has_licence=True)
    inside(care_score="none", has_licence=False)
    inside()
    sweep = check()
    assert sorted(Proposal.objects.values_list("kind", flat=True)) == ["clear", "warn"]
    again = replay.replay(sweep)
    # And whom else the sample keeps, by the codes that they happen to have.
    assert again.identical and again.compared >= 2


def test_a_simulation_tells_how_a_declared_metric_is_spread() -> None:
    make_declared("trust", maximum=Decimal(100), minimum=Decimal(50))
    first = RuleSet.objects.get(alliance__code=DOUYIN, purpose="clearance", version=1)
    draft = drafts.draft_from(first, by=None, at=AT)
    rule = Rule(
        rule_set=draft, code="DF-C9", metric="trust", operator="<", value="75", ground="metric",
        sentence_en="trusted", sentence_zh="信任", source="§9",
    )  # fmt: skip
    drafts.add_rule(draft, rule, [], by=None)
    inside(trust="50.00"), inside(trust="100.00"), inside(trust="none")
    done = simulation.run(simulation.request(draft, by=None, at=AT).pk, at=AT)
    assert done.status == Simulation.Status.DONE, done.failure
    [spread] = [each for each in done.result["distributions"] if each["metric"] == "trust"]
    assert (spread["edges"][0], spread["edges"][-1]) == ("50", "100")
    assert (spread["shops"][0], spread["shops"][-1], spread["missing"]) == (1, 1, 1)
    assert spread["draft"] == [{"code": "DF-C9", "operator": "<", "at": "75"}]


def test_a_jump_of_its_median_holds_a_check() -> None:
    make_declared("care_score")
    in_force("care_score", "<", "1")
    alliance = Alliance.objects.get(code=DOUYIN)
    alliance.most_cleared, alliance.holds_repeated_days = None, False
    alliance.save()
    for _ in range(20):
        inside(care_score="2.00")
    for ago, median in ((0, "2.00"), (1, "4.00")):
        day = DAY - timedelta(days=ago)
        figures = {"care_score": {"median": median, "missing": 0, "none_yet": 0, "alike": True}}
        DayProfile.objects.create(
            batch=make_batch(first_day=day, last_day=day), day=day, rows=20, figures=figures
        )
    sweep = check()
    assert (sweep.status, sweep.brakes[0]["metric"]) == ("held", "care_score")


def test_reversing_the_import_withdraws_what_rests_on_it() -> None:
    make_declared("care_score")
    in_force("care_score", "<", "3")
    make_enrollment(make_shop(code="S1"))
    batch = bring("metrics", f"shop,day,care_score\nS1,{DAY},2\n")
    check()
    assert Proposal.objects.get().status == "open"
    reversals.reverse_import(batch.pk, by=None, at=AT + timedelta(hours=1), reason="wrong")
    assert Proposal.objects.get().status == "withdrawn"


def test_the_command_checks_one_shop_by_it() -> None:
    make_declared("care_score")
    in_force("care_score", "<", "3")
    enrollment = inside(care_score="2.50")
    out = StringIO()
    call_command(
        "check_shop",
        enrollment.shop.code,
        "--alliance",
        DOUYIN,
        "--day",
        DAY.isoformat(),
        "--json",
        stdout=out,
    )
    [rule] = json.loads(out.getvalue())["clearance"]["rules"]
    assert (rule["metric"], rule["observed"], rule["outcome"]) == ("care_score", "2.50", "fails")


# What is wrong, and what it costs to know.


@pytest.mark.parametrize(
    ("values", "rule", "field", "message"),
    [
        ({}, {"value": "5.01"}, "value", "0 to 5"),
        ({}, {"value": "many"}, "value", "cannot be compared"),
        ({"type": "flag"}, {"value": "true"}, "operator", "is no number"),
        ({"type": "count"}, {"value": "1.5"}, "value", "cannot be compared"),
        ({"type": "count"}, {"value": "1", "exemption": "no_score_yet"}, "exemption", "no score"),
    ],
)
def test_a_rule_that_means_nothing_for_it_is_refused(
    values: dict[str, Any], rule: dict[str, Any], field: str, message: str
) -> None:
    make_declared("figure", **values)
    rule_set = RuleSet(alliance=Alliance.objects.get(code=DOUYIN), purpose="clearance", version=9)
    written = Rule(
        rule_set=rule_set, position=1, code="R-1", sentence_en="a", sentence_zh="一", source="test",
        metric="figure", operator="<", **rule,
    )  # fmt: skip
    told = validity.check_rule(written, [], rule_set)
    assert list(told) == [field] and message in told[field]


def looks_at_declared(captured: CaptureQueriesContext) -> int:
    return sum('FROM "shops_declaredmetric"' in query["sql"] for query in captured.captured_queries)


def test_an_evaluation_and_a_validation_look_them_up_once() -> None:
    for number in range(3):
        make_declared(f"figure_{number}")
        Rule.objects.create(
            rule_set=RuleSet.objects.get_or_create(
                alliance=Alliance.objects.get(code=DOUYIN), purpose="warning", version=1, in_force_from=DAY
            )[0],
            position=number + 1,
            code=f"R-{number}",
            metric=f"figure_{number}",
            operator="<",
            value="3",
            sentence_en="a",
            sentence_zh="一",
            source="test",
        )
    rule_set = RuleSet.objects.get(alliance__code=DOUYIN, purpose="warning")
    with CaptureQueriesContext(connection) as validated:
        assert validity.errors_of(rule_set) == []
    assert looks_at_declared(validated) == 1
    make_published(rule_set)
    with CaptureQueriesContext(connection) as evaluated:
        Evaluation(Alliance.objects.get(code=DOUYIN), DAY).prepare()
    assert looks_at_declared(evaluated) == 1


def test_without_rules_on_them_nobody_looks() -> None:
    make_declared("care_score")
    with CaptureQueriesContext(connection) as evaluated:
        Evaluation(Alliance.objects.get(code=DOUYIN), DAY).prepare()
    assert looks_at_declared(evaluated) == 0


def test_a_page_of_proposals_on_them_looks_them_up_once() -> None:
    make_declared("care_score")
    for _ in range(5):
        make_proposal(lead_metric="care_score", observed="2.50")
    client = Client()
    client.force_login(make_user("operator"))
    with CaptureQueriesContext(connection) as shown:
        answer = client.get(reverse("admin:rules_proposal_changelist"))
    assert "care score" in answer.content.decode()
    assert looks_at_declared(shown) == 1


def test_values_read_like_those_of_other_metrics() -> None:
    make_declared("share", type="rate")
    make_declared("paid_out", type="amount")
    with read_once():
        assert value_of("share", "0.125") == "12.5%"
        assert value_of("paid_out", "1234.50") == "¥1,234.50"
        assert margin_of("share", "-0.01") == "−1%"
        assert name_of("share") == "share"


def test_a_retired_one_is_offered_only_where_it_is_chosen() -> None:
    metric = make_declared("care_score")
    assert "care_score" in dict(metric_choices("shop", "", ""))
    declaring.retire(metric, day=DAY, reason="gone", by=None, at=AT - timedelta(days=9))
    assert "care_score" not in dict(metric_choices("shop", "", ""))
    assert "care_score" in dict(metric_choices("shop", "care_score", ""))


def test_once_retired_its_old_checks_are_still_replayed() -> None:
    metric = make_declared("care_score")
    rule = in_force("care_score", "<", "3")
    inside(care_score="2.00")
    sweep = check()
    publishing.retire(rule.rule_set, day=AT.date(), reason="gone", by=make_user("supervisor"), at=AT)
    declaring.retire(metric, day=AT.date() + timedelta(days=1), reason="gone", by=None, at=AT)
    assert replay.replay(sweep).identical
