"""What stands against a shop: report, impose, lift, overturn, stay. Nothing is ever deleted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from shops import measures as effects
from shops.errors import Refused
from shops.models import Alliance, Enrollment, Ground, Measure, Penalty, Product, Shop, Violation
from shops.rights import require

if TYPE_CHECKING:
    from django.contrib.auth.models import User

STAY = "shops.stay_penalty"


@transaction.atomic
def report(
    *,
    shop: Shop,
    violation: Violation,
    by: User | None,
    at: datetime,
    alliance: Alliance | None = None,
    product: Product | None = None,
    reason: str = "",
    evidence: dict[str, Any] | None = None,
    reference: str = "",
) -> Penalty:
    """Record a case that nobody has decided yet; it has no measures.

    Refused when the platform's `reference` is known already, or the product is another shop's.
    """
    require(by, "shops.report_penalty")
    Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
    _refuse_another_shops_product(shop, product)
    if reference and Penalty.objects.filter(reference=reference).exists():
        raise Refused(_("Case %(reference)s is already on record.") % {"reference": reference})
    penalty = Penalty(
        reference=reference,
        shop=shop,
        alliance=alliance,
        product=product,
        ground=Ground.VIOLATION,
        violation=violation,
        status=Penalty.Status.REPORTED,
        reason=reason,
        evidence=evidence or {},
        reported_at=at,
    )
    penalty.save_by(by, "reported")
    return penalty


@transaction.atomic
def impose(
    *,
    shop: Shop,
    ground: str,
    by: User | None,
    at: datetime,
    reason: str,
    evidence: dict[str, Any],
    alliance: Alliance | None = None,
    violation: Violation | None = None,
    product: Product | None = None,
    measures: Iterable[str] = (Measure.Kind.CLEAR,),
    approved_by: User | None = None,
) -> Penalty:
    """Decide against a shop: the penalty stands from `at`, and each measure takes effect.

    Refused without a reason, when the violation doesn't go with the ground, when maker and approver are
    one person, when the product is another shop's, or when a measure can't take effect.
    """
    require(by, "shops.impose_penalty")
    lock_standing(shop)
    _refuse_another_shops_product(shop, product)
    if not reason.strip():
        raise Refused(_("A penalty states its reason."))
    if (ground == Ground.VIOLATION) != (violation is not None):
        raise Refused(_("A penalty names a violation exactly when a violation is its ground."))
    if by is not None and by == approved_by:
        raise Refused(_("Who imposes a penalty does not approve it as well."))
    penalty = Penalty(
        shop=shop,
        alliance=alliance,
        product=product,
        ground=ground,
        violation=violation,
        status=Penalty.Status.IMPOSED,
        reason=reason,
        evidence=evidence,
        imposed_at=at,
        imposed_by=by,
        approved_by=approved_by,
    )
    penalty.save_by(by, "imposed")
    for kind in measures:
        effects.apply(Measure(penalty=penalty, kind=kind), by=by, at=at)
    return penalty


@transaction.atomic
def lift(penalty: Penalty, *, by: User | None, at: datetime, reason: str) -> None:
    """End a rightful penalty: what it barred it bars no longer, but what it closed stays closed (R5).

    Refused without a reason, and when the penalty does not stand.
    """
    require(by, "shops.lift_penalty")
    _lock(penalty)
    if penalty.status != Penalty.Status.IMPOSED:
        raise Refused(_not_standing(penalty))
    _end(penalty, Penalty.Status.LIFTED, by=by, at=at, reason=reason)


@transaction.atomic
def overturn(penalty: Penalty, *, by: User | None, at: datetime, reason: str) -> None:
    """Declare that the penalty was wrong, also one that has ended since: each measure is undone.

    Refused without a reason, and when it was only reported or is overturned already.
    """
    require(by, "shops.overturn_penalty")
    _lock(penalty)
    if penalty.status not in Penalty.PENALISED:
        raise Refused(_not_standing(penalty))
    # Before its measures: a penalty that no longer counts bars nobody from coming back.
    _end(penalty, Penalty.Status.OVERTURNED, by=by, at=at, reason=reason)
    for measure in penalty.measures.filter(undone_at=None):
        effects.undo(measure, by=by, at=at)


@transaction.atomic
def undo_measures(
    penalty: Penalty, measures: Iterable[Measure], *, by: User | None, reason: str, at: datetime
) -> list[Measure]:
    """Take back some of what a rightful penalty does; the penalty itself, and the rest of it, stand.

    Returns them as they are then. Refused without a reason, without a measure, for one that is another
    penalty's or has no effect any more, and when the penalty was only reported or is overturned.
    """
    require(by, "shops.overturn_penalty")
    _lock(penalty)
    if penalty.status not in Penalty.PENALISED:
        raise Refused(_not_standing(penalty))
    if not reason.strip():
        raise Refused(_("Taking measures back takes a reason."))
    asked = {measure.pk for measure in measures}
    chosen = list(penalty.measures.filter(pk__in=asked, applied_at__isnull=False, undone_at=None))
    if not chosen or len(chosen) != len(asked):
        raise Refused(_("Choose measures of this penalty that are in effect."))
    for measure in chosen:
        effects.undo(measure, by=by, at=at)
    return chosen


@transaction.atomic
def stay(penalty: Penalty, *, by: User | None, at: datetime, reason: str) -> None:
    """Let a standing penalty bar nobody from anything until the stay ends. What it closed stays closed.

    Refused without a reason, when the penalty does not stand, and when it is stayed already.
    """
    require(by, STAY)
    _lock(penalty)
    if penalty.status != Penalty.Status.IMPOSED:
        raise Refused(
            _("Penalty %(number)s is %(status)s: there is nothing to stay.")
            % {"number": penalty.case_number, "status": penalty.get_status_display()}
        )
    if penalty.stayed_at is not None:
        raise Refused(_("Penalty %(number)s is stayed already.") % {"number": penalty.case_number})
    if not reason.strip():
        raise Refused(_("A stay takes a reason."))
    penalty.stayed_at = at
    penalty.save_by(by, f"stayed: {reason}")


@transaction.atomic
def end_stay(penalty: Penalty, *, by: User | None, reason: str) -> bool:
    """Let the penalty bar again what it bars. False, and nothing changes, where it is not stayed.

    It asks for no permission of its own: that a penalty has its effects is what everybody may expect.
    """
    _lock(penalty)
    if penalty.stayed_at is None:
        return False
    penalty.stayed_at = None
    penalty.save_by(by, f"stay ended: {reason}")
    return True


def lock_standing(shop: Shop) -> None:
    """Hold the shop and its enrollments until the transaction ends."""
    Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
    list(Enrollment.objects.select_for_update(no_key=True).filter(shop=shop).order_by("pk"))


def _lock(penalty: Penalty) -> None:
    lock_standing(penalty.shop)
    penalty.refresh_from_db(from_queryset=Penalty.objects.select_for_update(no_key=True))


def _end(penalty: Penalty, status: Penalty.Status, *, by: User | None, at: datetime, reason: str) -> None:
    if not reason.strip():
        raise Refused(_("Ending a penalty takes a reason."))
    penalty.status = status
    penalty.ended_at, penalty.ended_by, penalty.ended_reason = at, by, reason
    penalty.stayed_at = None
    penalty.save_by(by, status.value)


def _refuse_another_shops_product(shop: Shop, product: Product | None) -> None:
    if product is not None and product.shop_id != shop.pk:
        raise Refused(_("%(product)s is not a product of %(shop)s.") % {"product": product, "shop": shop})


def _not_standing(penalty: Penalty) -> str:
    return _("Penalty %(number)s is %(status)s: it can't be ended.") % {
        "number": penalty.case_number,
        "status": penalty.get_status_display(),
    }
