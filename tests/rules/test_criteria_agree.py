"""The compiled SQL against an independent model of the rules: random rules over random shops."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories import DAY
from tests.rules import agreement, model
from tests.rules.model import SaidRule

pytestmark = pytest.mark.django_db

PAIRS = 10_000
# Each brings at least six rules and 200 shops in one statement.
BOOKS = 25


@pytest.fixture(scope="module")
def compared() -> list[int]:
    return []


@settings(max_examples=BOOKS, derandomize=True, **agreement.GENERATING)
@given(book=agreement.rule_books(), seed=st.integers(0, 2**32))
def test_the_sql_says_of_every_shop_what_the_documents_say(compared: list[int], book, seed) -> None:
    pairs, problems = agreement.disagreements(book, seed)
    compared.append(pairs)
    assert problems[:3] == []


def test_so_many_pairs_were_compared(compared: list[int]) -> None:
    assert sum(compared) >= PAIRS


def test_control_a_model_that_takes_missing_for_zero_is_found_out(monkeypatch) -> None:
    rule = SaidRule("shop_score", "<", (agreement.SCORES[2],), code="R-1", purpose="clearance")
    assert agreement.disagreements([rule], 1)[1] == []
    real = model.value_of

    def careless(metric, facts, *limit):
        value = real(metric, facts, *limit)
        return 0 if value is None and metric == "shop_score" else value

    monkeypatch.setattr(model, "value_of", careless)
    assert agreement.disagreements([rule], 1)[1]


def test_control_a_model_that_is_a_day_late_is_found_out(monkeypatch) -> None:
    rule = SaidRule("account_ok", "=", (True,), code="R-1", entered_from=DAY - timedelta(days=30))
    assert agreement.disagreements([rule], 1)[1] == []
    real = agreement.keep_rules
    late = SaidRule("account_ok", "=", (True,), code="R-1", entered_from=DAY - timedelta(days=31))
    monkeypatch.setattr(agreement, "keep_rules", lambda _book: real([late]))
    assert agreement.disagreements([rule], 1)[1]
