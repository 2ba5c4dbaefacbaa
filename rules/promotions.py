"""Promotion days: on them clearances wait, or take a supervisor."""

from __future__ import annotations

from datetime import date, datetime

from django.utils.timezone import localdate

from rules.models import Proposal
from shops.models import Alliance, PromotionPeriod
from shops.sql import cursor, write_with_history

Effect = PromotionPeriod.Effect


def in_effect(alliance: Alliance, effect: PromotionPeriod.Effect, *days: date) -> PromotionPeriod | None:
    """The period with that effect in which one of the days lies, if there is one."""
    periods = PromotionPeriod.objects.filter(alliance=alliance, effect=effect)
    return next((p for p in periods if any(p.first_day <= day <= p.last_day for day in days)), None)


def open_what_waited(alliance: Alliance, day: date, *, at: datetime) -> int:
    """Let the clearances that waited be decided, once neither `day` nor that of `at` is a day of waiting; how
    many they are.
    """
    if in_effect(alliance, Effect.WAIT, day, localdate(at)):
        return 0
    with cursor() as held:
        return write_with_history(
            held,
            Proposal,
            "UPDATE rules_proposal SET status = 'open'"
            " WHERE status = 'held' AND kind = 'clear' AND alliance_id = %s AND day <= %s",
            [alliance.pk, day],
            change="~",
            by=None,
            reason=f"waited until {day}",
            at=at,
        )
