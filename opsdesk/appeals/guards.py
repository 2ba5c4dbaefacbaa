"""What every step of an appeal asks first."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from opsdesk import voiding
from opsdesk.deadlines import said, still_waits
from opsdesk.models import Appeal, AppealMessage
from shops.errors import Refused
from shops.rights import name_of

if TYPE_CHECKING:
    from django.contrib.auth.models import User

FILE, WORK, DECIDE = "opsdesk.file_appeal", "opsdesk.work_appeal", "opsdesk.decide_appeal"


class AlreadyOver(Refused):
    """Somebody was faster, or the shop has withdrawn: its text says who, what and when."""

    def __init__(self, appeal: Appeal) -> None:
        self.appeal = appeal
        newest = appeal.history.order_by("-history_id").first()
        over_at = appeal.decided_at or appeal.withdrawn_at
        super().__init__(
            _("Appeal %(number)s is over: %(what)s by %(who)s on %(when)s.")
            % {
                "number": appeal.number,
                "what": appeal.get_state_display(),
                "who": name_of(newest.history_user if newest else None),
                "when": said(over_at) if over_at else "–",
            }
        )


def locked(appeal_id: int) -> Appeal:
    """The appeal, open and ours until the transaction ends. Raises Appeal.DoesNotExist and AlreadyOver.

    The last lock of all, after its shop's and its penalty's.
    """
    # Of two officers the second waits here, and finds what the first has done.
    appeal = Appeal.objects.select_for_update(no_key=True, of=("self",)).get(pk=appeal_id)
    if not appeal.is_open:
        raise AlreadyOver(appeal)
    return appeal


def locked_with_its_shop(appeal_id: int) -> Appeal:
    """The same, for a step that changes more than the appeal: the shop and its enrollments are held first."""
    voiding.lock(Appeal.objects.select_related("penalty__shop").get(pk=appeal_id).penalty)
    return locked(appeal_id)


def a_person(by: User | None) -> User:
    """An appeal is heard by people: the system neither takes it nor rules on it."""
    if by is None:
        raise Refused(_("An appeal is heard by a person."))
    return by


def refuse_who_took_part(appeal: Appeal, by: User | None) -> None:
    """Whoever had a part in the decision (TOOK_PART) does nothing in the hearing: takes, asks, answers for
    the shop, adds evidence, notes, releases, strikes, stays, withdraws and rules nothing; nor files the
    appeal (contests). The judge would hear a side in private, and the shop be spoken for by its opponent.
    """
    if by is not None and (part := appeal.part_of(by)):
        raise Refused(
            _("%(who)s had a part in what %(number)s is about (%(part)s): somebody else hears it.")
            % {"who": name_of(by), "number": appeal.number, "part": part}
        )


def refuse_unless_held(appeal: Appeal, by: User | None) -> None:
    """Steps of the hearing are its holder's. A claim that has run out is his until somebody else takes it."""
    if appeal.taken_by_id is None:
        raise Refused(_("Nobody has taken appeal %(number)s: take it first.") % {"number": appeal.number})
    if by is None or appeal.taken_by_id != by.pk:
        raise Refused(
            _("Appeal %(number)s is %(who)s's: only its holder goes on with it.")
            % {"number": appeal.number, "who": name_of(appeal.taken_by)}
        )


def refuse_while_waiting(appeal: Appeal, at: datetime) -> None:
    """What the shop was asked for may come until the due date; after it, the file as it is will do."""
    if still_waits(appeal, at):
        raise Refused(
            _("The shop has until %(until)s to answer; nobody rules on appeal %(number)s before.")
            % {"until": said(appeal.due_at), "number": appeal.number}
        )


def say(appeal: Appeal, kind: AppealMessage.Kind, text: str, *, by: User | None, at: datetime) -> None:
    """Add a word to the appeal."""
    AppealMessage.objects.create(
        appeal=appeal,
        kind=kind,
        sender=AppealMessage.SENDERS[kind],
        text=text,
        due_at=appeal.due_at if kind == AppealMessage.Kind.REQUEST else None,
        at=at,
        by=by,
    )
