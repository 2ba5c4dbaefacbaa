"""Hostile headers, and rows and files of odd shapes."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from tests.factories import DAY
from tests.shops.hostile import (
    GOOD,
    GOOD_STANDS,
    METRICS,
    Case,
    Wrong,
    beside_good,
    day_of,
    exact,
    lines,
    merged,
    rejected,
    shop_file,
    unreadable,
)

MEGABYTE = 1 << 20
NO_FIGURES: list[Wrong] = [(1, "", "no_figures")]


def _unknown(*headers: str) -> list[Wrong]:
    return [(1, header, "unknown_column") for header in headers]


def _missing(*names: str) -> list[Wrong]:
    return [(1, name, "missing_column") for name in names]


def _doubled(header: str) -> list[Wrong]:
    return [(1, header, "doubled_column")]


def headers() -> Iterator[Case]:
    row = GOOD
    good = {
        "re-ordered": ("shop_score,day,gmv_30d,shop", f"4.5,{DAY},100.5,S1\n"),
        "Chinese": ("店铺编码,日期,近30天成交金额,店铺评分", row),
        "a platform's": ("商家ID,统计日期,近30天成交金额（元）,店铺评分", row),
        "mixed": ("店铺ID,day,近30天GMV,shop_score", row),
        "in capitals": ("SHOP,Day,GMV_30D,Shop_Score", row),
        "with room": (" shop ,\tday,gmv_30d\u3000,shop_score\u00a0", row),
        "quoted, with a line break": ('"shop\n",day,gmv_30d,shop_score', row),
        "BOM before a quote": ('\ufeff"shop","day",gmv_30d,shop_score', row),
        "with reasons": ("reasons,shop,day,gmv_30d,shop_score", f"what was wrong,{row}"),
        "with reasons behind, in Chinese": ("shop,day,gmv_30d,shop_score,错误原因", f"{row.strip()},=1+1\n"),
    }
    for name, (head, body) in good.items():
        yield exact(f"headers {name}", "metrics", f"{head}\n{body}", GOOD_STANDS)
    yield exact(
        "figures not brought",
        "metrics",
        f"shop,day,shop_score\nS1,{DAY},4.5\n",
        day_of("S1", shop_score="4.5"),
    )
    yield exact("a row that says nothing", "metrics", f"{METRICS}S1,{DAY},,\n", day_of("S1"))
    bad: dict[str, tuple[str, list[Wrong]]] = {
        "doubled": ("shop,day,gmv_30d,gmv_30d", _doubled("gmv_30d")),
        "doubled by an alias": ("shop,day,店铺,gmv_30d", _doubled("店铺")),
        "doubled by case": ("shop,day,Day,gmv_30d", _doubled("Day")),
        "unknown": ("shop,day,gmv,shop_score", _unknown("gmv")),
        "unknown twice": ("shop,day,x,x", _unknown("x") + _doubled("x") + NO_FIGURES),
        "of another kind": ("code,name,gmv_30d,x", _unknown("code", "name", "x") + _missing("shop", "day")),
        "without the shop": ("day,gmv_30d,shop_score", _missing("shop")),
        "without the day": ("shop,gmv_30d,shop_score", _missing("day")),
        "without figures": ("shop,day", NO_FIGURES),
        "empty in the middle": ("shop,day,,shop_score", _unknown("")),
        "a delimiter behind": ("shop,day,gmv_30d,shop_score,", _unknown("")),
        "full-width": ("ｓｈｏｐ,day,gmv_30d", _unknown("ｓｈｏｐ") + _missing("shop")),
        "with a zero-width space": ("shop\u200b,day,gmv_30d", _unknown("shop\u200b") + _missing("shop")),
        "with a BOM inside": ("shop,\ufeffday,gmv_30d", _unknown("\ufeffday") + _missing("day")),
        "with an RTL override": ("shop,day,gmv_30d,shop_score\u202e", _unknown("shop_score\u202e")),
        "a formula": ("=shop,day,gmv_30d,shop_score", _unknown("=shop") + _missing("shop")),
        "a script": ("shop,day,gmv_30d,<script>", _unknown("<script>")),
        "a statement": ("shop,day,gmv_30d,shop_score numeric)", _unknown("shop_score numeric)")),
        "that the staging has": ("shop,day,gmv_30d,shop_score_none", _unknown("shop_score_none")),
        "missing altogether": ("S2,1,4.5", _unknown("S2", "1", "4.5") + _missing("shop", "day") + NO_FIGURES),
        "a separator's line before": (
            "sep=,\nshop",
            _unknown("sep=", "") + _missing("shop", "day") + NO_FIGURES,
        ),
        "reasons twice": ("reasons,shop,day,gmv_30d,reasons", _doubled("reasons")),
    }
    for name, (head, wrong) in bad.items():
        yield unreadable(f"headers {name}", "metrics", f"{head}\n{row}", *wrong)
    for kind, head, missing in (
        ("shops", "code,name,shop_type,category,goods_kind,status", "subject_kind"),
        ("enrollments", "shop,alliance", "state"),
        ("qualifications", "shop,kind,brand", "verdict"),
    ):
        yield unreadable(f"{kind} without {missing}", kind, f"{head}\nx\n", (1, missing, "missing_column"))


NOTHING = {
    "empty": b"",
    "a BOM": codecs.BOM_UTF8,
    "a BOM of UTF-16": codecs.BOM_UTF16_LE,
    "a line end": b"\n",
    "room": b" \t\n \n",
}
NO_ROWS = {
    "headers": METRICS.strip(),
    "headers and line ends": METRICS + "\n\r\n\n",
    "headers and delimiters": METRICS + ",,,\n" * 3,
}
HEAD = METRICS.strip().split(",")
TWO = lines(HEAD, ["S1", f"{DAY}", "100.5", "4.5"], ["S2", f"{DAY}", "1", "none"])
TWO_STAND = merged(GOOD_STANDS, day_of("S2", gmv_30d="1", shop_score="none"))
ODD_LENGTHS = {
    "that is short": f"S2,{DAY},1",
    "of one cell": "S2",
    "that is long": f"S2,{DAY},1,1,1",
    "with a delimiter behind": f"S2,{DAY},1,1,",
    "with delimiters before": f",,S2,{DAY},1,1",
    "with an unquoted thousand": f"S2,{DAY},1,234.56,4.5",
    "cut within": "S2,2026-",
    "of a total": "合计",
    "of room": "   ",
    "of a thousand delimiters": "," * 1000 + "x",
    "of a megabyte of delimiters": "," * (MEGABYTE - 2) + "x",
}
TOO_LONG = {
    "a cell of a megabyte": f"S2,{DAY},1,{'1' * MEGABYTE}\n",
    "a quoted cell of a megabyte": f'S2,{DAY},1,"{"1" * MEGABYTE}"\n',
    "a quoted cell of a megabyte in lines": f'S2,{DAY},1,"' + "1\n" * (MEGABYTE // 2) + '"\n',
    "a line of three megabytes": "x" * (3 * MEGABYTE),
}


def shapes() -> Iterator[Case]:
    for name, nothing in NOTHING.items():
        yield unreadable(f"nothing but {name}", "metrics", nothing, (1, "", "empty_file"))
    for name, content in NO_ROWS.items():
        yield unreadable(f"nothing but {name}", "metrics", content, (2, "", "no_rows"))
    for delimiter in (",", ";", "\t"):
        for end in ("\n", "\r\n", "\r"):
            content = TWO.replace(",", delimiter).replace("\n", end)
            yield exact(f"delimiter {delimiter!r}, line end {end!r}", "metrics", content, TWO_STAND)
    for name, content in (
        ("no line end behind", TWO.rstrip("\n")),
        ("line ends behind", TWO + "\n\n\r\n"),
        ("blank lines between", TWO.replace("\n", "\n\n\n")),
        ("lines of delimiters between", TWO.replace("\n", "\n,,,\n")),
        ("blank lines before", "\n \r\n" + TWO),
        ("lines of delimiters before", ",,,\n" * 3 + TWO),
        ("mixed line ends", TWO.replace("\n", "\r\n", 1)),
    ):
        yield exact(name, "metrics", content, TWO_STAND)
    wrong = _unknown("|".join(HEAD)) + _missing("shop", "day") + NO_FIGURES
    yield unreadable("delimiter |", "metrics", TWO.replace(",", "|"), *wrong)
    by_semicolons = ";".join(HEAD) + "\n"
    yield rejected("headers by ; and rows by ,", "metrics", by_semicolons + GOOD, (2, "", "row_length"))
    yield rejected(
        "decimal commas",
        "metrics",
        f"{by_semicolons}S1;{DAY};100,5;4,5\n",
        (2, "gmv_30d", "bad_number"),
        (2, "shop_score", "bad_score"),
    )
    for name, row in ODD_LENGTHS.items():
        yield beside_good(f"a row {name}", row, (2, "", "row_length"))
    yield beside_good(
        "headers in the middle",
        METRICS.strip(),
        (2, "shop", "unknown_shop"),
        (2, "day", "bad_date"),
        (2, "gmv_30d", "bad_number"),
        (2, "shop_score", "bad_score"),
    )
    blank = " , ,\t,\u3000"
    yield beside_good("cells of room", blank, (2, "shop", "missing_value"), (2, "day", "missing_value"))
    for name, row in TOO_LONG.items():
        yield unreadable(name, "metrics", METRICS + GOOD + row, (3, "", "line_too_long"))
    yield unreadable("a header of three megabytes", "metrics", "x" * (3 * MEGABYTE), (1, "", "line_too_long"))
    digits = f"S2,{DAY},{'9' * 100_000},1"
    yield beside_good("a number of 100,000 digits", digits, (2, "gmv_30d", "out_of_range"))
    content = shop_file("N1", "x" * 100_000)
    yield rejected("a name of 100,000 letters", "shops", content, (2, "name", "too_long"))


def cases() -> Iterator[Case]:
    for maker in (headers, shapes):
        yield from maker()
