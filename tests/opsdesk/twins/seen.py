"""The two that are compared, and what is seen of each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet, Sum

from opsdesk import resting
from rules.models import Proposal
from shops import bars, controllers, listings, standing, topups
from shops.models import (
    Alliance,
    DepositEntry,
    Enrollment,
    Listing,
    Measure,
    Opening,
    Penalty,
    Shop,
    TopUp,
)
from tests.factories import (
    DOUYIN,
    WECHAT,
    make_controller,
    make_enrollment,
    make_listing,
    make_product,
    make_shop,
)

ROLES = ("shop", "sibling")


@dataclass
class Twin:
    """A shop in both alliances, with a product in one of them, and the other shop of its controller."""

    shop: Shop
    sibling: Shop
    listing: Listing

    @classmethod
    def born(cls) -> Twin:
        controller = make_controller()
        shop, sibling = make_shop(controller=controller), make_shop(controller=controller)
        for one in (shop, sibling):
            for code in (DOUYIN, WECHAT):
                make_enrollment(one, code)
        return cls(shop, sibling, make_listing(make_product(shop)))

    @property
    def shops(self) -> tuple[Shop, Shop]:
        return self.shop, self.sibling

    def of(self, role: str) -> Shop:
        return self.shop if role == "shop" else self.sibling

    def role_of(self, shop_id: int) -> str:
        return "shop" if shop_id == self.shop.pk else "sibling"

    def enrollment(self, code: str, role: str = "shop") -> Enrollment:
        return Enrollment.objects.select_related("alliance", "shop").get(
            shop=self.of(role), alliance__code=code
        )

    def states(self) -> dict[tuple[str, str], str]:
        """By alliance and role."""
        found = Enrollment.objects.filter(shop__in=self.shops).order_by("pk")
        rows = found.values_list("alliance__code", "shop", "state")
        return {(code, self.role_of(shop)): state for code, shop, state in rows}

    def undecided(self) -> QuerySet[Proposal]:
        """What is proposed of either shop."""
        waiting = Proposal.objects.filter(shop__in=self.shops, status__in=Proposal.UNDECIDED)
        return waiting.select_related("alliance", "points_threshold", "case__violation").order_by("pk")

    def told(self, proposal: Proposal) -> tuple[Any, ...]:
        """The proposal without its names: what it would be called of the other twin."""
        return (
            self.role_of(proposal.shop_id),
            proposal.kind,
            proposal.ground,
            proposal.alliance_id,
            proposal.product_id is not None,
            proposal.points_threshold_id,
            tuple(proposal.failed_rules),
        )

    def proposed(self) -> Counter[tuple[Any, ...]]:
        return Counter(self.told(proposal) for proposal in self.undecided())


def seen(both: Sequence[Twin], at: datetime) -> list[dict[str, Any]]:
    """Of each all that is to be as if nothing had ever been decided against it."""
    # Asked of all of them together: it is asked after every step.
    shops = Shop.objects.filter(pk__in=[shop.pk for one in both for shop in one.shops])
    facts: dict[str, defaultdict[int, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for what, (shop_id, *values) in _facts(shops, at):
        facts[what][shop_id].append(values)
    # In no order where the database gives none.
    return [
        {
            f"{what} of the {role}": sorted(found[one.of(role).pk], key=str)
            for what, found in facts.items()
            for role in ROLES
        }
        for one in both
    ]


def _facts(shops: QuerySet[Shop], at: datetime) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """What is so of which shop, by its key."""
    ids = list(shops.values_list("pk", flat=True))
    measures = Measure.objects.in_force(at).filter(penalty__shop__in=ids)
    openings = Opening.objects.filter(enrollment__shop__in=ids, voided_at=None)
    points = Measure.objects.active(at).filter(kind="points", penalty__shop__in=ids).order_by()
    cases = Penalty.objects.filter(shop__in=ids, violation__isnull=False, status__in=Penalty.PENALISED)
    due = topups.with_outstanding(TopUp.objects.filter(shop__in=ids, state="open"))
    products = Listing.objects.filter(product__shop__in=ids)
    stops = listings.stops().filter(listing__in=products)
    rows: dict[str, QuerySet[Any, Any]] = {
        "status": standing.with_standing(shops, at).values_list("pk", "standing"),
        "restrictions": measures.filter(kind__in=Measure.LASTING).values_list(
            "penalty__shop", "kind", "ends_at"
        ),
        "enrollment": Enrollment.objects.filter(shop__in=ids).values_list(
            "shop", "alliance", "state", "openings_used"
        ),
        "opening": openings.values_list(
            "enrollment__shop", "enrollment__alliance", "number", "opened_on", "closed", "cause"
        ),
        "balance": DepositEntry.objects.filter(shop__in=ids)
        .order_by("shop", "-number")
        .distinct("shop")
        .values_list("shop", "balance_fen"),
        "owed": due.order_by().values_list("shop").annotate(Sum("outstanding_fen")),
        "points": points.values_list("penalty__shop", "alliance").annotate(Sum("points")),
        "cases": cases.order_by().values_list("shop", "violation").annotate(Count("pk")),
        "barred for ever": bars.barred_for_ever().filter(pk__in=ids).values_list("pk"),
        "barred by the controller": controllers.barred_shops().filter(pk__in=ids).values_list("pk"),
        "product": listings.with_standing(products).values_list("product__shop", "standing"),
        "stop": stops.values_list("listing__product__shop"),
    }
    for alliance in Alliance.objects.order_by("pk"):
        barred = bars.barred_for_now(alliance).filter(pk__in=ids)
        rows[f"barred from {alliance.code}"] = barred.values_list("pk")
        if alliance.code == WECHAT:
            kept_out = listings.barred(alliance).filter(pk__in=products)
            rows["barred product"] = kept_out.values_list("product__shop")
    for what, found in rows.items():
        for row in found:
            yield what, row


def apart(wronged: Twin, twin: Twin, at: datetime) -> list[str]:
    """What tells them apart, in words."""
    mine, theirs = seen((wronged, twin), at)
    return [
        f"{what}: {mine[what]!r}, of the twin {theirs[what]!r}" for what in mine if mine[what] != theirs[what]
    ]


def listed(one: Twin) -> list[Penalty]:
    """The penalties of either shop that somebody is asked to decide on, as their ground has fallen."""
    return list(resting.without_ground().filter(shop__in=one.shops))
