"""What stands against a shop or product: impose, dismiss, lift, overturn, lapse, resume. All is kept."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from shops import catalogue, charges, listings, returns
from shops import measures as effects
from shops.errors import Refused
from shops.locks import lock, lock_standing
from shops.models import Alliance, Ground, Listing, Measure, Penalty, Product, Shop, Violation
from shops.rights import require

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Kind = Measure.Kind
logger = logging.getLogger(__name__)


@transaction.atomic
def impose(
    *,
    shop: Shop,
    ground: str,
    by: User | None,
    at: datetime,
    reason: str,
    evidence: dict[str, Any],
    measures: Iterable[Measure],
    alliance: Alliance | None = None,
    violation: Violation | None = None,
    product: Product | None = None,
    approved_by: User | None = None,
    case: Penalty | None = None,
    key: str = "",
) -> Penalty:
    """Decide against a shop: the penalty stands from `at`, and each measure takes effect.

    `measures` are unsaved ones, as shops.catalogue proposes them or a person chose. One that closes the shop
    brings a clearance from every alliance in which it is (R19). `case`: the one that was reported, which
    becomes the penalty. `key`: asked again under the same key, the same penalty is returned.

    Refused without a reason, when the violation doesn't go with the ground or the alliance, when maker and
    approver are one person, when the product is another shop's, when the case was decided already, when a
    measure can't take effect or lacks what is asked, an end that the catalogue leaves open among it, or when
    something else was imposed under the key.
    """
    require(by, "shops.impose_penalty")
    lock_standing(shop)
    measures = list(measures)
    known = Penalty.objects.filter(key=key).first() if key else None
    if known is not None:
        asked = Penalty(
            shop=shop, ground=ground, violation=violation, alliance=alliance, product=product, reason=reason
        )
        charges.refuse_unless_the_same(known, asked, measures)
        return known
    violation = violation and catalogue.hold(violation)
    charges.refuse_another_alliances_violation(violation, alliance)
    charges.refuse_another_shops_product(shop, product)
    if not reason.strip():
        raise Refused(_("A penalty states its reason."))
    if (ground == Ground.VIOLATION) != (violation is not None):
        raise Refused(_("A penalty names a violation exactly when a violation is its ground."))
    if by is not None and by == approved_by:
        raise Refused(_("Who imposes a penalty does not approve it as well."))
    penalty = Penalty(shop=shop) if case is None else _undecided(case, shop)
    measures = effects.with_clearances(shop, measures, alliance)
    penalty.alliance, penalty.product = alliance, product
    penalty.ground, penalty.violation = ground, violation
    penalty.reason, penalty.evidence = reason, penalty.evidence | evidence
    if violation is not None:
        penalty.violation_version = catalogue.version_of(violation)
        penalty.evidence |= {"violation": charges.terms_of(violation)}
        catalogue.ask(violation, measures)
    penalty.status, penalty.key = Penalty.Status.IMPOSED, key
    penalty.imposed_at, penalty.imposed_by, penalty.approved_by = at, by, approved_by
    for measure in measures:
        effects.complete(measure, at)
    penalty.ends_at = effects.ends_at(measures)
    _save_once(penalty, by)
    for measure in measures:
        measure.penalty = penalty
        effects.apply(measure, by=by, at=at)
    return penalty


@transaction.atomic
def dismiss(case: Penalty, *, by: User | None, at: datetime, reason: str) -> None:
    """Close a case that was reported and is not penalised: it holds and bars nothing any longer, and what was
    deducted for it under a number of it goes back.

    Refused without a reason, and when it was decided already.
    """
    require(by, "shops.impose_penalty")
    lock(case)
    _end(_undecided(case, case.shop), Penalty.Status.DISMISSED, by=by, at=at, reason=reason)
    returns.give_back_of_case(case, by=by, at=at)


@transaction.atomic
def lift(penalty: Penalty, *, by: User | None, at: datetime, reason: str) -> None:
    """End a rightful penalty: what it barred it bars no longer, and what lasts is over, but what it closed
    stays closed, what it deducted stays deducted, and its points count until they lapse (R5).

    Refused without a reason, when the penalty does not stand, and when it closed the shop for good (CL-4).
    """
    require(by, "shops.lift_penalty")
    lock(penalty)
    if penalty.status != Penalty.Status.IMPOSED:
        raise Refused(not_standing(penalty))
    standing = penalty.measures.standing()
    if standing.filter(kind=Kind.CLOSE).exists():
        raise Refused(
            _("Penalty %(number)s closed the shop for good: only overturning it undoes that (CL-4).")
            % {"number": penalty.case_number}
        )
    _end(penalty, Penalty.Status.LIFTED, by=by, at=at, reason=reason)
    for measure in standing.filter(kind__in=Measure.LASTING).order_by("pk"):
        effects.lapse(measure, by=by, at=at)
    effects.continue_what_nothing_keeps(penalty.shop, by=by, at=at)


@transaction.atomic
def undo_measures(
    penalty: Penalty, measures: Sequence[Measure], *, by: User | None, at: datetime, reason: str
) -> None:
    """Take a part of a penalty back; the penalty stands on, with what is left of it.

    Refused without a reason, when the penalty is overturned or was never imposed, for another penalty's
    measures, for none and for all that stand (that is to overturn it), and for a clearance that came with a
    closing which stands.
    """
    require(by, "shops.overturn_penalty")
    lock(penalty)
    if penalty.status not in Penalty.PENALISED:
        raise Refused(not_standing(penalty))
    if not reason.strip():
        raise Refused(_("Taking a measure back takes a reason."))
    chosen = {measure.pk for measure in measures}
    own = list(penalty.measures.filter(applied_at__isnull=False).order_by("pk"))
    if not chosen or not chosen <= {measure.pk for measure in own}:
        raise Refused(_("Choose among the measures of this penalty."))
    left = [measure for measure in own if measure.undone_at is None and measure.pk not in chosen]
    if not left:
        raise Refused(_("That is all that the penalty does: overturn it instead."))
    if any(one.kind == Kind.CLOSE for one in left) and any(
        one.kind == Kind.CLEAR and one.pk in chosen for one in own
    ):
        raise Refused(_("A shop that is closed for good is in no alliance: take the closing back as well."))
    stated = penalty.ends_at != effects.ends_at([one for one in own if one.undone_at is None])
    _undo([measure for measure in own if measure.pk in chosen], by=by, at=at)
    # Where its platform has said when it ends, that stays.
    penalty.ends_at = penalty.ends_at if stated else effects.ends_at(left)
    penalty.save_by(by, reason)
    if penalty.status == Penalty.Status.IMPOSED and effects.is_over(penalty.measures.all()):
        _end(penalty, Penalty.Status.EXPIRED, by=by, at=at, reason=reason)
    effects.continue_what_nothing_keeps(penalty.shop, by=by, at=at)


@transaction.atomic
def overturn(penalty: Penalty, *, by: User | None, at: datetime, reason: str) -> None:
    """Declare that the penalty was wrong, also one that has ended since: each measure is undone, and what
    else was deducted for its case under a number of it goes back.

    Refused without a reason, and when it was only reported or is overturned already.
    """
    require(by, "shops.overturn_penalty")
    lock(penalty)
    if penalty.status not in Penalty.PENALISED:
        raise Refused(not_standing(penalty))
    # Before its measures: a penalty that no longer counts bars nobody from coming back.
    _end(penalty, Penalty.Status.OVERTURNED, by=by, at=at, reason=reason)
    listings.promote_what_was_resumed(penalty, by=by, at=at)
    _undo(list(penalty.measures.filter(undone_at=None).order_by("pk")), by=by, at=at)
    returns.give_back_of_case(penalty, by=by, at=at)
    effects.continue_what_nothing_keeps(penalty.shop, by=by, at=at)


@transaction.atomic
def lapse(penalty: Penalty, *, at: datetime) -> bool:
    """End what of the penalty has come to its date, and the penalty once nothing of it is left to end (CL-3).

    The timetable's; no person ends a penalty before its time in this way. False where there was nothing to
    do, which another worker may have done.
    """
    lock(penalty)
    due = penalty.measures.standing().filter(ends_at__lte=at).order_by("pk")
    ended = list(due)
    for measure in ended:
        effects.lapse(measure, by=None, at=at)
    # A platform says of its own penalties when they end, and not always what they do until then.
    over = (penalty.ends_at is not None and penalty.ends_at <= at) or effects.is_over(penalty.measures.all())
    expires = penalty.status == Penalty.Status.IMPOSED and over
    if expires:
        _end(penalty, Penalty.Status.EXPIRED, by=None, at=at, reason="its time is over")
        effects.continue_what_nothing_keeps(penalty.shop, by=None, at=at)
    return bool(ended) or expires


def run_timers(at: datetime, *, limit: int = 10_000) -> int:
    """Have everything end whose date has come, `limit` penalties at most; how many there were.

    Safe to run twice, and at once by two: each penalty is looked at again under its shop's lock. One that
    fails keeps no other from its end: it is logged, and an ExceptionGroup tells of all of them afterwards.
    """
    measures = Measure.objects.standing().filter(ends_at__lte=at)
    told = Penalty.objects.filter(status=Penalty.Status.IMPOSED, ends_at__lte=at)
    # Each by its own index, and the penalties by their keys: joined, all that stand might be read every time.
    keys = measures.order_by().values_list("penalty_id").union(told.order_by().values_list("pk"))
    due = [key for (key,) in keys.order_by("penalty_id")[:limit]]
    ended, failures = 0, []
    # Put in order here: the database might walk through all that stand rather than sort those few.
    for penalty in sorted(Penalty.objects.filter(pk__in=due), key=lambda one: (one.shop_id, one.pk)):
        try:
            ended += lapse(penalty, at=at)
        # Whatever it was: it is logged and told, and the others end all the same.
        except Exception as failure:
            if not connection.is_usable():
                raise
            logger.exception("penalty %s could not end", penalty)
            failures.append(failure)
    if failures:
        raise ExceptionGroup(f"{len(failures)} penalties could not end, {ended} ended something", failures)
    return ended


@transaction.atomic
def resume(listing: Listing, *, by: User | None, at: datetime, reason: str, observed: bool = False) -> None:
    """Have a product promoted again, or put under observation: penalties that a metric brought it end, as
    lifted, and no stop of it is left.

    Whoever may decide so has been asked already: nobody needs the right to lift other penalties for it.
    Refused without a reason, and where listings.resume is: while another ground's penalty bars the product.
    """
    lock_standing(listing.product.shop)
    listings.resume(listing, by=by, at=at, reason=reason, observed=observed)
    stops = listings.stops().filter(listing=listing)
    ended = Penalty.objects.select_for_update(no_key=True).filter(
        pk__in=stops.values("penalty"), ground=Ground.METRIC, status=Penalty.Status.IMPOSED
    )
    for penalty in ended.order_by("pk"):
        _end(penalty, Penalty.Status.LIFTED, by=by, at=at, reason=reason)
    # Also of penalties that ended before: lifting one bars no longer, but what it stopped stays stopped.
    for measure in stops.order_by("pk"):
        effects.undo(measure, by=by, at=at)


def _save_once(penalty: Penalty, by: User | None) -> None:
    try:
        with transaction.atomic():
            penalty.save_by(by, "imposed")
    except IntegrityError as error:
        # Somebody imposed it on another shop a moment ago, whose row is not ours to lock.
        if "imposed_once_under_its_key" not in str(error):
            raise
        raise Refused(charges.another_under_the_key(Penalty.objects.get(key=penalty.key))) from error


def _undecided(case: Penalty, shop: Shop) -> Penalty:
    case.refresh_from_db(from_queryset=Penalty.objects.select_for_update(no_key=True))
    if case.status != Penalty.Status.REPORTED or case.shop_id != shop.pk:
        raise Refused(
            _("Case %(number)s is %(status)s: it was decided already.")
            % {"number": case.case_number, "status": case.get_status_display()}
        )
    return case


def _undo(measures: list[Measure], *, by: User | None, at: datetime) -> None:
    # Clearances last: while a closing of the same penalty stands, it keeps the shop out.
    for measure in sorted(measures, key=lambda one: (one.kind == Kind.CLEAR, one.pk)):
        effects.undo(measure, by=by, at=at)


def _end(penalty: Penalty, status: Penalty.Status, *, by: User | None, at: datetime, reason: str) -> None:
    if not reason.strip():
        raise Refused(_("Ending a penalty takes a reason."))
    penalty.status = status
    penalty.ended_at, penalty.ended_by, penalty.ended_reason = at, by, reason
    penalty.stayed_at = None
    penalty.save_by(by, status.value)


def not_standing(penalty: Penalty) -> str:
    """Why nothing of it can be ended."""
    return _("Penalty %(number)s is %(status)s: it can't be ended.") % {
        "number": penalty.case_number,
        "status": penalty.get_status_display(),
    }
