"""A product's way through an alliance: promote, observe, resume; and what it may do there just now."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shops import bars, enrollments
from shops.errors import Refused
from shops.models import Alliance, Enrollment, Ground, Listing, Measure, Penalty, Product, Shop

if TYPE_CHECKING:
    from django.contrib.auth.models import User

State = Listing.State


class Standing(models.TextChoices):
    """What a product may do in an alliance: its listing's state, unless something keeps it from that."""

    APPLIED = State.APPLIED.value, State.APPLIED.label
    PROMOTED = State.PROMOTED.value, State.PROMOTED.label
    OBSERVED = State.OBSERVED.value, State.OBSERVED.label
    STOPPED = State.STOPPED.value, State.STOPPED.label
    SHOP_OUT = "shop_out", gettext_lazy("shop is not in")


# Reads


def with_standing(listings: QuerySet[Listing]) -> QuerySet[Any]:
    """The listings, each with its `standing`.

    Stopped is what the platform reports as stopped and what a measure stops. Whose shop is not in the
    alliance is neither promoted nor observed there.
    """
    return listings.annotate(
        standing=Case(
            When(is_stopped(), then=Value(Standing.STOPPED.value)),
            When(
                ~Exists(_open_enrollments()) & Q(state__in=[State.PROMOTED, State.OBSERVED]),
                then=Value(Standing.SHOP_OUT.value),
            ),
            default=F("state"),
            output_field=CharField(),
        )
    )


def standing(listing: Listing) -> Standing:
    """The listing's standing, read afresh."""
    found = with_standing(Listing.objects.filter(pk=listing.pk)).values_list("standing", flat=True).get()
    return Standing(found)


def is_stopped() -> Q:
    """Listings that the platform reports as stopped, and those that a measure stops: no file lifts that."""
    return Q(state=State.STOPPED) | Q(pk__in=stops().values("listing"))


def barred(alliance: Alliance) -> QuerySet[Listing]:
    """Listings that only the end of a penalty brings back (R5): while a judgement stands against the product
    or its papers, here or on the whole platform, or a violation for which it is stopped, as a measure or
    its platform has it; after a serious violation only its overturning. What a metric stopped comes back by
    metrics; a stayed penalty keeps nothing out.
    """
    here = Q(alliance=alliance) | Q(alliance=None)
    judged = here & Q(ground__in=[Ground.JUDGEMENT, Ground.QUALIFICATION])
    stands = Q(bars.keeping_out(judged, stops().filter(listing__alliance=alliance)), stayed_at=None)
    serious = Q(here & Penalty.imposed_as("serious"), status__in=Penalty.PENALISED)
    # Its platform, which stopped it, tells the penalty without what it does.
    stopped = Listing.objects.filter(product=OuterRef("product"), alliance=alliance, state=State.STOPPED)
    told = Q(
        here & Q(Exists(stopped)),
        ground=Ground.VIOLATION,
        status=Penalty.Status.IMPOSED,
        stayed_at=None,
    )
    against = Penalty.objects.filter(stands | serious | told, product__isnull=False)
    return Listing.objects.filter(product__in=against.values("product"), alliance=alliance)


def stops() -> QuerySet[Measure]:
    """Measures that stop a product just now, whether or not their penalty has ended since."""
    return Measure.objects.filter(kind=Measure.Kind.STOP, applied_at__isnull=False, undone_at=None)


def _open_enrollments() -> QuerySet[Enrollment]:
    return Enrollment.objects.filter(
        shop=OuterRef("product__shop"), alliance=OuterRef("alliance"), state=Enrollment.State.OPEN
    )


# Verbs


def lock(listing: Listing) -> None:
    """Hold the shop's row, its enrollment's, then the listing's; the last is read afresh."""
    shop = listing.product.shop_id
    Shop.objects.select_for_update(no_key=True).get(pk=shop)
    enrollment = Enrollment.objects.filter(shop=shop, alliance=listing.alliance_id).first()
    if enrollment is not None:
        enrollments.lock(enrollment)
    listing.refresh_from_db(from_queryset=Listing.objects.select_for_update(no_key=True))


def of(product: Product, alliance: Alliance) -> Listing:
    """The product's listing in the alliance. Refused where it has none."""
    listing = Listing.objects.filter(product=product, alliance=alliance).first()
    if listing is None:
        raise Refused(
            _("%(product)s is not listed in %(alliance)s.") % {"product": product, "alliance": alliance}
        )
    return listing


def refuse_unless_shop_is_in(listing: Listing) -> None:
    """Refused where the product's shop is not open in the alliance."""
    inside = Enrollment.objects.filter(
        shop=listing.product.shop_id, alliance=listing.alliance_id, state=Enrollment.State.OPEN
    )
    if not inside.exists():
        raise Refused(
            _("%(shop)s is not open in %(alliance)s.")
            % {"shop": listing.product.shop, "alliance": listing.alliance}
        )


@transaction.atomic
def promote(listing: Listing, *, by: User | None, at: datetime, reason: str = "") -> None:
    """A product that has applied is promoted, from the local day of `at`.

    Refused when it is promoted, observed or stopped, is barred, or its shop is not in.
    """
    lock(listing)
    _refuse_unless(listing, State.APPLIED)
    _refuse_barred(listing)
    _move(listing, State.PROMOTED, by=by, at=at, reason=reason or "promoted")


@transaction.atomic
def observe(listing: Listing, *, by: User | None, at: datetime, reason: str = "") -> None:
    """A product that has applied is put under observation (WS-O1), from the local day of `at`.

    Refused when it is promoted, observed or stopped, is barred, or its shop is not in.
    """
    lock(listing)
    _refuse_unless(listing, State.APPLIED)
    _refuse_barred(listing)
    _move(listing, State.OBSERVED, by=by, at=at, reason=reason or "put under observation")


@transaction.atomic
def resume(
    listing: Listing, *, by: User | None, at: datetime, reason: str = "", observed: bool = False
) -> None:
    """A product that was observed or stopped is promoted again, from the local day of `at`; a stopped one is
    put under observation where that is not over yet (`observed`, R11).

    Stops that stand are the penalties' to end: penalties.resume does both. Refused when it is promoted or
    has only applied, is barred, is under observation already and would stay so, or its shop is not in.
    """
    lock(listing)
    _refuse_unless(listing, State.STOPPED, *(() if observed else (State.OBSERVED,)))
    _refuse_barred(listing)
    to = State.OBSERVED if observed else State.PROMOTED
    _move(listing, to, by=by, at=at, reason=reason or "promoted again", resumed_at=at)


@transaction.atomic
def restore(stop: Measure, *, by: User | None, at: datetime) -> bool:
    """Take back what the platform's files repeated of a stop that is undone: the product is again as it was
    before, without what followed from other stops that were wrong.

    False, and nothing changes, where the files say something else by now, or another stop stands.
    """
    listing = stop.listing
    assert listing is not None
    lock(listing)
    stands = stops().filter(listing=listing)
    if listing.state != State.STOPPED or stop.state_before == State.STOPPED or stands.exists():
        return False
    state = State(stop.state_before)
    _move(listing, state, by=by, at=at, reason="stop undone", resumed_at=stop.resumed_before)
    _promote_if_wrongly_observed(listing, by=by, at=at)
    return True


def promote_what_was_resumed(penalty: Penalty, *, by: User | None, at: datetime) -> None:
    """Of a penalty that is void: a product that was promoted until its stop, and is under observation since
    it was resumed, is promoted as before. Not while another stop gives reason for that which was right, nor
    where its platform says something else by now.
    """
    resumed = penalty.measures.filter(kind=Measure.Kind.STOP, undone_at__isnull=False)
    for measure in resumed.select_related("listing__product").order_by("pk"):
        assert measure.listing is not None
        lock(measure.listing)
        _promote_if_wrongly_observed(measure.listing, by=by, at=at)


def _promote_if_wrongly_observed(listing: Listing, *, by: User | None, at: datetime) -> None:
    if listing.state == State.OBSERVED and _without_wrong_stops(listing) == State.PROMOTED:
        _move(listing, State.PROMOTED, by=by, at=at, reason="stop undone")


def _without_wrong_stops(listing: Listing) -> str:
    """The state it would be in had nobody had to resume it after stops that were all wrong: that before them,
    or before those that had been before.
    """
    state, resumed_at = str(listing.state), listing.resumed_at
    while resumed_at is not None:
        ended = Measure.objects.filter(kind=Measure.Kind.STOP, listing=listing, undone_at=resumed_at)
        first = ended.exclude(resumed_before__gte=resumed_at).order_by("pk").first()
        if first is None or ended.exclude(penalty__status__in=Penalty.VOID).exists():
            break
        state, resumed_at = first.state_before, first.resumed_before
    return state


def _refuse_unless(listing: Listing, *states: State) -> None:
    stands = standing(listing)
    names = {"product": listing.product, "alliance": listing.alliance}
    refuse_unless_shop_is_in(listing)
    if stands in {state.value for state in states}:
        return
    if stands == Standing.PROMOTED:
        raise Refused(_("%(product)s is already promoted in %(alliance)s.") % names)
    if stands == Standing.OBSERVED:
        raise Refused(_("%(product)s is already under observation in %(alliance)s.") % names)
    if stands == Standing.STOPPED:
        raise Refused(_("%(product)s is stopped in %(alliance)s: it comes back only by resuming it.") % names)
    raise Refused(_("%(product)s has only applied to %(alliance)s: there is nothing to resume.") % names)


def _refuse_barred(listing: Listing) -> None:
    if barred(listing.alliance).filter(pk=listing.pk).exists():
        raise Refused(
            _("%(product)s is barred from %(alliance)s while a penalty stands (R5).")
            % {"product": listing.product, "alliance": listing.alliance}
        )


def _move(
    listing: Listing,
    state: State,
    *,
    by: User | None,
    at: datetime,
    reason: str,
    resumed_at: datetime | None = None,
) -> None:
    listing.state = state
    listing.since = localdate(at)
    listing.resumed_at = resumed_at
    listing.save_by(by, reason)
