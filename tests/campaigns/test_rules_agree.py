"""Random rules over random shops: what the compiled SQL says, and what a model of the rules says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.campaigns import SHARE, Tally, finished
from tests.rules import agreement

pytestmark = pytest.mark.django_db

PAIRS = max(1, round(1_000_000 * SHARE))


@pytest.fixture(scope="module")
def tally() -> Tally:
    return Tally("rules-agree", PAIRS)


# More books than are needed: whatever their sizes, PAIRS of a rule and a shop are compared.
@settings(max_examples=PAIRS // (6 * agreement.SHOPS) + 1, **agreement.GENERATING)
@given(book=agreement.rule_books(), seed=st.integers(0, 2**32))
def compare(tally: Tally, book: list, seed: int) -> None:
    if tally.passed + tally.failed >= PAIRS:
        return
    pairs, problems = agreement.disagreements(book, seed)
    for number in range(pairs):
        tally.count(problems[number] if number < len(problems) else None, "compared")


def test_whatever_the_rules_and_the_shops_both_say_the_same(tally: Tally) -> None:
    compare(tally)
    finished.append(tally)
    assert tally.passed >= PAIRS
    assert tally.failed == 0
