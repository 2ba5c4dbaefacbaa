"""Each violation of the catalogue, imposed, has exactly the consequences that the documents give.

Overturned, it leaves the shop as it was.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shops import catalogue, measures, penalties, points, standing
from shops.accounts import balance_of
from shops.models import Enrollment, Measure, Penalty, Shop, TopUp, Violation
from tests.factories import AT, DOUYIN, WECHAT, make_enrollment, make_shop
from tests.shops.accounting import paid_in

pytestmark = pytest.mark.django_db

PAID_FEN, ASKED_FEN = 100_000, 30_000
UNTIL = AT + timedelta(days=7)
NOTHING: dict[str, Any] = {
    "status": "normal",
    "states": ["open", "open"],
    "balance": PAID_FEN,
    "points": 0,
    "restrictions": [],
}
REMOVED = {"status": "closed", "states": ["cleared", "cleared"]}

# Violation → what differs from nothing after one case.
AFTER: dict[str, dict[str, Any]] = {
    **{code: {} for code in ("V1", "V3", "V5", "V6", "V7", "V9")},
    "V2": {**REMOVED, "balance": 0},
    "V4": {**REMOVED, "balance": 0},
    "V8": {"points": 4, "balance": PAID_FEN - ASKED_FEN},
    "V10": {**REMOVED, "balance": PAID_FEN - ASKED_FEN},
    "V11": {"balance": PAID_FEN - ASKED_FEN},
    **{f"WS-V{number}": {"restrictions": ["reduce_room"]} for number in range(1, 6)},
}


def seen(shop: Shop) -> dict[str, Any]:
    stands = standing.standing(shop, AT)
    return {
        "status": stands.status,
        "states": list(Enrollment.objects.order_by("pk").values_list("state", flat=True)),
        "balance": balance_of(shop),
        "points": points.standing_points(shop, None, AT),
        "restrictions": [measure.kind for measure in stands.restrictions],
    }


def in_both() -> Shop:
    shop = make_shop()
    for alliance in (DOUYIN, WECHAT):
        make_enrollment(shop, alliance)
    paid_in(shop, PAID_FEN)
    return shop


def imposed(shop: Shop, code: str) -> Penalty:
    """With what follows by itself; what is asked is answered."""
    violation = Violation.objects.get(code=code)
    given = catalogue.consequences(violation, shop, at=AT)
    for measure in given:
        if "amount_fen" in measure.asked:
            measure.amount_fen = ASKED_FEN
        if "ends_at" in measure.asked:
            measure.ends_at = UNTIL
        assert not measures.needs(measure)
    return penalties.impose(
        shop=shop,
        ground="violation",
        violation=violation,
        alliance=violation.alliance,
        by=None,
        at=AT,
        reason="as found",
        evidence={},
        measures=given or [Measure(kind="warning")],
    )


def test_every_violation_stands_here() -> None:
    assert set(AFTER) == set(Violation.objects.values_list("code", flat=True))


@pytest.mark.parametrize("code", AFTER)
def test_a_violation_has_exactly_its_consequences_and_overturned_none(code: str) -> None:
    shop = in_both()
    penalty = imposed(shop, code)
    assert seen(shop) == NOTHING | AFTER[code]
    penalties.overturn(penalty, by=None, at=AT, reason="granted")
    assert seen(shop) == NOTHING
    assert not TopUp.objects.filter(state="open").exists()
    assert set(Enrollment.objects.values_list("openings_used", flat=True)) == {1}


def test_live_room_violations_climb_their_ladder_and_climb_down_with_an_overturned_case() -> None:
    shop = in_both()
    climbed = [imposed(shop, "WS-V1") for _ in range(3)]
    kinds = [penalty.measures.get().kind for penalty in climbed]
    assert kinds == ["reduce_room", "reduce_account", "restrict_live"]
    penalties.overturn(climbed[0], by=None, at=AT, reason="granted")
    assert imposed(shop, "WS-V1").measures.get().kind == "restrict_live"
    for penalty in climbed[1:]:
        penalties.overturn(penalty, by=None, at=AT, reason="granted")
    assert imposed(shop, "WS-V1").measures.get().kind == "reduce_account"
