"""Workbooks become CSV: every cell as it stands, and no file that harms the reader."""

from __future__ import annotations

import csv
import io
import os
import random
import zipfile
from datetime import date, datetime, time
from pathlib import Path

import pytest
import xlsxwriter

from shops.imports import sheets
from shops.imports.columns import SHOP_METRICS, SHOPS, Table
from shops.imports.errors import FileRefused
from shops.imports.values import BadCell, parser
from shops.imports.workbooks import as_csv, is_workbook

HEADERS = ["shop", "day", "shop_score", "positive_rate", "freight_insurance"]


def book(path: Path, *rows: list, name: str = "数据", formats: dict[type, str] | None = None) -> Path:
    """A workbook of one sheet with these rows, in the sheet's own types."""
    with xlsxwriter.Workbook(path, {"strings_to_numbers": False, "strings_to_formulas": False}) as workbook:
        known = {
            kind: workbook.add_format({"num_format": written})
            for kind, written in {
                date: "yyyy-mm-dd",
                datetime: "yyyy-mm-dd hh:mm:ss",
                time: "hh:mm:ss",
                **(formats or {}),
            }.items()
        }
        sheet = workbook.add_worksheet(name)
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                sheet.write(number, column, value, known.get(type(value)))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "book"


def read(path: Path, table: Table = SHOP_METRICS) -> list[list[str]]:
    """The CSV's rows."""
    out = path.with_name("out.csv")
    as_csv(path, table, out)
    return list(csv.reader(io.StringIO(out.read_text(encoding="utf-8"))))


def refusal(path: Path, table: Table = SHOP_METRICS) -> str:
    with pytest.raises(FileRefused) as refused:
        read(path, table)
    [error] = refused.value.errors
    assert error.message
    return error.code


def cell_of(path: Path, value: object, **formats: str) -> str:
    """How one cell under the header `shop` is written."""
    kinds = {float: formats["number"]} if formats else {}
    [_headers, [cell]] = read(book(path, ["shop"], [value], formats=kinds))
    return cell


def rezipped(path: Path, changed: dict[str, bytes]) -> Path:
    """The workbook with entries that are other than they were, or new."""
    with zipfile.ZipFile(path) as before:
        entries = {name: before.read(name) for name in before.namelist()} | changed
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as after:
        for name, content in entries.items():
            after.writestr(name, content)
    return path


def sheet_xml(path: Path) -> bytes:
    with zipfile.ZipFile(path) as packed:
        return packed.read("xl/worksheets/sheet1.xml")


# Cells


def test_a_sheet_becomes_the_same_rows_of_csv(path: Path) -> None:
    rows = [
        HEADERS,
        ["D1", date(2026, 3, 11), 4.65, 0.953, True],
        ["D2", date(2026, 3, 11), "none", "", False],
    ]
    assert read(book(path, *rows)) == [
        HEADERS,
        ["D1", "2026-03-11", "4.65", "0.953", "true"],
        ["D2", "2026-03-11", "none", "", "false"],
    ]


@pytest.mark.parametrize(
    "text",
    [
        "青禾 “小店”",
        'a "quoted" name',
        "=1+1",
        "'=1+1",
        "001",
        " outer ",
        "4.10",
        "a,b;c\td",
        "1E5",
        "_x000D_",
    ],
)
def test_a_text_is_written_as_it_stands(path: Path, text: str) -> None:
    assert cell_of(path, text) == text


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (4.1, "4.1"),
        (0.1 + 0.2, "0.3"),
        (12345, "12345"),
        (12345.0, "12345"),
        (-3, "-3"),
        (0, "0"),
        (-0.0, "0"),
        (0.000001, "0.000001"),
        (99999999999999, "99999999999999"),
        (99999999999999.9, "99999999999999.9"),
    ],
)
def test_a_number_is_written_in_plain_digits(path: Path, number: float, written: str) -> None:
    assert cell_of(path, number) == written


def test_a_number_that_the_file_spells_out_beyond_its_precision_has_fifteen_digits(path: Path) -> None:
    book(path, ["shop"], [4.1])
    rezipped(path, {"xl/worksheets/sheet1.xml": sheet_xml(path).replace(b"4.1", b"4.0999999999999996")})
    assert read(path)[1] == ["4.1"]


@pytest.mark.parametrize("number", [2534567890123456789, 123456789012345, 100000000000000])
def test_a_long_id_that_is_a_number_is_refused_by_the_parser_of_ids(path: Path, number: int) -> None:
    written = cell_of(path, number)
    with pytest.raises(BadCell, match="rounded_id"):
        parser(SHOPS.columns[0], ",")(written)


def test_a_long_id_that_is_a_text_keeps_every_digit(path: Path) -> None:
    assert cell_of(path, "2534567890123456789") == "2534567890123456789"


def test_a_percentage_is_its_share(path: Path) -> None:
    assert cell_of(path, 0.953, number="0.00%") == "0.953"


def test_days_and_moments_are_written_as_the_import_reads_them(path: Path) -> None:
    row = [date(2026, 3, 11), datetime(2026, 3, 11, 9, 30), datetime(2026, 3, 11), time(9, 30)]
    assert read(book(path, ["shop", "day", "a", "b"], row))[1] == [
        "2026-03-11",
        "2026-03-11T09:30:00",
        "2026-03-11",
        "09:30:00",
    ]


def test_empty_rows_may_stand_above_the_headers_and_count(path: Path) -> None:
    row = ["S1", "2026-03-10", 4.5, None, None]
    assert read(book(path, [], [" "], HEADERS, row)) == [[], [], HEADERS, ["S1", "2026-03-10", "4.5", "", ""]]


@pytest.mark.parametrize("error", ["#N/A", "#DIV/0!", "#REF!"])
def test_a_cell_in_error_is_written_as_the_spreadsheet_shows_it(path: Path, error: str) -> None:
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, ["shop", "shop_score"])
        sheet.write_row(1, 0, ['<c t="e">'])
        sheet.write_formula(1, 1, "=1/0", None, error)
    assert read(path)[1] == ['<c t="e">', error]


def test_errors_are_told_wherever_the_reading_in_blocks_cuts(path: Path, monkeypatch) -> None:
    told = io.BytesIO(b'<row><c r="A1" t="e"><v>#N/A</v></c><c t\t= \'e\' r="B1"/><c r="C1" t="str"/></row>')
    monkeypatch.setattr(sheets, "BLOCK", 40)
    assert b"".join(sheets.with_told_errors(told)) == (
        b'<row><c r="A1" t="str"><v>#N/A</v></c><c t\t= \'str\' r="B1"/><c r="C1" t="str"/></row>'
    )


def test_a_formula_counts_by_its_value(path: Path) -> None:
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, ["shop", "shop_score"])
        sheet.write_formula(1, 0, '="D"&1', None, "D1")
        sheet.write_formula(1, 1, "=2+2", None, 4)
    assert read(path)[1] == ["D1", "4"]


@pytest.mark.parametrize(
    "cell",
    [
        b'<c r="A1"><f>1+1</f></c>',
        b'<c r="A1"><f>1+1</f><v/></c>',
        b'<c r="A1"><f>1+1</f><v></v></c>',
        b'<c r="A1">\n <f>1+1</f >\n <v> </v>\n</c>',
        b'<c r="A1" t="str"><f>1+1</f></c>',
        b'<c r="A1" t="b" s="1"><f>A2&gt;1</f></c>',
        b'<c t="e" r="A1"><f>1/0</f></c>',
        b'<c r="A1"><f t="shared" si="0"/></c>',
        b'<x:c xmlns:x="x" r="A1"><x:f>1+1</x:f><x:v/></x:c>',
    ],
)
def test_a_formula_whose_value_was_not_stored_is_no_empty_cell(path: Path, cell: bytes) -> None:
    book(path, ["shop", "shop_score"], ["D1"])
    written = b'<c r="A2" t="s"><v>2</v></c>'
    xml = sheet_xml(path)
    assert written in xml
    cell = cell.replace(b'"A1"', b'"B2"')
    rezipped(path, {"xl/worksheets/sheet1.xml": xml.replace(written, written + cell)})
    assert read(path)[1] == ["D1", "#FORMULA"]
    with pytest.raises(BadCell, match="bad_score"):
        parser(next(column for column in SHOP_METRICS.columns if column.name == "shop_score"), ",")(
            "#FORMULA"
        )


@pytest.mark.parametrize(
    "cell", [b'<c r="B2" t="str"><f>""</f><v></v></c>', b'<c r="B2"/>', b'<c r="B2"></c>']
)
def test_an_empty_cell_and_a_formula_that_makes_an_empty_text_are_empty(path: Path, cell: bytes) -> None:
    book(path, ["shop", "shop_score"], ["D1"])
    written = b'<c r="A2" t="s"><v>2</v></c>'
    xml = sheet_xml(path).replace(written, written + cell + b'<c r="C2"><f>1</f><v>1</v></c>')
    assert read(rezipped(path, {"xl/worksheets/sheet1.xml": xml}))[1] == ["D1", "", "1"]


def test_formulas_are_told_wherever_the_reading_in_blocks_cuts(monkeypatch) -> None:
    cells = b'<row><c r="A1"><f>1+1</f><v></v></c><c r="B1"><f>1</f><v>1</v></c><c t="e"/></row>'
    for block in range(1, len(cells) + 1):
        monkeypatch.setattr(sheets, "BLOCK", block)
        assert b"".join(sheets.with_told_errors(io.BytesIO(cells))) == (
            b'<row><c r="A1"><f>1+1</f><v></v><is><t>#FORMULA</t></is></c>'
            b'<c r="B1"><f>1</f><v>1</v></c><c t="str"/></row>'
        )


# Places


def test_rows_and_columns_keep_their_places(path: Path) -> None:
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 2, ["shop", "day"])
        sheet.write(2, 2, "D1")
        sheet.write(5, 3, "2026-03-11")
        # Merely formatted, far away: nothing.
        sheet.write_blank(99_999, 99, None, workbook.add_format({"bold": True}))
    assert read(path) == [
        ["", "", "shop", "day"],
        ["", "", "", ""],
        ["", "", "D1", ""],
        ["", "", "", ""],
        ["", "", "", ""],
        ["", "", "", "2026-03-11"],
    ]


def test_a_value_beyond_the_headers_stays_where_it_stands(path: Path) -> None:
    assert read(book(path, ["shop", "", ""], ["D1", "", "", "x"], ["D2"])) == [
        ["shop"],
        ["D1", "", "", "x"],
        ["D2"],
    ]


# Sheets


def sheets_of(path: Path, **headers: list[str]) -> Path:
    """A sheet for each name with its headers; the one called `secret` is hidden."""
    with xlsxwriter.Workbook(path) as workbook:
        for name, row in headers.items():
            sheet = workbook.add_worksheet(name)
            sheet.write_row(0, 0, row)
            if name == "secret":
                sheet.hide()
            else:
                sheet.activate()
    return path


def test_the_visible_sheet_with_most_known_headers_is_read(path: Path, tmp_path: Path) -> None:
    sheets_of(
        path,
        secret=HEADERS,
        about=["what this is", "shop"],
        data=HEADERS[:3],
        again=HEADERS[:3],
        notes=["nothing"],
    )
    assert as_csv(path, SHOP_METRICS, tmp_path / "out.csv") == "data"
    assert read(path) == [HEADERS[:3]]


def test_headers_may_be_chinese(path: Path) -> None:
    assert read(book(path, ["店铺编码", "日期"])) == [["店铺编码", "日期"]]


def test_where_no_sheet_has_a_known_header_all_are_named(path: Path, tmp_path: Path) -> None:
    sheets_of(path, secret=HEADERS, 说明=["x"], empty=[])
    with pytest.raises(FileRefused) as refused:
        as_csv(path, SHOP_METRICS, tmp_path / "out.csv")
    [error] = refused.value.errors
    assert (error.code, error.params) == ("no_sheet", {"names": "说明, empty"})


def test_a_sheets_name_is_told_as_far_as_the_record_holds_it(path: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(book(path, HEADERS, name="data")) as packed:
        named = packed.read("xl/workbook.xml")
    rezipped(path, {"xl/workbook.xml": named.replace(b'"data"', b'"' + b"d" * 200 + b'"')})
    assert as_csv(path, SHOP_METRICS, tmp_path / "out.csv") == "d" * 60 + "…"


# Merged cells


@pytest.mark.parametrize("place", [(1, 0, 3, 0), (0, 1, 0, 2), (4, 0, 4, 1)])
def test_a_sheet_with_merged_cells_is_refused(path: Path, place: tuple[int, int, int, int]) -> None:
    """In rows, among headers, or below."""
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, HEADERS)
        sheet.write_column(1, 1, ["2026-03-11"] * 3)
        sheet.merge_range(*place, "day")
    assert refusal(path) == "workbook_merged"


def test_merged_cells_of_another_sheet_do_no_harm(path: Path) -> None:
    with xlsxwriter.Workbook(path) as workbook:
        workbook.add_worksheet("说明").merge_range(0, 0, 0, 5, "What this is")
        workbook.add_worksheet("data").write_row(0, 0, HEADERS)
    assert read(path) == [HEADERS]


# Files that are something else


def test_a_workbook_is_known_by_its_content(path: Path) -> None:
    assert is_workbook(book(path, ["shop"]))
    path.write_text("shop,day\nPK,2026-03-11\n")
    assert not is_workbook(path)
    path.write_bytes(b"")
    assert not is_workbook(path)


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


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
