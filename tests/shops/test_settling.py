"""What payments settle and deductions take, and how it is looked up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections, transaction

from shops.models import DepositEntry
from tests.shops.importing import bring
from tests.volumes import shops_sql

LEDGER = ("shops_depositentry", "shops_measure", "shops_penalty", "shops_settlement", "shops_topup")
# What is written of payments and cases: what they settle, what is deducted, what ends.
WRITTEN = (
    "INSERT INTO shops_settlement",
    "INSERT INTO shops_depositentry",
    "CREATE TEMP TABLE import_taken",
    "CREATE TEMP TABLE import_of_cases",
    "SET CONSTRAINTS ALL IMMEDIATE",
    "WITH written AS (\nUPDATE shops_topup",
)


def rows_read() -> tuple[int, int]:
    """Of the ledger and its cases, in this transaction: by reading all of a table, and by an index."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(seq_tup_read), sum(idx_tup_fetch) FROM pg_stat_xact_user_tables"
            " WHERE relname = ANY (%s)",
            [list(LEDGER)],
        )
        scanned, fetched = cursor.fetchone()
    return int(scanned), int(fetched)


def cases(codes: list[str]) -> None:
    rows = "".join(f"P{code},{code},V8,2026-03-01,imposed,5\n" for code in codes)
    bring("penalties", f"reference,shop,violation,imposed_at,status,deposit_deducted\n{rows}")


def movements(codes: list[str], *kinds: str) -> None:
    rows = "".join(
        f"{kind}{code},{code},{kind},5,2026-03-0{day},{f'P{code}' if kind in ('deduct', 'adjust') else ''}\n"
        for code in codes
        for day, kind in enumerate(kinds, start=1)
    )
    bring("deposits", f"reference,shop,kind,amount,at,penalty\n{rows}")


def short_and_paid(codes: list[str], kind: str) -> None:
    cases(codes)
    movements(codes, kind)


def taken_and_told(codes: list[str], kind: str) -> None:
    movements(codes, kind, "deduct")
    cases(codes)


def taken_and_adjusted(codes: list[str], kind: str) -> None:
    movements(codes, kind)
    cases(codes)
    movements(codes, "adjust")


@pytest.mark.parametrize("judged", ["never", "while it held nothing but what was rolled back"])
@pytest.mark.parametrize("kind", ["top_up", "pay_in"])
@pytest.mark.parametrize("come", [short_and_paid, taken_and_told, taken_and_adjusted])
def test_what_a_shop_owes_is_looked_up_and_not_sought_among_all_for_each_payment(
    come: Callable[[list[str], str], None], kind: str, judged: str, committed_db: Any
) -> None:
    """Whatever the planner takes the ledger for, and where it made its plans when there were few."""
    few, many = 10, 300
    with connection.cursor() as cursor:
        cursor.execute(shops_sql(few + many))
    codes = [f"S{number:07d}" for number in range(few + many)]
    if judged != "never":
        with transaction.atomic():
            come(codes, kind)
            transaction.set_rollback(True)
        with connections["owner"].cursor() as owner:
            owner.execute(f"ANALYZE {', '.join(LEDGER)}")
            owner.execute(
                "SELECT every(reltuples = 0) FROM pg_class WHERE relname = ANY (%s)", [list(LEDGER)]
            )
            assert owner.fetchone() == (True,)
    scanned = fetched = 0

    def count(execute: Any, statement: str, *args: Any) -> Any:
        nonlocal scanned, fetched
        if not statement.lstrip().startswith(WRITTEN):
            return execute(statement, *args)
        before = rows_read()
        done = execute(statement, *args)
        after = rows_read()
        scanned += after[0] - before[0]
        fetched += after[1] - before[1]
        return done

    with transaction.atomic(), connection.execute_wrapper(count):
        for some in (codes[:few], codes[few:]):
            come(some, kind)
    assert DepositEntry.objects.filter(kind__in=["collect", "deduct"], reversal=None).count() == few + many
    assert max(scanned, fetched) < 50 * (few + many), (scanned, fetched)
