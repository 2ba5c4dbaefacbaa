"""What standing points lead to. Operators' data: no document gives a threshold (R16)."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shops.models.alliances import Alliance
from shops.models.audited import Audited
from shops.models.measures import MeasureKind

# What needs nothing more to be said than for how many days.
PROPOSED = (
    MeasureKind.WARNING,
    MeasureKind.CLEAR,
    MeasureKind.REDUCE_ROOM,
    MeasureKind.REDUCE_ACCOUNT,
    MeasureKind.RESTRICT_LIVE,
    MeasureKind.SUSPEND,
    MeasureKind.CLOSE,
)


class PointsThreshold(Audited):
    """From so many standing points on, these measures are proposed. Of several reached the highest counts."""

    PROPOSED = PROPOSED

    alliance = models.ForeignKey(
        Alliance,
        models.PROTECT,
        verbose_name=_("alliance"),
        null=True,
        blank=True,
        related_name="points_thresholds",
        help_text=_("Empty: the platform's points."),
    )
    points = models.PositiveSmallIntegerField(
        pgettext_lazy("penalty", "points"), help_text=_("So many standing points, or more.")
    )
    kinds = ArrayField(
        models.CharField(max_length=20, choices=[(kind.value, kind.label) for kind in PROPOSED]),
        verbose_name=_("measures proposed"),
    )
    days = models.PositiveSmallIntegerField(
        pgettext_lazy("measure", "days"),
        null=True,
        blank=True,
        help_text=_("How long what ends by itself lasts. Empty: without end."),
    )

    class Meta:
        verbose_name = _("points threshold")
        verbose_name_plural = _("points thresholds")
        ordering = ["alliance", "points"]
        permissions = [("export_pointsthreshold", _("Can export points thresholds"))]
        constraints = [
            models.UniqueConstraint(
                fields=["alliance", "points"],
                nulls_distinct=False,
                name="shops_pointsthreshold_is_one_per_alliance_and_points",
                violation_error_message=_("There is a threshold at these points already."),
            ),
            models.CheckConstraint(
                condition=Q(points__gte=1),
                name="shops_pointsthreshold_is_above_zero",
                violation_error_message=_("A threshold is above zero points."),
            ),
            models.CheckConstraint(
                condition=Q(kinds__len__gte=1, kinds__contained_by=[kind.value for kind in PROPOSED]),
                name="shops_pointsthreshold_proposes_what_needs_no_more_said",
                violation_error_message=_("A threshold proposes at least one of these measures."),
            ),
            models.CheckConstraint(
                condition=~Q(kinds__contains=[MeasureKind.CLEAR.value]) | Q(alliance__isnull=False),
                name="shops_pointsthreshold_clears_out_of_its_alliance",
                violation_error_message=_("A clearance is out of an alliance: name it."),
            ),
            models.CheckConstraint(
                condition=~Q(kinds__contains=[MeasureKind.SUSPEND.value])
                | Q(days__isnull=False, days__gte=1),
                name="shops_pointsthreshold_suspends_for_so_many_days",
                violation_error_message=_("A suspension states how many days it lasts."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.alliance or _('the platform')} · {self.points}"
