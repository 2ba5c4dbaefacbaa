"""Points that penalties give: how many stand, and which threshold they have reached.

No document gives thresholds (R16): they are operators' rows. Points stand from the moment at which they were
imposed until they lapse, unless they were taken back.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet, Sum

from shops import calendar
from shops.models import Alliance, Measure, PointsThreshold, Shop
from shops.standing import ACTIVE

# For statements over many shops: what stands of each at the moment `{at}` where it counts, with the newest
# measure that gave some; `{which}` narrows the measures m of the penalties p.
STANDING = f"""
    SELECT p.shop_id, m.alliance_id, sum(m.points) AS total, max(m.id) AS newest
    FROM shops_measure m JOIN shops_penalty p ON p.id = m.penalty_id
    WHERE m.kind = 'points' AND {ACTIVE} AND {{which}}
    GROUP BY p.shop_id, m.alliance_id
"""


def days_that_count(alliance: Alliance | None) -> int | None:
    """On how many days points count in the alliance, or (None) on the platform. None: to the year's end."""
    return alliance.points_days if alliance else settings.POINTS_DAYS or None


def standing_measures(shop: Shop, alliance: Alliance | None, at: datetime) -> QuerySet[Measure]:
    """The measures whose points stand at the moment, in the alliance or (None) on the platform."""
    return _standing(shop, at).filter(alliance=alliance)


def standing_points(shop: Shop, alliance: Alliance | None, at: datetime) -> int:
    """Their sum."""
    total = standing_measures(shop, alliance, at).aggregate(total=Sum("points"))["total"]
    return int(total or 0)


def standing_by_place(shop: Shop, at: datetime) -> dict[int | None, int]:
    """The sums wherever some stand, by the alliance's key; None: on the platform."""
    return {where: total for (_shop, where), total in standing_of([shop.pk], at).items()}


def standing_of(shops: Collection[int], at: datetime) -> dict[tuple[int, int | None], int]:
    """The same of these shops, by their keys."""
    stand = Measure.objects.active(at).filter(kind=Measure.Kind.POINTS, penalty__shop__in=shops)
    sums = stand.order_by().values_list("penalty__shop", "alliance").annotate(total=Sum("points"))
    return {(shop, where): total for shop, where, total in sums}


def threshold_reached(points: int, alliance: Alliance | None) -> PointsThreshold | None:
    """The highest threshold that so many points reach."""
    reached = PointsThreshold.objects.filter(alliance=alliance, points__lte=points)
    return reached.order_by("-points").first()


def proposed_by(threshold: PointsThreshold, at: datetime) -> list[Measure]:
    """The measures of a threshold, unsaved, as they would be imposed at that moment."""
    ends_at = None if threshold.days is None else calendar.deadline(at, threshold.days)
    return [
        Measure(
            kind=kind,
            alliance=threshold.alliance if kind == Measure.Kind.CLEAR else None,
            ends_at=ends_at if kind in Measure.ENDING else None,
        )
        for kind in threshold.kinds
    ]


def _standing(shop: Shop, at: datetime) -> QuerySet[Measure]:
    return Measure.objects.active(at).filter(kind=Measure.Kind.POINTS, penalty__shop=shop)
