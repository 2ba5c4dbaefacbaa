"""Shops and metrics files of any size, the same every time: for campaigns, races and the benchmark.

No Django here: the benchmark itself stays small, as what it starts inherits its peak of memory.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice
from pathlib import Path

HEADERS = (
    "shop,day,gmv_30d,paid_orders_30d,shop_score,experience_score,product_score,service_score,"
    "logistics_score,positive_rate,warehouse_passed,alliance_connected,erp_connected,freight_insurance"
)
# By SQL and without history: what is measured or killed is the import of their metrics.
SHOPS = """
INSERT INTO shops_shop (code, name, name_key, shop_type, category, goods_kind, status, subject_kind,
    closed_cause, contact, phone, email, account_manager)
SELECT 'S' || lpad(n::text, 7, '0'), '店铺' || n, 'dianpu' || n, 'ordinary', 'beauty', 'physical', 'normal',
    'enterprise', '', '', '', '', '' FROM generate_series(0, {count} - 1) n
"""
BLOCK = 10_000
REPORTED = 5
# What stands in a bad cell of each column.
BAD = ["X", "2026-02-30", "1e5", "1.5", *["6.1"] * 5, "95", *["2"] * 4]


def shops_sql(count: int) -> str:
    """The statement that makes the shops of codes S0000000 and on."""
    return SHOPS.format(count=count)


def write_metrics(
    path: Path, shops: int, days: Iterable[date], *, seed: int = 1, corrected: int = 0, bad: float = 0
) -> Path:
    """A line a shop and day: all columns, some cells empty, some scores `none`, every day the same values.

    `corrected`: one of so many rows has another gmv_30d than without it. `bad`: that share of all cells is
    bad, no two of them in one row.
    """
    with open(path, "w", encoding="utf-8", newline="") as out:
        out.write(HEADERS + "\n")
        for day in days:
            rows = enumerate(_rows(shops, day, random.Random(seed)))
            spoils = random.Random(seed)
            while block := list(islice(rows, BLOCK)):
                for number, cells in block:
                    if corrected and number % corrected == 0:
                        cells[2] = f"0.{number // corrected % 99 + 1:02d}"
                    if bad and spoils.random() < bad * len(cells):
                        spoilt = spoils.randrange(len(cells))
                        cells[spoilt] = BAD[spoilt]
                out.writelines(",".join(cells) + "\n" for _number, cells in block)
    return path


def write_penalties(path: Path, rows: int, prefix: str, *, decided: bool = False) -> Path:
    """A line a penalty, each of another shop: imposed with points and a deduction, or only reported, as one
    of so many is (REPORTED) until the platform has `decided` it.
    """
    with open(path, "w", encoding="utf-8", newline="") as out:
        out.write("reference,shop,violation,imposed_at,status,points,deposit_deducted,reason\n")
        for number in range(rows):
            moment = f"2026-03-{number % 28 + 1:02d} {number % 24:02d}:30:00"
            imposed = f"imposed,4,{number % 150 + 1}.05"
            what = "reported,," if number % REPORTED == 0 and not decided else imposed
            out.write(f"{prefix}{number},S{number:07d},V8,{moment},{what},late dispatch\n")
    return path


def _rows(shops: int, day: date, draw: random.Random) -> Iterator[list[str]]:
    def score() -> str:
        return f"{min(5.0, max(0.0, draw.gauss(4.5, 0.4))):.2f}"

    # None below 1 yuan: those are the corrected ones.
    amounts = ["", *(f"{1 + draw.lognormvariate(9, 2):.2f}" for _ in range(20_000))]
    counts = ["", *(str(draw.randrange(5000)) for _ in range(5000))]
    scores = [*("", "none") * 5, *(score() for _ in range(500))]
    rates = ["", *(f"{draw.uniform(0.6, 1):.4f}" for _ in range(4000))]
    flags = [*("0", "1") * 50, ""]
    pools = [amounts, counts, *[scores] * 5, rates, *[flags] * 4]
    for first in range(0, shops, BLOCK):
        count = min(BLOCK, shops - first)
        columns = [draw.choices(pool, k=count) for pool in pools]
        codes = (f"S{number:07d}" for number in range(first, first + count))
        yield from ([code, f"{day}", *cells] for code, *cells in zip(codes, *columns, strict=True))
