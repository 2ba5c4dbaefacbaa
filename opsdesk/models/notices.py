from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from opsdesk.models.appeals import Appeal
from opsdesk.models.channels import Channel
from shops.models import Audited, Penalty
from shops.models.people import person
from shops.texts import in_the_readers_language


class Notice(Audited):
    """What a shop is told of a penalty, or of a ruling on it, by value: it reads the same in years. Its
    delivery is added later, and corrected for a reason: history keeps what was on record before.

    Both texts are lists of [what it is about, what is said of it], in the order in which they are read.
    """

    # Of the decision, or of a ruling on it.
    penalty = models.OneToOneField(
        Penalty, models.PROTECT, verbose_name=_("penalty"), null=True, blank=True, related_name="notice"
    )
    appeal = models.OneToOneField(
        Appeal, models.PROTECT, verbose_name=_("appeal"), null=True, blank=True, related_name="notice"
    )
    text_zh = models.JSONField(_("text in Chinese"))
    text_en = models.JSONField(_("text in English"))
    # Who tells it, and how the desk is reached; empty where the terms named nobody.
    issuer_zh = models.CharField(_("issuer, in Chinese"), max_length=200, blank=True)
    issuer_en = models.CharField(_("issuer, in English"), max_length=200, blank=True)
    contact_zh = models.TextField(_("how to reach the desk, in Chinese"), blank=True)
    contact_en = models.TextField(_("how to reach the desk, in English"), blank=True)
    # As promised: terms that change later take nothing away. Empty: no appeal is provided.
    first_days = models.PositiveSmallIntegerField(_("days for a first appeal"), null=True, blank=True)
    second_days = models.PositiveSmallIntegerField(_("days for a second appeal"), null=True, blank=True)
    written_at = models.DateTimeField(_("written at"))
    channel = models.CharField(_("channel"), max_length=20, choices=Channel.choices, blank=True)
    reference = models.CharField(
        pgettext_lazy("letter", "reference"),
        max_length=100,
        blank=True,
        help_text=_("Of the letter, call or ticket."),
    )
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)
    delivery_recorded_by = person(_("delivery recorded by"))
    corrected_at = models.DateTimeField(_("delivery corrected at"), null=True, blank=True)
    corrected_because = models.TextField(_("delivery corrected because"), blank=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-id"]
        permissions = [
            ("record_delivery", _("Can record the delivery of notices")),
            ("export_notice", _("Can export notices")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(penalty=None, appeal__isnull=False) | Q(penalty__isnull=False, appeal=None),
                name="opsdesk_notice_tells_of_a_decision_or_of_a_ruling",
            ),
            models.CheckConstraint(
                condition=Q(delivered_at=None, channel="") | (Q(delivered_at__isnull=False) & ~Q(channel="")),
                name="opsdesk_notice_is_delivered_on_some_channel_at_a_moment",
            ),
            models.CheckConstraint(
                condition=Q(corrected_at=None, corrected_because="")
                | (Q(corrected_at__isnull=False, delivered_at__isnull=False) & ~Q(corrected_because="")),
                name="opsdesk_notice_delivery_is_corrected_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        if self.appeal is not None:
            return str(_("Notice of the ruling on %(appeal)s") % {"appeal": self.appeal})
        return str(_("Notice of %(case)s") % {"case": self.penalty})

    @property
    def case(self) -> Penalty:
        """The penalty that it is about."""
        case = self.penalty if self.appeal is None else self.appeal.penalty
        assert case is not None
        return case

    @property
    def text(self) -> list[Any]:
        """What it says in the reader's language."""
        return in_the_readers_language(self.text_en, self.text_zh)
