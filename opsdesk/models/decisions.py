"""What was decided on a proposal."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from opsdesk.reasons import REASON_CHOICES
from rules.models import Proposal
from shops.models import Audited


class Decision(Audited):
    """An operator's word on a proposal. There is one, and it never changes."""

    class Verdict(models.TextChoices):
        ACCEPTED = "accepted", _("accepted")
        REJECTED = "rejected", _("rejected")

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

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        ordering = ["-decided_at", "-id"]
        permissions = [("export_decision", _("Can download decisions"))]

    def __str__(self) -> str:
        return f"{self.proposal} · {self.get_verdict_display()}"
