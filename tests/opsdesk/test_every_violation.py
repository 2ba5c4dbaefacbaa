"""Each violation of the catalogue, imposed and overturned on the desk's pages: exactly what it does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from opsdesk import audit
from shops.models import DepositEntry, Enrollment, Measure, Penalty
from tests.opsdesk.test_imposing import address, client_of, looked_at
from tests.shops.accounting import statement
from tests.shops.test_shipped_consequences import AFTER, ASKED, ASKED_FEN, NOTHING, PAID_FEN, in_both, seen

pytestmark = pytest.mark.django_db


def answers(code: str) -> dict[str, Any]:
    """What the operator says of what the catalogue leaves open; where it names no measure, a warning."""
    kinds, _differs = AFTER[code]
    if not kinds:
        return {"warning-taken": "on"}
    asked = ASKED.get(code, set())
    said: dict[str, Any] = {}
    if "amount_fen" in asked:
        said["deduct-amount"] = f"{ASKED_FEN // 100}.{ASKED_FEN % 100:02}"
    if "ends_at" in asked:
        said[f"{kinds[0]}-ends_at"] = f"{timezone.localtime() + timedelta(days=7):%Y-%m-%dT%H:%M}"
    return said


@pytest.mark.parametrize("code", AFTER)
def test_on_its_page_a_violation_has_exactly_its_consequences_and_overturned_none(code: str) -> None:
    shop = in_both()
    paid = statement(shop)
    assert seen(shop, timezone.now()) == NOTHING
    kinds, differs = AFTER[code]

    operator, where = client_of("operator"), address(shop, code)
    if "amount_fen" in ASKED.get(code, set()):
        page, _sent = looked_at(operator, where)
        assert "still to be said: " in page
    _page, sent = looked_at(operator, where, **answers(code))
    operator.post(where, sent | {"impose": "1"})
    penalty = Penalty.objects.get()
    assert sorted(penalty.measures.values_list("kind", flat=True)) == sorted(kinds or ["warning"])
    assert seen(shop, timezone.now()) == NOTHING | differs
    left = differs.get("balance", PAID_FEN)
    deducted = [(2, "deduct", left - PAID_FEN, left)] if left < PAID_FEN else []
    assert statement(shop) == paid + deducted

    officer = client_of("appeals_officer")
    officer.post(reverse("admin:shops_penalty_overturn", args=[penalty.pk]), {"reason": "granted"})
    assert seen(shop, timezone.now()) == NOTHING
    given_back = [(3, "reversal", PAID_FEN - left, PAID_FEN)] if deducted else []
    assert statement(shop) == paid + deducted + given_back
    assert not Measure.objects.standing().exists()
    assert set(Enrollment.objects.values_list("openings_used", flat=True)) == {1}
    assert [fact.verify() for fact in audit.FACTS.values() if fact.verify()] == []


def test_on_its_page_v8_three_times_is_twelve_points_and_three_deductions() -> None:
    shop, operator = in_both(), client_of("operator")
    for _ in range(3):
        where = address(shop, "V8")
        _page, sent = looked_at(operator, where, **answers("V8"))
        operator.post(where, sent | {"impose": "1"})
    assert seen(shop, timezone.now()) == NOTHING | {"points": 12, "balance": PAID_FEN - 3 * ASKED_FEN}
    assert DepositEntry.objects.filter(kind="deduct", amount_fen=-ASKED_FEN).count() == 3
