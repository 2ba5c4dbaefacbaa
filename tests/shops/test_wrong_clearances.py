"""A clearance that was declared wrong: it neither cools down nor counts, nor costs an opening."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shops import bars, closing, enrollments, penalties
from shops.models import Alliance, Enrollment, Measure, Penalty
from tests.factories import AT, DOUYIN, make_enrollment, make_imposed

LATER = AT + timedelta(days=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def enrollment() -> Enrollment:
    Alliance.objects.filter(code=DOUYIN).update(cool_down_days=15)
    return make_enrollment()


def cleared(enrollment: Enrollment, ground: str = "metric", **values: object) -> Penalty:
    return make_imposed(
        enrollment.shop, Measure(kind="clear"), alliance=enrollment.alliance, ground=ground, **values
    )


def overturn(penalty: Penalty) -> None:
    penalties.overturn(penalty, by=None, at=LATER, reason="wrong")


def now(enrollment: Enrollment) -> tuple[str, int]:
    enrollment.refresh_from_db()
    return enrollment.state, enrollment.openings_used


def kept_out(enrollment: Enrollment) -> Penalty:
    """Something else that keeps the shop out once its clearance is taken back."""
    return make_imposed(
        enrollment.shop, Measure(kind="warning"), alliance=enrollment.alliance, ground="judgement"
    )


def test_it_cools_down_no_longer_also_while_something_else_keeps_the_shop_out(enrollment: Enrollment) -> None:
    penalty = cleared(enrollment)
    kept_out(enrollment)
    day = AT.date() + timedelta(days=3)
    assert bars.cooling_shops(enrollment.alliance, day).exists()
    overturn(penalty)
    assert now(enrollment) == ("cleared", 1)
    assert not bars.cooling_shops(enrollment.alliance, day).exists()
    assert bars.cools_until(enrollment) is None


def test_a_part_that_is_taken_back_of_the_clearing_alone_cools_down_no_longer(enrollment: Enrollment) -> None:
    penalty = make_imposed(
        enrollment.shop,
        Measure(kind="clear"),
        Measure(kind="points", points=4),
        alliance=enrollment.alliance,
        code="V8",
    )
    kept_out(enrollment)
    assert bars.cools_until(enrollment) is not None
    clear = penalty.measures.get(kind="clear")
    penalties.undo_measures(penalty, [clear], by=None, at=LATER, reason="too much")
    assert bars.cools_until(enrollment) is None


def test_it_waits_for_no_papers(enrollment: Enrollment) -> None:
    penalty = cleared(enrollment, "qualification")
    kept_out(enrollment)
    assert list(bars.cleared_for_papers(enrollment.alliance)) == [{"enrollment__shop": enrollment.shop_id}]
    overturn(penalty)
    assert not bars.cleared_for_papers(enrollment.alliance).exists()


def test_who_took_its_application_back_meanwhile_goes_on_in_the_same_opening(enrollment: Enrollment) -> None:
    penalty = cleared(enrollment)
    enrollments.apply(enrollment, by=None, at=AT)
    enrollments.leave(enrollment, by=None, at=AT)
    assert now(enrollment) == ("cleared", 1)
    overturn(penalty)
    assert now(enrollment) == ("open", 1)


def test_who_left_by_itself_and_then_takes_an_application_back_has_left(enrollment: Enrollment) -> None:
    enrollments.leave(enrollment, by=None, at=AT)
    enrollments.apply(enrollment, by=None, at=AT)
    enrollments.leave(enrollment, by=None, at=AT)
    assert now(enrollment) == ("left", 1)


def test_who_applied_after_a_clearance_and_closes_has_left(enrollment: Enrollment) -> None:
    penalty = cleared(enrollment)
    enrollments.apply(enrollment, by=None, at=AT)
    closing.close(enrollment.shop, by=None, at=AT + timedelta(hours=1))
    assert now(enrollment) == ("left", 1)
    overturn(penalty)
    assert now(enrollment) == ("left", 1)
