"""What was taken back is called off on the platform, or to be undone there."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from opsdesk import appeals, audit, execution, penalising, review, voiding
from opsdesk.models import Execution
from rules import casework
from rules.models import Proposal
from shops import penalties
from shops.errors import Refused
from shops.models import Alliance, Measure, Penalty, Violation
from tests.factories import (
    AT,
    DOUYIN,
    make_appeal,
    make_enrollment,
    make_imposed,
    make_penalty,
    make_product,
    make_proposal,
    make_shop,
    make_user,
)
from tests.opsdesk.test_resting import barred_by, family
from tests.product_proposals import make_product_proposal
from tests.shops.importing import bring

pytestmark = pytest.mark.django_db

LATER = AT + timedelta(days=2)
LIST = "/admin/opsdesk/execution/"


def cleared(so_far: str = "to_do") -> Execution:
    """A clearance that was accepted, and what the platform has done of it."""
    return as_far_as(review.accept(make_proposal().pk, by=None, reason="below_bar", at=AT).execution, so_far)


def as_far_as(asked: Execution, so_far: str) -> Execution:
    if so_far == "failed":
        execution.record(asked.pk, outcome="failed", by=None, note="page was down")
    elif so_far == "done":
        execution.record(asked.pk, outcome="done", by=None, on=AT.date(), reference="DY-7")
    return fresh(asked)


def fresh(asked: Execution) -> Execution:
    return Execution.objects.get(pk=asked.pk)


def granted(penalty: Penalty) -> None:
    judge = make_user("appeals_officer")
    appeal = make_appeal(penalty)
    appeals.take(appeal.pk, by=judge, at=LATER)
    appeals.grant(appeal.pk, by=judge, at=LATER, reason="wrong")


def overturned(penalty: Penalty) -> None:
    penalising.overturn(penalty, by=make_user("appeals_officer"), at=LATER, reason="wrong")


def undone(asked: Execution) -> Execution:
    return execution.record(asked.pk, outcome="done", by=None, on=LATER.date(), reference="DY-8")


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


def penalised(*measures: Measure, so_far: str) -> Execution:
    """A reported case that was accepted with a clearance and these measures."""
    enrollment = make_enrollment()
    make_penalty(enrollment.shop, violation_code="V1", status="reported")
    casework.file_from_facts(at=AT)
    clear = Measure(kind="clear", alliance=Alliance.objects.get(code=DOUYIN))
    decision = penalising.accept(
        Proposal.objects.get(), measures=[clear, *measures], reason="as found", by=None, at=AT
    )
    return as_far_as(decision.execution, so_far)


def part_taken_back(asked: Execution, kind: str) -> None:
    penalty = asked.penalty
    assert penalty is not None
    judge = make_user("appeals_officer")
    penalising.undo_measures(
        penalty, [penalty.measures.get(kind=kind)], by=judge, at=LATER, reason="too much"
    )


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


# Imposed without a proposal


def by_hand(*measures: Measure, so_far: str = "to_do") -> Execution:
    """A penalty that an operator imposed by hand, and what the platform has done of it."""
    penalty = penalising.impose(
        shop=make_shop(),
        violation=Violation.objects.get(code="V9"),
        measures=measures,
        reason="as found",
        by=make_user("operator"),
        at=AT,
        key=f"by hand {uuid4()}",
    )
    return as_far_as(penalty.execution, so_far)


def test_what_is_imposed_by_hand_is_to_be_done_on_the_platform() -> None:
    asked = by_hand(Measure(kind="restrict_live"))
    assert (asked.state, asked.decision, asked.kind, asked.asked_at) == ("to_do", None, "penalise", AT)
    assert asked.history.get().history_user == asked.penalty.imposed_by
    assert audit.verify_decisions() is None


def test_what_is_imposed_again_under_its_key_is_to_be_done_once() -> None:
    shop, key = make_shop(), "once"
    for _time in range(2):
        penalising.impose(
            shop=shop,
            violation=Violation.objects.get(code="V9"),
            measures=[Measure(kind="warning")],
            reason="as found",
            by=None,
            at=AT,
            key=key,
        )
    assert Execution.objects.get().shop == shop


@pytest.mark.parametrize("undo", [granted, overturned])
@pytest.mark.parametrize(("before", "after"), [("to_do", "called_off"), ("done", "to_undo")])
def test_what_was_imposed_by_hand_and_overturned(before: str, after: str, undo) -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far=before)
    undo(asked.penalty)
    assert fresh(asked).state == after
    assert audit.verify_decisions() is None


@pytest.mark.parametrize("undo", [granted, overturned])
def test_what_the_platform_imposed_by_itself_is_to_be_undone_there_once_it_is_overturned(undo) -> None:
    penalty = make_imposed(make_shop(), Measure(kind="points", points=4))
    assert not Execution.objects.exists()
    undo(penalty)
    asked = Execution.objects.get()
    assert (asked.penalty, asked.state, asked.executed_on) == (penalty, "to_undo", AT.date())
    assert audit.verify_decisions() is None
    assert undone(asked).state == "undone"


@pytest.mark.parametrize(
    ("kind", "states"), [("restrict_live", ["to_undo"]), ("points", ["to_undo"]), ("warning", [])]
)
def test_of_what_the_platform_imposed_it_is_to_undo_what_is_taken_back(kind: str, states: list[str]) -> None:
    penalty = make_imposed(
        make_shop(), Measure(kind="restrict_live"), Measure(kind="points", points=4), Measure(kind="warning")
    )
    penalising.undo_measures(
        penalty,
        [penalty.measures.get(kind=kind)],
        by=make_user("appeals_officer"),
        at=LATER,
        reason="too much",
    )
    assert list(Execution.objects.values_list("state", flat=True)) == states


# Lifted


def lifted(penalty: Penalty) -> None:
    penalising.lift(penalty, by=make_user("operator"), at=LATER, reason="mended its ways")


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


HEAD = "reference,shop,violation,imposed_at,status,ends_at,points,deposit_deducted\n"


def brought(points: str = "", deducted: str = "") -> Penalty:
    """A penalty that its platform imposed."""
    shop = make_shop()
    row = f"DY-9,{shop.code},V8,2026-03-01T10:00:00+08:00,imposed,,{points},{deducted}\n"
    assert bring("penalties", HEAD + row, at=AT).state == "applied"
    return Penalty.objects.get(shop=shop)


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


# Recorded


def test_nothing_is_done_before_it_was_asked() -> None:
    with pytest.raises(Refused, match="Nobody asked for it before 11 Mar 2026"):
        execution.record(cleared().pk, outcome="done", by=None, on=AT.date() - timedelta(days=1))


def test_what_the_platform_has_undone_is_recorded_once() -> None:
    asked = cleared("done")
    overturned(asked.penalty)
    asked = undone(asked)
    assert (asked.state, asked.executed_on) == ("undone", LATER.date())
    assert asked.reference == "DY-8"
    # When it had been done, history says.
    assert asked.history.order_by("-history_id")[1].executed_on == AT.date()
    with pytest.raises(Refused, match="already recorded as undone"):
        undone(asked)


def test_who_has_seen_something_else_records_nothing() -> None:
    asked = penalised(Measure(kind="restrict_live"), so_far="to_do")
    for change in (
        lambda: part_taken_back(asked, "clear"),
        lambda: as_far_as(asked, "done"),
        lambda: overturned(Penalty.objects.get(pk=asked.penalty_id)),
    ):
        seen = execution.looked_at(fresh(asked))
        change()
        with pytest.raises(Refused, match=r"is otherwise by now|already recorded"):
            execution.record(asked.pk, outcome="done", by=None, on=LATER.date(), seen=seen)


def test_what_was_done_before_a_part_was_taken_back_is_done_in_vain_as_far_as_that() -> None:
    on = {day: by_hand(Measure(kind="restrict_live"), Measure(kind="points", points=4)) for day in (0, 3)}
    for day, asked in on.items():
        part_taken_back(asked, "restrict_live")
        execution.record(asked.pk, outcome="done", by=None, on=AT.date() + timedelta(days=day))
    before, after = (fresh(asked) for asked in on.values())
    assert (before.state, execution.what(before)) == ("to_undo", ["Live selling is restricted"])
    assert (after.state, after.changes) == ("done", [])
    assert audit.verify_decisions() is None


def test_what_was_done_although_it_was_called_off_is_to_be_undone() -> None:
    asked = by_hand(Measure(kind="restrict_live"))
    overturned(asked.penalty)
    with pytest.raises(Refused, match=rf"called off: nothing of penalty {asked.penalty} is"):
        execution.record(asked.pk, outcome="failed", by=None, note="n")
    done = execution.record(asked.pk, outcome="done", by=None, on=AT.date())
    assert (done.state, execution.what(done)) == ("to_undo", ["Live selling is restricted"])
    assert audit.verify_decisions() is None


def test_what_had_run_out_before_it_was_recorded_is_done() -> None:
    end = AT + timedelta(days=1)
    asked = by_hand(Measure(kind="restrict_live", ends_at=end))
    penalising.run_timers(end)
    assert execution.record(asked.pk, outcome="done", by=None, on=AT.date()).state == "done"
    overturned(Penalty.objects.get(pk=asked.penalty_id))
    assert fresh(asked).state == "to_undo"
    assert audit.verify_decisions() is None


def test_what_was_lifted_and_then_done_as_far_as_it_is_left_is_done() -> None:
    asked = by_hand(Measure(kind="restrict_live"), Measure(kind="points", points=4))
    lifted(asked.penalty)
    assert execution.record(asked.pk, outcome="done", by=None, on=LATER.date()).state == "done"
    assert audit.verify_decisions() is None


def test_what_is_left_of_a_lifted_penalty_is_called_off_once_it_is_over() -> None:
    end = AT + timedelta(days=5)
    asked = by_hand(Measure(kind="restrict_live"), Measure(kind="points", points=4, ends_at=end))
    lifted(asked.penalty)
    assert fresh(asked).state == "to_do"
    penalising.run_timers(end)
    assert fresh(asked).state == "called_off"


def test_what_the_platform_could_not_undo_is_still_to_be_undone() -> None:
    asked = cleared("done")
    overturned(asked.penalty)
    with pytest.raises(Refused, match="why it failed"):
        execution.record(asked.pk, outcome="failed", by=None, note=" ")
    failed = execution.record(asked.pk, outcome="failed", by=None, note="page was down")
    assert (failed.state, failed.note) == ("to_undo", "page was down")
    assert (failed.executed_on, failed.reference) == (AT.date(), "DY-7")
    assert (undone(asked).state, fresh(asked).note) == ("undone", "")


def test_the_database_knows_that_of_what_an_execution_is_never_changes() -> None:
    asked, other = cleared(), cleared()
    for change in (
        {"shop": other.shop},
        {"product": make_product()},
        {"alliance": None},
        {"kind": "warn"},
        {"decision": None},
        {"penalty": None},
    ):
        with pytest.raises(IntegrityError, match="of what it is never changes"), transaction.atomic():
            Execution.objects.filter(pk=asked.pk).update(**change)


@pytest.mark.parametrize("state", ["to_undo", "undone"])
def test_the_database_knows_that_only_what_was_done_is_undone(state: str) -> None:
    asked = cleared()
    with (
        pytest.raises(IntegrityError, match="opsdesk_execution_done_has_a_date"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE opsdesk_execution SET state = %s WHERE id = %s", [state, asked.pk])


@pytest.mark.parametrize(
    ("state", "before", "says"),
    [
        ("to_do", "overturned", "is to_do on the platform, though its penalty was overturned"),
        ("done", "overturned", "is done on the platform, though its penalty was overturned"),
        ("done", "lifted", "is done on the platform, though its penalty was lifted"),
        ("called_off", "", "is called_off on the platform, though nothing of it was taken back"),
        ("to_undo", "", "is to_undo on the platform, though nothing of it was taken back"),
    ],
)
def test_verify_finds_what_does_not_follow(state: str, before: str, says: str) -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    if before:
        {"overturned": overturned, "lifted": lifted}[before](asked.penalty)
    Execution.objects.filter(pk=asked.pk).update(state=state, changes=[])
    assert says in (audit.verify_decisions() or "")


def test_verify_finds_an_overturned_penalty_that_the_platform_is_not_asked_to_undo() -> None:
    penalties.overturn(make_imposed(make_shop(), Measure(kind="warning")), by=None, at=LATER, reason="wrong")
    assert "is overturned, and the platform is not asked to undo it" in (audit.verify_decisions() or "")
