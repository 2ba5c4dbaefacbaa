"""What follows from a violation by itself: the catalogue's own measures."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shops.models.audited import Audited
from shops.models.measures import ENDING, LASTING, DepositBasis, MeasureKind
from shops.models.violations import Violation


class DefaultMeasure(Audited):
    """A measure that a violation takes, from its n-th case on. What it leaves open is asked of the operator.

    A case takes the measures of the highest step of the ladder that it reaches, and of no other.
    """

    violation = models.ForeignKey(
        Violation, models.PROTECT, verbose_name=_("violation"), related_name="default_measures"
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    from_case = models.PositiveSmallIntegerField(
        _("from case"),
        default=1,
        help_text=_("A case takes the measures of the highest step that it reaches, and of no other."),
    )
    kind = models.CharField(_("kind"), max_length=20, choices=MeasureKind.choices)
    points_least = models.PositiveSmallIntegerField(_("points, least"), null=True, blank=True)
    points_most = models.PositiveSmallIntegerField(
        _("points, most"),
        null=True,
        blank=True,
        help_text=_("The same as the least: a fixed number. Otherwise the operator chooses within them."),
    )
    score = models.DecimalField(_("experience score"), max_digits=4, decimal_places=2, null=True, blank=True)
    basis = models.CharField(
        pgettext_lazy("deposit", "basis"), max_length=20, choices=DepositBasis.choices, blank=True
    )
    amount_fen = models.BigIntegerField(
        _("amount"), null=True, blank=True, help_text=_("In fen. Empty: asked of the operator.")
    )
    share = models.DecimalField(
        _("share"),
        max_digits=7,
        decimal_places=6,
        null=True,
        blank=True,
        help_text=_("A share of 1. Empty: asked of the operator."),
    )
    days = models.PositiveSmallIntegerField(
        pgettext_lazy("measure", "days"),
        null=True,
        blank=True,
        help_text=_("How long it lasts. Empty: without end; of points: as their setting says."),
    )
    end_asked = models.BooleanField(
        _("end is asked"), default=False, help_text=_("The operator says until when.")
    )

    class Meta:
        verbose_name = _("default measure")
        verbose_name_plural = _("default measures")
        ordering = ["violation", "from_case", "position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["violation", "from_case", "kind"],
                name="shops_defaultmeasure_kind_is_taken_once_in_a_step",
                # Kinds may change places within one edit.
                deferrable=models.Deferrable.DEFERRED,
                violation_error_message=_("A step takes each kind of measure once."),
            ),
            models.CheckConstraint(
                condition=Q(from_case__gte=1),
                name="shops_defaultmeasure_ladder_begins_with_the_first_case",
                violation_error_message=_("Cases are counted from 1."),
            ),
            models.CheckConstraint(
                condition=Q(points_least=None, points_most=None)
                | Q(
                    kind="points",
                    points_least__isnull=False,
                    points_most__isnull=False,
                    points_least__gte=1,
                    points_least__lte=F("points_most"),
                ),
                name="shops_defaultmeasure_points_are_an_ordered_range",
                violation_error_message=_("Points are given by points alone: the least first, from 1."),
            ),
            models.CheckConstraint(
                condition=Q(score=None) | Q(kind="score", score__gt=0),
                name="shops_defaultmeasure_score_is_taken_off_and_above_zero",
                violation_error_message=_("A score above zero, where the experience score is deducted."),
            ),
            models.CheckConstraint(
                condition=(Q(kind="deduct") & ~Q(basis="")) | (~Q(kind="deduct") & Q(basis="")),
                name="shops_defaultmeasure_has_a_basis_exactly_when_it_deducts",
                violation_error_message=_("A deduction says on what basis, and nothing else does."),
            ),
            models.CheckConstraint(
                condition=Q(amount_fen=None)
                | Q(amount_fen__gte=1, kind="top_up")
                | Q(amount_fen__gte=1, basis="fixed"),
                name="shops_defaultmeasure_amount_is_of_a_fixed_sum_or_a_top_up",
                violation_error_message=_("An amount above zero, of a fixed sum or a top-up."),
            ),
            models.CheckConstraint(
                condition=Q(share=None) | Q(basis="share", share__gt=0, share__lte=1),
                name="shops_defaultmeasure_share_is_of_the_balance_and_at_most_all",
                violation_error_message=_("A share is above 0 and at most 1, where that is the basis."),
            ),
            models.CheckConstraint(
                condition=Q(days=None) | Q(days__gte=1, kind__in=sorted(ENDING)),
                name="shops_defaultmeasure_lasts_only_where_its_kind_can_end",
                violation_error_message=_("Only what can end by itself lasts a number of days, at least 1."),
            ),
            models.CheckConstraint(
                condition=Q(end_asked=False) | Q(days=None, kind__in=sorted(LASTING)),
                name="shops_defaultmeasure_end_is_asked_where_none_is_given",
                violation_error_message=_("Its end is asked only where it can end and no days are given."),
            ),
            models.CheckConstraint(
                condition=~Q(kind="suspend") | Q(days__isnull=False) | Q(end_asked=True),
                name="shops_defaultmeasure_suspends_until_a_date",
                violation_error_message=_("A suspension ends: give its days, or have its end asked."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.violation} · {self.from_case} · {self.get_kind_display()}"
