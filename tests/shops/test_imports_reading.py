from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shops.exports import plain
from shops.imports.columns import spoken
from shops.imports.errors import MESSAGES, FileRefused, RowError
from shops.imports.headers import open_csv
from shops.imports.reading import Row, Source
from shops.imports.tables import TABLES

TABLE = TABLES["qualifications"]
HEADERS = "shop,kind,brand,valid_until,verdict"
ROW = "S1,brand,张三,2025-01-01,accepted"
TEXT = f"{HEADERS}\n{ROW}\n"
CELLS = ROW.split(",")


def rows_of(source: Source) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of every row, good lines too."""
    for piece in source.pieces():
        if isinstance(piece, Row):
            yield piece.number, piece.cells
        else:
            lines = piece.lines.decode().splitlines()
            yield from enumerate(csv.reader(lines, delimiter=source.delimiter), piece.first)


@pytest.fixture
def opened(tmp_path: Path):
    def opened(content: str | bytes, kind: str = "qualifications") -> Source:
        path = tmp_path / "file.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return open_csv(path, TABLES[kind])

    return opened


def refused(opened, content: str | bytes, kind: str = "qualifications") -> list[tuple[int, str, str]]:
    with pytest.raises(FileRefused) as refusal:
        list(rows_of(opened(content, kind)))
    return [(error.row, error.column, error.code) for error in refusal.value.errors]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
def test_the_encodings_in_use_are_found(opened, encoding: str) -> None:
    bom = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}.get(encoding, b"")
    source = opened(bom + TEXT.encode(encoding))
    assert list(rows_of(source)) == [(2, CELLS)]
    assert source.headers == HEADERS.split(",")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends_are_found(opened, delimiter: str, newline: str) -> None:
    source = opened(TEXT.replace(",", delimiter).replace("\n", newline))
    assert list(rows_of(source)) == [(2, CELLS)]


def test_a_delimiter_inside_quotes_separates_nothing(opened) -> None:
    source = opened(f'{HEADERS}\nS1,brand,"a, ""b""; c",,accepted\n')
    assert list(rows_of(source)) == [(2, ["S1", "brand", 'a, "b"; c', "", "accepted"])]


def test_chinese_headers_and_a_platforms_names_are_known_in_any_order(opened) -> None:
    source = opened("审核结果,店铺ID,资质类型 \n通过,S1,品牌\n")
    assert [column.name for column in source.present] == ["verdict", "shop", "kind"]


def test_every_name_of_a_column_means_that_column_alone() -> None:
    for table in TABLES.values():
        names = [
            spoken(name)
            for column in table.columns
            for name in {spoken(n) for n in (column.name, column.name_zh, *column.aliases)}
        ]
        assert len(names) == len(set(names)), table.kind


def test_every_word_of_a_choice_means_that_choice_alone() -> None:
    for table in TABLES.values():
        for column in table.columns:
            words = [spoken(word) for kept, others in column.words.items() for word in (kept, *others)]
            assert len(words) == len(set(words)), (table.kind, column.name)


def test_missing_doubled_and_unknown_headers_are_all_named_at_once(opened) -> None:
    assert refused(opened, "shop,店铺编码,colour,kind\nS1,S1,red,brand\n") == [
        (1, "店铺编码", "doubled_column"),
        (1, "colour", "unknown_column"),
        (1, "verdict", "missing_column"),
    ]


def test_an_endless_header_is_shown_in_short(opened) -> None:
    [(row, column, code)] = refused(opened, f"{HEADERS},{'h' * 100_000}\n{ROW},1\n")
    assert (row, len(column) < 300, code) == (1, True, "unknown_column")


def test_an_empty_file_and_one_without_rows_are_refused(opened) -> None:
    for nothing in (b"", codecs.BOM_UTF8, b"\n", b"  \n\n"):
        assert refused(opened, nothing) == [(1, "", "empty_file")]
    for no_rows in (HEADERS, f"{HEADERS}\n", f"{HEADERS}\n\n,,,,\n"):
        assert refused(opened, no_rows) == [(2, "", "no_rows")]


def test_a_metrics_file_without_any_metric_is_refused(opened) -> None:
    assert refused(opened, "shop,day\nS1,2024-08-30\n", "metrics") == [(1, "", "no_figures")]


def test_rows_without_anything_in_them_count_as_lines_but_are_no_rows(opened) -> None:
    source = opened(f"{HEADERS}\n\n{ROW}\n,,,,\n{ROW}\n\n")
    assert [number for number, _cells in rows_of(source)] == [3, 5]


@pytest.mark.parametrize("blank", ["\n", "\r\n\r\n", " \n\t\n", ",,,,\n", '"",""\n', ";;;;\n\n"])
def test_rows_without_anything_in_them_may_stand_before_the_headers(opened, blank: str) -> None:
    above = blank.count("\n")
    delimiter = ";" if ";" in blank else ","
    source = opened(blank + f"{TEXT}\n{ROW}\n".replace(",", delimiter))
    assert (source.headers, source.delimiter) == (HEADERS.split(","), delimiter)
    assert list(rows_of(source)) == [(above + 2, CELLS), (above + 4, CELLS)]
    assert list(source.rows(iter([above + 4]))) == [CELLS]


def test_what_is_wrong_with_headers_further_down_is_told_by_their_own_row(opened) -> None:
    assert refused(opened, f"\n\n{HEADERS}\n") == [(4, "", "no_rows")]
    assert refused(opened, f"\n\n{HEADERS},colour\n{ROW},red\n") == [(3, "colour", "unknown_column")]
    assert refused(opened, f'\n"shop"x,kind\n{ROW}\n') == [(2, "", "broken_quotes")]


def test_a_quoted_line_break_is_one_row(opened) -> None:
    source = opened(f'{HEADERS}\nS1,brand,"a\nb",,accepted\n{ROW}\n')
    assert [number for number, _cells in rows_of(source)] == [2, 3]


def test_nul_is_refused_with_its_row(opened) -> None:
    assert refused(opened, f"{TEXT}S2\0") == [(3, "", "nul")]
    # UTF-16 that does not say so.
    assert refused(opened, TEXT.encode("utf-16-le")) == [(1, "", "nul")]


def test_bytes_that_are_no_text_are_refused_with_row_and_byte(opened) -> None:
    mixed = TEXT.encode() + "S2,brand,李四,,accepted\n".encode("gb18030") + b"\xff\n"
    with pytest.raises(FileRefused) as refusal:
        opened(mixed)
    [error] = refusal.value.errors
    assert (error.row, error.value, error.code) == (3, "0xC0", "not_text")
    assert "0xFF" in error.message


@pytest.mark.parametrize("order", [1, -1])
def test_files_of_two_encodings_put_together_are_refused(opened, order: int) -> None:
    # GB18030 alone would read all of it, and make other characters of what is UTF-8.
    parts = ["S1,brand,青禾店铺,,accepted\n".encode(), "S2,brand,云舟店铺,,accepted\n".encode("gb18030")]
    mixed = f"{HEADERS}\n".encode() + b"".join(parts[::order])
    assert mixed.decode("gb18030")
    row = 3 if order == 1 else 2
    assert refused(opened, mixed) == [(row, "", "mixed_encodings")]


def test_a_file_cut_within_a_character_is_refused(opened) -> None:
    # The columns in such an order that the last cell is the one that was cut.
    text = "shop,kind,verdict,brand\nS1,brand,accepted,青禾店铺\nS2,brand,accepted,云舟店".encode()
    for cut in (text[:-1], text[:-2]):
        assert cut.decode("gb18030", "replace")
        [(row, _column, code)] = refused(opened, cut)
        assert (row, code in ("mixed_encodings", "not_text")) == (3, True)
    assert refused(opened, f"{HEADERS}\nS1,brand,青禾".encode()[:-1] + b"") != []


def test_gb18030_is_read_also_where_a_line_could_be_utf8(opened) -> None:
    # These bytes are two characters in UTF-8, and three in common use in GB18030.
    chance = "娴搬安"
    assert chance.encode("gb18030").decode("utf-8")
    rows = [["S1", "brand", chance, "", "accepted"], ["S2", "brand", "张三", "", "accepted"]]
    content = "\n".join([HEADERS, *map(",".join, rows)]).encode("gb18030")
    assert [cells for _number, cells in rows_of(opened(content))] == rows


def test_a_bom_is_a_promise(opened) -> None:
    assert refused(opened, codecs.BOM_UTF8 + b"shop\xff") == [(1, "", "not_utf")]


def test_a_character_is_read_whole_where_blocks_meet(opened) -> None:
    # Three bytes a character: some lie across the border of a block, wherever it is.
    rows = [*CELLS[:2], "张" * 30, *CELLS[3:]]
    source = opened(f"{HEADERS}\n" + (",".join(rows) + "\n") * 30_000)
    assert sum(cells == rows for _number, cells in rows_of(source)) == 30_000


def test_quotation_marks_that_do_not_match_are_refused_with_their_row(opened) -> None:
    assert refused(opened, f'{TEXT}S2,brand,"a"b,,accepted\n') == [(3, "", "broken_quotes")]
    assert refused(opened, f'{TEXT}S2,brand,"a,,accepted\n') == [(3, "", "broken_quotes")]
    assert refused(opened, f'"{TEXT}') == [(1, "", "broken_quotes")]


def test_a_cell_of_a_megabyte_and_an_endless_line_are_refused(opened) -> None:
    assert refused(opened, f"{TEXT}S2,brand,{'a' * 200_000},,accepted\n") == [(3, "", "line_too_long")]
    assert refused(opened, TEXT + "a" * (3 << 20)) == [(3, "", "line_too_long")]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "file.csv"
    path.write_bytes(content)
    with pytest.raises(FileRefused):
        list(rows_of(open_csv(path, TABLE)))


@given(
    st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=5, max_size=5), max_size=5),
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]),
)
def test_what_a_csv_writer_writes_is_read_as_it_was(tmp_path_factory, rows, encoding: str) -> None:
    path = tmp_path_factory.mktemp("any") / "file.csv"
    with open(path, "w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows([HEADERS.split(","), CELLS, *rows])
    # A `'` that makes a cell safe for spreadsheets is no part of it.
    written = [[plain(cell) for cell in cells] for cells in [CELLS, *rows] if any(cells)]
    if any("\0" in cell for cells in rows for cell in cells):
        with pytest.raises(FileRefused):
            open_csv(path, TABLE)
    else:
        assert [cells for _number, cells in rows_of(open_csv(path, TABLE))] == written


class Anything(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return name


def test_every_message_can_be_told() -> None:
    for code in MESSAGES:
        assert "%(" not in RowError(1, "", "", code, Anything()).message
