"""What the desk knows of that keeps a deposit from being refunded: an appeal, and the time for one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from opsdesk.deadlines import contestable, in_time, next_windows
from opsdesk.models import Appeal
from shops.holds import HOLDINGS, Holding, case_number
from shops.models import Penalty, Shop


def open_appeals(shop: Shop, at: datetime) -> Iterable[int]:
    """Appeals that nobody has ruled on."""
    heard = Appeal.objects.filter(penalty__shop=shop, state__in=Appeal.OPEN)
    return heard.order_by("pk").values_list("pk", flat=True)


def appealable_penalties(shop: Shop, at: datetime) -> Iterable[int]:
    """Penalties that stand and against which the shop may still appeal in time."""
    standing = Penalty.objects.filter(contestable(), shop=shop, status=Penalty.Status.IMPOSED)
    windows = next_windows(standing.order_by("pk"))
    return [pk for pk, window in windows.items() if in_time(at, window.until)]


def register() -> None:
    """As the program starts: from then on a refund waits for these as well."""
    HOLDINGS["appeal"] = Holding(
        _("an open appeal"), _("open appeals"), open_appeals, lambda key: Appeal(pk=key).number
    )
    HOLDINGS["appealable"] = Holding(
        _("a penalty that can still be appealed against"),
        _("penalties that can still be appealed against"),
        appealable_penalties,
        case_number,
    )
