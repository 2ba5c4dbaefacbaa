"""A desk that does not undo everything is found out; the campaign runs a sample of all that may happen."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from rules import casework
from shops import deposits, enrollments, listings
from tests.opsdesk.twins.machine import Twins
from tests.opsdesk.twins.scene import Scene

pytestmark = pytest.mark.django_db


def nothing(*args: Any, **values: Any) -> bool:
    return False


def fined(pair: Twins) -> None:
    pair.wrong(kinds=["deduct"], code="V8", place="wechat-select", whole=True, fen=5, points=1, days=1)


def cleared(pair: Twins) -> None:
    pair.wrongly_proposed(place="wechat-select", by_hand=True)


def stopped(pair: Twins) -> None:
    pair.wrong_stop(ground="judgement")
    pair.platform_repeats_the_stop()


def given_points(pair: Twins) -> None:
    pair.wrong(kinds=["points"], code="V8", place="wechat-select", whole=True, fen=5, points=9, days=1)


def suspended(pair: Twins) -> None:
    pair.wrong(kinds=["suspend"], code="V8", place="wechat-select", whole=True, fen=5, points=1, days=3)


def removed(pair: Twins) -> None:
    """With what is proposed of the other shop of its controller accepted."""
    pair.wrongly_removed(role="shop", code="V2")
    for _alliance in range(2):
        pair.decide(which=0, accepts=True, heard=False)


def warned_while_suspended(pair: Twins) -> None:
    suspended(pair)
    pair.daily_check()


def warned_while_suspended_and_suspended_rightly(pair: Twins) -> None:
    """The twin is warned as well, by the next check."""
    warned_while_suspended(pair)
    pair.deserved(kinds={"suspend"}, fen=1, days=2)


def up_the_ladder(pair: Twins) -> None:
    pair.wrongly_reported(code="WS-V1", days=2)
    pair.deserved_on_the_ladder(days=6)
    pair.deserved_on_the_ladder(days=6)


def up_the_ladder_with_a_wrong_case_between(pair: Twins) -> None:
    pair.deserved_on_the_ladder(days=6)
    pair.wrongly_reported(code="WS-V1", days=2)
    pair.deserved_on_the_ladder(days=6)
    pair.deserved_on_the_ladder(days=6)


def up_the_ladder_with_a_later_case_that_is_over(pair: Twins) -> None:
    """What was over before the wrong fell is a case of both, and the one before it stays the one before."""
    pair.deserved_on_the_ladder(days=2)
    pair.wrongly_reported(code="WS-V1", days=2)
    pair.deserved_on_the_ladder(days=6)
    pair.deserved_on_the_ladder(days=2)
    pair.wait(days=4, late=False)


def removed_and_lifted(pair: Twins) -> None:
    removed(pair)
    pair.lift(which=1)
    pair.lift(which=2)


def removed_while_the_platform_closed_the_other(pair: Twins) -> None:
    removed(pair)
    pair.file_of_shops(role="sibling", status="closed")


def resumed_under_observation(pair: Twins) -> None:
    pair.wrong_stop(ground="metric")
    pair.platform_repeats_the_stop()
    pair.resume_the_wronged(observed=True)


def stopped_again_under_observation(pair: Twins) -> None:
    pair.wrong_stop(ground="metric")
    pair.resume_the_wronged(observed=True)
    pair.wrong_stop(ground="metric")
    pair.platform_repeats_the_stop()


def observed_after_each_of_two_stops(pair: Twins) -> None:
    for _stop in range(2):
        pair.wrong_stop(ground="metric")
        pair.resume_the_wronged(observed=True)
        pair.wait(days=1, late=False)


def resumed_again_under_observation(pair: Twins) -> None:
    pair.wrong_stop(ground="metric")
    for _time in range(2):
        pair.resume_the_wronged(observed=True)


def stopped_rightly_under_observation(pair: Twins) -> None:
    """Both stay under observation for that."""
    pair.wrong_stop(ground="metric")
    pair.resume_the_wronged(observed=True)
    pair.stop(ground="metric")
    pair.resume(observed=True)


def let_in_during_a_stay_that_was_denied(pair: Twins) -> None:
    pair.wrong_clearance(ground="judgement", place="wechat-select")
    pair.stay(which=0)
    pair.come_in_again(which=0)
    pair.deny(which=0)


def restricted_for_points(pair: Twins) -> None:
    given_points(pair)
    pair.decide(which=0, accepts=True, heard=False)


def resumed_while_the_platform_has_it_closed(pair: Twins) -> None:
    """Neither is: the wronged goes on with its opening once the platform has opened it again."""
    pair.stop(ground="metric")
    pair.wrong_clearance(ground="metric", place="wechat-select")
    pair.file_of_shops(role="shop", status="closed")
    pair.grant_all()
    pair.resume(observed=False)


def put_out_while_it_is_warned(pair: Twins) -> None:
    """What it was warned of is moot by that, on either side."""
    pair.file_of_shops(role="sibling", status="closed")
    pair.daily_check()
    pair.put_out(which=3)
    cleared(pair)


def removed_while_the_platform_closes_both(pair: Twins) -> None:
    """The other shop is warned for that on either side, and of both that is withdrawn by the next check."""
    pair.wrongly_reported(code="V4", days=2)
    for role in ("shop", "sibling"):
        pair.file_of_shops(role=role, status="closed")
    pair.daily_check()


@pytest.mark.parametrize(
    "wronged",
    [
        resumed_while_the_platform_has_it_closed,
        put_out_while_it_is_warned,
        removed_while_the_platform_closes_both,
        warned_while_suspended,
        warned_while_suspended_and_suspended_rightly,
        up_the_ladder,
        up_the_ladder_with_a_wrong_case_between,
        up_the_ladder_with_a_later_case_that_is_over,
        removed,
        removed_and_lifted,
        removed_while_the_platform_closed_the_other,
        resumed_under_observation,
        stopped_again_under_observation,
        observed_after_each_of_two_stops,
        resumed_again_under_observation,
        stopped_rightly_under_observation,
        let_in_during_a_stay_that_was_denied,
        restricted_for_points,
    ],
)
def test_what_a_sample_may_not_come_to_is_undone_as_well(wronged: Callable[[Twins], None]) -> None:
    Twins.scene = Scene.made()
    pair = Twins()
    try:
        wronged(pair)
        pair.grant_all()
        pair.right_everything()
    finally:
        pair.over()


GUARDS: list[tuple[Callable[[Twins], None], ModuleType, str, Any, str]] = [
    (fined, deposits, "reverse_for", nothing, "balance of the shop"),
    (cleared, enrollments, "continue_opening", nothing, "enrollment of the shop"),
    (stopped, listings, "restore", nothing, "product of the shop"),
    (
        given_points,
        casework,
        "NOT_REACHED",
        "UPDATE rules_proposal SET day = day WHERE false",
        "still proposed",
    ),
]


@pytest.mark.parametrize(("wronged", "where", "guard", "off", "told"), GUARDS)
def test_control_what_a_grant_does_not_undo_is_found(
    monkeypatch: pytest.MonkeyPatch,
    wronged: Callable[[Twins], None],
    where: ModuleType,
    guard: str,
    off: Any,
    told: str,
) -> None:
    Twins.scene = Scene.made()
    for switched_off in (False, True):
        pair = Twins()
        try:
            wronged(pair)
            if switched_off:
                monkeypatch.setattr(where, guard, off)
                with pytest.raises(AssertionError, match=told):
                    pair.grant_all()
            else:
                pair.grant_all()
        finally:
            pair.over()
