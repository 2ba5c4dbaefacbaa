"""What a shop is told of a decision against it: written with the decision, its delivery recorded later."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from opsdesk.deadlines import said
from opsdesk.models import Channel, Notice
from opsdesk.wording import Known, known_of, text_of
from shops.errors import Refused
from shops.models import Penalty
from shops.rights import require

if TYPE_CHECKING:
    from django.contrib.auth.models import User

DELIVER = "opsdesk.record_delivery"


def write(penalty: Penalty, *, by: User | None, at: datetime) -> Notice:
    """Write what the shop is told of this penalty, in Chinese and in English, and keep it by value.

    Called by whatever has imposed it, in the same transaction; it asks for no permission of its own. A
    notice that is written already is returned as it is.
    """
    written = Notice.objects.filter(penalty=penalty).first()
    if written is not None:
        return written
    notice = _worded(penalty, known_of([penalty]), at)
    notice.save_by(by, "notice written")
    return notice


def _worded(penalty: Penalty, known: Known, at: datetime) -> Notice:
    appealable = penalty.pk in known.appealable
    return Notice(
        penalty=penalty,
        text_zh=text_of(penalty, known, "zh-hans"),
        text_en=text_of(penalty, known, "en"),
        first_days=known.terms.first_days if appealable else None,
        second_days=known.terms.second_days if appealable else None,
        written_at=at,
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
    notice = Notice.objects.select_for_update(no_key=True, of=("self",)).get(pk=notice_id)
    if notice.delivered_at is not None:
        raise Refused(
            _("The delivery of this notice is on record already: %(channel)s on %(delivered)s.")
            % {"channel": notice.get_channel_display(), "delivered": said(notice.delivered_at)}
        )
    if channel not in Channel.values:
        raise Refused(_("Say on which way the notice was delivered."))
    if delivered_at > at:
        raise Refused(_("A delivery is recorded once it has happened."))
    if notice.penalty.imposed_at is not None and delivered_at < notice.penalty.imposed_at.replace(
        microsecond=0
    ):
        raise Refused(
            _("The decision is of %(decided)s: its notice was not delivered before.")
            % {"decided": said(notice.penalty.imposed_at)}
        )
    notice.channel, notice.reference = channel, reference.replace("\x00", "").strip()
    notice.delivered_at, notice.delivery_recorded_by = delivered_at, by
    notice.save_by(by, "delivery recorded")
    return notice
