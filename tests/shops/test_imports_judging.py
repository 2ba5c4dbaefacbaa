"""What is wrong with a row, and that nothing of a bad file is written."""

from __future__ import annotations

import csv
from datetime import timedelta

import pytest
from django.utils import translation

from shops import imports
from shops.models import Correction, Enrollment, ImportBatch, Opening, Qualification, Shop, ShopMetrics
from tests.factories import AT, DAY, DOUYIN, WECHAT, make_enrollment, make_metrics, make_shop
from tests.shops.importing import METRICS_HEADERS, bring, counts, errors, only_error, rejects

pytestmark = pytest.mark.django_db

GOOD = "100.00,5,4.5,4.4,4.3,4.2,4.1,0.9,1,1,1,1"


@pytest.fixture
def shop() -> Shop:
    return make_shop(code="S1")


def metrics(*rows: str) -> str:
    return "\n".join([METRICS_HEADERS, *rows]) + "\n"


def written() -> int:
    return sum(
        model.objects.count() for model in (Shop, ShopMetrics, Enrollment, Opening, Qualification, Correction)
    )


@pytest.mark.parametrize(
    ("row", "place"),
    [
        (f"S9,{DAY},{GOOD}", ("shop", "S9", "unknown_shop")),
        (f"S1,2026-02-30,{GOOD}", ("day", "2026-02-30", "bad_date")),
        (f"S1,{DAY},NaN,5,4.5,4.4,4.3,4.2,4.1,0.9,1,1,1,1", ("gmv_30d", "NaN", "bad_number")),
        (f"S1,{DAY},-0.01,5,4.5,4.4,4.3,4.2,4.1,0.9,1,1,1,1", ("gmv_30d", "-0.01", "out_of_range")),
        (f"S1,{DAY},1,5,6,4.4,4.3,4.2,4.1,0.9,1,1,1,1", ("shop_score", "6", "out_of_range")),
        (f"S1,{DAY},1,5,4,4.4,4.3,4.2,4.1,0.9,1,1,1", ("", "", "row_length")),
        (f"S1,{AT.date() + timedelta(days=1)},{GOOD}", ("day", "2026-03-12", "future")),
        (f"2.5E+18,{DAY},{GOOD}", ("shop", "2.5E+18", "rounded_id")),
    ],
)
def test_a_bad_row_refuses_the_file_and_nothing_is_written(shop, row: str, place: tuple) -> None:
    make_shop(code="S2")
    before = written()
    batch = bring("metrics", metrics(f"S2,{DAY},{GOOD}", row))
    assert batch.state == ImportBatch.State.REFUSED
    assert errors(batch) == [(3, *place)]
    assert counts(batch) == (2, 0, 0, 0, 2)
    assert written() == before


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("", (1, "", "", "empty_file")),
        (f"shop,gmv_30d\nS1,{DAY}\n", (1, "day", "", "missing_column")),
        (f"shop,day,gmv_30d,gmv_30d\nS1,{DAY},1,2\n", (1, "gmv_30d", "", "doubled_column")),
        (f"shop,day,gmv_30d,colour\nS1,{DAY},1,2\n", (1, "colour", "", "unknown_column")),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused(shop, content: str, place: tuple) -> None:
    batch = bring("metrics", content)
    assert (batch.state, errors(batch), counts(batch)) == ("refused", [place], (0, 0, 0, 0, 0))


def test_all_errors_of_a_row_are_named_also_those_that_only_the_record_knows(shop) -> None:
    batch = bring("metrics", metrics("S9,2026-03-40,x,-1,6,4.4,4.3,4.2,4.1,95,2,1,1,1"))
    assert errors(batch) == [
        (2, "shop", "S9", "unknown_shop"),
        (2, "day", "2026-03-40", "bad_date"),
        (2, "gmv_30d", "x", "bad_number"),
        (2, "paid_orders_30d", "-1", "out_of_range"),
        (2, "shop_score", "6", "out_of_range"),
        (2, "positive_rate", "95", "rate_out_of_range"),
        (2, "warehouse_passed", "2", "bad_flag"),
    ]


def test_an_error_names_the_column_as_the_file_does(shop) -> None:
    batch = bring("metrics", f"店铺编码,日期,店铺评分\nS1,{DAY},6\n")
    assert only_error(batch).column == "店铺评分"


def test_an_error_is_told_in_the_readers_language(shop) -> None:
    error = only_error(bring("metrics", metrics(f"S1,{DAY},NaN,5,4.5,4.4,4.3,4.2,4.1,0.9,1,1,1,1")))
    with translation.override("en"):
        assert "plain digits" in error.message
    with translation.override("zh-hans"):
        assert "plain digits" not in error.message


def test_good_rows_go_in_when_the_person_says_so_and_every_row_is_accounted_for(shop) -> None:
    batch = bring("metrics", metrics(f"S1,{DAY},{GOOD}", f"S9,{DAY},{GOOD}"), partial=True)
    assert (batch.state, counts(batch)) == ("applied", (2, 1, 0, 0, 1))
    assert ShopMetrics.objects.get().shop == shop
    assert (batch.first_day, batch.last_day) == (DAY, DAY)


def test_of_a_doubled_key_no_row_is_taken(shop) -> None:
    other = f"S1,{DAY - timedelta(days=1)},{GOOD}"
    batch = bring("metrics", metrics(f"S1,{DAY},{GOOD}", other, f"S1,{DAY},{GOOD}"), partial=True)
    assert counts(batch) == (3, 1, 0, 0, 2)
    assert [(error.row, error.code, error.params["other"]) for error in imports.errors_of(batch)] == [
        (2, "duplicate", 4),
        (4, "duplicate", 2),
    ]


def test_a_bad_date_is_no_empty_one_and_doubles_nothing(shop) -> None:
    papers = "shop,kind,brand,valid_until,verdict\nS1,brand,A,,accepted\nS1,brand,A,2026-13-01,accepted\n"
    assert errors(bring("qualifications", papers)) == [(3, "valid_until", "2026-13-01", "bad_date")]


def test_two_papers_without_end_are_the_same_paper(shop) -> None:
    papers = "shop,kind,brand,verdict\nS1,brand,A,accepted\nS1,brand,A,pending\n"
    assert [code for *_place, code in errors(bring("qualifications", papers))] == ["duplicate"] * 2


def test_a_brands_paper_names_its_brand(shop) -> None:
    papers = "shop,kind,verdict\nS1,brand,accepted\nS1,licence,accepted\n"
    assert errors(bring("qualifications", papers)) == [(2, "brand", "", "brand_needed")]


def test_the_twenty_first_error_stands_in_the_file_of_rejected_rows(shop) -> None:
    rows = [f"X{number},{DAY},{GOOD}" for number in range(50)]
    batch = bring("metrics", metrics(*rows, f"S1,{DAY},{GOOD}"))
    assert len(batch.errors) == 20
    lines = rejects(batch).splitlines()
    assert len(lines) == 51
    assert lines[1].startswith('"shop: No shop has this code.')
    assert next(csv.reader([lines[50]]))[1:] == ["X49", str(DAY), *GOOD.split(",")]


def test_rejected_rows_are_mended_and_sent_again_as_they_are(shop) -> None:
    batch = bring("metrics", metrics(f"S1,{DAY},1,5,6,4.4,4.3,4.2,4.1,0.9,1,1,1,1"))
    mended = rejects(batch).replace('"6"', '"4.6"')
    assert counts(bring("metrics", mended)) == (1, 1, 0, 0, 0)


def test_rejected_rows_start_no_formula_in_a_spreadsheet(shop) -> None:
    batch = bring("metrics", metrics(f"=1+1,{DAY},{GOOD}"))
    assert f""","'=1+1","{DAY}\"""" in rejects(batch)


def test_what_was_made_safe_for_spreadsheets_comes_back_as_it_was() -> None:
    headers = "code,name,shop_type,category,goods_kind,status,subject_kind,phone,contact\n"
    # A `'` says that the cell is a text; of two the second is the text's own.
    row = "\tR1,'@张三,ordinary,beauty,physical,{},enterprise,+86-21-5555,''=1+1\n"
    sent = rejects(bring("shops", headers + row.format("open")))
    assert ""","'@张三",""" in sent and ""","''=1+1\"""" in sent
    assert counts(bring("shops", sent.replace('"open"', '"normal"'))) == (1, 1, 0, 0, 0)
    back = Shop.objects.get()
    assert (back.code, back.name, back.phone, back.contact) == ("R1", "@张三", "+86-21-5555", "'=1+1")


def test_a_row_of_the_wrong_length_is_handed_back_whole(shop) -> None:
    batch = bring("metrics", metrics(f"S1,{DAY},{GOOD},extra"))
    assert rejects(batch).rstrip().endswith(f'"{GOOD},extra"'.replace(",", '","'))


ENROLLMENTS = "shop,alliance,state,opened_on,openings,closed_on,cause\n"


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        ("S1,nowhere,open,,,,", "alliance", "unknown_alliance"),
        (f"S1,{DOUYIN},open,,4,,", "openings", "openings_above_limit"),
        (f"S1,{DOUYIN},open,,0,,", "openings", "open_without_opening"),
        (f"S1,{DOUYIN},cleared,,0,,", "openings", "open_without_opening"),
        (f"S1,{DOUYIN},open,,,2026-01-01,", "closed_on", "open_has_no_end"),
        (f"S1,{DOUYIN},open,,,,metric", "cause", "open_has_no_end"),
        (f"S1,{DOUYIN},applied,2026-01-01,,,", "opened_on", "never_opened"),
        (f"S1,{DOUYIN},left,,0,,voluntary", "cause", "never_opened"),
        (f"S1,{DOUYIN},left,2026-01-02,1,2026-01-01,", "closed_on", "closed_before_opened"),
        (f"S1,{DOUYIN},open,2026-03-12,,,", "opened_on", "future"),
        (f"S1,{DOUYIN},open,,1.5,,", "openings", "bad_integer"),
    ],
)
def test_an_enrollment_that_makes_no_sense_is_refused(shop, row: str, column: str, code: str) -> None:
    batch = bring("enrollments", ENROLLMENTS + row + "\n")
    assert (only_error(batch).column, only_error(batch).code) == (column, code)
    assert not Enrollment.objects.exists()


def test_wechat_has_no_limit_of_openings(shop) -> None:
    assert counts(bring("enrollments", f"{ENROLLMENTS}S1,{WECHAT},open,,9,,\n")) == (1, 1, 0, 0, 0)


def test_an_alliance_is_also_known_by_its_name_but_stays_one(shop) -> None:
    rows = f"S1,抖音精选联盟,open,,,,\nS1,{DOUYIN},open,,,,\n"
    assert {error.code for error in imports.errors_of(bring("enrollments", ENROLLMENTS + rows))} == {
        "duplicate"
    }
    assert counts(bring("enrollments", f"{ENROLLMENTS}S1,抖音精选联盟,已开通,,,,\n")) == (1, 1, 0, 0, 0)


def test_a_row_that_contradicts_an_enrollment_is_rejected_showing_both(shop) -> None:
    make_enrollment(shop, DOUYIN, state="open", openings=2)
    batch = bring("enrollments", f"{ENROLLMENTS}S1,{DOUYIN},cleared,,3,2026-01-01,metric\n")
    assert [
        (error.column, error.value, error.code, error.params.get("standing"))
        for error in imports.errors_of(batch)
    ] == [
        ("state", "cleared", "contradiction", "open"),
        ("openings", "3", "contradiction", "2"),
        ("closed_on", "2026-01-01", "nothing_standing", None),
        ("cause", "metric", "nothing_standing", None),
    ]


def test_what_stands_is_told_in_the_readers_words(shop) -> None:
    make_enrollment(shop, DOUYIN, state="open", openings=2)
    contradicting = bring("enrollments", f"{ENROLLMENTS}S1,{DOUYIN},已清退,,,,\n")
    assert "“open”" in only_error(contradicting).message
    columns = "shop,day,shop_score,gmv_30d,warehouse_passed"
    bring("metrics", f"{columns}\nS1,{DAY},暂无,1200.50,1\n", at=AT)
    clashing = bring("metrics", f"{columns}\nS1,{DAY},4.5,1300,0\n", at=AT)
    assert [error.params["standing"] for error in imports.errors_of(clashing)] == ["none", "1200.5", "true"]
    empty = bring("metrics", f"{columns}\nS1,{DAY},,1200.5,\n", at=AT)
    assert [error.params["standing"] for error in imports.errors_of(empty)] == ["none", "true"]
    with translation.override("zh-hans"):
        assert "“已开通”" in only_error(contradicting).message
        assert only_error(contradicting).cell == "已清退"
        assert "已开通" in rejects(contradicting)
        said = [error.message for error in imports.errors_of(clashing)]
        for word, message in zip(["“暂无”", "“1200.5”", "“是”"], said, strict=True):
            assert word in message


def test_a_row_that_says_less_than_the_record_changes_nothing(shop) -> None:
    make_enrollment(shop, DOUYIN, state="open", openings=2)
    assert counts(bring("enrollments", f"{ENROLLMENTS}S1,{DOUYIN},open,,,,\n")) == (1, 0, 0, 1, 0)


def test_the_day_is_measured_against_the_files_own_knowledge(shop) -> None:
    content = metrics(f"S1,{DAY},{GOOD}")
    batch = bring("metrics", content, as_of=AT - timedelta(days=3))
    assert only_error(batch).code == "future"
    assert only_error(batch).params["limit"] == "2026-03-08"
    make_metrics(shop, DAY - timedelta(days=9))
    assert bring("metrics", content, as_of=AT).state == "applied"
