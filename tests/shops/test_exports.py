"""What goes out: no formula, no value changed, nothing that another spreadsheet reads otherwise."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shops.exports import csv_lines, neutral, plain, write_xlsx
from shops.imports.columns import SHOP_METRICS
from shops.imports.workbooks import as_csv

FORMULAS = [
    "=1+1",
    "==1+1",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "＝1+1",
    "＋1",
    "－1",
    "＠x",
    "\u3000＝1",
    "\u00a0=1",
    "\ufeff=1",
    "'=1",
    "''＠x",
    "-",
]


def sheet_of(header: list, *rows: list) -> openpyxl.worksheet.worksheet.Worksheet:
    out = io.BytesIO()
    write_xlsx(out, header, rows)
    return openpyxl.load_workbook(out).active


@pytest.mark.parametrize("value", FORMULAS)
def test_no_cell_of_a_csv_starts_a_formula(value: str) -> None:
    text = "".join(csv_lines(["a"], [[value]]))
    [[_header], [cell]] = csv.reader(io.StringIO(text, newline=""))
    assert cell == f"'{value}"
    assert plain(cell) == value


@pytest.mark.parametrize("value", FORMULAS)
def test_no_cell_of_a_workbook_starts_a_formula(value: str) -> None:
    """Nor once a person has saved it as CSV."""
    cell = sheet_of(["a"], [value])["A2"]
    assert cell.data_type == "s"
    assert cell.value.replace("_x000D_", "\r") == f"'{value}"


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_no_formula_stands_bare_behind_another_delimiter(delimiter: str) -> None:
    text = f"a{delimiter}=1+1{delimiter}"
    [_header, line] = csv_lines(["a"], [[text]])
    assert next(csv.reader([line], delimiter=delimiter)) == [text]


def test_no_header_starts_a_formula() -> None:
    assert next(csv_lines(["=a"], [])) == '\ufeff"\'=a"\r\n'
    assert sheet_of(["=a"])["A1"].value == "'=a"


@given(st.text())
def test_what_was_made_neutral_is_found_again(text: str) -> None:
    assert plain(neutral(text)) == text


@pytest.mark.parametrize(
    "text", ["https://example.com/x", "mailto:a@b.example", "2534567890123456789", "007", "TRUE"]
)
def test_a_text_is_a_text_in_a_workbook(text: str) -> None:
    cell = sheet_of(["a"], [text])["A2"]
    assert (cell.value, cell.data_type, cell.hyperlink) == (text, "s", None)


@pytest.mark.parametrize(
    "text",
    [
        "_x0041_",
        "_x005F_x0041_",
        "_x005f_x005F_x000D_",
        "_x0041_x0042_",
        "_x41_",
        "a\rb\r\nc",
        "a\x01_x0001_",
    ],
)
def test_a_text_that_looks_like_a_character_by_its_code_comes_back_exactly(text: str, tmp_path: Path) -> None:
    with open(tmp_path / "out.xlsx", "wb") as out:
        write_xlsx(out, ["shop"], [[text]])
    as_csv(tmp_path / "out.xlsx", SHOP_METRICS, tmp_path / "back.csv")
    with open(tmp_path / "back.csv", encoding="utf-8", newline="") as back:
        assert list(csv.reader(back)) == [["shop"], [text]]


def test_a_workbook_keeps_the_kinds_of_values() -> None:
    at = datetime(2026, 3, 11, 1, 30, 15, 999, tzinfo=UTC)
    row = sheet_of(["a"] * 7, [Decimal("4.50"), 900, True, date(2026, 3, 11), at, None, ""])[2]
    assert [cell.value for cell in row[:5]] == [
        4.5,
        900,
        True,
        datetime(2026, 3, 11),
        datetime(2026, 3, 11, 9, 30, 15),
    ]
    assert [cell.number_format for cell in row[3:5]] == ["yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"]
    assert all(cell.value is None for cell in row[5:])


def test_a_number_beyond_a_spreadsheets_precision_is_a_text() -> None:
    row = sheet_of(["a", "b"], [Decimal("99999999999999.99"), 2534567890123456789])[2]
    assert [cell.value for cell in row] == ["99999999999999.99", "2534567890123456789"]


def test_the_headers_of_a_workbook_stay_in_sight() -> None:
    assert sheet_of(["a"], [1]).freeze_panes == "A2"


def test_a_csv_writes_values_as_the_import_reads_them() -> None:
    at = datetime(2026, 3, 11, 1, 30, 15, tzinfo=UTC)
    row = [None, True, False, Decimal("0E-6"), Decimal("-0.010000"), date(2026, 3, 11), at]
    assert list(csv_lines(["a"], [row]))[1] == (
        '"","true","false","0.000000","-0.010000","2026-03-11","2026-03-11T09:30:15+08:00"\r\n'
    )


@settings(max_examples=30, deadline=None)
@given(
    st.one_of(
        st.decimals(min_value=0, max_value=Decimal("99999999999999.99"), places=2),
        st.decimals(min_value=0, max_value=1, places=6),
        st.integers(min_value=0, max_value=2**31 - 1),
    )
)
def test_a_number_comes_back_from_a_workbook_exactly(tmp_path_factory, number: Decimal | int) -> None:
    directory: Path = tmp_path_factory.mktemp("number")
    with open(directory / "out.xlsx", "wb") as out:
        write_xlsx(out, ["shop"], [[number]])
    as_csv(directory / "out.xlsx", SHOP_METRICS, directory / "back.csv")
    [_header, cell] = (directory / "back.csv").read_text().split()
    assert Decimal(cell) == number


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "＝1+1",
        "＋1",
        "－1",
        "＠x",
        "\u3000=1",
        "\ufeff=1",
    ],
)
def test_no_cell_starts_a_formula(cell: str) -> None:
    assert neutral(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["-0.01", "+8", "3.49", "青禾小店", "a=b", "", "12-3"])
def test_plain_text_and_numbers_stay_as_they_are(cell: str) -> None:
    assert neutral(cell) == cell


def test_a_download_quotes_every_cell() -> None:
    lines = list(csv_lines(["a", "b"], [['x "y", z', "line\nbreak"], [None, 5]]))
    assert lines == ['\ufeff"a","b"\r\n', '"x ""y"", z","line\nbreak"\r\n', '"","5"\r\n']
