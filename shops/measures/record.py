"""Measures that are words and figures on record: warnings, points, experience score."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from shops import points
from shops.calendar import points_lapse_at
from shops.measures.effect import Effect, until
from shops.models import Measure


class Warn(Effect):
    """The shop is told what it risks. Nothing else changes, so there is nothing to take back but the word."""

    def will(self, measure: Measure) -> str:
        return _("Warn")

    def did(self, measure: Measure) -> str:
        return _("Warned")


class Points(Effect):
    """Points count towards thresholds until they lapse, in an alliance or on the platform (shops.points)."""

    lessens = "points"

    def complete(self, measure: Measure, at: datetime) -> None:
        if measure.ends_at is None:
            measure.ends_at = points_lapse_at(at, points.days_that_count(measure.alliance))

    def needs(self, measure: Measure) -> list[str]:
        return [] if measure.points else ["points"]

    def will(self, measure: Measure) -> str:
        if not measure.points:
            return _("Points")
        return self._told(
            measure,
            ngettext("%(points)s point in %(alliance)s", "%(points)s points in %(alliance)s", measure.points),
            ngettext("%(points)s point on the platform", "%(points)s points on the platform", measure.points),
        )

    def _told(self, measure: Measure, in_alliance: str, on_platform: str) -> str:
        if measure.alliance is None:
            return until(measure, on_platform % {"points": measure.points})
        return until(measure, in_alliance % {"points": measure.points, "alliance": measure.alliance})


class Score(Effect):
    """What the platform takes off the experience score. On record: the score stays what is imported."""

    lessens = "score"

    def amount(self, value: Any) -> str:
        # Typed or read from the record, it is the same figure: 0.3, not 0.30.
        return localize(Decimal(f"{value.normalize():f}"))

    def needs(self, measure: Measure) -> list[str]:
        return [] if measure.score else ["score"]

    def will(self, measure: Measure) -> str:
        if not measure.score:
            return _("Deduct experience score")
        return _("Deduct %(score)s of the experience score") % {"score": self.amount(measure.score)}

    def did(self, measure: Measure) -> str:
        return _("Deducted %(score)s of the experience score") % {"score": self.amount(measure.score)}
