"""The steps of a hearing as pages: each asks what its verb needs, calls it, and leads back to the appeal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from opsdesk import appeals, caseload
from opsdesk.admin import appeal_forms
from opsdesk.appeals.evidence import ADD
from opsdesk.appeals.guards import DECIDE, WORK
from opsdesk.deadlines import still_waits
from opsdesk.models import Appeal
from shops.models import Penalty
from shops.stays import STAY

if TYPE_CHECKING:
    from django.contrib.auth.models import User

State = Appeal.State


@dataclass(frozen=True)
class Step:
    """`call(appeal, officer, form)` at `<appeal>/<name>/`; offered where `offered(appeal, officer)`.

    Without a form it is a button, and its address takes nothing but a POST.
    """

    name: str
    permission: str
    title: Promise
    done: Promise
    offered: Callable[[Appeal, User], bool]
    call: Callable[[Appeal, User, dict[str, Any]], object]
    form: type[forms.Form] | None = None
    note: Promise | str = ""
    # Whether its form wants to know the appeal, and who fills it in.
    knows_appeal: bool = False
    knows_officer: bool = False
    # A ruling: it stands apart from what only carries the hearing on, and names what was looked at.
    rules: bool = False
    # Whether one can look at what it would change, and needs no reason for that.
    may_look: bool = False

    def is_offered(self, appeal: Appeal, officer: User) -> bool:
        """Whether the page of an appeal offers it to that officer."""
        return (
            officer.has_perm(self.permission)
            and not appeal.part_of(officer)
            and self.offered(appeal, officer)
        )

    @property
    def asks(self) -> bool:
        """Whether it has a form. Templates would call the form itself."""
        return self.form is not None


def _held(appeal: Appeal, officer: User) -> bool:
    return appeal.is_open and caseload.hears(officer, appeal)


def _to_rule(appeal: Appeal, officer: User) -> bool:
    return _held(appeal, officer) and not still_waits(appeal, timezone.now())


def _takes(appeal: Appeal, officer: User) -> bool:
    return appeal.is_open and not caseload.hears(officer, appeal) and not appeal.is_held_at(timezone.now())


STEPS = (
    Step(
        "take",
        WORK,
        _("Take this appeal"),
        _("The appeal is yours."),
        _takes,
        lambda appeal, by, given: appeals.take(appeal.pk, by=by, at=timezone.now()),
    ),
    Step(
        "ask",
        WORK,
        _("Ask the shop for material"),
        _("The appeal waits for the shop."),
        _held,
        lambda appeal, by, given: appeals.ask(appeal.pk, by=by, at=timezone.now(), **given),
        appeal_forms.AskForm,
        knows_appeal=True,
    ),
    Step(
        "answer",
        WORK,
        _("Record the shop's answer"),
        _("The answer is on record."),
        lambda appeal, officer: appeal.state == State.WAITING,
        lambda appeal, by, given: appeals.answer(appeal.pk, by=by, at=timezone.now(), **given),
        appeal_forms.AnswerForm,
        _("The time that the shop was given ends once the appeal's officer says that this was all."),
        knows_appeal=True,
        knows_officer=True,
    ),
    Step(
        "complete",
        WORK,
        _("The answer is complete"),
        _("The appeal waits for the shop no longer."),
        lambda appeal, officer: (
            _held(appeal, officer) and appeal.state == State.WAITING and appeal.answered_at is not None
        ),
        lambda appeal, by, given: appeals.complete(appeal.pk, by=by, at=timezone.now()),
    ),
    Step(
        "evidence",
        ADD,
        _("Add evidence"),
        _("The evidence is on record."),
        lambda appeal, officer: appeal.is_open,
        lambda appeal, by, given: appeals.add(appeal.pk, by=by, at=timezone.now(), **given),
        appeal_forms.EvidenceForm,
        _("It is never replaced; what should not be there can be struck."),
        knows_appeal=True,
    ),
    Step(
        "note",
        WORK,
        _("Write a note"),
        _("The note is on record."),
        lambda appeal, officer: appeal.is_open,
        lambda appeal, by, given: appeals.note(appeal.pk, by=by, at=timezone.now(), **given),
        appeal_forms.TextForm,
        _("The shop never sees it."),
    ),
    Step(
        "release",
        WORK,
        _("Give it back"),
        _("Anybody may take the appeal now."),
        _held,
        lambda appeal, by, given: appeals.release(appeal.pk, by=by, at=timezone.now()),
    ),
    Step(
        "grant",
        DECIDE,
        pgettext_lazy("appeal", "Grant"),
        _("The appeal is granted, and the penalty is overturned."),
        _to_rule,
        lambda appeal, by, given: appeals.grant(appeal.pk, by=by, at=timezone.now(), **given),
        appeal_forms.GrantForm,
        _("The decision was wrong: every measure of the penalty is taken back."),
        rules=True,
        may_look=True,
    ),
    Step(
        "grant_in_part",
        DECIDE,
        pgettext_lazy("appeal", "Grant in part"),
        _("The appeal is granted in part."),
        lambda appeal, officer: (
            _to_rule(appeal, officer)
            and any(one.can_be_taken_back for one in caseload.effects_of(appeal.penalty, timezone.now()))
        ),
        lambda appeal, by, given: appeals.grant_in_part(appeal.pk, by=by, at=timezone.now(), **given),
        appeal_forms.GrantInPartForm,
        _("The decision was right, but went too far: the penalty stands without what is chosen here."),
        knows_appeal=True,
        rules=True,
        may_look=True,
    ),
    Step(
        "deny",
        DECIDE,
        pgettext_lazy("appeal", "Deny"),
        _("The appeal is denied."),
        _to_rule,
        lambda appeal, by, given: appeals.deny(appeal.pk, by=by, at=timezone.now(), **given),
        appeal_forms.RulingForm,
        _("The decision stands."),
        rules=True,
    ),
    Step(
        "withdraw",
        WORK,
        _("The shop withdraws"),
        _("The appeal is withdrawn."),
        lambda appeal, officer: appeals.withdraws(officer, appeal),
        lambda appeal, by, given: appeals.withdraw(appeal.pk, by=by, at=timezone.now(), **given),
        appeal_forms.PlainReasonForm,
        _("Say how the shop has said so. It may appeal again while there is time."),
    ),
    Step(
        "stay",
        STAY,
        _("Stay the penalty"),
        _("The penalty is stayed while the appeal runs."),
        lambda appeal, officer: (
            appeal.is_open
            and appeal.penalty.stayed_at is None
            and appeal.penalty.status == Penalty.Status.IMPOSED
        ),
        lambda appeal, by, given: appeals.stay(appeal.pk, by=by, at=timezone.now(), **given),
        appeal_forms.PlainReasonForm,
        _("It bars the shop from nothing until the appeal ends. What it closed stays closed."),
    ),
    Step(
        "unstay",
        STAY,
        _("End the stay"),
        _("The stay has ended."),
        lambda appeal, officer: appeal.is_open and appeal.penalty.stayed_at is not None,
        lambda appeal, by, given: appeals.unstay(appeal.pk, by=by, at=timezone.now(), **given),
        appeal_forms.PlainReasonForm,
    ),
)
