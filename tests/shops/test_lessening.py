"""Measures that do less than they did: never more, never twice, and all of it comes back with the rest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from opsdesk import audit, books
from shops import deposits, lessening, measures, penalties, points, standing, topups
from shops.accounts import balance_of
from shops.errors import NotAllowed, Refused
from shops.models import DepositEntry, Measure, Penalty, Shop, TopUp
from tests.factories import AT, make_imposed, make_shop, make_user
from tests.shops.accounting import entered, owed_of, paid_in

pytestmark = pytest.mark.django_db

LATER = AT + timedelta(days=30)
SOON = AT + timedelta(days=3)


def imposed(shop: Shop, *measures: Measure) -> Penalty:
    return make_imposed(shop, *measures, Measure(kind="warning"))


def less(penalty: Penalty, value: Any, kind: str | None = None, **values: Any) -> list[Measure]:
    chosen = penalty.measures.exclude(kind="warning") if kind is None else penalty.measures.filter(kind=kind)
    given = {"by": None, "at": AT, "reason": "too much", **values}
    return lessening.lessen_measures(penalty, {chosen.get().pk: value}, **given)


def deducting(fen: int, **values: Any) -> Measure:
    return Measure(**{"kind": "deduct", "basis": "fixed", "amount_fen": fen, **values})


def overturned(penalty: Penalty) -> None:
    penalties.overturn(penalty, by=None, at=AT, reason="it was wrong")
    assert books.verify_ledger() is None
    assert books.verify_reversals() is None
    assert audit.verify_history() is None


def test_fewer_points_count_and_none_once_overturned() -> None:
    shop = make_shop()
    penalty = imposed(shop, Measure(kind="points", points=12))
    less(penalty, 5)
    assert points.standing_points(shop, None, AT) == 5
    less(penalty, 4)
    assert points.standing_points(shop, None, AT) == 4
    overturned(penalty)
    assert points.standing_points(shop, None, AT) == 0


def test_less_is_taken_off_the_experience_score() -> None:
    penalty = imposed(make_shop(), Measure(kind="score", score=Decimal("1.5")))
    less(penalty, Decimal("0.25"))
    assert penalty.measures.get(kind="score").score == Decimal("0.25")


@pytest.mark.parametrize("kind", ["suspend", "restrict_live", "reduce_room", "reduce_account"])
def test_what_lasts_ends_earlier_and_its_penalty_with_it(kind: str) -> None:
    shop = make_shop()
    penalty = imposed(shop, Measure(kind=kind, ends_at=LATER))
    less(penalty, SOON)
    assert penalty.ends_at == SOON
    assert penalties.run_timers(SOON - timedelta(seconds=1)) == 0
    assert penalties.run_timers(SOON) == 1
    penalty.refresh_from_db()
    assert penalty.status == "expired"
    assert standing.standing(shop, SOON).status == "normal"


def test_what_has_no_end_is_given_one() -> None:
    penalty = imposed(make_shop(), Measure(kind="restrict_live"))
    less(penalty, SOON)
    assert penalty.ends_at == SOON


@pytest.mark.parametrize("there", [100_000, 30_000, 50_000, 20_001, 1, 0])
@pytest.mark.parametrize("to", [49_999, 20_000, 1])
def test_a_smaller_sum_leaves_the_shop_as_if_no_more_had_been_deducted(there: int, to: int) -> None:
    shop, other = make_shop(), make_shop()
    for one in (shop, other):
        if there:
            paid_in(one, there)
    penalty, _twin = imposed(shop, deducting(50_000)), imposed(other, deducting(to))
    less(penalty, to)
    assert (balance_of(shop), owed_of(shop)) == (balance_of(other), owed_of(other))
    assert books.verify_ledger() is None
    overturned(penalty)
    assert (balance_of(shop), owed_of(shop)) == (there, 0)


@pytest.mark.parametrize("basis", [{"basis": "all"}, {"basis": "share", "share": Decimal("0.5")}])
def test_a_share_is_lessened_to_a_sum(basis: dict[str, Any]) -> None:
    shop = make_shop()
    paid_in(shop, 10_001)
    penalty = imposed(shop, deducting(0, **{"amount_fen": None, **basis}))
    less(penalty, 3)
    assert balance_of(shop) == 9_998
    overturned(penalty)
    assert balance_of(shop) == 10_001


def test_one_step_down_after_the_other_is_the_last_alone() -> None:
    shop = make_shop()
    paid_in(shop, 30_000)
    penalty = imposed(shop, deducting(50_000))
    less(penalty, 40_000)
    assert (balance_of(shop), owed_of(shop)) == (0, 10_000)
    less(penalty, 12_345)
    assert (balance_of(shop), owed_of(shop)) == (17_655, 0)
    less(penalty, 7)
    assert balance_of(shop) == 29_993
    overturned(penalty)
    assert balance_of(shop) == 30_000


@pytest.mark.parametrize("paid", [1, 5_000, 12_000, 20_000])
@pytest.mark.parametrize("to", [49_999, 45_000, 35_001, 30_000, 29_999, 1])
def test_also_where_something_was_paid_of_what_was_short(paid: int, to: int) -> None:
    shop, other = make_shop(), make_shop()
    for one in (shop, other):
        paid_in(one, 30_000)
    penalty, _twin = imposed(shop, deducting(50_000)), imposed(other, deducting(to))
    for one in (shop, other):
        entered(deposits.top_up, one, paid)
        paid_in(one, 7)
    less(penalty, to)
    assert (balance_of(shop), owed_of(shop)) == (balance_of(other), owed_of(other))
    assert books.verify_ledger() is None
    overturned(penalty)
    assert (balance_of(shop), owed_of(shop)) == (30_007 + paid, 0)


def test_a_payment_that_bounces_afterwards_is_owed_again_as_far_as_less_is_owed() -> None:
    shop = make_shop()
    paid_in(shop, 30_000)
    penalty = imposed(shop, deducting(50_000))
    payment = entered(deposits.top_up, shop, 15_000)
    less(penalty, 40_000)
    assert (balance_of(shop), owed_of(shop)) == (5_000, 0)
    deposits.reverse(payment, cause="bounced", key="bounced", by=None, at=AT)
    assert (balance_of(shop), owed_of(shop)) == (0, 10_000)
    less(penalty, 20_000)
    overturned(penalty)
    assert (balance_of(shop), owed_of(shop)) == (30_000, 0)


def test_what_finance_has_waived_is_not_asked_for_again() -> None:
    shop = make_shop()
    paid_in(shop, 30_000)
    penalty = imposed(shop, deducting(50_000))
    entered(deposits.top_up, shop, 5_000)
    topups.cancel(TopUp.objects.get(state="open"), by=None, at=AT, reason="spared the rest")
    less(penalty, 40_000)
    assert (balance_of(shop), owed_of(shop)) == (0, 0)
    # What was due, and not what would be now.
    assert "¥200.00 became due, of which ¥50.00" in measures.describe(penalty.measures.get(kind="deduct"))
    less(penalty, 33_000)
    assert (balance_of(shop), owed_of(shop)) == (2_000, 0)
    overturned(penalty)
    assert (balance_of(shop), owed_of(shop)) == (35_000, 0)


def test_what_comes_back_of_one_deduction_meets_what_another_found_missing() -> None:
    shop = make_shop()
    paid_in(shop, 50_000)
    first, second = imposed(shop, deducting(40_000)), imposed(shop, deducting(30_000))
    assert (balance_of(shop), owed_of(shop)) == (0, 20_000)
    less(first, 35_000)
    assert (balance_of(shop), owed_of(shop)) == (0, 15_000)
    overturned(first)
    assert (balance_of(shop), owed_of(shop)) == (20_000, 0)
    paid_in(shop, 100_000)
    assert (balance_of(shop), owed_of(shop)) == (120_000, 0)
    overturned(second)
    assert (balance_of(shop), owed_of(shop)) == (150_000, 0)


def test_it_goes_back_after_the_money_was_used_as_well() -> None:
    shop = make_shop()
    paid_in(shop, 50_000)
    penalty = imposed(shop, deducting(40_000))
    entered(deposits.compensate, shop, 10_000)
    less(penalty, 15_000)
    entered(deposits.compensate, shop, 25_000)
    overturned(penalty)
    assert balance_of(shop) == 15_000


def test_less_is_demanded_and_what_was_paid_of_it_counts() -> None:
    shop = make_shop()
    penalty = imposed(shop, Measure(kind="top_up", amount_fen=10_000))
    entered(deposits.top_up, shop, 3_000)
    less(penalty, 8_000)
    assert owed_of(shop) == 5_000
    entered(deposits.top_up, shop, 5_000)
    assert owed_of(shop) == 0
    less(penalty, 2_000)
    assert (owed_of(shop), balance_of(shop)) == (0, 8_000)


HOUR = timedelta(hours=1)


def demanding(fen: int) -> Measure:
    return Measure(kind="top_up", amount_fen=fen)


def wronged(measure: Callable[[int], Measure], to: int | None) -> tuple[Shop, Shop, Penalty]:
    """A shop with a penalty of 100 fen, and its twin with one of as much as that will be lessened to."""
    shop, twin = make_shop(), make_shop()
    if to:
        imposed(twin, measure(to))
    return shop, twin, imposed(shop, measure(100))


def right(wrong: Penalty, to: int | None) -> None:
    if to:
        less(wrong, to, at=SOON)
    else:
        penalties.overturn(wrong, by=None, at=SOON, reason="wrong")


@pytest.mark.parametrize("to", [None, 1])
@pytest.mark.parametrize("spent", [deposits.compensate, None])
def test_what_was_paid_counts_for_what_was_due_then_also_where_it_is_spent(
    spent: Any, to: int | None
) -> None:
    shop, twin, wrong = wronged(demanding, to)
    for one in (shop, twin):
        make_imposed(one, demanding(100), at=AT + HOUR)
        entered(deposits.top_up, one, 100, at=AT + 2 * HOUR)
        if spent:
            entered(spent, one, 100, at=AT + 3 * HOUR)
        else:
            make_imposed(one, deducting(100), at=AT + 3 * HOUR)
    right(wrong, to)
    assert (balance_of(shop), owed_of(shop)) == (balance_of(twin), owed_of(twin))
    assert books.verify_ledger() is None


@pytest.mark.parametrize("to", [None, 1])
def test_a_deduction_finds_what_comes_back_also_where_it_was_paid_for_a_demand(to: int | None) -> None:
    shop, twin, wrong = wronged(deducting, to)
    for one in (shop, twin):
        make_imposed(one, demanding(100), at=AT + HOUR)
        entered(deposits.top_up, one, 100, at=AT + 2 * HOUR)
        make_imposed(one, deducting(100), at=AT + 3 * HOUR)
    right(wrong, to)
    assert (balance_of(shop), owed_of(shop)) == (balance_of(twin), owed_of(twin))
    assert books.verify_ledger() is None


def test_what_a_payment_had_over_counts_for_nothing_that_was_demanded_later() -> None:
    shop = make_shop()
    wrong = imposed(shop, deducting(40))
    entered(deposits.top_up, shop, 300)
    demanded = imposed(shop, Measure(kind="top_up", amount_fen=400))
    overturned(wrong)
    assert (balance_of(shop), owed_of(shop)) == (300, 360)
    less(demanded, 60)
    assert (balance_of(shop), owed_of(shop)) == (300, 20)


@pytest.mark.parametrize("measure", [Measure(kind="top_up", amount_fen=10_000), deducting(10_000)])
def test_what_is_left_is_due_on_the_day_on_which_all_was_also_once_that_is_over(measure: Measure) -> None:
    shop = make_shop()
    penalty = imposed(shop, measure)
    [day] = TopUp.objects.values_list("due_on", flat=True)
    less(penalty, 8_000)
    assert TopUp.objects.get(state="open").due_on == day
    # On its last day, and on the day after.
    for fen, days in ((7_000, 0), (6_000, 1)):
        less(penalty, fen, at=AT + timedelta(days=(day - AT.date()).days + days))
        assert TopUp.objects.get(state="open").due_on == day


def test_what_is_left_of_an_overdue_demand_is_paid_before_what_is_due_later() -> None:
    shop = make_shop()
    penalty = imposed(shop, Measure(kind="top_up", amount_fen=100))
    late = LATER + timedelta(days=1)
    other = topups.demand(shop=shop, amount_fen=50, by=None, at=late, key="another", due_on=late.date())
    less(penalty, 60, at=late)
    entered(deposits.top_up, shop, 60, at=late)
    assert (topups.outstanding_of(other), owed_of(shop)) == (50, 50)


def test_lessened_to_nothing_it_is_taken_back() -> None:
    shop = make_shop()
    paid_in(shop, 50_000)
    penalty = imposed(shop, deducting(40_000), Measure(kind="points", points=3))
    [undone] = less(penalty, 0, "deduct")
    undone.refresh_from_db()
    assert (undone.undone_at, undone.amount_fen, balance_of(shop)) == (AT, 40_000, 50_000)
    # All that is left besides is a warning: that stands.
    less(penalty, 0, "points")
    with pytest.raises(Refused, match="overturn it instead"):
        penalties.undo_measures(penalty, [penalty.measures.get(kind="warning")], by=None, at=AT, reason="r")


def test_a_part_is_taken_back_and_another_lessened_at_once() -> None:
    shop = make_shop()
    paid_in(shop, 50_000)
    penalty = imposed(shop, deducting(40_000), Measure(kind="suspend", ends_at=LATER))
    less(penalty, SOON, "suspend", undone=[penalty.measures.get(kind="deduct")])
    assert (balance_of(shop), penalty.ends_at) == (50_000, SOON)


@pytest.mark.parametrize(
    ("measure", "value"),
    [
        (Measure(kind="points", points=4), 4),
        (Measure(kind="points", points=4), 5),
        (Measure(kind="points", points=4), -1),
        (Measure(kind="points", points=4), Decimal("1.5")),
        (deducting(400), Decimal("100.5")),
        (deducting(400), 400),
        (deducting(400), 401),
        (Measure(kind="top_up", amount_fen=400), 401),
        (Measure(kind="score", score=Decimal("0.5")), Decimal("0.51")),
        (Measure(kind="suspend", ends_at=LATER), LATER),
        (Measure(kind="suspend", ends_at=LATER), AT),
        (Measure(kind="close"), SOON),
    ],
)
def test_what_is_not_less_is_refused(measure: Measure, value: int | Decimal | datetime) -> None:
    measure.pk = None
    penalty = imposed(make_shop(), measure)
    with pytest.raises(Refused):
        less(penalty, value)
    assert not DepositEntry.objects.filter(kind="reversal").exists()


def test_where_nothing_was_deducted_nothing_is_offered_to_be_less() -> None:
    penalty = imposed(make_shop(), Measure(kind="deduct", basis="all"))
    assert not measures.can_be_less(penalty.measures.get(kind="deduct"))
    with pytest.raises(Refused, match="can't be lessened"):
        less(penalty, 1)


def test_what_is_over_or_taken_back_is_not_lessened() -> None:
    penalty = imposed(make_shop(), Measure(kind="suspend", ends_at=SOON), Measure(kind="points", points=3))
    penalties.run_timers(SOON)
    with pytest.raises(Refused, match="can't be lessened"):
        less(penalty, SOON - timedelta(days=1), "suspend")
    penalties.undo_measures(penalty, [penalty.measures.get(kind="points")], by=None, at=AT, reason="r")
    with pytest.raises(Refused, match="can't be lessened"):
        less(penalty, 1, "points")


def test_a_reason_and_the_right_and_measures_of_the_penalty_are_asked_for() -> None:
    penalty, other = (imposed(make_shop(), Measure(kind="points", points=4)) for _ in range(2))
    foreign = other.measures.get(kind="points").pk
    with pytest.raises(Refused, match="reason"):
        less(penalty, 1, reason=" ")
    with pytest.raises(NotAllowed):
        less(penalty, 1, by=make_user("operator"))
    with pytest.raises(Refused, match="measures of this penalty"):
        lessening.lessen_measures(penalty, {foreign: 1}, by=None, at=AT, reason="r")
    penalties.overturn(penalty, by=None, at=AT, reason="r")
    with pytest.raises(Refused, match="overturned"):
        less(penalty, 1)


@pytest.mark.parametrize(
    ("measure", "more"),
    [
        (Measure(kind="points", points=4), {"points": 5}),
        (Measure(kind="score", score=Decimal(1)), {"score": Decimal("1.01")}),
        (deducting(400), {"amount_fen": 401}),
        (Measure(kind="suspend", ends_at=SOON), {"ends_at": LATER}),
        (Measure(kind="restrict_live", ends_at=SOON), {"ends_at": None}),
    ],
)
def test_no_statement_makes_a_measure_do_more(measure: Measure, more: dict[str, Any]) -> None:
    measure.pk = None
    penalty = imposed(make_shop(), measure)
    with pytest.raises(IntegrityError, match="it never does more"), transaction.atomic():
        penalty.measures.filter(kind=measure.kind).update(**more)
