"""Whether the platform has done what was decided, paused what was stayed, and undone what was taken back."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from opsdesk.models.decisions import Decision
from rules.models import Proposal
from shops.models import Alliance, Audited, Measure, Penalty, Product, Shop
from shops.models.people import person


class ExecutionQuerySet(models.QuerySet["Execution"]):
    def waiting(self) -> ExecutionQuerySet:
        """All that somebody has still to see to on the platform."""
        return self.filter(Q(state__in=Execution.WAITING) | _to_pause() | _to_go_on())

    def to_pause(self) -> ExecutionQuerySet:
        """Whose turn is to pause."""
        return self.filter(_to_pause())

    def to_go_on(self) -> ExecutionQuerySet:
        """Whose turn is to go on."""
        return self.filter(_to_go_on())


def _to_pause() -> Q:
    return _lasts() & Q(penalty__stayed_at__isnull=False, paused_on=None)


def _to_go_on() -> Q:
    return _lasts() & Q(penalty__stayed_at=None, paused_on__isnull=False)


def _lasts() -> Q:
    lasting = Measure.objects.standing().filter(penalty=OuterRef("penalty"), kind__in=Measure.LASTING)
    return Q(Exists(lasting), state__in=Execution.WAS_DONE)


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
    # The platform has seen to all that it was asked for but what a stay asks for.
    WAS_DONE = frozenset({State.DONE, State.UNDONE})

    class Turn(models.TextChoices):
        """What a stay asks for of what the platform has done, or its end."""

        PAUSE = "to_pause", pgettext_lazy("on the platform", "to pause")
        GO_ON = "to_go_on", pgettext_lazy("on the platform", "to go on")

    # What its history keeps as a reason: what was recorded of it, and what else has changed it.
    RECORDED, NOT_UNDONE = "recorded", "not undone"
    STAYED, STAY_ENDED = "stayed", "stay ended"
    PAUSED, NOT_PAUSED = "paused", "not paused"
    GOES_ON, NOT_GOING_ON = "goes on", "not going on"
    RECORDS = frozenset({RECORDED, NOT_UNDONE, PAUSED, NOT_PAUSED, GOES_ON, NOT_GOING_ON})
    REASONS: ClassVar = {
        # Its state says what.
        RECORDED: "",
        "record taken back: %(why)s": _("record taken back: %(why)s"),
        NOT_UNDONE: _("the platform has not undone it"),
        STAYED: _("the penalty is stayed"),
        STAY_ENDED: _("the stay has ended"),
        PAUSED: _("the platform has paused what lasts"),
        NOT_PAUSED: _("the platform has not paused what lasts"),
        GOES_ON: _("the platform goes on with what lasts"),
        NOT_GOING_ON: _("the platform does not go on with what lasts"),
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
    # Since it was decided, or imposed; of what is to be undone since that was last taken back, of what is to
    # pause or to go on since the stay began or ended.
    asked_at = models.DateTimeField(_("asked of the platform at"))
    state = models.CharField(_("on the platform"), max_length=20, choices=State.choices, default=State.TO_DO)
    executed_on = models.DateField(_("executed on"), null=True, blank=True)
    executed_by = person(_("executed by"))
    # Since when what lasts of its penalty rests there, as that is stayed; not otherwise.
    paused_on = models.DateField(pgettext_lazy("on the platform", "paused on"), null=True, blank=True)
    reference = models.CharField(_("task on the platform"), max_length=100, blank=True)
    note = models.TextField(_("why it failed"), blank=True)
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
        ]
        indexes = [
            # The list for the platform: what is still to do.
            models.Index(fields=["state", "asked_at"], name="opsdesk_execution_waits"),
        ]

    def __str__(self) -> str:
        told = f"{self.product or self.shop} · {self.get_kind_display()}"
        return f"{told} · {self.penalty}" if self.penalty else told

    @property
    def turn(self) -> Turn | None:
        """Whether the platform is to pause what lasts, or to go on with it."""
        if self.penalty is None or self.state not in self.WAS_DONE:
            return None
        is_stayed, is_paused = self.penalty.stayed_at is not None, self.paused_on is not None
        if is_stayed == is_paused or not self.lasting():
            return None
        return self.Turn.PAUSE if is_stayed else self.Turn.GO_ON

    def lasting(self) -> list[Measure]:
        """What goes on of its penalty until its end, and rests while that is stayed."""
        measures = self.penalty.measures.all() if self.penalty else []
        return [
            one
            for one in measures
            if one.kind in Measure.LASTING and one.applied_at and not (one.undone_at or one.lapsed_at)
        ]
