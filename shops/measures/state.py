"""What has become of a measure by a moment."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import pgettext_lazy

from shops.models import Measure


class State(models.TextChoices):
    """As pages say it; the values are those of their pills."""

    PLANNED = "planned", pgettext_lazy("measure", "not applied")
    STANDING = "standing", pgettext_lazy("measure", "stands")
    STAYED = "stayed", pgettext_lazy("measure", "stayed")
    OVER = "over", pgettext_lazy("measure", "over")
    # Once and for all: a stay leaves it, and no moment ends it.
    DONE = "done", pgettext_lazy("measure", "done")
    UNDONE = "undone", pgettext_lazy("measure", "undone")


def state_of(measure: Measure, at: datetime) -> State:
    """Whether the measure has its effect at the moment. What has ended is over, even before the timer says
    so; a stay suspends what lasts and what closes, and nothing else (shops.standing reads them alike).
    """
    if measure.undone_at is not None:
        return State.UNDONE
    if measure.applied_at is None:
        return State.PLANNED
    ends = [moment for moment in (measure.lapsed_at, measure.ends_at) if moment is not None]
    if ends and min(ends) <= at:
        return State.OVER
    if measure.kind in Measure.LASTING or measure.kind == Measure.Kind.CLOSE:
        return State.STANDING if measure.penalty.stayed_at is None else State.STAYED
    return State.STANDING if measure.kind in Measure.ENDING else State.DONE
