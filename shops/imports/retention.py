"""How long metrics are kept: whole months, which the database gives up at once."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.db import transaction

from shops import sql
from shops.models import Coverage


def first_day_kept(on: date) -> date | None:
    """From which day on metrics are kept on that day; None where all are."""
    if not settings.METRICS_KEPT_MONTHS:
        return None
    months = on.year * 12 + on.month - 1 - settings.METRICS_KEPT_MONTHS
    return date(months // 12, months % 12 + 1, 1)


@transaction.atomic
def forget_months(*, before: date) -> int:
    """Give up the months that ended METRICS_KEPT_MONTHS before the month of `before`; how many these were.

    What a decision cites is kept with it, by value.
    """
    first_kept = first_day_kept(before)
    if first_kept is None:
        return 0
    # Behind a long import all readers would queue as well: then it is tried again the next night.
    sql.execute("SET LOCAL lock_timeout = '5s'")
    [(dropped,)] = sql.fetch("SELECT shops_drop_months_before(%s)", [first_kept])
    Coverage.objects.filter(day__lt=first_kept).delete()
    return int(dropped)
