"""What must hold between measures and the money that they move: each slip is named."""

from __future__ import annotations

from typing import Any

import pytest

from opsdesk import books
from shops import deposits
from shops.models import Measure
from tests.factories import AT, make_imposed, make_shop
from tests.shops.accounting import entered, paid_in

pytestmark = pytest.mark.django_db


def changed(measure: Measure, **values: Any) -> None:
    """As a slip would leave it: the record says it, and no money has moved."""
    for name, value in values.items():
        setattr(measure, name, value)
    measure.save_by(None, "slip")


def test_a_measure_that_is_undone_and_whose_money_was_not_given_back_is_named() -> None:
    shop = make_shop()
    paid_in(shop, 500)
    measure = make_imposed(shop, Measure(kind="deduct", basis="fixed", amount_fen=400)).measures.get()
    assert books.verify_ledger() is None
    changed(measure, undone_at=AT)
    assert books.verify_ledger() == f"measure {measure.pk} is undone, and moved -400 fen all the same"


def test_what_is_demanded_by_a_measure_that_is_undone_is_named() -> None:
    measure = make_imposed(make_shop(), Measure(kind="top_up", amount_fen=400)).measures.get()
    changed(measure, undone_at=AT)
    owed = measure.top_ups.get()
    assert books.verify_ledger() == f"top-up {owed.pk} is owed, though measure {measure.pk} is undone"


@pytest.mark.parametrize("there", [0, 300, 500])
@pytest.mark.parametrize("kind", ["deduct", "top_up"])
def test_a_measure_that_takes_and_demands_more_than_it_is_one_of_is_named(kind: str, there: int) -> None:
    shop = make_shop()
    if there:
        paid_in(shop, there)
    basis = "fixed" if kind == "deduct" else ""
    measure = make_imposed(shop, Measure(kind=kind, basis=basis, amount_fen=400)).measures.get()
    entered(deposits.top_up, shop, 50)
    assert books.verify_ledger() is None
    changed(measure, amount_fen=399)
    told = f"measure {measure.pk} has taken and demanded 400 fen, and is one of 399"
    assert books.verify_ledger() == told
