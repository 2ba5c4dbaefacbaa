"""A shop's statement: its movements, and all that stands beside them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from shops import accounts, money, standing, topups
from shops.holds import HOLDINGS
from shops.models import DepositEntry, Shop

ON_A_PAGE = 100
Kind = DepositEntry.Kind


def statement_of(shop: Shop, *, at: datetime, before: int | None) -> dict[str, Any]:
    """The newest entries, or those before a number, with all that stands beside them."""
    entries = DepositEntry.objects.filter(shop=shop).select_related("recorded_by", "reversal", "reverses")
    entries = entries.prefetch_related("settlements__collected__reversal")
    shown = list(
        (entries.filter(number__lt=before) if before else entries).order_by("-number")[: ON_A_PAGE + 1]
    )
    more, shown = len(shown) > ON_A_PAGE, shown[:ON_A_PAGE]
    opening = shown[-1].balance_fen - shown[-1].amount_fen if shown else 0
    today = timezone.localdate(at)
    day = accounts.measured_day(today)
    required = accounts.required_for(shop, day=day)
    balance = accounts.balance_of(shop)
    free = accounts.free_of(shop, day=day, at=at)
    return {
        "entries": [(entry, may_be_taken_back(entry), is_used(entry, balance)) for entry in shown],
        "opening": opening,
        "earlier": shown[-1].number if more else None,
        "later": before is not None,
        "balance": balance,
        "required": required,
        "closed": required.due is None and standing.standing(shop, at).status == Shop.Status.CLOSED,
        "lacking": required.lacking(balance),
        "free": free,
        "holds": [
            (hold, HOLDINGS[hold.what].one, HOLDINGS[hold.what].number(hold.key)) for hold in free.held_by
        ],
        "owed": topups.open_of(shop),
        "today": today,
        "points": _points(shown, opening),
        "threshold": "" if required.due is None else money.yuan_of(required.due),
    }


def _points(shown: list[DepositEntry], opening: int) -> list[tuple[date, Decimal]]:
    """What was there at the end of each day on which something moved, by the moments of the movements."""
    balance, by_day = opening, {}
    for entry in sorted(shown, key=lambda entry: (entry.at, entry.number)):
        balance += entry.amount_fen
        by_day[timezone.localdate(entry.at)] = money.yuan_of(balance)
    return list(by_day.items())


def asked_before(request: HttpRequest) -> int | None:
    asked = request.GET.get("before", "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else None


def is_used(entry: DepositEntry, balance: int) -> bool:
    """Whether the deposit, which has `balance` fen, has less left than taking the entry back would take."""
    # What was deducted of a payment goes back to it first.
    collected = [one.collected for one in entry.settlements.all() if hasattr(one, "collected")]
    back = -sum(one.amount_fen for one in collected if not hasattr(one, "reversal"))
    return entry.amount_fen > balance + back


def may_be_taken_back(entry: DepositEntry) -> bool:
    by_itself = entry.kind in (Kind.REVERSAL, Kind.COLLECT) or entry.measure_id is not None
    return not by_itself and not hasattr(entry, "reversal")
