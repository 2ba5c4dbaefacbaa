"""Where products stand in an alliance, what stands against them, and what those under observation sold."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Case, CharField, F, FilteredRelation, Q, QuerySet, Value, When

from shops.models import Alliance, Ground, Listing, Penalty

State = Listing.State


def stopped() -> Q:
    """The listings that are stopped, by the platform's word. The one place that says so."""
    return Q(state=State.STOPPED)


def of_alliance(alliance: Alliance) -> QuerySet[Any]:
    """The alliance's listings, with `standing`: the state that counts."""
    standing = Case(
        When(stopped(), then=Value(State.STOPPED.value)), default=F("state"), output_field=CharField()
    )
    return Listing.objects.filter(alliance=alliance).order_by().annotate(standing=standing)


def observed_sales(alliance: Alliance, day: date) -> QuerySet[Any, dict[str, Any]]:
    """The alliance's products under observation whose sales of the day are known, each with its `shop`."""
    sold = FilteredRelation("product__metrics", condition=Q(product__metrics__day=day))
    return (
        of_alliance(alliance)
        .annotate(sold=sold)
        .filter(standing=State.OBSERVED, sold__sales_amount__isnull=False)
        .values(
            shop=F("product__shop_id"),
            code=F("product__code"),
            name=F("product__name"),
            sales=F("sold__sales_amount"),
        )
    )


def barred_products(alliance: Alliance) -> QuerySet[Penalty, Any]:
    """Products against which more stands than a metric, here or on the whole platform: while a penalty on
    another ground does, and for ever after a serious violation. They are promoted only once it is undone.
    """
    stands = Q(status=Penalty.Status.IMPOSED, ground__in=sorted(set(Ground) - {Ground.METRIC}))
    serious = Q(status__in=Penalty.PENALISED, violation__serious=True)
    here = Q(alliance=alliance) | Q(alliance=None)
    return Penalty.objects.filter(here, stands | serious, product__isnull=False).values("product")
