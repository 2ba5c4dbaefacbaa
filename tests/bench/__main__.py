"""The benchmark report, every figure beside a yardstick: `make bench`, or `python -m tests.bench imports`."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from tests.bench import checks, imports, penalties

REPORTS = {"imports": imports.report, "checks": checks.report, "penalties": penalties.report}


def main() -> None:
    parser = ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "reports", nargs="*", metavar="REPORT", help=f"Of {', '.join(REPORTS)}. Default: all."
    )
    parser.add_argument("--shops", type=int, default=1_000_000, metavar="N", help="Default: a million.")
    parser.add_argument(
        "--rows", type=int, default=100_000, metavar="N", help="Of penalties. Default: a hundred thousand."
    )
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="Default: 3.")
    parser.add_argument("--json", metavar="FILE", help="Write the figures there as well.")
    asked = parser.parse_args()
    if unknown := set(asked.reports) - REPORTS.keys():
        parser.error(f"there is no report {', '.join(sorted(unknown))}")
    told: dict[str, dict[str, Any]] = {}
    for name in asked.reports or REPORTS:
        print(f"\n{name}", flush=True)
        size = asked.rows if name == "penalties" else asked.shops
        REPORTS[name](size, asked.rounds, told.setdefault(name, {}))
    if asked.json:
        with open(asked.json, "w", encoding="utf-8") as file:
            json.dump(told, file, ensure_ascii=False, indent=1)


if __name__ == "__main__":
    main()
