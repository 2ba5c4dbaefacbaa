"""What was recorded of the platform by mistake is taken back, and recorded anew as it was."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from opsdesk import following
from opsdesk.execution import EXECUTE, held, refuse_unless_seen
from opsdesk.models import Execution
from shops.errors import Refused
from shops.rights import require
from shops.texts import as_written

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@transaction.atomic
def take_back(execution_id: int, *, reason: str, by: User | None, seen: str | None = None) -> Execution:
    """Take back what was last recorded of it: what is on record is as it was before. A record before that can
    be taken back after it.

    Refused without a reason, where nothing is recorded, where something was taken back or lifted since, from
    which on something else is asked for, and to whoever has `seen` something else (`execution.looked_at`).
    """
    require(by, EXECUTE)
    asked = held(execution_id)
    if not as_written(reason):
        raise Refused(_("Say why the record is taken back."))
    refuse_unless_seen(asked, seen)
    found = last_record(asked)
    if found is None:
        raise Refused(_("Nothing is recorded of it that could be taken back, or something has come of that."))
    _record, before = found
    for name in Execution.RECORDED_OF_IT:
        setattr(asked, name, getattr(before, name))
    asked.stay_at = None if asked.turn is None else asked.stay_at or timezone.now()
    asked.save_by(by, f"{Execution.TAKEN_BACK}: {as_written(reason)}")
    # Its time may be over by now.
    following.call_off_what_is_over(Execution.objects.filter(pk=asked.pk), by=by)
    asked.refresh_from_db()
    return asked


def last_record(asked: Execution) -> tuple[Any, Any] | None:
    """What was last recorded of it and not taken back, as history has it, and what it was before; None where
    nothing was, or something other than a stay has come since.
    """
    taken_back = 0
    for version, before in pairwise(asked.history.select_related("history_user").order_by("-history_id")):
        reason = version.history_change_reason or ""
        if reason.startswith(Execution.TAKEN_BACK):
            taken_back += 1
        elif reason in Execution.RECORDS and taken_back:
            taken_back -= 1
        elif reason in Execution.RECORDS:
            return version, before
        elif reason not in (Execution.STAYED, Execution.STAY_ENDED):
            return None
    return None
