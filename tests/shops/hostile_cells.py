"""Hostile cells: numbers, dates, flags and words."""

from __future__ import annotations

from collections.abc import Iterator

from tests.factories import DAY, DOUYIN
from tests.shops.hostile import (
    ENROLLMENTS,
    METRICS,
    PAPERS,
    Case,
    beside_good,
    day_of,
    enrollment,
    exact,
    lines,
    merged,
    paper,
    rejected,
    shop,
    shop_file,
    shown,
)

SCORES = ("shop_score", "experience_score", "product_score", "service_score", "logistics_score")
FLAGS = ("warehouse_passed", "alliance_connected", "erp_connected", "freight_insurance")
# Each number column of metrics, and what it says to what is no number.
NUMBERS = {
    "gmv_30d": "bad_number",
    "paid_orders_30d": "bad_integer",
    **dict.fromkeys(SCORES, "bad_score"),
    "positive_rate": "bad_rate",
}
NO_NUMBERS = ["NaN", "-inf", "1e400", "１", "٣", "1,234.56", "12万", "1_0", "0x1", "+1", "5.", "=1+1"]
# Right only in another column, too many decimals, beyond the bounds.
BEYOND = [
    *(
        ("gmv_30d", cell, "bad_number")
        for cell in (".5", "−1", "1 0", "#N/A", "NULL", "1\u200b", "(5)", "1'000")
    ),
    ("gmv_30d", "95%", "bad_number"),
    ("gmv_30d", "none", "bad_number"),
    ("gmv_30d", "¥5", "bad_number"),
    ("gmv_30d", "0.001", "too_many_decimals"),
    ("gmv_30d", "-0.001", "too_many_decimals"),
    ("gmv_30d", "-0.01", "out_of_range"),
    ("gmv_30d", "100000000000000", "out_of_range"),
    ("gmv_30d", "9" * 5000, "out_of_range"),
    ("paid_orders_30d", "5.0", "bad_integer"),
    ("paid_orders_30d", "-1", "out_of_range"),
    ("paid_orders_30d", "2147483648", "out_of_range"),
    ("paid_orders_30d", "暂无", "bad_integer"),
    ("shop_score", "5.01", "out_of_range"),
    ("shop_score", "-1", "out_of_range"),
    ("shop_score", "4.567", "too_many_decimals"),
    ("shop_score", "90%", "bad_score"),
    ("shop_score", "无", "bad_score"),
    ("shop_score", "nοne", "bad_score"),  # a Greek omicron
    ("positive_rate", "95", "rate_out_of_range"),
    ("positive_rate", "1.000001", "rate_out_of_range"),
    ("positive_rate", "100.01%", "rate_out_of_range"),
    ("positive_rate", "-1%", "rate_out_of_range"),
    ("positive_rate", "0.1234567", "too_many_decimals"),
    ("positive_rate", "0.00001%", "too_many_decimals"),
    ("positive_rate", "95％", "bad_rate"),
    ("positive_rate", "95 %", "bad_rate"),
    ("positive_rate", "95%%", "bad_rate"),
    ("positive_rate", "%", "bad_rate"),
]
# What looks wrong, and says exactly one thing.
EXACT_NUMBERS = [
    ("gmv_30d", "12万", "120000"),
    ("gmv_30d", "1.23456万", "12345.6"),
    ("gmv_30d", "-0", "0"),
    ("gmv_30d", "-0.00", "0"),
    ("gmv_30d", " 4.5 ", "4.5"),
    ("gmv_30d", "\u00a04.5\u3000", "4.5"),
    ("gmv_30d", "4.5\t", "4.5"),
    ("gmv_30d", "0012", "12"),
    ("gmv_30d", "0.10", "0.1"),
    ("gmv_30d", "99999999999999.99", "99999999999999.99"),
    ("gmv_30d", "1.5" + "0" * 3000, "1.5"),
    ("gmv_30d", "0" * 3000 + "1", "1"),
    ("paid_orders_30d", "2147483647", "2147483647"),
    ("paid_orders_30d", "-0", "0"),
    ("shop_score", "5.00", "5"),
    ("shop_score", "4.5000", "4.5"),
    ("shop_score", "NONE", "none"),
    ("shop_score", "暂无", "none"),
    ("shop_score", " none ", "none"),
    ("positive_rate", "100%", "1"),
    ("positive_rate", "0.1234%", "0.001234"),
    ("positive_rate", "95.0000000%", "0.95"),
    ("positive_rate", "0.123456", "0.123456"),
    ("positive_rate", "-0%", "0"),
]


def one_figure(column: str, cell: str) -> str:
    """A bad or odd cell between two good ones."""
    return lines(
        ["shop", "day", column], ["S1", f"{DAY}", "1"], ["S2", f"{DAY}", cell], ["S3", f"{DAY}", "0"]
    )


def between_good(column: str, cell: str, code: str) -> Case:
    stands = merged(day_of("S1", **{column: "1"}), day_of("S3", **{column: "0"}))
    name = f"{column} {shown(cell)}"
    return rejected(name, "metrics", one_figure(column, cell), (3, column, code), stands=stands)


def as_value(column: str, cell: str, value: str) -> Case:
    figures = {"S1": "1", "S2": value, "S3": "0"}
    stands = merged(*(day_of(shop, **{column: figure}) for shop, figure in figures.items()))
    return exact(f"{column} {shown(cell)} is {value}", "metrics", one_figure(column, cell), stands)


def numbers() -> Iterator[Case]:
    for column, code in NUMBERS.items():
        # The scores share one reading.
        for cell in NO_NUMBERS if column not in SCORES[1:] else NO_NUMBERS[:6]:
            if (column, cell) != ("gmv_30d", "12万"):
                yield between_good(column, cell, code)
    for case in BEYOND:
        yield between_good(*case)
    for case in EXACT_NUMBERS:
        yield as_value(*case)
    for cell in ("NaN", "1e1", "１", "1.0", "+1", "1_0", "一", "none"):
        row = f"S1,{DOUYIN},applied,{cell},,,"
        yield rejected(
            f"openings {cell}", "enrollments", f"{ENROLLMENTS}{row}\n", (2, "openings", "bad_integer")
        )


NO_DATES = [
    *("2026/03/10", "20260310", "2026-3-10", "26-03-10", "10-03-2026", "2026-03-10T00:00:00", "2026-03-10Z"),
    *("2026年3月10日", "２０２６-０３-１０", "2026–03–10", "٢٠٢٦-٠٣-١٠", "2026-03-10 00:00", "2026-03-10 BC"),
    *("2026-02-30", "2025-02-29", "2026-13-01", "2026-00-10", "2026-03-00", "2026-03-32", "0000-01-01"),
    *("-2026-03-10", "12026-03-10", "2026-W11-2", "2026-069", "46091", "infinity", "today", "NULL", "#REF!"),
]
DATES = [
    *((cell, "bad_date") for cell in NO_DATES),
    *((cell, "too_early") for cell in ("1999-12-31", "1970-01-01", "1900-01-01", "0001-01-01")),
    *((cell, "future") for cell in ("2026-03-12", "9999-12-31")),
    ("", "missing_value"),
]
# Every other column of dates, in a row: they share one reading.
OTHER_DATES = [
    ("qualifications", "valid_until", PAPERS + "S1,brand,{},accepted,A\n"),
    ("enrollments", "opened_on", f"{ENROLLMENTS}S1,{DOUYIN},open,1,{{}},,\n"),
    ("enrollments", "closed_on", f"{ENROLLMENTS}S1,{DOUYIN},left,1,,{{}},\n"),
    ("shops", "entered_on", shop_file("N1", "店", entered_on="{}")),
    ("shops", "closed_on", shop_file("N1", "店", closed_on="{}")),
]
A_FEW_DATES = [("2026-02-30", "bad_date"), ("45535", "bad_date"), ("1999-12-31", "too_early")]


def dates() -> Iterator[Case]:
    for cell, code in DATES:
        yield beside_good(f"day {cell or 'empty'}", f"S2,{cell},1,1", (2, "day", code))
    for kind, column, content in OTHER_DATES:
        for cell, code in A_FEW_DATES:
            yield rejected(f"{kind} {column} {cell}", kind, content.format(cell), (2, column, code))
    for column, content in (("opened_on", OTHER_DATES[1][2]), ("closed_on", OTHER_DATES[2][2])):
        yield rejected(
            f"{column} tomorrow", "enrollments", content.format("2026-03-12"), (2, column, "future")
        )
    for cell in ("2024-02-29", "2023-03-01", " 2026-03-10\t"):
        stands = {f"S1 {cell.strip()}": {"gmv_30d": "1", "shop_score": "1"}}
        yield exact(f"day {cell!r}", "metrics", f"{METRICS}S1,{cell},1,1\n", stands)
    for cell in ("2023-02-28", "2000-01-01"):
        yield beside_good(f"day {cell}", f"S1,{cell},1,1", (2, "day", "kept_no_longer"))
    for cell in ("9999-12-31", "2024-02-29", ""):
        content = OTHER_DATES[0][2].format(cell)
        yield exact(f"a paper until {cell or 'whenever'}", "qualifications", content, paper("S1", "A", cell))


# Name, row, column, code.
NO_ENROLLMENTS = [
    ("of an unknown alliance", "S1,douyin,open,,,,", "alliance", "unknown_alliance"),
    ("of no alliance", "S1,,open,,,,", "alliance", "missing_value"),
    ("of no state", f"S1,{DOUYIN},,,,,", "state", "missing_value"),
    ("of a state nobody knows", f"S1,{DOUYIN},opened,,,,", "state", "bad_choice"),
    ("opened too often", f"S1,{DOUYIN},open,4,,,", "openings", "openings_above_limit"),
    ("opened far too often", f"S1,{DOUYIN},open,32768,,,", "openings", "out_of_range"),
    ("closed first", f"S1,{DOUYIN},left,1,2026-01-02,2026-01-01,", "closed_on", "closed_before_opened"),
    ("open and closed", f"S1,{DOUYIN},open,1,,2026-01-01,", "closed_on", "open_has_no_end"),
]


def words() -> Iterator[Case]:
    for cell in ("yes", "y", "t", "2", "-1", "01", "1.0", "１", "有", "√", "null", "on"):
        yield between_good(FLAGS[len(cell) % 4], cell, "bad_flag")
    for cell, value in (("TRUE", "1"), ("是", "1"), ("False", "0"), (" 否 ", "0")):
        yield as_value("erp_connected", cell, value)
    for cell in ("flag ship", "旗舰", "flagshíp", "0", "flagship\u200b"):
        content = shop_file("N1", "店", shop_type=cell)
        yield rejected(f"shop type {cell!a}", "shops", content, (2, "shop_type", "bad_choice"))
    for cell in ("Flagship", "旗舰店", " FLAGSHIP "):
        content = shop_file("N1", "店", shop_type=cell)
        yield exact(f"shop type {cell}", "shops", content, shop("N1", "店", shop_type="flagship"))
    content = shop_file("N1", "店", shop_type="")
    yield rejected("no shop type", "shops", content, (2, "shop_type", "missing_value"))
    for name, row, column, code in NO_ENROLLMENTS:
        yield rejected(f"enrollment {name}", "enrollments", f"{ENROLLMENTS}{row}\n", (2, column, code))
    content = f"{ENROLLMENTS}S1,抖音精选联盟,清退,2,2026-01-01,2026-02-01,违规\n"
    latest = {"opened_on": "2026-01-01", "closed_on": "2026-02-01", "cause": "violation"}
    yield exact("an enrollment in Chinese", "enrollments", content, enrollment("S1", "cleared", 2, **latest))
    content = f"{PAPERS}S1,brand,,accepted,\n"
    yield rejected("a brand's paper without brand", "qualifications", content, (2, "brand", "brand_needed"))


def cases() -> Iterator[Case]:
    for maker in (numbers, dates, words):
        yield from maker()
