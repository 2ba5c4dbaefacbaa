"""What the platform has paused, and resumed, as it is recorded."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction

from opsdesk import appeals, audit, execution, pausing
from opsdesk.models import Execution
from shops.errors import NotAllowed, Refused
from shops.models import Measure, Penalty
from tests.factories import AT, make_imposed, make_shop, make_user
from tests.opsdesk.executing import (
    LATER,
    PAUSED_ON,
    STAYED_AT,
    by_hand,
    fresh,
    part_taken_back,
    paused,
    stayed,
    undone,
    unstayed,
)

pytestmark = pytest.mark.django_db


def test_what_the_platform_did_not_pause_is_still_to_be_paused_and_history_says_why() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    stayed(asked.penalty)
    asked = pausing.record(asked.pk, outcome="failed", by=None, note="page was down")
    assert (asked.turn, asked.state, asked.pause_note) == ("to_pause", "done", "page was down")
    asked = pausing.record(asked.pk, outcome="done", by=None, on=PAUSED_ON, reference="DY-8")
    reasons = list(asked.history.order_by("history_id").values_list("history_change_reason", flat=True))
    assert reasons[-3:] == ["stayed", "not paused", "paused"]
    assert (asked.reference, asked.pause_reference, asked.pause_note) == ("DY-7", "DY-8", "")


def test_what_the_platform_has_not_resumed_still_waits() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    unstayed(paused(asked))
    asked = pausing.record(asked.pk, outcome="failed", by=None, note="page was down")
    assert (fresh(asked).turn, fresh(asked).paused_on) == ("to_go_on", PAUSED_ON)


def test_why_it_was_not_paused_is_told_no_longer_once_the_stay_ends() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    appeal = stayed(asked.penalty)
    pausing.record(asked.pk, outcome="failed", by=None, note="page was down")
    unstayed(appeal)
    assert (fresh(asked).turn, fresh(asked).pause_note) == (None, "")


def test_what_was_paused_before_the_stay_ended_is_recorded_after_that_and_is_to_go_on() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    unstayed(stayed(asked.penalty))
    with pytest.raises(Refused, match="Nobody asks the platform for that"):
        pausing.record(asked.pk, outcome="failed", by=None, note="page was down")
    asked = pausing.record(asked.pk, outcome="done", by=None, on=PAUSED_ON)
    assert (asked.turn, asked.paused_on) == ("to_go_on", PAUSED_ON)


def test_what_went_on_before_it_was_stayed_anew_is_recorded_after_that_and_is_to_be_paused() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    appeal = paused(asked)
    unstayed(appeal)
    appeals.stay(appeal.pk, reason="doubts", by=make_user("supervisor"), at=LATER + timedelta(hours=1))
    assert fresh(asked).turn is None
    asked = pausing.record(asked.pk, outcome="done", by=None, on=LATER.date())
    assert (asked.turn, asked.is_paused) == ("to_pause", False)
    with pytest.raises(Refused, match="It was not paused again before it was resumed, on 13 Mar 2026"):
        pausing.record(asked.pk, outcome="done", by=None, on=PAUSED_ON)


def test_nothing_is_paused_before_it_was_stayed_nor_resumed_before_it_was_paused() -> None:
    asked = by_hand(Measure(kind="restrict_live"))
    stayed(asked.penalty)
    execution.record(asked.pk, outcome="done", by=None, on=PAUSED_ON)
    with pytest.raises(Refused, match="It was not paused before it was done, on 12 Mar 2026"):
        pausing.record(asked.pk, outcome="done", by=None, on=AT.date())
    with pytest.raises(Refused, match="Say on which day"):
        pausing.record(asked.pk, outcome="done", by=None)
    with pytest.raises(Refused, match="Say why it failed"):
        pausing.record(asked.pk, outcome="failed", by=None, note=" ")
    pausing.record(asked.pk, outcome="done", by=None, on=LATER.date())
    with pytest.raises(Refused, match="It was not resumed before it was paused, on 13 Mar 2026"):
        pausing.record(asked.pk, outcome="done", by=None, on=PAUSED_ON)


def test_what_the_platform_paused_from_the_first_stay_on_is_recorded_also_after_it() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    unstayed(stayed(asked.penalty))
    with pytest.raises(Refused, match="Nobody asked for it before 12 Mar 2026"):
        pausing.record(asked.pk, outcome="done", by=None, on=AT.date())
    for day in (STAYED_AT.date(), LATER.date() + timedelta(days=1)):
        with transaction.atomic():
            assert pausing.record(asked.pk, outcome="done", by=None, on=day).turn == "to_go_on"
            transaction.set_rollback(True)


def test_the_day_of_an_undoing_is_not_that_of_the_doing() -> None:
    asked = by_hand(Measure(kind="restrict_live"), Measure(kind="points", points=4), so_far="done")
    part_taken_back(asked, "points")
    undone(asked)
    asked = fresh(asked)
    assert asked.executed_on == LATER.date()
    stayed(asked.penalty)
    assert pausing.record(asked.pk, outcome="done", by=None, on=PAUSED_ON).paused_on == PAUSED_ON


def test_what_is_done_although_it_is_stayed_is_asked_for_since_it_was_recorded() -> None:
    asked = by_hand(Measure(kind="restrict_live"))
    stayed(asked.penalty)
    with time_machine.travel(LATER, tick=False):
        execution.record(asked.pk, outcome="done", by=None, on=PAUSED_ON)
    assert (fresh(asked).turn, fresh(asked).stay_at) == ("to_pause", LATER)


def test_what_was_never_stayed_is_not_paused() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    with pytest.raises(Refused, match="Nothing of it goes on"):
        pausing.record(asked.pk, outcome="done", by=None, on=PAUSED_ON)


def test_it_takes_whoever_may_record() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    stayed(asked.penalty)
    with pytest.raises(NotAllowed):
        pausing.record(asked.pk, outcome="done", by=make_user("auditor"), on=PAUSED_ON)


def test_who_looked_before_the_stay_began_records_nothing() -> None:
    asked = by_hand(Measure(kind="restrict_live"))
    seen = execution.looked_at(fresh(asked))
    stayed(asked.penalty)
    with pytest.raises(Refused, match="is otherwise by now"):
        execution.record(asked.pk, outcome="done", by=None, on=PAUSED_ON, seen=seen)


def test_who_looked_before_the_stay_ended_records_nothing() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    appeal = stayed(asked.penalty)
    seen = execution.looked_at(fresh(asked))
    unstayed(appeal)
    with pytest.raises(Refused, match="is otherwise by now"):
        pausing.record(asked.pk, outcome="done", by=None, on=PAUSED_ON, seen=seen)


def test_the_database_knows_that_only_what_was_done_is_paused() -> None:
    asked = by_hand(Measure(kind="restrict_live"))
    with (
        pytest.raises(IntegrityError, match="opsdesk_execution_paused_was_done"),
        transaction.atomic(),
    ):
        Execution.objects.filter(pk=asked.pk).update(paused_on=PAUSED_ON)


@pytest.mark.parametrize("paused_on", [None, LATER.date()])
def test_the_database_knows_that_only_what_was_paused_before_is_resumed(paused_on: date | None) -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    with (
        pytest.raises(IntegrityError, match="opsdesk_execution_resumed_was_paused_before"),
        transaction.atomic(),
    ):
        Execution.objects.filter(pk=asked.pk).update(paused_on=paused_on, resumed_on=PAUSED_ON)


def test_verify_finds_a_pause_without_a_stay_and_a_stay_that_nobody_is_told_of() -> None:
    asked = by_hand(Measure(kind="restrict_live"), so_far="done")
    Execution.objects.filter(pk=asked.pk).update(paused_on=PAUSED_ON)
    assert "though its penalty was never stayed" in str(audit.verify_decisions())
    Execution.objects.filter(pk=asked.pk).update(paused_on=None)
    penalty = make_imposed(make_shop(), Measure(kind="close"))
    Penalty.objects.filter(pk=penalty.pk).update(stayed_at=STAYED_AT, first_stayed_at=STAYED_AT)
    assert f"penalty {penalty.pk} is stayed, and" in str(audit.verify_decisions())
