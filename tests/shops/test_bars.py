"""R5: who comes back, by the cause of the clearance."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shops import bars, controllers, enrollments, penalties
from shops.errors import Refused
from shops.models import Alliance, Enrollment, Measure, Shop
from tests.factories import (
    AT,
    DOUYIN,
    WECHAT,
    make_controller,
    make_enrollment,
    make_imposed,
    make_penalty,
    make_shop,
)

pytestmark = pytest.mark.django_db


def barred(shop: Shop, alliance_code: str = DOUYIN) -> bool:
    alliance = Alliance.objects.get(code=alliance_code)
    found = bars.barred_shops(alliance).filter(pk=shop.pk).exists()
    enrollment = Enrollment.objects.filter(shop=shop, alliance=alliance).first()
    if found and enrollment is not None and enrollment.state == "applied":
        with pytest.raises(Refused, match="barred"):
            enrollments.admit(enrollment, by=None, at=AT)
    return found


@pytest.mark.parametrize("status", ["imposed", "lifted", "expired"])
@pytest.mark.parametrize("code", ["V2", "V4", "V10", "V11"])
def test_a_serious_violation_bars_everywhere_and_for_ever(code: str, status: str) -> None:
    shop = make_shop()
    make_enrollment(shop, state="applied")
    make_penalty(shop, violation_code=code, status=status)
    assert barred(shop, DOUYIN)
    assert barred(shop, WECHAT)


@pytest.mark.parametrize("status", ["reported", "overturned"])
def test_a_serious_violation_that_is_only_reported_or_overturned_bars_nobody(status: str) -> None:
    shop = make_shop()
    make_penalty(shop, violation_code="V10", status=status)
    assert not barred(shop)


def test_a_shop_closed_for_a_violation_is_barred_and_one_closed_voluntarily_is_not() -> None:
    assert barred(make_shop(status="closed", closed_cause="violation"))
    assert not barred(make_shop(status="closed", closed_cause="voluntary"))


def test_a_judgement_bars_in_its_alliance_until_it_is_lifted() -> None:
    enrollment = make_enrollment()
    penalty = make_imposed(
        enrollment.shop,
        Measure(kind="clear"),
        ground="judgement",
        alliance=enrollment.alliance,
        reason="unsuitable",
    )
    enrollments.apply(enrollment, by=None, at=AT)
    assert barred(enrollment.shop, DOUYIN)
    assert not barred(enrollment.shop, WECHAT)
    penalties.lift(penalty, by=None, at=AT, reason="has improved")
    assert not barred(enrollment.shop, DOUYIN)
    assert enrollments.admit(enrollment, by=None, at=AT).number == 2


def test_a_judgement_about_a_product_does_not_bar_its_shop() -> None:
    from tests.factories import make_product

    product = make_product()
    make_penalty(product.shop, product=product)
    assert not barred(product.shop)


def test_a_minor_violation_bars_while_its_clearance_stands() -> None:
    enrollment = make_enrollment()
    penalty = make_imposed(
        enrollment.shop, Measure(kind="clear"), code="V1", alliance=enrollment.alliance, reason="fake reviews"
    )
    assert barred(enrollment.shop, DOUYIN)
    assert not barred(enrollment.shop, WECHAT)
    penalties.lift(penalty, by=None, at=AT, reason="its time is over")
    assert not barred(enrollment.shop)


def test_a_minor_violation_without_a_clearance_bars_nobody() -> None:
    shop = make_shop()
    make_penalty(shop, violation_code="V1")
    assert not barred(shop)


@pytest.mark.parametrize("ground", ["metric", "qualification"])
def test_a_clearance_for_a_metric_or_for_papers_bars_nobody(ground: str) -> None:
    enrollment = make_enrollment()
    make_imposed(
        enrollment.shop,
        Measure(kind="clear"),
        ground=ground,
        alliance=enrollment.alliance,
        reason="below the bar",
    )
    assert not barred(enrollment.shop)


@pytest.mark.parametrize(("days", "barred"), [(6, True), (7, False)])
def test_a_violation_bars_until_what_it_suspended_has_ended_whatever_its_points_do(
    days: int, barred: bool
) -> None:
    enrollment = make_enrollment()
    week = AT + timedelta(days=7)
    make_imposed(
        enrollment.shop,
        Measure(kind="clear", alliance=enrollment.alliance),
        Measure(kind="restrict_live", ends_at=week),
        Measure(kind="points", points=2),
    )
    assert bars.barred_until(enrollment) == week
    at = AT + timedelta(days=days)
    penalties.run_timers(at)
    enrollments.apply(enrollment, by=None, at=at)
    assert any(enrollments.refusals_to_admit(enrollment, at.date(), at)) == barred


@pytest.mark.parametrize("days", [(3, 9), (9, 3)])
def test_of_two_penalties_that_bar_the_last_end_is_told(days: tuple[int, int]) -> None:
    enrollment = make_enrollment(state="applied")
    ends = [AT + timedelta(days=number) for number in days]
    for end in ends:
        measure = Measure(kind="restrict_live", ends_at=end)
        make_imposed(enrollment.shop, measure, ground="judgement", alliance=enrollment.alliance)
    assert bars.barred_until(enrollment) == max(ends)


def test_of_two_restrictions_of_one_penalty_the_last_end_is_told() -> None:
    enrollment = make_enrollment(state="applied")
    ends = {"restrict_live": AT + timedelta(days=3), "reduce_room": AT + timedelta(days=9)}
    measures = [Measure(kind=kind, ends_at=end) for kind, end in ends.items()]
    make_imposed(enrollment.shop, *measures, ground="judgement", alliance=enrollment.alliance)
    assert bars.barred_until(enrollment) == ends["reduce_room"]


def test_a_case_bars_the_controllers_other_shops_and_not_its_own() -> None:
    controller = make_controller()
    shop, other = make_shop(controller=controller), make_shop(controller=controller)
    make_imposed(shop, Measure(kind="warning"), code="V11")
    assert list(controllers.barred_shops()) == [other]
