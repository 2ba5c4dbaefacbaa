"""What has become of a measure by a moment, as every page says it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine

from shops import measures, penalties, stays
from shops.admin.penalties import case_of
from shops.admin.standing import standing_of
from shops.models import Measure, Penalty
from tests.factories import AT, make_enrollment, make_imposed, make_penalty

pytestmark = pytest.mark.django_db

Kind = Measure.Kind
END, LATER = AT + timedelta(days=2), AT + timedelta(days=3)


def imposed() -> Penalty:
    enrollment = make_enrollment()
    return make_imposed(
        enrollment.shop,
        Measure(kind=Kind.WARNING),
        Measure(kind=Kind.POINTS, points=4),
        Measure(kind=Kind.SUSPEND, ends_at=END),
        Measure(kind=Kind.REDUCE_ROOM, ends_at=LATER + timedelta(days=1)),
        alliance=enrollment.alliance,
    )


def stayed() -> Penalty:
    penalty = imposed()
    stays.stay(penalty, by=None, at=AT, reason="an appeal runs")
    return penalty


def overturned() -> Penalty:
    penalty = imposed()
    penalties.overturn(penalty, by=None, at=END, reason="wrong")
    return penalty


def lapsed() -> Penalty:
    penalty = imposed()
    penalties.run_timers(LATER)
    return penalty


@pytest.mark.parametrize(
    ("penalty", "at", "states"),
    [
        (imposed, AT, ["done", "standing", "standing", "standing"]),
        (imposed, END - timedelta(seconds=1), ["done", "standing", "standing", "standing"]),
        (imposed, END, ["done", "standing", "over", "standing"]),
        (lapsed, LATER, ["done", "standing", "over", "standing"]),
        (stayed, AT, ["done", "standing", "stayed", "stayed"]),
        (stayed, END, ["done", "standing", "over", "stayed"]),
        (overturned, LATER, ["undone"] * 4),
    ],
)
def test_each_measure_has_one_state_at_a_moment(
    penalty: Callable[[], Penalty], at: datetime, states: list[str]
) -> None:
    own = penalty().measures.order_by("pk").select_related("penalty")
    assert [measures.state_of(one, at).value for one in own] == states


def test_what_nobody_has_applied_is_planned() -> None:
    measure = Measure(kind=Kind.WARNING, penalty=make_penalty())
    assert measures.state_of(measure, AT) == "planned"


def test_the_page_of_a_shop_says_which_of_its_suspensions_is_stayed() -> None:
    penalty = stayed()
    now = standing_of(penalty.shop, AT)
    assert now["status"] == "normal"
    assert [line.endswith("stayed") for line in now["penalties"][0][1]] == [False, False, True, True]


@time_machine.travel(AT, tick=False)
def test_the_page_of_a_penalty_says_so_too() -> None:
    told = case_of(Penalty.objects.get(pk=stayed().pk))
    assert [state.value for _one, _line, state in told["measures"]] == [
        "done",
        "standing",
        "stayed",
        "stayed",
    ]
