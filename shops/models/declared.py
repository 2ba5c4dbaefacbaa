from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from shops.models.audited import Audited
from shops.models.people import person
from shops.texts import in_the_readers_language

# What rules can still tell distances of.
WIDEST = Decimal("99999999999999.99")


class DeclaredMetric(Audited):
    """A figure about a shop's day that people have declared; files bring it, and rules speak of it.

    Its values stand in `ShopMetrics.extra` under its key. Once figures came in, or a published rule set
    speaks of it, what it measures and is called never changes: another definition is another key.
    """

    class Type(models.TextChoices):
        """The values of shops.metrics.MetricType."""

        SCORE = "score", _("score")
        RATE = "rate", _("share of 1")
        AMOUNT = "amount", _("amount in yuan")
        COUNT = "count", _("count")
        FLAG = "flag", _("yes or no")

    key = models.CharField(
        _("key"),
        max_length=40,
        unique=True,
        help_text=_("Small letters and digits with underscores between, such as refund_rate_30d."),
    )
    name_en = models.CharField(_("name in English"), max_length=60)
    name_zh = models.CharField(_("name in Chinese"), max_length=60)
    unit_en = models.CharField(_("unit in English"), max_length=20, blank=True)
    unit_zh = models.CharField(_("unit in Chinese"), max_length=20, blank=True)
    type = models.CharField(_("type"), max_length=10, choices=Type.choices)
    minimum = models.DecimalField(
        _("minimum"), max_digits=20, decimal_places=6, null=True, blank=True, help_text=_("It is in.")
    )
    maximum = models.DecimalField(
        _("maximum"), max_digits=20, decimal_places=6, null=True, blank=True, help_text=_("It is in.")
    )
    knows_none_yet = models.BooleanField(
        _("knows “none yet”"),
        default=False,
        help_text=_("The platform may say of a score that there is none yet: none or 暂无 (R9)."),
    )
    window_days = models.PositiveSmallIntegerField(
        _("window in days"),
        null=True,
        blank=True,
        help_text=_("Over how many days up to and including the day it is taken. Empty: as it stands."),
    )
    source = models.CharField(
        _("source and version"),
        max_length=200,
        blank=True,
        help_text=_("Where it comes from, and by which version of its definition."),
    )
    declared_by = person(_("declared by"), db_index=False)
    declared_at = models.DateTimeField(_("declared at"))
    retired_on = models.DateField(
        _("retired from"),
        null=True,
        blank=True,
        help_text=_("The first day of which no figures are taken any more."),
    )

    class Meta:
        verbose_name = _("declared metric")
        verbose_name_plural = _("declared metrics")
        ordering = ["key"]
        permissions = [
            ("declare_metric", _("Can declare metrics")),
            ("export_declaredmetric", _("Can export declared metrics")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(key__regex=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"),
                name="shops_declaredmetric_key_is_small_letters_and_digits",
            ),
            models.CheckConstraint(
                condition=~Q(name_en="") & ~Q(name_zh=""), name="shops_declaredmetric_has_both_names"
            ),
            models.CheckConstraint(
                condition=Q(type="flag", minimum=None, maximum=None)
                | (~Q(type="flag") & Q(minimum__isnull=False, maximum__isnull=False)),
                name="shops_declaredmetric_number_has_bounds_and_a_flag_none",
            ),
            models.CheckConstraint(
                condition=Q(minimum=None) | Q(minimum__lte=F("maximum")),
                name="shops_declaredmetric_minimum_is_not_above_the_maximum",
            ),
            models.CheckConstraint(
                condition=~Q(type="rate") | Q(minimum__gte=0, maximum__lte=1),
                name="shops_declaredmetric_rate_is_a_share_of_one",
            ),
            models.CheckConstraint(
                condition=~Q(type="count") | Q(minimum__gte=0, maximum__lte=2_147_483_647),
                name="shops_declaredmetric_count_is_one_that_can_be_kept",
            ),
            models.CheckConstraint(
                condition=Q(minimum=None) | Q(maximum__lte=F("minimum") + WIDEST),
                name="shops_declaredmetric_bounds_are_not_too_far_apart",
            ),
            models.CheckConstraint(
                condition=Q(knows_none_yet=False) | Q(type="score"),
                name="shops_declaredmetric_only_a_score_can_be_none_yet",
            ),
            models.CheckConstraint(
                condition=Q(window_days=None) | Q(window_days__gte=1),
                name="shops_declaredmetric_window_has_a_day",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name in the reader's language."""
        return in_the_readers_language(self.name_en, self.name_zh)
