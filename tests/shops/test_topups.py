"""What shops owe their deposits, and which payments count towards it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from opsdesk import books
from shops import accounts, deposits, topups
from shops.errors import NotAllowed, Refused
from shops.models import Settlement, TopUp
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
    assert owed.state == "settled"
    taken_back(payment)
    owed.refresh_from_db()
    assert (owed.state, accounts.balance_of(shop)) == ("cancelled", 10)
    assert books.verify_ledger() is None


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
