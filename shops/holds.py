"""What keeps a shop's deposit from being refunded: what is still open between it and the platform.

Each kind of hold says which records it is. Whoever knows of further ones (an appeal that is heard) registers
them as the program starts: what is above looks down, never the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import Q, QuerySet
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from shops import bars
from shops.models import Ground, Measure, Penalty, Shop, TopUp

Kind = Measure.Kind


# The records that hold deposits: of which shop each is, and its key.
Of = Iterable[tuple[int, int]]


class Hold(NamedTuple):
    """A record that holds the deposit: its kind by name, and its key."""

    what: str
    key: int


@dataclass(frozen=True)
class Holding:
    """A kind of hold: what one of them is called, and several; which there are of some shops at a moment; and
    by what people tell one from the others.
    """

    one: str | Promise
    many: str | Promise
    of: Callable[[QuerySet[Shop], datetime], Of]
    number: Callable[[int], str]


def penalties_in_effect(shops: QuerySet[Shop], at: datetime) -> Of:
    """Cases that nobody has decided, and penalties of which something goes on at the moment: they close,
    suspend or restrict the shop, their points count, they keep it out of an alliance (R5), or their end is
    still to come. What is done once and for all, such as a clearance for a metric, is a mere record.
    """
    going_on = Measure.objects.active(at).filter(Q(kind__in=Measure.ENDING) | Q(kind=Kind.CLOSE))
    open_ = Penalty.objects.filter(
        Q(status=Penalty.Status.REPORTED)
        | Q(Q(pk__in=going_on.values("penalty")) | Q(ends_at__gt=at), status=Penalty.Status.IMPOSED)
        # Stayed or not: it may bar again.
        | bars.keeping_out(Q(ground=Ground.JUDGEMENT, product=None), bars.clearances()),
        shop__in=shops,
    )
    return open_.order_by("pk").values_list("shop", "pk")


def top_ups_due(shops: QuerySet[Shop], at: datetime) -> Of:
    """What they still owe, whether or not its day has come."""
    owed = TopUp.objects.filter(shop__in=shops, state=TopUp.State.OPEN)
    return owed.order_by("pk").values_list("shop", "pk")


def case_number(key: int) -> str:
    return Penalty(pk=key).case_number


def due_day(key: int) -> str:
    return date_format(TopUp.objects.values_list("due_on", flat=True).get(pk=key))


TOP_UP = "topup"
HOLDINGS: dict[str, Holding] = {
    "penalty": Holding(_("a penalty in effect"), _("penalties in effect"), penalties_in_effect, case_number),
    TOP_UP: Holding(_("a top-up due"), _("top-ups due"), top_ups_due, due_day),
}


def held_among(shops: QuerySet[Shop], at: datetime) -> dict[str, Of]:
    """What keeps whole deposits of these from being refunded at that moment, by kind."""
    return {what: holding.of(shops, at) for what, holding in HOLDINGS.items()}


def held_by(shop: Shop, at: datetime) -> list[Hold]:
    """The same of one shop."""
    held = held_among(Shop.objects.filter(pk=shop.pk), at)
    return [Hold(what, key) for what, of in held.items() for _shop, key in of]


def counted(held: Iterable[Hold]) -> dict[str, int]:
    """How many of each kind."""
    counts: dict[str, int] = {}
    for hold in held:
        counts[hold.what] = counts.get(hold.what, 0) + 1
    return counts


def told(counts: Mapping[str, int]) -> str:
    """How many of each kind, in words."""
    return ", ".join(
        f"{holding.many} ({counts[what]})" for what, holding in HOLDINGS.items() if what in counts
    )
