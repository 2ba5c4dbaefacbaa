"""The page that takes a file, and the page on which its fate is read."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from shops.models import ImportBatch, ShopMetrics
from tests.factories import DAY, make_shop, make_user
from tests.shops.importing import bring

ADD = "/admin/shops/importbatch/add/"
GOOD = f"店铺编码,日期,店铺评分\nS1,{DAY},4.5\n"
BAD = f"{GOOD}S9,{DAY},6\n"


def client_of(role: str, language: str = "en") -> Client:
    client = Client(headers={"accept-language": language})
    client.force_login(make_user(role))
    return client


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
def test_rejected_rows_and_the_file_itself_are_downloads_and_nothing_else() -> None:
    make_shop(code="S1")
    batch = bring("metrics", BAD)
    client = client_of("auditor")
    rejected = client.get(reverse("admin:shops_importbatch_rejected", args=[batch.pk]))
    text = b"".join(rejected.streaming_content).decode("utf-8-sig")
    assert text.splitlines()[0] == "reasons,店铺编码,日期,店铺评分"
    assert f"S9,{DAY},6" in text
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
    [("shop", "shops"), ("enrollment", "enrollments"), ("qualification", "qualifications")],
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
