"""A file of movements comes in while somebody moves money of the same deposit: one waits for the other."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from django.db import IntegrityError

from opsdesk import books
from shops import accounts, deposits, sql
from shops.errors import Refused
from shops.imports import deposit_rows
from shops.models import DepositEntry, ImportBatch, Measure, Penalty, Shop, TopUp
from tests.factories import make_imposed, make_shop
from tests.faults.test_killed_imports import THE_OTHERS_COMMIT, TO_WRITE, eventually
from tests.faults.test_reversal_races import Trying
from tests.shops.accounting import entered, paid_in
from tests.shops.importing import bring, errors

Verb = Callable[[Shop], object]


def refunded(shop: Shop) -> DepositEntry:
    return entered(deposits.refund, shop, 100_00)


def deducted(shop: Shop) -> deposits.Deduction:
    return entered(deposits.deduct, shop, 100_00)


def closed(shop: Shop) -> Penalty:
    return make_imposed(shop, Measure(kind="close"), Measure(kind="deduct", basis="all"))


def compensated(shop: Shop) -> ImportBatch:
    """A file takes most of what there is."""
    return bring(
        "deposits", f"reference,shop,kind,amount,at\nM{shop.pk},{shop.code},compensate,80,2026-03-01\n"
    )


def both_wait_to_write() -> bool:
    [(waiting,)] = sql.fetch(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock' AND wait_event = 'relation'"
    )
    return bool(waiting == 2)


def one_meets_the_other(
    committed_db, shop: Shop, first: Verb, second: Verb, until: Callable[[], bool] = THE_OTHERS_COMMIT
) -> tuple[object, object]:
    """What came of two, the first of which was held back just before it wrote."""

    def tried(verb: Verb) -> Trying:
        def told() -> object:
            try:
                return verb(shop)
            except IntegrityError as error:
                return error

        return Trying(told)

    with psycopg.connect(committed_db.env["DATABASE_OWNER_URL"]) as owner:
        owner.execute("LOCK TABLE shops_depositentry IN SHARE MODE")
        one = tried(first)
        eventually(TO_WRITE, "the first never came to writing")
        other = tried(second)
        eventually(until, "the second never came there")
    return one.ended(), other.ended()


def with_a_hundred() -> Shop:
    shop = make_shop()
    paid_in(shop, 100_00)
    return shop


def test_what_a_file_has_taken_nobody_finds_there_any_more(committed_db) -> None:
    for verb in (refunded, deducted, closed):
        shop = with_a_hundred()
        batch, then = one_meets_the_other(committed_db, shop, compensated, verb)
        assert isinstance(batch, ImportBatch) and batch.state == "applied"
        if verb is refunded:
            assert isinstance(then, Refused) and "Only ¥20.00 is free" in str(then)
            assert accounts.balance_of(shop) == 20_00
        else:
            # It takes what is left.
            assert DepositEntry.objects.get(shop=shop, kind="deduct").amount_fen == -20_00
            owed = TopUp.objects.filter(shop=shop).values_list("amount_fen", flat=True)
            assert list(owed) == ([80_00] if verb is deducted else [])
    assert (books.verify_ledger(), books.verify_reversals()) == (None, None)


def test_a_file_is_judged_by_what_somebody_has_left_and_refused_in_words(committed_db) -> None:
    for verb in (refunded, deducted, closed):
        shop = with_a_hundred()
        done, batch = one_meets_the_other(committed_db, shop, verb, compensated)
        assert not isinstance(done, Exception)
        assert isinstance(batch, ImportBatch)
        assert (batch.state, errors(batch)) == ("refused", [(2, "amount", "80", "overdraft")])
        assert accounts.balance_of(shop) == 0


@pytest.mark.parametrize("file_first", [True, False])
def test_control_without_holding_the_accounts_a_file_that_was_found_good_breaks_off(
    committed_db, monkeypatch, file_first: bool
) -> None:
    monkeypatch.setattr(deposit_rows, "lock_accounts", lambda: None)
    verbs = (compensated, refunded) if file_first else (refunded, compensated)
    said = one_meets_the_other(committed_db, with_a_hundred(), *verbs, both_wait_to_write)
    [broken] = [each for each in said if isinstance(each, IntegrityError)]
    assert "would leave it below zero" in str(broken)
