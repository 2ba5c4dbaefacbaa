"""Whether the platform has done what was decided, paused what was stayed, and undone what was taken back."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from opsdesk.models.decisions import Decision
from rules.models import Proposal
from shops.models import Alliance, Audited, Measure, Penalty, Product, Shop
from shops.models.people import person

# Paused there, and not resumed, as far as that is on record.
_RESTS = Q(paused_on__isnull=False, resumed_on=None)


class ExecutionQuerySet(models.QuerySet["Execution"]):
    # The few that a stay is about are found one way after the other, and not by a condition on all.

    def waiting(self) -> ExecutionQuerySet:
        """All that somebody has to see to on the platform: nothing of what is stayed before it was done."""
        waiting = Execution.objects.order_by().filter(state__in=Execution.WAITING)
        to_see_to = waiting.exclude(state__in=Execution.NOT_DONE, penalty__stayed_at__isnull=False)
        return self.filter(pk__in=to_see_to.values("pk").union(*_for_a_stay()))

    def for_a_stay(self) -> ExecutionQuerySet:
        """Whose turn is to pause, or to go on."""
        to_pause, to_go_on = _for_a_stay()
        return self.filter(pk__in=to_pause.union(to_go_on))

    def to_pause(self) -> ExecutionQuerySet:
        """Whose turn is to pause."""
        return self._once_stayed().filter(penalty__stayed_at__isnull=False).exclude(_RESTS)

    def to_go_on(self) -> ExecutionQuerySet:
        """Whose turn is to go on."""
        return self._once_stayed().filter(_RESTS, penalty__stayed_at=None)

    def _once_stayed(self) -> ExecutionQuerySet:
        """Of which something goes on there or rests: `can_be_paused`."""
        now = timezone.now()
        measures = Measure.objects.active(now).filter(kind__in=Measure.STAYED, penalty=OuterRef("penalty"))
        as_a_whole = Q(
            Q(penalty__ends_at=None) | Q(penalty__ends_at__gt=now),
            decision=None,
            penalty__batch__isnull=False,
            penalty__imposed_by=None,
            penalty__status=Penalty.Status.IMPOSED,
        )
        return self.filter(
            Q(Exists(measures)) | as_a_whole,
            state__in=Execution.WAS_DONE,
            penalty__first_stayed_at__isnull=False,
        )


def _for_a_stay() -> list[Any]:
    own = Execution.objects.order_by()
    return [own.to_pause().values("pk"), own.to_go_on().values("pk")]


class Execution(Audited):
    """What the platform has to do of a decision, or of a penalty that no proposal led to; what it is of
    never changes.
    """

    class State(models.TextChoices):
        TO_DO = "to_do", _("to do")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        # What was decided was taken back before the platform did it, or has to be undone there.
        CALLED_OFF = "called_off", pgettext_lazy("on the platform", "called off")
        TO_UNDO = "to_undo", pgettext_lazy("on the platform", "to undo")
        UNDONE = "undone", pgettext_lazy("on the platform", "undone")

    # Somebody has still to see to it on the platform; once more, where it has failed.
    WAITING = frozenset({State.TO_DO, State.FAILED, State.TO_UNDO})
    NOT_DONE = frozenset({State.TO_DO, State.FAILED})
    # The platform has done it, whatever of it was undone since.
    WAS_DONE = frozenset({State.DONE, State.TO_UNDO, State.UNDONE})

    class Turn(models.TextChoices):
        """What a stay, or its end, asks for of what the platform has done, whatever is to be undone of it."""

        PAUSE = "to_pause", pgettext_lazy("on the platform", "to pause")
        GO_ON = "to_go_on", pgettext_lazy("on the platform", "to resume")

    # What people say of it when they record what the platform did.
    RECORDED_OF_IT = (
        "state",
        "executed_on",
        "executed_by_id",
        "reference",
        "note",
        "changes",
        "paused_on",
        "resumed_on",
        "pause_reference",
        "pause_note",
    )
    # What its history keeps as a reason: what was recorded of it, and what else has changed it.
    RECORDED, NOT_UNDONE = "recorded", "not undone"
    STAYED, STAY_ENDED = "stayed", "stay ended"
    PAUSED, NOT_PAUSED = "paused", "not paused"
    GOES_ON, NOT_GOING_ON = "goes on", "not going on"
    TAKEN_BACK = "record taken back"
    RECORDS = frozenset({RECORDED, NOT_UNDONE, PAUSED, NOT_PAUSED, GOES_ON, NOT_GOING_ON})
    REASONS: ClassVar = {
        # Its state says what.
        RECORDED: "",
        f"{TAKEN_BACK}: %(why)s": _("record taken back: %(why)s"),
        NOT_UNDONE: _("the platform has not undone it"),
        STAYED: _("the penalty is stayed"),
        STAY_ENDED: _("the stay has ended"),
        PAUSED: _("the platform has paused what goes on"),
        NOT_PAUSED: _("the platform has not paused what goes on"),
        GOES_ON: _("the platform has resumed what was paused"),
        NOT_GOING_ON: _("the platform has not resumed what is paused"),
    }

    # None where it was imposed by hand, or by the platform itself.
    decision = models.OneToOneField(
        Decision,
        models.PROTECT,
        verbose_name=_("decision"),
        related_name="execution",
        null=True,
        blank=True,
    )
    # None where the decision penalises nobody.
    penalty = models.OneToOneField(
        Penalty,
        models.PROTECT,
        verbose_name=_("penalty"),
        related_name="execution",
        null=True,
        blank=True,
    )
    # Those of its decision or penalty, by which the list is read.
    shop = models.ForeignKey(Shop, models.PROTECT, verbose_name=_("shop"), related_name="+")
    product = models.ForeignKey(
        Product, models.PROTECT, verbose_name=_("product"), related_name="+", null=True, blank=True
    )
    alliance = models.ForeignKey(
        Alliance, models.PROTECT, verbose_name=_("alliance"), related_name="+", null=True, blank=True
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Proposal.Kind.choices)
    # Since it was decided, or imposed; of what is to be undone since that was last taken back.
    asked_at = models.DateTimeField(_("asked of the platform at"))
    state = models.CharField(_("on the platform"), max_length=20, choices=State.choices, default=State.TO_DO)
    executed_on = models.DateField(_("executed on"), null=True, blank=True)
    executed_by = person(_("executed by"))
    reference = models.CharField(_("task on the platform"), max_length=100, blank=True)
    note = models.TextField(_("why it failed"), blank=True)
    # When what goes on of it was last paused there, and when that was resumed; None while it rests.
    paused_on = models.DateField(pgettext_lazy("on the platform", "last paused on"), null=True, blank=True)
    resumed_on = models.DateField(pgettext_lazy("on the platform", "last resumed on"), null=True, blank=True)
    # Since when a stay, or its end, asks for that.
    stay_at = models.DateTimeField(_("for a stay since"), null=True, blank=True)
    # Of pausing it there, or resuming it.
    pause_reference = models.CharField(_("task of the pause"), max_length=100, blank=True)
    pause_note = models.TextField(_("why it was not paused or resumed"), blank=True)
    # What of its penalty is to be undone, or was: {"measure": its key, "from": what it had been before it was
    # lessened, as text, None where it was taken back or ended, "on": that day}. None: the case as a whole. Of
    # what nobody has recorded as done: what had changed since it was asked.
    changes = models.JSONField(_("what is to be undone"), default=list, blank=True, editable=False)

    objects = ExecutionQuerySet.as_manager()

    class Meta:
        verbose_name = _("execution")
        verbose_name_plural = _("executions")
        ordering = ["-asked_at", "-id"]
        permissions = [
            ("record_execution", _("Can record what the platform has done")),
            ("export_execution", _("Can download what the platform has to do")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(decision__isnull=False) | Q(penalty__isnull=False),
                name="opsdesk_execution_is_of_a_decision_or_a_penalty",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["done", "to_undo", "undone"]) | Q(executed_on__isnull=False),
                name="opsdesk_execution_done_has_a_date",
            ),
            models.CheckConstraint(
                condition=~Q(state="failed") | ~Q(note=""), name="opsdesk_execution_failed_says_why"
            ),
            models.CheckConstraint(
                condition=Q(paused_on=None) | Q(state__in=["done", "to_undo", "undone"]),
                name="opsdesk_execution_paused_was_done",
            ),
            models.CheckConstraint(
                condition=Q(resumed_on=None) | Q(paused_on__isnull=False, resumed_on__gte=F("paused_on")),
                name="opsdesk_execution_resumed_was_paused_before",
            ),
        ]
        indexes = [
            # The list for the platform: what is still to do.
            models.Index(fields=["state", "asked_at"], name="opsdesk_execution_waits"),
            models.Index(fields=["penalty"], condition=_RESTS, name="opsdesk_execution_rests"),
        ]

    def __str__(self) -> str:
        told = f"{self.product or self.shop} · {self.get_kind_display()}"
        return f"{told} · {self.penalty}" if self.penalty else told

    @property
    def turn(self) -> Turn | None:
        """Whether the platform is to pause what goes on of it, or to resume what rests."""
        if not self.can_be_paused:
            return None
        assert self.penalty is not None
        is_stayed = self.penalty.stayed_at is not None
        if is_stayed == self.is_paused:
            return None
        return self.Turn.PAUSE if is_stayed else self.Turn.GO_ON

    @property
    def can_be_paused(self) -> bool:
        """Whether something of it goes on there, or rests, and its penalty was ever stayed. The same of many:
        ExecutionQuerySet._once_stayed.
        """
        penalty = self.penalty
        if penalty is None or penalty.first_stayed_at is None or self.state not in self.WAS_DONE:
            return False
        now = timezone.now()
        # What else its platform does of a case of its own, nobody here knows.
        ends_later = penalty.ends_at is None or penalty.ends_at > now
        as_a_whole = self.decision_id is None and penalty.is_the_platforms and ends_later
        return (as_a_whole and penalty.status == Penalty.Status.IMPOSED) or bool(self.going_on())

    @property
    def is_paused(self) -> bool:
        """Whether something of it rests there, as far as that is on record."""
        return self.paused_on is not None and self.resumed_on is None and self.can_be_paused

    def going_on(self) -> list[Measure]:
        """What of its penalty a stay lets rest, and is not over."""
        measures = self.penalty.measures.all() if self.penalty else []
        now = timezone.now()
        return [
            one
            for one in measures
            if one.kind in Measure.STAYED
            and one.applied_at
            and not (one.undone_at or one.lapsed_at)
            and (one.ends_at is None or one.ends_at > now)
        ]
