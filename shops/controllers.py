"""What bars a shop bars the other shops of its controller: CL-1, CL-4 and DF-A10 alone (R6).

Cleared for a metric, closed by itself, openings used up: none of these reaches another shop.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from shops.models import Enrollment, Measure, Penalty, Shop, Violation


def barring_cases() -> QuerySet[Penalty]:
    """Penalties and cases whose shop bars the others of its controller, whether or not they have ended:

    a penalty under a violation that says so, one that closed its shop for good, and a case that endangers
    transaction safety, penalised or not. Only one that is overturned, or dismissed, bars nobody.
    """
    return Penalty.objects.filter(
        Penalty.imposed_as("bars_controller") & Q(status__in=Penalty.PENALISED)
        | closing() & Q(status__in=Penalty.PENALISED)
        | Penalty.imposed_as("endangers_transactions") & ~Q(status__in=Penalty.VOID)
    )


def closing() -> Q:
    """Penalties that closed their shop for good, and whose closing was not taken back."""
    # Looked up penalty by penalty where they are few, and read once where they are all.
    closed = Measure.objects.standing().filter(kind=Measure.Kind.CLOSE, penalty=OuterRef("pk"))
    return Q(Exists(closed))


def was_imposed_as(penalty: Penalty, *flags: str) -> bool:
    """Whether its violation had one of the flags as it was imposed, whatever has become of it since."""
    told = penalty.violation
    if penalty.violation_version is not None:
        told = Violation.history.filter(history_id=penalty.violation_version).first()
    return told is not None and any(getattr(told, flag) for flag in flags)


def barred_shops() -> QuerySet[Shop]:
    """Shops that another one of their controller bars, from every alliance (R6)."""
    return Shop.objects.filter(pk__in=barred_ids())


def barred_ids() -> QuerySet[Any]:
    """Their ids, some of them more than once."""
    # Asked once, and not shop by shop.
    reached = barring_cases().annotate(other=F("shop__controller__shops")).exclude(other=F("shop"))
    return reached.filter(other__isnull=False).order_by().values("other")


def cases_barring(shop: Shop) -> QuerySet[Penalty]:
    """Of the other shops of its controller, what bars this one from every alliance (R6)."""
    return barring_cases().filter(shop__in=others_of(shop))


def would_bar(violation: Violation | None, measures: list[Measure]) -> bool:
    """Whether a penalty like this would bar the controller's other shops."""
    closes = any(measure.kind == Measure.Kind.CLOSE for measure in measures)
    named = violation is not None and (violation.bars_controller or violation.endangers_transactions)
    return closes or named


def others_of(shop: Shop) -> QuerySet[Shop]:
    """The other shops of the shop's controller."""
    if shop.controller_id is None:
        return Shop.objects.none()
    return Shop.objects.filter(controller=shop.controller_id).exclude(pk=shop.pk).order_by("code")


def reached(shop: Shop) -> QuerySet[Enrollment]:
    """Where the other shops of its controller are open: what a bar of this shop proposes to clear."""
    return (
        Enrollment.objects.filter(shop__in=others_of(shop), state=Enrollment.State.OPEN)
        .select_related("shop", "alliance")
        .order_by("shop__code", "alliance")
    )
