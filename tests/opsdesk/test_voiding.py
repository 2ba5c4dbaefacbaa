"""What a penalty that falls does to proposals that rested on it, and to what rules and ladders imposed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User

from opsdesk import penalising, resting, review, voiding
from rules import sweeps
from rules.models import Proposal
from shops import catalogue, enrollments
from shops.errors import NotAllowed, Refused
from shops.models import Alliance, Measure, Penalty, Shop, Violation
from tests.factories import (
    AT,
    DAY,
    DOUYIN,
    WECHAT,
    make_controller,
    make_enrollment,
    make_imposed,
    make_metrics,
    make_shop,
    make_user,
)
from tests.rules.test_criteria import in_force

pytestmark = pytest.mark.django_db

BEFORE, LATER = AT - timedelta(days=2), AT + timedelta(days=2)


def checked(shop: Shop, alliance: str = DOUYIN, **measured: str) -> Proposal:
    """What the day's check proposes of the shop."""
    make_metrics(shop, **measured)
    of = Alliance.objects.get(code=alliance)
    sweeps.run(sweeps.request(alliance=of, by=None, at=AT, day=DAY).pk, at=AT)
    return Proposal.objects.get(shop=shop, kind__in=["clear", "warn"])


def accepted(proposal: Proposal) -> Penalty:
    decision = review.accept(proposal.pk, by=make_user("operator"), reason="below_bar", at=AT)
    assert decision.proposal.penalty is not None
    return decision.proposal.penalty


def fallen(penalty: Penalty) -> None:
    penalising.overturn(Penalty.objects.get(pk=penalty.pk), by=None, at=LATER, reason="not theirs")


def status_of(proposal: Proposal) -> str:
    return Proposal.objects.get(pk=proposal.pk).status


def suspended(shop: Shop) -> Penalty:
    return make_imposed(shop, Measure(kind="suspend", ends_at=AT + timedelta(days=20)), code="V3", at=BEFORE)


def counts(metric: str, value: str = "1", operator: str = "≥") -> dict[str, str]:
    return {"metric": metric, "operator": operator, "value": value}


# Open proposals


@pytest.mark.parametrize(
    ("metric", "given_in", "proposed"),
    [
        ("standing_points", DOUYIN, True),
        ("standing_points", WECHAT, False),
        ("standing_points", None, False),
        ("platform_points", None, True),
        ("platform_points", DOUYIN, False),
    ],
)
def test_what_rested_on_its_points_goes_where_they_counted(
    metric: str, given_in: str | None, proposed: bool
) -> None:
    in_force("clearance", counts(metric, "12"), counts("shop_score", "4.0", "<"))
    shop = make_enrollment().shop
    where = given_in and Alliance.objects.get(code=given_in)
    penalty = make_imposed(
        shop, Measure(kind="points", points=12, alliance=where), ground="judgement", at=BEFORE
    )
    if not proposed:
        with pytest.raises(Proposal.DoesNotExist):
            checked(shop)
        return
    proposal = checked(shop)
    fallen(penalty)
    assert status_of(proposal) == "withdrawn"


def test_what_rests_on_a_suspension_by_the_shipped_rules_is_withdrawn() -> None:
    shop = make_enrollment(alliance_code=WECHAT).shop
    penalty = suspended(shop)
    proposal = checked(shop, WECHAT)
    assert (proposal.kind, proposal.failed_rules) == ("warn", ["WS-A1"])
    fallen(penalty)
    assert status_of(proposal) == "withdrawn"
    newest = proposal.history.first()
    assert newest.history_change_reason == f"penalty {penalty.case_number} was taken back"


def test_what_rests_on_a_suspension_that_a_part_takes_back_is_withdrawn() -> None:
    shop = make_enrollment(alliance_code=WECHAT).shop
    ends = AT + timedelta(days=20)
    penalty = make_imposed(
        shop, Measure(kind="warning"), Measure(kind="suspend", ends_at=ends), code="V3", at=BEFORE
    )
    proposal = checked(shop, WECHAT)
    suspension = penalty.measures.get(kind="suspend")
    penalising.undo_measures(penalty, [suspension], by=None, at=LATER, reason="too much")
    assert status_of(proposal) == "withdrawn"


def test_what_rests_on_points_stays_while_enough_are_left_and_goes_once_they_are_lessened() -> None:
    in_force("clearance", counts("platform_points", "8"))
    shop = make_enrollment().shop
    penalty = make_imposed(
        shop, Measure(kind="warning"), Measure(kind="points", points=12), code="V3", at=BEFORE
    )
    given, proposal = penalty.measures.get(kind="points"), checked(shop)
    for points, status in ((8, "open"), (7, "withdrawn")):
        voiding.undo_measures(penalty, [], less={given.pk: points}, by=None, at=LATER, reason="too much")
        assert status_of(proposal) == status


def test_what_another_suspension_gives_reason_for_as_well_stays() -> None:
    shop = make_enrollment(alliance_code=WECHAT).shop
    penalty, other = suspended(shop), suspended(shop)
    proposal = checked(shop, WECHAT)
    fallen(penalty)
    assert status_of(proposal) == "open"
    fallen(other)
    assert status_of(proposal) == "withdrawn"


def test_what_another_rule_gives_reason_for_as_well_stays() -> None:
    in_force("clearance", counts("circumvention_penalties_365d"), counts("shop_score", "4.0", "<"))
    shop = make_enrollment().shop
    penalty = make_imposed(shop, Measure(kind="warning"), code="V9", at=BEFORE)
    proposal = checked(shop, shop_score="3.9")
    assert proposal.failed_rules == ["R-1", "R-2"]
    fallen(penalty)
    assert status_of(proposal) == "open"


def test_what_rests_on_no_penalty_stays() -> None:
    shop = make_enrollment().shop
    penalty, proposal = suspended(shop), checked(shop, experience_score="3.49")
    fallen(penalty)
    assert (proposal.failed_rules, status_of(proposal)) == (["DF-C1"], "open")


def test_what_rests_on_how_long_ago_the_shop_was_cleared_goes_with_the_clearance() -> None:
    in_force("warning", counts("days_since_clearance", "30", "<"))
    enrollment = make_enrollment()
    cleared = make_imposed(
        enrollment.shop,
        Measure(kind="clear"),
        ground="metric",
        alliance=enrollment.alliance,
        at=BEFORE,
    )
    enrollments.apply(enrollment, by=None, at=BEFORE)
    enrollments.admit(enrollment, by=None, at=BEFORE)
    proposal = checked(enrollment.shop)
    assert proposal.failed_rules == ["R-1"]
    fallen(cleared)
    assert status_of(proposal) == "withdrawn"


# Cases of the controller's other shops (DF-A10)


def say(violation: Violation, **flags: bool) -> None:
    defaults = list(violation.default_measures.all())
    catalogue.change(violation, values=flags, measures=defaults, by=None, reason="as people have it")


@pytest.mark.parametrize(
    ("said", "said_later", "metric", "proposed"),
    [
        ({"serious": True}, {}, "controller_serious_penalties", False),
        ({"serious": True}, {"bars_controller": True}, "controller_serious_cases", False),
        ({"serious": True, "bars_controller": True}, {}, "controller_serious_penalties", True),
        (
            {"serious": True, "bars_controller": True},
            {"bars_controller": False},
            "controller_serious_cases",
            True,
        ),
        ({"serious": True, "bars_controller": True}, {}, "controller_transaction_cases", False),
        ({"endangers_transactions": True}, {}, "controller_transaction_cases", True),
        ({"endangers_transactions": True}, {}, "controller_serious_penalties", False),
    ],
)
def test_what_counts_cases_of_other_shops_goes_with_those_that_counted_as_they_were_imposed(
    said: dict[str, bool], said_later: dict[str, bool], metric: str, proposed: bool
) -> None:
    in_force("warning", counts(metric))
    controller, violation = make_controller(), Violation.objects.get(code="V1")
    say(violation, **{"bars_controller": False, "endangers_transactions": False} | said)
    penalty = make_imposed(
        make_shop(controller=controller), Measure(kind="warning"), violation=violation, at=BEFORE
    )
    if said_later:
        say(violation, **said_later)
    other = make_enrollment(make_shop(controller=controller)).shop
    make_metrics(other)
    of = Alliance.objects.get(code=DOUYIN)
    sweeps.run(sweeps.request(alliance=of, by=None, at=AT, day=DAY).pk, at=AT)
    warned = Proposal.objects.filter(shop=other, kind="warn")
    assert warned.exists() == proposed
    fallen(penalty)
    assert not warned.filter(status="open").exists()


# What was imposed for it


def test_a_warning_that_rests_on_a_suspension_is_listed_until_somebody_decides() -> None:
    shop = make_enrollment(alliance_code=WECHAT).shop
    penalty = suspended(shop)
    warning = accepted(checked(shop, WECHAT))
    fallen(penalty)
    assert list(resting.without_ground()) == [warning]
    assert resting.lost_ground(warning) == (
        f"It counted {penalty.case_number}, which was taken back, or a part of it."
    )
    fallen(warning)
    assert not resting.without_ground().exists()


def test_a_clearance_by_a_rule_that_counted_the_penalty_is_listed() -> None:
    in_force("clearance", counts("penalties:V8:30d", "2"))
    shop = make_enrollment().shop
    first, second, third = (
        make_imposed(shop, Measure(kind="warning"), code="V8", at=BEFORE) for _case in range(3)
    )
    clearance = accepted(checked(shop))
    fallen(first)
    # Two are enough.
    assert not resting.without_ground().exists()
    fallen(third)
    assert list(resting.without_ground()) == [clearance]
    assert second.case_number not in resting.lost_ground(clearance)


def further_case(shop: Shop, at: datetime = AT) -> Penalty:
    violation = Violation.objects.get(code="WS-V1")
    measures = catalogue.consequences(violation, shop, at=at)
    for measure in measures:
        measure.ends_at = AT + timedelta(days=60)
    return make_imposed(shop, *measures, code="WS-V1", alliance=violation.alliance, at=at)


@pytest.mark.parametrize(("at", "listed"), [(BEFORE, True), (AT - timedelta(days=400), False)])
def test_a_further_case_that_would_have_been_an_earlier_one_is_listed(at, listed: bool) -> None:
    shop = make_enrollment(alliance_code=WECHAT).shop
    violation = Violation.objects.get(code="WS-V1")
    say(violation, repeats_within_days=365)
    first = make_imposed(
        shop,
        Measure(kind="reduce_room", ends_at=AT + timedelta(days=9)),
        violation=violation,
        alliance=violation.alliance,
        at=at,
    )
    second = further_case(shop)
    [kind] = second.measures.values_list("kind", flat=True)
    assert kind == ("reduce_account" if listed else "reduce_room")
    # By the ladder of its day.
    say(violation, repeats_within_days=1)
    fallen(first)
    assert list(resting.without_ground()) == ([second] if listed else [])


def test_a_penalty_that_is_overturned_leaves_earlier_cases_and_other_violations_alone() -> None:
    shop = make_enrollment(alliance_code=WECHAT).shop
    ends = AT + timedelta(days=9)
    first, other = (
        make_imposed(shop, Measure(kind="reduce_room", ends_at=ends), code=code, at=BEFORE)
        for code in ("WS-V1", "WS-V2")
    )
    fallen(further_case(shop))
    assert not resting.without_ground().exists()
    assert {first.status, other.status} == {"imposed"}


def test_what_has_ended_with_nothing_left_of_it_is_not_listed() -> None:
    shop = make_enrollment(alliance_code=WECHAT).shop
    ends = AT + timedelta(days=1)
    first = make_imposed(shop, Measure(kind="reduce_room", ends_at=ends), code="WS-V1", at=BEFORE)
    further_case(shop)
    penalising.run_timers(AT + timedelta(days=61))
    fallen(first)
    assert not resting.without_ground().exists()


# Somebody decides


def without_ground() -> Penalty:
    shop = make_enrollment(alliance_code=WECHAT).shop
    penalty = suspended(shop)
    warning = accepted(checked(shop, WECHAT))
    fallen(penalty)
    return Penalty.objects.get(pk=warning.pk)


def test_a_penalty_that_somebody_keeps_is_listed_no_longer() -> None:
    warning = without_ground()
    penalising.keep(warning, by=make_user("supervisor"), at=LATER, reason="it was closed that day")
    assert not resting.without_ground().exists()
    assert (warning.status, warning.kept_at) == ("imposed", LATER)
    assert warning.history.first().history_change_reason == "kept: it was closed that day"


def test_a_kept_penalty_that_loses_more_of_its_ground_is_to_be_decided_on_again() -> None:
    shop = make_enrollment(alliance_code=WECHAT).shop
    first, second, third = (further_case(shop, at=AT + timedelta(minutes=case)) for case in range(3))
    assert third.measures.get().kind == "restrict_live"
    fallen(first)
    assert list(resting.without_ground()) == [second, third]
    for one in (second, third):
        penalising.keep(Penalty.objects.get(pk=one.pk), by=None, at=LATER, reason="right all the same")
    assert not resting.without_ground().exists()
    fallen(second)
    assert list(resting.without_ground()) == [third]


def test_keeping_takes_a_reason_a_right_and_somebody_who_had_no_part() -> None:
    warning, supervisor = without_ground(), make_user("supervisor")
    with pytest.raises(Refused, match="Say why"):
        penalising.keep(warning, by=supervisor, at=LATER, reason=" ")
    with pytest.raises(NotAllowed):
        penalising.keep(warning, by=make_user("operator"), at=LATER, reason="right")
    maker = warning.imposed_by
    assert maker is not None
    maker.groups.set(supervisor.groups.all())
    with pytest.raises(Refused, match="somebody who had no part in it"):
        penalising.keep(warning, by=User.objects.get(pk=maker.pk), at=LATER, reason="right")


def test_what_has_its_ground_is_not_kept() -> None:
    penalty = suspended(make_enrollment().shop)
    with pytest.raises(Refused, match="has fallen"):
        penalising.keep(penalty, by=None, at=LATER, reason="right")
