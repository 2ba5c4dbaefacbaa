"""What those see who hear an appeal: what the penalty does at the moment, and what it has closed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from opsdesk import caseload
from opsdesk.models import Appeal
from shops import penalties, stays
from shops.models import Measure, Penalty
from tests.factories import (
    AT,
    DOUYIN,
    WECHAT,
    make_appeal,
    make_cleared,
    make_enrollment,
    make_imposed,
    make_shop,
)

pytestmark = pytest.mark.django_db

Kind = Measure.Kind
END, LATER = AT + timedelta(days=2), AT + timedelta(days=3)


def suspended() -> Penalty:
    return make_imposed(
        make_shop(), Measure(kind=Kind.SUSPEND, ends_at=END), Measure(kind=Kind.POINTS, points=4)
    )


def states(penalty: Penalty, at: datetime) -> list[str]:
    return [effect.state.value for effect in caseload.effects_of(Penalty.objects.get(pk=penalty.pk), at)]


def test_what_is_over_is_in_effect_no_longer_and_can_be_taken_back_all_the_same() -> None:
    penalty = suspended()
    assert states(penalty, AT) == ["standing", "standing"]
    penalties.run_timers(LATER)
    assert states(penalty, LATER) == ["over", "standing"]
    assert [effect.can_be_taken_back for effect in caseload.effects_of(penalty, LATER)] == [True, True]


def test_what_is_stayed_is_not_in_effect() -> None:
    penalty = suspended()
    stays.stay(penalty, by=None, at=AT, reason="an appeal runs")
    assert states(penalty, AT) == ["stayed", "standing"]


def test_what_was_taken_back_is_not_taken_back_again() -> None:
    penalty = suspended()
    penalties.undo_measures(
        penalty, [penalty.measures.get(kind="suspend")], by=None, at=AT, reason="too much"
    )
    found = caseload.effects_of(penalty, AT)
    assert [effect.can_be_taken_back for effect in found] == [False, True]
    assert states(penalty, AT) == ["undone", "standing"]


def test_the_openings_that_a_penalty_of_the_whole_platform_closed_are_shown() -> None:
    shop = make_shop()
    inside = [make_enrollment(shop, DOUYIN, openings=2), make_enrollment(shop, WECHAT)]
    make_enrollment(alliance_code=DOUYIN)
    penalty = make_imposed(shop, Measure(kind=Kind.CLOSE), code="V4")
    shown = caseload.hearing_of(make_appeal(penalty), at=LATER)["enrollments"]
    assert [(one, [opening.number for opening in one.openings.all()]) for one in shown] == [
        (inside[0], [1, 2]),
        (inside[1], [1]),
    ]


def test_of_an_alliances_penalty_the_openings_there_are_shown_and_no_others() -> None:
    shop = make_shop()
    enrollment = make_enrollment(shop, DOUYIN)
    make_enrollment(shop, WECHAT)
    hearing = caseload.hearing_of(make_appeal(make_cleared(enrollment)), at=LATER)
    assert list(hearing["enrollments"]) == [enrollment]


@pytest.mark.parametrize(("seconds", "late"), [(0, False), (0.999, False), (1, True)])
def test_an_appeal_is_overdue_from_the_second_after_its_last_on(seconds: float, late: bool) -> None:
    appeal = make_appeal(make_cleared())
    at = appeal.due_at + timedelta(seconds=seconds)
    assert caseload.is_overdue(appeal, at) == late
    assert Appeal.objects.filter(caseload.overdue(at)).exists() == late
