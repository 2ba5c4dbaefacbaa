"""What the platform pauses while a penalty is stayed, and resumes once it is so no longer."""

from __future__ import annotations

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
    asked for then. Refused where nothing goes on, without the day, for one before it was first stayed, done,
    or paused, for a failure of what nobody asks for or without its reason, and like execution.record.
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
    _refuse_before_its_time(asked, on)
    if was_paused:
        asked.resumed_on = on
    else:
        asked.paused_on, asked.resumed_on = on, None
    asked.pause_reference = reference.strip()
    asked.stay_at = timezone.now() if asked.turn is not None else None
    asked.save_by(by, Execution.GOES_ON if was_paused else Execution.PAUSED)
    return asked


def _refuse_before_its_time(asked: Execution, on: date) -> None:
    assert asked.penalty is not None and asked.penalty.first_stayed_at is not None
    if asked.is_paused:
        _refuse_before(asked.paused_on, on, _("It was not resumed before it was paused, on %(day)s."))
        return
    # Also on a day after a stay has ended: the platform may not have known. Of what is to be undone, or was,
    # that may be the day of the undoing.
    was_done = asked.executed_on if asked.state == State.DONE else None
    _refuse_before(was_done, on, _("It was not paused before it was done, on %(day)s."))
    resumed = _("It was not paused again before it was resumed, on %(day)s.")
    _refuse_before(asked.resumed_on, on, resumed)
    _refuse_before(localdate(asked.penalty.first_stayed_at), on, _("Nobody asked for it before %(day)s."))


def _refuse_before(day: date | None, on: date, told: str) -> None:
    if day is not None and on < day:
        raise Refused(told % {"day": date_format(day)})


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
