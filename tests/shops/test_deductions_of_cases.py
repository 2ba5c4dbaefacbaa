"""A deduction that comes in with penalties and with movements counts once, whichever comes first."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shops import accounts, deposits, lessening, penalties, previews, topups
from shops.errors import Refused
from shops.models import DepositEntry, Measure, Penalty, Shop, TopUp
from tests.factories import AT, make_imposed, make_shop
from tests.shops.accounting import entered, paid_in, sound, statement, taken_back
from tests.shops.importing import bring, counts, errors, only_error

CASES = "reference,shop,violation,imposed_at,status,points,deposit_deducted\n"
MOVEMENTS = "reference,shop,kind,amount,at,penalty\n"
CASE = f"{CASES}P1,S1,V8,2026-03-01 09:30,imposed,4,30.05\n"
# As exports name it: the case beside the movement's own number, or the case's number for both.
BY_CASE = f"{MOVEMENTS}M1,S1,deduct,30.05,2026-03-02 18:00,P1\n"
BY_NUMBER = "reference,shop,kind,amount,at\nP1,S1,deduct,30.05,2026-03-02 18:00\n"

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    shop = make_shop(code="S1")
    paid_in(shop, 100_00)
    return shop


def case() -> Penalty:
    return Penalty.objects.get(reference="P1")


@pytest.mark.parametrize("movement", [BY_CASE, BY_NUMBER])
@pytest.mark.parametrize("first", ["penalties", "deposits"])
def test_in_either_order_it_is_deducted_once_and_given_back_with_the_penalty(first, movement, shop) -> None:
    files = {"penalties": CASE, "deposits": movement}
    second = next(kind for kind in files if kind != first)
    assert counts(bring(first, files[first])) == (1, 1, 0, 0, 0)
    assert accounts.balance_of(shop) == 69_95
    batch = bring(second, files[second])
    assert (errors(batch), accounts.balance_of(shop)) == ([], 69_95)
    # Both files again change nothing.
    for kind, content in files.items():
        assert counts(bring(kind, content)) == (1, 0, 0, 1, 0)
    assert (accounts.balance_of(shop), sound()) == (69_95, True)
    penalties.overturn(case(), by=None, at=AT + timedelta(days=1), reason="granted")
    assert (accounts.balance_of(shop), sound()) == (100_00, True)


def test_a_movement_that_the_penalty_has_made_is_no_entry_of_its_own(shop: Shop) -> None:
    bring("penalties", CASE)
    before = statement(shop)
    assert counts(bring("deposits", BY_CASE)) == (1, 0, 0, 1, 0)
    assert statement(shop) == before


def test_what_came_in_before_its_penalty_is_carried_over_to_it(shop: Shop) -> None:
    bring("deposits", BY_CASE)
    entry = DepositEntry.objects.get(reference="M1")
    assert entry.case_reference == "P1"
    bring("penalties", CASE)
    assert statement(shop) == [
        (1, "pay_in", 100_00, 100_00),
        (2, "deduct", -30_05, 69_95),
        (3, "reversal", 30_05, 100_00),
        (4, "deduct", -30_05, 69_95),
    ]
    [own] = DepositEntry.objects.filter(measure__penalty=case())
    assert (own.number, entry.reversal.cause) == (4, case().case_number)
    with pytest.raises(Refused, match="taken back already"):
        taken_back(entry)


def test_several_movements_of_one_case_are_carried_over_together(shop: Shop) -> None:
    bring(
        "deposits",
        f"{MOVEMENTS}M1,S1,deduct,30.00,2026-03-02,P1\nM2,S1,deduct,0.05,2026-03-03,P1\n"
        "M3,S1,deduct,1.00,2026-03-03,P2\nM4,S1,pay_in,5.00,2026-03-03,P1\n",
    )
    bring("penalties", CASE)
    assert (accounts.balance_of(shop), sound()) == (100_00 - 30_05 - 1_00 + 5_00, True)


def test_what_was_taken_back_by_hand_counts_no_more(shop: Shop) -> None:
    bring("deposits", BY_CASE)
    taken_back(DepositEntry.objects.get(reference="M1"))
    bring("penalties", CASE)
    assert (accounts.balance_of(shop), sound()) == (69_95, True)


def test_what_finance_deducted_beyond_the_deposit_is_owed_once(shop: Shop) -> None:
    _entry, owed = entered(deposits.deduct, shop, 130_00, reference="P1", at=AT)
    bring("penalties", f"{CASES}P1,S1,V8,2026-03-01 09:30,imposed,,130.00\n")
    owed.refresh_from_db()
    assert (owed.state, owed.history.count()) == ("cancelled", 2)
    [now] = TopUp.objects.filter(state="open")
    assert (now.amount_fen, accounts.balance_of(shop), sound()) == (30_00, 0, True)
    penalties.overturn(case(), by=None, at=AT + timedelta(days=1), reason="granted")
    assert (accounts.balance_of(shop), TopUp.objects.filter(state="open").count()) == (100_00, 0)


@pytest.mark.parametrize("by_file", [True, False])
@pytest.mark.parametrize("waived", [True, False])
def test_what_was_paid_of_it_meanwhile_is_the_penaltys(by_file: bool, waived: bool, shop: Shop) -> None:
    if not by_file:
        bring("penalties", f"{CASES}P1,S1,V8,2026-03-01 09:30,reported,,\n")
    _entry, owed = entered(deposits.deduct, shop, 130_00, reference="P1", at=AT)
    deposits.settle(owed, key="paid", cause="paid", by=None, at=AT, amount_fen=20_00)
    if waived:
        topups.cancel(owed, by=None, at=AT, reason="waived")
    if by_file:
        bring("penalties", f"{CASES}P1,S1,V8,2026-03-01 09:30,imposed,,130.00\n")
    else:
        measure = Measure(kind="deduct", basis="fixed", amount_fen=130_00)
        told = previews.preview(shop, [measure], at=AT, case=case()).money
        assert told is not None
        assert (told.before, told.after, told.due) == (0, 0, 10_00)
        make_imposed(shop, measure, violation=case().violation, case=case(), reason="as reported")
    [now] = TopUp.objects.filter(state="open")
    assert (now.amount_fen, accounts.balance_of(shop), sound()) == (10_00, 0, True)
    penalties.overturn(case(), by=None, at=AT + timedelta(days=1), reason="granted")
    assert (accounts.balance_of(shop), sound()) == (120_00, True)
    assert not TopUp.objects.filter(state="open").exists()


def test_another_amount_is_refused_in_either_order_and_says_what_stands(shop: Shop) -> None:
    bring("penalties", CASE)
    error = only_error(bring("deposits", BY_CASE.replace("30.05", "30.06")))
    assert (
        error.column,
        error.message.startswith(f"Penalty {case().case_number} has deducted 30.05 yuan"),
    ) == (
        "amount",
        True,
    )
    bring("deposits", f"{MOVEMENTS}M7,S1,deduct,2.00,2026-03-02,P7\n")
    error = only_error(bring("penalties", f"{CASES}P7,S1,V8,2026-03-01,imposed,,2.01\n"))
    assert (error.column, "has 2.00 yuan deducted for this case" in error.message) == (
        "deposit_deducted",
        True,
    )
    assert (accounts.balance_of(shop), sound()) == (100_00 - 30_05 - 2_00, True)


def test_a_case_that_two_rows_of_a_file_name_is_known_by_the_first(shop: Shop) -> None:
    bring("penalties", CASE)
    batch = bring("deposits", f"{BY_CASE}M2,S1,deduct,30.05,2026-03-02 18:00,P1\n")
    assert errors(batch) == [(3, "amount", "30.05", "deducted_otherwise")]


def test_a_case_of_another_shop_is_refused_in_either_order(shop: Shop) -> None:
    paid_in(make_shop(code="S2"), 100_00)
    bring("penalties", CASE)
    error = only_error(bring("deposits", BY_CASE.replace(",S1,", ",S2,")))
    assert (error.column, "one of the shop “S1”" in error.message) == ("shop", True)
    bring("deposits", f"{MOVEMENTS}M7,S2,deduct,2.00,2026-03-02,P7\n")
    error = only_error(bring("penalties", f"{CASES}P7,S1,V8,2026-03-01,imposed,,2.00\n"))
    assert (error.column, "of the shop “S2”" in error.message) == ("shop", True)


def test_a_penalty_that_says_nothing_of_money_leaves_the_movement_as_it_is(shop: Shop) -> None:
    bring("deposits", BY_CASE)
    bring("penalties", f"{CASES}P1,S1,V8,2026-03-01 09:30,imposed,4,\n")
    assert statement(shop) == [(1, "pay_in", 100_00, 100_00), (2, "deduct", -30_05, 69_95)]


def test_a_reported_case_that_is_imposed_here_counts_what_was_moved_for_it(shop: Shop) -> None:
    bring("penalties", f"{CASES}P1,S1,V8,2026-03-01 09:30,reported,,\n")
    bring("deposits", BY_CASE)

    def imposed(fen: int) -> Penalty:
        return make_imposed(
            shop,
            Measure(kind="deduct", basis="fixed", amount_fen=fen),
            violation=case().violation,
            case=case(),
            reason="as reported",
        )

    measure = Measure(kind="deduct", basis="fixed", amount_fen=40_00)
    told = previews.preview(shop, [measure], at=AT, case=case()).money
    assert told is not None
    assert (told.before, told.after) == (69_95, 60_00)
    with pytest.raises(Refused, match=r"has ¥30\.05 deducted for this case already, more than ¥30\.04"):
        imposed(30_04)
    imposed(40_00)
    assert (accounts.balance_of(shop), sound()) == (60_00, True)


def test_finance_does_not_deduct_under_the_number_of_a_penalty_that_has(shop: Shop) -> None:
    bring("penalties", CASE)
    with pytest.raises(Refused, match="it counts once"):
        entered(deposits.deduct, shop, 30_05, reference="P1")
    entered(deposits.compensate, shop, 1, reference="P1")
    assert accounts.balance_of(shop) == 69_94


def test_a_known_movement_that_names_another_case_now_is_refused(shop: Shop) -> None:
    bring("deposits", BY_CASE)
    assert errors(bring("deposits", BY_CASE.replace("P1", "P9"))) == [(2, "penalty", "P9", "known_movement")]
    assert counts(bring("deposits", BY_CASE.replace(",P1", ","))) == (1, 0, 0, 1, 0)


@pytest.mark.parametrize("moved", ["30.05", "10"])
def test_a_deduction_that_was_lessened_is_known_by_what_it_was_and_by_what_is_left(moved, shop) -> None:
    bring("penalties", CASE)
    [measure] = case().measures.filter(kind="deduct")
    lessening.lessen_measures(case(), {measure.pk: 10_00}, by=None, at=AT, reason="too much")
    batch = bring("deposits", BY_CASE.replace("30.05", moved))
    assert (errors(batch), accounts.balance_of(shop), sound()) == ([], 90_00, True)
