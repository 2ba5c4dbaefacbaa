from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from opsdesk.models.channels import Channel
from shops.models import Audited, Penalty
from shops.models.people import person

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def _another_than(who: str, part: str) -> Q:
    return Q(**{who: None}) | Q(**{part: None}) | ~Q(**{who: F(part)})


# What a penalty says of its appeal: more people read of the one than of the other.
ON_APPEAL = "on appeal"
# Copied when the appeal is filed, and what each has done: none of them files, takes or judges it.
TOOK_PART = {
    "maker": _("decided it"),
    "approver": _("approved it"),
    "proposer": _("proposed it"),
    "reporter": _("reported it"),
    "confirmer": _("confirmed it"),
    "case_maker": _("imposed the case that it rests on"),
    "releaser": _("released the held check that it comes from"),
    "first_judge": _("ruled on the first appeal"),
}


# Of what people write, in characters: beyond, nobody reads it, and a longer text is a file.
LONGEST_TEXT = 20_000


class Appeal(Audited):
    """A shop's contest of a penalty. Who had a part in the decision is copied by a trigger."""

    class State(models.TextChoices):
        FILED = "filed", pgettext_lazy("appeal", "filed")
        TAKEN = "taken", _("taken")
        WAITING = "waiting", _("waiting for the shop")
        ANSWERED = "answered", _("answered")
        GRANTED = "granted", pgettext_lazy("appeal", "granted")
        GRANTED_IN_PART = "granted_in_part", _("granted in part")
        DENIED = "denied", _("denied")
        WITHDRAWN = "withdrawn", pgettext_lazy("appeal", "withdrawn")

    OPEN = frozenset({State.FILED, State.TAKEN, State.WAITING, State.ANSWERED})
    RULED = frozenset({State.GRANTED, State.GRANTED_IN_PART, State.DENIED})
    # After these something of the penalty is left to be appealed against.
    REJECTED = frozenset({State.GRANTED_IN_PART, State.DENIED})
    LEVELS = 2

    penalty = models.ForeignKey(Penalty, models.PROTECT, verbose_name=_("penalty"), related_name="appeals")
    level = models.PositiveSmallIntegerField(_("level"), choices=[(1, _("first")), (2, _("second"))])
    state = models.CharField(_("state"), max_length=20, choices=State.choices, default=State.FILED)
    channel = models.CharField(_("channel"), max_length=20, choices=Channel.choices)
    reference = models.CharField(
        pgettext_lazy("letter", "reference"),
        max_length=100,
        blank=True,
        help_text=_("Of the letter, call or ticket."),
    )
    filed_at = models.DateTimeField(_("filed at"), help_text=_("When the shop appealed."))
    filed_by = person(_("filed by"), _("Who recorded it."))
    late_admitted_by = person(_("admitted late by"))
    late_reason = models.TextField(_("admitted late because"), blank=True)
    maker = person(_("decided by"), _("Who imposed the penalty. Empty: the system itself."))
    approver = person(_("approved by"))
    proposer = person(_("proposed by"), _("Who filed the proposal by hand."))
    reporter = person(
        _("reported by"), _("Who brought it in with a file; empty where files come by themselves.")
    )
    confirmer = person(_("confirmed by"), _("Whose file said that the platform imposed what was reported."))
    case_maker = person(_("case imposed by"), _("Who imposed the case that the decision rests on."))
    releaser = person(_("check released by"), _("Who released the held check that the decision comes from."))
    first_judge = person(_("first judge"))
    taken_by = person(_("taken by"))
    taken_at = models.DateTimeField(_("taken at"), null=True, blank=True)
    lease_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    asked = models.TextField(_("asked for"), blank=True, help_text=_("What is missing, item by item."))
    asked_at = models.DateTimeField(_("asked at"), null=True, blank=True)
    # What was asked for last: a first piece of it may have come while the shop still has time for the rest.
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)
    due_at = models.DateTimeField(
        _("due"), help_text=_("Until when the shop answers, where it waits for that; else the desk rules.")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decided_by = person(_("judge"))
    # As promised: terms that change later take nothing away.
    next_until = models.DateTimeField(
        _("next level until"),
        null=True,
        blank=True,
        help_text=_("Until when the shop may go to the next level. Empty: it can't."),
    )
    ruling = models.TextField(_("reasons of the ruling"), blank=True)
    taken_back = ArrayField(
        models.BigIntegerField(), verbose_name=_("measures taken back"), default=list, blank=True
    )
    # Of each that does less: its key, and how much it did and does.
    lessened = models.JSONField(_("measures lessened"), default=list, blank=True, db_default=[])
    # What is not as before, and why (opsdesk.remainders).
    not_restored = models.JSONField(_("could not be restored"), default=list, blank=True, db_default=[])
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)

    class Meta:
        verbose_name = _("appeal")
        verbose_name_plural = _("appeals")
        ordering = ["-id"]
        permissions = [
            ("file_appeal", _("Can file appeals for shops")),
            ("work_appeal", _("Can take, ask and answer in appeals")),
            ("decide_appeal", _("Can rule on appeals")),
            ("admit_late_appeal", _("Can admit appeals that come too late")),
            ("export_appeal", _("Can export appeals")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["penalty"],
                condition=Q(state__in=["filed", "taken", "waiting", "answered"]),
                name="opsdesk_appeal_is_the_only_open_one_of_its_penalty",
                violation_error_message=_("An appeal against this penalty is open already."),
            ),
            models.UniqueConstraint(
                fields=["penalty", "level"],
                condition=Q(state__in=["granted", "granted_in_part", "denied"]),
                name="opsdesk_appeal_is_ruled_on_once_on_each_level",
            ),
            models.CheckConstraint(
                condition=Q(level__in=[1, 2]), name="opsdesk_appeal_is_of_the_first_or_second_level"
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=["granted", "granted_in_part", "denied"],
                    decided_at__isnull=False,
                    decided_by__isnull=False,
                )
                | (
                    ~Q(state__in=["granted", "granted_in_part", "denied"])
                    & Q(decided_at=None, decided_by=None)
                ),
                name="opsdesk_appeal_has_a_judge_and_a_moment_exactly_when_ruled_on",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["granted", "granted_in_part", "denied"]) | ~Q(ruling=""),
                name="opsdesk_appeal_ruling_gives_its_reasons",
            ),
            models.CheckConstraint(
                condition=(Q(state="granted_in_part") & (Q(taken_back__len__gt=0) | ~Q(lessened=[])))
                | (
                    ~Q(state="granted_in_part") & Q(lessened=[]) & (Q(state="granted") | Q(taken_back__len=0))
                ),
                name="opsdesk_appeal_in_part_names_what_was_taken_back",
            ),
            models.CheckConstraint(
                condition=Q(taken_by=None, taken_at=None, lease_until=None)
                | Q(taken_by__isnull=False, taken_at__isnull=False, lease_until__isnull=False),
                name="opsdesk_appeal_claim_is_whole_or_absent",
            ),
            models.CheckConstraint(
                condition=(~Q(state="filed") | Q(taken_by=None))
                & (~Q(state="taken") | Q(taken_by__isnull=False)),
                name="opsdesk_appeal_is_held_by_somebody_exactly_when_taken",
            ),
            models.CheckConstraint(
                condition=~Q(state="waiting") | (Q(asked_at__isnull=False) & ~Q(asked="")),
                name="opsdesk_appeal_waits_for_what_was_asked",
            ),
            models.CheckConstraint(
                condition=~Q(state="answered") | Q(answered_at__isnull=False),
                name="opsdesk_appeal_is_answered_at_a_moment",
            ),
            models.CheckConstraint(
                condition=Q(state="withdrawn", withdrawn_at__isnull=False)
                | (~Q(state="withdrawn") & Q(withdrawn_at=None)),
                name="opsdesk_appeal_is_withdrawn_at_a_moment",
            ),
            models.CheckConstraint(
                condition=Q(late_admitted_by=None, late_reason="")
                | (Q(late_admitted_by__isnull=False) & ~Q(late_reason="")),
                name="opsdesk_appeal_is_admitted_late_for_a_reason",
            ),
            *(
                models.CheckConstraint(
                    condition=_another_than("decided_by", part),
                    name=f"opsdesk_appeal_judge_is_not_the_{part}",
                )
                for part in TOOK_PART
            ),
            *(
                models.CheckConstraint(
                    condition=_another_than("taken_by", part),
                    name=f"opsdesk_appeal_is_not_taken_by_the_{part}",
                )
                for part in TOOK_PART
            ),
            *(
                models.CheckConstraint(
                    condition=_another_than("filed_by", part),
                    name=f"opsdesk_appeal_is_not_filed_by_the_{part}",
                )
                for part in TOOK_PART
            ),
        ]
        indexes = [
            # The queue: open ones, the most urgent first.
            models.Index(fields=["state", "due_at"], name="opsdesk_appeal_queue"),
        ]

    def __str__(self) -> str:
        return self.number

    @classmethod
    def open_against(cls, *penalties: Penalty) -> QuerySet[Appeal]:
        """Those that are heard about these penalties: of each one at most."""
        return cls.objects.filter(penalty__in=penalties, state__in=cls.OPEN)

    @property
    def number(self) -> str:
        """What people quote: A with the record's number."""
        return f"A{self.pk:08d}" if self.pk else "A"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    def part_of(self, person: User) -> str:
        """What this person has done of that which the appeal is about, in words; empty: nothing."""
        done = [told for part, told in TOOK_PART.items() if getattr(self, f"{part}_id") == person.pk]
        return ", ".join(map(str, done))

    def is_held_at(self, at: datetime) -> bool:
        """Whether an officer's claim runs at that moment."""
        return self.lease_until is not None and at <= self.lease_until


class AppealMessage(models.Model):
    """A word in an appeal, only ever added to."""

    class Kind(models.TextChoices):
        STATEMENT = "statement", _("statement")
        REQUEST = "request", _("request for material")
        ANSWER = "answer", _("answer")
        NOTE = "note", _("internal note")

    class Sender(models.TextChoices):
        SHOP = "shop", _("the shop")
        DESK = "desk", _("the desk")

    SENDERS = {
        Kind.STATEMENT: Sender.SHOP,
        Kind.ANSWER: Sender.SHOP,
        Kind.REQUEST: Sender.DESK,
        Kind.NOTE: Sender.DESK,
    }

    appeal = models.ForeignKey(Appeal, models.PROTECT, verbose_name=_("appeal"), related_name="messages")
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    sender = models.CharField(pgettext_lazy("message", "from"), max_length=20, choices=Sender.choices)
    text = models.TextField(pgettext_lazy("message", "text"))
    due_at = models.DateTimeField(
        _("due"), null=True, blank=True, help_text=_("Until when a request is to be answered.")
    )
    at = models.DateTimeField(_("at"))
    by = person(_("recorded by"))

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["statement", "answer"], sender="shop")
                | Q(kind__in=["request", "note"], sender="desk"),
                name="opsdesk_appealmessage_is_from_whom_its_kind_says",
            ),
            models.CheckConstraint(
                condition=Q(kind="request", due_at__isnull=False) | (~Q(kind="request") & Q(due_at=None)),
                name="opsdesk_appealmessage_request_alone_has_a_due_date",
            ),
            models.CheckConstraint(condition=~Q(text=""), name="opsdesk_appealmessage_says_something"),
        ]

    def __str__(self) -> str:
        return f"{self.appeal} · {self.get_kind_display()}"
