"""Until when: to the second, over the ends of months and the zone's midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import User

from opsdesk import appeals, deadlines, notices
from opsdesk.models import AppealTerms, Notice
from shops.errors import Refused
from shops.models import Penalty
from tests.factories import AT, SHANGHAI, make_appeal, make_cleared, make_penalty, make_user

SECOND = timedelta(seconds=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("seconds", "in_time"), [(-1, True), (0, True), (0.999, True), (1, False)], ids=["-1", "0", "0.999", "+1"]
)
def test_the_last_second_is_in_time_and_the_next_is_not(seconds: float, in_time: bool) -> None:
    until = at("2026-04-10T23:59:59")
    assert deadlines.in_time(until + timedelta(seconds=seconds), until) == in_time


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        (at("2026-03-11T09:30:00"), at("2026-03-11T09:30:25")),
        (at("2026-03-11T09:30:00").astimezone(UTC), at("2026-03-11T09:30:25")),
        (at("2026-03-11T09:29:00"), at("2026-03-11T09:29:00")),
        (at("2026-03-11T09:30:24"), at("2026-03-11T09:30:24")),
        (at("2026-03-11T09:31:00"), at("2026-03-11T09:31:00")),
        (date(2026, 3, 11), at("2026-03-11T09:30:25")),
        (date(2026, 3, 10), at("2026-03-10T00:00:00")),
        (date(2026, 3, 12), at("2026-03-12T00:00:00")),
    ],
)
def test_a_moment_that_is_told_to_the_minute_or_the_day_is_no_earlier_than_it_can_be(
    told: datetime | date, meant: datetime
) -> None:
    assert deadlines.as_told(told, at("2026-03-11T09:30:25.000007")) == meant


@pytest.mark.django_db
def test_an_appeal_in_the_minute_of_the_decision_is_filed() -> None:
    decided = AT.replace(second=25)
    appeal = make_appeal(make_cleared(at=decided), filed_at=AT)
    assert appeal.filed_at == decided


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "until"),
    [
        # A second before midnight it is still Thursday in Shanghai, a second later Friday; UTC says Thursday.
        ("2026-03-12T23:59:59", "2026-03-17T23:59:59"),
        ("2026-03-13T00:00:00", "2026-03-18T23:59:59"),
    ],
)
def test_an_answer_is_due_by_the_days_of_shanghai(asked: str, until: str) -> None:
    assert deadlines.answer_due(at(asked).astimezone(UTC)) == at(until)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "until"),
    [
        # Thursday and Friday are off, and so are the three first days of the week after.
        ("2026-09-30T12:00:00", "2026-10-10T23:59:59"),
        # Of what is asked on Thursday evening Friday is the first day, the worked Saturday the second.
        ("2026-10-08T23:59:59", "2026-10-12T23:59:59"),
        ("2026-10-12T12:00:00", "2026-10-15T23:59:59"),
    ],
)
def test_holidays_are_no_working_days_and_worked_weekends_are(asked: str, until: str) -> None:
    announced = AppealTerms.current()
    announced.days_off = [date(2026, 10, day) for day in (1, 2, 5, 6, 7)]
    announced.days_worked = [date(2026, 10, 10)]
    announced.save_by(None, "as announced")
    assert deadlines.answer_due(at(asked)) == at(until)


def delivered(penalty: Penalty, moment: datetime) -> None:
    notice = Notice.objects.get(penalty=penalty)
    notices.record_delivery(notice.pk, channel="mail", delivered_at=moment, by=None, at=moment)


MIDNIGHT = at("2026-03-16T00:00:00")


@pytest.mark.django_db
@pytest.mark.parametrize("since", ["decision", "delivery"])
@pytest.mark.parametrize("begins", [MIDNIGHT - SECOND, MIDNIGHT, at("2026-01-30T12:00:00")])
def test_a_first_appeal_is_in_time_for_thirty_days_to_the_second(since: str, begins: datetime) -> None:
    if since == "delivery":
        penalty = make_cleared(at=begins - timedelta(days=9))
        delivered(penalty, begins)
    else:
        penalty = make_cleared(at=begins)
    until = begins + timedelta(days=30)
    with pytest.raises(appeals.TooLate, match=deadlines.said(until)):
        make_appeal(penalty, at=until + SECOND)
    assert make_appeal(penalty, at=until + timedelta(days=9), filed_at=until).filed_at == until


def terms(**values: int) -> None:
    changed = AppealTerms.current()
    for name, value in values.items():
        setattr(changed, name, value)
    changed.save_by(None, "changed")


@pytest.mark.django_db
@pytest.mark.parametrize("days", [5, 90])
def test_terms_that_change_later_leave_the_first_window_that_was_promised(days: int) -> None:
    penalty, until = make_cleared(), AT + timedelta(days=30)
    terms(first_days=days)
    assert deadlines.window_of(penalty, 1).until == until
    assert make_appeal(penalty, at=until).level == 1


@pytest.mark.django_db
@pytest.mark.parametrize("changed", ["before the ruling", "after it"])
def test_terms_that_change_later_leave_the_second_window_that_was_promised(changed: str) -> None:
    judge, penalty = make_user("appeals_officer"), make_cleared()
    first = make_appeal(penalty)
    appeals.take(first.pk, by=judge, at=AT)
    if changed == "before the ruling":
        terms(second_days=1)
    window = appeals.deny(first.pk, reason="right", by=judge, at=AT)
    terms(second_days=1)
    assert window is not None
    assert window.until == AT + timedelta(days=15)
    assert make_appeal(penalty, at=window.until).level == 2


@pytest.mark.django_db
def test_where_no_notice_promised_a_window_the_ruling_does() -> None:
    judge, penalty = make_user("appeals_officer"), make_penalty()
    first = make_appeal(penalty)
    appeals.take(first.pk, by=judge, at=AT)
    appeals.deny(first.pk, reason="right", by=judge, at=AT)
    terms(second_days=1)
    assert make_appeal(penalty, at=AT + timedelta(days=15)).level == 2


@pytest.mark.django_db
def test_a_delivery_that_is_recorded_late_opens_the_window_again() -> None:
    penalty, late = make_cleared(), AT + timedelta(days=40)
    with pytest.raises(appeals.TooLate):
        make_appeal(penalty, at=late)
    delivered(penalty, AT + timedelta(days=20))
    assert make_appeal(penalty, at=late).level == 1


@pytest.mark.django_db
@pytest.mark.parametrize("ruled", [MIDNIGHT - SECOND, MIDNIGHT, at("2026-03-31T18:00:00")])
def test_a_second_appeal_is_in_time_for_fifteen_days_to_the_second(ruled: datetime) -> None:
    judge: User = make_user("appeals_officer")
    penalty = make_cleared()
    first = make_appeal(penalty)
    appeals.take(first.pk, by=judge, at=ruled)
    appeals.deny(first.pk, reason="right", by=judge, at=ruled)
    until = ruled + timedelta(days=15)
    with pytest.raises(Refused, match="nobody could appeal"):
        make_appeal(penalty, at=ruled, filed_at=ruled - SECOND)
    with pytest.raises(appeals.TooLate, match="when the first appeal was ruled on"):
        make_appeal(penalty, at=until + SECOND)
    assert make_appeal(penalty, at=until).level == 2


@pytest.mark.django_db
@pytest.mark.parametrize(("seconds", "waits"), [(0, True), (0.999, True), (1, False)])
def test_the_shop_has_the_whole_of_its_last_second(seconds: float, waits: bool) -> None:
    officer, appeal = make_user("appeals_officer"), make_appeal(make_cleared())
    later = AT + timedelta(days=3)
    appeals.take(appeal.pk, by=officer, at=later)
    appeals.ask(appeal.pk, items="the parcel's number", by=officer, at=later)
    appeal.refresh_from_db()
    assert deadlines.still_waits(appeal, appeal.due_at + timedelta(seconds=seconds)) == waits
