"""How an appeal comes in: an officer records that a shop contests a penalty."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from opsdesk.appeals.contests import Contest, held
from opsdesk.appeals.evidence import ADD, Looked, Offered, lay, looked_into
from opsdesk.appeals.guards import FILE, say
from opsdesk.deadlines import Window, as_told, in_time, ruling_due, said
from opsdesk.exhibits import Shelf, shelf
from opsdesk.models import Appeal, AppealMessage, Channel
from opsdesk.notices import ADMIT_LATE
from shops.errors import Refused
from shops.models import Penalty
from shops.rights import require
from shops.texts import as_written

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class TooLate(Refused):
    """The shop came outside its window; a supervisor may admit it all the same."""

    def __init__(self, penalty: Penalty, window: Window, filed_at: datetime) -> None:
        self.window = window
        super().__init__(
            _("Out of time: an appeal against %(case)s could be filed %(window)s; this one is of %(filed)s.")
            % {"case": penalty, "window": window, "filed": said(filed_at)}
        )


def file(
    *,
    penalty: Penalty,
    channel: str,
    statement: str,
    by: User | None,
    at: datetime,
    reference: str = "",
    filed_at: datetime | date | None = None,
    evidence: Sequence[Offered] = (),
) -> Appeal:
    """Record that the shop appealed at `filed_at` (None: at this moment; a day: as deadlines.as_told reads
    it), with what it says and hands in.

    Refused without a statement, and for the first of: the penalty doesn't stand to be appealed against,
    an appeal is open, no level is left, whoever files had a part in what is contested, the moment lies in the
    future; then like `evidence.add`. TooLate outside the window.
    """
    require(by, FILE)
    if evidence:
        # Before anything is drawn for it; and once more below, under the lock.
        with transaction.atomic():
            fileable(_held(penalty), channel, statement, filed_at, by, at)
    with _handed_in(evidence, by) as looked, transaction.atomic(), shelf() as put:
        return file_looked_into(
            contest=_held(penalty),
            channel=channel,
            statement=statement,
            reference=reference,
            filed_at=filed_at,
            due_at=ruling_due(at),
            looked=looked,
            put=put,
            by=by,
            at=at,
        )


def file_looked_into(
    *,
    contest: Contest,
    channel: str,
    statement: str,
    reference: str,
    filed_at: datetime | date | None,
    due_at: datetime,
    looked: Sequence[Looked],
    put: Shelf,
    by: User | None,
    at: datetime,
) -> Appeal:
    """The same within a transaction and a shelf of the caller's, who holds the contest, with files that were
    judged. `due_at`: until when it is to be ruled on.
    """
    _level, filed_at = fileable(contest, channel, statement, filed_at, by, at)
    appeal = _record(contest, channel, reference, statement, filed_at, due_at, by=by, at=at)
    lay(appeal, looked, put, by=by, at=at)
    return appeal


def fileable(
    contest: Contest,
    channel: str,
    statement: str,
    filed_at: datetime | date | None,
    by: User | None,
    at: datetime,
) -> tuple[int, datetime]:
    """The level and the moment of an appeal that can be filed now. Refused like `file`."""
    window, filed_at = _guard(contest, channel, statement, filed_at or at, by, at)
    if not in_time(filed_at, window.until):
        raise TooLate(contest.penalty, window, filed_at)
    return window.level, filed_at


def admit_late(
    *,
    penalty: Penalty,
    channel: str,
    statement: str,
    reason: str,
    by: User | None,
    at: datetime,
    reference: str = "",
    filed_at: datetime | date | None = None,
    evidence: Sequence[Offered] = (),
) -> Appeal:
    """File an appeal that came outside its window, by a supervisor's leave.

    Refused like `file`, without a reason, when it is in time after all, and to the system itself.
    """
    require(by, ADMIT_LATE)
    if evidence:
        with transaction.atomic():
            _fileable_late(_held(penalty), channel, statement, reason, filed_at, by, at)
    with _handed_in(evidence, by) as looked, transaction.atomic(), shelf() as put:
        contest = _held(penalty)
        filed_at = _fileable_late(contest, channel, statement, reason, filed_at, by, at)
        appeal = _record(
            contest,
            channel,
            reference,
            statement,
            filed_at,
            ruling_due(at),
            by=by,
            at=at,
            late_reason=as_written(reason),
        )
        lay(appeal, looked, put, by=by, at=at)
        return appeal


def _fileable_late(
    contest: Contest,
    channel: str,
    statement: str,
    reason: str,
    filed_at: datetime | date | None,
    by: User | None,
    at: datetime,
) -> datetime:
    window, filed_at = _guard(contest, channel, statement, filed_at or at, by, at)
    if in_time(filed_at, window.until):
        raise Refused(_("This appeal is in time and needs nobody's leave."))
    if not as_written(reason):
        raise Refused(_("Say why it is admitted although it comes too late."))
    if by is None:
        raise Refused(_("A person admits what comes too late."))
    return filed_at


def _held(penalty: Penalty) -> Contest:
    return held([penalty])[penalty.pk]


def _handed_in(evidence: Sequence[Offered], by: User | None) -> AbstractContextManager[list[Looked]]:
    if evidence:
        require(by, ADD)
    return looked_into(evidence)


def _guard(
    contest: Contest, channel: str, statement: str, told: datetime | date, by: User | None, at: datetime
) -> tuple[Window, datetime]:
    """The window and the moment of an appeal that could be filed, if it is in time."""
    if channel not in Channel.values:
        raise Refused(_("Say on which way the shop appealed."))
    if not as_written(statement):
        raise Refused(_("An appeal says what the shop has to say."))
    window = contest.refuse_unless_filed_by(by)
    # Before the delivery, too: the shop may have learnt of the decision by its effects.
    earliest = window.begins if window.level > 1 else contest.penalty.imposed_at
    assert earliest is not None
    filed_at = as_told(told, earliest).replace(microsecond=0)
    if filed_at > at:
        raise Refused(_("An appeal of %(filed)s has not come in yet.") % {"filed": said(filed_at)})
    if filed_at < earliest.replace(microsecond=0):
        raise Refused(
            _("The decision is of %(decided)s: nobody could appeal against it on %(filed)s.")
            % {"decided": said(earliest), "filed": said(filed_at)}
        )
    return window, filed_at


def _record(
    contest: Contest,
    channel: str,
    reference: str,
    statement: str,
    filed_at: datetime,
    due_at: datetime,
    *,
    by: User | None,
    at: datetime,
    late_reason: str = "",
) -> Appeal:
    # Whole before it is saved: history is written from here.
    appeal = contest.begun()
    appeal.channel, appeal.reference = channel, as_written(reference)
    appeal.filed_at, appeal.filed_by = filed_at, by
    appeal.late_admitted_by, appeal.late_reason = by if late_reason else None, late_reason
    appeal.due_at = due_at
    appeal.save_by(by, "appeal filed")
    say(appeal, AppealMessage.Kind.STATEMENT, as_written(statement), by=by, at=at)
    return appeal
