"""People say how a file that was refused is to be read, and how all from where it came."""

from __future__ import annotations

from pathlib import Path

import pytest

from shops import imports
from shops.errors import Refused
from shops.imports import Reading
from shops.models import ImportBatch, ImportSource, Shop, ShopMetrics
from tests.factories import DAY, make_shop, make_user
from tests.shops.consenting import ASK, LATER, STRANGE, confirmed, metrics, stands
from tests.shops.importing import bring, counts, errors, rejects
from tests.shops.test_imports_workbooks import book

SHOPS = "code,name,shop_type,category,goods_kind,status,subject_kind\n"


def meaning(**columns: str) -> Reading:
    return Reading(columns=columns)


def test_a_file_with_unknown_columns_is_read_anew_as_a_person_says(two_shops) -> None:
    user = make_user("operator")
    refused = bring("metrics", STRANGE, name="表.csv", partial=True, consent=ASK)
    assert [code for _row, _column, _value, code in errors(refused)] == [
        "unknown_column",
        "unknown_column",
        "unknown_column",
        "missing_column",
        "no_figures",
    ]
    assert imports.meanings_of(refused) == {"店铺代号": "", "日期": "day", "得分": "", "备注": ""}
    anew = imports.read_anew(
        refused.pk, reading=meaning(店铺代号="shop", 得分="shop_score", 备注=""), by=user, at=LATER
    )
    assert (anew.received_by, anew.received_at, anew.as_of) == (user, LATER, refused.as_of)
    assert (anew.partial, anew.consent, anew.file_name) == (True, "ask", "表.csv")
    anew = imports.process(anew.pk, at=LATER)
    assert (anew.state, counts(anew)) == ("ready", (1, 1, 0, 0, 0))
    assert confirmed(anew).state == "applied"
    assert ShopMetrics.objects.get().shop_score == 4.5
    assert ImportBatch.objects.get(pk=refused.pk).state == "refused"


def test_what_a_person_says_of_a_source_holds_for_the_next_file_from_there(two_shops) -> None:
    first, second = make_user("operator"), make_user("operator")
    refused = bring("metrics", STRANGE)
    reading = Reading("utf-8", ",", {"店铺代号": "shop", "得分": "shop_score", "备注": ""})
    imports.read_anew(refused.pk, reading=reading, remember_as=" 平台 A ", by=first, at=LATER)
    source = ImportSource.objects.get()
    assert (source.name, source.kind, source.encoding, source.delimiter) == (
        "平台 A",
        "metrics",
        "utf-8",
        ",",
    )
    assert source.history.get().history_user == first
    batch = bring("metrics", STRANGE.replace("4.5", "4.6"), source=source)
    assert (batch.state, batch.source, batch.columns) == ("applied", source, reading.columns)
    assert stands()[1] == "4.60"
    # Said anew under the same name, it is the same source.
    imports.read_anew(
        refused.pk, reading=meaning(得分="experience_score"), remember_as="平台 A", by=second, at=LATER
    )
    source.refresh_from_db()
    assert source.columns == {**reading.columns, "得分": "experience_score"}
    assert (source.delimiter, source.history.first().history_user) == (",", second)
    assert [h.history_user for h in source.history.order_by("history_id")] == [first, second]


def test_what_is_said_of_one_file_goes_before_what_its_source_says(two_shops) -> None:
    source = ImportSource.objects.create(
        name="A",
        kind="metrics",
        delimiter=";",
        columns={"店铺代号": "shop", "得分": "shop_score", "备注": ""},
    )
    said = Reading(encoding="utf-16", columns={"得分": "experience_score"})
    assert bring("metrics", STRANGE, source=source, reading=said).state == "refused"
    said = Reading(delimiter=",", columns={"得分": "experience_score"})
    assert bring("metrics", STRANGE, source=source, reading=said).state == "applied"
    assert (ShopMetrics.objects.get().experience_score, ShopMetrics.objects.get().shop_score) == (4.5, None)


def test_files_of_a_source_are_of_its_kind(two_shops) -> None:
    source = ImportSource.objects.create(name="A", kind="shops")
    with pytest.raises(Refused, match="hold something else"):
        bring("metrics", STRANGE, source=source)
    refused = bring("metrics", STRANGE)
    with pytest.raises(Refused, match="hold something else"):
        imports.read_anew(refused.pk, reading=Reading(), remember_as="A", by=None, at=LATER)
    assert list(ImportBatch.objects.all()) == [refused]


def test_only_what_was_refused_or_called_off_is_read_anew(two_shops) -> None:
    applied = bring("metrics", metrics(("S1", "10", "4.1")))
    shown = bring("metrics", metrics(("S2", "10", "4.1")), consent=ASK)
    for batch in (applied, shown):
        with pytest.raises(Refused, match="Only a file that was refused is read anew"):
            imports.read_anew(batch.pk, reading=Reading(), by=None, at=LATER)
    imports.cancel(shown.pk, by=None)
    assert imports.read_anew(shown.pk, reading=Reading(), by=None, at=LATER).state == "received"


def test_a_person_knows_better_in_what_encoding_a_file_is(db) -> None:
    # These two characters of GB18030 are also UTF-8, for something else.
    content = f"{SHOPS}S1,模模,ordinary,beauty,physical,normal,enterprise\n".encode("gb18030")
    shown = bring("shops", content, consent=ASK)
    assert (shown.state, shown.read_as.startswith("UTF-8")) == ("ready", True)
    imports.cancel(shown.pk, by=None)
    anew = imports.read_anew(shown.pk, reading=Reading(encoding="gb18030"), by=None, at=LATER)
    anew = confirmed(imports.process(anew.pk, at=LATER))
    assert (anew.state, anew.read_as.startswith("GB18030")) == ("applied", True)
    assert Shop.objects.get().name == "模模"


def test_an_encoding_that_does_not_fit_is_refused_by_name(db) -> None:
    content = f"{SHOPS}S1,旗舰店,ordinary,beauty,physical,normal,enterprise\n".encode("gb18030")
    batch = bring("shops", content, reading=Reading(encoding="utf-8"))
    assert (batch.state, errors(batch)[0][3]) == ("refused", "not_chosen_encoding")
    assert "You chose UTF-8" in imports.errors_of(batch)[0].message


def test_a_person_knows_better_what_delimits_the_cells(two_shops) -> None:
    content = metrics(("S1", "10", "4.1")).replace(",", ";")
    refused = bring("metrics", content, reading=Reading(delimiter=","))
    assert refused.state == "refused"
    anew = imports.read_anew(refused.pk, reading=Reading(delimiter=";"), by=None, at=LATER)
    # Never shown in this reading, whatever was agreed to before.
    assert (anew.consent, anew.earlier) == ("ask", refused)
    assert confirmed(imports.process(anew.pk, at=LATER)).state == "applied"


def test_what_is_said_of_encoding_and_delimiter_is_not_said_of_workbooks(two_shops, tmp_path: Path) -> None:
    source = ImportSource.objects.create(
        name="A",
        kind="metrics",
        encoding="gb18030",
        delimiter=";",
        columns={"得分": "shop_score", "备注": ""},
    )
    content = book(
        tmp_path / "book", ["店铺编码", "日期", "得分", "备注"], ["S1", f"{DAY}", "4.5", "好"]
    ).read_bytes()
    batch = bring("metrics", content, source=source)
    assert (batch.state, stands()[1]) == ("applied", "4.50")
    assert batch.headers == ["店铺编码", "日期", "得分", "备注"]


def test_a_workbook_whose_headers_only_its_source_knows_is_read_as_that_says(
    two_shops, tmp_path: Path
) -> None:
    source = ImportSource.objects.create(
        name="A", kind="metrics", columns={"代号": "shop", "天": "day", "得分": "shop_score"}
    )
    content = book(tmp_path / "book", ["代号", "天", "得分"], ["S1", f"{DAY}", "4.5"]).read_bytes()
    assert bring("metrics", content).state == "refused"
    assert bring("metrics", content, source=source).state == "applied"
    assert stands()[1] == "4.50"


def test_headers_that_can_not_be_read_at_all_are_refused_and_break_nothing(db) -> None:
    batch = bring("metrics", f'"shop"x,day,gmv_30d\nS1,{DAY},1\n')
    assert errors(batch)[0][3] == "broken_quotes"
    assert imports.meanings_of(batch) == {}


def test_headers_that_stand_twice_can_be_told_apart_and_read_over(two_shops) -> None:
    content = f"shop,day,shop_score,备注,备注\nS1,{DAY},4.5,好,坏\n"
    refused = bring("metrics", content)
    assert list(imports.meanings_of(refused)) == ["shop", "day", "shop_score", "备注", "备注 (2)"]
    reading = Reading(columns={"备注": "", "备注 (2)": ""})
    anew = imports.read_anew(refused.pk, reading=reading, by=None, at=LATER)
    assert confirmed(imports.process(anew.pk, at=LATER)).state == "applied"


def test_a_file_of_very_many_columns_is_refused_and_asks_nobody_about_each(two_shops) -> None:
    batch = bring("metrics", ",".join(["shop", "day", *(f"c{n}" for n in range(5000))]) + f"\nS1,{DAY}\n")
    assert errors(batch)[0][3] == "too_many_columns"
    assert imports.meanings_of(batch) == {}


def test_rejected_rows_come_back_under_the_source_that_they_came_from(two_shops) -> None:
    source = ImportSource.objects.create(name="A", kind="metrics", encoding="gb18030", delimiter=";")
    content = f"店铺编码;日期;店铺评分\nS1;{DAY};4.5\nS2;{DAY};x\n".encode("gb18030")
    first = bring("metrics", content, source=source, partial=True)
    assert counts(first) == (2, 1, 0, 0, 1)
    mended = rejects(first).replace('"x"', '"4.6"')
    assert counts(bring("metrics", mended, source=source)) == (1, 1, 0, 0, 0)


def test_rejects_of_an_earlier_look_are_gone_once_nothing_is_rejected(db) -> None:
    make_shop(code="S1")
    batch = bring("metrics", metrics(("S1", "10", "4.1"), ("S9", "10", "4.2")), partial=True, consent=ASK)
    assert imports.rejected_path(batch.sha256, batch.pk).exists()
    make_shop(code="S9")
    batch = confirmed(confirmed(batch))
    assert (batch.state, batch.rejected) == ("applied", 0)
    assert not imports.rejected_path(batch.sha256, batch.pk).exists()
