"""What the import of penalties costs, and that it grows no faster than the file: three sizes in one run.

One desk, of whose shops every other has money. Each size in each round, the smaller ones first: a file of
which four rows in five are imposed and deduct, and the fifth is only reported; the same again; and a later
file in which what was reported is imposed as well.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.desk import Desk, Run, new_desk
from tests.bench.imports import expect
from tests.volumes import REPORTED, shops_sql, write_penalties

SHARES = (0.1, 0.3, 1)
# A row of the largest file beside one of the smallest, at most.
AIM, MEMORY = 1.5, 300
# As if finance had entered it: what is measured is the import of penalties.
PAID = (
    "INSERT INTO shops_depositentry (shop_id, kind, amount_fen, at, recorded_at, cause, reference, key)"
    " SELECT id, 'pay_in', 10000, now(), now(), '', '', 'paid ' || id FROM shops_shop WHERE id % 2 = 0"
)


def report(rows: int, rounds: int, told: dict[str, Any]) -> None:
    sizes = [round(rows * share) for share in SHARES]
    print(f"{', '.join(f'{size:,}' for size in sizes)} rows, {rounds} rounds, medians")
    runs: dict[tuple[str, int], list[Run]] = {}
    with new_desk() as desk, tempfile.TemporaryDirectory(prefix="opsdesk-bench-") as files:
        desk.execute(shops_sql(rows), PAID, "VACUUM ANALYZE")
        for number in range(rounds):
            for size in sizes:
                measured(desk, Path(files) / "penalties.csv", size, f"{number}-{size}-", runs)
    line = "{:<24}{:>10}{:>10}{:>12}{:>10}{:>10}{:>8}".format
    print(line("", "rows", "seconds", "µs a row", "ratio", "aim", "MB"))
    for what in dict.fromkeys(what for what, _size in runs):
        least = None
        for size in sizes:
            taken = runs[what, size]
            seconds = median(float(run.answer["seconds"]) for run in taken)
            each, peak = seconds / size * 1e6, max(run.peak for run in taken)
            least = least or each
            ratio, aim = each / least, f"≤ {AIM}" if size == sizes[-1] else ""
            print(
                line(what, f"{size:,}", f"{seconds:.2f}", f"{each:.0f}", f"{ratio:.2f}", aim, f"{peak:.0f}")
            )
            told[f"{what}, {size}"] = {"seconds": seconds, "ratio": ratio, "peak MB": peak, "most MB": MEMORY}


def measured(desk: Desk, file: Path, size: int, prefix: str, runs: dict[tuple[str, int], list[Run]]) -> None:
    reported = len(range(0, size, REPORTED))
    for what, decided, counts in (
        ("reported and imposed", False, {"created": size}),
        ("the same again", False, {"unchanged": size}),
        ("decided since", True, {"updated": reported, "unchanged": size - reported}),
    ):
        write_penalties(file, size, prefix, decided=decided)
        desk.settle()
        run = desk.manage("import_penalties", str(file), "--json")
        expect(run.answer, **counts)
        runs.setdefault((what, size), []).append(run)
        print(f"  {size:,} {what}: {run.seconds:.2f} s, {run.peak:.0f} MB", flush=True)
