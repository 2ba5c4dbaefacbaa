"""Hostile files: encodings, cuts, quotation marks, headers, shapes, and what is no CSV at all."""

from __future__ import annotations

import codecs
import gzip
import io
import zipfile
from collections.abc import Iterator

import xlsxwriter

from tests.factories import DAY
from tests.shops.hostile import (
    ANY,
    GOOD,
    GOOD_STANDS,
    METRICS,
    PAPERS,
    Case,
    Wrong,
    day_of,
    exact,
    merged,
    paper,
    rejected,
    shop,
    shop_file,
    unreadable,
)

TWO_PAPERS = f"{PAPERS}S1,brand,2027-01-01,accepted,青禾店铺\nS2,brand,2027-01-01,accepted,云舟店铺\n"
TWO_STAND = merged(paper("S1", "青禾店铺"), paper("S2", "云舟店铺"))
NO_TEXT: Wrong = (ANY, ANY, "not_text|nul|mixed_encodings|not_utf")
NO_CSV: Wrong = (
    ANY,
    ANY,
    "not_text|nul|mixed_encodings|not_utf|unknown_column|broken_quotes|line_too_long"
    "|no_workbook|workbook_old",
)


LE, BE, UTF8 = codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF8
READABLE = {
    "UTF-8": TWO_PAPERS.encode(),
    "UTF-8 with BOM": UTF8 + TWO_PAPERS.encode(),
    "UTF-8 with two BOMs": UTF8 * 2 + TWO_PAPERS.encode(),
    "UTF-16 LE": LE + TWO_PAPERS.encode("utf-16-le"),
    "UTF-16 BE": BE + TWO_PAPERS.encode("utf-16-be"),
    "GB18030": TWO_PAPERS.encode("gb18030"),
    "GB18030 with BOM": ("\ufeff" + TWO_PAPERS).encode("gb18030"),
    "GBK with CR LF": TWO_PAPERS.replace("\n", "\r\n").encode("gbk"),
}
HEAD, FIRST, SECOND = TWO_PAPERS.splitlines(keepends=True)
BEGUN = (HEAD + FIRST).encode()
BEGUN_LE = LE + (HEAD + FIRST).encode("utf-16-le")
BROKEN = {
    "UTF-16 LE without BOM": TWO_PAPERS.encode("utf-16-le"),
    "UTF-16 BE without BOM": TWO_PAPERS.encode("utf-16-be"),
    "UTF-16 of odd length": LE + TWO_PAPERS.encode("utf-16-le") + b"x",
    "UTF-16 with a lone high surrogate": BEGUN_LE + b"\x00\xd8" + "x\n".encode("utf-16-le"),
    "UTF-16 with a lone low surrogate": BEGUN_LE + b"\x00\xdc" + "x\n".encode("utf-16-le"),
    "UTF-32 LE": codecs.BOM_UTF32_LE + TWO_PAPERS.encode("utf-32-le"),
    "UTF-32 BE": codecs.BOM_UTF32_BE + TWO_PAPERS.encode("utf-32-be"),
    "GB18030 that says UTF-8": UTF8 + TWO_PAPERS.encode("gb18030"),
    "UTF-8, then GB18030": BEGUN + SECOND.encode("gb18030"),
    "GB18030, then UTF-8": (HEAD + FIRST).encode("gb18030") + SECOND.encode(),
    "UTF-8, then UTF-16": BEGUN + SECOND.encode("utf-16"),
    "UTF-8 with a byte of Latin-1": BEGUN + b"S2,brand,,accepted,Caf\xe9\n",
    "Latin-1": f"{HEAD}S1,brand,,accepted,Café\n".encode("latin-1"),
    "a lone continuation byte": TWO_PAPERS.encode() + b"\x80",
    "a surrogate in UTF-8": BEGUN + b"S2,brand,,accepted,\xed\xa0\x80\n",
    "two surrogates in UTF-8": BEGUN + b"S2,brand,,accepted,\xed\xa0\xbd\xed\xb8\x80\n",
    "an overlong slash in UTF-8": BEGUN + b"S2,brand,,accepted,\xc0\xaf\n",
    "beyond Unicode in UTF-8": BEGUN + b"S2,brand,,accepted,\xf4\x90\x80\x80\n",
    "FF everywhere": b"\xff" * 1000,
}
# Text perhaps, but another one.
ANOTHER_TEXT = {
    "UTF-16 LE that says BE": BE + TWO_PAPERS.encode("utf-16-le"),
    "UTF-8 that says UTF-16": LE + TWO_PAPERS.encode(),
    "UTF-7": TWO_PAPERS.replace("shop", "店铺").encode("utf-7"),
    "EBCDIC": METRICS.encode("cp037"),
}
NUL = [
    ("NUL in a cell", f"{METRICS}{GOOD}S2\0,{DAY},1,1\n", 3),
    ("NUL in the headers", f"shop\0,{METRICS}{GOOD}", 1),
    ("NUL at the end", f"{METRICS}{GOOD}\0", 3),
    ("nothing but NUL", "\0" * 5000, 1),
]


def encodings() -> Iterator[Case]:
    for name, content in READABLE.items():
        yield exact(name, "qualifications", content, TWO_STAND)
    rare = "𠮷野家👩\u200d🍳"
    for encoding in ("utf-8", "utf-16", "gb18030"):
        content = shop_file("N1", rare).encode(encoding)
        yield exact(f"beyond the basic plane, {encoding}", "shops", content, shop("N1", rare))
    for name, content in BROKEN.items():
        yield unreadable(name, "qualifications", content, NO_TEXT)
    for name, content in ANOTHER_TEXT.items():
        yield unreadable(name, "qualifications", content, NO_CSV)
    for name, text, row in NUL:
        yield unreadable(name, "metrics", text, (row, "", "nul"))


THREE = METRICS + "".join(f"{shop},{DAY},100.25,4.5\n" for shop in ("S1", "S2", "S3"))
CUT_HEADERS: Wrong = (ANY, ANY, "unknown_column|missing_column|no_figures|no_rows")


def cuts() -> Iterator[Case]:
    for cut in (1, 4, 5, 8, 9, 17, len(METRICS) - 2, len(METRICS)):
        # A header that was cut is another one, or there are no rows.
        yield unreadable(f"cut at byte {cut}, in the headers", "metrics", THREE[:cut], CUT_HEADERS)
    width = len(f"S1,{DAY},100.25,4.5\n")
    first = day_of("S1", gmv_30d="100.25", shop_score="4.5")
    for cut in range(len(METRICS) + width + 1, len(METRICS) + 2 * width, 3):
        rest = THREE[len(METRICS) + width : cut].rstrip("\n").split(",")
        name, content = f"cut at byte {cut}, in row 3", THREE[:cut]
        if len(rest) < 4:
            yield rejected(name, "metrics", content, (3, "", "row_length"), stands=first)
        elif rest[3] == "4.":
            yield rejected(name, "metrics", content, (3, "shop_score", "bad_score"), stands=first)
        else:
            # A shorter number is also one: nobody can tell it from what was meant.
            score = {"shop_score": rest[3]} if rest[3] else {}
            yield exact(name, "metrics", content, merged(first, day_of("S2", gmv_30d="100.25", **score)))
    # Four characters of Chinese in the last cell, of so many bytes each.
    for encoding, size in (("utf-8", 3), ("gb18030", 2), ("utf-16", 2)):
        whole = TWO_PAPERS.rstrip("\n").encode(encoding)
        for less in range(1, 4 * size + 1):
            name, left = f"{encoding} cut {less} bytes before its end", 4 - less / size
            if left % 1:
                yield unreadable(name, "qualifications", whole[:-less], NO_TEXT)
            elif left:
                stands = merged(paper("S1", "青禾店铺"), paper("S2", "云舟店铺"[: int(left)]))
                yield exact(name, "qualifications", whole[:-less], stands)
            else:
                wrong, stands = (3, "brand", "brand_needed"), paper("S1", "青禾店铺")
                yield rejected(name, "qualifications", whole[:-less], wrong, stands=stands)
    begun = f'{PAPERS}S1,brand,2027-01-01,accepted,A\nS2,brand,2027-01-01,accepted,"B ""b"", c"\n'
    for less in (2, 3, 4, 5, 7, 8, 10, 12):
        name = f"cut inside quotation marks, {less} bytes before its end"
        yield unreadable(name, "qualifications", begun[:-less], (3, "", "broken_quotes"))
    # The first of two quotation marks could be the last of the cell.
    for less, brand in ((6, 'B "b'), (9, "B")):
        name = f"cut between quotation marks, {less} bytes before its end"
        yield exact(name, "qualifications", begun[:-less], merged(paper("S1", "A"), paper("S2", brand)))


QUOTED = {
    '"A"': "A",
    '""': "",
    '"a ""b"""': 'a "b"',
    '""""""': '""',
    'a"b"c': 'a"b"c',
    'a"': 'a"',
    ' "a"': '"a"',
    '"a,b;c|d"': "a,b;c|d",
    "“a”": "“a”",
    "'a'": "'a'",
    '" a "': "a",
    '"a\n"': "a",
}
MISQUOTED = {
    "text behind a closing one": 'S2,brand,,accepted,"a"b',
    "room behind a closing one": 'S2,brand,,accepted,"a" ',
    "never closed": 'S2,brand,,accepted,"a',
    "never closed from the first cell on": '"S2,brand,,accepted,a',
    "an odd number": 'S2,brand,,accepted,"""',
    "closed rows later, then text": 'S2,brand,,accepted,"a\nS3,brand,,accepted,"b',
}


def quotes() -> Iterator[Case]:
    for cell, brand in QUOTED.items():
        content = f"{PAPERS}S1,licence,2027-01-01,accepted,{cell}\n"
        key = " ".join(filter(None, ["S1", "licence", brand, "2027-01-01"]))
        yield exact(f"quotes: {cell!r}", "qualifications", content, {key: {"verdict": "accepted"}})
    for name, row in MISQUOTED.items():
        content = f"{PAPERS}S1,brand,,accepted,A\n{row}\n"
        yield unreadable(f"quotes: {name}", "qualifications", content, (3, "", "broken_quotes"))
    yield unreadable("quotes: open in the headers", "metrics", f'"{METRICS}{GOOD}', (1, "", "broken_quotes"))
    content = f'{PAPERS}S1,brand,,accepted,A\nS2,licence,,accepted,"B\nS3,licence,,accepted,C"\n'
    wrong, stands = (3, "brand", "bad_character"), paper("S1", "A", "")
    yield rejected("quotes: a row swallowed", "qualifications", content, wrong, stands=stands)
    content = shop_file("N1", "a\nb") + "N2,店\n"
    wrong = (2, "name", "bad_character")
    yield rejected("quotes: two lines, one row", "shops", content, wrong, (3, "", "row_length"))
    everything = "".join(f'"{line}"\n' for line in (METRICS + GOOD).replace(",", '","').splitlines())
    yield exact("quotes: everywhere", "metrics", everything, GOOD_STANDS)


def binaries() -> Iterator[Case]:
    archive, book = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr(zipfile.ZipInfo("metrics.csv"), METRICS + GOOD)
    with xlsxwriter.Workbook(book) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, METRICS.strip().split(","))
        sheet.write_row(1, 0, GOOD.strip().split(","))
    png = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489") + b"\0" * 60
    for name, content in {
        "a ZIP": archive.getvalue(),
        "gzip": gzip.compress((METRICS + GOOD).encode(), mtime=0),
        "a PNG": png,
        "a JPEG": bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb0043") + b"\x10" * 60,
        "a PDF": b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n",
        "a spreadsheet of 2003": bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 504,
        "a program": b"\x7fELF\x02\x01\x01" + b"\0" * 57,
        "JSON": b'[{"shop": "S1", "day": "2026-03-10", "gmv_30d": 1}]\n',
        "HTML that a spreadsheet saved": b"<html><table><tr><td>shop</td><td>day</td></tr></table></html>\n",
    }.items():
        yield unreadable(f"{name} named .csv", "metrics", content, NO_CSV)
    yield exact("an XLSX named .csv", "metrics", book.getvalue(), GOOD_STANDS)


def cases() -> Iterator[Case]:
    for maker in (encodings, cuts, quotes, binaries):
        yield from maker()
