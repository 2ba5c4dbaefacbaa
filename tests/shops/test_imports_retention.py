"""Metrics are kept for whole months, and the database gives up those that are older."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from django.core.checks import run_checks
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.test import override_settings
from django.utils import translation
from django.utils.timezone import localdate, now

from opsdesk import jobs
from rules import reversals
from rules.models import Proposal
from shops import imports, sql
from shops.imports.retention import first_day_kept
from shops.models import Correction, Coverage, DayProfile, ImportBatch, ShopMetrics
from tests.factories import AT, SHANGHAI, make_batch, make_metrics, make_proposal, make_shop
from tests.shops.importing import bring, counts, errors, only_error

pytestmark = pytest.mark.django_db

# Three days at the boundary, for whoever keeps two months before March; in a year that is past.
DECEMBER, JANUARY, MARCH = date(2023, 12, 31), date(2024, 1, 1), date(2024, 3, 10)


def metrics_file(*days: date, gmv: str = "10") -> str:
    return "\n".join(["shop,day,gmv_30d", *(f"S1,{day},{gmv}" for day in days)])


def metrics(*days: date, gmv: str = "10", at: datetime | None = None) -> ImportBatch:
    """They came in while they were still kept."""
    with override_settings(METRICS_KEPT_MONTHS=0):
        return bring("metrics", metrics_file(*days, gmv=gmv), at=at)


def days() -> list[date]:
    return list(ShopMetrics.objects.order_by("day").values_list("day", flat=True))


def months() -> list[str]:
    """The tables of the months that are there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname ~ '^shops_shopmetrics_[0-9]+$' ORDER BY 1")
        return [name for (name,) in cursor.fetchall()]


@pytest.fixture(autouse=True)
def shop(db: None, settings) -> None:
    make_shop(code="S1")
    settings.METRICS_KEPT_MONTHS = 2


@pytest.mark.parametrize("today", [date(2024, 3, 1), date(2024, 3, 31)])
def test_whole_months_are_given_up_and_what_was_known_of_them(today: date) -> None:
    batch = metrics(DECEMBER, JANUARY, MARCH)
    metrics(date(2023, 6, 1))
    assert imports.forget_months(before=today) == 2
    assert days() == [JANUARY, MARCH]
    assert months() == ["shops_shopmetrics_202401", "shops_shopmetrics_202403"]
    assert [one.day for one in Coverage.objects.order_by("day")] == [JANUARY, MARCH]
    assert {one.batch for one in Coverage.objects.all()} == {batch}
    # A second time there is nothing left to give up.
    assert imports.forget_months(before=today) == 0


@pytest.mark.parametrize(
    ("kept", "today", "expected"),
    [
        (1, date(2024, 1, 31), [DECEMBER, JANUARY, MARCH]),
        (1, date(2024, 2, 1), [JANUARY, MARCH]),
        (12, date(2024, 12, 31), [DECEMBER, JANUARY, MARCH]),
        (12, date(2025, 1, 1), [JANUARY, MARCH]),
        (36, date(2024, 3, 10), [DECEMBER, JANUARY, MARCH]),
        (1, date(2024, 5, 1), []),
    ],
)
def test_so_many_months_are_kept_before_the_running_one(settings, kept: int, today: date, expected) -> None:
    settings.METRICS_KEPT_MONTHS = kept
    metrics(DECEMBER, JANUARY, MARCH)
    imports.forget_months(before=today)
    assert days() == expected


def test_who_sets_nothing_keeps_everything(settings) -> None:
    settings.METRICS_KEPT_MONTHS = 0
    metrics(date(2001, 1, 1), MARCH)
    assert imports.forget_months(before=date(2024, 3, 10)) == 0
    assert days() == [date(2001, 1, 1), MARCH]


def test_what_people_decide_on_and_what_is_evidence_stays() -> None:
    metrics(DECEMBER)
    metrics(DECEMBER, gmv="11")
    proposal = make_proposal(day=DECEMBER, batch=ImportBatch.objects.first())
    imports.forget_months(before=MARCH)
    assert Proposal.objects.get().evidence == proposal.evidence
    assert (Correction.objects.count(), DayProfile.objects.count(), ImportBatch.objects.count()) == (1, 2, 2)


def test_a_file_for_a_month_that_was_given_up_comes_in_as_new_where_it_is_kept_again() -> None:
    metrics(DECEMBER)
    imports.forget_months(before=MARCH)
    assert counts(metrics(DECEMBER)) == (1, 1, 0, 0, 0)
    assert days() == [DECEMBER]


def test_a_day_that_would_be_given_up_the_next_night_is_refused_naming_the_earliest_kept() -> None:
    at = datetime.combine(MARCH, time(9), SHANGHAI)
    content = metrics_file(DECEMBER, JANUARY, MARCH)
    batch = bring("metrics", content, at=at, partial=True)
    assert (counts(batch), days()) == ((3, 2, 0, 0, 1), [JANUARY, MARCH])
    assert errors(batch) == [(2, "day", f"{DECEMBER}", "kept_no_longer")]
    assert f"from {JANUARY} on" in only_error(batch).message
    with translation.override("zh-hans"):
        assert f"{JANUARY}" in only_error(batch).message and "Metrics" not in only_error(batch).message
    # What it knows is of an earlier moment: that keeps nothing longer.
    before = datetime.combine(DECEMBER, time(9), SHANGHAI)
    late = bring("metrics", metrics_file(DECEMBER), at=at + timedelta(seconds=1), as_of=before)
    assert late.state == "refused"
    assert imports.forget_months(before=MARCH) == 0


def test_of_an_import_whose_days_are_partly_given_up_the_rest_can_be_reversed() -> None:
    metrics(DECEMBER, MARCH, gmv="9")
    batch = metrics(DECEMBER, JANUARY, MARCH)
    imports.forget_months(before=MARCH)
    reversals.reverse_import(batch.pk, by=None, reason="another platform's file", at=AT)
    assert [(row.day, row.gmv_30d) for row in ShopMetrics.objects.all()] == [(MARCH, 9)]


def test_the_nightly_job_gives_up_what_is_older_than_the_setting_says(settings) -> None:
    settings.METRICS_KEPT_MONTHS = 3
    make_metrics(make_shop(), date(2001, 1, 1), batch=make_batch())
    jobs.forget_old_metrics()
    assert days() == []


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE shops_shopmetrics_202403",
        "TRUNCATE shops_shopmetrics_202403",
        "ALTER TABLE shops_shopmetrics DETACH PARTITION shops_shopmetrics_202403",
        "DROP TABLE shops_shopmetrics",
    ],
)
def test_the_application_gives_up_no_month_in_any_other_way(statement: str) -> None:
    metrics(MARCH)
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert days() == [MARCH]


def test_the_owner_gives_up_nothing_of_the_last_three_months(settings) -> None:
    settings.METRICS_KEPT_MONTHS = 3
    today = localdate()
    earliest = first_day_kept(today)
    metrics(earliest - timedelta(days=1), earliest, at=now())
    for first_kept in (earliest + timedelta(days=1), today, today + timedelta(days=1)):
        with pytest.raises(IntegrityError, match="last three months are kept"), transaction.atomic():
            sql.fetch("SELECT shops_drop_months_before(%s)", [first_kept])
    assert len(days()) == 2
    assert imports.forget_months(before=today) == 1
    assert days() == [earliest]


@pytest.mark.parametrize(("kept", "right"), [(0, True), (1, False), (2, False), (3, True), (-1, False)])
def test_the_desk_does_not_start_where_fewer_months_are_to_be_kept(settings, kept: int, right: bool) -> None:
    settings.METRICS_KEPT_MONTHS = kept
    assert ("opsdesk.E004" not in [message.id for message in run_checks()]) == right


def test_no_other_table_goes_whatever_it_is_called() -> None:
    metrics(DECEMBER, MARCH)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE shops_shopmetrics_200101 (day date) ON COMMIT DROP")
        assert imports.forget_months(before=MARCH) == 1
        cursor.execute("SELECT count(*) FROM shops_shopmetrics_200101")
        assert cursor.fetchone() == (0,)
