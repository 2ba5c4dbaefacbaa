"""The benchmark report, every figure beside a yardstick: `make bench`, or `python -m tests.bench imports`."""

from __future__ import annotations

import sys

from tests.bench import checks, imports

REPORTS = {"imports": imports.report, "checks": checks.report}


def main() -> None:
    asked = sys.argv[1:] or list(REPORTS)
    if not set(asked) <= REPORTS.keys():
        sys.exit(f"usage: python -m tests.bench [{'|'.join(REPORTS)}]")
    for number, name in enumerate(asked):
        print(f"{chr(10) if number else ''}{name}", flush=True)
        REPORTS[name]()


if __name__ == "__main__":
    main()
