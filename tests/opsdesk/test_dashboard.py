"""The state of the day: what the home page tells, to whom, and what it costs."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from opsdesk import dashboard, execution, review
from rules import checking, sweeps
from rules.models import Sweep
from shops import outgoing
from shops.models import Alliance, Export, Product
from tests.clients import client_of
from tests.exporting import content, read_csv
from tests.factories import (
    AT,
    DAY,
    DOUYIN,
    SHANGHAI,
    WECHAT,
    make_batch,
    make_enrollment,
    make_listing,
    make_metrics,
    make_product,
    make_product_metrics,
    make_proposal,
    make_qualification,
    make_shop,
    make_sweep,
    make_user,
)
from tests.rules.test_products import rules

pytestmark = pytest.mark.django_db

TODAY = AT.date()


def state(role: str | None = "operator", at: datetime = AT) -> dashboard.State:
    return dashboard.state_of(make_user(role), at=at)


def of_alliance(found: dashboard.State, code: str) -> dashboard.Checked:
    return next(checked for checked in found.checked if checked.alliance.code == code)


def test_the_newest_day_and_the_files_it_came_in() -> None:
    shop = make_shop()
    for ago in (0, 1):
        day = DAY - timedelta(days=ago)
        make_metrics(shop, day, batch=make_batch(first_day=day, last_day=day, file_name=f"{day}.csv"))
    found = state()
    assert found.newest_day == DAY
    assert [batch.file_name for batch in found.files] == [f"{DAY}.csv"]


def test_the_last_check_of_each_alliance() -> None:
    make_sweep(DOUYIN, DAY - timedelta(days=1), filed=4)
    newest = make_sweep(DOUYIN, DAY, filed=2)
    found = state()
    assert of_alliance(found, DOUYIN).last == newest
    assert of_alliance(found, DOUYIN).filed == [(DAY - timedelta(days=1), 4), (DAY, 2)]
    assert of_alliance(found, WECHAT).last is None


@pytest.mark.parametrize(
    ("hour", "minute", "swept", "late"),
    [(11, 59, False, False), (12, 0, False, True), (12, 0, True, False), (23, 59, False, True)],
)
def test_none_by_noon_is_a_warning(hour: int, minute: int, swept: bool, late: bool) -> None:
    make_sweep(finished_at=AT if swept else AT - timedelta(days=1))
    at = datetime(TODAY.year, TODAY.month, TODAY.day, hour, minute, tzinfo=SHANGHAI)
    assert of_alliance(state(at=at), DOUYIN).late is late


def test_a_check_that_failed_today_does_not_silence_the_warning() -> None:
    make_sweep(status=Sweep.Status.FAILED, failure="disk full")
    at = AT.replace(hour=13)
    assert of_alliance(state(at=at), DOUYIN).late


def test_what_waits_by_alliance_and_kind_with_the_oldest() -> None:
    oldest = DAY - timedelta(days=3)
    make_proposal()
    make_proposal(filed_on=oldest)
    make_proposal(kind="admit")
    make_proposal(make_enrollment(alliance_code=WECHAT))
    make_proposal(status="withdrawn", closed_at=AT)
    found = state()
    waiting = {(group.kind, group.count, group.oldest) for group in of_alliance(found, DOUYIN).waiting}
    assert waiting == {("clear", 2, oldest), ("admit", 1, DAY + timedelta(days=1))}
    assert [group.count for group in of_alliance(found, WECHAT).waiting] == [1]


def test_what_is_still_to_be_done_on_the_platform() -> None:
    by = make_user()
    first = review.accept(make_proposal().pk, by=by, reason="below_bar", at=AT)
    second = review.accept(make_proposal().pk, by=by, reason="below_bar", at=AT + timedelta(hours=1))
    review.reject(make_proposal().pk, by=by, reason="recovered", at=AT)
    found = state()
    assert (found.to_execute, found.oldest_to_execute) == (2, AT)
    execution.record(first.execution.pk, outcome="done", by=by, on=TODAY)
    found = state()
    assert (found.to_execute, found.oldest_to_execute) == (1, second.decided_at)
    # What has failed is to be tried again.
    execution.record(second.execution.pk, outcome="failed", by=by, note="page was down")
    found = state()
    assert (found.to_execute, found.oldest_to_execute) == (1, second.decided_at)


def test_imports_unfinished_or_refused_within_a_week() -> None:
    waiting = make_batch(state="received", finished_at=None)
    refused = make_batch(state="refused")
    make_batch(state="refused", received_at=AT - timedelta(days=8))
    make_batch()
    assert set(state().stuck) == {waiting, refused}


def test_papers_that_expire_within_a_day_a_week_a_fortnight_and_a_month() -> None:
    for days in (0, 1, 2, 7, 8, 15, 16, 30, 31):
        make_qualification(make_shop(), valid_until=TODAY + timedelta(days=days))
    make_qualification(make_shop(), valid_until=TODAY - timedelta(days=1))
    make_qualification(make_shop(), valid_until=TODAY, verdict="rejected")
    assert state().expiring == [(1, 2), (7, 4), (15, 6), (30, 8)]


def test_a_paper_with_a_successor_on_file_does_not_count_as_expiring() -> None:
    shop = make_shop()
    make_qualification(shop, valid_until=TODAY)
    make_qualification(shop, valid_until=TODAY + timedelta(days=400))
    make_qualification(shop, valid_until=TODAY, brand="another")
    assert dict(state().expiring)[1] == 1


def test_shops_without_data_what_they_lack_and_for_how_long() -> None:
    make_sweep(DOUYIN, DAY)
    measured, silent, never, gap = (make_enrollment() for _ in range(4))
    applicant = make_enrollment(state="applied")
    make_enrollment(state="cleared")
    make_metrics(measured.shop)
    make_metrics(silent.shop, DAY - timedelta(days=4))
    make_metrics(gap.shop, DAY - timedelta(days=2))
    make_metrics(gap.shop, DAY - timedelta(days=1), experience_score=None)
    make_metrics(gap.shop, experience_score=None)
    make_metrics(applicant.shop, positive_rate=None)
    page = client_of().get(reverse("admin:no_data", args=[DOUYIN]))
    assert page.context["count"] == 4
    rows = {row.code: (row.checked_for, row.lacking, row.days) for row, *_ in page.context["rows"]}
    assert rows == {
        silent.shop.code: (["clearance"], [], 4),
        never.shop.code: (["clearance"], [], None),
        gap.shop.code: (["clearance"], ["experience_score"], 2),
        applicant.shop.code: (["admission"], ["positive_rate"], None),
    }
    text = page.content.decode()
    assert "more than 60 days" in text
    assert "positive rate" in text


def test_the_list_of_shops_without_data_goes_out_whole_in_the_readers_language(monkeypatch) -> None:
    make_sweep(DOUYIN, DAY)
    silent = [make_enrollment(make_shop(name="=1+1")).shop for _shop in range(60)]
    make_metrics(silent[0], DAY - timedelta(days=4))
    applicant = make_enrollment(state="applied").shop
    make_metrics(applicant, positive_rate=None)
    address = reverse("admin:no_data_export", args=[DOUYIN])
    rows = read_csv(content(client_of().post(address)))
    assert [row["Shop's code"] for row in rows] == sorted([applicant.code, *(shop.code for shop in silent)])
    by_code = {row["Shop's code"]: list(row.values())[1:] for row in rows}
    assert by_code[silent[0].code] == [
        "'=1+1",
        "",
        "",
        "clearance",
        "all metrics of the day",
        f"{DAY - timedelta(days=4)}",
        "4",
    ]
    assert by_code[applicant.code][3:] == ["admission", "positive rate", "", ""]
    chinese = content(client_of(language="zh-hans").post(address)).decode()
    assert "清退" in chinese and "clearance" not in chinese
    # A long one is left to a worker.
    monkeypatch.setattr(outgoing, "AT_ONCE", 60)
    answer = client_of().post(address)
    assert answer["Location"] == reverse("admin:shops_export_changelist")
    outgoing.write(Export.objects.get().pk, at=AT)
    assert len(read_csv(outgoing.path_of(Export.objects.get()).read_bytes())) == 61
    assert address in client_of().get(reverse("admin:no_data", args=[DOUYIN])).content.decode()


def test_as_many_stand_in_the_list_as_the_check_has_counted() -> None:
    for score in ("4.50", "3.40", None):
        make_metrics(make_enrollment().shop, experience_score=score)
    make_enrollment()
    make_enrollment(make_shop(), state="applied")
    alliance = Alliance.objects.get(code=DOUYIN)
    sweep = sweeps.run(sweeps.request(alliance=alliance, by=None, at=AT, day=DAY).pk, at=AT)
    assert sweep.no_data == checking.without_data(alliance, DAY, start=0, stop=50)[0] == 3


def unjudged_products() -> list[Product]:
    """Of one shop: one without any figures, one that lacks a count, one that lacks its rate, two judged."""
    shop = make_enrollment(make_shop(code="S1"), WECHAT).shop
    make_metrics(shop)
    silent, uncounted, unrated, judged, promoted = (
        make_listing(make_product(shop, code=code), state=state).product
        for code, state in (
            ("G1", "observed"),
            ("G2", "applied"),
            ("G3", "observed"),
            ("G4", "applied"),
            ("G5", "promoted"),
        )
    )
    make_product_metrics(silent, DAY - timedelta(days=3))
    make_product_metrics(uncounted, DAY - timedelta(days=2))
    make_product_metrics(uncounted, settled_orders=None)
    make_product_metrics(unrated, quality_refunds=None)
    make_product_metrics(judged)
    return [silent, uncounted, unrated, judged, promoted]


def test_products_without_data_stand_in_the_list_with_what_they_lack_and_their_address() -> None:
    silent, _uncounted, unrated, *_judged = unjudged_products()
    nobody = make_enrollment(make_shop(code="S0"), WECHAT).shop
    alliance = Alliance.objects.get(code=WECHAT)
    sweep = sweeps.run(sweeps.request(alliance=alliance, by=None, at=AT, day=DAY).pk, at=AT)
    page = client_of().get(reverse("admin:no_data", args=[WECHAT]))
    assert page.context["count"] == sweep.no_data == 4
    told = [
        (row.code, row.product_code, row.checked_for, row.lacking, row.days)
        for row, *_words in page.context["rows"]
    ]
    assert told == [
        (nobody.code, "", ["clearance"], [], None),
        ("S1", "G1", ["observation"], [], 3),
        ("S1", "G2", ["observation"], ["settled_orders"], 2),
        ("S1", "G3", ["observation"], ["quality_refund_rate"], None),
    ]
    text = page.content.decode()
    for product in (silent, unrated):
        assert reverse("admin:shops_product_change", args=[product.pk]) in text
    assert "quality refund rate" in text
    assert "4 shops and products" in text


def test_products_without_data_go_out_with_their_shop_and_are_paged() -> None:
    unjudged_products()
    make_sweep(WECHAT, DAY)
    rows = read_csv(content(client_of().post(reverse("admin:no_data_export", args=[WECHAT]))))
    assert [tuple(row.values())[0::2] for row in rows] == [
        ("S1", "G1", "observation", f"{DAY - timedelta(days=3)}"),
        ("S1", "G2", "observation", f"{DAY - timedelta(days=2)}"),
        ("S1", "G3", "observation", ""),
    ]
    count, second = checking.without_data(Alliance.objects.get(code=WECHAT), DAY, start=1, stop=2)
    assert (count, [row.product_code for row in second]) == (3, ["G2"])


def test_a_product_that_is_judged_by_its_own_record_alone_lacks_that_and_no_metrics() -> None:
    rules("clearance", metric="product_status", operator="=", value="off_sale")
    shop = make_enrollment(alliance_code=WECHAT).shop
    make_metrics(shop)
    make_listing(make_product(shop, status=""))
    alliance = Alliance.objects.get(code=WECHAT)
    count, [row] = checking.without_data(alliance, DAY, start=0, stop=9)
    assert (count, row.checked_for, row.lacking) == (1, ["clearance"], ["product_status"])


@pytest.mark.parametrize("page", ["7", "999999999", "9" * 30])
def test_a_page_behind_the_last_one_leads_to_the_shops_that_there_are(page: str) -> None:
    shop = make_enrollment().shop
    make_sweep(day=DAY)
    answer = client_of().get(reverse("admin:no_data", args=[DOUYIN]), {"p": page}, follow=True)
    assert [row.code for row, *_told in answer.context["rows"]] == [shop.code]


def test_a_category_that_an_alliance_does_not_serve_is_not_missed() -> None:
    make_enrollment(make_shop(category="local-life"), WECHAT)
    assert checking.without_data(Alliance.objects.get(code=WECHAT), DAY, start=0, stop=50) == (0, [])


def test_before_the_first_check_the_page_says_so() -> None:
    page = client_of().get(reverse("admin:no_data", args=[DOUYIN])).content.decode()
    assert "No daily check has been done yet" in page


def test_an_empty_desk_says_what_to_do_next() -> None:
    page = client_of().get("/admin/").content.decode()
    for advice in (
        "No metrics have come in yet.",
        "Import a file",
        "Never checked yet. Import metrics first.",
    ):
        assert advice in page, advice


def test_everybody_sees_only_what_the_role_may() -> None:
    make_proposal()
    administrator = client_of("administrator").get("/admin/").content.decode()
    assert "Waiting for a decision" not in administrator
    assert "Users" in administrator
    assert "Review queue" not in administrator
    auditor = client_of("auditor").get("/admin/").content.decode()
    assert "Waiting for a decision" in auditor
    assert "Check now" not in auditor
    assert "Users" not in auditor


def test_the_sidebar_follows_the_work_and_marks_the_page() -> None:
    client = client_of("supervisor")
    work = client.get("/admin/rules/proposal/").context["work"]
    assert [str(group["title"]) for group in work] == ["", "Shops", "Deposits", "Rule book"]
    assert [str(entry["name"]) for entry in work[0]["entries"]] == [
        "Today",
        "Imports",
        "Review queue",
        "To do on the platform",
        "Appeal queue",
        "Notices",
        "Decisions",
        "Daily checks",
        "My exports",
    ]
    current = [str(entry["name"]) for group in work for entry in group["entries"] if entry["current"]]
    assert current == ["Review queue"]


def test_the_language_is_switched_by_a_button_and_stays() -> None:
    client = client_of()
    answer = client.post("/i18n/setlang/", {"language": "zh-hans", "next": "/admin/rules/proposal/"})
    assert answer["Location"] == "/admin/rules/proposal/"
    assert '<html lang="zh-hans"' in client.get("/admin/").content.decode()


def test_the_page_costs_the_same_for_many_shops_as_for_one(django_assert_max_num_queries) -> None:
    client = client_of("supervisor")
    for _number in range(20):
        make_proposal()
        make_qualification(make_shop(), valid_until=TODAY)
    make_sweep(DOUYIN)
    make_sweep(WECHAT)
    with django_assert_max_num_queries(18):
        client.get("/admin/")


# Check now


def check(client: Client, code: str = DOUYIN):
    return client.post(reverse("admin:check_now", args=[code]))


def test_check_now_asks_for_a_check_and_leads_to_its_page() -> None:
    make_metrics(make_enrollment().shop)
    client = client_of()
    answer = check(client)
    sweep = Sweep.objects.get()
    assert (sweep.status, sweep.day) == ("waiting", DAY)
    assert answer["Location"] == reverse("admin:rules_sweep_change", args=[sweep.pk])
    page = client.get(answer["Location"]).content.decode()
    assert "data-refresh" in page
    assert check(client)["Location"] == answer["Location"]


def test_check_now_without_any_metrics_says_why_not() -> None:
    answer = client_of().post(reverse("admin:check_now", args=[DOUYIN]), follow=True)
    assert "there is no day to check" in answer.content.decode()
    assert not Sweep.objects.exists()


@pytest.mark.parametrize("role", ["auditor", "finance", "administrator", None])
def test_check_now_is_for_those_who_may_run_it(role: str | None) -> None:
    make_metrics(make_enrollment().shop)
    assert check(client_of(role)).status_code == 403
    assert not Sweep.objects.exists()


def test_a_finished_check_shows_its_counts_and_stands_still() -> None:
    sweep = make_sweep(checked=1234, failing=7, filed=5, by_kind={"clear": 5})
    page = client_of().get(reverse("admin:rules_sweep_change", args=[sweep.pk])).content.decode()
    assert "1,234" in page
    assert "clear 5" in page
    assert "data-refresh" not in page
