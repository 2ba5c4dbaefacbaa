"""Metrics that people have declared come in by files like the others, and stand under their keys."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils.translation import override
from hypothesis import example, given
from hypothesis import strategies as st

from rules import declaring, reversals
from shops import imports
from shops.imports.declared_columns import of_declared
from shops.imports.patterns import GoodLines
from shops.imports.tables import table_of
from shops.imports.values import BadCell, parser
from shops.metrics import DECIMALS, Metric, MetricType
from shops.models import Correction, DeclaredMetric, ImportBatch, ImportSource, ShopMetrics
from tests.factories import AT, DAY, make_declared, make_metrics, make_shop
from tests.shops.importing import bring, counts, errors, only_error, rejects
from tests.shops.test_round_trips import apart, examples, identical

pytestmark = pytest.mark.django_db


def one_of_each_type() -> None:
    make_declared("care_score")
    make_declared("trust", type="score", minimum=Decimal(-20), maximum=Decimal("100"), knows_none_yet=False)
    make_declared("return_share", type="rate")
    make_declared("paid_out", type="amount", minimum=Decimal(-1000))
    make_declared("complaints", type="count", maximum=Decimal(50))
    make_declared("has_licence", type="flag")


HEADERS = "shop,day,care_score,trust,return_share,paid_out,complaints,has_licence\n"


def extra(code: str = "S1") -> dict[str, Any]:
    return ShopMetrics.objects.get(shop__code=code, day=DAY).extra


@pytest.fixture
def shop() -> None:
    make_shop(code="S1")
    make_shop(code="S2")


# What comes in.


def test_every_type_is_kept_exactly(shop) -> None:
    one_of_each_type()
    content = f"{HEADERS}S1,{DAY},4.1,-7.5,12.5%,1.2万,50,是\nS2,{DAY},暂无,,,,,\n"
    batch = bring("metrics", content)
    assert (counts(batch), errors(batch)) == ((2, 2, 0, 0, 0), [])
    assert extra() == {
        "care_score": "4.10",
        "trust": "-7.50",
        "return_share": "0.125000",
        "paid_out": "12000.00",
        "complaints": 50,
        "has_licence": True,
    }
    # What is missing does not stand there: it is no data.
    assert extra("S2") == {"care_score": "none"}
    assert sorted(batch.declared) == sorted(HEADERS.strip().split(",")[2:])


@pytest.mark.parametrize("header", ["care_score", "CARE_SCORE", "Care of buyers", "关怀分"])
def test_a_column_is_known_by_key_or_either_name(shop, header: str) -> None:
    make_declared("care_score", name_en="Care of buyers", name_zh="关怀分")
    bring("metrics", f"shop,day,{header}\nS1,{DAY},4.1\n")
    assert extra() == {"care_score": "4.10"}


def test_the_same_written_otherwise_is_no_change(shop) -> None:
    one_of_each_type()
    bring("metrics", f"{HEADERS}S1,{DAY},4.1,7,0.125,12000,50,1\n")
    again = bring("metrics", f"{HEADERS}S1,{DAY},4.10,7.0,12.50%,1.2万,50,true\n")
    assert counts(again) == (1, 0, 0, 1, 0)


def test_what_a_file_does_not_bring_stays_as_it_is(shop) -> None:
    one_of_each_type()
    bring("metrics", f"shop,day,care_score,complaints\nS1,{DAY},4.1,3\n")
    batch = bring("metrics", f"shop,day,care_score\nS1,{DAY},4.2\n")
    assert extra() == {"care_score": "4.20", "complaints": 3}
    assert "complaints" in batch.absent and "care_score" not in batch.absent
    assert "complaints" in imports.absent_of(batch)


def test_an_empty_cell_of_a_later_file_takes_the_value_away(shop) -> None:
    make_declared("care_score")
    bring("metrics", f"shop,day,care_score\nS1,{DAY},4.1\n")
    bring("metrics", f"shop,day,care_score\nS1,{DAY},\n")
    assert extra() == {}


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("care_score", "5.01", "out_of_range"),
        ("care_score", "4,1", "bad_score"),
        ("care_score", "4.123", "too_many_decimals"),
        ("trust", "暂无", "bad_number"),
        ("trust", "-20.01", "out_of_range"),
        ("return_share", "95", "rate_out_of_range"),
        ("return_share", "a", "bad_rate"),
        ("paid_out", "-1000.01", "out_of_range"),
        ("paid_out", "1e3", "bad_number"),
        ("complaints", "50.5", "bad_integer"),
        ("complaints", "51", "out_of_range"),
        ("has_licence", "maybe", "bad_flag"),
    ],
)
def test_a_bad_cell_is_named_by_row_column_and_value(shop, column: str, value: str, code: str) -> None:
    one_of_each_type()
    batch = bring("metrics", f'shop,day,{column}\nS1,{DAY},\nS2,{DAY},"{value}"\n')
    assert batch.state == "refused"
    assert errors(batch) == [(3, column, value, code)]
    assert not ShopMetrics.objects.exists()


def test_the_bounds_are_named_in_both_languages(shop) -> None:
    make_declared("trust", minimum=Decimal(0), maximum=Decimal(100))
    batch = bring("metrics", f"shop,day,trust\nS1,{DAY},101\nS2,{DAY},?\n")
    told = [error.message for error in imports.errors_of(batch)]
    assert told[0] == "Expected a number from 0 to 100."
    assert told[1] == "Expected a score from 0 to 100, or “none” where there is no score yet."
    with override("zh-hans"):
        assert "0 到 100" in imports.errors_of(batch)[1].message
        assert "trust" in rejects(batch)


def test_a_header_that_nobody_declared_is_unknown_as_ever_and_the_declared_are_offered(shop) -> None:
    make_declared("care_score", name_zh="关怀分")
    batch = bring("metrics", f"shop,day,care\nS1,{DAY},4\n")
    assert batch.error_counts == {"unknown_column": 1, "no_figures": 1}
    assert all("care_score (关怀分)" in error.message for error in imports.errors_of(batch))
    assert imports.column_names("metrics")["care_score"] == "care_score"


def test_a_saved_source_maps_its_header_to_a_declared_metric(shop) -> None:
    make_declared("care_score")
    source = ImportSource(name="daily", kind="metrics", columns={"CARE": "care_score"})
    source.save_by(None)
    bring("metrics", f"shop,day,CARE\nS1,{DAY},4.1\n", source=source)
    assert extra() == {"care_score": "4.10"}


def test_what_would_change_is_shown_before_it_does(shop) -> None:
    one_of_each_type()
    bring("metrics", f"shop,day,care_score,has_licence,complaints\nS1,{DAY},none,1,3\n")
    batch = bring(
        "metrics",
        f"shop,day,care_score,has_licence,complaints\nS1,{DAY},4.5,0,4\n",
        consent=ImportBatch.Consent.ASK,
    )
    assert batch.state == "ready"
    assert batch.changes["columns"] == {"care_score": 1, "has_licence": 1, "complaints": 1}
    shown = {cell["column"]: (cell["old"], cell["new"]) for cell in batch.changes["cells"]}
    assert shown == {
        "care_score": ("none", "4.5"),
        "has_licence": ("true", "false"),
        "complaints": ("3", "4"),
    }
    assert imports.told("metrics", "has_licence", "true") == "yes"
    imports.confirm(batch.pk, by=None)
    assert imports.process(batch.pk, at=AT + timedelta(hours=1)).state == "applied"
    assert extra() == {"care_score": "4.50", "has_licence": False, "complaints": 4}


def test_a_file_without_declared_metrics_stages_and_writes_as_ever(shop) -> None:
    """The statements are the same ones, word by word, but for the look at what is declared."""

    def statements() -> list[str]:
        with transaction.atomic():
            with CaptureAll(connection) as said:
                bring("metrics", f"shop,day,gmv_30d\nS1,{DAY},1\n", at=AT + timedelta(minutes=5))
            transaction.set_rollback(True)
        return [one for one in said.statements if "import_plan" in one and "import_sample" not in one]

    before = statements()
    make_declared("care_score")
    assert statements() == before
    assert any("INSERT INTO shops_shopmetrics" in one for one in before)


class CaptureAll:
    """Every statement that goes to the server while it is entered."""

    def __init__(self, of: Any) -> None:
        self._wrapper = of.execute_wrapper(self._note)
        self.statements: list[str] = []

    def _note(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.statements.append(sql)
        return execute(sql, params, many, context)

    def __enter__(self) -> CaptureAll:
        self._wrapper.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._wrapper.__exit__(*error)


def test_what_looks_suspicious_is_told_of_a_declared_metric_too() -> None:
    make_declared("care_score")
    codes = [f"S{number}" for number in range(30)]
    for code in codes:
        make_shop(code=code)
    for ago, score in ((1, "4.1"), (0, "2.1")):
        rows = "".join(
            f"{code},{DAY - timedelta(days=ago)},{score[:-1]}{number % 9}\n"
            for number, code in enumerate(codes)
        )
        batch = bring("metrics", f"shop,day,care_score\n{rows}")
    [told] = [each for each in imports.suspicions_of(batch) if each.code == "median_jumped"]
    assert "care score" in told.message and "2.30" in told.message


# What goes back, and what goes out.


def test_a_reversed_import_takes_its_keys_back(shop) -> None:
    make_declared("care_score")
    make_declared("complaints", type="count")
    bring("metrics", f"shop,day,care_score\nS1,{DAY},4.1\n")
    batch = bring("metrics", f"shop,day,care_score,complaints\nS1,{DAY},3.1,7\nS2,{DAY},2,1\n")
    assert Correction.objects.get().before["extra"] == {"care_score": "4.10"}
    reversals.reverse_import(batch.pk, by=None, at=AT, reason="wrong")
    assert extra() == {"care_score": "4.10"}
    assert not ShopMetrics.objects.filter(shop__code="S2").exists()


def values_of(metric: DeclaredMetric) -> st.SearchStrategy[Any]:
    kind = MetricType(metric.type)
    if kind is MetricType.FLAG:
        return st.booleans()
    if kind is MetricType.COUNT:
        return st.integers(int(metric.minimum or 0), int(metric.maximum or 0))
    numbers = st.decimals(metric.minimum, metric.maximum, places=DECIMALS[kind]).map(lambda n: f"{n:f}")
    return numbers | st.just("none") if metric.knows_none_yet else numbers


@examples
@given(st.data())
def test_declared_metrics_go_out_and_in_again(data: st.DataObject) -> None:
    def test() -> None:
        one_of_each_type()
        metrics = list(DeclaredMetric.objects.all())
        for code in ("S1", "S2", "S3"):
            kept = {m.key: data.draw(st.none() | values_of(m), label=m.key) for m in metrics}
            make_metrics(make_shop(code=code), extra={key: v for key, v in kept.items() if v is not None})
        identical("metrics", "/admin/shops/shop/metrics/", 3, {"day": DAY.isoformat()})

    apart(test)


# Retired, or changed meanwhile.


def retired(key: str, ago: int = 0) -> DeclaredMetric:
    """Retired from so many days before DAY on."""
    metric = make_declared(key)
    day = DAY - timedelta(days=ago)
    declaring.retire(metric, day=day, reason="gone", by=None, at=AT - timedelta(days=30))
    return metric


def test_a_retired_metrics_column_is_refused_with_a_clear_word(shop) -> None:
    retired("care_score")
    batch = bring("metrics", f"shop,day,care_score,gmv_30d\nS1,{DAY},4.1,5\n")
    assert (batch.state, only_error(batch).code) == ("refused", "retired_column")
    assert f"of {DAY} and later days no figures are taken" in only_error(batch).message
    # Read over, the rest comes in.
    anew = imports.read_anew(
        batch.pk, reading=imports.Reading(columns={"care_score": ""}), by=None, at=AT + timedelta(hours=1)
    )
    imports.confirm(imports.process(anew.pk, at=AT + timedelta(hours=1)).pk, by=None)
    assert imports.process(anew.pk, at=AT + timedelta(hours=1)).state == "applied"
    assert extra() == {}


def test_days_before_its_retirement_still_come_in(shop) -> None:
    retired("care_score")
    day = DAY - timedelta(days=1)
    batch = bring("metrics", f"shop,day,care_score\nS1,{day},4.1\n")
    assert batch.state == "applied"
    assert ShopMetrics.objects.get().extra == {"care_score": "4.10"}


def test_a_retired_metric_is_neither_missed_nor_offered(shop) -> None:
    retired("care_score")
    batch = bring("metrics", f"shop,day,gmv_30d\nS1,{DAY},4\n")
    assert "care_score" not in batch.absent
    other = bring("metrics", f"shop,day,unheard_of\nS1,{DAY},4\n")
    assert all("care_score" not in error.message for error in imports.errors_of(other))


def test_a_metric_declared_between_look_and_consent_changes_nothing(shop) -> None:
    content = f"shop,day,gmv_30d\nS1,{DAY},4\n"
    batch = bring("metrics", content, consent=ImportBatch.Consent.ASK)
    make_declared("care_score")
    imports.confirm(batch.pk, by=None)
    done = imports.process(batch.pk, at=AT + timedelta(hours=1))
    assert (done.state, counts(done), done.declared) == ("applied", (1, 1, 0, 0, 0), [])


# What the database itself refuses, also to the application.


def execute(statement: str) -> None:
    """As the application's role, which is what tests run as."""
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    "change",
    [
        "key = 'other'",
        "type = 'amount', knows_none_yet = false",
        "minimum = -1",
        "maximum = 4",
        "knows_none_yet = false",
        "window_days = 3",
    ],
)
def test_what_it_measures_never_changes_once_figures_came_in(shop, change: str) -> None:
    metric = make_declared("care_score")
    statement = f"UPDATE shops_declaredmetric SET {change} WHERE id = {metric.pk}"
    with transaction.atomic():
        execute(statement)
        transaction.set_rollback(True)
    batch = bring("metrics", f"shop,day,care_score\nS1,{DAY},4.1\n")
    with pytest.raises(IntegrityError, match="figures were imported"), transaction.atomic():
        execute(statement)
    # Also once they were taken back: corrections and evidence may speak of them.
    reversals.reverse_import(batch.pk, by=None, at=AT, reason="wrong")
    with pytest.raises(IntegrityError, match="figures were imported"), transaction.atomic():
        execute(statement)


def test_a_retired_metric_stays_so() -> None:
    metric = retired("care_score")
    with pytest.raises(IntegrityError, match="stay retired"), transaction.atomic():
        DeclaredMetric.objects.filter(pk=metric.pk).update(retired_on=None)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"key": "Care Score"}, "key_is_small_letters_and_digits"),
        ({"name_zh": ""}, "has_both_names"),
        ({"minimum": None}, "number_has_bounds"),
        ({"minimum": Decimal(6)}, "minimum_is_not_above_the_maximum"),
        ({"type": "rate", "knows_none_yet": False}, "rate_is_a_share_of_one"),
        ({"type": "count", "knows_none_yet": False, "minimum": Decimal(-1)}, "count_is_one"),
        ({"type": "amount"}, "only_a_score_can_be_none_yet"),
        ({"window_days": 0}, "window_has_a_day"),
    ],
)
def test_what_makes_no_sense_is_refused_by_the_database(values: dict[str, Any], sentence: str) -> None:
    metric = make_declared("care_score")
    with pytest.raises(IntegrityError, match=sentence), transaction.atomic():
        DeclaredMetric.objects.filter(pk=metric.pk).update(**values)


# The shortcut past the parsers lets nothing through that they would stage otherwise.


BOUNDS = st.sampled_from(["-3", "0", "0.5", "1", "2", "5", "9", "9.5", "10", "99", "99.99", "100", "999.98"])


@given(
    st.sampled_from([MetricType.SCORE, MetricType.AMOUNT, MetricType.RATE, MetricType.COUNT]),
    st.tuples(BOUNDS, BOUNDS).map(lambda ends: sorted(map(Decimal, ends))),
    st.from_regex(r"-?[0-9]{1,4}(\.[0-9]{1,3})?%?", fullmatch=True),
)
@example(MetricType.RATE, [Decimal(0), Decimal(1)], "0%")
@example(MetricType.RATE, [Decimal(0), Decimal(1)], "95")
@example(MetricType.AMOUNT, [Decimal(0), Decimal(100)], "5.")
def test_a_good_line_is_staged_as_its_parser_would(kind: MetricType, ends: list[Decimal], cell: str) -> None:
    least, most = ends
    if kind is MetricType.COUNT:
        least, most = Decimal(int(least)), Decimal(int(most))
    if kind is MetricType.RATE:
        least, most = max(least, Decimal(0)), min(most, Decimal(1))
    metric = Metric(
        "trust", "trust", "信任", "", kind, DECIMALS[kind], least, most, knows_none_yet=True, declared=True
    )
    column = of_declared(metric)
    line = f"x,{cell}\n".encode()
    good = GoodLines([None, column], ",")
    if good.end_of_run(line, 0):
        try:
            staged = parser(column, ",")(cell)
        except BadCell as bad:
            raise AssertionError(f"{cell} is no good line: {bad.code}") from bad
        found = good.staged(line).decode().removeprefix("x,").removesuffix("\n")
        # A share is staged as it is written; the same number is meant.
        number = Decimal(found[:-1]) / 100 if found.endswith("%") else Decimal(found)
        assert number == Decimal(staged)


def test_most_good_lines_need_no_parser() -> None:
    """The control."""
    one_of_each_type()
    columns = {column.name: column for column in table_of("metrics").columns}
    good = GoodLines([None, columns["care_score"], columns["trust"], columns["return_share"]], ",")
    line = b"x,4.12,87.5,0.95\n"
    assert good.end_of_run(line, 0) == len(line)
