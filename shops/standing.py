"""What a shop may do at a moment: derived from files, the measures that stand and its own closings.

Never written anywhere: of two suspensions one may end and the other stands, and no file lifts either. A shop
that is suspended stays in its alliances; it is not open to buyers, so the rules on its status find it
suspended (DF-A2, WS-A1), nobody admits it, and where an alliance warns of lost admission it is warned.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from shops.calendar import months_after
from shops.models import Closure, Measure, Shop

Kind, Status = Measure.Kind, Shop.Status

# CL-2.
MONTHS_AWAY = 6
# What a lasting measure takes from a shop without changing its status.
RESTRICTING = (Kind.RESTRICT_LIVE, Kind.REDUCE_ACCOUNT, Kind.REDUCE_ROOM)

# For statements over many shops, of a measure m and its penalty p: whether it is active at the moment `{at}`,
# in force, and the ids of shops that a measure or a closing of their own keeps closed. At 'infinity' as the
# record stands, whatever the moment.
ACTIVE = """(m.applied_at <= {at} AND m.undone_at IS NULL AND (m.lapsed_at IS NULL OR m.lapsed_at > {at})
    AND (m.ends_at IS NULL OR m.ends_at > {at}))"""
IN_FORCE = f"({ACTIVE} AND (p.stayed_at IS NULL OR p.stayed_at > {{at}}))"
CLOSED = f"""
    SELECT p.shop_id FROM shops_measure m JOIN shops_penalty p ON p.id = m.penalty_id
    WHERE m.kind = 'close' AND {IN_FORCE}
    UNION ALL
    SELECT c.shop_id FROM shops_closure c
    WHERE c.closed_at <= {{at}} AND (c.returned_at IS NULL OR c.returned_at > {{at}})
"""


@dataclass(frozen=True)
class Standing:
    """A shop at a moment: its status, and the measures in effect that bring it about or restrict it."""

    status: Shop.Status
    suspensions: tuple[Measure, ...]
    closings: tuple[Measure, ...]
    restrictions: tuple[Measure, ...]
    closure: Closure | None

    @property
    def suspended_until(self) -> datetime | None:
        """When the last suspension ends by itself."""
        return max((measure.ends_at for measure in self.suspensions if measure.ends_at), default=None)


def closures(at: datetime) -> QuerySet[Closure]:
    """Closings of shops by themselves that last at the moment (CL-2)."""
    return Closure.objects.filter(Q(returned_at=None) | Q(returned_at__gt=at), closed_at__lte=at)


def return_day(closed_on: date) -> date:
    """The day from whose beginning a shop that closed by itself may return (CL-2, R14)."""
    return months_after(closed_on, MONTHS_AWAY)


def returns_from(shop: Shop) -> date | None:
    """From which day on a shop that is closed by itself may return, whether the desk recorded that or its
    platform reports it; None for any other, and where the platform doesn't say since when.
    """
    closure = Closure.objects.filter(shop=shop, returned_at=None).first()
    if closure is not None:
        return closure.return_from
    reported = (shop.status, shop.closed_cause) == (Status.CLOSED, Shop.ClosedCause.VOLUNTARY)
    return return_day(shop.closed_on) if reported and shop.closed_on else None


def told_closed_by_itself(closure: Closure) -> str:
    """That the shop is closed by itself, by which rule, and until when."""
    return _("%(shop)s has closed by itself: it may return from %(back)s on, and applies then (CL-2).") % {
        "shop": closure.shop,
        "back": date_format(closure.return_from),
    }


def told_closed_on_its_platform(shop: Shop) -> str:
    """The same of a shop that its platform reports as closed, which the desk can't open; empty for others.

    That one closed for a violation never comes back, bars say.
    """
    if shop.status != Status.CLOSED or shop.closed_cause == Shop.ClosedCause.VIOLATION:
        return ""
    back = returns_from(shop)
    if back is not None:
        told = _(
            "%(shop)s is closed on its platform: it may return from %(back)s on, and trades again once its"
            " platform reports it open (CL-2)."
        )
    elif shop.closed_cause == Shop.ClosedCause.VOLUNTARY:
        told = _(
            "%(shop)s is closed on its platform, which doesn't say since when: it may return 6 months after,"
            " and trades again once its platform reports it open (CL-2)."
        )
    else:
        told = _(
            "%(shop)s is closed on its platform: nobody can open it until its platform reports it open"
            " (DF-A2, WS-A1)."
        )
    return told % {"shop": shop, "back": date_format(back) if back else ""}


def with_standing(shops: QuerySet[Shop], at: datetime) -> QuerySet[Any]:
    """The shops, each with its `standing`, a Shop.Status. What closes goes before what suspends."""
    active = Measure.objects.in_force(at).filter(penalty__shop=OuterRef("pk"))
    return shops.annotate(
        standing=Case(
            When(
                Q(Exists(active.filter(kind=Kind.CLOSE))) | Exists(closures(at).filter(shop=OuterRef("pk"))),
                then=Value(Status.CLOSED.value),
            ),
            When(
                Q(Exists(active.filter(kind=Kind.SUSPEND)), status__in=[Status.NORMAL, Status.PREPARING]),
                then=Value(Status.SUSPENDED.value),
            ),
            default=F("status"),
            output_field=CharField(),
        )
    )


def with_restrictions(shops: QuerySet[Shop], at: datetime) -> QuerySet[Any]:
    """The shops, each with `restricted`: whether a measure reduces its traffic or its live selling."""
    active = Measure.objects.in_force(at).filter(penalty__shop=OuterRef("pk"), kind__in=RESTRICTING)
    return shops.annotate(restricted=Exists(active))


def standing(shop: Shop, at: datetime) -> Standing:
    """The shop's standing with its reasons, read afresh."""
    status = with_standing(Shop.objects.filter(pk=shop.pk), at).values_list("standing", flat=True).get()
    active = Measure.objects.in_force(at).filter(penalty__shop=shop).select_related("penalty").order_by("pk")
    found = list(active.filter(kind__in=[Kind.SUSPEND, Kind.CLOSE, *RESTRICTING]))
    return Standing(
        status=Status(status),
        suspensions=tuple(measure for measure in found if measure.kind == Kind.SUSPEND),
        closings=tuple(measure for measure in found if measure.kind == Kind.CLOSE),
        restrictions=tuple(measure for measure in found if measure.kind in RESTRICTING),
        closure=closures(at).filter(shop=shop).first(),
    )
