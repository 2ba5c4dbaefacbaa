"""What was decided on a proposal, and whether the platform has done it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from opsdesk.reasons import REASON_CHOICES
from rules.models import Proposal
from shops.models import Audited
from shops.models.people import person


class Decision(Audited):
    """An operator's word on a proposal. There is one, and its verdict never changes."""

    class Verdict(models.TextChoices):
        ACCEPTED = "accepted", _("accepted")
        REJECTED = "rejected", _("rejected")

    class Execution(models.TextChoices):
        NOTHING = "", _("nothing to do")
        TO_DO = "to_do", _("to do")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        # What was decided was taken back before the platform did it, or has to be undone there.
        CALLED_OFF = "called_off", pgettext_lazy("on the platform", "called off")
        TO_UNDO = "to_undo", pgettext_lazy("on the platform", "to undo")
        UNDONE = "undone", pgettext_lazy("on the platform", "undone")

    # Somebody has still to see to it on the platform.
    WAITING = frozenset({Execution.TO_DO, Execution.TO_UNDO})

    proposal = models.OneToOneField(
        Proposal, models.PROTECT, verbose_name=_("proposal"), related_name="decision"
    )
    verdict = models.CharField(_("verdict"), max_length=20, choices=Verdict.choices)
    reason = models.CharField(_("reason"), max_length=40, choices=REASON_CHOICES)
    note = models.TextField(_("note"), blank=True)
    decided_at = models.DateTimeField(_("decided at"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        verbose_name=_("decided by"),
        null=True,
        blank=True,
        related_name="decisions",
        help_text=_("Empty: the system itself."),
    )
    execution = models.CharField(
        _("on the platform"),
        max_length=20,
        choices=Execution.choices,
        blank=True,
        default=Execution.NOTHING,
    )
    executed_on = models.DateField(_("executed on"), null=True, blank=True)
    executed_by = person(_("executed by"))
    execution_reference = models.CharField(_("platform's reference"), max_length=100, blank=True)
    execution_note = models.TextField(_("why it failed"), blank=True)

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        ordering = ["-decided_at", "-id"]
        permissions = [
            ("record_execution", _("Can record what the platform has done")),
            ("export_decision", _("Can download decisions")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict="accepted") | Q(execution=""),
                name="opsdesk_decision_rejected_has_nothing_to_execute",
            ),
            models.CheckConstraint(
                condition=~Q(verdict="accepted") | ~Q(execution=""),
                name="opsdesk_decision_accepted_is_to_be_executed",
            ),
            models.CheckConstraint(
                condition=~Q(execution__in=["done", "to_undo", "undone"]) | Q(executed_on__isnull=False),
                name="opsdesk_decision_done_has_a_date",
            ),
            models.CheckConstraint(
                condition=~Q(execution="failed") | ~Q(execution_note=""),
                name="opsdesk_decision_failed_says_why",
            ),
        ]
        indexes = [
            # The list for the platform: what is still to do.
            models.Index(fields=["execution", "decided_at"], name="opsdesk_decision_to_execute"),
        ]

    def __str__(self) -> str:
        return f"{self.proposal} · {self.get_verdict_display()}"
