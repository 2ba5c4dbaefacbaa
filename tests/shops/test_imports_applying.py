"""What an import writes: facts, their history, what was corrected. The same file again writes nothing."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils.translation import override
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shops import imports
from shops.errors import NotAllowed, Refused
from shops.imports.values import moment
from shops.models import (
    Controller,
    Correction,
    Enrollment,
    ImportBatch,
    Opening,
    Penalty,
    Qualification,
    Shop,
    ShopMetrics,
)
from tests.factories import AT, DAY, DOUYIN, WECHAT, make_shop, make_user
from tests.shops.importing import METRICS_HEADERS, bring, counts

pytestmark = pytest.mark.django_db

SHOPS = (
    "code,name,shop_type,category,goods_kind,status,subject_kind,controller,account_ok,entered_on,contact\n"
)
FULL = "S1,张三旗舰店,flagship,beauty,physical,normal,enterprise,C1,1,2024-01-15,李四\n"
METRICS_ROW = f"S1,{DAY},120000.50,900,4.8,4.6,none,,4.61,96%,1,0,是,否"
ENROLLMENTS = "shop,alliance,state,opened_on,openings,closed_on,cause\n"
PAPERS = "shop,kind,brand,valid_until,verdict\n"


def metrics(*rows: str) -> str:
    return "\n".join([METRICS_HEADERS, *rows]) + "\n"


def test_a_shop_is_created_with_its_controller_and_both_histories_name_who_sent_the_file() -> None:
    user = make_user("operator")
    batch = bring("shops", SHOPS + FULL, by=user)
    assert counts(batch) == (1, 1, 0, 0, 0)
    shop = Shop.objects.get()
    assert (shop.code, shop.name, shop.shop_type, shop.account_ok) == ("S1", "张三旗舰店", "flagship", True)
    assert (shop.name_key, shop.entered_on, shop.contact) == ("zhangsanqijiandian", date(2024, 1, 15), "李四")
    assert shop.controller == Controller.objects.get(code="C1")
    assert shop.batch == batch
    for record in (shop.history.get(), shop.controller.history.get()):
        assert (record.history_type, record.history_user) == ("+", user)
        assert record.history_date == batch.finished_at
        assert record.history_change_reason == f"import {batch.pk}"


def test_a_changed_shop_is_updated_and_its_history_says_so() -> None:
    bring("shops", SHOPS + FULL)
    batch = bring("shops", SHOPS + FULL.replace("normal", "suspended").replace("C1", "C2"))
    assert counts(batch) == (1, 0, 1, 0, 0)
    shop = Shop.objects.get()
    assert (shop.status, shop.controller.code, shop.batch) == ("suspended", "C2", batch)
    assert [record.history_type for record in shop.history.all()] == ["~", "+"]


def test_what_a_file_does_not_bring_stays_and_an_empty_cell_empties() -> None:
    bring("shops", SHOPS + FULL)
    narrow = "code,name,shop_type,category,goods_kind,status,subject_kind"
    row = "S1,张三旗舰店,flagship,beauty,physical,normal,enterprise"
    assert counts(bring("shops", f"{narrow}\n{row}\n")) == (1, 0, 0, 1, 0)
    assert counts(bring("shops", f"{narrow},contact,controller\n{row},,\n")) == (1, 0, 1, 0, 0)
    shop = Shop.objects.get()
    assert (shop.contact, shop.controller, shop.entered_on) == ("", None, date(2024, 1, 15))


def test_a_long_name_has_a_key_that_fits() -> None:
    name = "双" * 200
    assert bring("shops", SHOPS + FULL.replace("张三旗舰店", name)).state == "applied"
    assert len(Shop.objects.get().name_key) == 800


def test_what_stands_from_a_newer_file_is_left_alone() -> None:
    bring("shops", SHOPS + FULL)
    older = bring("shops", SHOPS + FULL.replace("normal", "suspended"), as_of=AT - timedelta(days=1))
    assert counts(older) == (1, 0, 0, 1, 0)
    assert Shop.objects.get().status == "normal"


@pytest.mark.parametrize(
    ("row", "state", "used", "opening"),
    [
        (f"S1,{DOUYIN},applied,,,,", "applied", 0, None),
        (f"S1,{DOUYIN},applied,,2,,", "applied", 2, None),
        (f"S1,{DOUYIN},open,,,,", "open", 1, (1, None, None, "", False)),
        (f"S1,{DOUYIN},open,2026-01-05,3,,", "open", 3, (3, date(2026, 1, 5), None, "", False)),
        (
            f"S1,{DOUYIN},cleared,2026-01-05,2,2026-02-05,metric",
            "cleared",
            2,
            (2, date(2026, 1, 5), date(2026, 2, 5), "metric", True),
        ),
        (f"S1,{DOUYIN},cleared,,,,", "cleared", 1, (1, None, None, "", True)),
        (f"S1,{DOUYIN},left,,,,自愿", "left", 1, (1, None, None, "voluntary", True)),
        (f"S1,{DOUYIN},left,,0,,", "left", 0, None),
    ],
)
def test_an_enrollment_comes_with_its_latest_opening(row, state, used, opening) -> None:
    make_shop(code="S1")
    batch = bring("enrollments", f"{ENROLLMENTS}{row}\n")
    assert counts(batch) == (1, 1, 0, 0, 0)
    enrollment = Enrollment.objects.get()
    assert (enrollment.state, enrollment.openings_used, enrollment.batch) == (state, used, batch)
    assert enrollment.history.get().history_type == "+"
    found = [(o.number, o.opened_on, o.closed_on, o.cause, o.closed) for o in Opening.objects.all()]
    assert found == ([opening] if opening else [])
    assert all(o.history.get().history_type == "+" for o in Opening.objects.all())
    # And again.
    assert counts(bring("enrollments", f"{ENROLLMENTS}{row}\n")) == (1, 0, 0, 1, 0)


def test_imports_bring_facts_and_never_a_penalty() -> None:
    make_shop(code="S1")
    bring("enrollments", f"{ENROLLMENTS}S1,{DOUYIN},cleared,,1,,violation\nS1,{WECHAT},left,,1,,judgement\n")
    assert not Penalty.objects.exists()


def test_a_paper_is_received_once_and_its_verdict_may_change() -> None:
    make_shop(code="S1")
    heard = AT - timedelta(days=2)
    bring("qualifications", f"{PAPERS}S1,brand,一叶,2027-01-01,pending\n", as_of=heard)
    batch = bring("qualifications", f"{PAPERS}S1,brand,一叶,2027-01-01,accepted\nS1,licence,,,通过\n")
    assert counts(batch) == (2, 1, 1, 0, 0)
    paper = Qualification.objects.get(kind="brand")
    assert (paper.verdict, paper.received_at, paper.batch) == ("accepted", heard, batch)
    assert [record.history_type for record in paper.history.all()] == ["~", "+"]
    licence = Qualification.objects.get(kind="licence")
    assert (licence.valid_until, licence.received_at) == (None, batch.as_of)


def test_metrics_are_kept_exactly_missing_as_missing_and_no_score_yet_as_such() -> None:
    shop = make_shop(code="S1")
    batch = bring("metrics", metrics(METRICS_ROW))
    assert counts(batch) == (1, 1, 0, 0, 0)
    day = ShopMetrics.objects.get(shop=shop, day=DAY)
    assert (day.gmv_30d, day.paid_orders_30d, day.positive_rate) == (
        Decimal("120000.50"),
        900,
        Decimal("0.96"),
    )
    assert (day.shop_score, day.shop_score_none) == (Decimal("4.8"), False)
    assert (day.product_score, day.product_score_none) == (None, True)
    assert (day.service_score, day.service_score_none) == (None, False)
    flags = (day.warehouse_passed, day.alliance_connected, day.erp_connected, day.freight_insurance)
    assert (*flags, day.batch) == (True, False, True, False, batch)


def test_each_month_has_its_partition_when_it_is_needed() -> None:
    make_shop(code="S1")
    rows = [f"S1,{day},1,1,5,5,5,5,5,1,1,1,1,1" for day in ("2023-12-31", "2024-01-01", "2024-02-29")]
    batch = bring("metrics", metrics(*rows))
    assert (batch.created, batch.first_day, batch.last_day) == (3, date(2023, 12, 31), date(2024, 2, 29))


def test_a_correction_replaces_only_what_differs_and_keeps_what_stood() -> None:
    shop, other = make_shop(code="S1"), make_shop(code="S2")
    rows = [METRICS_ROW, METRICS_ROW.replace("S1", "S2")]
    first = bring("metrics", metrics(*rows))
    second = bring("metrics", metrics(rows[0].replace("4.8,", "none,"), rows[1]))
    assert counts(second) == (2, 0, 1, 1, 0)
    correction = Correction.objects.get()
    assert (correction.shop, correction.day) == (shop, DAY)
    assert (correction.replaced_batch, correction.batch) == (first, second)
    assert correction.before["shop_score"] == "4.80"
    assert correction.before["gmv_30d"] == "120000.50"
    assert (correction.before["product_score"], correction.before["product_score_none"]) == (None, True)
    assert correction.before["alliance_connected"] is False
    now = ShopMetrics.objects.get(shop=shop, day=DAY)
    assert (now.shop_score, now.shop_score_none, now.batch) == (None, True, second)
    assert ShopMetrics.objects.get(shop=other, day=DAY).batch == first


def test_an_older_metrics_file_leaves_newer_knowledge_alone() -> None:
    make_shop(code="S1")
    newer = bring("metrics", metrics(METRICS_ROW))
    older = bring("metrics", metrics(METRICS_ROW.replace("4.8,", "1,")), as_of=AT - timedelta(hours=1))
    assert counts(older) == (1, 0, 0, 1, 0)
    assert ShopMetrics.objects.get().batch == newer
    assert not Correction.objects.exists()


def test_a_file_that_brings_only_one_of_the_two_scores_says_so() -> None:
    make_shop(code="S1")
    batch = bring("metrics", f"shop,day,experience_score\nS1,{DAY},4.5\n")
    assert "shop_score" in batch.absent
    assert "experience_score" not in batch.absent
    with override("zh-hans"):
        assert "店铺评分" in imports.absent_of(batch)


def test_metrics_that_a_file_does_not_bring_stay_as_they_are() -> None:
    make_shop(code="S1")
    bring("metrics", metrics(METRICS_ROW))
    assert counts(bring("metrics", f"shop,day,shop_score\nS1,{DAY},3.9\n")) == (1, 0, 1, 0, 0)
    now = ShopMetrics.objects.get()
    assert (now.shop_score, now.gmv_30d) == (Decimal("3.9"), Decimal("120000.50"))


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("shops", SHOPS + FULL),
        ("enrollments", f"{ENROLLMENTS}S1,{DOUYIN},cleared,2026-01-05,2,2026-02-05,metric\n"),
        ("qualifications", f"{PAPERS}S1,brand,一叶,2027-01-01,pending\nS1,licence,,,accepted\n"),
        ("metrics", metrics(METRICS_ROW)),
    ],
)
def test_the_same_file_again_changes_nothing(kind: str, content: str) -> None:
    if kind != "shops":
        make_shop(code="S1")
    first = bring(kind, content)
    again = bring(kind, content)
    assert counts(first) == (first.rows, first.rows, 0, 0, 0)
    assert counts(again) == (first.rows, 0, 0, first.rows, 0)
    assert first.sha256 == again.sha256
    for model in (Shop, Enrollment, Opening, Qualification, Controller):
        assert all(record.history.count() == 1 for record in model.objects.filter(pk__gt=0))


def test_an_import_that_is_done_is_not_done_again() -> None:
    batch = bring("shops", SHOPS + FULL)
    before = batch.history.count()
    assert imports.process(batch.pk, at=AT).state == "applied"
    assert (ImportBatch.objects.get().history.count(), Shop.objects.get().history.count()) == (before, 1)


def test_who_may_not_import_is_turned_away_and_nobody_knows_the_future() -> None:
    with pytest.raises(NotAllowed):
        bring("shops", SHOPS + FULL, by=make_user("auditor"))
    with pytest.raises(Refused):
        bring("shops", SHOPS + FULL, as_of=AT + timedelta(seconds=1))
    assert not ImportBatch.objects.exists()


def test_nobody_knows_anything_before_there_was_a_platform() -> None:
    # In UTC the first would lie before the calendar begins: no page could show the record again.
    for as_of in (moment("0001-01-01"), moment("1999-12-31")):
        with pytest.raises(Refused):
            bring("shops", SHOPS + FULL, as_of=as_of)
    assert not ImportBatch.objects.exists()


def test_a_file_that_is_too_large_is_refused_and_not_kept(settings) -> None:
    settings.IMPORT_MAX_BYTES = 100
    with pytest.raises(Refused):
        bring("shops", SHOPS + FULL)
    assert not ImportBatch.objects.exists()


def test_a_file_is_kept_as_it_came_under_its_digest() -> None:
    content = (SHOPS + FULL).encode("gb18030")
    batch = bring("shops", content, name="店铺.csv")
    assert imports.path_of(batch.sha256).read_bytes() == content
    assert (batch.file_name, batch.size) == ("店铺.csv", len(content))


def test_a_file_whose_processing_keeps_breaking_off_is_refused_at_last() -> None:
    batch = bring("shops", SHOPS + FULL)
    broken = ImportBatch(
        kind="shops", file_name="lost.csv", sha256="0" * 64, size=1, received_at=AT, as_of=AT
    )
    broken.save()
    for _attempt in range(2):
        with pytest.raises(FileNotFoundError):
            imports.process(broken.pk, at=AT)
        assert ImportBatch.objects.get(pk=broken.pk).state == "received"
    assert imports.process(broken.pk, at=AT).state == "refused"
    assert imports.errors_of(ImportBatch.objects.get(pk=broken.pk))[0].code == "kept_failing"
    assert imports.unfinished() == []
    assert batch.state == "applied"


SCORES = st.one_of(st.just(""), st.just("none"), st.decimals(0, 5, places=2).map(str))
ROWS = st.fixed_dictionaries(
    {
        "shop": st.sampled_from(["S1", "S2", "S3"]),
        "day": st.dates(DAY - timedelta(days=40), DAY).map(str),
        "gmv_30d": st.one_of(st.just(""), st.decimals(0, 10**12, places=2).map(str)),
        "shop_score": SCORES,
        "experience_score": SCORES,
        "positive_rate": st.one_of(st.just(""), st.decimals(0, 100, places=4).map(lambda rate: f"{rate}%")),
        "warehouse_passed": st.sampled_from(["", "1", "0", "true", "否"]),
    }
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(rows=st.lists(ROWS, min_size=1, max_size=12, unique_by=lambda row: (row["shop"], row["day"])))
def test_whatever_good_file_comes_twice_changes_nothing_the_second_time(rows) -> None:
    headers = sorted(rows[0])
    content = "\n".join([",".join(headers), *(",".join(row[name] for name in headers) for row in rows)])
    # All examples share the test's transaction: each undoes what it did.
    with transaction.atomic():
        for code in ("S1", "S2", "S3"):
            make_shop(code=code)
        first = bring("metrics", content)
        assert counts(first) == (len(rows), len(rows), 0, 0, 0)
        assert counts(bring("metrics", content)) == (len(rows), 0, 0, len(rows), 0)
        for row in rows:
            now = ShopMetrics.objects.get(shop__code=row["shop"], day=row["day"])
            assert now.gmv_30d == (Decimal(row["gmv_30d"]) if row["gmv_30d"] else None)
            assert now.shop_score_none == (row["shop_score"] == "none")
        transaction.set_rollback(True)
