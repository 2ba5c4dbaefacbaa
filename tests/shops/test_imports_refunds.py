"""Refunds out of a file of what is not free: they are facts, to which a person agrees before they stand."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils.translation import override

from opsdesk import appeals
from shops import accounts, deposits, imports, penalties, topups
from shops.models import DepositEntry, DepositRequirement, ImportBatch, Measure, Penalty, Shop
from tests.factories import (
    AT,
    make_appeal,
    make_cleared,
    make_enrollment,
    make_imposed,
    make_penalty,
    make_shop,
)
from tests.shops.accounting import entered, paid_in, sound
from tests.shops.importing import bring, errors

HEADERS = "reference,shop,kind,amount,at\n"

pytestmark = pytest.mark.django_db


def closed(code: str) -> Shop:
    """One that has closed by itself, of which nothing is required, with 100 yuan."""
    shop = make_shop(code=code, status=Shop.Status.CLOSED, closed_cause="voluntary")
    paid_in(shop, 100_00)
    return shop


def refunds(*rows: str, **values: object) -> ImportBatch:
    """Rows as `reference,shop,kind,amount,at`, brought in by a folder."""
    values.setdefault("consent", ImportBatch.Consent.UNLESS_SUSPICIOUS)
    return bring("deposits", HEADERS + "".join(f"{row}\n" for row in rows), **values)


def refund(code: str = "S1", amount: str = "100", number: int = 1) -> str:
    return f"R{number}{code},{code},refund,{amount},2026-03-10 08:00"


def told(batch: ImportBatch) -> list[str]:
    return [suspicion.message for suspicion in imports.suspicions_of(batch)]


def test_what_is_free_is_refunded_and_nobody_is_asked() -> None:
    shop = closed("S1")
    batch = refunds(refund())
    assert (batch.state, told(batch), accounts.balance_of(shop)) == ("applied", [], 0)


def test_what_is_held_waits_for_a_person_and_says_how_many_rows_of_which_shops_and_why() -> None:
    first, second, third = closed("S1"), closed("S2"), closed("S3")
    closed("S4")
    make_penalty(first, status="reported", violation_code="V8")
    topups.demand(shop=second, amount_fen=1, by=None, at=AT, key="k")
    make_penalty(third, status="reported", violation_code="V8")
    batch = refunds(*(refund(code, "10") for code in ("S4", "S3", "S2", "S1")), refund("S3", "20", 2))
    assert batch.state == "ready"
    assert told(batch) == [
        "Refunds of deposits that something holds: 4, of the shops S1, S2, S3. What holds them:"
        " penalties in effect (2), top-ups due (1)."
    ]
    with override("zh-hans"):
        [sentence] = told(batch)
    assert "4 笔" in sentence and "S1, S2, S3" in sentence and "(2)" in sentence and "held" not in sentence
    assert accounts.balance_of(first) == 100_00
    imports.confirm(batch.pk, by=None)
    assert imports.process(batch.pk, at=AT).state == "applied"
    assert (accounts.balance_of(first), accounts.balance_of(third), sound()) == (90_00, 70_00, True)


def test_of_many_shops_five_are_named() -> None:
    for number in range(1, 7):
        make_penalty(closed(f"S{number}"), status="reported", violation_code="V8")
    assert (
        ": 5, of the shops S1, S2, S3, S4, S5." in told(refunds(*(refund(f"S{n}") for n in range(1, 6))))[0]
    )
    assert (
        ": 6, of the shops S1, S2, S3, S4, S5, …."
        in told(refunds(*(refund(f"S{n}") for n in range(1, 7))))[0]
    )


def test_an_open_appeal_holds_it_and_so_does_the_time_for_one() -> None:
    enrollment = make_enrollment(make_shop(code="S1"))
    paid_in(enrollment.shop, 100_00)
    penalty = make_cleared(enrollment)
    assert "penalties that can still be appealed against (1)" in told(refunds(refund()))[0]
    appeal = make_appeal(penalty)
    much_later = AT + timedelta(days=300)
    assert "open appeals (1)" in told(refunds(refund(), at=much_later))[0]
    appeals.withdraw(appeal.pk, by=None, at=much_later, reason="the shop agrees")
    assert refunds(refund(), at=much_later).state == "applied"


@pytest.mark.parametrize("before", [timedelta(seconds=1), timedelta(0)])
def test_a_penalty_holds_it_to_its_last_second(before: timedelta) -> None:
    ends_at = datetime(2026, 12, 1, 9, 30, tzinfo=AT.tzinfo)
    make_imposed(closed("S1"), Measure(kind="points", points=4, ends_at=ends_at))
    assert bool(told(refunds(refund(), at=ends_at - before))) == bool(before)


@pytest.mark.parametrize(
    ("paid", "amount", "suspicious"),
    [("07:59", "30", False), ("07:59", "29.99", True), ("08:01", "30", True)],
)
def test_a_top_up_that_the_file_itself_pays_before_holds_nothing(
    paid: str, amount: str, suspicious: bool
) -> None:
    topups.demand(shop=closed("S1"), amount_fen=50_00, by=None, at=AT, key="k")
    deposits.settle(topups.TopUp.objects.get(), key="p", cause="c", by=None, at=AT, amount_fen=20_00)
    batch = refunds(refund(), f"T1,S1,top_up,{amount},2026-03-10 {paid}")
    assert bool(told(batch)) == suspicious


@pytest.mark.parametrize(("amount", "suspicious"), [("40.00", False), ("40.01", True)])
def test_what_leaves_less_than_is_required_is_suspicious(amount: str, suspicious: bool) -> None:
    DepositRequirement.objects.create(category="beauty", base_fen=60_00)
    paid_in(make_shop(code="S1", category="beauty"), 110_00)
    # What the file takes before is there no more.
    batch = refunds(refund("S1", amount), "C1,S1,compensate,10,2026-03-10 07:00")
    sentence = "Refunds that leave less in the deposit than is required: 1, of the shops S1."
    assert told(batch) == ([sentence] if suspicious else [])


def test_what_is_held_is_told_once_also_where_less_is_left_than_required() -> None:
    DepositRequirement.objects.create(category="beauty", base_fen=60_00)
    shop = make_shop(code="S1", category="beauty")
    paid_in(shop, 100_00)
    make_penalty(shop, status="reported", violation_code="V8")
    assert [suspicion.code for suspicion in imports.suspicions_of(refunds(refund()))] == ["held_refunds"]


def test_only_what_would_be_entered_is_counted() -> None:
    shop = closed("S1")
    assert refunds(refund("S1", "30")).state == "applied"
    make_penalty(shop, status="reported", violation_code="V8")
    assert (refunds(refund("S1", "30")).state, DepositEntry.objects.count()) == ("applied", 2)
    batch = refunds(refund("S1", "30"), refund("S1", "70.01", 2), refund("S1", "70", 3), partial=True)
    assert errors(batch) == [(3, "amount", "70.01", "overdraft")]
    assert ": 1, of the shops S1." in told(batch)[0]


def test_what_holds_it_since_it_was_shown_is_shown_as_well() -> None:
    shop = closed("S1")
    batch = refunds(refund(), consent=ImportBatch.Consent.ASK)
    assert (batch.state, told(batch)) == ("ready", [])
    penalty = make_penalty(shop, status="reported", violation_code="V8")
    imports.confirm(batch.pk, by=None)
    batch = imports.process(batch.pk, at=AT)
    assert (batch.state, len(told(batch)), accounts.balance_of(shop)) == ("ready", 1, 100_00)
    imports.confirm(batch.pk, by=None)
    assert (imports.process(batch.pk, at=AT).state, accounts.balance_of(shop)) == ("applied", 0)
    assert Penalty.objects.get() == penalty


def test_what_held_it_no_longer_does_once_it_fell() -> None:
    shop = closed("S1")
    penalty = make_imposed(shop, Measure(kind="points", points=4, ends_at=AT + timedelta(days=300)))
    penalties.overturn(penalty, by=None, at=AT, reason="granted")
    assert told(refunds(refund())) == []


def test_who_brings_the_file_by_a_command_has_agreed_and_is_told() -> None:
    shop = closed("S1")
    make_penalty(shop, status="reported", violation_code="V8")
    batch = refunds(refund(), consent=ImportBatch.Consent.GIVEN)
    assert (batch.state, len(told(batch)), accounts.balance_of(shop)) == ("applied", 1, 0)


def test_finance_is_refused_where_a_file_asks() -> None:
    shop = closed("S1")
    make_penalty(shop, status="reported", violation_code="V8")
    with pytest.raises(deposits.Refused, match=r"penalties in effect \(1\)"):
        entered(deposits.refund, shop, 1)
