"""Of whom a rule can say what: the dictionary of each subject, that of products written here.

A product's entry is an expression over `Listing` as rules.products annotates it: `m` is the product's metrics
of the day, `no_rate_yet` whether it had no valid paid order that a rate could be taken of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from django.db.models import DecimalField, F, Func, Value
from django.db.models.functions import Cast, NullIf
from django.utils.translation import gettext_lazy as _

from rules.metrics import KINDS, Kind, RuleMetric, of_declared, of_penalties, of_shops
from rules.models import RuleSet
from shops.declared import declared
from shops.metrics import PRODUCT_METRICS as IMPORTED
from shops.models import Product


def _imported() -> Iterator[RuleMetric]:
    for metric in IMPORTED.values():
        yield RuleMetric(
            metric.key,
            metric.name,
            KINDS[metric.type],
            F(f"m__{metric.key}"),
            column=metric.key,
            measured=True,
            unit=metric.unit,
            minimum=metric.minimum,
            maximum=metric.maximum,
            window_days=metric.window_days,
            source=metric.source,
        )


def _derived() -> Iterator[RuleMetric]:
    exact = DecimalField(max_digits=30, decimal_places=20)
    yield RuleMetric(
        "quality_refund_rate",
        _("quality refund rate"),
        Kind.RATE,
        # Not rounded: what lies just above a threshold must not come down to it.
        Func(
            Cast("m__quality_refunds", DecimalField(max_digits=20, decimal_places=0)),
            NullIf(F("m__valid_paid_orders"), Value(0)),
            template="(%(expressions)s)",
            arg_joiner=" / ",
            output_field=exact,
        ),
        none_yet="no_rate_yet",
        measured=True,
        unit="%",
        minimum=Decimal(0),
        maximum=Decimal(1),
        no_value=_("There were no valid paid orders yet. A count that was not imported is no data."),
        source="WS-O3",
    )
    yield RuleMetric(
        "product_price",
        _("product price"),
        Kind.MONEY,
        F("product__price"),
        unit=_("yuan"),
        minimum=Decimal(0),
        maximum=Decimal("999999999999.99"),
        source="§0",
    )
    yield RuleMetric(
        "product_status",
        _("product status"),
        Kind.TEXT,
        NullIf(F("product__status"), Value("")),
        choices=tuple(Product.Status.choices),
        source="§0",
    )


PRODUCT_METRICS: Mapping[str, RuleMetric] = {
    metric.key: metric for metrics in (_imported(), _derived()) for metric in metrics
}


class Dictionary(Mapping[str, RuleMetric]):
    """Every metric of shops by its key. Those of penalties under any violation are made as they are asked.

    Declared ones are looked up as they are asked for (within `read_once`: once). Iterating leaves both out.
    """

    def __init__(self, metrics: Iterator[RuleMetric]) -> None:
        self._listed = {metric.key: metric for metric in metrics}

    def __getitem__(self, key: str) -> RuleMetric:
        found = self._listed.get(key) or of_penalties(key)
        if found is None and key:
            found = of_declared(declared()[key])
        if found is None:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._listed)

    def __len__(self) -> int:
        return len(self._listed)

    def everything(self) -> dict[str, RuleMetric]:
        """What stands in it, then all declared metrics; the retired ones too."""
        return {**self._listed, **{key: of_declared(metric) for key, metric in declared().items()}}


METRICS = Dictionary(of_shops())

DICTIONARIES: Mapping[str, Mapping[str, RuleMetric]] = {
    RuleSet.Subject.SHOP: METRICS,
    RuleSet.Subject.PRODUCT: PRODUCT_METRICS,
}


def all_of(subject: str) -> Mapping[str, RuleMetric]:
    """Every metric of the subject, the declared ones with those that are retired."""
    return METRICS.everything() if subject == RuleSet.Subject.SHOP else PRODUCT_METRICS


def metric_called(key: str) -> RuleMetric | None:
    """The metric of whichever subject, to name it and to read its values; None where nobody knows it.

    No two subjects have a key in common.
    """
    return METRICS.get(key) or PRODUCT_METRICS.get(key)
