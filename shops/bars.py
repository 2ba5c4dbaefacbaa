"""What keeps shops out of an alliance: for ever, for now, until papers are accepted, or for some days."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Case, DateTimeField, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import TruncDate
from django.utils.translation import gettext as _

from shops import controllers
from shops.models import Alliance, Enrollment, Ground, Measure, Opening, Penalty, Shop

# As its platform says, for good (DF-A13).
_CLOSED_FOR_A_VIOLATION = Q(status=Shop.Status.CLOSED, closed_cause=Shop.ClosedCause.VIOLATION)

# What the evidence of a penalty says that clears whom another one, stayed meanwhile, bars again.
AFTER_A_STAY = "stayed"


def barred_for_ever() -> QuerySet[Shop]:
    """Shops that no alliance takes back: a serious violation (CL-1), or closed for good, by a penalty that
    was not overturned (CL-4) or on the platform for a violation (DF-A13).
    """
    return Shop.objects.filter(Q(pk__in=removing().values("shop")) | _CLOSED_FOR_A_VIOLATION)


def told_barred_for_ever(shop: Shop) -> str:
    """That it is one of them, and by which rule; empty where it isn't."""
    closed = Shop.objects.filter(_CLOSED_FOR_A_VIOLATION, pk=shop.pk)
    if not (removing().filter(shop=shop).exists() or closed.exists()):
        return ""
    told = _("%(shop)s is barred for ever: a serious violation, or closed for a violation (R5, CL-1).")
    return told % {"shop": shop}


def removing() -> QuerySet[Penalty]:
    """The penalties by which a shop leaves the platform and hence every alliance (R19, CL-1, CL-4)."""
    return Penalty.objects.filter(
        Penalty.imposed_as("serious") | controllers.closing(), status__in=Penalty.PENALISED
    )


def barred_for_now(alliance: Alliance) -> QuerySet[Shop]:
    """Shops that a penalty keeps out of this alliance while it stands (R5): a judgement about the shop, or
    a violation whose clearance was not undone, until what it suspended and restricted has ended.
    Clearances for a metric or for papers keep nobody out, nor does a penalty that is stayed.
    """
    return Shop.objects.filter(pk__in=barring(alliance).values("shop"))


def barring(alliance: Alliance) -> QuerySet[Penalty]:
    """The penalties that keep shops out of this alliance while they stand (R5): see `barred_for_now`."""
    return _barring(alliance, clearances().filter(opening__enrollment__alliance=alliance))


def _barring(alliance: Any, cleared: QuerySet[Measure]) -> QuerySet[Penalty]:
    judged = Q(Q(alliance=alliance) | Q(alliance=None), ground=Ground.JUDGEMENT, product=None)
    # What only puts out again whom another penalty bars keeps nobody out by itself.
    judged &= ~Q(evidence__has_key=AFTER_A_STAY)
    return Penalty.objects.filter(keeping_out(judged, cleared), stayed_at=None)


def let_in_while_stayed() -> QuerySet[Any]:
    """The open openings that have begun since a penalty was first stayed, from which it bars their shop again
    (R5), each with that penalty's id as `barred_by`, of several the first.
    """
    cleared = clearances().filter(opening__enrollment=OuterRef(OuterRef("enrollment")))
    again = _barring(OuterRef("enrollment__alliance"), cleared).filter(shop=OuterRef("enrollment__shop"))
    since = again.annotate(first=TruncDate("first_stayed_at")).filter(first__lte=OuterRef("opened_on"))
    # First the few shops that it can have happened to.
    once_stayed = Penalty.objects.filter(first_stayed_at__isnull=False, status=Penalty.Status.IMPOSED)
    inside = Opening.objects.filter(closed=False, enrollment__shop__in=once_stayed.values("shop"))
    barred = inside.annotate(barred_by=Subquery(since.order_by("pk").values("pk")[:1]))
    return barred.filter(barred_by__isnull=False)


def keeping_out(judged: Q, put_out: QuerySet[Measure]) -> Q:
    """Penalties that keep out whom they are about while they stand (R5), stayed or not: the judgements that
    `judged` names, and violations of which one of the measures `put_out` stands (a minor one without any
    keeps nobody out), until what they suspended and restricted has ended.
    """
    lasting = Measure.objects.filter(
        penalty=OuterRef("pk"), kind__in=Measure.LASTING, applied_at__isnull=False, undone_at=None
    )
    # Its points may count for long after.
    over = Exists(lasting) & ~Exists(lasting.filter(lapsed_at=None))
    put_out_for_a_violation = Q(~Q(over), ground=Ground.VIOLATION, pk__in=put_out.values("penalty"))
    return Q(judged | put_out_for_a_violation, status=Penalty.Status.IMPOSED)


def clearances() -> QuerySet[Measure]:
    """Those that put a shop out and were not taken back."""
    return Measure.objects.standing().filter(kind=Measure.Kind.CLEAR)


def with_end_of_bar(penalties: QuerySet[Penalty]) -> QuerySet[Any]:
    """The penalties, each with `bars_until`: when what it suspends and restricts has ended, of others when
    they end; None where no moment ends that by itself.
    """
    lasting = Measure.objects.standing().filter(penalty=OuterRef("pk"), kind__in=Measure.LASTING)
    return penalties.annotate(
        bars_until=Case(
            When(Exists(lasting.filter(ends_at=None)), then=Value(None)),
            When(Exists(lasting), then=lasting.order_by("-ends_at").values("ends_at")[:1]),
            default=F("ends_at"),
            output_field=DateTimeField(null=True),
        )
    )


def barred_until(enrollment: Enrollment) -> datetime | None:
    """When the last of the penalties ends that keep the shop out of the alliance for now; None where none
    does, or one of them has no end of its own.
    """
    found = with_end_of_bar(barring(enrollment.alliance).filter(shop=enrollment.shop_id))
    ends = list(found.values_list("bars_until", flat=True))
    known = [moment for moment in ends if moment is not None]
    return max(known) if known and len(known) == len(ends) else None


def barred_shops(alliance: Alliance) -> QuerySet[Shop]:
    """Shops that penalties of their own keep out of the alliance (R5)."""
    return barred_for_ever() | barred_for_now(alliance)


def not_admitted(alliance: Alliance) -> QuerySet[Any]:
    """The ids of shops that are not let in whatever they measure: barred themselves (R5) or by their
    controller's (R6). Some come more than once.
    """
    # One after the other, and not as a condition on shops: who is barred are few, and shops are many.
    return (
        removing()
        .values("shop")
        .union(
            barring(alliance).values("shop"),
            Shop.objects.filter(_CLOSED_FOR_A_VIOLATION).values("pk"),
            controllers.barred_ids(),
            all=True,
        )
    )


def cleared_for_papers(alliance: Alliance) -> QuerySet[Any]:
    """The ids of shops whose last opening in the alliance ended for their papers: back once those are
    accepted (R5).
    """
    last = Opening.objects.filter(
        ~wrongly_cleared(),
        enrollment__alliance=alliance,
        number=F("enrollment__openings_used"),
        cause=Opening.Cause.QUALIFICATION,
    )
    return last.values("enrollment__shop")


def cooling_shops(alliance: Alliance, day: date) -> QuerySet[Shop]:
    """Shops whose last opening in the alliance was cleared fewer days before `day` than it keeps them out.

    Whoever left by itself waits for nothing (CL-2), nor does one whose day of clearance is not known.
    """
    cooling = _last_cleared(alliance).filter(closed_on__gt=day - timedelta(days=alliance.cool_down_days))
    return Shop.objects.filter(pk__in=cooling.values("enrollment__shop"))


def cools_until(enrollment: Enrollment) -> date | None:
    """The day from which on the alliance takes the shop back after its last clearance, which may be over;
    None where it waits for nothing.
    """
    days = enrollment.alliance.cool_down_days
    if not days:
        return None
    last = _last_cleared(enrollment.alliance).filter(enrollment=enrollment).first()
    return last.closed_on + timedelta(days=days) if last and last.closed_on else None


def wrongly_cleared() -> Q:
    """Openings whose clearance was taken back, also where something else keeps the shop out."""
    cleared = Measure.objects.filter(opening=OuterRef("pk"), kind=Measure.Kind.CLEAR)
    return Q(Exists(cleared), ~Exists(cleared.filter(undone_at=None)))


def _last_cleared(alliance: Alliance) -> QuerySet[Opening]:
    last = Opening.objects.filter(
        ~wrongly_cleared(),
        enrollment__alliance=alliance,
        number=F("enrollment__openings_used"),
        closed=True,
    )
    return last.exclude(cause=Opening.Cause.VOLUNTARY)
