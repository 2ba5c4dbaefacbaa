"""What the page of an import says of its file, and its history of what became of it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from shops import imports
from shops.models import ImportProgress
from tests.clients import client_of
from tests.factories import AT, DAY, make_shop
from tests.shops.accounting import paid_in
from tests.shops.importing import bring
from tests.shops.test_import_page import BAD, GOOD, address, page_of, shown_first

PENALTIES = "reference,shop,violation,imposed_at,status,deposit_deducted\n"


@pytest.fixture
def shop(db: None) -> None:
    make_shop(code="S1")


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
