from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from shops.models.alliances import Alliance
from shops.models.audited import Audited
from shops.texts import in_the_readers_language


class Violation(Audited):
    """An entry of the catalogue of offences. What follows from it stands in its default measures."""

    class Group(models.TextChoices):
        SERVICE = "service", _("breach of service promises")
        PUBLISHING = "publishing", _("publishing violation")
        QUALITY = "quality", _("substandard quality")
        ORDER = "order", _("disturbing platform order")
        LIVE_ROOM = "live_room", _("live-room violation")

    code = models.CharField(_("code"), max_length=20, unique=True)
    group = models.CharField(_("group"), max_length=20, choices=Group.choices)
    alliance = models.ForeignKey(
        Alliance,
        models.PROTECT,
        verbose_name=_("alliance"),
        null=True,
        blank=True,
        related_name="violations",
        help_text=_("Whose rule it breaks. Empty: the platform's."),
    )
    name_en = models.CharField(_("name in English"), max_length=300)
    name_zh = models.CharField(_("name in Chinese"), max_length=300)
    source = models.CharField(_("source"), max_length=40, help_text=_("Document and clause."))
    serious = models.BooleanField(
        _("serious"),
        default=False,
        help_text=_("Penalised, it bars the shop for ever (CL-1)."),
    )
    bars_controller = models.BooleanField(
        _("bars the controller's other shops"),
        default=False,
        help_text=_("Penalised, it keeps them from being admitted (DF-A10, R6). Only a serious one can."),
    )
    endangers_transactions = models.BooleanField(
        _("endangers transaction safety"),
        default=False,
        help_text=_("A case bars the controller's other shops even without a penalty (DF-A10, V11)."),
    )
    appealable = models.BooleanField(
        _("appealable"), default=True, help_text=_("Whether a shop may contest a penalty under it.")
    )
    repeats_within_days = models.PositiveSmallIntegerField(
        _("repeats count within days"),
        null=True,
        blank=True,
        help_text=_("How far back earlier cases make this one a repetition. Empty: for ever."),
    )
    evidence_en = models.TextField(
        _("expected evidence in English"),
        blank=True,
        help_text=_("A checklist, one item a line; the same items in both languages."),
    )
    evidence_zh = models.TextField(_("expected evidence in Chinese"), blank=True)
    active = models.BooleanField(
        _("in use"), default=True, help_text=_("What is no longer in use stays on record with its penalties.")
    )

    class Meta:
        verbose_name = _("violation")
        verbose_name_plural = _("violations")
        ordering = ["id"]
        permissions = [("export_violation", _("Can export violations"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(bars_controller=False) | Q(serious=True),
                name="shops_violation_bars_other_shops_only_where_serious",
                violation_error_message=_("Only a serious violation bars the controller's other shops."),
            ),
            models.CheckConstraint(
                condition=Q(repeats_within_days=None) | Q(repeats_within_days__gte=1),
                name="shops_violation_counts_repeats_within_a_day_at_least",
                violation_error_message=_("Repeats count within one day at least; empty: for ever."),
            ),
            models.CheckConstraint(
                condition=Q(evidence_en="", evidence_zh="") | (~Q(evidence_en="") & ~Q(evidence_zh="")),
                name="shops_violation_expects_evidence_in_both_languages",
                violation_error_message=_("Write the expected evidence in both languages."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    @property
    def name(self) -> str:
        """The name in the reader's language."""
        return in_the_readers_language(self.name_en, self.name_zh)

    @property
    def expected_evidence(self) -> list[str]:
        """What a case under it is to be supported by, item by item in the reader's language."""
        written = in_the_readers_language(self.evidence_en, self.evidence_zh)
        return [item for line in written.splitlines() if (item := line.strip())]
