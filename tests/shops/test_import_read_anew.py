"""People say how a file is to be read, and it is read anew."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from shops.models import ImportBatch, ImportSource, ShopMetrics
from tests.clients import client_of
from tests.factories import DAY, make_shop
from tests.shops.importing import bring
from tests.shops.test_import_page import ADD, GOOD, address, page_of

STRANGE = f"店铺代号,日期,得分,备注\nS1,{DAY},4.5,好\n"
AS_MEANT = {"column_0": "shop", "column_1": "day", "column_2": "shop_score", "column_3": ""}


@pytest.fixture
def shop(db: None) -> None:
    make_shop(code="S1")


def test_an_operator_says_what_the_columns_mean_and_the_file_is_read_anew(committed_db, worker) -> None:
    make_shop(code="S1")
    client = client_of("operator")
    refused = bring("metrics", STRANGE)
    assert address(refused, "columns") in client.get(page_of(refused)).content.decode()
    form = client.get(address(refused, "columns")).content.decode()
    for header in ("店铺代号", "日期", "得分", "备注"):
        assert header in form
    assert '<option value="day" selected>' in form
    answer = client.post(address(refused, "columns"), {**AS_MEANT, "remember_as": "平台 A"})
    anew = ImportBatch.objects.latest("pk")
    assert (answer.status_code, answer["Location"]) == (302, page_of(anew))
    worker.burst()
    anew.refresh_from_db()
    assert (anew.state, anew.source.name) == ("ready", "平台 A")
    client.post(address(anew, "confirm"))
    worker.burst()
    # The next file from there needs nobody.
    file = SimpleUploadedFile("b.csv", STRANGE.replace("4.5", "4.6").encode())
    client.post(ADD, {"kind": "metrics", "file": file, "source": anew.source.pk, "at_once": "on"})
    worker.burst()
    assert ImportBatch.objects.latest("pk").state == "applied"
    assert str(ShopMetrics.objects.get().shop_score) == "4.60"


def test_two_columns_do_not_mean_the_same(shop) -> None:
    batch = bring("metrics", STRANGE)
    answer = client_of("operator").post(
        address(batch, "columns"), {**AS_MEANT, "column_3": "shop_score", "encoding": "", "delimiter": ""}
    )
    assert answer.status_code == 400
    assert "Two columns can&#x27;t mean the same." in answer.content.decode()
    assert ImportBatch.objects.count() == 1


@pytest.mark.parametrize(
    "wrong",
    [{"column_0": "no such column"}, {"encoding": "utf-7"}, {"delimiter": "|"}, {"remember_as": "x" * 61}],
)
def test_what_is_not_offered_is_not_taken(shop, wrong: dict[str, str]) -> None:
    batch = bring("metrics", STRANGE)
    assert client_of("operator").post(address(batch, "columns"), {**AS_MEANT, **wrong}).status_code == 400
    assert ImportBatch.objects.count() == 1


def test_who_may_not_import_says_not_how_files_are_read(shop) -> None:
    batch = bring("metrics", STRANGE)
    client = client_of("auditor")
    assert client.get(address(batch, "columns")).status_code == 403
    assert client.post(address(batch, "columns"), AS_MEANT).status_code == 403
    assert address(batch, "columns") not in client.get(page_of(batch)).content.decode()


def test_an_applied_file_is_not_read_anew(shop) -> None:
    batch = bring("metrics", GOOD)
    answer = client_of("operator").post(
        address(batch, "columns"), {"column_0": "shop", "column_1": "day", "column_2": "shop_score"}
    )
    assert (answer.status_code, answer["Location"]) == (302, page_of(batch))
    assert list(ImportBatch.objects.all()) == [batch]


def test_a_name_of_another_kinds_source_is_refused_in_words(shop) -> None:
    ImportSource.objects.create(name="平台 A", kind="shops")
    batch = bring("metrics", STRANGE)
    answer = client_of("operator").post(address(batch, "columns"), {**AS_MEANT, "remember_as": "平台 A"})
    assert answer.status_code == 400
    assert "hold something else" in answer.content.decode()
    file = SimpleUploadedFile("b.csv", STRANGE.encode())
    source = ImportSource.objects.get().pk
    added = client_of("operator").post(ADD, {"kind": "metrics", "file": file, "source": source})
    assert (added.status_code, "hold something else" in added.content.decode()) == (400, True)


@pytest.mark.parametrize(
    "content",
    [
        f'"shop"x,day,gmv_30d\nS1,{DAY},1\n'.encode(),
        "店铺".encode("utf-16-le"),
        b"",
        b"\xff\xff\xff",
        b"PK\x03\x04",
    ],
    ids=["broken quotes", "no headers", "nothing", "no text", "no workbook"],
)
def test_of_a_file_that_can_not_be_read_at_all_the_columns_page_still_asks_for_the_encoding(
    shop, content: bytes
) -> None:
    batch = bring("metrics", content)
    assert batch.state == "refused"
    page = client_of("operator").get(address(batch, "columns"))
    assert page.status_code == 200
    assert 'name="encoding"' in page.content.decode()


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "How this file is to be read"), ("zh-hans", "保存为来源")],
)
def test_the_columns_page_is_in_the_readers_language(shop, language: str, words: str) -> None:
    batch = bring("metrics", STRANGE)
    page = client_of("operator", language).get(address(batch, "columns")).content.decode()
    assert words in page
