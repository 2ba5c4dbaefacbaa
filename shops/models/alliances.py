from __future__ import annotations

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from shops.models.audited import Audited


class Alliance(Audited):
    """A promotion programme, with the settings that are its own."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name_en = models.CharField(_("name in English"), max_length=100)
    name_zh = models.CharField(_("name in Chinese"), max_length=100)
    openings_limit = models.PositiveSmallIntegerField(
        _("openings allowed"),
        null=True,
        blank=True,
        help_text=_("How many times a shop may open in all (DF-A12). Empty: no limit."),
    )
    refile_after_days = models.PositiveSmallIntegerField(
        _("days before a rejected proposal returns"),
        default=7,
        help_text=_("A rejected proposal is not filed again for so many days, unless another rule fails."),
    )
    category_not_served = models.CharField(
        _("category not served"),
        max_length=60,
        blank=True,
        help_text=_("Shops of this category are listed but never checked, admitted or cleared (R22)."),
    )

    class Meta:
        verbose_name = _("alliance")
        verbose_name_plural = _("alliances")
        ordering = ["code"]
        permissions = [("export_alliance", _("Can export alliances"))]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name in the reader's language."""
        return self.name_zh if (get_language() or "").startswith("zh") else self.name_en
