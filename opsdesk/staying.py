"""A penalty is stayed, and the stay ends: what follows from either is filed at once."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from opsdesk import following
from rules import casework
from shops import stays

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from shops.models import Penalty


@transaction.atomic
def begin(penalty: Penalty, *, by: User | None, at: datetime, reason: str) -> None:
    """Stay the penalty, withdraw what is proposed because it bars, and have the platform pause what lasts of
    it. Refused where stays.stay is.
    """
    stays.stay(penalty, by=by, at=at, reason=reason)
    following.follow_stay(penalty, by=by, at=at)
    casework.file_from_facts(at=at, by=by, shops=[penalty.shop])


@transaction.atomic
def end(penalty: Penalty, *, by: User | None, at: datetime, reason: str) -> bool:
    """End the stay, propose to clear the shop where it was let in meanwhile and is barred again (R5), and
    have the platform go on with what lasts. False, and nothing changes, where the penalty is not stayed.
    """
    if not stays.end_stay(penalty, by=by, reason=reason):
        return False
    following.follow_stay(penalty, by=by, at=at)
    casework.file_from_facts(at=at, by=by, shops=[penalty.shop])
    return True
