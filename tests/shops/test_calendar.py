"""Every calendar function over every day of nine years, against a calendar counted out by hand here."""

from __future__ import annotations

import inspect
import time
from bisect import bisect
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shops import calendar
from tests.factories import SHANGHAI

ZONES = {"UTC": 0, "Asia/Shanghai": 8, "America/Los_Angeles": -8}


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The process's own time zone."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


# The model: days counted out one by one, a moment as seconds of the epoch. 2019-01-01 was a Tuesday and is
# 17,897 days after 1970-01-01; Shanghai is eight hours ahead.
LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def length(year: int, month: int) -> int:
    return 29 if month == 2 and year % 4 == 0 else LENGTHS[month - 1]


COUNTED = [
    (year, month, day)
    for year in range(2019, 2036)
    for month in range(1, 13)
    for day in range(1, length(year, month) + 1)
]
FIRST, TUESDAY = 17_897, 1
STARTS = [(FIRST + place) * 86_400 - 8 * 3_600 for place in range(len(COUNTED))]
EVERY_DAY = range(COUNTED.index((2024, 1, 1)), COUNTED.index((2032, 12, 31)) + 1)
# Some working days that are none, and days that are worked for them, be they of a weekend or not.
HOLIDAYS = {day for day in COUNTED if day[1:] in {(1, 1), (5, 1), (10, 1), (10, 2), (10, 3)}}
WORKED = {day for day in COUNTED if day[1:] in {(1, 4), (4, 28), (5, 1), (9, 29), (10, 11), (10, 12)}}
AMONG: list[tuple[set[tuple[int, int, int]], set[tuple[int, int, int]]]] = [
    (set(), set()),
    (HOLIDAYS, set()),
    (set(), WORKED),
    (HOLIDAYS, WORKED),
]


def month_later(place: int, months: int) -> tuple[int, int, int]:
    year, month, day = COUNTED[place]
    for _ in range(months):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return year, month, min(day, length(year, month))


def is_worked(place: int, holidays: set[tuple[int, int, int]], made_up: set[tuple[int, int, int]]) -> bool:
    if COUNTED[place] in made_up:
        return True
    return (place + TUESDAY) % 7 not in (5, 6) and COUNTED[place] not in holidays


def worked(
    place: int, days: int, holidays: set[tuple[int, int, int]], made_up: set[tuple[int, int, int]]
) -> tuple[int, int, int]:
    while days:
        place += 1
        if is_worked(place, holidays, made_up):
            days -= 1
    return COUNTED[place]


def told(day: date) -> tuple[int, int, int]:
    return day.year, day.month, day.day


def dated(place: int) -> date:
    return date(*COUNTED[place])


def test_every_day_of_nine_years_is_as_counted_out_by_hand(zone: str) -> None:
    assert time.localtime(0).tm_hour == ZONES[zone] % 24, "the zone is in force"
    among = [
        ({date(*day) for day in holidays}, {date(*day) for day in made_up}, holidays, made_up)
        for holidays, made_up in AMONG
    ]
    wrong = []
    for place in EVERY_DAY:
        day, start, end = dated(place), STARTS[place], STARTS[place + 1]
        found = {
            "midnight": (calendar.midnight(day).timestamp(), start),
            **{
                f"day of second {second}": (
                    told(calendar.day_of(datetime.fromtimestamp(second, UTC))),
                    COUNTED[bisect(STARTS, second) - 1],
                )
                for second in (start, start + 1, start + 43_199, end - 1)
            },
            "the day's last microsecond": (
                calendar.day_of(calendar.midnight(dated(place + 1)) - timedelta(microseconds=1)),
                day,
            ),
            **{
                f"window of {days}": (
                    [told(end) for end in calendar.window(day, days)],
                    [COUNTED[place - days + 1], COUNTED[place]],
                )
                for days in (1, 30, 365)
            },
            **{
                f"{months} months": (told(calendar.months_after(day, months)), month_later(place, months))
                for months in (0, 1, 6, 12, 23)
            },
            "points for 365 days": (
                calendar.points_lapse_at(datetime.fromtimestamp(end - 1, UTC), 365).timestamp(),
                STARTS[place + 365],
            ),
            "points for the year": (
                calendar.points_lapse_at(datetime.fromtimestamp(start, UTC), None).timestamp(),
                STARTS[COUNTED.index((COUNTED[place][0] + 1, 1, 1))],
            ),
            **{
                f"deadline of {days}": (
                    calendar.deadline(datetime.fromtimestamp(start + 34_567, UTC), days).timestamp(),
                    STARTS[place + days] + 34_567,
                )
                for days in (0, 15, 30)
            },
            **{
                f"the days around a window of {days}": (
                    [calendar.window(day, days).holds(dated(place + n)) for n in (-days, 1 - days, 0, 1)],
                    [False, True, True, False],
                )
                for days in (1, 30, 365)
            },
            **{
                f"{days} working days among {number}": (
                    told(calendar.working_days_after(day, days, holidays, made_up)),
                    worked(place, days, *model),
                )
                for days in (0, 1, 7)
                for number, (holidays, made_up, *model) in enumerate(among)
            },
            "newcomers": (
                [moment.timestamp() for moment in calendar.newcomer_window(day) or ()],
                [STARTS[place + 2], STARTS[place + 32] - 1],
            ),
            "seconds around the newcomers' window": (
                [
                    calendar.newcomer_window(day).holds(datetime.fromtimestamp(second, UTC))  # type: ignore[union-attr]
                    for second in (STARTS[place + 2] - 1, STARTS[place + 2], STARTS[place + 32] - 0.000_001)
                ],
                [False, True, True],
            ),
            "the second after it": (
                calendar.newcomer_window(day).holds(datetime.fromtimestamp(STARTS[place + 32], UTC)),  # type: ignore[union-attr]
                False,
            ),
        }
        wrong += [(day, name, *pair) for name, pair in found.items() if pair[0] != pair[1]]
    assert wrong == []


def test_every_function_is_asked_for_every_day() -> None:
    asked = inspect.getsource(test_every_day_of_nine_years_is_as_counted_out_by_hand)
    functions = inspect.getmembers(
        calendar, lambda each: inspect.isfunction(each) and each.__module__ == calendar.__name__
    )
    public = [name for name, _function in functions if not name.startswith("_")]
    assert public and [name for name in public if f"calendar.{name}(" not in asked] == []


@pytest.mark.parametrize(
    ("day", "back"),
    [("2024-08-31", "2025-02-28"), ("2023-08-31", "2024-02-29"), ("2024-08-30", "2025-02-28"),
     ("2024-02-29", "2024-08-29"), ("2024-12-31", "2025-06-30")],
)  # fmt: skip
def test_a_shop_that_closed_itself_may_return_after_six_months(day: str, back: str) -> None:
    assert calendar.months_after(date.fromisoformat(day), 6) == date.fromisoformat(back)


def test_a_shop_that_entered_on_6_may_2020_pays_the_newcomer_rate_from_8_may_to_6_june() -> None:
    window = calendar.newcomer_window(date(2020, 5, 6))
    assert window is not None
    assert [f"{moment:%Y-%m-%d %H:%M:%S}" for moment in window] == [
        "2020-05-08 00:00:00",
        "2020-06-06 23:59:59",
    ]
    assert not window.holds(datetime(2020, 5, 7, 23, 59, 59, 999_999, SHANGHAI))
    assert window.holds(datetime(2020, 5, 8, tzinfo=SHANGHAI))
    assert window.holds(datetime(2020, 6, 6, 23, 59, 59, 999_999, SHANGHAI))
    assert not window.holds(datetime(2020, 6, 7, tzinfo=SHANGHAI))


def test_the_newcomer_rate_began_with_shops_of_1_may_2020() -> None:
    assert calendar.newcomer_window(date(2020, 4, 30)) is None
    assert calendar.newcomer_window(date(2020, 5, 1)) is not None


def test_a_day_ends_with_its_last_microsecond_in_shanghai() -> None:
    midnight = datetime(2026, 3, 11, tzinfo=SHANGHAI)
    assert calendar.day_of(midnight - timedelta(microseconds=1)) == date(2026, 3, 10)
    assert calendar.day_of(midnight) == date(2026, 3, 11)
    # The same moments as others write them.
    assert calendar.day_of(datetime(2026, 3, 10, 15, 59, 59, 999_999, UTC)) == date(2026, 3, 10)
    assert calendar.day_of(datetime(2026, 3, 10, 16, tzinfo=UTC)) == date(2026, 3, 11)


def test_the_last_365_days_hold_the_day_before_364_and_no_earlier_one() -> None:
    window = calendar.window(date(2026, 3, 10), 365)
    assert window.holds(date(2026, 3, 10) - timedelta(days=364))
    assert not window.holds(date(2026, 3, 10) - timedelta(days=365))
    assert not window.holds(date(2026, 3, 11))


def test_points_count_on_as_many_days_as_a_window_of_them_looks_back() -> None:
    imposed = datetime(2025, 3, 10, 23, 59, 59, 999_999, SHANGHAI)
    lapse = calendar.points_lapse_at(imposed, 365)
    assert calendar.window(calendar.day_of(lapse - timedelta(microseconds=1)), 365).holds(date(2025, 3, 10))
    assert not calendar.window(calendar.day_of(lapse), 365).holds(date(2025, 3, 10))


def test_a_deadline_is_told_to_the_second() -> None:
    served = datetime(2026, 2, 28, 23, 59, 59, 999_999, SHANGHAI)
    assert calendar.deadline(served, 30) == datetime(2026, 3, 30, 23, 59, 59, tzinfo=SHANGHAI)
    assert calendar.deadline(served.astimezone(UTC), 30) == calendar.deadline(served, 30)


def test_what_has_no_answer_is_refused() -> None:
    naive = datetime(2026, 3, 10)
    for asked in (
        lambda: calendar.day_of(naive),
        lambda: calendar.deadline(naive, 1),
        lambda: calendar.deadline(naive.astimezone(UTC), -1),
        lambda: calendar.points_lapse_at(naive.astimezone(UTC), 0),
        lambda: calendar.window(date(2026, 3, 10), 0),
        lambda: calendar.months_after(date(2026, 3, 10), -1),
        lambda: calendar.working_days_after(date(2026, 3, 10), -1),
    ):
        with pytest.raises(ValueError):
            asked()


days = st.dates(date(2020, 1, 1), date(2060, 12, 31))
counts = st.integers(0, 60)


@given(days, counts, counts)
def test_months_add_up_but_for_what_is_clipped(day: date, few: int, more: int) -> None:
    whole = calendar.months_after(day, few + more)
    in_parts = calendar.months_after(calendar.months_after(day, few), more)
    assert (in_parts.year, in_parts.month) == (whole.year, whole.month)
    assert in_parts <= whole <= in_parts + timedelta(days=3)


@given(days, days, counts)
def test_who_closed_later_never_returns_earlier(one: date, other: date, months: int) -> None:
    first, second = sorted([one, other])
    assert calendar.months_after(first, months) <= calendar.months_after(second, months)


@given(days, st.integers(1, 40), st.integers(0, 40), st.sets(days, max_size=5), st.sets(days, max_size=5))
def test_working_days_add_up(day: date, few: int, more: int, holidays: set[date], worked: set[date]) -> None:
    reached = calendar.working_days_after(day, few, holidays, worked)
    assert reached > day
    assert reached in worked or (reached.weekday() < 5 and reached not in holidays)
    whole = calendar.working_days_after(day, few + more, holidays, worked)
    assert whole == calendar.working_days_after(reached, more, holidays, worked)


@given(days, st.integers(1, 400))
def test_a_window_holds_as_many_days_as_it_is_long(day: date, length: int) -> None:
    first, last = calendar.window(day, length)
    assert (last - first).days + 1 == length and last == day


@given(st.datetimes(datetime(2020, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)), counts, counts)
def test_deadlines_add_up_and_never_precede_their_second(moment: datetime, few: int, more: int) -> None:
    assert calendar.deadline(calendar.deadline(moment, few), more) == calendar.deadline(moment, few + more)
    assert timedelta(0) <= moment - calendar.deadline(moment, 0) < timedelta(seconds=1)
    assert calendar.midnight(calendar.day_of(moment)) <= moment
    assert moment < calendar.midnight(calendar.day_of(moment) + timedelta(days=1))
