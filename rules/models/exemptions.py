from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from shops.models import Alliance, Audited, Shop


class ShopExemption(Audited):
    """A supervisor's word that a rule does not count for a shop, or for any of its products, until a date."""

    shop = models.ForeignKey(Shop, models.PROTECT, verbose_name=_("shop"), related_name="exemptions")
    alliance = models.ForeignKey(Alliance, models.PROTECT, verbose_name=_("alliance"), related_name="+")
    rule_code = models.CharField(_("rule"), max_length=20)
    until = models.DateField(_("until"), help_text=_("The last day on which it counts."))
    reason = models.TextField(_("reason"))
    granted_at = models.DateTimeField(_("granted at"))

    class Meta:
        verbose_name = _("exemption of a shop")
        verbose_name_plural = _("exemptions of shops")
        ordering = ["-until", "shop"]
        permissions = [
            ("grant_exemption", _("Can exempt a shop from a rule")),
            ("export_shopexemption", _("Can export exemptions of shops")),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="rules_shopexemption_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.shop} · {self.rule_code}"
