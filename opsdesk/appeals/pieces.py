"""A piece of evidence that has come in: what it answers, and that it counts no longer."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from opsdesk.appeals.evidence import ADD, item_of
from opsdesk.appeals.guards import WORK, locked, refuse_unless_held, refuse_who_took_part
from opsdesk.deadlines import said
from opsdesk.models import Appeal, Evidence
from shops.errors import NotAllowed, Refused
from shops.rights import name_of, require
from shops.texts import as_written

if TYPE_CHECKING:
    from django.contrib.auth.models import User

STRIKE = "opsdesk.strike_evidence"
# Why the record of a piece has changed, though the piece has not.
ASSIGNED = "evidence assigned"


@transaction.atomic
def strike(token: UUID, *, reason: str, by: User | None, at: datetime) -> Evidence:
    """Let a piece of evidence count no longer; it stays, with the reason. Once, while the appeal is open.

    That is for the appeal's holder; before anybody has taken it, for whoever works on appeals. Refused
    without a reason, and to whoever had a part in the decision.
    """
    require(by, STRIKE)
    appeal = locked(Evidence.objects.get(token=token).appeal_id)
    _refuse_unless_strikes(appeal, by)
    evidence = _held(token)
    if not as_written(reason):
        raise Refused(_("Say why it is struck."))
    evidence.struck_at, evidence.struck_by, evidence.struck_reason = at, by, as_written(reason)
    evidence.save_by(by, "evidence struck")
    return evidence


@transaction.atomic
def assign(token: UUID, *, item: int | None, by: User | None) -> Evidence:
    """Say which item of the violation's checklist a piece of evidence answers, counted from 0; None: none of
    them. For what came when nobody said so, or wrongly.

    Refused for what was struck, for an item that there is not, and to whoever had a part in the decision;
    AlreadyOver once the appeal is.
    """
    require(by, ADD)
    appeal = locked(Evidence.objects.get(token=token).appeal_id)
    refuse_who_took_part(appeal, by)
    evidence, answers = _held(token), item_of(appeal, item)
    said_of = (answers.en, answers.zh) if answers else ("", "")
    if said_of != (evidence.item_en, evidence.item_zh):
        evidence.item_en, evidence.item_zh = said_of
        evidence.save_by(by, ASSIGNED)
    return evidence


def assigns(officer: User, appeal: Appeal) -> bool:
    """Whether this officer may say what evidence of this appeal answers."""
    return appeal.is_open and officer.has_perm(ADD) and not appeal.part_of(officer)


def strikes(officer: User, appeal: Appeal) -> bool:
    """Whether evidence of this appeal is this officer's to strike."""
    if not (appeal.is_open and officer.has_perm(STRIKE)):
        return False
    try:
        _refuse_unless_strikes(appeal, officer)
    except (NotAllowed, Refused):
        return False
    return True


def _held(token: UUID) -> Evidence:
    """The piece, of an appeal that is locked, ours until the transaction ends. Refused once it was struck."""
    evidence = Evidence.objects.select_for_update(no_key=True).get(token=token)
    if evidence.struck_at is not None:
        raise Refused(
            _("“%(name)s” was struck by %(who)s on %(when)s.")
            % {"name": evidence, "who": name_of(evidence.struck_by), "when": said(evidence.struck_at)}
        )
    return evidence


def _refuse_unless_strikes(appeal: Appeal, by: User | None) -> None:
    refuse_who_took_part(appeal, by)
    if appeal.taken_by_id is None:
        require(by, WORK)
    else:
        refuse_unless_held(appeal, by)
