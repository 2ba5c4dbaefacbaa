"""Random wrongs, appeals, partial and full grants on both levels, stays, lapses and later decisions: once all
of them are granted in full the shop equals a twin that was never penalised, to the fen.
"""

from __future__ import annotations

import pytest

from opsdesk import audit, books
from tests.campaigns import SHARE, Tally, finished
from tests.opsdesk.twins import Pair, make_people

pytestmark = pytest.mark.django_db

STEPS = max(1, round(20_000 * SHARE))
# So many steps a pair; then another is born.
OF_A_PAIR = 40
# The whole record is verified every so many steps.
VERIFIED_EVERY = 500


def broken() -> str | None:
    return audit.verify_enrollments() or audit.verify_history() or books.verify_reversals()


def test_after_a_full_grant_a_shop_equals_its_twin_that_was_never_penalised() -> None:
    tally, people = Tally("twins", STEPS), make_people()
    pair = Pair(0, people)
    for number in range(STEPS):
        problem = None
        if number and number % OF_A_PAIR == 0:
            problem = pair.right_all() or books.verify_ledger()
            tally.seen.update(pair.done)
            pair = Pair(number, people)
        problem = problem or pair.step()
        if not problem and (number + 1) % VERIFIED_EVERY == 0:
            problem = broken()
        tally.count(problem, "agreed")
        if problem:
            # What differs once differs ever after.
            pair = Pair(-number - 1, people)
    assert (pair.right_all() or books.verify_ledger() or broken()) is None
    finished.append(tally)
    assert tally.passed >= STEPS
    assert tally.failed == 0
