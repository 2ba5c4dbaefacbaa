"""What rests on a penalty that bars a controller's other shops: what was imposed on them for it (R6)."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from rules.casework import BARS_THE_CONTROLLERS_SHOPS
from shops.controllers import barring_cases
from shops.models import Penalty


def on_cases() -> QuerySet[Penalty]:
    """Penalties in effect that another shop's case has brought about."""
    return (
        Penalty.objects.filter(
            proposal__case__isnull=False,
            proposal__failed_rules__contains=[BARS_THE_CONTROLLERS_SHOPS],
            status=Penalty.Status.IMPOSED,
        )
        .select_related("shop", "alliance", "proposal__case__shop")
        .order_by("pk")
    )


def on(penalty: Penalty) -> QuerySet[Penalty]:
    """Those that this one has brought about."""
    return on_cases().filter(proposal__case=penalty)


def left_standing() -> QuerySet[Any]:
    """Those whose case bars nobody any longer, and which stand all the same: somebody has to decide."""
    return on_cases().exclude(proposal__case__in=barring_cases())


def lost_ground(penalty: Penalty) -> Penalty | None:
    """The case on which this penalty rests, where that bars nobody any longer."""
    found = left_standing().filter(pk=penalty.pk).first()
    return found.proposal.case if found else None
