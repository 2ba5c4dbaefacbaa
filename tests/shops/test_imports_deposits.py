"""Movements of deposits out of a file."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

import pytest

from opsdesk import books
from shops import accounts, deposits, imports, topups
from shops.errors import NotAllowed
from shops.models import DepositEntry, ImportBatch, Settlement, Shop
from tests.factories import AT, make_shop, make_user
from tests.shops.accounting import entered, paid_in, statement
from tests.shops.importing import bring, counts, errors, only_error

HEADERS = "reference,shop,kind,amount,at,note\n"

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return make_shop(code="S1")


def test_movements_are_entered_account_by_account_in_the_order_of_their_moments(shop: Shop) -> None:
    by, other = make_user("finance"), make_shop(code="S2")
    paid_in(shop, 100)
    batch = bring(
        "deposits",
        f"{HEADERS}R3,S1,deduct,0.50,2026-03-11 07:00,fake goods\nR1,S2,pay_in,9,2026-03-09,\n"
        "R2,S1,top_up,2.00,2026-03-10 08:00,\n",
        by=by,
        at=AT,
    )
    assert counts(batch) == (3, 3, 0, 0, 0)
    assert statement(shop) == [(1, "pay_in", 100, 100), (2, "top_up", 200, 300), (3, "deduct", -50, 250)]
    assert statement(other) == [(1, "pay_in", 900, 900)]
    entry = DepositEntry.objects.get(reference="R3")
    assert (entry.recorded_by, entry.recorded_at, entry.cause, entry.batch) == (by, AT, "fake goods", batch)


def test_the_same_file_again_changes_nothing(shop: Shop) -> None:
    content = f"{HEADERS}R1,S1,pay_in,9,2026-03-09,a\nR2,S1,adjust,-8.99,2026-03-10,b\n"
    assert counts(bring("deposits", content)) == (2, 2, 0, 0, 0)
    assert counts(bring("deposits", content)) == (2, 0, 0, 2, 0)
    assert accounts.balance_of(shop) == 1


def test_a_movement_that_was_entered_by_hand_under_its_reference_is_known(shop: Shop) -> None:
    paid_in(shop, 900, reference="R1", cause="a", at=AT - timedelta(days=1), recorded_at=AT)
    batch = bring("deposits", f"{HEADERS}R1,S1,pay_in,9,2026-03-10T09:30:00,a\n")
    assert counts(batch) == (1, 0, 0, 1, 0)
    batch = bring("deposits", f"{HEADERS}R1,S1,pay_in,9.01,2026-03-10T09:30:00,a\n")
    assert "stands as “9”" in only_error(batch).message
    assert errors(batch) == [(2, "amount", "9.01", "known_movement")]
    batch = bring("deposits", f"{HEADERS}R1,S1,pay_in,9,2026-03-10T09:31:00,a\n")
    assert "stands as “2026-03-10 09:30:00”" in only_error(batch).message


def test_an_overdraft_is_told_with_what_there_would_be(shop: Shop) -> None:
    paid_in(shop, 12_345)
    batch = bring("deposits", f"{HEADERS}R1,S1,compensate,200,2026-03-10,\n")
    assert batch.state == "refused"
    assert "would hold 123.45 yuan by then" in only_error(batch).message
    assert accounts.balance_of(shop) == 12_345


def test_payments_of_a_file_settle_what_is_due_first(shop: Shop) -> None:
    by = make_user("finance")
    _entry, first = entered(deposits.deduct, shop, 300)
    second = topups.demand(shop=shop, amount_fen=100, by=None, at=AT, key="second")
    content = f"{HEADERS}R1,S1,top_up,1,2026-03-10 08:00,\nR2,S1,top_up,2.5,2026-03-10 09:00,\n"
    bring("deposits", content, by=by, at=AT)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, first.ended_by, second.state) == ("settled", by, "open")
    assert topups.outstanding_of(second) == 50
    counted = Settlement.objects.order_by("entry__number", "top_up")
    assert list(counted.values_list("entry__reference", "top_up", "amount_fen")) == [
        ("R1", first.pk, 100),
        ("R2", first.pk, 200),
        ("R2", second.pk, 50),
    ]


def test_what_a_file_pays_of_a_shortage_is_deducted_and_not_there_for_what_follows(shop: Shop) -> None:
    entered(deposits.deduct, shop, 300)
    topups.demand(shop=shop, amount_fen=100, by=None, at=AT, key="second")
    paid = "R1,S1,top_up,2,2026-03-10 08:00,\nR2,S1,top_up,2.5,2026-03-10 09:00,\n"
    batch = bring("deposits", f"{HEADERS}{paid}R3,S1,compensate,1.51,2026-03-10 10:00,\n")
    assert errors(batch) == [(4, "amount", "1.51", "overdraft")]
    assert "would hold 1.50 yuan by then" in only_error(batch).message
    bring("deposits", f"{HEADERS}{paid}R3,S1,compensate,1.50,2026-03-10 10:00,\n")
    assert sorted(statement(shop)) == [
        (1, "top_up", 200, 200),
        (2, "top_up", 250, 450),
        (3, "compensate", -150, 300),
        (4, "collect", -200, 100),
        (5, "collect", -100, 0),
    ]
    assert books.verify_ledger() is None


def test_payments_of_what_is_owed_come_before_what_was_paid_in_for_no_debt(shop: Shop) -> None:
    _entry, shortage = entered(deposits.deduct, shop, 300)
    demand = topups.demand(
        shop=shop, amount_fen=100, by=None, at=AT, key="demand", due_on=AT.date() + timedelta(days=30)
    )
    bring("deposits", f"{HEADERS}R1,S1,pay_in,3,2026-03-10 08:00,\nR2,S1,top_up,3,2026-03-10 09:00,\n")
    shortage.refresh_from_db()
    # Met by the payment: nothing was left for what was paid in, and nothing of the payment for the demand.
    assert (shortage.state, accounts.balance_of(shop), topups.outstanding_of(demand)) == ("settled", 300, 100)
    assert [one.entry.reference for one in Settlement.objects.select_related("entry")] == ["R2"]


def test_a_file_without_notes_has_entries_without_causes(shop: Shop) -> None:
    bring("deposits", "reference,shop,kind,amount,at\nR1,S1,pay_in,9,2026-03-09\n")
    assert DepositEntry.objects.get().cause == ""


@pytest.mark.parametrize("role", ["operator", "supervisor"])
def test_only_finance_imports_movements_and_nothing_else(role: str, shop: Shop) -> None:
    by, finance = make_user(role), make_user("finance")
    content = f"{HEADERS}R1,S1,pay_in,9,2026-03-09,\n"
    with pytest.raises(NotAllowed):
        bring("deposits", content, by=by)
    with pytest.raises(NotAllowed):
        bring("shops", "code\n", by=finance)
    batch = imports.receive(
        kind="deposits",
        file=BytesIO(content.encode()),
        file_name="deposits.csv",
        by=finance,
        at=AT,
        consent=ImportBatch.Consent.ASK,
    )
    imports.process(batch.pk, at=AT)
    with pytest.raises(NotAllowed):
        imports.confirm(batch.pk, by=by)
    with pytest.raises(NotAllowed):
        imports.cancel(batch.pk, by=by)
    imports.confirm(batch.pk, by=finance)
    assert imports.process(batch.pk, at=AT).state == "applied"
    assert accounts.balance_of(shop) == 900
