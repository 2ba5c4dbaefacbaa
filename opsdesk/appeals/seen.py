"""What a judge had before him when he began to write, and what has come to it since."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Max, QuerySet
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from opsdesk.appeals.evidence import VIEW
from opsdesk.appeals.pieces import ASSIGNED
from opsdesk.deadlines import said
from opsdesk.models import Appeal, Evidence
from shops.errors import Refused
from shops.rights import name_of

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# Of a text that has come: the whole stands on the appeal's page.
QUOTED = 200


class Unseen(Refused):
    """Something has come since the judge looked: `came` in words. `now` names all that there is with it."""

    def __init__(self, came: list[str], now: str) -> None:
        self.came, self.now = came, now
        super().__init__(
            _("This has come since you looked: %(what)s. Look at it, then send your reasons again.")
            % {"what": "; ".join(came)}
        )


def looked_at(appeal: Appeal) -> str:
    """Names all that a judge has before him: it is another once something is said, comes, or is struck."""
    word = appeal.messages.aggregate(newest=Max("pk"))["newest"] or 0
    piece = _pieces(appeal).aggregate(newest=Max("history_id"))["newest"] or 0
    return f"{word}-{piece}"


def refuse_unless_seen(appeal: Appeal, seen: str | None, judge: User) -> None:
    """Unseen where `seen` names less than there is on the appeal, which is locked; None: nobody has looked at
    a page. Who may not see evidence is told by whom it is and of when, and nothing of what it is.
    """
    if seen is None or seen == (now := looked_at(appeal)):
        return
    # Whatever somebody has made of it, he has seen nothing.
    word, piece = map(int, seen.split("-")) if re.fullmatch(r"[0-9]{1,18}-[0-9]{1,18}", seen) else (0, 0)
    said_since = appeal.messages.filter(pk__gt=word).select_related("by").order_by("pk")
    came = [_told(one.get_kind_display(), one.text, one.by, one.at) for one in said_since]
    sees = judge.has_perm(VIEW)
    came += [
        _told(_("evidence struck"), str(one) if sees else "", one.struck_by, one.struck_at)
        if one.struck_at
        else _told(_("evidence"), one.text or one.name if sees else "", one.added_by, one.added_at)
        for row in _pieces(appeal).filter(history_id__gt=piece).order_by("history_id")
        for one in [row.instance]
    ]
    raise Unseen(came, now)


def _pieces(appeal: Appeal) -> QuerySet:
    """Each piece of evidence as it came, and as it was struck. That it answers some item is nothing new."""
    own = Evidence.history.filter(id__in=Evidence.objects.filter(appeal=appeal).values("pk"))
    return own.exclude(history_change_reason=ASSIGNED)


def _told(what: str, text: str, by: User | None, at: datetime) -> str:
    told = _("%(what)s by %(who)s on %(when)s: “%(text)s”") if text else _("%(what)s by %(who)s on %(when)s")
    return told % {
        "what": what,
        "who": name_of(by),
        "when": said(at),
        "text": Truncator(text).chars(QUOTED),
    }
