"""Workbooks become CSV: every cell as it stands, in its place."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date, datetime, time
from pathlib import Path

import pytest
import xlsxwriter

from shops.imports import sheets
from shops.imports.columns import SHOP_METRICS, SHOPS, Table
from shops.imports.errors import FileRefused
from shops.imports.values import BadCell, parser
from shops.imports.workbooks import as_csv

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
