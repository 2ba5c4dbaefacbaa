"""Random proposals, wrongs, appeals, partial and full grants on both levels, stays, lapses, later decisions:
once all of them are granted in full the shop equals a twin that was never penalised, to the fen.
"""

from __future__ import annotations

import pytest

from tests.campaigns import PARTS, SHARE, Tally, finished
from tests.opsdesk.twins.machine import OF_A_PAIR, Twins, run

pytestmark = pytest.mark.django_db

# A step takes long: of these a sample is half as large as of others.
STEPS = max(1, round(20_000 * (SHARE if SHARE >= 1 else SHARE / 2) / PARTS))


def test_after_a_full_grant_a_shop_equals_its_twin_that_was_never_penalised() -> None:
    tally = Tally("twins", STEPS)

    class Counted(Twins):
        @staticmethod
        def count(problem: str | None, outcome: str) -> None:
            # What failed once is tried again and again as hypothesis looks for the shortest way there.
            if not tally.failed:
                tally.count(problem, outcome)

    finished.append(tally)
    # Not every pair takes as many steps as it may.
    while not tally.failed and tally.passed < STEPS:
        # A sample is the same every time; a campaign goes where none has been.
        run(Counted, -(-(STEPS - tally.passed) // OF_A_PAIR), derandomize=SHARE < 1)
    assert tally.passed >= STEPS
    assert tally.failed == 0
