"""What shops owe their deposits, and which payments count towards it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from opsdesk import books
from shops import accounts, deposits, topups
from shops.errors import NotAllowed, Refused
from shops.models import DepositEntry, Settlement, Shop, TopUp
from tests.factories import AT, make_shop, make_user
from tests.shops.accounting import entered, paid_in, statement, taken_back

pytestmark = pytest.mark.django_db


def demanded(amount_fen: int, key: str = "owed", **values: Any) -> TopUp:
    shop = values.pop("shop", None) or make_shop()
    return topups.demand(shop=shop, amount_fen=amount_fen, key=key, **{"by": None, "at": AT} | values)


def settled(owed: TopUp, **values: Any) -> Any:
    return deposits.settle(
        owed, **{"by": None, "at": AT, "cause": "paid", "key": f"settled {owed.key}"} | values
    )


def test_a_top_up_is_demanded_until_a_day_and_once_under_a_key() -> None:
    by = make_user("finance")
    owed = demanded(100, by=by)
    assert (owed.state, owed.cause, owed.demanded_by, owed.due_on) == (
        "open",
        "requirement",
        by,
        (AT + timedelta(days=7)).date(),
    )
    assert demanded(100, shop=owed.shop) == owed
    with pytest.raises(Refused, match="Something else"):
        demanded(101, shop=owed.shop)
    with pytest.raises(Refused, match="is over"):
        demanded(1, "late", due_on=AT.date() - timedelta(days=1))
    with pytest.raises(Refused, match="between"):
        demanded(0, "nothing")


def test_a_payment_in_full_settles_it() -> None:
    by = make_user("finance")
    owed = demanded(100)
    entry = settled(owed, by=by)
    assert (owed.state, owed.ended_by, owed.ended_at) == ("settled", by, AT)
    assert (entry.kind, entry.amount_fen) == ("top_up", 100)
    assert owed.history.latest("history_id").history_change_reason == "settled"
    assert settled(owed, by=by) == entry
    with pytest.raises(Refused, match="This top-up is settled"):
        settled(owed, key="another")


def test_a_part_of_it_counts_and_the_rest_stays_outstanding() -> None:
    owed = demanded(100)
    settled(owed, amount_fen=30)
    assert (owed.state, topups.outstanding_of(owed)) == ("open", 70)
    with pytest.raises(Refused, match=r"Only ¥0\.70 of it is outstanding"):
        settled(owed, amount_fen=71, key="more")
    settled(owed, key="the rest")
    assert (owed.state, topups.outstanding_of(owed)) == ("settled", 0)
    assert accounts.balance_of(owed.shop) == 100


def test_what_is_due_first_is_settled_first_and_the_rest_is_held() -> None:
    shop = make_shop()
    later = demanded(50, "later", shop=shop, due_on=date(2026, 4, 2))
    first = demanded(30, "first", shop=shop, due_on=date(2026, 4, 1))
    entered(deposits.top_up, shop, 40)
    first.refresh_from_db()
    later.refresh_from_db()
    assert (first.state, later.state) == ("settled", "open")
    assert topups.outstanding_of(later) == 40
    entered(deposits.top_up, shop, 100)
    later.refresh_from_db()
    assert later.state == "settled"
    assert statement(shop)[-1] == (2, "top_up", 100, 140)
    assert sum(Settlement.objects.values_list("amount_fen", flat=True)) == 80


def test_a_payment_that_is_taken_back_counts_no_longer() -> None:
    owed = demanded(100)
    entry = settled(owed)
    taken_back(entry)
    owed.refresh_from_db()
    assert (owed.state, owed.ended_at, topups.outstanding_of(owed)) == ("open", None, 100)
    settled(owed, key="again")
    assert owed.state == "settled"


def test_a_payment_of_what_is_owed_no_longer_is_taken_back_for_good() -> None:
    shop = make_shop()
    paid_in(shop, 10)
    deduction, owed = entered(deposits.deduct, shop, 100)
    payment = settled(owed)
    taken_back(deduction)
    owed.refresh_from_db()
    assert (owed.state, accounts.balance_of(shop)) == ("cancelled", 100)
    taken_back(payment)
    owed.refresh_from_db()
    assert (owed.state, accounts.balance_of(shop)) == ("cancelled", 10)
    assert books.verify_ledger() is None


def short_by(fen: int, *, there: int = 0, shop: Shop | None = None) -> tuple[DepositEntry | None, TopUp]:
    """A deduction that has found `there`, and what it left due."""
    shop = shop or make_shop()
    if there:
        paid_in(shop, there)
    return entered(deposits.deduct, shop, there + fen, cause="V8")


def test_what_a_deduction_found_missing_is_deducted_once_it_is_paid() -> None:
    _entry, owed = short_by(200, there=300)
    payment = settled(owed, amount_fen=50)
    settled(owed, key="the rest")
    assert statement(owed.shop)[2:] == [
        (3, "top_up", 50, 50),
        (4, "collect", -50, 0),
        (5, "top_up", 150, 150),
        (6, "collect", -150, 0),
    ]
    assert payment.settlements.get().collected.cause == "V8"
    assert settled(owed, amount_fen=50) == payment
    assert (len(statement(owed.shop)), owed.state, books.verify_ledger()) == (6, "settled", None)
    with pytest.raises(Refused, match=r"Only ¥0\.00 is free"):
        entered(deposits.refund, owed.shop, 1)


def test_what_is_demanded_stays_in_the_deposit_once_it_is_paid() -> None:
    owed = demanded(100)
    settled(owed)
    assert statement(owed.shop) == [(1, "top_up", 100, 100)]


def test_a_payment_that_was_deducted_is_taken_back_with_what_was_deducted_of_it() -> None:
    _entry, owed = short_by(200, there=300)
    payment = settled(owed)
    collected = payment.settlements.get().collected
    with pytest.raises(Refused, match="Take back the payment"):
        taken_back(collected)
    taken_back(payment)
    owed.refresh_from_db()
    assert (owed.state, topups.outstanding_of(owed), accounts.balance_of(owed.shop)) == ("open", 200, 0)
    settled(owed, key="again")
    assert (owed.state, accounts.balance_of(owed.shop), books.verify_ledger()) == ("settled", 0, None)


def test_payments_of_a_wrong_deduction_count_towards_what_is_due_next() -> None:
    shop = make_shop()
    first, owed = short_by(200, there=100, shop=shop)
    _none, later = short_by(150, shop=shop)
    settled(owed)
    assert first is not None
    taken_back(first)
    owed.refresh_from_db()
    later.refresh_from_db()
    assert (owed.state, later.state) == ("cancelled", "settled")
    # Of the 300 that it paid in all, the second deduction has taken its 150.
    assert (accounts.balance_of(shop), books.verify_ledger()) == (150, None)


def test_what_is_waived_of_a_deduction_leaves_what_was_paid_of_it_deducted() -> None:
    shop = make_shop()
    entry, owed = short_by(200, there=100, shop=shop)
    settled(owed, amount_fen=50)
    other = topups.demand(shop=shop, amount_fen=70, by=None, at=AT, key="other")
    topups.cancel(owed, by=None, at=AT, reason="waived")
    assert (topups.outstanding_of(other), accounts.balance_of(shop), books.verify_ledger()) == (70, 0, None)
    assert entry is not None
    taken_back(entry)
    assert (topups.outstanding_of(other), accounts.balance_of(shop), books.verify_ledger()) == (20, 150, None)


def test_what_was_paid_of_a_demand_that_is_cancelled_counts_next_as_far_as_it_is_there() -> None:
    shop = make_shop()
    first = topups.demand(shop=shop, amount_fen=100, by=None, at=AT, key="first")
    settled(first, amount_fen=80)
    entered(deposits.compensate, shop, 50)
    second = topups.demand(shop=shop, amount_fen=100, by=None, at=AT, key="second")
    topups.cancel(first, by=None, at=AT, reason="waived")
    assert (topups.outstanding_of(second), accounts.balance_of(shop), books.verify_ledger()) == (70, 30, None)


def test_a_payment_towards_one_that_was_cancelled_is_refused() -> None:
    owed = demanded(100)
    with pytest.raises(Refused, match="takes a reason"):
        topups.cancel(owed, by=None, at=AT, reason=" ")
    topups.cancel(owed, by=None, at=AT, reason="waived")
    assert (owed.state, owed.ended_reason, topups.outstanding_of(owed)) == ("cancelled", "waived", 0)
    for call in (
        lambda: settled(owed),
        lambda: topups.remind(owed, by=None, at=AT),
        lambda: topups.cancel(owed, by=None, at=AT, reason="again"),
    ):
        with pytest.raises(Refused, match="This top-up is cancelled"):
            call()


def test_paying_in_settles_nothing() -> None:
    owed = demanded(100)
    paid_in(owed.shop, 100)
    owed.refresh_from_db()
    assert owed.state == "open"


def test_a_reminder_is_kept_and_may_be_repeated() -> None:
    owed = demanded(100)
    topups.remind(owed, by=None, at=AT)
    topups.remind(owed, by=None, at=AT + timedelta(days=1))
    assert owed.reminded_at == AT + timedelta(days=1)
    assert owed.history.count() == 3


def test_only_finance_reminds_settles_and_cancels() -> None:
    owed, by = demanded(100), make_user("supervisor")
    for call in (
        lambda: settled(owed, by=by),
        lambda: topups.remind(owed, by=by, at=AT),
        lambda: topups.cancel(owed, by=by, at=AT, reason="x"),
    ):
        with pytest.raises(NotAllowed):
            call()


def test_a_payment_that_was_taken_back_frees_nothing_once_what_it_paid_is_cancelled() -> None:
    shop = make_shop()
    waived = topups.demand(shop=shop, amount_fen=50, by=None, at=AT, key="waived")
    payment = entered(deposits.top_up, shop, 30)
    taken_back(payment)
    demanded = topups.demand(
        shop=shop, amount_fen=20, by=None, at=AT, key="other", due_on=AT.date() + timedelta(days=90)
    )
    entered(deposits.pay_in, shop, 40)
    topups.cancel(waived, by=None, at=AT + timedelta(hours=2), reason="waived")
    assert (accounts.balance_of(shop), topups.outstanding_of(demanded)) == (40, 20)
