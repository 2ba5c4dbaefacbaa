"""Whom and what a day's check could not judge, for want of what: in words, and as a list that goes out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _t

from rules.checking import EveryUnjudged, Unjudged
from rules.dictionaries import metric_called
from rules.models import RuleSet
from shops import outgoing
from shops.errors import NotAllowed
from shops.models import Alliance

if TYPE_CHECKING:
    from django.contrib.auth.models import User

UNJUDGED = "rules.unjudged"


class UnjudgedSubjects:
    """Those of the alliance and the day that `query` names (`alliance=douyin-featured&day=2026-03-11`)."""

    def may_export(self, user: User) -> bool:
        return user.has_perms(["shops.view_enrollment", "shops.export_enrollment"])

    def export_title(self, query: str) -> str:
        alliance, day = _asked(query)
        asked = {"alliance": alliance, "day": date_format(day)}
        return _t("Shops and products without data of %(alliance)s on %(day)s") % asked

    def opened(self, user: User, query: str, columns: Sequence[str]) -> outgoing.Opened:
        """All columns, whichever are named."""
        if not self.may_export(user):
            raise NotAllowed
        header = [
            _t("shop's code"),
            _t("shop"),
            _t("product's code"),
            _t("product"),
            _t("Checked for"),
            _t("Lacking"),
            _t("Last known"),
            _t("Days without data"),
        ]
        return outgoing.Opened([capfirst(name) for name in header], EveryUnjudged(*_asked(query)), _cells)


def purposes(row: Unjudged) -> list[str]:
    """What for it was checked, in the reader's language."""
    return [str(RuleSet.Purpose(purpose).label) for purpose in row.checked_for]


def lacking(row: Unjudged) -> list[str]:
    """What it lacked, in the reader's language; nothing where all metrics of the day are missing."""
    metrics = [metric_called(key) for key in row.lacking]
    return [str(metric.name) for metric in metrics if metric is not None]


def _cells(row: Unjudged) -> list[object]:
    return [
        row.code,
        row.name,
        row.product_code,
        row.product_name,
        " · ".join(purposes(row)),
        " · ".join(lacking(row)) or _t("all metrics of the day"),
        row.last,
        row.days,
    ]


def _asked(query: str) -> tuple[Alliance, date]:
    asked = QueryDict(query)
    return Alliance.objects.get(code=asked["alliance"]), date.fromisoformat(asked["day"])


outgoing.SOURCES[UNJUDGED] = UnjudgedSubjects()
