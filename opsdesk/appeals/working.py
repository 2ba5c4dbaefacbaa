"""The hearing itself: an officer takes it, asks the shop, records what it answers, or the shop withdraws."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from opsdesk import staying
from opsdesk.appeals.evidence import ADD, Offered, item_of, lay, looked_into
from opsdesk.appeals.guards import (
    WORK,
    AlreadyOver,
    a_person,
    locked,
    locked_with_its_shop,
    refuse_unless_held,
    refuse_who_took_part,
    say,
)
from opsdesk.deadlines import answer_due, end_of, ruling_due, said
from opsdesk.exhibits import shelf
from opsdesk.models import ON_APPEAL, Appeal, AppealMessage, AppealTerms
from opsdesk.notices import ADMIT_LATE
from shops import stays
from shops.errors import Refused
from shops.rights import name_of, require
from shops.texts import as_written

if TYPE_CHECKING:
    from django.contrib.auth.models import User

State, Kind = Appeal.State, AppealMessage.Kind
# A typing error is not to keep a shop waiting for years.
LONGEST_WAIT = timedelta(days=90)


@transaction.atomic
def take(appeal_id: int, *, by: User | None, at: datetime) -> Appeal:
    """Claim the appeal, or one's claim to it anew; it runs for as long as the terms say.

    Refused to whoever had a part in the decision, and while somebody else's claim runs.
    """
    require(by, WORK)
    officer = a_person(by)
    appeal = _locked(appeal_id, officer)
    if appeal.taken_by_id != officer.pk:
        if appeal.is_held_at(at):
            assert appeal.lease_until is not None
            raise Refused(
                _("%(who)s has taken appeal %(number)s, until %(until)s.")
                % {
                    "who": name_of(appeal.taken_by),
                    "number": appeal.number,
                    "until": said(appeal.lease_until),
                }
            )
        appeal.taken_by, appeal.taken_at = officer, at
    if appeal.state == State.FILED:
        appeal.state = State.TAKEN
    _claim_on(appeal, at)
    appeal.save_by(by, "appeal taken")
    return appeal


@transaction.atomic
def release(appeal_id: int, *, by: User | None, at: datetime) -> Appeal:
    """Give the claim back: anybody may take the appeal. Refused to everybody but its holder."""
    require(by, WORK)
    appeal = _locked(appeal_id, by)
    refuse_unless_held(appeal, a_person(by))
    appeal.taken_by = appeal.taken_at = appeal.lease_until = None
    if appeal.state == State.TAKEN:
        appeal.state = State.FILED
    appeal.save_by(by, "appeal released")
    return appeal


@transaction.atomic
def ask(appeal_id: int, *, items: str, by: User | None, at: datetime, due_on: date | None = None) -> Appeal:
    """Ask the shop for what is missing, item by item, until the end of `due_on` (None: as the terms say). Who
    is asked again while it waits keeps at least the time that it was given.

    Refused to everybody but the holder, without an item, for a day that is over, and for one more than
    LONGEST_WAIT after the shop was first asked: an appeal is not put off for ever.
    """
    require(by, WORK)
    appeal = _locked(appeal_id, by)
    refuse_unless_held(appeal, a_person(by))
    if not as_written(items):
        raise Refused(_("Name what is missing."))
    if due_on is not None and due_on < localdate(at):
        raise Refused(_("The due date is over already."))
    due_at, asked_first = answer_due(at, due_on), _asked_first(appeal)
    latest = end_of(localdate(asked_first or at) + LONGEST_WAIT)
    if due_at > latest and (due_on or asked_first):
        raise Refused(
            _("The shop is given %(days)s days at most from when it was first asked: until %(until)s.")
            % {"days": LONGEST_WAIT.days, "until": said(latest)}
        )
    promised = appeal.due_at if appeal.state == State.WAITING else at
    appeal.state, appeal.asked, appeal.asked_at = State.WAITING, as_written(items), at
    appeal.answered_at = None
    appeal.due_at = max(due_at, promised)
    _claim_on(appeal, at)
    appeal.save_by(by, "material asked for")
    say(appeal, Kind.REQUEST, appeal.asked, by=by, at=at)
    return appeal


def answer(
    appeal_id: int,
    *,
    text: str,
    by: User | None,
    at: datetime,
    more_to_come: bool = False,
    evidence: Sequence[Offered] = (),
    item: int | None = None,
) -> Appeal:
    """Record what the shop answers, with the files that it sends along; whoever it reaches may do that. Also
    after the due date. `item`: what of the checklist the files answer, counted from 0.

    It ends the time that the shop was given where the appeal's holder records it and no `more_to_come`. Else
    that runs on: nobody but the holder says that this was all (`complete`). Refused without a text, when the
    shop was asked for nothing, to whoever had a part in the decision, and for files as `add` refuses them.
    """
    require(by, WORK)
    if evidence:
        require(by, ADD)
    appeal = Appeal.objects.get(pk=appeal_id)
    _refuse_unless_waiting(appeal, by)
    if not as_written(text):
        raise Refused(_("Say what the shop has answered."))
    answers = item_of(appeal, item)
    if answers is not None and not evidence:
        raise Refused(_("Choose the files that answer “%(item)s”.") % {"item": answers})
    with looked_into(evidence, appeal) as looked, transaction.atomic(), shelf() as put:
        appeal = _locked_while_waiting(appeal_id, by)
        appeal.answered_at = at
        if by is not None and appeal.taken_by_id == by.pk and not more_to_come:
            _wait_no_longer(appeal, at)
        appeal.save_by(by, "answer recorded")
        say(appeal, Kind.ANSWER, as_written(text), by=by, at=at)
        lay(appeal, looked, put, by=by, at=at, answers=answers)
    return appeal


@transaction.atomic
def complete(appeal_id: int, *, by: User | None, at: datetime) -> Appeal:
    """Say that what the shop has answered is all: the time that it was given ends.

    Refused to everybody but the holder, and when the appeal doesn't wait or nothing was answered.
    """
    require(by, WORK)
    appeal = _locked_while_waiting(appeal_id, by)
    refuse_unless_held(appeal, a_person(by))
    if appeal.answered_at is None:
        raise Refused(_("The shop has not answered yet."))
    _wait_no_longer(appeal, at)
    appeal.save_by(by, "answer complete")
    return appeal


@transaction.atomic
def note(appeal_id: int, *, text: str, by: User | None, at: datetime) -> Appeal:
    """Write something down that the shop never sees. Refused without a text, and to whoever had a part in
    the decision: the judge would hear a side in private.
    """
    require(by, WORK)
    appeal = _locked(appeal_id, by)
    if not as_written(text):
        raise Refused(_("A note says something."))
    say(appeal, Kind.NOTE, as_written(text), by=by, at=at)
    return appeal


@transaction.atomic
def withdraw(appeal_id: int, *, reason: str, by: User | None, at: datetime) -> Appeal:
    """The shop takes its appeal back; the penalty runs on. Within the window it may file another.

    Refused without a word of how the shop said so, to whoever had a part in the decision, and once somebody
    has taken the appeal to everybody but him and supervisors: outside the window the shop's right ends here.
    """
    require(by, WORK)
    appeal = _locked(appeal_id, by, with_its_shop=True)
    if not _withdraws(appeal, by):
        refuse_unless_held(appeal, by)
    if not as_written(reason):
        raise Refused(_("Say how the shop has withdrawn its appeal."))
    appeal.state, appeal.withdrawn_at = State.WITHDRAWN, at
    appeal.save_by(by, "appeal withdrawn")
    say(appeal, Kind.NOTE, as_written(reason), by=by, at=at)
    staying.end(appeal.penalty, by=by, at=at, reason=ON_APPEAL)
    return appeal


@transaction.atomic
def stay(appeal_id: int, *, reason: str, by: User | None, at: datetime) -> Appeal:
    """Let the penalty bar nobody from anything while the appeal runs. What it closed stays closed.

    Refused like stays.stay, and to whoever had a part in the decision.
    """
    require(by, stays.STAY)
    appeal = _locked(appeal_id, by, with_its_shop=True)
    if not as_written(reason):
        raise Refused(_("A stay takes a reason."))
    staying.begin(appeal.penalty, by=by, at=at, reason=ON_APPEAL)
    appeal.save_by(by, f"stayed: {as_written(reason)}")
    return appeal


@transaction.atomic
def unstay(appeal_id: int, *, reason: str, by: User | None, at: datetime) -> Appeal:
    """End the stay before the appeal ends. Refused without a reason, when there is none, and to whoever had a
    part in the decision.
    """
    require(by, stays.STAY)
    appeal = _locked(appeal_id, by, with_its_shop=True)
    if not as_written(reason):
        raise Refused(_("Say why the stay ends."))
    if not staying.end(appeal.penalty, by=by, at=at, reason=ON_APPEAL):
        raise Refused(_("Penalty %(case)s is not stayed.") % {"case": appeal.penalty})
    appeal.save_by(by, f"stay ended: {as_written(reason)}")
    return appeal


def withdraws(officer: User, appeal: Appeal) -> bool:
    """Whether it is for this officer to record that the shop withdraws the appeal."""
    return appeal.is_open and _withdraws(appeal, officer)


def _withdraws(appeal: Appeal, by: User | None) -> bool:
    return by is None or appeal.taken_by_id in (None, by.pk) or by.has_perm(ADMIT_LATE)


def _asked_first(appeal: Appeal) -> datetime | None:
    return appeal.messages.filter(kind=Kind.REQUEST).order_by("pk").values_list("at", flat=True).first()


def _locked(appeal_id: int, by: User | None, *, with_its_shop: bool = False) -> Appeal:
    """The appeal for a step of its hearing, by somebody who had no part in the decision."""
    appeal = (locked_with_its_shop if with_its_shop else locked)(appeal_id)
    refuse_who_took_part(appeal, by)
    return appeal


def _locked_while_waiting(appeal_id: int, by: User | None) -> Appeal:
    appeal = locked(appeal_id)
    _refuse_unless_waiting(appeal, by)
    return appeal


def _refuse_unless_waiting(appeal: Appeal, by: User | None) -> None:
    if not appeal.is_open:
        raise AlreadyOver(appeal)
    refuse_who_took_part(appeal, by)
    if appeal.state != State.WAITING:
        raise Refused(_("Appeal %(number)s does not wait for an answer.") % {"number": appeal.number})


def _wait_no_longer(appeal: Appeal, at: datetime) -> None:
    appeal.state, appeal.due_at = State.ANSWERED, ruling_due(at)


def _claim_on(appeal: Appeal, at: datetime) -> None:
    appeal.lease_until = at + timedelta(hours=AppealTerms.current().lease_hours)
