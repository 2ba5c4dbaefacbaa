"""Which sheet of a workbook is read: the visible one with most known headers, and none with merged cells."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from shops.imports.columns import SHOP_METRICS
from shops.imports.errors import FileRefused
from shops.imports.workbooks import as_csv
from tests.shops.test_imports_workbooks import HEADERS, book, read, refusal, rezipped


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "book"


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
