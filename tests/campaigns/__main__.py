"""`python -m tests.campaigns NAME`: one campaign at full size. Ends with 'N passed, N failed'."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests import campaigns

HERE = Path(__file__).parent
NAMES = sorted(path.stem.removeprefix("test_").replace("_", "-") for path in HERE.glob("test_*.py"))


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1] not in NAMES:
        print(f"usage: make campaign NAME, where NAME is one of: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    if "CAMPAIGN_SHARE" not in os.environ:
        campaigns.SHARE = 1
    module = HERE / f"test_{sys.argv[1].replace('-', '_')}.py"
    status = pytest.main(["-q", "-s", "--no-header", "--tb=short", str(module)])
    tallies = campaigns.finished
    seen = sum((tally.seen for tally in tallies), Counter())
    print("\n".join(f"{count:7} {outcome}" for outcome, count in seen.most_common()))
    print(f"{sum(tally.passed for tally in tallies)} passed, {sum(tally.failed for tally in tallies)} failed")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
