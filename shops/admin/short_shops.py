"""Shops short of the requirement as a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from django.db import transaction
from django.http import QueryDict
from django.utils.text import capfirst
from django.utils.translation import gettext as _t

from shops import accounts, money, outgoing
from shops.accounts import Short
from shops.errors import NotAllowed

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SHORT = "shops.short"


class ShortShops:
    """Whose deposit is less than what is due, with sales of the day that `query` names."""

    def may_export(self, user: User) -> bool:
        return user.has_perms(["shops.view_topup", "shops.export_topup"])

    def export_title(self, query: str) -> str:
        return _t("Short of the requirement")

    def opened(self, user: User, query: str, columns: Sequence[str]) -> outgoing.Opened:
        """All columns, whichever are named."""
        if not self.may_export(user):
            raise NotAllowed
        header = [_t("shop's code"), _t("shop"), _t("required"), _t("balance"), _t("lacking")]
        named = QueryDict(query).get("day")
        rows = EveryShort(date.fromisoformat(named) if named else None)
        return outgoing.Opened([capfirst(name) for name in header], rows, _cells)


class EveryShort:
    """All of them, however many."""

    def __init__(self, day: date | None) -> None:
        self._day = day

    def count(self) -> int:
        return accounts.short_shops(day=self._day, limit=1)[1]

    def iterator(self, chunk_size: int) -> Iterator[Short]:
        with transaction.atomic():
            yield from accounts.every_short_shop(day=self._day)


def _cells(short: Short) -> list[object]:
    return [
        short.shop.code,
        short.shop.name,
        money.yuan_of(short.required),
        money.yuan_of(short.balance),
        money.yuan_of(short.lacking),
    ]


outgoing.SOURCES[SHORT] = ShortShops()
