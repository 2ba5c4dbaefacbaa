"""Several people at one deposit at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from django.db.models import QuerySet

from opsdesk import books
from shops import accounts, deposits
from shops.errors import Refused
from shops.models import DepositEntry, TopUp
from tests.factories import AT, make_shop
from tests.faults.storm import raise_storm
from tests.shops.accounting import paid_in, taken_back
from tests.shops.importing import bring

# The ledger as it would be without its guards: numbered and added up by whoever writes, as he last read it.
WITHOUT_GUARDS = """
ALTER TABLE shops_depositentry
    DROP CONSTRAINT shops_depositentry_number_is_used_once_in_an_account,
    DROP CONSTRAINT shops_depositentry_balance_is_never_below_zero;
CREATE OR REPLACE FUNCTION shops_depositentry_follows_the_one_before() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT coalesce(max(number), 0) + 1, coalesce(sum(amount_fen), 0) + NEW.amount_fen
        INTO NEW.number, NEW.balance_fen FROM shops_depositentry WHERE shop_id = NEW.shop_id;
    RETURN NEW;
END $$
"""


def at_once(*attempts: Callable[[], Any]) -> list[Any]:
    """What each attempt came back with, or the refusal; in their order."""
    together = threading.Barrier(len(attempts))
    said: dict[int, Any] = {}

    def make(place: int, attempt: Callable[[], Any]) -> None:
        together.wait(timeout=30)
        try:
            said[place] = attempt()
        except Refused as refusal:
            said[place] = refusal
        finally:
            connections.close_all()

    threads = [threading.Thread(target=make, args=each) for each in enumerate(attempts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [said[place] for place in range(len(attempts))]


def test_a_double_click_is_one_movement(committed_db) -> None:
    shop = make_shop()
    clicks = at_once(*[lambda: paid_in(shop, 100, key="K")] * 6)
    assert {entry.pk for entry in clicks} == {DepositEntry.objects.get().pk}
    assert accounts.balance_of(shop) == 100


def test_of_several_overdrafts_at_once_one_takes_what_there_is(committed_db) -> None:
    shop = make_shop()
    paid_in(shop, 100)

    def compensate(key: str) -> Callable[[], Any]:
        return lambda: deposits.compensate(shop=shop, amount_fen=100, cause="c", key=key, by=None, at=AT)

    said = at_once(*[compensate(f"key {number}") for number in range(6)])
    assert sum(isinstance(each, DepositEntry) for each in said) == 1
    assert accounts.balance_of(shop) == 0


def test_of_several_deductions_at_once_what_is_lacking_is_due_to_the_fen(committed_db) -> None:
    shop = make_shop()
    paid_in(shop, 250)

    def deduct(key: str) -> Callable[[], Any]:
        return lambda: deposits.deduct(shop=shop, amount_fen=100, cause="c", key=key, by=None, at=AT)

    at_once(*[deduct(f"key {number}") for number in range(6)])
    assert accounts.balance_of(shop) == 0
    assert sum(TopUp.objects.values_list("amount_fen", flat=True)) == 350
    assert books.verify_ledger() is None


def test_what_two_take_back_at_once_is_taken_back_once(committed_db) -> None:
    shop = make_shop()
    entry = paid_in(shop, 100)
    paid_in(shop, 100)
    first, second = sorted(
        at_once(*[lambda: taken_back(DepositEntry.objects.get(pk=entry.pk))] * 2),
        key=lambda each: isinstance(each, Refused),
    )
    assert isinstance(first, DepositEntry)
    assert isinstance(second, Refused) and "taken back already" in str(second)
    assert accounts.balance_of(shop) == 100


def test_a_file_and_people_at_the_same_accounts_add_up(committed_db) -> None:
    shops = [make_shop(code=f"S{number}") for number in range(5)]
    rows = [
        f"R{number},S{number % 5},{'deduct' if number % 3 else 'pay_in'},{number % 7 + 1},2026-03-10,"
        for number in range(200)
    ]
    content = "reference,shop,kind,amount,at,note\n" + "\n".join(rows) + "\n"

    def move() -> None:
        for shop in shops * 5:
            paid_in(shop, 10)
            deposits.deduct(
                shop=shop, amount_fen=7, cause="c", key=f"{shop.code} {threading.get_ident()}", by=None, at=AT
            )

    batch, *_moved = at_once(lambda: bring("deposits", content, partial=True), move, move)
    assert batch.state == "applied" and batch.created > 0
    assert (books.verify_ledger(), books.verify_reversals()) == (None, None)


def test_control_without_the_guards_the_deposits_do_not_add_up(
    committed_db, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connections["owner"].cursor() as owner:
        owner.execute(WITHOUT_GUARDS)
    # On purpose: the guard that the control goes without.
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, *args, **options: rows.all())
    storm = raise_storm(threads=8, operations=60, shops=3, seed=2)
    assert storm.problems != []
