from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shops.imports import values
from shops.imports.columns import Column
from shops.imports.tables import TABLES
from shops.imports.values import NOT_YET, NULL, BadCell, Parser, moment


def column(kind: str, name: str) -> Column:
    return next(column for column in TABLES[kind].columns if column.name == name)


def parser(of: Column) -> Parser:
    return values.parser(of, ",")


def refusal(of: Column, cell: str) -> str:
    """The code with which a cell is refused; empty if it is taken."""
    try:
        parser(of)(cell)
    except BadCell as bad:
        return bad.code
    return ""


GMV = column("metrics", "gmv_30d")
ORDERS = column("metrics", "paid_orders_30d")
SCORE = column("metrics", "shop_score")
RATE = column("metrics", "positive_rate")
FLAG = column("metrics", "warehouse_passed")
DAY = column("metrics", "day")
SHOP = column("metrics", "shop")
NAME = column("shops", "name")
TYPE = column("shops", "shop_type")


@pytest.mark.parametrize(
    "cell",
    [
        "NaN",
        "nan",
        "Infinity",
        "-inf",
        "1e400",
        "1E5",
        "1,234.56",
        "1_000",
        "１２３",
        "٣",
        "+5",
        ".5",
        "5.",
        "0x10",
        "¥5",
        "5元",
        "95%",
        "--1",
        "1 000",
        "−1",
        "-",
        "N/A",
        "none",
        "=1+1",
    ],
)
def test_only_plain_digits_are_a_number(cell: str) -> None:
    assert refusal(GMV, cell) == "bad_number"


def test_amounts_may_be_written_in_ten_thousands() -> None:
    assert parser(GMV)("12.5万") == "125000"
    assert parser(GMV)("0.000001万") == "0.01"
    assert refusal(GMV, "0.0000001万") == "too_many_decimals"
    # Longer than arithmetic keeps: still exact.
    assert refusal(GMV, "1." + "0" * 40 + "1万") == "too_many_decimals"
    assert refusal(GMV, "10000000000万") == "out_of_range"
    assert refusal(ORDERS, "5万") == "bad_integer"
    assert refusal(SCORE, "4万") == "bad_score"


def test_an_empty_cell_is_missing_and_not_zero() -> None:
    assert parser(GMV)("") == parser(GMV)("  ") == NULL
    assert parser(GMV)("0") == "0"
    assert parser(SCORE)("") == NULL


def test_negatives_and_values_off_the_scale_are_refused() -> None:
    assert refusal(GMV, "-0.01") == refusal(ORDERS, "-1") == "out_of_range"
    assert refusal(SCORE, "5.01") == refusal(SCORE, "6") == refusal(SCORE, "-1") == "out_of_range"
    assert refusal(ORDERS, "2147483648") == "out_of_range"
    assert refusal(GMV, "9" * 5000) == "out_of_range"
    assert refusal(SCORE, "5") == refusal(SCORE, "0") == refusal(SCORE, "5.00") == ""


def test_decimals_are_never_rounded_away() -> None:
    assert refusal(SCORE, "4.101") == refusal(GMV, "0.001") == "too_many_decimals"
    assert refusal(ORDERS, "5.0") == "bad_integer"
    assert refusal(RATE, "0.1234567") == refusal(RATE, "12.34567%") == "too_many_decimals"
    # Nothing is lost with these.
    assert refusal(SCORE, "4.100") == refusal(RATE, "12.3456%") == ""


def test_zeros_without_end_are_no_decimals_and_take_no_room() -> None:
    zeros = "0" * 20_000
    assert parser(GMV)(f"12.5{zeros}") == "12.50"
    assert parser(SCORE)(f"4.{zeros}") == "4.00"
    assert parser(RATE)(f"0.{zeros}") == "0.000000"
    assert Decimal(parser(RATE)(f"95.{zeros}%")) == Decimal("0.95")
    assert refusal(GMV, f"12.5{zeros}1") == refusal(RATE, f"0.{zeros}1%") == "too_many_decimals"


def test_a_score_knows_none_yet_and_others_do_not() -> None:
    for cell in ("none", "None", "暂无"):
        assert parser(SCORE)(cell) == NOT_YET
        assert refusal(RATE, cell) == "bad_rate"
        assert refusal(ORDERS, cell) == "bad_integer"


def test_a_rate_is_a_share_of_one_or_carries_its_sign() -> None:
    assert Decimal(parser(RATE)("95%")) == Decimal(parser(RATE)("0.95")) == Decimal("0.95")
    assert Decimal(parser(RATE)("100%")) == Decimal(parser(RATE)("1")) == 1
    assert refusal(RATE, "95") == refusal(RATE, "100.01%") == "rate_out_of_range"
    assert refusal(RATE, "95％") == refusal(RATE, "%") == refusal(RATE, "95 %") == "bad_rate"


def test_flags_have_three_pairs_of_words() -> None:
    assert [parser(FLAG)(cell) for cell in ("1", "true", "TRUE", "是")] == ["t"] * 4
    assert [parser(FLAG)(cell) for cell in ("0", "false", "FALSE", "否")] == ["f"] * 4
    assert {refusal(FLAG, cell) for cell in ("yes", "2", "y", "t", "１", "有")} == {"bad_flag"}


@pytest.mark.parametrize(
    "cell",
    [
        "2024-02-30",
        "2023-02-29",
        "2024-13-01",
        "2024/08/31",
        "20240831",
        "2024-8-31",
        "31-08-2024",
        "2024-08-31 00:00",
        "45535",
        "２０２４-08-31",
        "2024年8月31日",
        "2024-W35-6",
    ],
)
def test_only_a_day_of_the_calendar_in_its_one_form_is_a_date(cell: str) -> None:
    assert refusal(DAY, cell) == "bad_date"


def test_leap_days_are_days_and_1900_is_a_slip() -> None:
    assert parser(DAY)("2024-02-29") == "2024-02-29"
    assert refusal(DAY, "1900-01-01") == "too_early"
    assert refusal(DAY, "") == "missing_value"


def test_ids_are_text_and_one_that_a_spreadsheet_rounded_is_refused() -> None:
    assert parser(SHOP)("0012345678901234567") == '"0012345678901234567"'
    # Platforms put a tab behind a long number so that spreadsheets leave it alone.
    assert parser(SHOP)("2534567890123456789\t") == '"2534567890123456789"'
    assert refusal(SHOP, "2.53457E+18") == refusal(SHOP, "2.534567890123457e+18") == "rounded_id"
    assert refusal(SHOP, "S" * 65) == "too_long"
    assert refusal(SHOP, " ") == "missing_value"


def test_text_without_control_or_damaged_characters() -> None:
    for character in "\x07\n\x85\ufffd":
        assert refusal(NAME, f"a{character}b") == "bad_character"
    assert parser(NAME)('a\\"b') == '"a\\""b","a\\""b"'


def test_ids_hold_nothing_invisible_and_no_text_turns_around() -> None:
    for character in "\u200b\u200d\u2060\ufeff\u00ad\u202e":
        assert refusal(SHOP, f"S1{character}") == "bad_character"
    assert refusal(NAME, "a\u202eb") == refusal(NAME, "a\u2066b") == "bad_character"
    assert refusal(NAME, "👩\u200d🍳厨房") == ""


@pytest.mark.parametrize(
    "cell",
    [
        "#N/A",
        "#REF!",
        "#VALUE!",
        "#DIV/0!",
        "#NAME?",
        "#NULL!",
        "#NUM!",
        "#FORMULA",
        "#n/a",
        " #REF!\t",
        "####",
    ],
)
def test_a_spreadsheets_error_is_neither_an_id_nor_a_text(cell: str) -> None:
    assert refusal(SHOP, cell) == refusal(NAME, cell) == "sheet_error"
    assert refusal(NAME, f"店 {cell.strip()}") == refusal(NAME, "#1") == refusal(SHOP, "N/A") == ""


def test_choices_take_their_chinese_words() -> None:
    assert parser(TYPE)("旗舰店") == parser(TYPE)("Flagship") == parser(TYPE)("flagship") == "flagship"
    assert refusal(TYPE, "shop") == "bad_choice"
    with pytest.raises(BadCell) as bad:
        parser(TYPE)("shop")
    assert "flagship (旗舰店)" in str(bad.value.params["choices"])


def test_the_word_for_local_life_is_the_group_itself() -> None:
    assert parser(column("shops", "category"))("本地生活") == '"local-life"'
    assert parser(column("shops", "category"))("美妆") == '"美妆"'


def test_a_long_run_of_cells_does_not_grow_memory() -> None:
    parse = parser(GMV)
    for number in range(50_000):
        parse(str(number))
    # A bound method of the memory itself, which the type of a parser does not tell.
    assert len(parse.__self__) <= 20_000  # type: ignore[attr-defined]


@given(st.decimals(min_value=0, max_value=Decimal("99999999999999.99"), places=2))
def test_every_amount_that_fits_is_taken_as_it_is(amount: Decimal) -> None:
    assert Decimal(parser(GMV)(f"{amount:f}")) == amount


@given(st.integers(0, 1_000_000))
def test_percent_and_share_of_one_say_the_same(millionths: int) -> None:
    share = Decimal(millionths).scaleb(-6)
    assert Decimal(parser(RATE)(f"{share:f}")) == Decimal(parser(RATE)(f"{share.scaleb(2):f}%")) == share


@given(st.dates(min_value=date(2000, 1, 1)))
def test_every_date_is_taken(day: date) -> None:
    assert parser(DAY)(day.isoformat()) == day.isoformat()


@given(st.text(max_size=20))
def test_whatever_is_taken_for_a_number_is_one(cell: str) -> None:
    try:
        taken = parser(GMV)(cell)
    except BadCell:
        return
    assert taken == NULL or Decimal(taken) == Decimal(cell.strip())


def test_a_moment_is_in_shanghai_unless_it_says_otherwise() -> None:
    assert moment("2024-08-31").isoformat() == "2024-08-31T00:00:00+08:00"
    assert moment("2024-08-31T09:30").isoformat() == "2024-08-31T09:30:00+08:00"
    assert moment("2024-08-31T09:30:00Z").isoformat() == "2024-08-31T09:30:00+00:00"
    for text in ("yesterday", "2024-02-30", "2024-02-30T10:00"):
        with pytest.raises(ValueError):
            moment(text)
