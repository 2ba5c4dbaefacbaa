"""What the catalogue has follow of a case, with what it asks answered."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count

from django.contrib.auth.models import User

from opsdesk import penalising, resting
from shops import catalogue, measures
from shops.models import Measure, Penalty, Shop, Violation

# Of it each further case weighs more.
LADDER = "WS-V1"
_count = count(1)


def consequences(code: str, shop: Shop, at: datetime, days: int, fen: int = 7_000) -> list[Measure]:
    """What the catalogue has follow; what it asks is answered."""
    found = catalogue.consequences(Violation.objects.get(code=code), shop, at=at)
    for measure in found:
        asked = measures.needs(measure)
        if "amount_fen" in asked:
            measure.amount_fen = fen
        if "ends_at" in asked:
            measure.ends_at = at + timedelta(days=days)
    return found


def later_steps(found: list[Penalty]) -> list[Penalty]:
    """The others in effect on the ladder that came after the first of these that is on it."""
    of_the_ladder = resting.in_effect().filter(violation__code=LADDER)
    keys = [one.pk for one in found]
    first = of_the_ladder.filter(pk__in=keys).first()
    if first is None:
        return []
    return list(of_the_ladder.filter(shop=first.shop_id, pk__gt=first.pk).exclude(pk__in=keys))


def number_of(penalty: Penalty) -> int:
    """Which case on the ladder an overturned penalty would have been, by those that stand from before it."""
    assert penalty.violation is not None and penalty.imposed_at is not None
    return catalogue.case_number_of(penalty.violation, penalty.shop, penalty.imposed_at)


def step(shop: Shop, ends_at: datetime, *, by: User, at: datetime, number: int | None = None) -> None:
    """Impose a case on the ladder until that moment, by the catalogue: the next, or that of a number."""
    violation = Violation.objects.select_related("alliance").get(code=LADDER)
    number = number or catalogue.case_number_of(violation, shop, at)
    found = [
        Measure(kind=default.kind, ends_at=ends_at)
        for default in catalogue.step_of(violation.default_measures.all(), number)
    ]
    penalising.impose(
        shop=shop,
        violation=violation,
        alliance=violation.alliance,
        measures=found,
        reason="as it was",
        by=by,
        at=at,
        key=f"ladder {next(_count)}",
    )
