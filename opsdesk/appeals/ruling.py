"""How an appeal ends by the word of a judge who had no part in the decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from opsdesk import notices, remainders, staying, voiding
from opsdesk.appeals.guards import (
    DECIDE,
    a_person,
    locked_with_its_shop,
    refuse_unless_held,
    refuse_while_waiting,
    refuse_who_took_part,
)
from opsdesk.appeals.seen import refuse_unless_seen
from opsdesk.deadlines import Window, next_level, second_until, window_of
from opsdesk.models import ON_APPEAL, Appeal
from shops.errors import Refused
from shops.lessening import Less
from shops.rights import require
from shops.texts import as_written

if TYPE_CHECKING:
    from django.contrib.auth.models import User

State = Appeal.State


class NotRestored(Refused):
    """Not everything would be as before: `what`, in words. Somebody has to decide to rule all the same."""

    def __init__(self, what: list[str]) -> None:
        self.what = what
        super().__init__(_("Not everything would be as before: %(what)s.") % {"what": "; ".join(what)})


@transaction.atomic
def grant(
    appeal_id: int,
    *,
    reason: str,
    by: User | None,
    at: datetime,
    all_the_same: bool = False,
    seen: str | None = None,
) -> Appeal:
    """The decision was wrong: its penalty is overturned, every measure taken back, and open proposals that
    rest on it are withdrawn, all in one transaction.

    NotRestored where something would not be as before, of this shop or of what fell with the penalty, or
    where something stands that rests on it (`remainders`), unless `all_the_same`.
    Refused like every ruling: without reasons, to whoever had a part in the decision, to everybody but the
    holder, and while the shop may still answer. AlreadyOver where somebody was faster, and Unseen where
    something has come since the judge looked (`seen.looked_at`; None: he looked at no page).
    """
    appeal = _to_be_ruled_on(appeal_id, reason, by, at, seen)
    fallen = voiding.overturn(appeal.penalty, by=by, at=at, reason=ON_APPEAL)
    _rule(appeal, State.GRANTED, fallen, reason, all_the_same, by=by, at=at)
    return appeal


@transaction.atomic
def grant_in_part(
    appeal_id: int,
    *,
    measures: Iterable[int],
    reason: str,
    by: User | None,
    at: datetime,
    less: Mapping[int, Less] | None = None,
    all_the_same: bool = False,
    seen: str | None = None,
) -> Appeal:
    """The decision was right, but went too far: the chosen measures (their keys) are taken back, and others
    do `less`: fewer points, a smaller sum in fen, an earlier end.

    NotRestored, Refused, AlreadyOver and Unseen as for `grant`, and Refused where lessening.lessen_measures
    is: a ruling that takes back all that stands is a grant.
    """
    appeal = _to_be_ruled_on(appeal_id, reason, by, at, seen)
    penalty, asked, less = appeal.penalty, set(measures), dict(less or {})
    effective = penalty.measures.filter(applied_at__isnull=False, undone_at=None)
    chosen = list(effective.filter(pk__in=asked))
    if len(chosen) != len(asked) or effective.filter(pk__in=less).count() != len(less):
        raise Refused(_("Choose measures of this penalty that are in effect."))
    fallen = voiding.undo_measures(penalty, chosen, less=less, by=by, at=at, reason=ON_APPEAL)
    staying.end(penalty, by=by, at=at, reason=ON_APPEAL)
    appeal.lessened = fallen.lessened
    _rule(appeal, State.GRANTED_IN_PART, fallen, reason, all_the_same, by=by, at=at)
    return appeal


@transaction.atomic
def deny(
    appeal_id: int, *, reason: str, by: User | None, at: datetime, seen: str | None = None
) -> Window | None:
    """The decision stands. Returns until when the shop may go to the next level; None where none is left.

    Refused like every ruling.
    """
    appeal = _to_be_ruled_on(appeal_id, reason, by, at, seen)
    staying.end(appeal.penalty, by=by, at=at, reason=ON_APPEAL)
    _close(appeal, State.DENIED, reason, by=by, at=at)
    level = next_level(appeal.penalty)
    return window_of(appeal.penalty, level) if level else None


def _to_be_ruled_on(appeal_id: int, reason: str, by: User | None, at: datetime, seen: str | None) -> Appeal:
    require(by, DECIDE)
    judge = a_person(by)
    appeal = locked_with_its_shop(appeal_id)
    refuse_who_took_part(appeal, judge)
    refuse_unless_held(appeal, judge)
    refuse_while_waiting(appeal, at)
    if not as_written(reason):
        raise Refused(_("A ruling gives its reasons."))
    refuse_unless_seen(appeal, seen, judge)
    return appeal


def _rule(
    appeal: Appeal,
    state: Appeal.State,
    fallen: remainders.Fallen,
    reason: str,
    all_the_same: bool,
    *,
    by: User | None,
    at: datetime,
) -> None:
    left = remainders.of(fallen, at)
    if left and not all_the_same:
        raise NotRestored(remainders.told(left))
    appeal.taken_back = sorted(measure.pk for measure in fallen.taken_back)
    appeal.not_restored = left
    _close(appeal, state, reason, by=by, at=at)


def _close(appeal: Appeal, state: Appeal.State, reason: str, *, by: User | None, at: datetime) -> None:
    appeal.state, appeal.ruling = state, as_written(reason)
    appeal.decided_at, appeal.decided_by = at, by
    if state in Appeal.REJECTED and appeal.level < Appeal.LEVELS:
        appeal.next_until = second_until(appeal.penalty, at)
    appeal.save_by(by, f"appeal {state.value}")
    notices.write_ruling(appeal, by=by, at=at)
