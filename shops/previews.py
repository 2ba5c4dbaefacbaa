"""The whole effect of a penalty in words, before it is imposed. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from datetime import datetime

from shops import catalogue, controllers, points
from shops import measures as effects
from shops.accounts import balance_of
from shops.cases import collected_of, deducted, moved_for
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
    """The deposit in fen: what there is, what will be left, what the shop will owe, and what the ledger has
    deducted for the case already.
    """

    before: int
    after: int
    due: int
    moved: int


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
    # Whether no alliance ever takes the shop back, and where it would be proposed to be cleared (CL-1).
    for_ever: bool
    proposed: list[Enrollment]
    # What follows by itself and was not taken, and what was taken otherwise than it follows.
    left_out: list[str]
    otherwise: list[str]
    # Under the same violation, whatever has become of them.
    earlier: list[Penalty]
    ends_at: datetime | None

    @property
    def complete(self) -> bool:
        """Whether it could be imposed: nothing is left to be asked."""
        return not any(line.lacking for line in self.lines)

    @property
    def grave(self) -> bool:
        """Whether it closes the shop for good, or puts it out of an alliance."""
        return any(line.measure.kind in (Kind.CLOSE, Kind.CLEAR) for line in self.lines)


def preview(
    shop: Shop,
    measures: Iterable[Measure],
    *,
    at: datetime,
    violation: Violation | None = None,
    alliance: Alliance | None = None,
    product: Product | None = None,
    case: Penalty | None = None,
    given: Iterable[Measure] = (),
) -> Preview:
    """What imposing these would do at that moment. `case`: the reported one that it would decide. `given`:
    the measures that follow by themselves, which these are held against.
    """
    # What is asked of them here, and reckoned, is no word of who chose them.
    measures = [copy(measure) for measure in effects.with_clearances(shop, measures, alliance)]
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
    serious = violation is not None and violation.serious
    given = list(given)
    return Preview(
        lines=[Line(one, effects.describe(one), effects.needs(one)) for one in measures],
        money=_money(shop, measures, moved_for(case) if case else []),
        points=_points(shop, measures, at),
        closed=[enrollment for enrollment in inside if enrollment.alliance_id in cleared],
        reached=list(controllers.reached(shop)) if bars else [],
        barred=list(controllers.others_of(shop)) if bars else [],
        for_ever=serious or any(measure.kind == Kind.CLOSE for measure in measures),
        proposed=[one for one in inside if one.alliance_id not in cleared] if serious else [],
        left_out=[effects.describe(one) for one in given if not any(_alike(one, own) for own in measures)],
        otherwise=[
            effects.describe(one)
            for one in given
            if any(_alike(one, own) and _differs(own, one) for own in measures)
        ],
        earlier=earlier_cases(shop, violation, case) if violation else [],
        ends_at=effects.ends_at(measures),
    )


def earlier_cases(shop: Shop, violation: Violation, case: Penalty | None = None) -> list[Penalty]:
    """What stands or stood against the shop for the same violation, the newest first, without the `case` that
    is being decided.
    """
    others = Penalty.objects.filter(shop=shop, violation=violation)
    if case is not None:
        others = others.exclude(pk=case.pk)
    return list(others.order_by("-pk")[:20])


def _alike(one: Measure, other: Measure) -> bool:
    """Whether both are of one kind, and put the shop out of the same alliance where that is what they do."""
    return one.kind == other.kind and (one.kind != Kind.CLEAR or one.alliance_id == other.alliance_id)


def _differs(own: Measure, given: Measure) -> bool:
    """Whether it takes another sum or score than the one that is given, where that is given as a whole."""
    if given.kind not in (Kind.DEDUCT, Kind.TOP_UP, Kind.SCORE) or effects.needs(given):
        return False
    return any(
        getattr(own, name) != getattr(given, name) for name in ("basis", "amount_fen", "share", "score")
    )


def _money(shop: Shop, measures: list[Measure], moved: list[DepositEntry]) -> Money | None:
    if not moved and not any(measure.kind in (Kind.DEDUCT, Kind.TOP_UP) for measure in measures):
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
    return Money(before, left, due, deducted(moved))


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
