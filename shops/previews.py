"""The whole effect of a penalty in words, before it is imposed. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from shops import catalogue, controllers, points
from shops import measures as effects
from shops.accounts import balance_of
from shops.cases import collected_of, moved_for
from shops.measures.money import amount_of
from shops.models import (
    Alliance,
    DepositEntry,
    Enrollment,
    Measure,
    Penalty,
    PointsThreshold,
    Product,
    Shop,
    TopUp,
    Violation,
)

Kind = Measure.Kind


@dataclass(frozen=True)
class Line:
    """A measure in a line, and the fields that are still to be asked before it can be imposed."""

    measure: Measure
    told: str
    lacking: list[str]

    @property
    def still_asked(self) -> str:
        """What is lacking, in words."""
        return effects.in_words(self.lacking)


@dataclass(frozen=True)
class Money:
    """The deposit in fen: what there is, what will be left, and what the shop will owe."""

    before: int
    after: int
    due: int


@dataclass(frozen=True)
class Points:
    """Standing points of an alliance, or of the platform, and the threshold that they will reach anew."""

    alliance: Alliance | None
    before: int
    after: int
    threshold: PointsThreshold | None


@dataclass(frozen=True)
class Preview:
    lines: list[Line]
    money: Money | None
    points: list[Points]
    closed: list[Enrollment]
    # Where the controller's other shops would be proposed to be cleared (R6).
    reached: list[Enrollment]
    barred: list[Shop]
    # Under the same violation, whatever has become of them.
    earlier: list[Penalty]
    ends_at: datetime | None

    @property
    def complete(self) -> bool:
        """Whether it could be imposed: nothing is left to be asked."""
        return not any(line.lacking for line in self.lines)


def preview(
    shop: Shop,
    measures: Iterable[Measure],
    *,
    at: datetime,
    violation: Violation | None = None,
    alliance: Alliance | None = None,
    product: Product | None = None,
    case: Penalty | None = None,
) -> Preview:
    """What imposing these would do at that moment. `case`: the reported one that it would decide."""
    measures = effects.with_clearances(shop, measures, alliance)
    would_be = Penalty(shop=shop, alliance=alliance, product=product, violation=violation)
    if violation is not None:
        catalogue.ask(violation, measures)
    for measure in measures:
        measure.penalty = would_be
        effects.complete(measure, at)
    cleared = [
        measure.alliance_id or (alliance.pk if alliance else None)
        for measure in measures
        if measure.kind == Kind.CLEAR
    ]
    inside = Enrollment.objects.filter(shop=shop, state=Enrollment.State.OPEN).select_related("alliance")
    bars = controllers.would_bar(violation, measures)
    return Preview(
        lines=[Line(one, effects.describe(one), effects.needs(one)) for one in measures],
        money=_money(shop, measures, moved_for(case) if case else []),
        points=_points(shop, measures, at),
        closed=[enrollment for enrollment in inside if enrollment.alliance_id in cleared],
        reached=list(controllers.reached(shop)) if bars else [],
        barred=list(controllers.others_of(shop)) if bars else [],
        earlier=earlier_cases(shop, violation) if violation else [],
        ends_at=effects.ends_at(measures),
    )


def earlier_cases(shop: Shop, violation: Violation) -> list[Penalty]:
    """What stands or stood against the shop for the same violation, the newest first."""
    return list(Penalty.objects.filter(shop=shop, violation=violation).order_by("-pk")[:20])


def _money(shop: Shop, measures: list[Measure], moved: list[DepositEntry]) -> Money | None:
    if not any(measure.kind in (Kind.DEDUCT, Kind.TOP_UP) for measure in measures):
        return None
    before = left = balance_of(shop)
    due = 0
    if any(measure.kind == Kind.DEDUCT for measure in measures):
        # It was deducted for the case already, and counts once.
        left -= sum(
            entry.amount_fen for entry in [*moved, *collected_of(TopUp.objects.filter(entry__in=moved))]
        )
    for measure in measures:
        if measure.kind == Kind.DEDUCT:
            wanted = amount_of(measure, left) or 0
            left, due = left - min(wanted, left), due + max(wanted - left, 0)
        elif measure.kind == Kind.TOP_UP:
            due += measure.amount_fen or 0
    return Money(before, left, due)


def _points(shop: Shop, measures: list[Measure], at: datetime) -> list[Points]:
    given: dict[Alliance | None, int] = {}
    for measure in measures:
        if measure.kind == Kind.POINTS and measure.points:
            given[measure.alliance] = given.get(measure.alliance, 0) + measure.points
    told = []
    for alliance, more in given.items():
        before = points.standing_points(shop, alliance, at)
        reached = points.threshold_reached(before + more, alliance)
        new = reached if reached is not None and reached.points > before else None
        told.append(Points(alliance, before, before + more, new))
    return told
