"""Random sequences of impose, lapse, lift, overturn, deduct, top up, leave, close, return and import, against
a model kept by hand: after each step both say the same of openings, deposit, points and standing.
"""

from __future__ import annotations

import pytest
from django.db import transaction

from opsdesk import audit, books
from tests.campaigns import SHARE, Tally, finished
from tests.shops.penalty_steps import Walk

pytestmark = pytest.mark.django_db

STEPS = max(1, round(20_000 * SHARE))
# So many steps a shop, the ledger verified after each; then the whole record is, and another shop begins.
AT_ONE_SHOP = 100


def broken() -> str | None:
    return audit.verify_enrollments() or audit.verify_history() or books.verify_reversals()


def test_whatever_happens_in_whatever_order_the_desk_and_the_model_say_the_same() -> None:
    tally = Tally("penalties-agree", STEPS)
    for begun in range(0, STEPS, AT_ONE_SHOP):
        # Taken back in the end: what is verified grows with one shop alone.
        with transaction.atomic():
            walk = Walk(begun)
            for number in range(begun, min(begun + AT_ONE_SHOP, STEPS)):
                problem = walk.step() or books.verify_ledger()
                tally.count(problem, "agreed")
                if problem:
                    # What differs once differs ever after.
                    walk = Walk(-number - 1)
            assert broken() is None
            transaction.set_rollback(True)
    finished.append(tally)
    assert tally.passed >= STEPS
    assert tally.failed == 0
