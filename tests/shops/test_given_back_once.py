"""What a case took goes back once: as its penalty is overturned or lessened, or by a movement."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from shops import accounts, deposits, lessening, penalties, topups
from shops.errors import Refused
from shops.models import DepositEntry, Measure, Penalty, Shop, TopUp
from tests.factories import AT, make_imposed, make_shop
from tests.shops.accounting import entered, owed_of, paid_in, sound, statement, taken_back
from tests.shops.importing import bring, counts, errors, only_error

CASES = "reference,shop,violation,imposed_at,status,deposit_deducted\n"
MOVEMENTS = "reference,shop,kind,amount,at,penalty\n"
CASE = f"{CASES}P1,S1,V8,2026-03-01 09:30,imposed,30.05\n"
BACK = f"{MOVEMENTS}M9,S1,adjust,30.05,2026-03-09 18:00,P1\n"
BY_NUMBER = "reference,shop,kind,amount,at\nP1,S1,adjust,30.05,2026-03-09 18:00\n"
LATER = AT + timedelta(days=1)

pytestmark = pytest.mark.django_db


def case() -> Penalty:
    return Penalty.objects.get(reference="P1")


def overturn() -> None:
    penalties.overturn(case(), by=None, at=LATER, reason="granted")


def lessen(fen: int) -> None:
    lessening.lessen_measures(case(), {case().measures.get().pk: fen}, by=None, at=LATER, reason="too much")


@pytest.mark.parametrize("movement", [BACK, BY_NUMBER])
@pytest.mark.parametrize(
    "order",
    [
        ("penalties", "overturn", "deposits"),
        ("penalties", "deposits", "overturn"),
        ("deposits", "penalties", "overturn"),
    ],
)
def test_it_counts_once_whichever_comes_first(order: tuple[str, ...], movement: str, shop: Shop) -> None:
    for step in order:
        if step == "overturn":
            overturn()
        else:
            assert errors(bring(step, {"penalties": CASE, "deposits": movement}[step])) == []
    assert (accounts.balance_of(shop), sound()) == (100_00, True)
    assert counts(bring("deposits", movement)) == (1, 0, 0, 1, 0)
    assert accounts.balance_of(shop) == 100_00


def test_a_movement_that_the_reversal_has_made_is_no_entry_of_its_own(shop: Shop) -> None:
    bring("penalties", CASE)
    overturn()
    before = statement(shop)
    assert counts(bring("deposits", BACK)) == (1, 0, 0, 1, 0)
    assert statement(shop) == before


def test_one_that_came_before_is_carried_over_to_the_reversal(shop: Shop) -> None:
    bring("penalties", CASE)
    bring("deposits", BACK)
    overturn()
    assert statement(shop)[1:] == [
        (2, "deduct", -30_05, 69_95),
        (3, "adjust", 30_05, 100_00),
        (4, "reversal", 30_05, 130_05),
        (5, "reversal", -30_05, 100_00),
    ]
    assert DepositEntry.objects.get(reference="M9").reversal.cause == case().case_number


@pytest.mark.parametrize("amount", ["30.04", "30.06"])
def test_another_amount_is_refused_and_names_the_reversal(amount: str, shop: Shop) -> None:
    bring("penalties", CASE)
    overturn()
    error = only_error(bring("deposits", BACK.replace("30.05", amount)))
    assert (error.column, error.code) == ("amount", "given_back_otherwise")
    assert f"{case().case_number} gave back 30.05 yuan" in error.message
    assert "entry 3 of" in error.message
    assert accounts.balance_of(shop) == 100_00


@pytest.mark.parametrize("movement", [BACK, BY_NUMBER])
def test_what_comes_before_and_is_more_than_the_case_took_is_refused(movement: str, shop: Shop) -> None:
    bring("penalties", CASE)
    error = only_error(bring("deposits", movement.replace("30.05", "30.06")))
    assert (error.column, error.code) == ("amount", "given_back_beyond")
    assert f"Of what penalty {case().case_number} has deducted only 30.05 yuan can go back" in error.message
    with translation.override("zh-hans"):
        assert "30.05 元" in error.message and "deducted" not in error.message
    assert accounts.balance_of(shop) == 69_95


def test_several_that_come_before_are_together_no_more_than_the_case_took(shop: Shop) -> None:
    bring("penalties", CASE)
    amounts = {"M10": "10", "M11": "20.06", "M12": "20.05"}
    rows = [f"{number},S1,adjust,{amount},2026-03-09,P1\n" for number, amount in amounts.items()]
    batch = bring("deposits", MOVEMENTS + "".join(rows), partial=True)
    assert errors(batch) == [(3, "amount", "20.06", "given_back_beyond")]
    assert "only 20.05 yuan" in only_error(batch).message
    assert accounts.balance_of(shop) == 100_00
    # In a file of its own it is not more either.
    assert "only 0.00 yuan" in only_error(bring("deposits", BACK.replace("30.05", "0.01"))).message
    overturn()
    assert (accounts.balance_of(shop), sound()) == (100_00, True)


def test_what_was_taken_back_of_it_may_be_given_back_again(shop: Shop) -> None:
    bring("penalties", CASE)
    bring("deposits", BACK)
    taken_back(DepositEntry.objects.get(reference="M9"))
    assert errors(bring("deposits", BACK.replace("M9", "M10"))) == []
    assert accounts.balance_of(shop) == 100_00


@pytest.mark.parametrize("by_hand", [True, False])
def test_what_came_before_its_case_and_is_more_than_that_took_is_refused_with_the_case(
    by_hand: bool, shop: Shop
) -> None:
    bring("deposits", BACK)
    if by_hand:
        bring("penalties", CASE.replace("imposed,30.05", "reported,"))

        def imposed(fen: int) -> Penalty:
            measure = Measure(kind="deduct", basis="fixed", amount_fen=fen)
            return make_imposed(shop, measure, violation=case().violation, case=case(), reason="as reported")

        with pytest.raises(Refused, match=r"has ¥30\.05 given back for this case already, more than ¥30\.04"):
            imposed(30_04)
        imposed(30_05)
    else:
        error = only_error(bring("penalties", CASE.replace("30.05", "30.04")))
        assert (error.column, error.code) == ("deposit_deducted", "more_given_back")
        assert "has 30.05 yuan given back for this case" in error.message
        bring("penalties", CASE)
    overturn()
    assert (accounts.balance_of(shop), sound()) == (130_05 - 30_05, True)


@pytest.mark.parametrize("fen", [30_05, 30_06])
def test_finance_gives_back_no_more_than_the_case_took(fen: int, shop: Shop) -> None:
    bring("penalties", CASE)
    if fen > 30_05:
        with pytest.raises(Refused, match=r"only ¥30\.05 can go back still"):
            entered(deposits.adjust, shop, fen, reference="P1")
    else:
        entered(deposits.adjust, shop, fen, reference="P1")
    overturn()
    assert (accounts.balance_of(shop), sound()) == (100_00, True)


@pytest.mark.parametrize("names", ["reference", "case_reference"])
def test_the_database_lets_no_more_go_back_than_the_case_took(names: str, shop: Shop) -> None:
    bring("penalties", CASE)

    def adjusted(fen: int) -> None:
        values = {"kind": "adjust", "at": AT, "recorded_at": AT, "key": f"{fen}", names: "P1"}
        with transaction.atomic():
            DepositEntry.objects.create(shop=shop, amount_fen=fen, **values)

    with pytest.raises(IntegrityError, match="P1 took 3005 fen, of which 0 went back: 3006 more can not"):
        adjusted(30_06)
    adjusted(30_05)
    assert accounts.balance_of(shop) == 100_00


def test_of_one_that_came_before_a_smaller_lessening_the_rest_goes_back_with_the_penalty(shop: Shop) -> None:
    bring("penalties", CASE)
    bring("deposits", BACK.replace("30.05", "20.05"))
    lessen(15_00)
    # Of 30.05 as much went back as the platform says: more than is to.
    assert (accounts.balance_of(shop), sound()) == (90_00, True)
    lessen(12_00)
    assert (accounts.balance_of(shop), sound()) == (90_00, True)
    lessen(8_00)
    assert (accounts.balance_of(shop), sound()) == (92_00, True)
    overturn()
    assert (accounts.balance_of(shop), sound()) == (100_00, True)
    assert counts(bring("deposits", BACK.replace("30.05", "20.05"))) == (1, 0, 0, 1, 0)


def test_what_went_back_of_a_deduction_that_found_nothing_is_known(shop: Shop) -> None:
    entered(deposits.compensate, shop, 100_00)
    bring("penalties", CASE)
    overturn()
    paid_in(shop, 100_00)
    assert errors(bring("deposits", BACK.replace("30.05", "30.04"))) == [
        (2, "amount", "30.04", "given_back_beyond")
    ]
    assert counts(bring("deposits", BACK)) == (1, 0, 0, 1, 0)
    assert accounts.balance_of(shop) == 100_00


def test_both_the_deduction_and_what_went_back_of_it_are_known_in_one_file(shop: Shop) -> None:
    bring("penalties", CASE)
    overturn()
    rows = "M1,S1,deduct,30.05,2026-03-02,P1\nM10,S1,adjust,-5,2026-03-09 19:00,P1\n"
    assert counts(bring("deposits", BACK + rows)) == (3, 1, 0, 2, 0)
    # What is taken away is another matter.
    assert accounts.balance_of(shop) == 95_00


def test_a_payment_that_was_taken_back_has_given_nothing_back(shop: Shop) -> None:
    bring("penalties", CASE.replace("30.05", "130"))
    taken_back(entered(deposits.top_up, shop, 30_00))
    assert counts(bring("deposits", BACK)) == (1, 1, 0, 0, 0)
    entered(deposits.adjust, shop, 5, reference="P1")


def test_one_row_of_a_file_gives_a_case_back_and_no_other(shop: Shop) -> None:
    bring("penalties", CASE)
    overturn()
    batch = bring("deposits", f"{BACK}M10,S1,adjust,30.05,2026-03-09 19:00,P1\n")
    assert errors(batch) == [(3, "amount", "30.05", "given_back_otherwise")]


def test_a_case_of_another_shop_gives_back_nothing_here(shop: Shop) -> None:
    make_shop(code="S2")
    bring("penalties", CASE)
    overturn()
    batch = bring("deposits", BACK.replace(",S1,", ",S2,"))
    assert errors(batch) == [(2, "shop", "S2", "case_of_another_shop")]


@pytest.mark.parametrize("lessened_first", [True, False])
def test_so_does_what_a_lessened_deduction_gives_back(lessened_first: bool, shop: Shop) -> None:
    bring("penalties", CASE)
    part = BACK.replace("30.05", "20.05")
    if lessened_first:
        lessen(10_00)
        assert "gave back 20.05 yuan" in only_error(bring("deposits", BACK)).message
        bring("deposits", part)
    else:
        bring("deposits", part)
        lessen(10_00)
    assert (accounts.balance_of(shop), sound()) == (90_00, True)
    overturn()
    assert (accounts.balance_of(shop), sound()) == (100_00, True)
    assert counts(bring("deposits", BACK.replace("M9", "M10"))) == (1, 0, 0, 1, 0)


@pytest.mark.parametrize("amount", ["100", "130"])
def test_of_a_deduction_that_was_short_files_name_what_it_took_or_what_it_was(
    amount: str, shop: Shop
) -> None:
    bring("penalties", CASE.replace("30.05", "130"))
    overturn()
    assert counts(bring("deposits", BACK.replace("30.05", amount))) == (1, 0, 0, 1, 0)


def test_what_went_back_and_met_the_cases_own_shortage_counts_once(shop: Shop) -> None:
    bring("penalties", CASE.replace("30.05", "130"))
    bring("deposits", BACK.replace("30.05", "130"))
    assert (accounts.balance_of(shop), owed_of(shop)) == (100_00, 0)
    overturn()
    assert (accounts.balance_of(shop), owed_of(shop), sound()) == (100_00, 0, True)


def test_what_went_back_and_met_another_shortage_meets_it_once(shop: Shop) -> None:
    bring("penalties", f"{CASE.replace('30.05', '100')}P2,S1,V8,2026-03-02 09:30,imposed,140\n")
    bring("deposits", BACK.replace("30.05", "100"))
    # Of which P1 has left nothing: what goes back of it is deducted for P2.
    assert (accounts.balance_of(shop), owed_of(shop)) == (0, 40_00)
    overturn()
    assert (accounts.balance_of(shop), owed_of(shop), sound()) == (0, 40_00, True)


def test_a_demand_that_falls_has_taken_nothing_that_went_back(shop: Shop) -> None:
    bring("penalties", CASE.replace("imposed,30.05", "reported,"))
    bring("deposits", BACK)
    demand = Measure(kind="top_up", amount_fen=50_00)
    make_imposed(shop, demand, violation=case().violation, case=case(), reason="as reported")
    overturn()
    assert (accounts.balance_of(shop), sound()) == (130_05, True)


def test_finance_is_told_which_entry_gave_it_back(shop: Shop) -> None:
    bring("penalties", CASE)
    overturn()
    with pytest.raises(Refused, match=r"given money back already, by entry 3: it counts once"):
        entered(deposits.adjust, shop, 30_05, reference="P1")
    entered(deposits.adjust, shop, -5, reference="P1")
    entered(deposits.adjust, shop, 5, reference="another matter")
    assert accounts.balance_of(shop) == 100_00


def test_what_finance_gave_back_before_counts_once_also_where_it_was_spent(shop: Shop) -> None:
    bring("penalties", CASE)
    entered(deposits.adjust, shop, 30_05, reference="P1")
    entered(deposits.compensate, shop, 100_00)
    overturn()
    assert (accounts.balance_of(shop), sound()) == (0, True)


def test_no_money_that_is_gone_keeps_a_penalty_from_being_overturned(shop: Shop) -> None:
    bring("penalties", CASE.replace("30.05", "130"))
    topups.cancel(TopUp.objects.get(), by=None, at=AT, reason="waived")
    entered(deposits.adjust, shop, 130_00, reference="P1")
    entered(deposits.compensate, shop, 130_00)
    overturn()
    assert (accounts.balance_of(shop), owed_of(shop), sound()) == (100_00, 0, True)
