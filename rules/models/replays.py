from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from rules.models.sweeps import Sweep
from shops.models import Product, Shop


class SweepInput(models.Model):
    """What a check knew of a shop or a product, by value, and what it made of it: to be evaluated again.

    Kept of all that was proposed, and of one in a hundred others.
    """

    # The unique key begins with it.
    sweep = models.ForeignKey(
        Sweep, models.PROTECT, verbose_name=_("daily check"), related_name="inputs", db_index=False
    )
    shop = models.ForeignKey(Shop, models.PROTECT, verbose_name=_("shop"), related_name="+", db_index=False)
    product = models.ForeignKey(
        Product,
        models.PROTECT,
        verbose_name=_("product"),
        null=True,
        related_name="+",
        db_index=False,
        help_text=_("Empty: the shop itself."),
    )
    inputs = models.JSONField(_("inputs"))
    verdict = models.JSONField(_("verdict"))

    class Meta:
        verbose_name = _("input of a check")
        verbose_name_plural = _("inputs of checks")
        constraints = [
            models.UniqueConstraint(
                fields=["sweep", "shop", "product"],
                nulls_distinct=False,
                name="rules_sweepinput_is_kept_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sweep_id} · {self.product_id or self.shop_id}"
