"""Eight people at the same twenty deposits: sums right at every read, nothing below zero, each key once."""

from __future__ import annotations

from tests.campaigns import SHARE, Tally, finished
from tests.faults.storm import raise_storm

THREADS, OPERATIONS, SHOPS = 8, 1000, 20


def test_whoever_moves_what_at_once_the_deposits_add_up(committed_db) -> None:
    operations = max(10, round(OPERATIONS * SHARE))
    tally = Tally("ledger-storm", THREADS * operations)
    storm = raise_storm(threads=THREADS, operations=operations, shops=SHOPS, seed=1)
    for outcome, count in storm.seen.items():
        tally.seen[outcome] += count
    tally.passed = tally.cases - len(storm.problems)
    tally.failed = len(storm.problems)
    finished.append(tally)
    assert storm.problems == []
    assert storm.seen["read"] > 0
    assert storm.seen["entered"] > 0
    assert storm.seen["refused"] > 0
