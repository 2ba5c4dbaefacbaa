"""What the platform pauses while a penalty is stayed, and resumes once it is so no longer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from opsdesk.execution import EXECUTE, State, held, refuse_unless_said
from opsdesk.models import Execution
from shops import measures as effects
from shops.errors import Refused
from shops.rights import require

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Turn = Execution.Turn


@transaction.atomic
def record(
    execution_id: int,
    *,
    outcome: str,
    by: User | None,
    on: date | None = None,
    reference: str = "",
    note: str = "",
    seen: str | None = None,
) -> Execution:
    """Record that the platform has paused what goes on of it; where that is paused, that it has resumed it:
    "done" on a day, or "failed" with a note.

    Also what it did before a stay has ended, or has begun anew, and nobody had recorded: the opposite is
    asked for then. Refused where nothing goes on, without the day, for one on which it was not stayed, was
    not done yet, or was not paused yet, for a failure of what nobody asks for or without its reason, and
    like execution.record.
    """
    require(by, EXECUTE)
    asked = held(execution_id)
    if not asked.can_be_paused:
        raise Refused(_("Nothing of it goes on that a stay lets rest."))
    refuse_unless_said(asked, outcome, seen)
    was_paused = asked.is_paused
    asked.pause_note = ""
    if outcome == State.FAILED:
        if asked.turn is None:
            raise Refused(_("Nobody asks the platform for that."))
        if not note.strip():
            raise Refused(_("Say why it failed."))
        asked.pause_note = note.strip()
        asked.save_by(by, Execution.NOT_GOING_ON if was_paused else Execution.NOT_PAUSED)
        return asked
    if on is None:
        raise Refused(_("Say on which day it was done."))
    _refuse_but_in_its_time(asked, on)
    if was_paused:
        asked.resumed_on = on
    else:
        asked.paused_on, asked.resumed_on = on, None
    asked.pause_reference = reference.strip()
    asked.stay_at = timezone.now() if asked.turn is not None else None
    asked.save_by(by, Execution.GOES_ON if was_paused else Execution.PAUSED)
    return asked


def _refuse_but_in_its_time(asked: Execution, on: date) -> None:
    """A pause falls into a stay, after the doing and what was resumed before; resumed is what was paused."""
    if asked.is_paused:
        if asked.paused_on is not None and on < asked.paused_on:
            told = _("It was not resumed before it was paused, on %(day)s.")
            raise Refused(told % {"day": date_format(asked.paused_on)})
        return
    was_done = asked.executed_on if asked.state != State.UNDONE else None
    for day, told in (
        (was_done, _("It was not paused before it was done, on %(day)s.")),
        (asked.resumed_on, _("It was not paused again before it was resumed, on %(day)s.")),
    ):
        if day is not None and on < day:
            raise Refused(told % {"day": date_format(day)})
    if not any(first <= on <= last for first, last in _stays(asked)):
        raise Refused(_("The penalty was not stayed on %(day)s.") % {"day": date_format(on)})


def _stays(asked: Execution) -> Iterator[tuple[date, date]]:
    """From when until when its penalty was stayed, each time; one that has not ended, until today."""
    assert asked.penalty is not None
    began = None
    versions = asked.penalty.history.order_by("history_id").values_list("stayed_at", "history_date")
    for stayed_at, written in versions:
        if began is not None and stayed_at != began:
            yield localdate(began), localdate(written)
        began = stayed_at
    if began is not None:
        yield localdate(began), localdate()


def what(asked: Execution) -> list[str]:
    """What goes on of it, or rests, measure by measure in words; empty where that is the case as a whole."""
    return [effects.did(one) for one in asked.going_on()]


def told(asked: Execution) -> str:
    """What a stay means for it, or the end of one; empty where it means nothing."""
    is_stayed = asked.penalty is not None and asked.penalty.stayed_at is not None
    if is_stayed and asked.state in Execution.NOT_DONE:
        return _("The penalty is stayed: until that ends, nothing of it is to be done.")
    paused = asked.paused_on and date_format(asked.paused_on)
    match asked.turn:
        case Turn.PAUSE:
            return _("The penalty is stayed: have it paused on the platform until that ends.")
        case Turn.GO_ON:
            return _("Paused since %(day)s, and the stay has ended: have the platform resume it.") % {
                "day": paused
            }
    if asked.is_paused:
        return _("The penalty is stayed, and it is paused since %(day)s.") % {"day": paused}
    return ""
