"""How an appeal comes in: an officer records that a shop contests a penalty."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from opsdesk.appeals.evidence import ADD, Looked, Offered, lay, looked_into
from opsdesk.appeals.guards import FILE, name_of, say
from opsdesk.deadlines import Window, as_told, in_time, is_appealable, next_level, ruling_due, said, window_of
from opsdesk.exhibits import Shelf, shelf
from opsdesk.models import Appeal, AppealMessage, Channel
from opsdesk.notices import ADMIT_LATE
from rules.models import Proposal
from shops.errors import Refused
from shops.models import Penalty, Shop
from shops.quoting import number_in
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
            fileable(penalty, channel, statement, filed_at, by, at)
    with _handed_in(evidence, by) as looked, transaction.atomic(), shelf() as put:
        return file_looked_into(
            penalty=penalty,
            channel=channel,
            statement=statement,
            reference=reference,
            filed_at=filed_at,
            looked=looked,
            put=put,
            by=by,
            at=at,
        )


def file_looked_into(
    *,
    penalty: Penalty,
    channel: str,
    statement: str,
    reference: str,
    filed_at: datetime | date | None,
    looked: Sequence[Looked],
    put: Shelf,
    by: User | None,
    at: datetime,
) -> Appeal:
    """The same within a transaction and a shelf of the caller's, with files that were judged."""
    level, filed_at = fileable(penalty, channel, statement, filed_at, by, at)
    appeal = _record(penalty, level, channel, reference, statement, filed_at, by=by, at=at)
    lay(appeal, looked, put, by=by, at=at)
    return appeal


def fileable(
    penalty: Penalty,
    channel: str,
    statement: str,
    filed_at: datetime | date | None,
    by: User | None,
    at: datetime,
) -> tuple[int, datetime]:
    """The level and the moment of an appeal that can be filed now; holds its shop. Refused like `file`."""
    level, window, filed_at = _guard(penalty, channel, statement, filed_at or at, by, at)
    if not in_time(filed_at, window.until):
        raise TooLate(penalty, window, filed_at)
    return level, filed_at


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
            _fileable_late(penalty, channel, statement, reason, filed_at, by, at)
    with _handed_in(evidence, by) as looked, transaction.atomic(), shelf() as put:
        level, filed_at = _fileable_late(penalty, channel, statement, reason, filed_at, by, at)
        late = {"late_reason": as_written(reason)}
        appeal = _record(penalty, level, channel, reference, statement, filed_at, by=by, at=at, **late)
        lay(appeal, looked, put, by=by, at=at)
        return appeal


def _fileable_late(
    penalty: Penalty,
    channel: str,
    statement: str,
    reason: str,
    filed_at: datetime | date | None,
    by: User | None,
    at: datetime,
) -> tuple[int, datetime]:
    level, window, filed_at = _guard(penalty, channel, statement, filed_at or at, by, at)
    if in_time(filed_at, window.until):
        raise Refused(_("This appeal is in time and needs nobody's leave."))
    if not as_written(reason):
        raise Refused(_("Say why it is admitted although it comes too late."))
    if by is None:
        raise Refused(_("A person admits what comes too late."))
    return level, filed_at


def _handed_in(evidence: Sequence[Offered], by: User | None) -> AbstractContextManager[list[Looked]]:
    if evidence:
        require(by, ADD)
    return looked_into(evidence)


def case_of(text: str) -> Penalty | None:
    """The penalty that people quote so: by the desk's own number, else by the platform's."""
    number = number_in(text, "P")
    if number is not None and (own := Penalty.objects.filter(pk=number).first()):
        return own
    return Penalty.objects.filter(reference=text).exclude(reference="").first()


def _guard(
    penalty: Penalty, channel: str, statement: str, told: datetime | date, by: User | None, at: datetime
) -> tuple[int, Window, datetime]:
    """The level, its window and the moment of an appeal that could be filed, if it is in time."""
    # The shop stands for all that may become of it: a ruling on another appeal waits, or is seen here.
    Shop.objects.select_for_update(no_key=True).get(pk=penalty.shop_id)
    penalty.refresh_from_db(from_queryset=Penalty.objects.select_for_update(no_key=True))
    if channel not in Channel.values:
        raise Refused(_("Say on which way the shop appealed."))
    if not as_written(statement):
        raise Refused(_("An appeal says what the shop has to say."))
    level = _contested_level(penalty, by)
    window = window_of(penalty, level)
    # Before the delivery, too: the shop may have learnt of the decision by its effects.
    earliest = window.begins if level > 1 else penalty.imposed_at
    assert earliest is not None
    filed_at = as_told(told, earliest).replace(microsecond=0)
    if filed_at > at:
        raise Refused(_("An appeal of %(filed)s has not come in yet.") % {"filed": said(filed_at)})
    if filed_at < earliest.replace(microsecond=0):
        raise Refused(
            _("The decision is of %(decided)s: nobody could appeal against it on %(filed)s.")
            % {"decided": said(earliest), "filed": said(filed_at)}
        )
    return level, window, filed_at


def why_not_contested(penalty: Penalty, by: User) -> str:
    """What keeps this person from filing an appeal, whenever the shop came; empty: nothing."""
    try:
        _contested_level(penalty, by)
    except Refused as refusal:
        return str(refusal)
    return ""


def _contested_level(penalty: Penalty, by: User | None) -> int:
    """The level of an appeal that this person files."""
    names = {"case": penalty, "status": penalty.get_status_display()}
    if penalty.status not in Penalty.PENALISED:
        raise Refused(_("Penalty %(case)s is %(status)s: there is nothing to appeal against.") % names)
    if not is_appealable(penalty):
        raise Refused(_("Against a penalty for this violation there is no appeal."))
    open_one = Appeal.objects.filter(penalty=penalty, state__in=Appeal.OPEN).first()
    if open_one is not None:
        raise Refused(
            _("Appeal %(number)s against %(case)s is open already, filed on %(filed)s.")
            % {**names, "number": open_one.number, "filed": said(open_one.filed_at)}
        )
    level = next_level(penalty)
    if level is None:
        raise Refused(_("Both appeals against %(case)s were ruled on: there is no third.") % names)
    if by is not None and _begun(penalty, level).had_a_part(by):
        # He would speak for the shop against whom it appeals, and use up its right.
        raise Refused(
            _("%(who)s had a part in what this appeal is about: somebody else files it against %(case)s.")
            % {**names, "who": name_of(by)}
        )
    return level


def _begun(penalty: Penalty, level: int) -> Appeal:
    """An appeal with whoever had a part in what it contests; the trigger has the last word."""
    proposal = Proposal.objects.filter(penalty=penalty).defer("evidence").first()
    first = Appeal.objects.filter(penalty=penalty, level=1, state__in=Appeal.REJECTED).first()
    return Appeal(
        penalty=penalty,
        level=level,
        maker_id=penalty.imposed_by_id,
        approver_id=penalty.approved_by_id,
        proposer_id=proposal.filed_by_id if proposal else None,
        reporter_id=penalty.reported_by_id,
        confirmer_id=penalty.confirmed_by_id,
        first_judge_id=first.decided_by_id if first and level > 1 else None,
    )


def _record(
    penalty: Penalty,
    level: int,
    channel: str,
    reference: str,
    statement: str,
    filed_at: datetime,
    *,
    by: User | None,
    at: datetime,
    late_reason: str = "",
) -> Appeal:
    # Whole before it is saved: history is written from here.
    appeal = _begun(penalty, level)
    appeal.channel, appeal.reference = channel, as_written(reference)
    appeal.filed_at, appeal.filed_by = filed_at, by
    appeal.late_admitted_by, appeal.late_reason = by if late_reason else None, late_reason
    appeal.due_at = ruling_due(at)
    appeal.save_by(by, "appeal filed")
    say(appeal, AppealMessage.Kind.STATEMENT, as_written(statement), by=by, at=at)
    return appeal
