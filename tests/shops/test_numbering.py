"""The platform's number of what the desk imposed: recorded once, and from then on its files know it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import translation

from shops import accounts, imports, numbering, penalties, points
from shops.errors import NotAllowed, Refused
from shops.models import Measure, Penalty, Shop
from tests.clients import client_of
from tests.factories import AT, make_imposed, make_shop, make_user
from tests.shops.accounting import owed_of, sound
from tests.shops.importing import bring, counts, errors

CASES = "reference,shop,violation,imposed_at,status,points,deposit_deducted\n"
ROW = f"{CASES}R9,S1,V8,2026-03-10 09:00,imposed,4,30.05\n"
MOVEMENTS = "reference,shop,kind,amount,at,penalty\n"
TAKEN = f"{MOVEMENTS}M1,S1,deduct,30.05,2026-03-09 18:00,R9\n"
LATER = AT + timedelta(days=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def penalty(shop: Shop) -> Penalty:
    measures = (
        Measure(kind="points", points=4),
        Measure(kind="deduct", basis="fixed", amount_fen=30_05),
    )
    return make_imposed(shop, *measures, code="V8", by=make_user("operator"))


def record(penalty: Penalty, number: str = "R9") -> None:
    numbering.record_number(penalty, number, by=None, at=LATER)


def told(batch: object) -> list[str]:
    return [suspicion.message for suspicion in imports.suspicions_of(batch)]


def test_without_its_number_a_file_that_brings_it_looks_suspicious(penalty: Penalty, shop: Shop) -> None:
    batch = bring("penalties", ROW, consent="unless_suspicious")
    assert (batch.state, [one.code for one in imports.suspicions_of(batch)]) == ("ready", ["imposed_here"])
    assert f"1. The cases are {penalty.case_number}." in told(batch)[0]
    with translation.override("zh-hans"):
        assert penalty.case_number in told(batch)[0] and "violation" not in told(batch)[0]


@pytest.mark.parametrize(
    ("row", "suspicious"),
    [
        ("R9,S1,V8,2026-03-05 09:00,imposed,4,\n", True),
        ("R9,S1,V8,2026-02-20 09:00,imposed,4,\n", False),
        ("R9,S1,V7,2026-03-10 09:00,imposed,,\n", False),
        ("R9,S2,V8,2026-03-10 09:00,imposed,4,\n", False),
    ],
)
def test_only_the_same_shop_and_violation_in_those_days_do(row, suspicious, penalty: Penalty) -> None:
    make_shop(code="S2")
    batch = bring("penalties", CASES + row, consent="unless_suspicious")
    assert (batch.state == "ready") is suspicious


def test_with_its_number_the_file_knows_it_and_nothing_counts_twice(penalty: Penalty, shop: Shop) -> None:
    record(penalty)
    record(penalty)
    for kind, content in (("penalties", ROW), ("deposits", TAKEN)):
        batch = bring(kind, content, at=LATER, consent="unless_suspicious")
        assert (errors(batch), counts(batch), told(batch)) == ([], (1, 0, 0, 1, 0), [])
    assert (points.standing_points(shop, None, LATER), accounts.balance_of(shop)) == (4, 69_95)
    assert penalty.history.latest().history_change_reason == "numbered"


def test_what_was_deducted_under_the_number_before_counts_once(penalty: Penalty, shop: Shop) -> None:
    bring("deposits", TAKEN)
    assert accounts.balance_of(shop) == 39_90
    record(penalty)
    assert (accounts.balance_of(shop), sound()) == (69_95, True)
    penalties.overturn(penalty, by=None, at=LATER, reason="wrong")
    assert (accounts.balance_of(shop), sound()) == (100_00, True)
    back = f"{MOVEMENTS}M2,S1,adjust,30.05,2026-03-09 18:00,R9\n"
    assert counts(bring("deposits", back, at=LATER)) == (1, 0, 0, 1, 0)


def test_what_it_left_missing_for_the_penalty_is_deducted_of_it(shop: Shop) -> None:
    bring("deposits", TAKEN.replace("30.05", "100"))
    penalty = make_imposed(shop, Measure(kind="deduct", basis="fixed", amount_fen=100_00), code="V8")
    assert (accounts.balance_of(shop), owed_of(shop)) == (0, 100_00)
    record(penalty)
    assert (accounts.balance_of(shop), owed_of(shop), sound()) == (0, 0, True)


def test_of_one_that_was_overturned_all_of_it_goes_back(penalty: Penalty, shop: Shop) -> None:
    bring("deposits", TAKEN)
    penalties.overturn(penalty, by=None, at=LATER, reason="wrong")
    assert accounts.balance_of(shop) == 69_95
    record(penalty)
    assert (accounts.balance_of(shop), sound()) == (100_00, True)


def test_a_number_is_refused_that_is_none_or_anothers_or_that_comes_to_more(
    penalty: Penalty, shop: Shop
) -> None:
    other = make_imposed(shop, Measure(kind="warning"), code="V8")
    record(other, "R1")
    for number in ("", "  ", "x" * 65, "a\nb"):
        with pytest.raises(Refused, match="64 characters at most"):
            record(penalty, number)
    for number in ("R1", other.case_number, penalty.case_number):
        with pytest.raises(Refused, match="goes by the number"):
            record(penalty, number)
    with pytest.raises(Refused, match="has the platform's number already"):
        record(other, "R2")
    bring("deposits", TAKEN.replace("30.05", "30.06"))
    with pytest.raises(Refused, match=r"¥30\.06 moved under this number, more than the ¥30\.05"):
        record(Penalty.objects.get(pk=penalty.pk))
    assert accounts.balance_of(shop) == 100_00 - 30_05 - 30_06
    with pytest.raises(NotAllowed):
        numbering.record_number(penalty, "R3", by=make_user("finance"), at=LATER)


def test_a_number_that_is_known_never_changes(penalty: Penalty) -> None:
    record(penalty)
    for number in ("R8", ""):
        with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
            Penalty.objects.filter(pk=penalty.pk).update(reference=number)


def test_the_penaltys_page_takes_it_and_offers_it_no_more(penalty: Penalty) -> None:
    page = reverse("admin:shops_penalty_change", args=[penalty.pk])
    address = reverse("admin:shops_penalty_number", args=[penalty.pk])
    operator = client_of("operator")
    assert address in operator.get(page).content.decode()
    assert address not in client_of("auditor").get(page).content.decode()
    assert operator.post(address, {"number": " R9 "}).status_code == 302
    penalty.refresh_from_db()
    assert penalty.reference == "R9"
    assert address not in operator.get(page).content.decode()
