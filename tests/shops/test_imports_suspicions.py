"""What is no error and yet looks wrong, each at its boundary; and a normal morning, where nothing does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from django.db import connection, transaction
from django.utils.translation import override
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules import reversals
from shops import imports
from shops.imports import profiles
from shops.metrics import METRICS, MetricType
from shops.models import DayProfile, ImportBatch, ShopMetrics
from tests.factories import AT, DAY, make_shop, make_user
from tests.shops.importing import bring
from tests.volumes import shops_sql

pytestmark = pytest.mark.django_db

# What the shop of a number has in a column.
Cells = Callable[[int], str]
SHOPS = 40


def day_before(days: int) -> date:
    return DAY - timedelta(days=days)


def around(middle: float) -> Cells:
    """Another value for each shop, of all forty the median is `middle`."""
    return lambda shop: f"{middle + (shop - 19) / 100:.2f}"


def lines_of(day: date, columns: dict[str, Cells], shops: Sequence[int]) -> list[str]:
    return [
        ",".join([f"S{shop:07d}", f"{day}", *(cell(shop) for cell in columns.values())]) for shop in shops
    ]


def day_of(day: date, shops: int | Sequence[int] = SHOPS, **columns: Cells) -> ImportBatch:
    """Bring a day's file, by default one that looks like every other day."""
    columns = columns or {"gmv_30d": around(1000 + day.day), "shop_score": around(4)}
    numbers = range(shops) if isinstance(shops, int) else shops
    return bring("metrics", "\n".join([f"shop,day,{','.join(columns)}", *lines_of(day, columns, numbers)]))


def found(batch: ImportBatch) -> list[tuple[str, str]]:
    """The suspicions: code and metric."""
    assert batch.state == "applied"
    return [(one.code, one.params.get("metric", "")) for one in imports.suspicions_of(batch)]


@pytest.fixture(autouse=True)
def shops(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(shops_sql(100))


def test_day_after_day_nothing_is_suspicious() -> None:
    assert [found(day_of(day_before(days))) for days in range(9, -1, -1)] == [[]] * 10


@pytest.mark.parametrize(("rows", "expected"), [(20, []), (19, [("few_rows", "")])])
def test_less_than_half_the_usual_rows_is_suspicious(rows: int, expected: list) -> None:
    for days in (3, 2, 1):
        day_of(day_before(days))
    batch = day_of(DAY, rows)
    assert found(batch) == expected
    if expected:
        [suspicion] = imports.suspicions_of(batch)
        assert suspicion.message == f"{DAY} would have 19 rows; lately a day had about 40."


def test_where_a_day_never_has_many_rows_few_say_nothing() -> None:
    day_of(day_before(1), 19)
    assert found(day_of(DAY, 2)) == []


def test_what_is_usual_is_the_middle_of_the_last_seven_days_of_a_fortnight() -> None:
    day_of(day_before(15))
    # That day lies too far back: nothing is known of what is usual.
    assert found(day_of(DAY, 15)) == []
    for days in range(14, 7, -1):
        day_of(day_before(days), 15)
    for days in (7, 6, 5, 4):
        day_of(day_before(days), 38)
    # Of the seven days before four had 38 rows.
    assert ("few_rows", "") in found(day_of(day_before(3), 15))
    assert ("few_rows", "") in found(day_of(day_before(2), 18))
    # Now there are three of few rows among them: still the smaller part.
    assert ("few_rows", "") in found(day_of(day_before(1), 17))


@pytest.mark.parametrize(
    ("rows", "cell", "expected"),
    [
        (20, lambda shop: "4.50", [("all_alike", "shop_score")]),
        (20, lambda shop: "4.50" if shop else "4.51", []),
        (19, lambda shop: "4.50", []),
    ],
)
def test_a_column_in_which_every_shop_has_the_same_is_suspicious(
    rows: int, cell: Cells, expected: list
) -> None:
    assert found(day_of(DAY, rows, gmv_30d=around(1000), shop_score=cell)) == expected


def test_a_column_that_was_alike_before_is_so_again() -> None:
    day_of(day_before(1), gmv_30d=around(1000), shop_score=lambda shop: "4.50")
    assert found(day_of(DAY, gmv_30d=around(1001), shop_score=lambda shop: "4.50")) == []


def test_a_column_that_only_few_shops_have_does_not_say_what_every_shop_has() -> None:
    few = day_of(DAY, gmv_30d=around(1000), shop_score=lambda shop: "" if shop > 3 else "4.50")
    assert found(few) == []


def test_flags_are_alike_and_nobody_wonders() -> None:
    assert found(day_of(DAY, gmv_30d=around(1000), warehouse_passed=lambda shop: "1")) == []


@pytest.mark.parametrize(("changed", "expected"), [(0, True), (1, True), (2, False)])
def test_the_figures_of_the_day_before_under_another_date_are_suspicious(
    changed: int, expected: bool
) -> None:
    day_of(day_before(1), 100, gmv_30d=around(1000), shop_score=around(4))
    again = day_of(DAY, 100, gmv_30d=lambda shop: around(1000)(shop + (shop < changed)), shop_score=around(4))
    assert found(again) == ([("same_as_before", "")] if expected else [])


def test_a_file_with_the_same_figures_for_two_of_its_days_is_suspicious() -> None:
    columns = {"gmv_30d": around(1000), "shop_score": around(4)}
    rows = [row for days in (1, 0) for row in lines_of(day_before(days), columns, range(SHOPS))]
    assert found(bring("metrics", "\n".join(["shop,day,gmv_30d,shop_score", *rows]))) == [
        ("same_as_before", "")
    ]


@pytest.mark.parametrize(
    ("middle", "expected"), [(1200, False), (1200.01, True), (800, False), (799.99, True)]
)
def test_a_median_that_jumps_by_more_than_a_fifth_is_suspicious(middle: float, expected: bool) -> None:
    for days, usual in ((3, 500), (2, 1000), (1, 2000)):
        day_of(day_before(days), gmv_30d=around(usual))
    batch = day_of(DAY, gmv_30d=around(middle))
    assert found(batch) == ([("median_jumped", "gmv_30d")] if expected else [])
    if expected:
        [suspicion] = imports.suspicions_of(batch)
        assert (suspicion.params["now"], suspicion.params["usual"]) == (f"{middle:.2f}", "1000.00")


@pytest.mark.parametrize(("missing", "expected"), [(20, False), (21, True)])
def test_a_column_of_which_half_as_much_more_is_missing_is_suspicious(missing: int, expected: bool) -> None:
    day_of(day_before(1))
    batch = day_of(DAY, gmv_30d=around(1001), shop_score=lambda shop: "" if shop >= SHOPS - missing else "4")
    codes = [code for code, metric in found(batch) if metric == "shop_score"]
    assert ("mostly_missing" in codes) == expected


def test_a_score_that_is_not_given_yet_is_not_missing() -> None:
    day_of(day_before(1))
    none_yet = day_of(DAY, gmv_30d=around(1001), shop_score=lambda shop: "none" if shop % 8 else "4")
    assert ("mostly_missing", "shop_score") not in found(none_yet)


def test_a_column_that_is_gone_from_the_file_is_suspicious_the_first_time_and_not_for_ever() -> None:
    day_of(day_before(9))
    expected = [("mostly_missing", "shop_score")]
    assert found(day_of(day_before(8), gmv_30d=around(1000))) == expected
    for days in range(7, 0, -1):
        day_of(day_before(days), gmv_30d=around(1000 + days))
    assert found(day_of(DAY, gmv_30d=around(1000))) == []


def test_a_small_correction_of_a_day_that_stands_is_judged_with_all_of_the_day() -> None:
    day_of(day_before(1))
    day_of(DAY)
    correction = day_of(DAY, [3, 7, 9], gmv_30d=lambda shop: "5", shop_score=lambda shop: "1.00")
    assert (correction.updated, found(correction)) == (3, [])
    assert DayProfile.objects.get(batch=correction).rows == SHOPS


def test_a_file_is_held_against_its_own_earlier_days_too() -> None:
    rows = [
        row
        for days in (3, 2, 1)
        for row in lines_of(day_before(days), {"gmv_30d": around(1000 + days)}, range(SHOPS))
    ]
    rows += lines_of(DAY, {"gmv_30d": around(2000)}, range(SHOPS))
    batch = bring("metrics", "\n".join(["shop,day,gmv_30d", *rows]))
    assert found(batch) == [("median_jumped", "gmv_30d")]
    assert imports.suspicions_of(batch)[0].params["day"] == f"{DAY}"
    assert [profile.day for profile in DayProfile.objects.order_by("day")] == [
        *(day_before(days) for days in (3, 2, 1)),
        DAY,
    ]


def test_of_a_file_of_many_days_the_newest_seven_are_looked_at() -> None:
    rows = [
        row
        for days in range(9, -1, -1)
        # The eighth, counted from the newest, is another.
        for row in lines_of(
            day_before(days), {"gmv_30d": around(5000 if days == 7 else 1000 + days)}, range(SHOPS)
        )
    ]
    assert found(bring("metrics", "\n".join(["shop,day,gmv_30d", *rows]))) == []


def test_what_was_reversed_is_not_what_is_usual() -> None:
    day_of(day_before(2))
    wrong = day_of(day_before(1), gmv_30d=around(9000), shop_score=around(2))
    assert found(wrong) != []
    reversals.reverse_import(wrong.pk, by=make_user("supervisor"), reason="another platform's file", at=AT)
    assert found(day_of(DAY)) == []


def test_a_refused_file_is_not_what_is_usual() -> None:
    refused = day_of(day_before(1), [*range(SHOPS), 5000], gmv_30d=around(9000))
    assert refused.state == "refused"
    assert not DayProfile.objects.exists()


def test_suspicions_are_told_in_the_readers_language() -> None:
    for days in (2, 1):
        day_of(day_before(days))
    batch = day_of(DAY, 30, gmv_30d=around(3000), shop_score=lambda shop: "4.00" if shop < 3 else "")
    assert [suspicion.message for suspicion in imports.suspicions_of(batch)] == [
        f"{DAY}: the median of paid order amount of 30 days is 2999.95; lately it was about 1008.50.",
        f"{DAY}: shop score is missing for 90 % of the shops; lately for 0 %.",
    ]
    with override("zh-hans"):
        told = [suspicion.message for suspicion in imports.suspicions_of(batch)]
    assert "近30天成交金额" in told[0] and "店铺评分" in told[1]
    assert not any("median" in sentence or "missing" in sentence for sentence in told)


def modelled(day: date) -> dict[str, tuple[Decimal | None, Decimal, Decimal, bool]]:
    """The profile of a day as it stands, worked out row by row."""
    rows = list(ShopMetrics.objects.filter(day=day))

    def share(matching: int) -> Decimal:
        return (Decimal(matching) / len(rows)).quantize(Decimal("0.0001"), ROUND_HALF_UP)

    profile = {}
    for key, metric in METRICS.items():
        values = sorted(value for row in rows if (value := getattr(row, key)) is not None)
        none_yet = sum(getattr(row, f"{key}_none", False) for row in rows)
        number = metric.type is not MetricType.FLAG
        profile[key] = (
            Decimal(values[(len(values) + 1) // 2 - 1]) if values and number else None,
            share(len(rows) - len(values) - none_yet),
            share(none_yet),
            number and len(set(values)) == 1,
        )
    return profile


def kept(batch: ImportBatch) -> dict[str, tuple[Decimal | None, Decimal, Decimal, bool]]:
    figures = DayProfile.objects.get(batch=batch).figures
    return {
        key: (
            None if figures[key]["median"] is None else Decimal(figures[key]["median"]),
            Decimal(str(figures[key]["missing"])),
            Decimal(str(figures[key]["none_yet"])),
            figures[key]["alike"],
        )
        for key in METRICS
    }


CELLS = {
    "gmv_30d": st.sampled_from(["", "0", "10.05", "12.5万"]),
    "paid_orders_30d": st.sampled_from(["", "7", "8"]),
    "shop_score": st.sampled_from(["", "none", "4.10", "4.2"]),
    "positive_rate": st.sampled_from(["", "96%", "0.955"]),
    "warehouse_passed": st.sampled_from(["", "1", "否"]),
}


@st.composite
def a_file(draw: st.DrawFn) -> str:
    columns = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, unique=True))
    codes = draw(st.lists(st.sampled_from(["T1", "T2", "T3", "T4", "T5"]), min_size=1, unique=True))
    rows = [",".join([code, f"{DAY}", *(draw(CELLS[column]) for column in columns)]) for code in codes]
    return "\n".join([f"shop,day,{','.join(columns)}", *rows])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(files=st.lists(a_file(), min_size=1, max_size=3))
def test_the_profile_of_an_import_describes_the_day_as_it_then_stands(files: list[str]) -> None:
    with transaction.atomic():
        for code in ("T1", "T2", "T3", "T4", "T5"):
            make_shop(code=code)
        for file in files:
            batch = bring("metrics", file)
            assert kept(batch) == modelled(DAY)
        transaction.set_rollback(True)


def test_of_a_day_with_very_many_rows_a_sample_is_looked_at(monkeypatch) -> None:
    monkeypatch.setattr(profiles, "ENOUGH", 20)
    columns = {"gmv_30d": around(1000), "shop_score": lambda shop: "" if shop % 2 else "4.50"}
    batch = day_of(day_before(1), 100, **columns)
    # Every fifth shop, whichever of the five it is: ten of these twenty have a score.
    kept = DayProfile.objects.get(batch=batch)
    assert kept.rows == 100
    assert kept.figures["shop_score"]["missing"] == 0.5
    assert abs(float(kept.figures["gmv_30d"]["median"]) - 1000.3) < 0.1
    assert found(batch) == [("all_alike", "shop_score")]
    assert ("same_as_before", "") in found(day_of(DAY, 100, **columns))
