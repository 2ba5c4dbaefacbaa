"""What the platform is asked for, and what is recorded of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from opsdesk import audit, execution, penalising
from opsdesk.models import Execution
from shops import penalties
from shops.errors import Refused
from shops.models import Measure, Penalty, Violation
from tests.factories import (
    AT,
    make_imposed,
    make_product,
    make_shop,
    make_user,
)
from tests.opsdesk.executing import (
    LATER,
    as_far_as,
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

pytestmark = pytest.mark.django_db


# Imposed without a proposal


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
