"""What a daily check costs as the number of shops grows. Ratios count, not seconds.

For each size, in a database of its own with demonstration data: the first check of an alliance, which
files, and one more, which finds everything filed; and the peak memory of its process.
"""

from __future__ import annotations

import os

from tests.bench.desk import new_desk

SIZES = [int(size) for size in os.environ.get("SIZES", "10000 100000").split()]
ALLIANCE = "douyin-featured"

FIRST_CHECK = f"""
from rules.models import Sweep
first = Sweep.objects.filter(alliance__code={ALLIANCE!r}).order_by("id").first()
print(first.checked, first.filed, first.seconds)
"""


def measure(shops: int) -> dict[str, float]:
    with new_desk() as desk:
        load = desk.manage("createdemo", "--shops", str(shops), "--days", "3")
        told = desk.manage("shell", "--verbosity", "0", "--command", FIRST_CHECK)
        checked, filed, first = told.output.split()[-3:]
        again = desk.manage("sweep", "--alliance", ALLIANCE, "--json")
    return {
        "shops": shops,
        "createdemo s": round(load.seconds, 1),
        "checked": int(checked),
        "filed": int(filed),
        "first check s": float(first),
        "again s": float(again.answer["seconds"]),
        "peak MB": round(again.peak),
    }


def report() -> None:
    rows = [measure(size) for size in SIZES]
    print(" | ".join(rows[0]))
    for row in rows:
        print(" | ".join(str(value) for value in row.values()))
    small, large = rows[0], rows[-1]
    for what in ("shops", "first check s", "again s", "peak MB"):
        print(f"{what}: {large[what] / small[what]:.2f} ×")
