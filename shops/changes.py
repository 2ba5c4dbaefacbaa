"""A record as somebody last saw it: read anew under a lock, and whether it has changed since."""

from __future__ import annotations

from django.utils.translation import gettext as _

from shops.errors import Refused
from shops.models import Audited
from shops.texts import told_moment


def lock(record: Audited) -> None:
    """Read the record anew, and keep it until the transaction ends. Refused where it is gone."""
    model = type(record)
    try:
        record.refresh_from_db(from_queryset=model._default_manager.select_for_update(no_key=True))
    except model.DoesNotExist:
        raise Refused(_("It has been deleted in the meantime.")) from None


def latest_change(record: Audited) -> int:
    """The key of the newest history row: what a page that shows the record has seen."""
    return type(record).history.filter(id=record.pk).latest("history_id").history_id


def refuse_unless_seen(record: Audited, seen: int | None) -> None:
    """Refused, with who and when, where the record has changed after the history row `seen`."""
    if seen is None:
        return
    rows = type(record).history.filter(id=record.pk).select_related("history_user")
    last = rows.latest("history_id")
    if last.history_id != seen:
        raise Refused(
            _("%(who)s changed this on %(when)s, after you opened the page. Look at it again.")
            % {"who": last.history_user or _("The system"), "when": told_moment(last.history_date)}
        )
