"""Whether the platform has done what was decided, and undone what was taken back."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from opsdesk.models.decisions import Decision
from rules.models import Proposal
from shops.models import Alliance, Audited, Penalty, Product, Shop
from shops.models.people import person


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

    # Somebody has still to see to it on the platform.
    WAITING = frozenset({State.TO_DO, State.TO_UNDO})
    # What its history keeps as a reason: why its record has changed, though not its state.
    NOT_UNDONE = "not undone"
    REASONS: ClassVar = {NOT_UNDONE: _("the platform has not undone it")}

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
    # What of its penalty is to be undone, or was: {"measure": its key, "from": what it had been before it was
    # lessened, as text, None where it was taken back or ended, "on": that day}. None: the case as a whole. Of
    # what nobody has recorded as done: what had changed since it was asked.
    changes = models.JSONField(_("what is to be undone"), default=list, blank=True, editable=False)

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
        ]
        indexes = [
            # The list for the platform: what is still to do.
            models.Index(fields=["state", "asked_at"], name="opsdesk_execution_waits"),
        ]

    def __str__(self) -> str:
        told = f"{self.product or self.shop} · {self.get_kind_display()}"
        return f"{told} · {self.penalty}" if self.penalty else told
