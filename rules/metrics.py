"""What a rule can speak about: every imported metric, and the facts derived from the desk's own record.

Each entry is an expression over `Shop` as rules.evaluation annotates it: `m` is the day's metrics, `en` the
enrollment, `fact_<key>` a row of derived facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum

from django.db.models import BooleanField, Case, F, Func, IntegerField, Q, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from shops import metrics as imported
from shops.errors import Refused
from shops.models import Shop


class Kind(Enum):
    """How a value is compared and written."""

    NUMBER = "number"
    RATE = "rate"
    MONEY = "money"
    COUNT = "count"
    FLAG = "flag"
    TEXT = "text"

    @property
    def numeric(self) -> bool:
        return self in (Kind.NUMBER, Kind.RATE, Kind.MONEY, Kind.COUNT)


@dataclass(frozen=True)
class RuleMetric:
    """One entry: its key, its name for people, its kind, and where its value is read."""

    key: str
    name: str | Promise
    kind: Kind
    value: Combinable
    # Path of the flag that says "no score yet"; empty where there is no such thing.
    none_yet: str = ""
    # The column of ShopMetrics, for what is imported daily.
    column: str = ""
    # The derived facts it reads.
    facts: tuple[str, ...] = ()

    def parse(self, text: str) -> Decimal | int | bool | str:
        """A threshold as this metric compares it. Refused when the text is not of its kind."""
        try:
            if self.kind is Kind.FLAG:
                return {"true": True, "false": False}[text]
            if self.kind is Kind.COUNT:
                return int(text)
            if self.kind.numeric:
                number = Decimal(text)
                if not number.is_finite():
                    raise ValueError(text)
                return number
        except (KeyError, ValueError, InvalidOperation):
            raise Refused(
                _("“%(value)s” cannot be compared with %(metric)s.") % {"value": text, "metric": self.name}
            ) from None
        return text


def _imported() -> Iterator[RuleMetric]:
    kinds = {
        imported.MetricType.SCORE: Kind.NUMBER,
        imported.MetricType.RATE: Kind.RATE,
        imported.MetricType.AMOUNT: Kind.MONEY,
        imported.MetricType.COUNT: Kind.COUNT,
        imported.MetricType.FLAG: Kind.FLAG,
    }
    for metric in imported.METRICS.values():
        yield RuleMetric(
            metric.key,
            metric.name,
            kinds[metric.type],
            F(f"m__{metric.key}"),
            none_yet=f"m__{metric.key}_none" if metric.knows_none_yet else "",
            column=metric.key,
        )


def _derived() -> Iterator[RuleMetric]:
    yield RuleMetric("shop_status", _("shop status"), Kind.TEXT, F("status"))
    yield RuleMetric("account_ok", _("account in good standing"), Kind.FLAG, F("account_ok"))
    yield RuleMetric(
        "alliance_and_erp_connected",
        _("alliance platform and ERP connected"),
        Kind.FLAG,
        # SQL's AND knows three values: one connection missing and the other unknown is false, not unknown.
        Func(
            F("m__alliance_connected"),
            F("m__erp_connected"),
            template="(%(expressions)s)",
            arg_joiner=" AND ",
            output_field=BooleanField(null=True),
        ),
    )
    for key, name in (
        ("circumvention_penalties_365d", _("penalties for circumvention information in 365 days")),
        ("controller_serious_cases", _("serious cases of the controller's other shops")),
    ):
        yield RuleMetric(key, name, Kind.COUNT, Coalesce(F(f"fact_{key}__value"), 0), facts=(key,))
    yield RuleMetric(
        "openings_left",
        _("openings left"),
        Kind.COUNT,
        F("openings_limit") - Coalesce(F("en__openings_used"), Value(0), output_field=IntegerField()),
    )
    yield RuleMetric(
        "brand_papers_ok",
        _("brand papers in order"),
        Kind.FLAG,
        Case(
            When(fact_brand_papers__value=1, then=Value(True)),
            When(fact_brand_papers__value=0, then=Value(False)),
            When(fact_brand_papers__key="brand_papers", then=Value(None)),
            When(shop_type__in=sorted(Shop.BRANDED), then=Value(False)),
            default=Value(None),
            output_field=BooleanField(null=True),
        ),
        facts=("brand_papers",),
    )


METRICS: dict[str, RuleMetric] = {metric.key: metric for metric in (*_imported(), *_derived())}

# Shops that a rule on brand papers does not concern: they trade under no brand and have filed none.
TRADES_UNDER_NO_BRAND = Q(shop_type=Shop.Type.ORDINARY, fact_brand_papers__key__isnull=True)
