"""Several measures of one penalty, seen together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from shops.models import Alliance, Enrollment, Measure, Shop

Kind = Measure.Kind


def with_clearances(
    shop: Shop, measures: Iterable[Measure], penalty_of: Alliance | None = None
) -> list[Measure]:
    """The measures, and where one closes the shop a clearance from each alliance in which it is (R19).

    `penalty_of`: the penalty's own alliance, out of which clears whatever names none.
    """
    measures = list(measures)
    if any(measure.kind == Kind.CLOSE for measure in measures):
        cleared = [
            measure.alliance_id or (penalty_of and penalty_of.pk)
            for measure in measures
            if measure.kind == Kind.CLEAR
        ]
        inside = Alliance.objects.filter(
            enrollments__shop=shop, enrollments__state=Enrollment.State.OPEN
        ).exclude(pk__in=[pk for pk in cleared if pk is not None])
        measures += [Measure(kind=Kind.CLEAR, alliance=alliance) for alliance in inside.order_by("pk")]
    return measures


def ends_at(measures: Sequence[Measure]) -> datetime | None:
    """When the last of them ends by itself; None where nothing does, or something has no end."""
    if any(m.kind == Kind.CLOSE or (m.kind in Measure.ENDING and m.ends_at is None) for m in measures):
        return None
    return max((m.ends_at for m in measures if m.ends_at is not None), default=None)


def is_over(measures: Iterable[Measure]) -> bool:
    """Whether something of them ended by itself, and none goes on: a closing, or what has no end."""
    own = [measure for measure in measures if measure.undone_at is None]
    goes_on = any(m.kind == Kind.CLOSE or (m.kind in Measure.ENDING and m.lapsed_at is None) for m in own)
    return not goes_on and any(measure.lapsed_at is not None for measure in own)
