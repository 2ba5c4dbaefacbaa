from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from shops.models.audited import Audited
from shops.texts import in_the_readers_language


class Alliance(Audited):
    """A promotion programme, with the settings that are its own."""

    class DepositRule(models.TextChoices):
        """Whose requirement counts for a shop of several categories (R7)."""

        MAIN = "main", _("of the shop's main category")
        HIGHEST = "highest", _("the highest of all categories that it sells in")

    class DepositDue(models.TextChoices):
        OPENING = "opening", _("when the shop opens")
        WITHDRAWAL = "withdrawal", _("when proceeds are withdrawn")

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
    notice_days = models.PositiveSmallIntegerField(
        _("days of notice"),
        default=7,
        help_text=_("So many days lie between publishing rules and their effect; fewer take a reason."),
    )
    cool_down_days = models.PositiveSmallIntegerField(
        _("days out after a clearance"),
        default=0,
        help_text=_("So many days after a clearance a shop is not admitted again."),
    )
    most_cleared = models.DecimalField(
        _("largest share proposed to be cleared"),
        max_digits=5,
        decimal_places=4,
        null=True,
        blank=True,
        default=Decimal("0.1"),
        help_text=_("A check that would propose to clear more of the shops that are in is held."),
    )
    least_measured = models.DecimalField(
        _("least share with metrics"),
        max_digits=5,
        decimal_places=4,
        null=True,
        blank=True,
        default=Decimal("0.8"),
        help_text=_("A check of a day on which fewer of the shops that are in have metrics is held."),
    )
    oldest_days = models.PositiveSmallIntegerField(
        _("greatest age of metrics"),
        null=True,
        blank=True,
        help_text=_("In days. A check of older metrics is held, unless somebody named the day."),
    )
    largest_jump = models.DecimalField(
        _("largest jump of a median"),
        max_digits=5,
        decimal_places=4,
        null=True,
        blank=True,
        default=Decimal("0.3"),
        help_text=_("A check is held where a metric's median differs by more from the last 7 days."),
    )
    holds_repeated_days = models.BooleanField(
        _("hold repeated days"),
        default=True,
        help_text=_("A check of a day that repeats the figures of the day before is held."),
    )
    warns_on_lost_admission = models.BooleanField(
        _("warn on lost admission"),
        default=False,
        help_text=_(
            "A shop that is in and no longer meets the admission rules is warned, not cleared (R22)."
        ),
    )

    points_days = models.PositiveSmallIntegerField(
        _("days that points count"),
        null=True,
        blank=True,
        default=365,
        help_text=_("From the day of the penalty on (R16). Empty: until the end of 31 December."),
    )
    deposit_rule = models.CharField(
        _("deposit required"),
        max_length=20,
        choices=DepositRule.choices,
        default=DepositRule.MAIN,
        help_text=_("The larger of base and floating amount, for one category or for several (DP-3, R7)."),
    )
    deposit_due = models.CharField(
        _("deposit due"),
        max_length=20,
        choices=DepositDue.choices,
        default=DepositDue.OPENING,
        help_text=_("A shop whose deposit falls due with a withdrawal is not short before (DP-4)."),
    )
    top_up_days = models.PositiveSmallIntegerField(
        _("days to top up"),
        default=7,
        help_text=_("So many days a shop has to pay what its deposit lacks."),
    )

    class Meta:
        verbose_name = _("alliance")
        verbose_name_plural = _("alliances")
        ordering = ["code"]
        permissions = [("export_alliance", _("Can export alliances"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(most_cleared=None) | Q(most_cleared__gt=0, most_cleared__lte=1),
                name="shops_alliance_most_cleared_is_a_share",
            ),
            models.CheckConstraint(
                condition=Q(least_measured=None) | Q(least_measured__gt=0, least_measured__lte=1),
                name="shops_alliance_least_measured_is_a_share",
            ),
            models.CheckConstraint(
                condition=Q(largest_jump=None) | Q(largest_jump__gt=0),
                name="shops_alliance_largest_jump_is_above_zero",
            ),
            models.CheckConstraint(
                condition=Q(points_days=None) | Q(points_days__gte=1),
                name="shops_alliance_points_count_on_a_day_at_least",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name in the reader's language."""
        return in_the_readers_language(self.name_en, self.name_zh)


class PromotionPeriod(Audited):
    """Days such as 618 or 双11, on which clearances wait or take a supervisor."""

    class Effect(models.TextChoices):
        WAIT = "wait", _("clearances wait")
        SUPERVISOR = "supervisor", _("clearances take a supervisor")

    alliance = models.ForeignKey(
        Alliance, models.CASCADE, verbose_name=_("alliance"), related_name="promotion_periods"
    )
    name_en = models.CharField(_("name in English"), max_length=100)
    name_zh = models.CharField(_("name in Chinese"), max_length=100)
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))
    effect = models.CharField(_("effect"), max_length=20, choices=Effect.choices, default=Effect.WAIT)

    class Meta:
        verbose_name = _("promotion period")
        verbose_name_plural = _("promotion periods")
        ordering = ["alliance", "-first_day"]
        constraints = [
            models.CheckConstraint(
                condition=Q(first_day__lte=F("last_day")),
                name="shops_promotionperiod_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name in the reader's language."""
        return in_the_readers_language(self.name_en, self.name_zh)
