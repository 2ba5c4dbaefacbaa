"""One metric compared with something, as SQL that knows three values.

Missing is never 0: SQL's NULL makes every comparison unknown, and unknown is neither met nor unmet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import reduce
from operator import and_

from django.db.models import (
    BooleanField,
    Case,
    DecimalField,
    Expression,
    F,
    Field,
    Func,
    JSONField,
    Lookup,
    Q,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Abs, Cast, Least
from django.utils.translation import gettext_lazy as _

from rules.metrics import Kind, RuleMetric
from rules.models import Condition
from shops.errors import Refused

Operator = Condition.Operator
Parsed = Decimal | int | bool | str

LOOKUPS = {
    Operator.GREATER: "gt",
    Operator.AT_LEAST: "gte",
    Operator.LESS: "lt",
    Operator.AT_MOST: "lte",
    Operator.EQUAL: "exact",
    Operator.UNEQUAL: "differs",
}
# Compiled as a comparison of its own: NOT (…) would cost minutes at a million rows and count NULL as met.
OPPOSITE = {
    Operator.GREATER: Operator.AT_MOST,
    Operator.AT_LEAST: Operator.LESS,
    Operator.LESS: Operator.AT_LEAST,
    Operator.AT_MOST: Operator.GREATER,
    Operator.EQUAL: Operator.UNEQUAL,
    Operator.UNEQUAL: Operator.EQUAL,
    Operator.KNOWN: Operator.UNKNOWN,
    Operator.UNKNOWN: Operator.KNOWN,
}
MARGIN = DecimalField(max_digits=20, decimal_places=6)


@Field.register_lookup
class Differs(Lookup):
    """`<>`, which is unknown for NULL. (`~Q(x=…)` would be true for it.)"""

    lookup_name = "differs"

    # Django types neither argument in a way that its own lookups keep.
    def as_sql(self, compiler, connection):  # type: ignore[no-untyped-def]
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} <> {right}", (*left_params, *right_params)


def listed(text: str) -> list[str]:
    """The values of "is one of": divided by commas, also by full-width ones."""
    return [value.strip() for value in re.split("[,，]", text) if value.strip()]


def none_of(path: str, values: list[str]) -> Q:
    """The opposite of `in`."""
    return reduce(and_, [Q(**{f"{path}__differs": value}) for value in values])


@dataclass(frozen=True)
class Comparison:
    """A metric's value under the name `path`, and what it is compared with: several for "is one of", the
    two ends for "is between", nothing for "is known".
    """

    metric: RuleMetric
    operator: Condition.Operator
    # As people wrote them, and as they are compared.
    texts: tuple[str, ...]
    thresholds: tuple[Parsed, ...]
    path: str
    # Whether the subject can be without metrics of the day. (A row of ShopMetrics can't.)
    may_be_unmeasured: bool = True

    @classmethod
    def of(cls, condition: Condition, known: Mapping[str, RuleMetric], path: str = "") -> Comparison:
        """The comparison of a complete condition on a metric of the dictionary `known`.

        Refused for what cannot be compared.
        """
        metric = known.get(condition.metric)
        if metric is None:
            raise Refused(_("“%(metric)s” is an unknown metric.") % {"metric": condition.metric})
        operator = Operator(condition.operator)
        texts = {
            Operator.IN: listed(condition.value),
            Operator.BETWEEN: [condition.value, condition.upper],
        }.get(operator, [] if operator in Condition.BARE else [condition.value])
        if not texts and operator not in Condition.BARE:
            raise Refused(_("“is one of” names no value."))
        thresholds = tuple(metric.parse(text) for text in texts)
        return cls(metric, operator, tuple(texts), thresholds, path or f"v_{metric.alias}")

    def on_imported(self) -> Comparison:
        """The same, asked of a row of ShopMetrics with the metric's `in_rows`. Only for what is imported."""
        return replace(self, path=self.metric.column, may_be_unmeasured=False)

    @property
    def bare(self) -> bool:
        return self.operator in Condition.BARE

    def met(self) -> Q:
        """True where the condition is met for certain."""
        if self.operator is Operator.IN:
            return Q(**{f"{self.path}__in": self.thresholds})
        if self.operator is Operator.BETWEEN:
            lower, upper = self.thresholds
            return Q(**{f"{self.path}__gte": lower, f"{self.path}__lte": upper})
        return self._asked(self.operator)

    def unmet(self) -> Q:
        """True where it is not met for certain: for want of data it is neither."""
        if self.operator is Operator.IN:
            return reduce(and_, [Q(**{f"{self.path}__differs": value}) for value in self.thresholds])
        if self.operator is Operator.BETWEEN:
            lower, upper = self.thresholds
            return Q(**{f"{self.path}__lt": lower}) | Q(**{f"{self.path}__gt": upper})
        return self._asked(OPPOSITE[self.operator])

    @property
    def none_yet(self) -> str:
        """Path of the flag that says "none yet"; empty where there is no such thing."""
        path = self.metric.none_yet
        return path if self.may_be_unmeasured else path.removeprefix("m__")

    def _asked(self, operator: Condition.Operator) -> Q:
        if operator in LOOKUPS:
            return Q(**{f"{self.path}__{LOOKUPS[operator]}": self.thresholds[0]})
        known = operator is Operator.KNOWN
        there_is = Q(**{f"{self.path}__isnull": not known})
        if self.none_yet and not known:
            # There is none, for certain: of a figure that was not imported nobody can say so (R9).
            return Q(**{self.none_yet: True})
        if known or not (self.metric.measured and self.may_be_unmeasured):
            return there_is
        # Whether the day would have brought one can't be told of a shop without any metrics.
        return there_is & Q(m__day__isnull=False)

    def known_to_be(self, *, met: bool) -> Q:
        """Whether it is `met` or unmet, as one expression that is NULL where nobody can say."""
        asked = self.met() if met else self.unmet()
        if not (self.bare and self.none_yet):
            return asked
        opposite = self.unmet() if met else self.met()
        cases = [When(asked, then=Value(True)), When(opposite, then=Value(False))]
        return Q(Case(*cases, default=Value(None), output_field=BooleanField(null=True)))

    def unknown(self) -> Q:
        """The value is missing, of a comparison that needs one."""
        return Q(**{f"{self.path}__isnull": True})

    def missing(self) -> Q:
        """There is no value, and nobody says that there is none yet."""
        if not self.none_yet:
            return self.unknown()
        none_yet = Case(When(**{self.none_yet: True}, then=Value(False)), default=Value(True))
        return self.unknown() & Q(none_yet)

    def margin(self, *, holds_when_met: bool) -> Expression:
        """Distance to the (nearest) threshold, positive on the holding side; NULL for flags and texts."""
        if not self.metric.kind.numeric or self.bare:
            return Value(None, output_field=MARGIN)
        value = Cast(F(self.path), MARGIN)
        thresholds = [Value(threshold, output_field=MARGIN) for threshold in self.thresholds]
        if self.operator is Operator.BETWEEN:
            inwards = Least(value - thresholds[0], thresholds[1] - value)
            return inwards if holds_when_met else -inwards
        distances: list[Expression] = [value - threshold for threshold in thresholds]
        if self.operator in (Operator.EQUAL, Operator.UNEQUAL, Operator.IN):
            distances = [Abs(distance) for distance in distances]
            upwards = self.operator is Operator.UNEQUAL
        else:
            upwards = self.operator in (Operator.GREATER, Operator.AT_LEAST)
        distance: Expression = Least(*distances) if len(distances) > 1 else distances[0]
        return distance if upwards == holds_when_met else -distance

    def observed_text(self) -> Expression:
        """The observed value as people read it and as evidence keeps it; "none" for no score yet."""
        value: Expression | F = F(self.path)
        if self.metric.kind is Kind.RATE:
            value = Func(value, function="trim_scale", output_field=DecimalField())
        text = Cast(value, TextField())
        if not self.metric.none_yet:
            return text
        return Case(
            When(**{self.metric.none_yet: True}, then=Value("none")), default=text, output_field=TextField()
        )

    def observed_json(self) -> Expression:
        """The same, with counts as numbers and flags as booleans."""
        if self.metric.kind in (Kind.COUNT, Kind.FLAG):
            return Func(F(self.path), function="to_jsonb", output_field=JSONField())
        return Func(self.observed_text(), function="to_jsonb", output_field=JSONField())

    def threshold_json(self) -> Value:
        """The threshold: measured numbers as decimal strings, counts as numbers, flags as booleans.

        The two ends of "is between", the list of "is one of", null where nothing is compared.
        """
        kept: list[Parsed] = list(
            self.thresholds if self.metric.kind in (Kind.COUNT, Kind.FLAG) else self.texts
        )
        several = self.operator in (Operator.IN, Operator.BETWEEN)
        told = kept if several else kept[0] if kept else None
        return Value(told, output_field=JSONField())

    def threshold_text(self) -> str:
        """The same in one line: 4.0–4.5, or a, b."""
        return ("–" if self.operator is Operator.BETWEEN else ", ").join(self.texts)
