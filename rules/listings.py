"""Where products stand in an alliance, what stands against them, and what those under observation sold."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Case, CharField, F, FilteredRelation, Q, QuerySet, Value, When

from shops import listings
from shops.models import Alliance, Listing

State = Listing.State


def of_alliance(alliance: Alliance) -> QuerySet[Any]:
    """The alliance's listings, with `standing`: the state that counts."""
    standing = Case(
        When(listings.is_stopped(), then=Value(State.STOPPED.value)),
        default=F("state"),
        output_field=CharField(),
    )
    return Listing.objects.filter(alliance=alliance).order_by().annotate(standing=standing)


def observed_sales(alliance: Alliance, day: date) -> QuerySet[Any, dict[str, Any]]:
    """The alliance's products under observation whose sales of the day are known, each with its `shop`.

    Without those of a category that the alliance does not serve (R22).
    """
    sold = FilteredRelation("product__metrics", condition=Q(product__metrics__day=day))
    not_served = Q(product__category=alliance.category_not_served)
    return (
        of_alliance(alliance)
        .annotate(sold=sold)
        .filter(~not_served if alliance.category_not_served else Q())
        .filter(standing=State.OBSERVED, sold__sales_amount__isnull=False)
        .values(
            shop=F("product__shop_id"),
            code=F("product__code"),
            name=F("product__name"),
            sales=F("sold__sales_amount"),
        )
    )
