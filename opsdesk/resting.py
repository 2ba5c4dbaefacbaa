"""What rests on a case that puts shops out: its own (CL-1, R19) and its controller's others (R6)."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from rules.casework import BARS_THE_CONTROLLERS_SHOPS, REMOVED_FROM_THE_PLATFORM
from shops.controllers import barring_cases
from shops.enrollments import removing
from shops.models import Penalty


def on_cases() -> QuerySet[Penalty]:
    """Penalties in effect that a case has brought about."""
    return (
        Penalty.objects.filter(
            proposal__case__isnull=False,
            proposal__failed_rules__overlap=[BARS_THE_CONTROLLERS_SHOPS, REMOVED_FROM_THE_PLATFORM],
            status=Penalty.Status.IMPOSED,
        )
        .select_related("shop", "alliance", "proposal__case__shop")
        .order_by("pk")
    )


def on(penalty: Penalty) -> QuerySet[Penalty]:
    """Those that this one has brought about."""
    return on_cases().filter(proposal__case=penalty)


def left_standing() -> QuerySet[Any]:
    """Those whose case puts nobody out any longer, and which stand all the same: somebody has to decide."""
    still = Q(
        proposal__failed_rules__contains=[BARS_THE_CONTROLLERS_SHOPS], proposal__case__in=barring_cases()
    ) | Q(proposal__failed_rules__contains=[REMOVED_FROM_THE_PLATFORM], proposal__case__in=removing())
    return on_cases().exclude(still)


def lost_ground(penalty: Penalty) -> Penalty | None:
    """The case on which this penalty rests, where that puts nobody out any longer."""
    found = left_standing().filter(pk=penalty.pk).first()
    return found.proposal.case if found else None
