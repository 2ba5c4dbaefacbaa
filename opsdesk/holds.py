"""What the desk knows of that keeps a deposit from being refunded: an appeal, and the time for one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from opsdesk.deadlines import contestable, in_time, next_windows
from opsdesk.models import Appeal
from shops.holds import HOLDINGS, Holding, Of, case_number
from shops.models import Penalty, Shop

# So many penalties are looked at together.
AT_ONCE = 1_000


def open_appeals(shops: QuerySet[Shop], at: datetime) -> Of:
    """Appeals that nobody has ruled on."""
    heard = Appeal.objects.filter(penalty__shop__in=shops, state__in=Appeal.OPEN)
    return heard.order_by("pk").values_list("penalty__shop", "pk")


def appealable_penalties(shops: QuerySet[Shop], at: datetime) -> Iterator[tuple[int, int]]:
    """Penalties that stand and against which their shops may still appeal in time."""
    standing = Penalty.objects.filter(contestable(), shop__in=shops, status=Penalty.Status.IMPOSED)
    found = standing.defer("evidence", "reason").iterator(AT_ONCE)
    while some := sorted(islice(found, AT_ONCE), key=lambda one: one.pk):
        windows = next_windows(some)
        for one in some:
            if one.pk in windows and in_time(at, windows[one.pk].until):
                yield one.shop_id, one.pk


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
