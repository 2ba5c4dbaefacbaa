"""What a rule can say of a shop: every imported metric, and the facts derived from the desk's own record.

Each entry is an expression over `Shop` as rules.evaluation annotates it: `m` is the day's metrics, `en` the
enrollment, `fact_<key>` a row of derived facts, `checked_on` the day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from hashlib import sha256
from typing import Any

from django.db.models import BooleanField, Case, CharField, F, Func, IntegerField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from rules import declared
from shops import metrics as imported
from shops.errors import Refused
from shops.models import Shop

# A number as rules write it. (Python's own readers also take "1_000", "NaN" and full-width digits.)
_WHOLE = re.compile(r"-?[0-9]{1,15}")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?")
# Penalties under one violation in the days up to and including the day: penalties:V9:365d.
_PENALTIES = re.compile(r"penalties:(?P<violation>.{1,20}):(?P<days>[1-9][0-9]{0,3})d")
# The values of the derived fact `standing`.
SUSPENDED, CLOSED = 1, 2
_CASES = _("cases")
_ZERO = Decimal(0)
_LARGEST_COUNT = Decimal(2_147_483_647)


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


def alias_of(key: str) -> str:
    """A key or a rule's code as part of a query alias: people choose both, and an alias takes few signs."""
    plain = re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", key) and len(key) < 50
    return key if plain else f"x{sha256(key.encode()).hexdigest()[:16]}"


@dataclass(frozen=True)
class RuleMetric:
    """One entry: its key, its name for people, its kind, and where its value is read."""

    key: str
    name: str | Promise
    kind: Kind
    value: Combinable
    # Path of the flag that says "none yet", of a score or a rate; empty where there is no such thing.
    none_yet: str = ""
    # The column of ShopMetrics, for what is imported daily; of a declared one, what `in_rows` calls it.
    column: str = ""
    # The annotations by which rows of ShopMetrics have a declared one, and shops its `none_yet`.
    in_rows: Mapping[str, Combinable] = field(default_factory=dict)
    beside: Mapping[str, Combinable] = field(default_factory=dict)
    # Whether it comes from the day's imported metrics, so that a shop without any has no value.
    measured: bool = False
    # The derived facts it reads.
    facts: tuple[str, ...] = ()
    # What a text can be, and how that reads.
    choices: tuple[tuple[str, str | Promise], ...] = ()
    unit: str | Promise = ""
    # Its scale, both ends in.
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    # Over how many days up to and including the day it is taken; None: as it stands, or without limit.
    window_days: int | None = None
    # When it has no value although nothing is missing.
    no_value: str | Promise = ""
    source: str = ""
    # From when no figures come in any more.
    retired_on: date | None = None

    @property
    def alias(self) -> str:
        return alias_of(self.key)

    def parse(self, text: str) -> Decimal | int | bool | str:
        """A threshold as this metric compares it. Refused when the text is not of its kind."""
        text = text.strip()
        if self.kind is Kind.TEXT and (not self.choices or text in dict(self.choices)):
            return text
        if self.kind is Kind.FLAG and text in ("true", "false"):
            return text == "true"
        if self.kind is Kind.COUNT and _WHOLE.fullmatch(text):
            return int(text)
        if self.kind.numeric and self.kind is not Kind.COUNT and _NUMBER.fullmatch(text):
            return Decimal(text)
        raise Refused(
            _("“%(value)s” cannot be compared with %(metric)s.") % {"value": text, "metric": self.name}
        )


# As what kind an imported metric is compared.
KINDS = {
    imported.MetricType.SCORE: Kind.NUMBER,
    imported.MetricType.RATE: Kind.RATE,
    imported.MetricType.AMOUNT: Kind.MONEY,
    imported.MetricType.COUNT: Kind.COUNT,
    imported.MetricType.FLAG: Kind.FLAG,
}


def _measured(metric: imported.Metric, value: Combinable, *, none_yet: str, **more: Any) -> RuleMetric:
    return RuleMetric(
        metric.key,
        metric.name,
        KINDS[metric.type],
        value,
        none_yet=none_yet if metric.knows_none_yet else "",
        measured=True,
        unit=metric.unit,
        minimum=metric.minimum,
        maximum=metric.maximum,
        window_days=metric.window_days,
        no_value=_("The platform has not given a score yet (暂无).") if metric.knows_none_yet else "",
        source=metric.source,
        **more,
    )


def _imported() -> Iterator[RuleMetric]:
    for key, metric in imported.METRICS.items():
        yield _measured(metric, F(f"m__{key}"), none_yet=f"m__{key}_none", column=key)


def _counted(
    key: str,
    name: str | Promise,
    source: str,
    *,
    unit: str | Promise = _CASES,
    window_days: int | None = None,
) -> RuleMetric:
    """A count from the record, 0 where there is nothing."""
    return RuleMetric(
        key,
        name,
        Kind.COUNT,
        Coalesce(Cast(f"fact_{alias_of(key)}__value", IntegerField()), 0),
        facts=(key,),
        unit=unit,
        minimum=_ZERO,
        maximum=_LARGEST_COUNT,
        window_days=window_days,
        source=source,
    )


def _derived() -> Iterator[RuleMetric]:
    yield RuleMetric(
        "shop_status",
        _("shop status"),
        Kind.TEXT,
        # What our own measures and closings make of it (shops.standing), else as the platform reports it.
        Case(
            When(fact_standing__value=CLOSED, then=Value(Shop.Status.CLOSED.value)),
            # One that is still preparing is not opened yet, suspended or not (DF-A1).
            When(
                fact_standing__value=SUSPENDED,
                status=Shop.Status.NORMAL,
                then=Value(Shop.Status.SUSPENDED.value),
            ),
            default=F("status"),
            output_field=CharField(),
        ),
        facts=("standing",),
        choices=tuple(Shop.Status.choices),
        source="§0",
    )
    yield RuleMetric("account_ok", _("account in good standing"), Kind.FLAG, F("account_ok"), source="§0")
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
        measured=True,
        source="§0",
    )
    circumvention = _("penalties for circumvention information in 365 days")
    yield _counted("circumvention_penalties_365d", circumvention, "§0", window_days=365)
    for key, name in (
        ("controller_serious_cases", _("serious cases of the controller's other shops")),
        ("controller_serious_penalties", _("serious penalties of the controller's other shops")),
        ("controller_transaction_cases", _("transaction safety cases of the controller's other shops")),
    ):
        yield _counted(key, name, "§0")
    points = pgettext_lazy("unit", "points")
    yield _counted("standing_points", _("points standing in the alliance"), "R16", unit=points)
    yield _counted("platform_points", _("points standing on the platform"), "R16", unit=points)
    yield RuleMetric(
        "openings_left",
        _("openings left"),
        Kind.COUNT,
        F("openings_limit") - Coalesce(F("en__openings_used"), Value(0), output_field=IntegerField()),
        unit=pgettext_lazy("unit", "openings"),
        minimum=_ZERO,
        maximum=Decimal(32_767),
        no_value=_("The alliance sets no limit."),
        source="§0",
    )
    yield RuleMetric(
        "days_since_entry",
        _("days since the shop entered the platform"),
        Kind.COUNT,
        Func(
            F("checked_on"),
            F("entered_on"),
            template="(%(expressions)s)",
            arg_joiner=" - ",
            output_field=IntegerField(null=True),
        ),
        unit=_("days"),
        minimum=_ZERO,
        maximum=_LARGEST_COUNT,
        no_value=_("The day of entry is not known."),
        source="§3",
    )
    yield RuleMetric(
        "days_since_clearance",
        _("days since the last clearance"),
        Kind.COUNT,
        Cast("fact_days_since_clearance__value", IntegerField(null=True)),
        facts=("days_since_clearance",),
        unit=_("days"),
        minimum=_ZERO,
        maximum=_LARGEST_COUNT,
        no_value=_("The shop was never cleared from the alliance."),
        source="§0",
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
        no_value=_("A paper is still pending, or the shop trades under no brand."),
        source="§0",
    )
    yield RuleMetric(
        "observed_sales",
        _("sales of observed products"),
        Kind.MONEY,
        F("fact_observed_sales__value"),
        facts=("observed_sales",),
        unit=_("yuan"),
        minimum=_ZERO,
        maximum=imported.PRODUCT_METRICS["sales_amount"].maximum,
        window_days=1,
        no_value=_("No product of the shop is under observation."),
        source="WS-O2",
    )


def penalties_asked(key: str) -> tuple[str, int] | None:
    """The violation and the number of days that a count of penalties asks for; None for another key."""
    if key == "circumvention_penalties_365d":
        return "V9", 365
    asked = _PENALTIES.fullmatch(key)
    return (asked["violation"], int(asked["days"])) if asked else None


def of_shops() -> Iterator[RuleMetric]:
    """What is listed of shops: imported, then derived."""
    yield from _imported()
    yield from _derived()


def of_declared(metric: imported.Metric) -> RuleMetric:
    """A metric without a column, as somebody declared it."""
    return _measured(metric, **declared.read_as(metric))


def of_penalties(key: str) -> RuleMetric | None:
    """The count of penalties that the key asks for; None for another key."""
    asked = penalties_asked(key)
    if asked is None:
        return None
    violation, days = asked
    name = format_lazy(_("penalties under {violation} in {days} days"), violation=violation, days=days)
    return _counted(key, name, "", window_days=days)
