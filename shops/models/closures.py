from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shops.models.audited import Audited
from shops.models.shops import Shop


class Closure(Audited):
    """A shop stopped trading and closed by itself (CL-2), until it returns. What files say stays theirs."""

    shop = models.ForeignKey(Shop, models.PROTECT, verbose_name=_("shop"), related_name="closures")
    closed_at = models.DateTimeField(pgettext_lazy("shop", "closed at"))
    # Computed forward once: 31 August and six months are 28 February, and not back again (R14).
    return_from = models.DateField(
        _("may return from"), help_text=_("Six months after the closing, from 00:00 in Shanghai (CL-2).")
    )
    returned_at = models.DateTimeField(_("returned at"), null=True, blank=True)
    reason = models.TextField(_("reason"), blank=True)

    class Meta:
        verbose_name = pgettext_lazy("shop", "closing")
        verbose_name_plural = pgettext_lazy("shop", "closings")
        ordering = ["-closed_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["shop"],
                condition=Q(returned_at=None),
                name="shops_closure_is_the_only_one_that_lasts",
                violation_error_message=_("The shop is closed already."),
            ),
            models.CheckConstraint(
                condition=Q(returned_at=None) | Q(returned_at__gt=F("closed_at")),
                name="shops_closure_ends_after_it_began",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shop} · {self.return_from}"
