"""Registers go out as they come in: under the import's own headers, in its own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db.models.fields.json import KeyTransform
from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from shops import outgoing
from shops.admin.exporting import Column
from shops.errors import NotAllowed
from shops.imports.columns import Column as ImportColumn
from shops.imports.columns import Type
from shops.imports.daily import DAILY
from shops.imports.declared_columns import DeclaredColumn, takes
from shops.imports.tables import TABLES, table_of
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
        self.daily, self._kind, self._title = DAILY[kind], kind, title

    def columns_on(self, day: date) -> list[str]:
        """The columns that a file of that day can have."""
        return [column.name for column in table_of(self._kind).columns if takes(column, day)]

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
        chosen = [column for column in table_of(self._kind).columns if column.name in columns]
        # Of a score two columns are read: the score, and whether there is none yet.
        fields = [
            _read(f"{subject}__code" if column.name == subject else column.name, column) for column in chosen
        ]
        two = [
            place
            for place, column in enumerate(chosen)
            if column.type is Type.SCORE and not isinstance(column, DeclaredColumn)
        ]
        fields += [f"{chosen[place].name}_none" for place in two]
        numbers = [
            place
            for place, column in enumerate(chosen)
            if isinstance(column, DeclaredColumn) and column.type is not Type.FLAG
        ]

        def cells(row: tuple) -> list[object]:
            told = list(row[: len(chosen)])
            for place, none_yet in zip(two, row[len(chosen) :], strict=True):
                if none_yet:
                    told[place] = "none"
            for place in numbers:
                if told[place] not in (None, "none"):
                    # Kept as a text: written as one, a sign before it would have to be made safe.
                    told[place] = Decimal(told[place])
            return told

        rows = self.daily.model.objects.filter(day=QueryDict(query)["day"]).order_by(self.daily.key)
        return outgoing.Opened([column.name for column in chosen], rows.values_list(*fields), cells)


def _read(field: str, column: ImportColumn) -> str | KeyTransform:
    return KeyTransform(column.name, "extra") if isinstance(column, DeclaredColumn) else field


MEASURED: dict[str, MetricsOfADay] = {
    kind: MetricsOfADay(kind, title)
    for kind, title in (
        (ImportBatch.Kind.METRICS, _("Metrics of %(day)s")),
        (ImportBatch.Kind.PRODUCT_METRICS, _("Product metrics of %(day)s")),
    )
}
outgoing.SOURCES.update({source.key: source for source in MEASURED.values()})
