"""Long tests of many seeded cases: `make campaign NAME` runs one whole, `make test` a sample of each."""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass, field

# The share of a campaign's cases that is run.
SHARE = float(os.environ.get("CAMPAIGN_SHARE", "0.02"))
# Of a campaign that takes long several processes may each run a part at once, with cases of its own.
PARTS = int(os.environ.get("CAMPAIGN_PARTS", "1"))


@dataclass
class Tally:
    """What became of the cases. `seen` counts whatever else is worth telling."""

    name: str
    cases: int
    passed: int = 0
    failed: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    _last: float = field(default_factory=time.monotonic)

    def count(self, problem: str | None, outcome: str) -> None:
        """One case is over; `problem` says what went wrong."""
        self.seen[outcome] += 1
        if problem is None:
            self.passed += 1
        else:
            self.failed += 1
            print(f"\n{self.name}: {problem}", flush=True)
        done = self.passed + self.failed
        if time.monotonic() > self._last + 10 or done == self.cases:
            self._last = time.monotonic()
            print(f"{self.name}: {done} of {self.cases}, {self.failed} failed", flush=True)


# Those of this process that are over.
finished: list[Tally] = []
