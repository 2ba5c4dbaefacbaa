"""Hostile texts, ids and keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.factories import DAY, DOUYIN
from tests.shops.hostile import (
    ENROLLMENTS,
    GOOD,
    GOOD_STANDS,
    LONG_ID,
    METRICS,
    PAPERS,
    Case,
    Wrong,
    beside_good,
    day_of,
    enrollment,
    exact,
    rejected,
    shop,
    shop_file,
)

# Kept as they are: what they could do is for those to prevent who show them.
TEXTS = [
    *("=1+1", '=HYPERLINK("http://x";"y")', "@SUM(A1:A9)", "＝1+1", "=cmd|' /C calc'!A0", "-2+3", "+1"),
    *(
        "<script>alert(1)</script>",
        "&lt;b&gt; &amp; &#x202e;",
        "'); DROP TABLE shops_shop; --",
        "%s %(name)s {0}",
    ),
    *(
        "{{ 7*7 }} {% load x %} ${7*7}",
        "\\N",
        "\\.",
        "a\\b\\\\c\\t\\n",
        "NULL",
        "None",
        "../../../etc/passwd",
    ),
    *('a "b", c; d', "👩\u200d🍳厨房", "𠮷野家", "متجر", "Cafe\u0301", "锟斤拷烫烫烫", "Z" + "\u0351" * 50),
    *("双" * 200, "𠮷" * 200, "a\u00a0\u3000b"),
]
# What no text holds: controls, what ends a cell or a line, the damaged, what turns a text around.
NO_TEXT = ["\x07", "\x08", "\x1b", "\x7f", "\x85", "\x9f", "\t", "\n", "\r\n", "\r", "\x0b", "\u2028"]
NO_TEXT += ["\u2029", "\ufffd", "\u202a", "\u202e", "\u2067"]
# What would make of an id another one that looks the same.
INVISIBLE = [
    *"\u200b\u200d\u200f\u2060\ufeff\u00ad\u061c\u180e\u034f\u3164\uffa0\u115f\ufe0f\u2800\ufff9\u206a\u00a0\U000e0001"
]
EXACT_IDS = [LONG_ID[:-1] + "0", "0012345678901234567", "S-1/2", "店1", "1" * 64, "1e", "e10", "0x10", "Ｎ１"]
ROUNDED = ["2.53457E+18", "2.534567890123457e+18", "1E5", "1e400", "2e018"]
NOT_S1 = ["s1", "Ｓ１", "S01", "'S1", "S1.0", "Ѕ1", "S1;", '"=""S1"""', "S1\\", "S 1"]


def named(names: dict[str, str]) -> tuple[str, dict[str, dict[str, str]]]:
    """A file of shops by code and name, and what stands of them."""
    files = [shop_file(code, name).partition("\n") for code, name in names.items()]
    stands = {code: values for each in names.items() for code, values in shop(*each).items()}
    return files[0][0] + "\n" + "".join(row for _headers, _end, row in files), stands


def texts() -> Iterator[Case]:
    yield exact("names that could do harm", "shops", *named({f"N{n}": text for n, text in enumerate(TEXTS)}))
    yield exact("a name with room around", "shops", shop_file("N1", " \u3000店\u00a0\t"), shop("N1", "店"))
    content, _stands = named({f"N{n}": f"店{character}铺" for n, character in enumerate(NO_TEXT)})
    wrong: list[Wrong] = [(row, "name", "bad_character") for row in range(2, len(NO_TEXT) + 2)]
    yield rejected("names with what no text holds", "shops", content, *wrong)
    yield rejected("name too long", "shops", shop_file("N1", "双" * 201), (2, "name", "too_long"))
    yield rejected("name of spaces", "shops", shop_file("N1", " \u3000 "), (2, "name", "missing_value"))
    mojibake = "店铺".encode().decode("latin-1")
    yield rejected(
        "UTF-8 taken for Latin-1", "shops", shop_file("N1", mojibake), (2, "name", "bad_character")
    )
    more = {
        "contact": "=1+1",
        "email": "a@b",
        "account_manager": "<i>",
        "phone": "+86 21",
        "controller": "C-1",
    }
    yield exact("other texts", "shops", shop_file("N1", "店", **more), shop("N1", "店", **more))
    for column in ("phone", "controller"):
        content = shop_file("N1", "店", **{column: "1.38E+10"})
        yield rejected(f"{column} as a number", "shops", content, (2, column, "rounded_id"))
    broken = dict.fromkeys(("contact", "email", "phone", "controller"), "#REF!")
    wrong = [(2, column, "sheet_error") for column in ("name", *broken)]
    yield rejected("a spreadsheet's errors", "shops", shop_file("N1", "#N/A", **broken), *wrong)


def ids() -> Iterator[Case]:
    yield exact("odd ids", "shops", *named(dict.fromkeys(EXACT_IDS, "店")))
    for code in ROUNDED:
        yield beside_good(f"metrics of {code}", f"{code},{DAY},1,1", (2, "shop", "rounded_id"))
    content, _stands = named(dict.fromkeys(ROUNDED, "店"))
    wrong: list[Wrong] = [(row, "code", "rounded_id") for row in range(2, len(ROUNDED) + 2)]
    yield rejected("rounded ids", "shops", content, *wrong)
    for bad in (INVISIBLE, NO_TEXT):
        content, _stands = named({f"N{character}1": "店" for character in bad})
        wrong = [(row, "code", "bad_character") for row in range(2, len(bad) + 2)]
        yield rejected(f"ids with {bad[0]!a} and others", "shops", content, *wrong)
    yield rejected("id too long", "shops", shop_file("1" * 65, "店"), (2, "code", "too_long"))
    yield rejected("no id", "shops", shop_file("\u3000", "店"), (2, "code", "missing_value"))
    for cell in (*NOT_S1, "2534567890123450000"):
        yield beside_good(f"metrics of {cell}", f"{cell},{DAY},1,1", (2, "shop", "unknown_shop"))
    stands = day_of(LONG_ID, gmv_30d="1", shop_score="1")
    for cell in (LONG_ID, f"{LONG_ID}\t", f'"{LONG_ID}"', f" {LONG_ID} "):
        yield exact(f"metrics of {cell!r}", "metrics", f"{METRICS}{cell},{DAY},1,1\n", stands)


def keys() -> Iterator[Case]:
    def twice(*rows: int, column: str = "shop") -> list[Wrong]:
        return [(row, column, "duplicate") for row in rows]

    content = f"{METRICS}{GOOD}S2,{DAY},1,1\n{GOOD}"
    stands = day_of("S2", gmv_30d="1", shop_score="1")
    yield rejected("a key twice", "metrics", content, *twice(2, 4), stands=stands)
    content = f'{METRICS}{GOOD} S1,{DAY},2,2\n"S1\t",{DAY} ,3,3\n'
    yield rejected("a key thrice, differently spaced", "metrics", content, *twice(2, 3, 4))
    content = f"{METRICS}{GOOD}S1,{DAY},x,1\n"
    yield rejected("a key twice, once bad", "metrics", content, *twice(2, 3), (3, "gmv_30d", "bad_number"))
    content = shop_file("N1", "店") + shop_file("N1", "铺").partition("\n")[2]
    yield rejected("a shop twice", "shops", content, *twice(2, 3, column="code"))
    content = f"{PAPERS}S1,brand,,accepted,A\nS1,品牌,,rejected,A\nS1,brand,,pending,B\n"
    stands = {"S1 brand B": {"verdict": "pending"}}
    yield rejected("a paper twice", "qualifications", content, *twice(2, 3), stands=stands)
    content = f"{ENROLLMENTS}S1,{DOUYIN},open,,,,\nS1,抖音精选联盟,applied,,,,\nS2,{DOUYIN},applied,,,,\n"
    stands = enrollment("S2", "applied", 0)
    yield rejected("an enrollment by two names", "enrollments", content, *twice(2, 3), stands=stands)
    for kind, content in (
        ("metrics", f"{METRICS}S9,{DAY},1,1\n"),
        ("enrollments", f"{ENROLLMENTS}S9,{DOUYIN},open,,,,\n"),
        ("qualifications", f"{PAPERS}S9,licence,,accepted,\n"),
    ):
        yield rejected(f"{kind} of an unknown shop", kind, content, (2, "shop", "unknown_shop"))
    yield beside_good(
        "everything wrong",
        "S9,2026-13-40,1e9,6",
        (2, "shop", "unknown_shop"),
        (2, "day", "bad_date"),
        (2, "gmv_30d", "bad_number"),
        (2, "shop_score", "out_of_range"),
    )
    again = exact("the same file twice", "metrics", METRICS + GOOD, GOOD_STANDS)
    yield replace(again, before=again.content)
    other = f"{METRICS}S1,{DAY},100.49,none\n".encode()
    yield replace(again, name="what stands, corrected", before=other)
    contradicting = f"{ENROLLMENTS}S1,{DOUYIN},left,1,,,\n"
    case = rejected("a contradiction", "enrollments", contradicting, (2, "state", "contradiction"))
    yield replace(case, before=contradicting.replace("left", "open").encode())


def cases() -> Iterator[Case]:
    for maker in (texts, ids, keys):
        yield from maker()
