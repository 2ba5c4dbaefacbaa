"""When the made-up past happened. Everything follows from the last day; nothing asks the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import timezone


@dataclass(frozen=True)
class Past:
    """`days` days of metrics, the last of them `last_day`."""

    last_day: date
    days: int

    @property
    def metric_days(self) -> list[date]:
        return [self.last_day - timedelta(days=back) for back in reversed(range(self.days))]

    @property
    def began(self) -> datetime:
        """When the registers came in: before the first metrics, and before anything the desk did."""
        return self.on(self.last_day - timedelta(days=max(self.days, 41)), "08:00")

    def on(self, day: date, clock: str) -> datetime:
        """A moment of that day in Shanghai."""
        return datetime.combine(day, time.fromisoformat(clock), timezone.get_default_timezone())

    def after(self, day: date, clock: str) -> datetime:
        """A moment of the next day: a day's metrics come in, and are checked, shortly after its midnight."""
        return self.on(day + timedelta(days=1), clock)
