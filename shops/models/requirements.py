"""How much a shop is to have on its deposit account: operators' data, as no document names amounts (DP-3)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from shops.models.alliances import Alliance
from shops.models.audited import Audited


class DepositRequirement(Audited):
    """The base amount of a category; with no category, of all that are not listed."""

    alliance = models.ForeignKey(
        Alliance,
        models.CASCADE,
        verbose_name=_("alliance"),
        null=True,
        blank=True,
        related_name="deposit_requirements",
        help_text=_("Empty: the platform as a whole."),
    )
    category = models.CharField(
        _("category"), max_length=60, blank=True, help_text=_("Empty: every category that is not listed.")
    )
    base_fen = models.BigIntegerField(_("base amount in fen"))

    class Meta:
        verbose_name = _("deposit requirement")
        verbose_name_plural = _("deposit requirements")
        ordering = ["alliance", "category"]
        permissions = [("export_depositrequirement", _("Can export deposit requirements"))]
        constraints = [
            models.UniqueConstraint(
                fields=["alliance", "category"],
                nulls_distinct=False,
                name="shops_depositrequirement_is_one_per_alliance_and_category",
                violation_error_message=_("There is a requirement for this category already."),
            ),
            models.CheckConstraint(
                condition=Q(base_fen__gte=0),
                name="shops_depositrequirement_amount_is_not_below_zero",
                violation_error_message=_("An amount is not below zero."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.alliance or _('the platform')} · {self.category or _('not listed')}"


class DepositStep(Audited):
    """The floating amount: from so much of sales in 30 days on. The larger of it and the base is required."""

    alliance = models.ForeignKey(
        Alliance,
        models.CASCADE,
        verbose_name=_("alliance"),
        null=True,
        blank=True,
        related_name="deposit_steps",
        help_text=_("Empty: the platform as a whole."),
    )
    category = models.CharField(
        _("category"), max_length=60, blank=True, help_text=_("Empty: every category that is not listed.")
    )
    sales_fen = models.BigIntegerField(
        _("sales from, in fen"), help_text=_("Paid order amount over the last 30 days.")
    )
    amount_fen = models.BigIntegerField(_("amount in fen"))

    class Meta:
        verbose_name = _("step of the deposit")
        verbose_name_plural = _("steps of the deposit")
        ordering = ["alliance", "category", "sales_fen"]
        permissions = [("export_depositstep", _("Can export the steps of the deposit"))]
        constraints = [
            models.UniqueConstraint(
                fields=["alliance", "category", "sales_fen"],
                nulls_distinct=False,
                name="shops_depositstep_is_one_per_alliance_category_and_sales",
                violation_error_message=_("There is a step from these sales already."),
            ),
            models.CheckConstraint(
                condition=Q(sales_fen__gte=0, amount_fen__gte=0),
                name="shops_depositstep_amounts_are_not_below_zero",
                violation_error_message=_("An amount is not below zero."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.alliance or _('the platform')} · {self.category or _('not listed')} · {self.sales_fen}"
