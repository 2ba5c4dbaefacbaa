"""What a shop is told of a decision against it, or of a ruling: written with it, delivered later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from opsdesk import outcomes
from opsdesk.deadlines import as_told, in_time, said, told_at
from opsdesk.known import Known, known_of
from opsdesk.models import Appeal, AppealTerms, Channel, Notice
from opsdesk.parts import had_a_part
from opsdesk.wording import text_of
from shops import sql
from shops.calendar import deadline
from shops.errors import Refused
from shops.models import Measure, Penalty
from shops.rights import require
from shops.texts import as_written

if TYPE_CHECKING:
    from django.contrib.auth.models import User

DELIVER, ADMIT_LATE = "opsdesk.record_delivery", "opsdesk.admit_late_appeal"
# So many notices are worded and written in one transaction.
AT_ONCE = 1_000
# What of the terms each keeps by value, beside the days.
_ISSUED_BY = ("issuer_zh", "issuer_en", "contact_zh", "contact_en")


def write(penalty: Penalty, *, by: User | None, at: datetime) -> Notice:
    """Write what the shop is told of this penalty, in Chinese and in English, and keep it by value.

    Called by whatever has imposed it, in the same transaction; it asks for no permission of its own. A
    notice that is written already is returned as it is.
    """
    written = Notice.objects.filter(penalty=penalty).first()
    if written is not None:
        return written
    notice = _worded(penalty, known_of([penalty], at))
    notice.save_by(by, "notice written")
    return notice


def write_ruling(appeal: Appeal, *, by: User | None, at: datetime) -> Notice:
    """Write what the shop is told of this ruling, and keep it by value: see `write`."""
    written = Notice.objects.filter(appeal=appeal).first()
    if written is not None:
        return written
    terms = AppealTerms.current()
    notice = Notice(
        appeal=appeal,
        text_zh=outcomes.text_of(appeal, terms, "zh-hans", at),
        text_en=outcomes.text_of(appeal, terms, "en", at),
        **{name: getattr(terms, name) for name in _ISSUED_BY},
        written_at=at,
    )
    notice.save_by(by, "notice written")
    return notice


def _worded(penalty: Penalty, known: Known) -> Notice:
    appealable = penalty.pk in known.appealable
    return Notice(
        penalty=penalty,
        text_zh=text_of(penalty, known, "zh-hans"),
        text_en=text_of(penalty, known, "en"),
        **{name: getattr(known.terms, name) for name in _ISSUED_BY},
        first_days=known.terms.first_days if appealable else None,
        second_days=known.terms.second_days if appealable else None,
        written_at=known.at,
    )


def write_for_files(*, at: datetime) -> int:
    """Write what shops are told of penalties that files have brought as imposed; how many notices. What has
    ended by then is told nobody, as the first file may go back for years, unless points of it still count.

    Safe to run again, and at once. A penalty that somebody is at waits for the next time.
    """
    written, last = 0, 0
    while True:
        with transaction.atomic():
            penalties = list(_untold(at).filter(pk__gt=last)[:AT_ONCE])
            if not penalties:
                return written
            written += _write_all(penalties, at)
        last = penalties[-1].pk


def _untold(at: datetime) -> QuerySet[Penalty]:
    going_on = Measure.objects.active(at).filter(kind__in=Measure.ENDING, penalty=OuterRef("pk"))
    return (
        Penalty.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
        .filter(
            Q(Q(ends_at=None) | Q(ends_at__gt=at), status=Penalty.Status.IMPOSED) | Exists(going_on),
            batch__isnull=False,
            notice=None,
            status__in=Penalty.PENALISED,
        )
        .select_related("shop", "product", "alliance", "violation")
        .order_by("pk")
    )


def _write_all(penalties: Sequence[Penalty], at: datetime) -> int:
    known = known_of(penalties, at)
    notices = [_worded(penalty, known) for penalty in penalties]
    names = ("penalty_id", "text_zh", "text_en", *_ISSUED_BY, "first_days", "second_days")
    rows = [{name: getattr(notice, name) for name in names} for notice in notices]
    with sql.cursor() as cursor:
        return sql.write_with_history(
            cursor,
            Notice,
            "INSERT INTO opsdesk_notice (penalty_id, text_zh, text_en, issuer_zh, issuer_en, contact_zh,"
            " contact_en, first_days, second_days, written_at, channel, reference, corrected_because)"
            " SELECT r.*, %s, '', '', '' FROM jsonb_to_recordset(%s) AS r (penalty_id bigint, text_zh jsonb,"
            " text_en jsonb, issuer_zh text, issuer_en text, contact_zh text, contact_en text,"
            " first_days smallint, second_days smallint) ON CONFLICT (penalty_id) DO NOTHING",
            [at, Jsonb(rows)],
            change="+",
            by=None,
            reason="notice written",
            at=at,
        )


@transaction.atomic
def record_delivery(
    notice_id: int,
    *,
    channel: str,
    delivered_at: datetime,
    by: User | None,
    at: datetime,
    reference: str = "",
) -> Notice:
    """Record when and on which way the shop got the notice: its window to appeal counts from there.

    Refused for a second delivery, for an unknown way, and for a moment to come or before the decision.
    """
    require(by, DELIVER)
    notice = _locked(notice_id)
    if notice.delivered_at is not None:
        raise Refused(
            _("The delivery of this notice is on record already: %(channel)s on %(delivered)s.")
            % {"channel": notice.get_channel_display(), "delivered": said(notice.delivered_at)}
        )
    _deliver(notice, channel, delivered_at, reference, by=by, at=at)
    notice.save_by(by, "delivery recorded")
    return notice


@transaction.atomic
def correct_delivery(
    notice_id: int,
    *,
    channel: str,
    delivered_at: datetime,
    reason: str,
    by: User | None,
    at: datetime,
    reference: str = "",
) -> Notice:
    """Record the delivery anew, where it was recorded wrongly; appeals that were filed in time stay so.

    Refused like the first record, without a reason and without a delivery to correct. The window that the
    shop could count on ends earlier, and one that is over is opened again, only by the word of who may admit
    late appeals and had no part in the decision.
    """
    require(by, DELIVER)
    notice = _locked(notice_id)
    recorded = notice.delivered_at
    if recorded is None:
        raise Refused(_("No delivery of this notice is on record yet: record it."))
    if not as_written(reason):
        raise Refused(_("Say why the delivery is corrected."))
    _deliver(notice, channel, as_told(delivered_at, recorded), reference, by=by, at=at)
    assert notice.delivered_at is not None
    _refuse_to_move_the_window(notice, recorded.replace(microsecond=0), by=by, at=at)
    notice.corrected_at, notice.corrected_because = at, as_written(reason)
    notice.save_by(by, "delivery corrected")
    return notice


def _locked(notice_id: int) -> Notice:
    return Notice.objects.select_for_update(no_key=True, of=("self",)).get(pk=notice_id)


def _deliver(
    notice: Notice,
    channel: str,
    delivered_at: datetime,
    reference: str,
    *,
    by: User | None,
    at: datetime,
) -> None:
    earliest = _earliest(notice)
    delivered_at = as_told(delivered_at, earliest)
    if channel not in Channel.values:
        raise Refused(_("Say on which way the notice was delivered."))
    if delivered_at > at:
        raise Refused(_("A delivery is recorded once it has happened."))
    if delivered_at < earliest.replace(microsecond=0):
        raise Refused(_not_before(notice) % {"earliest": said(earliest)})
    notice.channel, notice.reference = channel, as_written(reference)
    # Windows are counted to the second, and forms tell no more.
    notice.delivered_at, notice.delivery_recorded_by = delivered_at.replace(microsecond=0), by


def _earliest(notice: Notice) -> datetime:
    """Before then there was nothing to deliver."""
    if notice.appeal is None:
        return told_at(notice.case, notice.written_at)
    assert notice.appeal.decided_at is not None
    return notice.appeal.decided_at


def _not_before(notice: Notice) -> str:
    if notice.appeal is not None:
        return _("The ruling is of %(earliest)s: its notice was not delivered before.")
    if notice.case.is_the_platforms:
        return _("The notice is of %(earliest)s: it was not delivered before.")
    return _("The decision is of %(earliest)s: its notice was not delivered before.")


def _refuse_to_move_the_window(notice: Notice, recorded: datetime, *, by: User | None, at: datetime) -> None:
    """`recorded`: the delivery that was on record, from which the shop's window counted until now."""
    delivered = notice.delivered_at
    assert delivered is not None
    if notice.appeal is not None:
        # From a ruling's delivery no window counts.
        return
    over = notice.first_days is not None and not in_time(at, deadline(recorded, notice.first_days))
    if delivered == recorded or (delivered > recorded and not over) or _may_move(by, notice.case):
        return
    if delivered < recorded:
        raise Refused(
            _(
                "The window counts from %(recorded)s. That it ends earlier is for a supervisor who had no"
                " part in the decision."
            )
            % {"recorded": said(recorded)}
        )
    raise Refused(
        _(
            "The window that counts from %(recorded)s is over. That it is opened again is for a supervisor"
            " who had no part in the decision."
        )
        % {"recorded": said(recorded)}
    )


def _may_move(by: User | None, penalty: Penalty) -> bool:
    if by is None:
        return True
    return by.has_perm(ADMIT_LATE) and not had_a_part(by, penalty)
