"""Plain functions that enter movements, each under a key of its own, and read accounts back."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

from django.db import connection

from opsdesk import books
from shops import deposits, topups
from shops.models import DepositEntry, Measure, Penalty, Shop, TopUp
from tests.factories import AT, make_penalty

_count = itertools.count(1)


def entered(verb: Any, shop: Shop, amount_fen: int, **values: Any) -> Any:
    """The verb called, by the system and at AT unless told otherwise."""
    given = {"cause": "as agreed", "key": f"key {next(_count)}", "by": None, "at": AT} | values
    return verb(shop=shop, amount_fen=amount_fen, **given)


def paid_in(shop: Shop, amount_fen: int, **values: Any) -> DepositEntry:
    return entered(deposits.pay_in, shop, amount_fen, **values)


def taken_back(entry: DepositEntry, **values: Any) -> DepositEntry:
    given = {"cause": "a mistake", "key": f"key {next(_count)}", "by": None, "at": AT + timedelta(hours=1)}
    return deposits.reverse(entry, **{**given, **values})


def statement(shop: Shop) -> list[tuple[int, str, int, int]]:
    """Number, kind, amount and balance of each entry, the oldest first."""
    entries = DepositEntry.objects.filter(shop=shop).order_by("number")
    return list(entries.values_list("number", "kind", "amount_fen", "balance_fen"))


def owed_of(shop: Shop) -> int:
    """What it still has to pay in all, in fen."""
    return sum(topups.outstanding_of(one) for one in TopUp.objects.filter(shop=shop, state="open"))


def sound() -> bool:
    """Whether the ledger holds, with what is otherwise asked at the end of a transaction alone."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    return books.verify_ledger() is None and books.verify_reversals() is None


def make_measure(shop: Shop, penalty: Penalty | None = None) -> Measure:
    """A measure of a penalty that deducts; how much of it is on the ledger is not told here."""
    deducts = {"kind": Measure.Kind.DEDUCT, "basis": Measure.Basis.FIXED, "amount_fen": 100}
    measure = Measure(penalty=penalty or make_penalty(shop), applied_at=AT, **deducts)
    measure.save_by(None, "applied")
    return measure
