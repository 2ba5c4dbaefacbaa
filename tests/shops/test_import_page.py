"""The page that takes a file, and the page on which its fate is read."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from shops.models import ImportBatch, ShopMetrics
from tests.clients import client_of
from tests.factories import DAY, make_shop
from tests.shops.importing import bring

ADD = "/admin/shops/importbatch/add/"
GOOD = f"店铺编码,日期,店铺评分\nS1,{DAY},4.5\n"
BAD = f"{GOOD}S9,{DAY},6\n"


def page_of(batch: ImportBatch) -> str:
    return reverse("admin:shops_importbatch_change", args=[batch.pk])


def test_an_operator_sends_a_file_and_a_worker_takes_it(committed_db, worker) -> None:
    make_shop(code="S1")
    client = client_of("operator")
    file = SimpleUploadedFile("指标.csv", GOOD.encode("gb18030"))
    answer = client.post(ADD, {"kind": "metrics", "file": file})
    batch = ImportBatch.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, page_of(batch))
    waiting = client.get(page_of(batch)).content.decode()
    assert "data-refresh" in waiting and "Waiting for a worker" in waiting
    worker.burst()
    shown = client.get(page_of(batch)).content.decode()
    assert 'data-refresh="' not in shown and "pill-ready" in shown
    assert not ShopMetrics.objects.exists()
    confirm = reverse("admin:shops_importbatch_confirm", args=[batch.pk])
    assert client.post(confirm).status_code == 302
    worker.burst()
    done = client.get(page_of(batch)).content.decode()
    assert 'data-refresh="' not in done and "pill-applied" in done
    assert ShopMetrics.objects.get().shop.code == "S1"
    batch.refresh_from_db()
    assert batch.received_by is not None
    assert batch.file_name == "指标.csv"


@pytest.mark.django_db
def test_who_may_not_import_finds_no_page_for_it() -> None:
    client = client_of("auditor")
    assert client.get(ADD).status_code == 403
    file = SimpleUploadedFile("metrics.csv", GOOD.encode())
    assert client.post(ADD, {"kind": "metrics", "file": file}).status_code == 403
    assert ADD not in client.get("/admin/shops/importbatch/").content.decode()
    assert not ImportBatch.objects.exists()


@pytest.mark.django_db
def test_the_list_leads_to_the_page_that_takes_a_file() -> None:
    assert ADD in client_of("operator").get("/admin/shops/importbatch/").content.decode()


@pytest.mark.django_db
def test_a_form_without_a_file_or_with_a_moment_to_come_is_shown_again() -> None:
    client = client_of("operator")
    assert client.post(ADD, {"kind": "metrics"}).status_code == 400
    file = SimpleUploadedFile("metrics.csv", GOOD.encode())
    answer = client.post(ADD, {"kind": "metrics", "file": file, "as_of": "2999-01-01T00:00"})
    assert answer.status_code == 400
    assert "lies in the future" in answer.content.decode()
    assert not ImportBatch.objects.exists()


@pytest.mark.django_db
def test_the_page_of_a_refused_file_names_row_column_value_and_what_was_expected() -> None:
    make_shop(code="S1")
    batch = bring("metrics", BAD)
    page = client_of("auditor").get(page_of(batch)).content.decode()
    for part in (
        "pill-refused",
        "<td>3</td>",
        "店铺评分",
        "<code>6</code>",
        "Expected a number from 0 to 5.",
    ):
        assert part in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "words"), [("en", "there is nothing to apply"), ("zh-hans", "没有可导入的内容")]
)
def test_a_partial_file_of_which_every_row_is_rejected_is_not_to_be_applied(
    language: str, words: str
) -> None:
    content = f"店铺编码,日期,店铺评分\nS9,{DAY},6\n"
    batch = bring("metrics", content, partial=True, consent=ImportBatch.Consent.ASK)
    assert (batch.state, batch.rows, batch.rejected) == ("ready", 1, 1)
    client = client_of("operator", language)
    page = client.get(page_of(batch)).content.decode()
    confirm = reverse("admin:shops_importbatch_confirm", args=[batch.pk])
    assert words in page
    assert confirm not in page
    assert reverse("admin:shops_importbatch_cancel", args=[batch.pk]) in page
    # An old page may still offer it.
    client.post(confirm)
    batch.refresh_from_db()
    assert batch.state == "ready"


@pytest.mark.django_db
def test_a_partial_file_with_one_good_row_can_be_applied() -> None:
    make_shop(code="S1")
    batch = bring("metrics", BAD, partial=True, consent=ImportBatch.Consent.ASK)
    confirm = reverse("admin:shops_importbatch_confirm", args=[batch.pk])
    assert confirm in client_of("operator").get(page_of(batch)).content.decode()


@pytest.mark.django_db
def test_rejected_rows_and_the_file_itself_are_downloads_and_nothing_else() -> None:
    make_shop(code="S1")
    batch = bring("metrics", BAD)
    client = client_of("auditor")
    rejected = client.get(reverse("admin:shops_importbatch_rejected", args=[batch.pk]))
    text = b"".join(rejected.streaming_content).decode("utf-8-sig")
    assert text.splitlines()[0] == '"reasons","店铺编码","日期","店铺评分"'
    assert f'"S9","{DAY}","6"' in text
    source = client.get(reverse("admin:shops_importbatch_source", args=[batch.pk]))
    assert b"".join(source.streaming_content) == BAD.encode()
    for answer in (rejected, source):
        assert answer["Content-Disposition"].startswith("attachment")
        assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.django_db
def test_a_cell_is_shown_and_not_run() -> None:
    batch = bring("metrics", f"shop,day,gmv_30d\n<script>alert(1)</script>,{DAY},1\n")
    page = client_of("auditor").get(page_of(batch)).content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.django_db
def test_the_list_asks_few_questions(django_assert_max_num_queries) -> None:
    for _batch in range(30):
        bring("metrics", f"shop,day,gmv_30d\nS1,{DAY},1\n")
    client = client_of("operator")
    with django_assert_max_num_queries(12):
        assert client.get("/admin/shops/importbatch/").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("register", "kind"),
    [
        ("shop", "shops"),
        ("enrollment", "enrollments"),
        ("qualification", "qualifications"),
        ("product", "products"),
        ("listing", "listings"),
        ("penalty", "penalties"),
    ],
)
def test_a_register_takes_files_on_its_own_page(register: str, kind: str) -> None:
    client = client_of("operator")
    address = f"/admin/shops/{register}/import/"
    assert 'href="import/"' in client.get(f"/admin/shops/{register}/").content.decode()
    assert "entered_on" in client.get("/admin/shops/shop/import/").content.decode()
    assert client.post(address, {"resource": "0"}).status_code == 400
    file = SimpleUploadedFile("register.csv", b"what,ever\n1,2\n")
    answer = client.post(address, {"resource": "0", "import_file": file})
    batch = ImportBatch.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, page_of(batch))
    assert (batch.kind, batch.consent, batch.state) == (kind, "ask", "received")


@pytest.mark.django_db
def test_the_second_step_of_the_library_is_not_there() -> None:
    assert client_of("operator").post("/admin/shops/shop/process_import/", {}).status_code in (302, 404)
    assert not ImportBatch.objects.exists()


def address(batch: ImportBatch, page: str) -> str:
    return reverse(f"admin:shops_importbatch_{page}", args=[batch.pk])


def shown_first(content: str = GOOD, **values: Any) -> ImportBatch:
    return bring("metrics", content, consent=ImportBatch.Consent.ASK, **values)


@pytest.fixture
def shop(db: None) -> None:
    make_shop(code="S1")


# Confirmed, or called off.


def test_what_waits_offers_to_apply_it_and_to_call_it_off(shop) -> None:
    batch = shown_first()
    page = client_of("operator").get(page_of(batch)).content.decode()
    assert "pill-ready" in page and "Nothing is written yet" in page
    for verb in ("confirm", "cancel"):
        assert f'formaction="{address(batch, verb)}"' in page
    watched = client_of("auditor").get(page_of(batch)).content.decode()
    assert "pill-ready" in watched
    assert "formaction" not in watched


def test_an_operator_calls_a_file_off_and_the_page_says_so(shop) -> None:
    batch = shown_first()
    client = client_of("operator")
    answer = client.post(address(batch, "cancel"))
    assert (answer.status_code, answer["Location"]) == (302, page_of(batch))
    page = client.get(page_of(batch)).content.decode()
    assert "pill-cancelled" in page and "Called off: nothing of this file was written." in page
    assert "formaction" not in page
    assert address(batch, "columns") in page


@pytest.mark.parametrize("verb", ["confirm", "cancel"])
def test_only_who_imports_confirms_and_calls_off_and_only_by_post(shop, verb: str) -> None:
    batch = shown_first()
    assert client_of("auditor").post(address(batch, verb)).status_code == 403
    assert client_of("operator").get(address(batch, verb)).status_code == 405
    assert ImportBatch.objects.get().state == "ready"


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "can&#x27;t be called off any more"), ("zh-hans", "已无法取消：当前为“已导入”")],
)
def test_who_comes_too_late_is_told(shop, language: str, words: str) -> None:
    batch = bring("metrics", GOOD)
    client = client_of("operator", language)
    page = client.post(address(batch, "cancel"), follow=True).content.decode()
    assert words in page
    assert "messagelist" in page
    assert ImportBatch.objects.get().state == "applied"


def test_a_verb_on_no_import_leads_nowhere(shop) -> None:
    client = client_of("operator")
    for verb in ("confirm", "cancel", "columns"):
        nothing = reverse(f"admin:shops_importbatch_{verb}", args=[4711])
        assert client.post(nothing).status_code == 403
