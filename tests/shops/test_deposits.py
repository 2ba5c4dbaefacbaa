"""The verbs on a shop's deposit account, and what they refuse."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import translation

from shops import accounts, deposits, money, topups
from shops.errors import NotAllowed, Refused
from shops.models import DepositRequirement, Shop, TopUp
from tests.factories import AT, make_penalty, make_shop, make_user
from tests.shops.accounting import entered, make_measure, paid_in, statement, taken_back

pytestmark = pytest.mark.django_db


def test_each_movement_stands_with_its_number_and_the_balance_after_it() -> None:
    shop = make_shop()
    paid_in(shop, 50_000)
    entered(deposits.compensate, shop, 12_001)
    entered(deposits.adjust, shop, -1)
    entered(deposits.top_up, shop, 2)
    entered(deposits.deduct, shop, 20_000)
    entered(deposits.refund, shop, 18_000)
    assert statement(shop) == [
        (1, "pay_in", 50_000, 50_000),
        (2, "compensate", -12_001, 37_999),
        (3, "adjust", -1, 37_998),
        (4, "top_up", 2, 38_000),
        (5, "deduct", -20_000, 18_000),
        (6, "refund", -18_000, 0),
    ]
    assert accounts.balance_of(shop) == 0


def test_an_entry_says_who_entered_it_when_it_moved_and_when_it_was_entered() -> None:
    by = make_user("finance")
    entry = paid_in(
        make_shop(), 1, by=by, at=AT - timedelta(days=3), recorded_at=AT, cause="first", reference="R-1"
    )
    entry.refresh_from_db()
    assert (entry.recorded_by, entry.at, entry.recorded_at) == (by, AT - timedelta(days=3), AT)
    assert (entry.cause, entry.reference) == ("first", "R-1")


@pytest.mark.parametrize("role", ["operator", "supervisor", "auditor", "appeals_officer", "rules_editor"])
def test_only_finance_moves_money(role: str) -> None:
    shop, by = make_shop(), make_user(role)
    entry = paid_in(shop, 100)
    for verb in ("pay_in", "adjust", "top_up", "compensate", "deduct", "refund"):
        with pytest.raises(NotAllowed):
            entered(getattr(deposits, verb), shop, 1, by=by)
    with pytest.raises(NotAllowed):
        taken_back(entry, by=by)
    with pytest.raises(NotAllowed):
        topups.demand(shop=shop, amount_fen=1, by=by, at=AT, key="k")
    assert paid_in(shop, 1, by=make_user("finance"))


@pytest.mark.parametrize("verb", ["compensate", "refund", "adjust"])
def test_more_than_there_is_is_refused_and_says_how_much_there_is(verb: str) -> None:
    shop = make_shop()
    paid_in(shop, 10_000)
    wanted = -10_001 if verb == "adjust" else 10_001
    with pytest.raises(Refused, match=r"100\.00"):
        entered(getattr(deposits, verb), shop, wanted)
    assert accounts.balance_of(shop) == 10_000


@pytest.mark.parametrize("verb", ["pay_in", "top_up", "compensate", "deduct", "refund"])
@pytest.mark.parametrize("amount", [0, -1, money.MOST + 1])
def test_an_amount_lies_within_its_bounds(verb: str, amount: int) -> None:
    with pytest.raises(Refused, match=r"between ¥0\.01 and ¥92,233,720,368,547,758\.07"):
        entered(getattr(deposits, verb), make_shop(), amount)


@pytest.mark.parametrize("amount", [0, money.MOST + 1, -money.MOST - 1])
def test_an_adjustment_lies_within_the_bounds_both_ways(amount: int) -> None:
    with pytest.raises(Refused, match=r"not zero: it adds from ¥0\.01 to .* or below zero takes"):
        entered(deposits.adjust, make_shop(), amount)


def test_an_account_holds_as_much_as_the_database_can_and_not_a_fen_more() -> None:
    shop = make_shop()
    paid_in(shop, money.MOST - 1)
    paid_in(shop, 1)
    with pytest.raises(Refused, match="the most that is held"):
        paid_in(shop, 1)
    entered(deposits.adjust, shop, -money.MOST)
    assert statement(shop)[-1] == (3, "adjust", -money.MOST, 0)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"cause": "  "}, "states its cause"),
        ({"at": AT + timedelta(seconds=1), "recorded_at": AT}, "lies in the future"),
        ({"at": AT.replace(year=26), "recorded_at": AT}, "check the year"),
        ({"key": ""}, "a key of its own"),
    ],
)
def test_a_movement_that_says_too_little_or_lies_in_the_future_is_refused(values: dict, words: str) -> None:
    with pytest.raises(Refused, match=words):
        paid_in(make_shop(), 1, **values)


def test_the_same_key_again_is_the_same_entry() -> None:
    shop = make_shop()
    first = paid_in(shop, 100, key="K")
    again = paid_in(shop, 100, key="K", at=AT + timedelta(minutes=1))
    assert again == first
    assert statement(shop) == [(1, "pay_in", 100, 100)]


@pytest.mark.parametrize(
    "other", [{"amount_fen": 101}, {"cause": "another"}, {"reference": "R"}, {"shop": "another"}]
)
def test_the_same_key_for_something_else_is_refused(other: dict) -> None:
    shop = make_shop()
    paid_in(shop, 100, key="K")
    values = {"shop": shop, "amount_fen": 100, "key": "K"} | other
    if values["shop"] == "another":
        values["shop"] = make_shop()
    with pytest.raises(Refused, match="Something else was entered under the key"):
        paid_in(values.pop("shop"), values.pop("amount_fen"), **values)
    with pytest.raises(Refused, match="Something else"):
        entered(deposits.top_up, shop, 100, key="K")


def test_a_reference_stands_once() -> None:
    paid_in(make_shop(), 1, reference="R-1")
    with pytest.raises(Refused, match="R-1 is on record already"):
        paid_in(make_shop(), 1, reference="R-1")


def test_a_deduction_takes_what_there_is_and_leaves_the_rest_due() -> None:
    shop = make_shop()
    paid_in(shop, 300)
    entry, owed = entered(deposits.deduct, shop, 1_000, key="D", cause="fake goods")
    assert (entry.amount_fen, entry.balance_fen, entry.short_fen) == (-300, 0, 700)
    assert (owed.amount_fen, owed.cause, owed.state, owed.entry) == (700, "shortage", "open", entry)
    assert owed.due_on == (AT + timedelta(days=7)).date()
    assert entered(deposits.deduct, shop, 1_000, key="D", cause="fake goods") == (entry, owed)
    with pytest.raises(Refused, match="Something else"):
        entered(deposits.deduct, shop, 999, key="D", cause="fake goods")


def test_a_deduction_from_an_empty_account_is_all_due() -> None:
    shop = make_shop()
    entry, owed = entered(deposits.deduct, shop, 5, key="D", due_on=date(2026, 4, 1))
    assert entry is None
    assert (owed.amount_fen, owed.due_on, owed.entry) == (5, date(2026, 4, 1), None)
    # Money that came in since is taken once, as what was missing, and not by the same deduction again.
    paid_in(shop, 100)
    assert entered(deposits.deduct, shop, 5, key="D", due_on=date(2026, 4, 1)) == (None, owed)
    with pytest.raises(Refused, match="Something else"):
        entered(deposits.deduct, shop, 6, key="D")
    assert accounts.balance_of(shop) == 95


def test_a_reversal_is_the_exact_opposite_and_happens_once() -> None:
    shop = make_shop()
    paid_in(shop, 300)
    entry = entered(deposits.compensate, shop, 100)
    reversal = taken_back(entry, key="B")
    assert (reversal.amount_fen, reversal.reverses, reversal.balance_fen) == (100, entry, 300)
    assert taken_back(entry, key="B") == reversal
    with pytest.raises(Refused, match="Entry 2 was taken back already, by entry 3"):
        taken_back(entry)
    with pytest.raises(Refused, match="A reversal is not taken back"):
        taken_back(reversal)


def test_what_was_paid_in_and_used_since_is_not_taken_back() -> None:
    shop = make_shop()
    first = paid_in(shop, 300)
    entered(deposits.compensate, shop, 1)
    with pytest.raises(Refused, match=r"¥3\.00 can't be taken back: the deposit has only ¥2\.99 left"):
        taken_back(first)


def test_a_deduction_is_taken_back_after_the_money_was_used() -> None:
    shop = make_shop()
    paid_in(shop, 300)
    entry, owed = entered(deposits.deduct, shop, 1_000)
    entered(deposits.top_up, shop, 900)
    entered(deposits.compensate, shop, 200)
    taken_back(entry)
    owed.refresh_from_db()
    assert accounts.balance_of(shop) == 1_000
    assert (owed.state, owed.ended_reason) == ("cancelled", "a mistake")


# What penalties take


def test_a_penalty_takes_without_the_right_of_finance_and_gives_back_the_same() -> None:
    shop, by = make_shop(), make_user("operator")
    paid_in(shop, 300)
    measure = make_measure(shop)
    deduction = deposits.deduct_for(measure, amount_fen=1_000, cause="V8", by=by, at=AT)
    assert deduction.entry is not None and deduction.top_up is not None
    assert (deduction.entry.measure, deduction.top_up.measure) == (measure, measure)
    assert deposits.deduct_for(measure, amount_fen=1_000, cause="V8", by=by, at=AT) == deduction
    given_back = deposits.reverse_for(measure, cause="overturned", by=by, at=AT)
    assert given_back is not None and given_back.recorded_by == by
    assert deposits.reverse_for(measure, cause="overturned", by=by, at=AT) == given_back
    assert accounts.balance_of(shop) == 300
    assert TopUp.objects.get().state == "cancelled"


def test_of_a_penalty_that_took_nothing_nothing_comes_back() -> None:
    shop = make_shop()
    paid_in(shop, 300)
    assert deposits.reverse_for(make_measure(shop), cause="overturned", by=None, at=AT) is None
    assert statement(shop) == [(1, "pay_in", 300, 300)]


def test_what_a_penalty_deducted_comes_back_with_the_penalty_alone() -> None:
    shop = make_shop()
    paid_in(shop, 300)
    deduction = deposits.deduct_for(make_measure(shop), amount_fen=100, cause="V8", by=None, at=AT)
    assert deduction.entry is not None
    with pytest.raises(Refused, match=r"Penalty P\d+ deducted this"):
        taken_back(deduction.entry)


def test_a_penalty_demands_what_it_cancels_when_it_is_overturned() -> None:
    shop = make_shop()
    measure = make_measure(shop)
    owed = topups.demand_for(measure, amount_fen=500, by=None, at=AT)
    assert topups.demand_for(measure, amount_fen=500, by=None, at=AT) == owed
    assert (owed.cause, owed.due_on) == ("measure", (AT + timedelta(days=7)).date())
    deposits.reverse_for(measure, cause="overturned", by=None, at=AT)
    owed.refresh_from_db()
    assert owed.state == "cancelled"


# What is free


def test_nothing_is_refunded_while_a_penalty_is_unsettled() -> None:
    shop = make_shop(status=Shop.Status.CLOSED, closed_cause="voluntary")
    paid_in(shop, 100)
    penalty = make_penalty(shop, status="reported", violation_code="V8")
    free = accounts.free_of(shop, day=None, at=AT)
    assert (free.amount_fen, free.held_by) == (0, [("penalty", penalty.pk)])
    with pytest.raises(Refused, match=r"penalties in effect \(1\)"):
        entered(deposits.refund, shop, 1)


def test_nothing_is_refunded_while_a_top_up_is_due() -> None:
    shop = make_shop(status=Shop.Status.CLOSED, closed_cause="voluntary")
    paid_in(shop, 100)
    owed = topups.demand(shop=shop, amount_fen=1, by=None, at=AT, key="k")
    with pytest.raises(Refused, match=r"top-ups due \(1\)"):
        entered(deposits.refund, shop, 1)
    topups.cancel(owed, by=None, at=AT, reason="waived")
    entered(deposits.refund, shop, 100)
    assert accounts.balance_of(shop) == 0


def test_of_an_open_shop_only_what_is_not_required_is_free() -> None:
    DepositRequirement.objects.create(category="beauty", base_fen=60)
    shop = make_shop(category="beauty")
    paid_in(shop, 100)
    with pytest.raises(Refused, match=r"Only ¥0\.40 is free: ¥0\.60 is required"):
        entered(deposits.refund, shop, 41)
    entry = entered(deposits.refund, shop, 40, key="K")
    assert entered(deposits.refund, shop, 40, key="K") == entry
    shop.status = Shop.Status.CLOSED
    shop.save()
    entered(deposits.refund, shop, 60)
    assert accounts.balance_of(shop) == 0


def test_money_is_told_as_the_reader_writes_it_to_the_fen() -> None:
    assert money.told(-money.MOST) == "-¥92,233,720,368,547,758.07"
    assert money.yuan_of(money.MOST) == Decimal("92233720368547758.07")
    assert money.fen_of(Decimal("92233720368547758.07")) == money.MOST
    with pytest.raises(ValueError):
        money.fen_of(Decimal("0.001"))
    with translation.override("zh-hans"):
        assert money.told(5) == "¥0.05"
