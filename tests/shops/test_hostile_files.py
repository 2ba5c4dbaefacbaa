"""Hostile files: exact, or refused with place and reason; never a silent change, never anything raised."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from shops import imports
from shops.models import (
    Controller,
    Correction,
    DepositEntry,
    Enrollment,
    ImportBatch,
    Listing,
    Measure,
    Opening,
    Penalty,
    Product,
    ProductCorrection,
    Qualification,
    Shop,
)
from tests.factories import make_product, make_shop
from tests.shops.hostile import PRODUCTS, SHOPS, Case, corpus
from tests.shops.importing import bring, errors
from tests.shops.standing import KINDS, standing

CASES = corpus()


def named(cases: list[Case]) -> Any:
    return pytest.mark.parametrize("case", cases, ids=[ascii(case.name)[1:-1] for case in cases])


@pytest.fixture(scope="module")
def ground(django_db_setup: None, django_db_blocker) -> Iterator[None]:
    """The shops and products that the files speak of, once for all, in a transaction that is rolled back."""
    with django_db_blocker.unblock(), transaction.atomic():
        for code, product in zip(SHOPS, PRODUCTS, strict=True):
            make_product(make_shop(code=code, name=code), code=product, name=product)
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def nothing_stays(ground: None) -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def everything() -> list[Any]:
    """All that an import may write, and how much was ever written."""
    written = (Shop, Controller, Enrollment, Opening, Qualification, Product, Listing, Penalty, Measure)
    return [
        *(standing(kind) for kind in KINDS),
        *(model.history.count() for model in written),
        Correction.objects.count(),
        DepositEntry.objects.count(),
        ProductCorrection.objects.count(),
    ]


def brought(case: Case, *, partial: bool = False) -> ImportBatch:
    """The file processed. I7 holds for it, whatever it is."""
    batch = bring(case.kind, case.content, partial=partial)
    assert batch.rows == batch.created + batch.updated + batch.unchanged + batch.rejected
    assert batch.rows == case.rows
    return batch


def assert_named(case: Case, batch: ImportBatch) -> None:
    """Every error that the case tells, and no other; each says something to people."""
    found = errors(batch)
    assert len(found) == len(case.wrong) or (case.wrong[0][0] is None and found), found
    for (row, column, _value, code), (where, header, codes) in zip(found, case.wrong, strict=False):
        assert code in codes.split("|"), found
        assert where in (None, row) and row >= 1, found
        assert header in (None, column), found
    assert all(error.message for error in imports.errors_of(batch))


def test_the_corpus_is_as_large_as_it_says_and_every_case_has_a_name() -> None:
    assert len(CASES) >= 300
    assert len({case.name for case in CASES}) == len(CASES)
    assert {case.kind for case in CASES} == set(KINDS)


@named([case for case in CASES if not case.wrong])
def test_what_is_right_is_taken_exactly_and_once(case: Case) -> None:
    if case.before:
        bring(case.kind, case.before)
    before = standing(case.kind)
    batch = brought(case)
    assert (errors(batch), batch.state, batch.rejected) == ([], "applied", 0)
    assert standing(case.kind) == {**before, **case.stands}
    before = everything()
    again = brought(case)
    assert (again.state, again.unchanged) == ("applied", case.rows)
    assert everything() == before


@named([case for case in CASES if case.unreadable])
def test_what_cannot_be_read_is_refused_with_place_and_reason_and_changes_nothing(case: Case) -> None:
    before = everything()
    batch = brought(case, partial=True)
    assert (batch.state, batch.rejected) == ("refused", 0)
    assert_named(case, batch)
    assert everything() == before


@named([case for case in CASES if case.wrong and not case.unreadable])
def test_a_wrong_row_refuses_the_file_or_is_alone_left_out_and_each_is_named(case: Case) -> None:
    if case.before:
        bring(case.kind, case.before)
    before = everything()
    batch = brought(case)
    assert (batch.state, batch.rejected) == ("refused", case.rows)
    assert_named(case, batch)
    assert everything() == before
    stood = standing(case.kind)
    batch = brought(case, partial=True)
    assert (batch.state, batch.rejected) == ("applied", case.rows - len(case.stands))
    assert_named(case, batch)
    assert standing(case.kind) == {**stood, **case.stands}
