"""The page that takes a file, and the page on which its fate is read."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from shops import imports
from shops.models import ImportBatch, ImportProgress, ImportSource, ShopMetrics
from tests.clients import client_of
from tests.factories import AT, DAY, make_shop
from tests.shops.accounting import paid_in
from tests.shops.importing import bring

ADD = "/admin/shops/importbatch/add/"
GOOD = f"店铺编码,日期,店铺评分\nS1,{DAY},4.5\n"
PENALTIES = "reference,shop,violation,imposed_at,status,deposit_deducted\n"
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


# What it says of a file.


def test_how_far_a_worker_is_is_told_and_about_how_long_it_takes(shop) -> None:
    batch = shown_first()
    batch.state = "checking"
    batch.save()
    client = client_of("operator")
    progress = ImportProgress.objects.filter(batch=batch)
    progress.update(done=0.25, began_at=timezone.now() - timedelta(seconds=10))
    page = client.get(page_of(batch)).content.decode()
    assert '<progress max="1" value="0.250"' in page and "data-refresh" in page
    assert "Being checked" in page
    assert re.search(r"about (29|30|31) seconds left", page)
    progress.update(done=0.0)
    assert "seconds left" not in client.get(page_of(batch)).content.decode()
    batch.state = "applying"
    batch.save()
    assert "Being written" in client.get(page_of(batch)).content.decode()


def test_the_counts_are_told_in_figures_and_in_bars(shop) -> None:
    batch = bring("metrics", BAD, partial=True)
    page = client_of("auditor").get(page_of(batch)).content.decode()
    bars = re.findall(r'<meter min="0" max="(\d+)" value="(\d+)"', page)
    assert bars == [("2", value) for value in "21001"]


def test_a_suspicious_file_says_what_is_suspicious_in_the_readers_language(db) -> None:
    codes = [make_shop().code for _shop in range(20)]
    batch = shown_first("\n".join(["shop,day,shop_score", *(f"{code},{DAY},4.5" for code in codes)]))
    page = client_of("auditor").get(page_of(batch)).content.decode()
    assert "What looks suspicious" in page
    assert f"{DAY}: shop score is 4.5 for every shop." in page
    chinese = client_of("auditor", "zh-hans").get(page_of(batch)).content.decode()
    assert "店铺评分" in chinese
    assert "for every shop" not in chinese and "What looks suspicious" not in chinese


def test_changed_cells_are_shown_from_old_to_new_and_once_written_as_what_was_changed(shop) -> None:
    bring("metrics", GOOD)
    batch = shown_first(GOOD.replace("4.5", "none"))
    client = client_of("operator")
    page = client.get(page_of(batch)).content.decode()
    assert "What would change" in page
    assert '<dt>shop_score</dt><dd class="count">1</dd>' in page
    assert "<td><code>4.5</code></td><td><code>none</code></td>" in page
    chinese = client_of("operator", "zh-hans").get(page_of(batch)).content.decode()
    assert '<dt>店铺评分</dt><dd class="count">1</dd>' in chinese and "What would change" not in chinese
    client.post(address(batch, "confirm"))
    imports.process(batch.pk, at=AT)
    written = client.get(page_of(batch)).content.decode()
    assert "What was changed" in written and "<code>none</code>" in written


def test_a_refused_file_shows_no_changes_for_there_are_none(shop) -> None:
    bring("metrics", GOOD)
    page = client_of("auditor").get(page_of(bring("metrics", BAD.replace("4.5", "4.6"))))
    assert "What was changed" not in page.content.decode()


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_errors_of_several_kinds_are_counted_by_kind(shop, language: str) -> None:
    rows = [f"S1,{DAY - timedelta(days=n)},9\n" for n in range(3)]
    batch = bring("metrics", f"店铺编码,日期,店铺评分\n{''.join(rows)}S9,{DAY},4\n")
    page = client_of("auditor", language).get(page_of(batch)).content.decode()
    kinds = re.findall(r'<tr><th scope="row">(\d+)</th><td>([^<]+)</td></tr>', page)
    assert [count for count, _sentence in kinds] == ["3", "1"]
    told = " ".join(sentence for _count, sentence in kinds)
    assert ("Expected" in told) == (language == "en")


def test_a_file_that_changed_nothing_leads_to_the_one_that_did(shop) -> None:
    first = bring("metrics", GOOD)
    again = bring("metrics", GOOD)
    page = client_of("auditor").get(page_of(again)).content.decode()
    assert "The very same file came in" in page
    assert f'href="{page_of(first)}"' in page


# Read anew.

STRANGE = f"店铺代号,日期,得分,备注\nS1,{DAY},4.5,好\n"
AS_MEANT = {"column_0": "shop", "column_1": "day", "column_2": "shop_score", "column_3": ""}


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


@pytest.mark.parametrize(
    "state", ["received", "checking", "ready", "applying", "applied", "cancelled", "reversed"]
)
def test_the_page_says_everything_in_chinese(shop, state: str) -> None:
    bring("metrics", GOOD)
    batch = shown_first(GOOD.replace("4.5", "4.6"))
    batch.state = state
    batch.save()
    english = (
        "Being ",
        "Waiting for a worker",
        "Nothing is",
        "Called off",
        "Reversed",
        "Call it off",
        "Apply<",
        "What ",
    )
    page = client_of("supervisor", "zh-hans").get(page_of(batch)).content.decode()
    assert [words for words in english if words in page] == []


# What the history and a source tell


def test_the_history_of_an_import_is_told_in_words(shop) -> None:
    batch = bring("metrics", f"{GOOD}S9,{DAY},6\n")
    batch.columns, batch.partial = {"GMV": "gmv_30d"}, True
    batch.save_by(None, "confirmed")
    page = client_of("auditor", "zh-hans").get(reverse("admin:shops_importbatch_history", args=[batch.pk]))
    told = page.content.decode()
    assert "已确认" in told and "已拒收" in told
    for raw in ("gmv_30d", "&#x27;", "confirmed", "refused", "True"):
        assert raw not in told.split('id="content"')[1]


@pytest.mark.django_db
def test_a_hidden_field_has_no_row_on_a_forms_page() -> None:
    user = User.objects.create_superuser("root")
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    page = client.get("/admin/shops/enrollment/import/").content.decode()
    assert 'name="resource"' in page and "field-resource" not in page


@pytest.mark.parametrize(
    ("kind", "column", "kept", "english", "chinese"),
    [
        ("shops", "shop_type", "flagship", "flagship", "旗舰店"),
        ("shops", "category", "local-life", "local-life", "本地生活"),
        ("shops", "category", "女装", "女装", "女装"),
        ("shops", "account_ok", "false", "no", "否"),
        ("shops", "name", "true", "true", "true"),
        ("enrollments", "state", "open", "open", "已开通"),
        ("metrics", "shop_score", "none", "none", "暂无"),
        ("metrics", "shop_score", "4.5", "4.5", "4.5"),
        ("metrics", "shop_type", "flagship", "flagship", "flagship"),
        ("metrics", "erp_connected", None, None, None),
    ],
)
def test_a_kept_cell_is_told_in_the_readers_words(
    kind: str, column: str, kept: str | None, english: str | None, chinese: str | None
) -> None:
    assert imports.told(kind, column, kept) == english
    with override("zh-hans"):
        assert imports.told(kind, column, kept) == chinese


@pytest.mark.django_db
def test_a_file_of_penalties_says_what_was_imposed_reported_and_deducted() -> None:
    shop = make_shop(code="S1")
    paid_in(shop, 10_000)
    bring("penalties", f"{PENALTIES}P1,S1,V8,2026-03-01,reported,\n")
    batch = bring(
        "penalties",
        f"{PENALTIES}P1,S1,V8,2026-03-01,imposed,30.50\n"
        "P2,S1,V8,2026-03-01,imposed,100\nP3,S1,V8,2026-03-01,reported,\n",
    )
    client = client_of("auditor")
    shown = {str(name): figure for name, figure in client.get(page_of(batch)).context["brought"]}
    assert shown == {
        "imposed": "2",
        "only reported": "1",
        "deducted of deposits": "¥100.00",
        "short by": "¥30.50",
    }
    assert client.get(page_of(bring("shops", "code,name\n"))).context["brought"] == []
