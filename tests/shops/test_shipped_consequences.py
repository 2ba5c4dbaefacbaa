"""Each violation of the catalogue, imposed, has exactly the consequences that the documents give.

Overturned, it leaves the shop as it was.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from shops import accounts, bars, catalogue, controllers, measures, penalties, points, standing
from shops.models import DepositEntry, Enrollment, Listing, Measure, Opening, Penalty, Shop, TopUp, Violation
from tests.factories import (
    AT,
    DOUYIN,
    WECHAT,
    make_controller,
    make_enrollment,
    make_imposed,
    make_listing,
    make_product,
    make_shop,
)
from tests.shops.accounting import paid_in

pytestmark = pytest.mark.django_db

PAID_FEN, ASKED_FEN = 100_001, 30_003
UNTIL = AT + timedelta(days=7)
# A shop in both alliances against which nothing stands.
NOTHING: dict[str, Any] = {
    "status": "normal",
    "alliances": [("open", 1, ""), ("open", 1, "")],
    "listings": ["promoted", "promoted"],
    "balance": PAID_FEN,
    "owed": 0,
    "points": 0,
    "restrictions": [],
    "barred for ever": False,
    "bars the controller's others": False,
}
SERIOUS = {"barred for ever": True, "bars the controller's others": True}
REMOVED = {
    **SERIOUS,
    "status": "closed",
    "alliances": [("cleared", 1, "violation"), ("cleared", 1, "violation")],
}

# Violation → what its penalty does, and what differs from nothing after one case. Nothing else does.
AFTER: dict[str, tuple[list[str], dict[str, Any]]] = {
    # The documents name no measure: the operator chooses.
    **{code: ([], {}) for code in ("V1", "V3", "V5", "V6", "V7", "V9")},
    "V2": (["close", "clear", "clear", "deduct"], {**REMOVED, "balance": 0}),
    "V4": (["close", "clear", "clear", "deduct"], {**REMOVED, "balance": 0}),
    "V8": (["points", "deduct"], {"points": 4, "balance": PAID_FEN - ASKED_FEN}),
    "V10": (["close", "clear", "clear", "deduct"], {**REMOVED, "balance": PAID_FEN - ASKED_FEN}),
    "V11": (["deduct"], {**SERIOUS, "balance": PAID_FEN - ASKED_FEN}),
    **{f"WS-V{number}": (["reduce_room"], {"restrictions": ["reduce_room"]}) for number in range(1, 6)},
}
# What each leaves to the operator to say; everything else is said by the catalogue.
ASKED = {code: {"amount_fen"} for code in ("V8", "V10", "V11")} | {
    f"WS-V{number}": {"ends_at"} for number in range(1, 6)
}


def seen(shop: Shop, at: datetime = AT) -> dict[str, Any]:
    stands = standing.standing(shop, at)
    openings = Opening.objects.order_by("pk").values_list("enrollment__state", "number", "cause")
    owed = TopUp.objects.filter(state="open").values_list("amount_fen", flat=True)
    given = Measure.objects.active(at).filter(kind="points").values_list("points", flat=True)
    assert points.standing_points(shop, None, at) == sum(given)
    assert accounts.balance_of(shop) == sum(DepositEntry.objects.values_list("amount_fen", flat=True))
    return {
        "status": stands.status,
        "alliances": list(openings),
        "listings": list(Listing.objects.order_by("pk").values_list("state", flat=True)),
        "balance": accounts.balance_of(shop),
        "owed": sum(owed),
        "points": sum(given),
        "restrictions": [measure.kind for measure in stands.restrictions],
        "barred for ever": bars.barred_for_ever().filter(pk=shop.pk).exists(),
        "bars the controller's others": controllers.barring_cases().filter(shop=shop).exists(),
    }


def in_both() -> Shop:
    shop = make_shop(controller=make_controller())
    product = make_product(shop)
    for alliance in (DOUYIN, WECHAT):
        make_enrollment(shop, alliance)
        make_listing(product, alliance)
    paid_in(shop, PAID_FEN)
    return shop


def imposed(shop: Shop, code: str) -> Penalty:
    """With what follows by itself; what is asked is answered."""
    violation = Violation.objects.get(code=code)
    given = catalogue.consequences(violation, shop, at=AT)
    for measure in given:
        asked = measures.needs(measure)
        if "amount_fen" in asked:
            measure.amount_fen = ASKED_FEN
        if "ends_at" in asked:
            measure.ends_at = UNTIL
        assert not measures.needs(measure)
    return make_imposed(
        shop, *given or [Measure(kind="warning")], violation=violation, alliance=violation.alliance
    )


def test_every_violation_stands_here() -> None:
    assert set(AFTER) == set(Violation.objects.values_list("code", flat=True))


@pytest.mark.parametrize("code", AFTER)
def test_a_violation_has_exactly_its_consequences_and_overturned_none(code: str) -> None:
    shop = in_both()
    kinds, differs = AFTER[code]
    given = catalogue.consequences(Violation.objects.get(code=code), shop, at=AT)
    assert [measure.kind for measure in given] == kinds
    assert {name for measure in given for name in measures.needs(measure)} == ASKED.get(code, set())
    penalty = imposed(shop, code)
    assert seen(shop) == NOTHING | differs
    penalties.overturn(penalty, by=None, at=AT, reason="granted")
    assert seen(shop) == NOTHING
    assert not Measure.objects.standing().exists()
    assert set(Enrollment.objects.values_list("openings_used", flat=True)) == {1}


def test_three_cases_of_v8_are_twelve_points_and_three_deductions_each_given_back_alone() -> None:
    shop = in_both()
    cases = [imposed(shop, "V8") for _ in range(3)]
    assert seen(shop) == NOTHING | {"points": 12, "balance": PAID_FEN - 3 * ASKED_FEN}
    assert DepositEntry.objects.filter(kind="deduct").count() == 3
    for left, penalty in zip((2, 1, 0), cases, strict=True):
        penalties.overturn(penalty, by=None, at=AT, reason="granted")
        assert seen(shop) == NOTHING | {"points": 4 * left, "balance": PAID_FEN - left * ASKED_FEN}


def test_a_fourth_case_of_v8_leaves_due_what_the_deposit_lacks_and_overturned_it_is_owed_no_longer() -> None:
    shop = in_both()
    for _ in range(3):
        imposed(shop, "V8")
    fourth = imposed(shop, "V8")
    assert seen(shop) == NOTHING | {"points": 16, "balance": 0, "owed": 4 * ASKED_FEN - PAID_FEN}
    penalties.overturn(fourth, by=None, at=AT, reason="granted")
    assert seen(shop) == NOTHING | {"points": 12, "balance": PAID_FEN - 3 * ASKED_FEN}


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
