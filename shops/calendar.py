"""Days, months and moments as the rules count them. A business day is a calendar day in Asia/Shanghai.

Pure: nothing here asks for today, and the process's own time zone changes nothing.
"""

from __future__ import annotations

from collections.abc import Set
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
# FE-2 speaks of shops that enter from this day on.
NEWCOMERS_FROM = date(2020, 5, 1)
# As date.weekday counts from Monday.
WORKING_WEEKDAYS = frozenset(range(5))
_SECOND = timedelta(seconds=1)


class Days(NamedTuple):
    """A stretch of days, both ends in."""

    first: date
    last: date

    def holds(self, day: date) -> bool:
        return self.first <= day <= self.last


# Days that people can name. What is reckoned from them stays within what a date can be.
NAMEABLE = Days(date(2000, 1, 1), date(2100, 12, 31))


class Seconds(NamedTuple):
    """A stretch of whole seconds, both ends in: what begins within its last second is still in."""

    first: datetime
    last: datetime

    def holds(self, moment: datetime) -> bool:
        return self.first <= moment < self.last + _SECOND


def midnight(day: date) -> datetime:
    """The moment at which the business day begins."""
    return datetime.combine(day, time.min, SHANGHAI)


# Moments that people and files can name: on those days.
NAMEABLE_MOMENTS = Seconds(midnight(NAMEABLE.first), midnight(NAMEABLE.last) + timedelta(days=1) - _SECOND)


def day_of(moment: datetime) -> date:
    """The business day on which an aware moment lies. ValueError for one without a time zone."""
    if moment.utcoffset() is None:
        raise ValueError("a moment has a time zone")
    return moment.astimezone(SHANGHAI).date()


def window(day: date, days: int) -> Days:
    """The last `days` days on the data of `day`: [D−29, D] for 30 (R12). ValueError below one."""
    if days < 1:
        raise ValueError("a window has a day at least")
    return Days(day - timedelta(days=days - 1), day)


def months_after(day: date, months: int) -> date:
    """The same day so many months later, or the last of a month that has no such day (R14, CL-2).

    To be computed forward once, and kept: back again it may lead to another day. ValueError below zero.
    """
    if months < 0:
        raise ValueError("months are counted forward")
    years, month = divmod(day.month - 1 + months, 12)
    first = date(day.year + years, month + 1, 1)
    return min(first + timedelta(days=day.day - 1), _last_of_month(first))


def points_lapse_at(imposed_at: datetime, days: int | None) -> datetime:
    """From what moment on the points of a penalty no longer count (R16).

    They count on `days` days, that of the penalty the first, as the last 365 days of DF-A9 do (R12). None:
    to the end of 31 December. ValueError below one day.
    """
    day = day_of(imposed_at)
    if days is None:
        return midnight(date(day.year + 1, 1, 1))
    if days < 1:
        raise ValueError("points count on a day at least")
    return midnight(day + timedelta(days=days))


# The same for statements over many penalties, of a `{day}` and a number of `{days}`, which may be NULL.
POINTS_LAPSE_AT = """(coalesce({day} + {days}, make_date(extract(year FROM {day})::integer + 1, 1, 1))
    ::timestamp AT TIME ZONE 'Asia/Shanghai')"""


def deadline(moment: datetime, days: int) -> datetime:
    """The same time of day in Shanghai so many days later, in whole seconds (R16, CL-3).

    A broken second counts for nothing: people are told the moment to the second. ValueError below zero days,
    and for a moment without a time zone.
    """
    if days < 0:
        raise ValueError("days are counted forward")
    if moment.utcoffset() is None:
        raise ValueError("a moment has a time zone")
    return moment.astimezone(SHANGHAI).replace(microsecond=0) + timedelta(days=days)


def working_days_after(
    day: date, days: int, holidays: Set[date] = frozenset(), worked: Set[date] = frozenset()
) -> date:
    """The working day that is so many working days after `day`, which itself is not counted.

    Working days are Monday to Friday without the `holidays`, and the days of weekends that are `worked` for
    them. None at all: `day` itself. ValueError below zero.
    """
    if days < 0:
        raise ValueError("working days are counted forward")
    while days:
        day += timedelta(days=1)
        days -= day in worked or (day.weekday() in WORKING_WEEKDAYS and day not in holidays)
    return day


def newcomer_window(entered_on: date) -> Seconds | None:
    """When an order has to be created to have the newcomer rate: T+2 00:00:00 to T+31 23:59:59 (FE-2).

    None for a shop that entered before the rate was offered.
    """
    if entered_on < NEWCOMERS_FROM:
        return None
    return Seconds(
        midnight(entered_on + timedelta(days=2)), midnight(entered_on + timedelta(days=32)) - _SECOND
    )


def _last_of_month(first: date) -> date:
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
