"""`python -m tests.campaigns NAME`: one campaign at full size. Ends with 'N passed, N failed'."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NAMES = sorted(path.stem.removeprefix("test_").replace("_", "-") for path in HERE.glob("test_*.py"))


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1] not in NAMES:
        print(f"usage: make campaign NAME, where NAME is one of: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    os.environ.setdefault("CAMPAIGN_SHARE", "1")
    module = HERE / f"test_{sys.argv[1].replace('-', '_')}.py"
    status = pytest.main(["-q", "-s", "--no-header", "--no-summary", str(module)])
    # Imported only now: how much is run stands in the environment above.
    from tests.campaigns import finished

    for tally in finished:
        print(tally.told())
    passed, failed = (sum(getattr(tally, what) for tally in finished) for what in ("passed", "failed"))
    print(f"{passed} passed, {failed} failed")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
