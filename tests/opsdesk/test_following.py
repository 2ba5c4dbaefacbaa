"""What was taken back is called off on the platform, or to be undone there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opsdesk import audit, execution, penalising, review, voiding
from opsdesk.models import Execution
from shops.models import Measure, Penalty
from tests.factories import (
    AT,
)
from tests.opsdesk.executing import (
    LATER,
    as_far_as,
    brought,
    by_hand,
    cleared,
    fresh,
    granted,
    lifted,
    overturned,
    part_taken_back,
    penalised,
    undone,
)
from tests.opsdesk.test_resting import barred_by, family
from tests.product_proposals import make_product_proposal

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("undo", [granted, overturned])
@pytest.mark.parametrize(
    ("before", "after"), [("to_do", "called_off"), ("failed", "called_off"), ("done", "to_undo")]
)
def test_what_was_overturned_is_called_off_or_to_be_undone(before: str, after: str, undo) -> None:
    asked = cleared(before)
    undo(asked.penalty)
    asked = fresh(asked)
    assert asked.state == after
    newest, previous = asked.history.order_by("-history_id")[:2]
    assert (previous.state, newest.state) == (before, after)
    assert newest.history_user == Penalty.objects.get(pk=asked.penalty_id).ended_by
    assert audit.verify_decisions() is None


def test_a_product_that_was_stopped_wrongly_is_to_be_promoted_there_again() -> None:
    stop = review.accept(make_product_proposal().pk, by=None, reason="below_bar", at=AT).execution
    as_far_as(stop, "done")
    overturned(stop.penalty)
    assert fresh(stop).state == "to_undo"


def test_a_product_that_is_resumed_calls_nothing_off() -> None:
    stop = make_product_proposal()
    asked = as_far_as(review.accept(stop.pk, by=None, reason="below_bar", at=AT).execution, "done")
    resume = make_product_proposal(stop.product.listings.get(), kind="resume")
    review.accept(resume.pk, by=None, reason="qualifies", at=LATER)
    assert fresh(asked).state == "done"
    assert execution.taken_back(fresh(asked)) == []


def test_with_a_case_falls_what_the_platform_did_to_the_controllers_other_shops() -> None:
    first, second = family()
    case = barred_by(first)
    done, waiting = Execution.objects.filter(decision__proposal__case=case).order_by("pk")
    as_far_as(done, "done")
    overturned(case)
    assert [fresh(one).state for one in (done, waiting)] == ["to_undo", "called_off"]
    assert {done.shop, waiting.shop} == {second}


def test_what_rests_on_nothing_that_fell_is_done_as_decided() -> None:
    kept, fallen = cleared(), cleared()
    overturned(fallen.penalty)
    assert (fresh(kept).state, fresh(fallen).state) == ("to_do", "called_off")


# A part is taken back


@pytest.mark.parametrize(
    ("other", "taken_back", "before", "after"),
    [
        ("warning", "clear", "to_do", "called_off"),
        ("warning", "clear", "done", "to_undo"),
        ("score", "clear", "to_do", "to_do"),
        ("score", "clear", "done", "to_undo"),
        ("score", "score", "done", "to_undo"),
        # It was given, and is no more to be given.
        ("warning", "warning", "done", "done"),
    ],
)
def test_a_clearance_that_is_taken_back_as_a_part(
    other: str, taken_back: str, before: str, after: str
) -> None:
    score = "0.50" if other == "score" else None
    asked = penalised(Measure(kind=other, score=score), so_far=before)
    part_taken_back(asked, taken_back)
    assert fresh(asked).state == after
    assert audit.verify_decisions() is None


def test_what_was_undone_in_part_is_to_be_undone_once_more_where_the_rest_falls() -> None:
    asked = penalised(Measure(kind="restrict_live"), so_far="done")
    part_taken_back(asked, "clear")
    assert undone(asked).state == "undone"
    penalising.overturn(asked.penalty, by=None, at=LATER + timedelta(days=1), reason="wrong altogether")
    assert fresh(asked).state == "to_undo"


# Lifted


@pytest.mark.parametrize(
    ("measures", "before", "after"),
    [
        (["restrict_live"], "to_do", "called_off"),
        (["restrict_live"], "done", "to_undo"),
        # What is past stays done, and what it has still to do of that it does.
        (["restrict_live", "points"], "to_do", "to_do"),
        (["points"], "done", "done"),
        (["points"], "to_do", "to_do"),
    ],
)
def test_what_lasts_ends_on_the_platform_as_well_once_the_penalty_is_lifted(
    measures: list[str], before: str, after: str
) -> None:
    given = [Measure(kind=kind, points=4 if kind == "points" else None) for kind in measures]
    asked = by_hand(*given, so_far=before)
    lifted(asked.penalty)
    assert fresh(asked).state == after
    assert audit.verify_decisions() is None


# Over by itself, resumed, stayed


def test_what_has_run_out_before_the_platform_did_it_is_called_off() -> None:
    end = AT + timedelta(days=1)
    over, points = (
        by_hand(Measure(kind="restrict_live", ends_at=end), *more)
        for more in ([], [Measure(kind="points", points=4)])
    )
    done = by_hand(Measure(kind="restrict_live", ends_at=end), so_far="done")
    penalising.run_timers(end)
    assert [fresh(one).state for one in (over, points, done)] == ["called_off", "to_do", "done"]
    assert audit.verify_decisions() is None


@pytest.mark.parametrize("verb", ["lift", "take back"])
def test_the_platform_ends_nothing_that_has_ended_by_itself(verb: str) -> None:
    end = AT + timedelta(days=1)
    asked = by_hand(
        Measure(kind="restrict_live", ends_at=end), Measure(kind="points", points=4), so_far="done"
    )
    if verb == "take back":
        penalising.run_timers(end)
        part_taken_back(asked, "restrict_live")
    else:
        # Before the timer has looked.
        lifted(asked.penalty)
    assert fresh(asked).state == "done"


def test_a_stop_that_nobody_has_carried_out_is_called_off_as_its_product_is_resumed() -> None:
    stop = make_product_proposal()
    asked = review.accept(stop.pk, by=None, reason="below_bar", at=AT).execution
    resume = make_product_proposal(stop.product.listings.get(), kind="resume")
    resumed = review.accept(resume.pk, by=None, reason="qualifies", at=LATER).execution
    assert (fresh(asked).state, resumed.state) == ("called_off", "to_do")
    assert audit.verify_decisions() is None


def test_a_stop_that_was_resumed_and_then_overturned_is_not_to_be_undone_again() -> None:
    stop = make_product_proposal()
    asked = as_far_as(review.accept(stop.pk, by=None, reason="below_bar", at=AT).execution, "done")
    resume = make_product_proposal(stop.product.listings.get(), kind="resume")
    review.accept(resume.pk, by=None, reason="qualifies", at=LATER - timedelta(days=1))
    overturned(asked.penalty)
    assert fresh(asked).state == "done"
    assert audit.verify_decisions() is None


# What a file has brought


@pytest.mark.parametrize("undo", [granted, overturned, lifted])
def test_a_case_of_which_nothing_is_known_but_that_it_is_imposed_is_struck_there_as_a_whole(undo) -> None:
    penalty = brought()
    undo(penalty)
    asked = Execution.objects.get()
    assert (asked.state, asked.changes, execution.what(asked)) == ("to_undo", [], [])
    assert asked.asked_at == LATER and audit.verify_decisions() is None


def test_of_a_case_that_a_file_has_brought_a_part_is_to_be_undone_there() -> None:
    penalty = brought(points="4", deducted="100")
    penalising.undo_measures(
        penalty, [penalty.measures.get(kind="points")], by=None, at=LATER, reason="too much"
    )
    [told] = execution.what(Execution.objects.get())
    assert told.startswith("4 points")


# Lessened


def test_what_is_lessened_is_to_be_lessened_on_the_platform_from_what_it_was_at_first() -> None:
    asked = by_hand(Measure(kind="points", points=6), Measure(kind="restrict_live"), so_far="done")
    points = asked.penalty.measures.get(kind="points")
    for less, day in ((4, 0), (2, 1)):
        voiding.undo_measures(
            asked.penalty, [], less={points.pk: less}, by=None, at=LATER + timedelta(days=day), reason="hard"
        )
    asked = fresh(asked)
    assert (asked.state, asked.changes) == (
        "to_undo",
        [{"measure": points.pk, "from": "6", "on": "2026-03-13"}],
    )
    [told] = execution.what(asked)
    assert told.startswith("2 points") and told.endswith("(before: 6)")
    assert audit.verify_decisions() is None


@pytest.mark.parametrize(
    ("between", "left"),
    [
        # The platform gives two points by then, and takes those back.
        (True, [("2 points", "2027, 00:00")]),
        # It still gives six.
        (False, [("2 points", "undone (before: 6)")]),
    ],
)
def test_what_was_granted_in_part_and_then_as_a_whole_is_undone_there_as_a_whole(
    between: bool, left: list[tuple[str, str]]
) -> None:
    asked = by_hand(Measure(kind="points", points=6), so_far="done")
    points = asked.penalty.measures.get()
    voiding.undo_measures(asked.penalty, [], less={points.pk: 2}, by=None, at=AT, reason="hard")
    if between:
        undone(asked)
    granted(Penalty.objects.get(pk=asked.penalty_id))
    [told] = execution.what(fresh(asked))
    assert [(told[: len(start)], told[-len(end) :]) for start, end in left] == left
    assert fresh(asked).state == "to_undo" and audit.verify_decisions() is None


def test_what_had_no_end_is_to_be_given_one_there() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    live = asked.penalty.measures.get()
    end = LATER + timedelta(days=9)
    voiding.undo_measures(asked.penalty, [], less={live.pk: end}, by=None, at=LATER, reason="hard")
    assert execution.what(fresh(asked)) == ["Live selling is restricted until 22 Mar 2026, 09:30 (before: –)"]


def test_what_is_lessened_before_it_was_done_is_to_be_done_as_it_is_now() -> None:
    asked = by_hand(Measure(kind="points", points=6))
    points = asked.penalty.measures.get()
    voiding.undo_measures(asked.penalty, [], less={points.pk: 2}, by=None, at=LATER, reason="hard")
    assert fresh(asked).state == "to_do"
    assert execution.what(fresh(asked))[0].startswith("2 points")
