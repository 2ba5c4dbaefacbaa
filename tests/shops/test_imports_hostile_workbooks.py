"""Files that are no workbooks, are broken, or mean harm: each is refused, at no cost of memory or disk."""

from __future__ import annotations

import os
import random
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from shops.imports.workbooks import is_workbook
from tests.shops.test_imports_workbooks import HEADERS, book, read, refusal, rezipped, sheet_xml

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "book"


def test_a_workbook_is_known_by_its_content(path: Path) -> None:
    assert is_workbook(book(path, ["shop"]))
    path.write_text("shop,day\nPK,2026-03-11\n")
    assert not is_workbook(path)
    path.write_bytes(b"")
    assert not is_workbook(path)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (OLE + "Workbook".encode("utf-16-le"), "workbook_old"),
        (
            OLE + "EncryptionInfo".encode("utf-16-le") + "EncryptedPackage".encode("utf-16-le"),
            "workbook_locked",
        ),
        (b"PK\x03\x04", "workbook_broken"),
        (b"PK\x03\x04" + bytes(1000), "workbook_broken"),
    ],
)
def test_what_is_no_xlsx_is_refused_by_its_name(path: Path, content: bytes, code: str) -> None:
    path.write_bytes(content)
    assert is_workbook(path)
    assert refusal(path) == code


def test_an_archive_without_a_workbook_is_refused(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("metrics.csv", "shop,day\n")
    assert refusal(path) == "no_workbook"


def test_another_document_of_the_same_family_is_refused(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        packed.writestr("word/document.xml", "<document/>")
    assert refusal(path) == "no_workbook"


@pytest.mark.parametrize("kept", [0.5, 0.9, 0.99])
def test_a_workbook_that_was_cut_is_refused(path: Path, kept: float) -> None:
    content = book(path, *([HEADERS] * 200)).read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    assert refusal(path) == "workbook_broken"


@pytest.mark.parametrize("content", [b"", b"<worksheet><sheetData><row><c", b"\xff\xfe<\x00", b"<a/>"])
def test_a_sheet_that_is_no_xml_leaves_nothing_to_import(path: Path, content: bytes) -> None:
    assert refusal(rezipped(book(path, HEADERS), {"xl/worksheets/sheet1.xml": content})) in {
        "workbook_broken",
        "no_sheet",
    }


def test_an_entry_under_a_password_is_told_apart(path: Path) -> None:
    content = bytearray(book(path, HEADERS).read_bytes())
    # The flag of encryption, in the first entry's own header and in the directory.
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert refusal(path) == "workbook_locked"


def test_an_entry_that_is_packed_in_an_unknown_way_is_broken_and_not_locked(path: Path) -> None:
    content = bytearray(book(path, HEADERS).read_bytes())
    # The number of the way, in the first entry's own header and in the directory.
    content[8] = content[content.index(b"PK\x01\x02") + 10] = 77
    path.write_bytes(content)
    assert refusal(path) == "workbook_broken"


# Files that mean harm


def test_a_workbook_that_unfolds_beyond_the_limit_is_refused(path: Path, settings) -> None:
    settings.IMPORT_MAX_UNPACKED_BYTES = 1 << 20
    filler = b"<row>" + b"<c><v>1</v></c>" * 100 + b"</row>"
    book(path, HEADERS)
    bomb = sheet_xml(path).replace(b"</sheetData>", filler * 1000 + b"</sheetData>")
    rezipped(path, {"xl/worksheets/sheet1.xml": bomb})
    assert path.stat().st_size < 50_000
    assert refusal(path) == "workbook_too_large"
    settings.IMPORT_MAX_UNPACKED_BYTES = 4 << 20
    assert len(read(path)) == 1001


def test_a_bomb_in_any_part_of_the_workbook_is_refused(path: Path, settings) -> None:
    settings.IMPORT_MAX_UNPACKED_BYTES = 1 << 20
    rezipped(book(path, HEADERS), {"docProps/huge.xml": b"<a>" + b" <b/>" * 400_000 + b"</a>"})
    assert refusal(path) == "workbook_too_large"


def test_pictures_count_nothing(path: Path, settings) -> None:
    settings.IMPORT_MAX_UNPACKED_BYTES = 1 << 20
    rezipped(book(path, HEADERS), {"xl/media/image1.png": random.Random(1).randbytes(2 << 20)})
    assert read(path) == [HEADERS]


def test_a_directory_that_lies_about_sizes_deceives_nobody(path: Path, settings) -> None:
    settings.IMPORT_MAX_UNPACKED_BYTES = 1 << 20
    book(path, HEADERS)
    bomb = sheet_xml(path).replace(b"</sheetData>", b"<row></row>" * 400_000 + b"</sheetData>")
    rezipped(path, {"xl/worksheets/sheet1.xml": bomb})
    content = bytearray(path.read_bytes())
    place = content.rindex(b"xl/worksheets/sheet1.xml", 0, content.index(b"PK\x05\x06")) - 46
    assert content[place : place + 4] == b"PK\x01\x02"
    content[place + 24 : place + 28] = (1000).to_bytes(4, "little")
    path.write_bytes(content)
    assert refusal(path) == "workbook_broken"


def test_a_cell_in_the_last_corner_takes_no_memory(path: Path) -> None:
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, HEADERS)
        sheet.write(1_048_575, 16_383, "x")
    assert refusal(path) == "workbook_too_large"


def test_millions_of_empty_strings_take_no_memory(path: Path) -> None:
    bomb = b"<sst>" + b"<si/>" * 20_000_000 + b"</sst>"
    rezipped(book(path, HEADERS), {"xl/sharedStrings.xml": bomb})
    assert refusal(path) == "workbook_too_large"


def test_a_long_text_that_many_cells_share_takes_no_disk(path: Path) -> None:
    book(path, HEADERS, ["y" * 30_000])
    shared = b'<row r="2"><c r="A2" t="s"><v>5</v></c></row>'
    assert shared in sheet_xml(path).replace(b' spans="1:5"', b"")
    cells = b"<row>" + b'<c t="s"><v>5</v></c>' * 500 + b"</row>"
    bomb = sheet_xml(path).replace(b"</sheetData>", cells * 200 + b"</sheetData>")
    assert refusal(rezipped(path, {"xl/worksheets/sheet1.xml": bomb})) == "workbook_too_large"


def test_a_workbook_of_very_many_entries_is_refused(path: Path) -> None:
    rezipped(book(path, HEADERS), {f"xl/{number}.xml": b"" for number in range(10_001)})
    assert refusal(path) == "workbook_too_large"


def test_nothing_is_left_behind_but_the_csv(path: Path, tmp_path: Path, settings) -> None:
    read(book(path, HEADERS))
    assert sorted(os.listdir(tmp_path)) == ["book", "out.csv"]
    settings.IMPORT_MAX_UNPACKED_BYTES = 100
    assert refusal(path) == "workbook_too_large"
    assert sorted(os.listdir(tmp_path)) == ["book", "out.csv"]
