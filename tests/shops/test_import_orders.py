"""Files that overlap, in whatever order they come: the newest knowledge stands, each row is accounted for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from shops.models import Correction, ImportBatch, Shop, ShopMetrics
from tests import databases
from tests.factories import AT, DAY, make_declared, make_product, make_shop
from tests.shops.hostile import lines, shop, shop_file
from tests.shops.importing import bring, counts, errors
from tests.shops.standing import standing
from tests.volumes import shops_sql, write_metrics

# Column → value, of each shop.
Values = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class File:
    """What a file of that hour says. All its shops have the same columns."""

    hour: int
    values: Values


METRICS = [
    File(1, {
        "S1": {"gmv_30d": "10", "shop_score": "4.1"},
        "S2": {"gmv_30d": "20", "shop_score": "4.2"},
        "S3": {"gmv_30d": "30", "shop_score": "none"},
    }),
    File(2, {
        "S2": {"shop_score": "3.2", "positive_rate": "0.92"},
        "S3": {"shop_score": "3.3", "positive_rate": "0.93"},
        "S4": {"shop_score": "3.4", "positive_rate": "0.94"},
    }),
    File(3, {
        "S1": {"gmv_30d": "10", "warehouse_passed": "1"},
        "S3": {"gmv_30d": "", "warehouse_passed": "0"},
        "S4": {"gmv_30d": "40", "warehouse_passed": "1"},
    }),
    File(4, {
        "S2": {"gmv_30d": "20", "experience_score": "4.2", "shop_score": "3.2"},
        "S4": {"gmv_30d": "44", "experience_score": "none", "shop_score": ""},
    }),
]  # fmt: skip
# Of metrics that were declared, beside one that has a column.
DECLARED = [
    File(1, {
        "S1": {"care_score": "4.1", "refunds": "1", "gmv_30d": "10"},
        "S2": {"care_score": "4.2", "refunds": "2", "gmv_30d": "20"},
        "S3": {"care_score": "none", "refunds": "", "gmv_30d": "30"},
    }),
    File(2, {
        "S2": {"care_score": "3.2", "return_share": "0.92"},
        "S3": {"care_score": "3.3", "return_share": "0.000001"},
        "S4": {"care_score": "3.4", "return_share": ""},
    }),
    File(3, {
        "S1": {"gmv_30d": "11"},
        "S2": {"gmv_30d": "21"},
    }),
    File(4, {
        "S1": {"care_score": "", "order": "1"},
        "S2": {"care_score": "3.2", "order": "0"},
        "S4": {"care_score": "none", "order": ""},
    }),
]  # fmt: skip
SHOPS = [
    File(1, {"N1": {"contact": "a", "phone": "1"}, "N2": {"contact": "b", "phone": "2"}}),
    File(2, {"N2": {"phone": "22", "email": "b@b"}, "N3": {"phone": "3", "email": "c@c"}}),
    File(3, {"N1": {"contact": "a", "controller": "C1"}, "N3": {"contact": "c", "controller": "C3"}}),
    File(4, {"N1": {"phone": "", "account_ok": "1"}, "N2": {"phone": "22", "account_ok": "0"}}),
]
# Products bear their shops' codes.
PRODUCT_METRICS = [
    File(1, {
        "S1": {"settled_orders": "10", "sales_amount": "4.1"},
        "S2": {"settled_orders": "20", "sales_amount": "4.2"},
        "S3": {"settled_orders": "30", "sales_amount": ""},
    }),
    File(2, {
        "S2": {"sales_amount": "3.2", "valid_paid_orders": "92"},
        "S3": {"sales_amount": "3.3", "valid_paid_orders": "93"},
        "S4": {"sales_amount": "3.4", "valid_paid_orders": "94"},
    }),
    File(3, {
        "S1": {"settled_orders": "10", "quality_refunds": "1"},
        "S3": {"settled_orders": "", "quality_refunds": "0"},
        "S4": {"settled_orders": "40", "quality_refunds": "99"},
    }),
]  # fmt: skip
MEASURED = {"metrics": "shop", "product_metrics": "product"}
ORDERS = pytest.mark.parametrize(
    "order", list(permutations(range(4))), ids=lambda order: "".join(map(str, order))
)


def newest(files: Sequence[File]) -> dict[str, dict[str, str]]:
    """Of each shop and column what the latest file says that brings both."""
    stands: dict[str, dict[str, str]] = {}
    for file in sorted(files, key=lambda file: file.hour):
        for code, values in file.values.items():
            stands.setdefault(code, {}).update(values)
    return {code: {name: value for name, value in values.items() if value} for code, values in stands.items()}


def metrics_file(subject: str, values: Values) -> str:
    columns = list(next(iter(values.values())))
    rows = [[code, f"{DAY}", *(of[name] for name in columns)] for code, of in values.items()]
    return lines([subject, "day", *columns], *rows)


def shops_file(values: Values) -> str:
    files = [shop_file(code, "店", **of).partition("\n") for code, of in values.items()]
    return files[0][0] + "\n" + "".join(row for _headers, _end, row in files)


def brought(kind: str, file: File) -> ImportBatch:
    subject = MEASURED.get(kind)
    content = metrics_file(subject, file.values) if subject else shops_file(file.values)
    batch = bring(kind, content, as_of=AT - timedelta(hours=24 - file.hour))
    assert batch.rows == len(file.values) == batch.created + batch.updated + batch.unchanged + batch.rejected
    return batch


@pytest.fixture
def known(db: None) -> None:
    for code in ("S1", "S2", "S3", "S4"):
        make_product(make_shop(code=code), code=code)


@ORDERS
def test_of_each_shop_and_metric_the_newest_knowledge_stands(known, order: tuple[int, ...]) -> None:
    for number in order:
        batch = brought("metrics", METRICS[number])
        assert (batch.state, batch.rejected) == ("applied", 0)
    assert standing("metrics") == {f"{code} {DAY}": values for code, values in newest(METRICS).items()}


@ORDERS
def test_of_each_shop_and_declared_metric_the_newest_knowledge_stands(known, order: tuple[int, ...]) -> None:
    make_declared("care_score")
    make_declared("refunds", type="count")
    make_declared("return_share", type="rate")
    make_declared("order", type="flag")
    for number in order:
        batch = brought("metrics", DECLARED[number])
        assert (batch.state, batch.rejected) == ("applied", 0)
    assert standing("metrics") == {f"{code} {DAY}": values for code, values in newest(DECLARED).items()}


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_a_file_from_before_a_metric_was_declared_says_nothing_of_it(known, order: tuple[int, ...]) -> None:
    """It is of the later moment, and came in when nobody could know the metric."""
    later = brought("metrics", File(3, {"S1": {"gmv_30d": "1"}}))
    make_declared("care_score")
    files = [File(1, {"S1": {"care_score": "4.1"}}), File(2, {"S1": {"care_score": "4.2"}})]
    for number in order:
        assert brought("metrics", files[number]).state == "applied"
    assert standing("metrics") == {f"S1 {DAY}": {"gmv_30d": "1", "care_score": "4.2"}}
    assert "care_score" not in later.absent


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=lambda order: "".join(map(str, order)))
def test_of_each_product_and_metric_the_newest_knowledge_stands(known, order: tuple[int, ...]) -> None:
    for number in order:
        batch = brought("product_metrics", PRODUCT_METRICS[number])
        assert (batch.state, batch.rejected) == ("applied", 0)
    stands = {f"{code} {DAY}": values for code, values in newest(PRODUCT_METRICS).items()}
    assert standing("product_metrics") == stands


@pytest.mark.django_db
@ORDERS
def test_of_each_shop_and_column_the_newest_knowledge_stands(order: tuple[int, ...]) -> None:
    for number in order:
        batch = brought("shops", SHOPS[number])
        assert (batch.state, batch.rejected) == ("applied", 0)
    stands = newest(SHOPS)
    assert standing("shops") == {code: shop(code, "店", **stands[code])[code] for code in stands}


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=lambda order: "".join(map(str, order)))
@pytest.mark.parametrize(
    ("kind", "column", "values"),
    [("metrics", "gmv_30d", "557"), ("shops", "phone", "557"), ("product_metrics", "sales_amount", "557")],
    ids=["metrics", "shops", "product_metrics"],
)
def test_a_newer_file_that_says_the_same_keeps_an_older_one_from_changing_it(
    known, kind: str, column: str, values: str, order: tuple[int, ...]
) -> None:
    files = [File(hour, {"S1": {column: value}}) for hour, value in zip((1, 3, 2), values, strict=True)]
    for number in order:
        assert brought(kind, files[number]).state == "applied"
    key = f"S1 {DAY}" if kind in MEASURED else "S1"
    assert standing(kind)[key][column] == "5"


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        ("metrics", "gmv_30d"),
        ("metrics", "order"),
        ("shops", "phone"),
        ("product_metrics", "quality_refunds"),
    ],
)
def test_of_two_files_of_one_moment_that_disagree_the_second_is_refused(
    known, kind: str, column: str
) -> None:
    make_declared("order", type="count")
    brought(kind, File(1, {"S1": {column: "5"}}))
    before = standing(kind)
    same = brought(kind, File(1, {"S1": {column: "5"}}))
    assert (same.state, counts(same)) == ("applied", (1, 0, 0, 1, 0))
    other = brought(kind, File(1, {"S1": {column: "7"}}))
    assert (other.state, counts(other)) == ("refused", (1, 0, 0, 0, 1))
    assert [error[:3] for error in errors(other)] == [(2, column, "7")]
    assert standing(kind) == before


def at_once(env: dict[str, str], *files: Path) -> list[dict[str, Any]]:
    """The answers of import commands that run at the same time."""
    commands = [
        subprocess.Popen(
            [sys.executable, "manage.py", "import_metrics", str(file), "--json"],
            cwd=databases.CHECKOUT, env=env, stdout=subprocess.PIPE, text=True,
        )
        for file in files
    ]  # fmt: skip
    return [json.loads(command.communicate(timeout=120)[0]) for command in commands]


def test_the_same_file_twice_at_once_is_applied_once(committed_db, tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute(shops_sql(5000))
    file = write_metrics(tmp_path / "metrics.csv", 5000, [DAY])
    answers = at_once(committed_db.env, file, file)
    outcomes = sorted((each["created"], each["unchanged"], each["rejected"]) for each in answers)
    assert outcomes == [(0, 5000, 0), (5000, 0, 0)]
    assert ShopMetrics.objects.filter(day=DAY).count() == 5000
    assert not Correction.objects.exists()
    # And once more, on its own.
    [again] = at_once(committed_db.env, file)
    assert (again["unchanged"], again["rows"]) == (5000, 5000)
    assert Shop.objects.count() == 5000
