"""A penalty that bars nobody for a while: stayed, it stands, and what it closed stays closed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from shops.errors import Refused
from shops.locks import lock
from shops.models import Penalty
from shops.rights import require

if TYPE_CHECKING:
    from django.contrib.auth.models import User

STAY = "shops.stay_penalty"


@transaction.atomic
def stay(penalty: Penalty, *, by: User | None, at: datetime, reason: str) -> None:
    """Let a standing penalty keep nobody out, and suspend and restrict nothing, until the stay ends.

    What was done once and for all stays done: clearances, deductions, points; a serious violation bars for
    ever all the same. Refused without a reason, when the penalty does not stand, and when it is stayed.
    """
    require(by, STAY)
    lock(penalty)
    if penalty.status != Penalty.Status.IMPOSED:
        raise Refused(
            _("Penalty %(number)s is %(status)s: there is nothing to stay.")
            % {"number": penalty.case_number, "status": penalty.get_status_display()}
        )
    if penalty.stayed_at is not None:
        raise Refused(_("Penalty %(number)s is stayed already.") % {"number": penalty.case_number})
    if not reason.strip():
        raise Refused(_("A stay takes a reason."))
    penalty.stayed_at = at
    penalty.first_stayed_at = penalty.first_stayed_at or at
    penalty.save_by(by, f"stayed: {reason}")


@transaction.atomic
def end_stay(penalty: Penalty, *, by: User | None, reason: str) -> bool:
    """Let the penalty bar again what it bars. False, and nothing changes, where it is not stayed.

    Whoever was let in meanwhile is still inside: see bars.let_in_while_stayed, of which the caller files.
    It asks for no permission of its own: that a penalty has its effects is what everybody may expect.
    """
    lock(penalty)
    if penalty.stayed_at is None:
        return False
    penalty.stayed_at = None
    penalty.save_by(by, f"stay ended: {reason}")
    return True
