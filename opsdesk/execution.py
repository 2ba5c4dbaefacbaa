"""What the platform has done of what was decided."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from opsdesk.models import Decision
from shops.errors import Refused
from shops.rights import require

if TYPE_CHECKING:
    from django.contrib.auth.models import User

EXECUTE = "opsdesk.record_execution"


@transaction.atomic
def record(
    decision_id: int,
    *,
    outcome: str,
    by: User | None,
    on: date | None = None,
    reference: str = "",
    note: str = "",
) -> Decision:
    """Record whether the platform has done what was decided: "done" on a day, or "failed" with a note.

    A failure can be followed by another try. Refused for a rejected proposal, for what is done already,
    without the day, or without the reason of a failure.
    """
    require(by, EXECUTE)
    decision = Decision.objects.select_for_update(no_key=True).get(pk=decision_id)
    if decision.verdict != Decision.Verdict.ACCEPTED:
        raise Refused(_("A rejected proposal has nothing to be done on the platform."))
    if decision.execution == Decision.Execution.DONE:
        raise Refused(_("This is already recorded as done on the platform."))
    if outcome not in (Decision.Execution.DONE, Decision.Execution.FAILED):
        raise Refused(_("What the platform did is either done or failed."))
    if outcome == Decision.Execution.DONE and on is None:
        raise Refused(_("Say on which day it was done."))
    if outcome == Decision.Execution.FAILED and not note.strip():
        raise Refused(_("Say why it failed."))
    decision.execution = outcome
    decision.executed_on, decision.executed_by = on, by
    decision.execution_reference = reference.strip()
    decision.execution_note = note.strip()
    decision.save_by(by, outcome)
    return decision
