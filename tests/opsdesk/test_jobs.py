"""Jobs are doors: they find what is to be done in the database and call one verb."""

from __future__ import annotations

from datetime import datetime, timedelta

from opsdesk import jobs
from rules.models import Proposal, Sweep
from tests.factories import DAY, SHANGHAI, make_enrollment, make_metrics

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
