"""Registers go out as they come in: under the import's own headers, in its own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from shops import outgoing
from shops.admin.exporting import Column
from shops.errors import NotAllowed
from shops.imports.columns import Type
from shops.imports.daily import DAILY
from shops.imports.tables import TABLES
from shops.models import ImportBatch

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def columns_of(kind: str, told: Mapping[str, Callable[[Any], object]]) -> list[Column]:
    """The columns of a kind of file. `told`: what stands in those that are no field of the record."""

    def value_of(name: str) -> Callable[[Any], object]:
        return told.get(name) or (lambda record: getattr(record, name))

    return [
        Column(column.name, column.name, value_of(column.name), label=f"{column.name} ({column.name_zh})")
        for column in TABLES[kind].columns
    ]


class MetricsOfADay:
    """What was measured of every shop or product on the day that `query` names (`day=2026-03-11`)."""

    def __init__(self, kind: str, title: Promise) -> None:
        self.daily, self.columns = DAILY[kind], TABLES[kind].columns
        self._title = title

    @property
    def key(self) -> str:
        """Its key among the sources."""
        return self.daily.model._meta.label_lower

    def may_export(self, user: User) -> bool:
        name = self.daily.model._meta.model_name
        return user.has_perms([f"shops.view_{name}", f"shops.export_{name}"])

    def export_title(self, query: str) -> str:
        day = date.fromisoformat(QueryDict(query)["day"])
        return str(self._title) % {"day": date_format(day)}

    def opened(self, user: User, query: str, columns: Sequence[str]) -> outgoing.Opened:
        if not self.may_export(user):
            raise NotAllowed
        subject = self.daily.subject
        chosen = [column for column in self.columns if column.name in columns]
        # Of a score two columns are read: the score, and whether there is none yet.
        fields = [f"{subject}__code" if column.name == subject else column.name for column in chosen]
        fields += [f"{column.name}_none" for column in chosen if column.type is Type.SCORE]
        scores = [place for place, column in enumerate(chosen) if column.type is Type.SCORE]

        def cells(row: tuple) -> list[object]:
            told = list(row[: len(chosen)])
            for place, none_yet in zip(scores, row[len(chosen) :], strict=True):
                if none_yet:
                    told[place] = "none"
            return told

        rows = self.daily.model.objects.filter(day=QueryDict(query)["day"]).order_by(self.daily.key)
        return outgoing.Opened([column.name for column in chosen], rows.values_list(*fields), cells)


MEASURED: dict[str, MetricsOfADay] = {
    kind: MetricsOfADay(kind, title)
    for kind, title in (
        (ImportBatch.Kind.METRICS, _("Metrics of %(day)s")),
        (ImportBatch.Kind.PRODUCT_METRICS, _("Product metrics of %(day)s")),
    )
}
outgoing.SOURCES.update({source.key: source for source in MEASURED.values()})
