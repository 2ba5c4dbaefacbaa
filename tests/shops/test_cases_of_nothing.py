"""What the platform's own movements took for a case goes back, once, as the case comes to nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import translation

from opsdesk import books, penalising
from shops import accounts, cases, deposits, penalties, previews
from shops.errors import Refused
from shops.models import DepositEntry, Measure, Penalty, Shop
from tests.factories import AT, make_imposed
from tests.shops.accounting import entered, owed_of, sound, statement
from tests.shops.importing import bring, counts, errors

CASES = "reference,shop,violation,imposed_at,status,points,deposit_deducted\n"
MOVEMENTS = "reference,shop,kind,amount,at,penalty\n"
IMPOSED = f"{CASES}P1,S1,V8,2026-03-01 09:30,imposed,4,\n"
REPORTED = f"{CASES}P1,S1,V8,2026-03-01 09:30,reported,,\n"
TAKEN = f"{MOVEMENTS}M1,S1,deduct,30.05,2026-03-02 18:00,P1\n"
BY_NUMBER = "reference,shop,kind,amount,at\nP1,S1,deduct,30.05,2026-03-02 18:00\n"
BACK = f"{MOVEMENTS}M9,S1,adjust,30.05,2026-03-09 18:00,P1\n"
LATER = AT + timedelta(days=1)

pytestmark = pytest.mark.django_db


def case() -> Penalty:
    return Penalty.objects.get(reference="P1")


def overturn() -> None:
    penalties.overturn(case(), by=None, at=LATER, reason="granted")


def dismiss() -> None:
    penalties.dismiss(case(), by=None, at=LATER, reason="unfounded")


@pytest.mark.parametrize("taken", [TAKEN, BY_NUMBER])
@pytest.mark.parametrize(("came", "end"), [(IMPOSED, overturn), (REPORTED, dismiss)])
@pytest.mark.parametrize("first", ["penalties", "deposits"])
def test_it_goes_back_once_as_the_case_comes_to_nothing(first, came, end, taken, shop) -> None:
    files = {"penalties": came, "deposits": taken}
    for kind in sorted(files, key=lambda kind: kind != first):
        assert counts(bring(kind, files[kind])) == (1, 1, 0, 0, 0)
    assert accounts.balance_of(shop) == 69_95
    end()
    assert statement(shop)[1:] == [(2, "deduct", -30_05, 69_95), (3, "reversal", 30_05, 100_00)]
    assert DepositEntry.objects.get(number=3, shop=shop).cause == case().case_number
    # Both files again change nothing, and neither does the platform's own word of what it gave back.
    for kind, content in [*files.items(), ("deposits", BACK)]:
        assert counts(bring(kind, content)) == (1, 0, 0, 1, 0)
    assert (accounts.balance_of(shop), sound()) == (100_00, True)


@pytest.mark.parametrize(("came", "end"), [(IMPOSED, overturn), (REPORTED, dismiss)])
def test_what_comes_in_after_is_entered_and_goes_back_at_once(came, end, shop: Shop) -> None:
    bring("penalties", came)
    end()
    assert counts(bring("deposits", TAKEN)) == (1, 1, 0, 0, 0)
    assert statement(shop)[1:] == [(2, "deduct", -30_05, 69_95), (3, "reversal", 30_05, 100_00)]
    assert counts(bring("deposits", TAKEN + BACK.split("\n")[1] + "\n")) == (2, 0, 0, 2, 0)
    assert (accounts.balance_of(shop), sound()) == (100_00, True)


@pytest.mark.parametrize(("back", "left"), [("10", 100_00), ("30.05", 100_00), ("30.06", 100_01)])
def test_what_the_platform_gave_back_before_counts_once(back: str, left: int, shop: Shop) -> None:
    bring("penalties", IMPOSED)
    bring("deposits", TAKEN)
    assert errors(bring("deposits", BACK.replace("30.05", back))) == []
    overturn()
    assert (accounts.balance_of(shop), sound()) == (left, True)


def test_in_whatever_order_the_platforms_two_movements_come_nothing_is_left_of_them(shop: Shop) -> None:
    bring("penalties", IMPOSED)
    overturn()
    assert counts(bring("deposits", BACK)) == (1, 1, 0, 0, 0)
    assert counts(bring("deposits", TAKEN)) == (1, 1, 0, 0, 0)
    assert (accounts.balance_of(shop), sound()) == (100_00, True)


@pytest.mark.parametrize("amount", ["30.04", "30.06"])
def test_another_amount_that_goes_back_after_is_refused(amount: str, shop: Shop) -> None:
    bring("penalties", IMPOSED)
    bring("deposits", TAKEN)
    overturn()
    found = errors(bring("deposits", BACK.replace("30.05", amount)))
    assert found == [(2, "amount", amount, "given_back_otherwise")]


def test_nobody_gives_back_or_deducts_by_hand_for_a_case_that_came_to_nothing(shop: Shop) -> None:
    bring("penalties", IMPOSED)
    bring("deposits", TAKEN)
    overturn()
    with pytest.raises(Refused, match="has given money back already, by entry 3"):
        entered(deposits.adjust, shop, 30_05, reference="P1")
    with pytest.raises(Refused, match="is overturned: nothing is deducted for it"):
        entered(deposits.deduct, shop, 30_05, reference="P1")


def test_what_a_deduction_had_found_missing_is_deducted_of_what_comes_back(shop: Shop) -> None:
    bring("penalties", IMPOSED)
    bring("deposits", TAKEN)
    entered(deposits.deduct, shop, 80_00)
    assert (owed_of(shop), accounts.balance_of(shop)) == (10_05, 0)
    overturn()
    assert (owed_of(shop), accounts.balance_of(shop), sound()) == (0, 20_00, True)


def test_what_was_deducted_beyond_the_deposit_is_owed_no_longer(shop: Shop) -> None:
    bring("penalties", REPORTED)
    _entry, owed = entered(deposits.deduct, shop, 130_00, reference="P1")
    deposits.settle(owed, key="paid", cause="paid", by=None, at=AT, amount_fen=20_00)
    dismiss()
    assert (owed_of(shop), accounts.balance_of(shop), sound()) == (0, 120_00, True)


def test_a_desks_decision_without_a_deduction_leaves_it_and_its_overturning_gives_it_back(shop: Shop) -> None:
    bring("penalties", REPORTED)
    bring("deposits", TAKEN)
    measure = Measure(kind="points", points=4)
    told = previews.preview(shop, [measure], at=AT, case=case()).money
    assert told == previews.Money(before=69_95, after=69_95, due=0, moved=30_05)
    penalty = make_imposed(shop, measure, violation=case().violation, case=case(), reason="as reported")
    assert accounts.balance_of(shop) == 69_95
    assert "¥30.05 deducted for this case" in cases.told_moved(penalty)
    penalising.overturn(penalty, by=None, at=LATER, reason="wrong")
    assert (accounts.balance_of(shop), sound()) == (100_00, True)
    with translation.override("zh-hans"):
        assert "¥30.05" in cases.told_moved(penalty) and "deposit" not in cases.told_moved(penalty)


def test_a_lifted_penalty_keeps_what_was_deducted_for_it(shop: Shop) -> None:
    bring("penalties", IMPOSED)
    bring("deposits", TAKEN)
    penalties.lift(case(), by=None, at=LATER, reason="enough")
    assert accounts.balance_of(shop) == 69_95


def test_the_desks_number_of_a_case_names_it_as_well(shop: Shop) -> None:
    penalty = make_imposed(shop, Measure(kind="warning"), code="V8")
    number = penalty.case_number
    assert counts(bring("deposits", TAKEN.replace(",P1", f",{number}"))) == (1, 1, 0, 0, 0)
    penalties.overturn(penalty, by=None, at=LATER, reason="wrong")
    assert (accounts.balance_of(shop), sound()) == (100_00, True)


def test_a_movement_that_names_the_case_by_its_other_number_now_is_the_same(shop: Shop) -> None:
    bring("penalties", REPORTED)
    bring("deposits", TAKEN)
    for named in (case().case_number, "P1"):
        assert counts(bring("deposits", TAKEN.replace(",P1", f",{named}"))) == (1, 0, 0, 1, 0)
    assert errors(bring("deposits", TAKEN.replace(",P1", ",P00000000"))) == [
        (2, "penalty", "P00000000", "known_movement")
    ]


def test_a_deduction_that_names_a_penalty_of_the_desks_by_its_number_counts_once(shop: Shop) -> None:
    penalty = make_imposed(shop, Measure(kind="deduct", basis="fixed", amount_fen=30_05), code="V8")
    assert counts(bring("deposits", TAKEN.replace(",P1", f",{penalty.case_number}"))) == (1, 0, 0, 1, 0)
    assert accounts.balance_of(shop) == 69_95
    with pytest.raises(Refused, match="it counts once"):
        entered(deposits.deduct, shop, 30_05, reference=penalty.case_number)


def test_a_case_that_came_to_nothing_and_keeps_money_is_found(shop: Shop) -> None:
    bring("penalties", IMPOSED)
    bring("deposits", TAKEN)
    Penalty.objects.filter(reference="P1").update(status="overturned", ended_at=AT)
    entry = DepositEntry.objects.get(reference="M1")
    assert books.verify_ledger() == (
        f"deposit entry {entry.pk} deducts for case {case().case_number}, which came to nothing"
    )
