"""Random sequences of impose, lapse, lift, overturn, deduct, top up, leave, close, return and import, against
a model kept by hand: after each step both say the same of openings, deposit, points and standing.
"""

from __future__ import annotations

import pytest

from opsdesk import audit, books
from tests.campaigns import SHARE, Tally, finished
from tests.shops.penalty_steps import Walk

pytestmark = pytest.mark.django_db

STEPS = max(1, round(20_000 * SHARE))
# So many steps a shop; then another begins.
AT_ONE_SHOP = 100
# The whole record is verified every so many steps.
VERIFIED_EVERY = 500


def broken() -> str | None:
    return audit.verify_enrollments() or audit.verify_history() or books.verify_reversals()


def test_whatever_happens_in_whatever_order_the_desk_and_the_model_say_the_same() -> None:
    tally = Tally("penalties-agree", STEPS)
    walk = Walk(0)
    for number in range(STEPS):
        if number and number % AT_ONE_SHOP == 0:
            walk = Walk(number)
        problem = walk.step() or books.verify_ledger()
        if not problem and (number + 1) % VERIFIED_EVERY == 0:
            problem = broken()
        tally.count(problem, "agreed")
        if problem:
            # What differs once differs ever after.
            walk = Walk(-number - 1)
    if STEPS % VERIFIED_EVERY:
        assert broken() is None
    finished.append(tally)
    assert tally.passed >= STEPS
    assert tally.failed == 0
