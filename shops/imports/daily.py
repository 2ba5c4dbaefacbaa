"""What is measured every day, and of whom: where it stands, and where what was replaced is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection, models

from shops.models import Correction, ImportBatch, ProductCorrection, ProductMetrics, ShopMetrics


@dataclass(frozen=True)
class Daily:
    """The figures of a kind of file. `subject`: whose they are, as its files call the column.

    `make_month`: the function of the owner's that makes a month's partition.
    """

    subject: str
    model: type[ShopMetrics] | type[ProductMetrics]
    corrections: type[Correction] | type[ProductCorrection]
    make_month: str

    @property
    def key(self) -> str:
        """The subject's column in tables."""
        return f"{self.subject}_id"

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def corrections_table(self) -> str:
        return self.corrections._meta.db_table

    def before(self) -> str:
        """All figures of the row `m` as jsonb: numbers as text, which keeps their decimals."""
        parts = (
            f"'{field.column}', m.{field.column}{'::text' if _is_number(field) else ''}"
            for field in self._figures()
        )
        return f"jsonb_build_object({', '.join(parts)})"

    def as_before(self) -> str:
        """Every figure set to what the correction `c` keeps."""
        return ", ".join(
            f"{field.column} = c.before -> '{field.column}'"
            if isinstance(field, models.JSONField)
            else f"{field.column} = (c.before ->> '{field.column}')::{field.db_type(connection)}"
            for field in self._figures()
        )

    def _figures(self) -> Iterator[models.Field]:
        for field in self.model._meta.concrete_fields:
            if field.name not in ("day", "batch", self.subject):
                yield field


def _is_number(field: models.Field) -> bool:
    return isinstance(field, (models.DecimalField, models.IntegerField))


DAILY: dict[str, Daily] = {
    ImportBatch.Kind.METRICS: Daily("shop", ShopMetrics, Correction, "shops_make_month"),
    ImportBatch.Kind.PRODUCT_METRICS: Daily(
        "product", ProductMetrics, ProductCorrection, "shops_make_product_month"
    ),
}
