"""Jobs are doors: they find what is to be done in the database and call one verb."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.utils.timezone import localdate, now
from django_rq import get_queue

from opsdesk import jobs
from rules import reversals, sweeps
from rules.models import Proposal, Sweep
from rules.sql import SWEEPING
from shops.models import Alliance
from shops.sql import lease
from tests.factories import DAY, DOUYIN, SHANGHAI, make_enrollment, make_metrics, make_shop, make_sweep
from tests.shops.importing import bring

MORNING = datetime(2026, 3, 11, 3, 0, tzinfo=SHANGHAI)


def test_the_timetable_asks_for_each_alliances_newest_day_and_it_is_checked(committed_db, worker) -> None:
    make_metrics(make_enrollment().shop, experience_score="3.49")
    jobs.daily_check(MORNING)
    worker.burst()
    assert {(s.alliance.code, s.day, s.status) for s in Sweep.objects.all()} == {
        ("douyin-featured", DAY, "done"),
        ("wechat-select", DAY, "done"),
    }
    assert Proposal.objects.count() == 1


def test_a_day_that_is_checked_is_not_asked_for_again_by_the_timetable(committed_db, worker) -> None:
    make_metrics(make_enrollment().shop)
    jobs.daily_check(MORNING)
    worker.burst()
    jobs.daily_check(MORNING + timedelta(minutes=15))
    assert Sweep.objects.count() == 2


def test_a_day_of_which_an_import_was_reversed_is_checked_again_on_what_is_left(committed_db, worker) -> None:
    make_enrollment(make_shop(code="S1"))
    day = localdate(now())
    headers = "shop,day,experience_score\n"
    bring("metrics", f"{headers}S1,{day},3.1\n", at=now())
    second = bring("metrics", f"{headers}S1,{day},4.1\n", at=now())
    jobs.daily_check()
    worker.burst()
    reversals.reverse_import(second.pk, by=None, reason="another platform's file", at=now())
    jobs.daily_check()
    worker.burst()
    assert Sweep.objects.count() == 4
    assert Proposal.objects.get().observed == "3.10"
    # Once.
    jobs.daily_check()
    assert Sweep.objects.count() == 4


def test_a_check_delivered_ten_times_files_once(committed_db, worker) -> None:
    make_metrics(make_enrollment().shop, experience_score="3.49")
    jobs.daily_check(MORNING)
    for sweep in Sweep.objects.all():
        for _ in range(9):
            jobs.ask_for(sweep)
    worker.burst()
    assert Proposal.history.count() == 1


def test_without_metrics_the_timetable_asks_for_nothing(committed_db) -> None:
    jobs.daily_check(MORNING)
    assert not Sweep.objects.exists()


def test_an_alliance_without_rules_in_force_keeps_no_other_from_its_check(committed_db) -> None:
    make_metrics(make_shop(), day=date(2024, 8, 1))
    Alliance.objects.create(code="a-new-one", name_en="New", name_zh="新")
    jobs.daily_check(datetime(2024, 8, 2, 3, 0, tzinfo=SHANGHAI))
    assert [sweep.alliance.code for sweep in Sweep.objects.all()] == [DOUYIN]


def test_a_refused_check_is_no_failed_job_and_waits_for_the_next_reconciliation(committed_db, worker) -> None:
    make_metrics(make_enrollment().shop)
    alliance = Alliance.objects.get(code=DOUYIN)
    waiting = sweeps.request(alliance=alliance, by=None, at=MORNING)
    running = make_sweep(day=DAY - timedelta(days=1), status="running", finished_at=None)
    with lease(SWEEPING, running.pk):
        jobs.ask_for(waiting)
        worker.burst()
        assert get_queue("default").failed_job_registry.count == 0
    jobs.reconcile()
    worker.burst()
    waiting.refresh_from_db()
    assert waiting.status == "done"
