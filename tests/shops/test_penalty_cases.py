"""Penalties of several measures: imposed, lifted, taken back in part, overturned, and over by themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shops import bars, catalogue, penalties, points, previews, standing
from shops.accounts import balance_of
from shops.errors import NotAllowed, Refused
from shops.models import Enrollment, Measure, Penalty, PointsThreshold, Shop, TopUp, Violation
from tests.factories import (
    AT,
    DOUYIN,
    WECHAT,
    make_controller,
    make_enrollment,
    make_imposed,
    make_penalty,
    make_shop,
    make_user,
)
from tests.shops.accounting import paid_in

pytestmark = pytest.mark.django_db
Kind = Measure.Kind
LATER = AT + timedelta(days=30)


def imposed(shop: Shop, code: str = "V8", measures: list[Measure] | None = None, **values: Any) -> Penalty:
    """A penalty under a violation, with what follows from it by itself unless measures are given."""
    violation = Violation.objects.get(code=code)
    given = catalogue.consequences(violation, shop, at=AT) if measures is None else measures
    for measure in given:
        if measure.kind == Kind.DEDUCT and measure.basis == "fixed" and measure.amount_fen is None:
            measure.amount_fen = 10_000
    return penalties.impose(
        **{
            "shop": shop,
            "ground": "violation",
            "violation": violation,
            "by": None,
            "at": AT,
            "reason": "as found",
            "evidence": {},
            "measures": given,
            **values,
        }
    )


def in_both() -> Shop:
    shop = make_shop()
    for alliance in (DOUYIN, WECHAT):
        make_enrollment(shop, alliance)
    return shop


def states(shop: Shop) -> list[str]:
    return list(Enrollment.objects.filter(shop=shop).order_by("pk").values_list("state", flat=True))


def test_v4_closes_the_shop_clears_every_alliance_and_takes_the_whole_deposit_and_gives_all_back() -> None:
    shop = in_both()
    paid_in(shop, 200_000)
    penalty = imposed(shop, "V4")
    assert standing.standing(shop, AT).status == "closed"
    assert (states(shop), balance_of(shop)) == (["cleared", "cleared"], 0)
    assert bars.barred_for_ever().filter(pk=shop.pk).exists()
    assert Shop.objects.get(pk=shop.pk).status == "normal"
    penalties.overturn(penalty, by=None, at=AT, reason="it was another shop")
    assert standing.standing(shop, AT).status == "normal"
    assert (states(shop), balance_of(shop)) == (["open", "open"], 200_000)
    assert set(Enrollment.objects.values_list("openings_used", flat=True)) == {1}
    assert not bars.barred_for_ever().exists()


def test_three_v8_are_twelve_points_and_three_deductions() -> None:
    shop = make_shop()
    paid_in(shop, 25_000)
    all_three = [imposed(shop) for _ in range(3)]
    assert points.standing_points(shop, None, AT) == 12
    assert balance_of(shop) == 0
    assert TopUp.objects.get(state="open").amount_fen == 5_000
    for penalty in all_three:
        penalties.overturn(penalty, by=None, at=AT, reason="granted")
    assert (points.standing_points(shop, None, AT), balance_of(shop)) == (0, 25_000)
    assert not TopUp.objects.filter(state="open").exists()


def test_a_penalty_keeps_the_version_and_the_terms_it_was_imposed_under() -> None:
    penalty = imposed(make_shop())
    violation = penalty.violation
    assert violation is not None
    assert penalty.violation_version == catalogue.version_of(violation)
    assert penalty.evidence["violation"]["code"] == "V8"
    assert [one["kind"] for one in penalty.evidence["violation"]["measures"]] == ["points", "deduct"]


def test_a_part_is_taken_back_and_the_penalty_stands_on() -> None:
    shop = make_shop()
    paid_in(shop, 25_000)
    penalty = imposed(shop)
    [deduct] = penalty.measures.filter(kind="deduct")
    penalties.undo_measures(penalty, [deduct], by=None, at=AT, reason="the amount was wrong")
    assert (balance_of(shop), points.standing_points(shop, None, AT)) == (25_000, 4)
    assert Penalty.objects.get().status == "imposed"
    # Twice changes nothing.
    penalties.undo_measures(penalty, [deduct], by=None, at=AT, reason="again")
    assert balance_of(shop) == 25_000


def test_a_penalty_ends_with_what_is_left_of_it() -> None:
    shop = make_shop()
    penalty = imposed(
        shop,
        measures=[
            Measure(kind=Kind.POINTS, points=4, ends_at=LATER),
            Measure(kind=Kind.SUSPEND, ends_at=LATER + timedelta(days=1)),
            Measure(kind=Kind.WARNING),
        ],
    )
    given, suspended, _warned = penalty.measures.order_by("pk")
    penalties.undo_measures(penalty, [suspended], by=None, at=AT, reason="in part")
    assert penalty.ends_at == LATER
    penalties.undo_measures(penalty, [given], by=None, at=AT, reason="in part")
    assert penalty.ends_at is None
    assert penalties.run_timers(LATER + timedelta(days=2)) == 0


def test_all_that_a_penalty_does_is_not_a_part_of_it() -> None:
    penalty = imposed(make_shop())
    with pytest.raises(Refused, match="overturn it"):
        penalties.undo_measures(penalty, list(penalty.measures.all()), by=None, at=AT, reason="x")
    with pytest.raises(Refused, match="measures of this penalty"):
        penalties.undo_measures(penalty, [], by=None, at=AT, reason="x")
    with pytest.raises(Refused, match="reason"):
        penalties.undo_measures(penalty, [penalty.measures.all()[0]], by=None, at=AT, reason=" ")


def test_a_clearance_alone_is_not_taken_back_while_the_closing_stands() -> None:
    shop = in_both()
    penalty = imposed(shop, "V4")
    clearances = list(penalty.measures.filter(kind="clear"))
    with pytest.raises(Refused, match="closed for good"):
        penalties.undo_measures(penalty, clearances, by=None, at=AT, reason="x")


def test_a_closing_is_not_lifted_only_overturned() -> None:
    penalty = imposed(in_both(), "V4")
    with pytest.raises(Refused, match="CL-4"):
        penalties.lift(penalty, by=None, at=AT, reason="has served its time")


def test_lifting_ends_what_lasts_and_takes_back_nothing_done() -> None:
    shop = in_both()
    paid_in(shop, 25_000)
    penalty = imposed(
        shop,
        measures=[
            Measure(kind="suspend", ends_at=LATER),
            Measure(kind="points", points=4),
            Measure(kind="deduct", basis="fixed", amount_fen=10_000),
            Measure(kind="clear", alliance=Enrollment.objects.all()[0].alliance),
        ],
    )
    penalties.lift(penalty, by=None, at=AT, reason="it has paid for it")
    assert standing.standing(shop, AT).status == "normal"
    assert (points.standing_points(shop, None, AT), balance_of(shop)) == (4, 15_000)
    assert states(shop).count("cleared") == 1
    penalties.overturn(penalty, by=None, at=AT, reason="it was wrong after all")
    assert (points.standing_points(shop, None, AT), balance_of(shop)) == (0, 25_000)
    assert states(shop) == ["open", "open"]


@pytest.mark.parametrize("first", [0, 1])
def test_in_whatever_order_two_penalties_are_overturned_the_shop_goes_on_with_its_opening(first: int) -> None:
    enrollment = make_enrollment()
    shop = enrollment.shop
    cleared = make_imposed(
        shop, Measure(kind="clear"), ground="metric", alliance=enrollment.alliance, reason="below the bar"
    )
    both = [cleared, imposed(shop, "V4")]
    penalties.overturn(both[first], by=None, at=AT, reason="granted")
    assert states(shop) == ["cleared"]
    penalties.overturn(both[1 - first], by=None, at=AT, reason="granted")
    enrollment.refresh_from_db()
    assert (enrollment.state, enrollment.openings_used) == ("open", 1)


def test_a_suspension_lapses_on_its_date_and_its_penalty_expires_with_it() -> None:
    shop = make_shop()
    penalty = imposed(shop, measures=[Measure(kind="suspend", ends_at=LATER), Measure(kind="warning")])
    assert penalty.ends_at == LATER
    assert penalties.run_timers(LATER - timedelta(seconds=1)) == 0
    assert penalties.run_timers(LATER) == 1
    assert penalties.run_timers(LATER) == 0
    penalty.refresh_from_db()
    assert (penalty.status, penalty.ended_at, penalty.ended_by) == ("expired", LATER, None)
    assert penalty.measures.get(kind="suspend").lapsed_at == LATER


def test_a_penalty_goes_on_while_one_of_its_measures_does() -> None:
    penalty = imposed(
        make_shop(),
        measures=[Measure(kind="suspend", ends_at=LATER), Measure(kind="restrict_live")],
    )
    assert penalty.ends_at is None
    assert penalties.run_timers(LATER) == 1
    penalty.refresh_from_db()
    assert penalty.status == "imposed"


def test_a_minor_violation_bars_until_its_measure_ends() -> None:
    enrollment = make_enrollment()
    penalty = imposed(
        enrollment.shop,
        measures=[
            Measure(kind="clear", alliance=enrollment.alliance),
            Measure(kind="suspend", ends_at=LATER),
        ],
    )
    assert bars.barred_until(enrollment) == penalty.ends_at == LATER
    penalties.run_timers(LATER)
    assert not bars.barred_for_now(enrollment.alliance).exists()
    assert states(enrollment.shop) == ["cleared"]


def test_points_lapse_by_the_setting_of_where_they_count() -> None:
    shop = make_shop()
    penalty = imposed(shop)
    [given] = penalty.measures.filter(kind="points")
    assert given.ends_at is not None
    assert points.standing_points(shop, None, given.ends_at - timedelta(seconds=1)) == 4
    assert points.standing_points(shop, None, given.ends_at) == 0
    assert (given.ends_at - AT).days == 364


def test_a_reported_case_becomes_the_penalty_once() -> None:
    case = make_penalty(violation_code="V8", status="reported", reference="DY-1")
    penalty = imposed(case.shop, case=case)
    assert (penalty.pk, penalty.status, penalty.reference) == (case.pk, "imposed", "DY-1")
    with pytest.raises(Refused, match="decided already"):
        imposed(case.shop, case=Penalty.objects.get())


def test_sent_twice_under_one_key_a_penalty_is_imposed_once() -> None:
    shop = make_shop()
    assert imposed(shop, key="k") == imposed(shop, key="k")
    assert points.standing_points(shop, None, AT) == 4


def test_whoever_may_not_overturn_takes_no_part_back() -> None:
    penalty = imposed(make_shop())
    with pytest.raises(NotAllowed):
        penalties.undo_measures(
            penalty, [penalty.measures.all()[0]], by=make_user("operator"), at=AT, reason="x"
        )


# The whole effect beforehand


def test_the_terms_that_are_kept_are_those_of_the_version_that_is_named() -> None:
    violation, stale = (Violation.objects.get(code="V8") for _ in range(2))
    measures = list(violation.default_measures.all())
    values = {"serious": True, "name_en": "Harming many"}
    catalogue.change(violation, values=values, measures=measures, by=None, reason="stricter")
    penalty = make_imposed(make_shop(), Measure(kind=Kind.WARNING), violation=stale)
    kept = Violation.history.get(history_id=penalty.violation_version)
    assert (kept.serious, kept.name_en) == (True, "Harming many")
    terms = penalty.evidence["violation"]
    assert (terms["serious"], terms["name_en"]) == (True, "Harming many")


@pytest.mark.parametrize("code", [f"WS-V{number}" for number in range(1, 6)])
def test_an_end_that_the_catalogue_leaves_open_is_asked_at_every_step_of_the_ladder(code: str) -> None:
    shop = make_shop()
    for kind in (Kind.REDUCE_ROOM, Kind.REDUCE_ACCOUNT, Kind.RESTRICT_LIVE):
        with pytest.raises(Refused, match="needs to be told: ends at"):
            make_imposed(shop, Measure(kind=kind), code=code)
        make_imposed(shop, Measure(kind=kind, ends_at=LATER), code=code)
    assert standing.standing(shop, LATER + timedelta(days=1)).restrictions == ()


def test_an_end_is_asked_of_what_any_step_of_the_ladder_takes_and_of_nothing_else_that_a_person_adds() -> (
    None
):
    shop = make_shop()
    # At its first case; the third would restrict live selling by itself.
    chosen = [Measure(kind=Kind.REDUCE_ROOM, ends_at=LATER), Measure(kind=Kind.RESTRICT_LIVE)]
    with pytest.raises(Refused, match="needs to be told: ends at"):
        make_imposed(shop, *chosen, code="WS-V1")
    make_imposed(shop, Measure(kind=Kind.RESTRICT_LIVE), code="V1")
    assert [one.kind for one in standing.standing(shop, LATER).restrictions] == [Kind.RESTRICT_LIVE]


def test_the_preview_says_that_an_end_is_still_to_be_asked() -> None:
    shop, violation = make_shop(), Violation.objects.get(code="WS-V1")
    open_, said = Measure(kind=Kind.REDUCE_ROOM), Measure(kind=Kind.REDUCE_ROOM, ends_at=LATER)
    told = [previews.preview(shop, [one], at=AT, violation=violation) for one in (open_, said)]
    assert [(one.lines[0].lacking, one.complete) for one in told] == [(["ends_at"], False), ([], True)]


def test_the_preview_says_what_imposing_will_do() -> None:
    controller = make_controller()
    shop, other = make_shop(controller=controller), make_shop(controller=controller)
    for one in (shop, other):
        make_enrollment(one)
    paid_in(shop, 123_00)
    violation = Violation.objects.get(code="V4")
    told = previews.preview(shop, catalogue.consequences(violation, shop, at=AT), at=AT, violation=violation)
    assert told.complete
    assert [line.measure.kind for line in told.lines] == ["close", "clear", "deduct"]
    assert told.money == previews.Money(123_00, 0, 0, moved=0)
    assert [one.shop for one in told.closed] == [shop]
    assert ([one.shop for one in told.reached], told.barred) == ([other], [other])
    assert not Penalty.objects.exists()


def test_the_preview_counts_points_and_names_the_threshold_they_reach() -> None:
    shop = make_shop()
    low, high = (PointsThreshold.objects.create(points=mark, kinds=["suspend"], days=7) for mark in (4, 8))
    violation = Violation.objects.get(code="V8")

    def told() -> previews.Points:
        measures = catalogue.consequences(violation, shop, at=AT)
        [line] = previews.preview(shop, measures, at=AT, violation=violation).points
        return line

    assert told() == previews.Points(None, 0, 4, low)
    imposed(shop)
    assert told() == previews.Points(None, 4, 8, high)
    imposed(shop)
    assert told() == previews.Points(None, 8, 12, None)


def test_the_preview_says_what_is_still_to_be_asked_and_shows_earlier_cases() -> None:
    shop = make_shop()
    earlier = imposed(shop)
    violation = Violation.objects.get(code="V8")
    told = previews.preview(shop, catalogue.consequences(violation, shop, at=AT), at=AT, violation=violation)
    assert not told.complete
    assert [line.lacking for line in told.lines] == [[], ["amount_fen"]]
    assert told.earlier == [earlier]
