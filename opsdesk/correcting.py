"""What was recorded of the platform by mistake is taken back, and recorded anew as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from opsdesk import following
from opsdesk.execution import EXECUTE
from opsdesk.models import Execution
from shops.errors import Refused
from shops.rights import require
from shops.texts import as_written

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# What a record of the platform says.
_SAID = ("state", "executed_on", "executed_by_id", "paused_on", "reference", "note", "changes")


@transaction.atomic
def take_back(execution_id: int, *, reason: str, by: User | None) -> Execution:
    """Take back what was last recorded of it: it is as it was before, and waits to be recorded anew.

    Refused without a reason, where nothing is recorded, and where something else has come since: what the
    platform is asked for by now goes from what was on record then.
    """
    require(by, EXECUTE)
    asked = Execution.objects.select_for_update(no_key=True, of=("self",)).get(pk=execution_id)
    if not as_written(reason):
        raise Refused(_("Say why the record is taken back."))
    if not can_be_taken_back(asked):
        raise Refused(_("What was recorded last is not what has changed it last: record what is so now."))
    before = _versions(asked)[1]
    for name in _SAID:
        setattr(asked, name, getattr(before, name))
    asked.save_by(by, f"record taken back: {as_written(reason)}")
    # Its time may be over by now.
    following.call_off_what_is_over(Execution.objects.filter(pk=asked.pk), by=by)
    asked.refresh_from_db()
    return asked


def can_be_taken_back(asked: Execution) -> bool:
    """Whether a record of the platform is the last that has become of it."""
    versions = _versions(asked)
    return len(versions) > 1 and versions[0].history_change_reason in Execution.RECORDS


def _versions(asked: Execution) -> list[Any]:
    """The newest, and the one before."""
    return list(asked.history.order_by("-history_id")[:2])
