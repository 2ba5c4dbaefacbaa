"""A Rule becomes a database expression here, and nowhere else is a rule evaluated.

Missing is never 0 and never a failure: SQL's NULL makes every comparison unknown, and unknown is *no data*.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    DecimalField,
    Expression,
    F,
    Field,
    Func,
    JSONField,
    Lookup,
    Q,
    TextChoices,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Abs, Cast, JSONObject
from django.utils.translation import gettext_lazy as _

from rules.metrics import METRICS, TRADES_UNDER_NO_BRAND, Kind, RuleMetric
from rules.models import Condition, Rule, RuleSet
from shops.errors import Refused
from shops.models import Shop

Operator = Condition.Operator

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
}


class Outcome(TextChoices):
    """What became of a rule for a subject."""

    HOLDS = "holds", _("holds")
    FAILS = "fails", _("fails")
    EXEMPT = "exempt", _("exempt")
    NO_DATA = "no_data", _("no data")


@Field.register_lookup
class Differs(Lookup):
    """`<>`, which is unknown for NULL. (`~Q(x=…)` would be true for it.)"""

    lookup_name = "differs"

    # Django types neither argument in a way that its own lookups keep.
    def as_sql(self, compiler, connection):  # type: ignore[no-untyped-def]
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} <> {right}", (*left_params, *right_params)


@dataclass(frozen=True)
class Criterion:
    """One rule, ready to be asked of a queryset that rules.evaluation has annotated."""

    rule: Rule
    metric: RuleMetric
    clearing: bool
    # Whether some shop is exempted from this rule by name: the join costs, so only then.
    exempted_by_name: bool

    @classmethod
    def of(cls, rule: Rule, *, exempted_by_name: bool = False) -> Criterion:
        """The criterion of an evaluable rule. Refused for a metric that nobody knows."""
        metric = METRICS.get(rule.metric)
        if metric is None:
            raise Refused(_("Rule %(code)s speaks of an unknown metric.") % {"code": rule.code})
        clearing = rule.rule_set.purpose == RuleSet.Purpose.CLEARANCE
        return cls(rule, metric, clearing, exempted_by_name)

    @property
    def value(self) -> str:
        """Name of the annotation that holds the observed value."""
        return f"v_{self.metric.key}"

    @property
    def mark(self) -> str:
        """Key of the derived fact that marks shops exempted by name."""
        return f"exempt_{self.rule.code}"

    def _compare(self, operator: Operator, path: str) -> Q:
        return Q(**{f"{path}__{LOOKUPS[operator]}": self.metric.parse(self.rule.value)})

    def _met(self, path: str) -> Q:
        return self._compare(Operator(self.rule.operator), path)

    def _unmet(self, path: str) -> Q:
        return self._compare(OPPOSITE[Operator(self.rule.operator)], path)

    def exempt(self) -> Q:
        """Whom the rule does not concern; never unknown but where the metrics are missing altogether."""
        nobody = Q(pk__in=[])
        by_class = {
            Rule.Exemption.NOBODY: nobody,
            Rule.Exemption.VIRTUAL_GOODS: Q(goods_kind=Shop.GoodsKind.VIRTUAL),
            Rule.Exemption.NO_SCORE_YET: Q(**{self.metric.none_yet: True})
            if self.metric.none_yet
            else nobody,
            Rule.Exemption.NO_BRAND: TRADES_UNDER_NO_BRAND,
        }[Rule.Exemption(self.rule.exemption)]
        if not self.exempted_by_name:
            return by_class
        return by_class | Q(**{f"fact_{mark_alias(self.rule.code)}__key": self.mark})

    def _concerned(self) -> Q:
        """The opposite of `exempt` where a value is known. (Shops without a score or a brand have none.)"""
        concerned = Q()
        if self.rule.exemption == Rule.Exemption.VIRTUAL_GOODS:
            concerned &= Q(goods_kind__differs=Shop.GoodsKind.VIRTUAL)
        if self.exempted_by_name:
            concerned &= Q(**{f"fact_{mark_alias(self.rule.code)}__key__isnull": True})
        return concerned

    def fails(self) -> Q:
        """Admission: the condition is not met. Clearance: it is met, so the shop is to be cleared."""
        condition = self._met(self.value) if self.clearing else self._unmet(self.value)
        return condition & self._concerned()

    def passes(self) -> Q:
        """Holds, or is exempt."""
        condition = self._unmet(self.value) if self.clearing else self._met(self.value)
        return condition | self.exempt()

    def fails_on_imported(self) -> Q:
        """`fails` over ShopMetrics itself, for looking back over days. Only for an imported metric."""
        return self._met(self.metric.column) if self.clearing else self._unmet(self.metric.column)

    def lacks_data(self) -> Q:
        """Concerns the shop and cannot be judged."""
        return Q(
            Case(
                When(self.exempt(), then=Value(False)),
                When(**{f"{self.value}__isnull": True}, then=Value(True)),
                default=Value(False),
                output_field=BooleanField(),
            )
        )

    def outcome(self) -> Case:
        """holds, fails, exempt or no_data."""
        met, unmet = (Outcome.FAILS, Outcome.HOLDS) if self.clearing else (Outcome.HOLDS, Outcome.FAILS)
        # Nobody without metrics of the day is cleared, for whatever else is known of him.
        unmeasured = [When(m__day__isnull=True, then=Value(Outcome.NO_DATA.value))] if self.clearing else []
        return Case(
            When(self.exempt(), then=Value(Outcome.EXEMPT.value)),
            *unmeasured,
            When(self._met(self.value), then=Value(met.value)),
            When(self._unmet(self.value), then=Value(unmet.value)),
            default=Value(Outcome.NO_DATA.value),
            output_field=CharField(),
        )

    def margin(self) -> Expression:
        """Distance to the threshold, positive on the holding side; NULL for flags and texts."""
        number = DecimalField(max_digits=20, decimal_places=6)
        if not self.metric.kind.numeric:
            return Value(None, output_field=number)
        distance: Expression = Cast(F(self.value), number) - Value(
            self.metric.parse(self.rule.value), output_field=number
        )
        operator = Operator(self.rule.operator)
        if operator in (Operator.EQUAL, Operator.UNEQUAL):
            distance = Abs(distance)
            upwards = operator is Operator.UNEQUAL
        else:
            upwards = operator in (Operator.GREATER, Operator.AT_LEAST)
        return distance if upwards != self.clearing else -distance

    def observed_text(self) -> Expression:
        """The observed value as people read it and as evidence keeps it; "none" for no score yet."""
        value: Expression | F = F(self.value)
        if self.metric.kind is Kind.RATE:
            value = Func(value, function="trim_scale", output_field=DecimalField())
        text = Cast(value, TextField())
        if not self.metric.none_yet:
            return text
        return Case(
            When(**{self.metric.none_yet: True}, then=Value("none")), default=text, output_field=TextField()
        )

    def _observed_json(self) -> Expression:
        if self.metric.kind in (Kind.COUNT, Kind.FLAG):
            return Func(F(self.value), function="to_jsonb", output_field=JSONField())
        return Func(self.observed_text(), function="to_jsonb", output_field=JSONField())

    def threshold_json(self) -> Value:
        """The threshold: measured numbers as decimal strings, counts as numbers, flags as booleans."""
        kept_as_is = self.metric.kind in (Kind.COUNT, Kind.FLAG)
        threshold = self.metric.parse(self.rule.value) if kept_as_is else self.rule.value
        return Value(threshold, output_field=JSONField())

    def evidence(self) -> JSONObject:
        """One entry of a proposal's evidence, by value."""
        margin: Expression = Cast(
            Func(self.margin(), function="trim_scale", output_field=DecimalField()), TextField()
        )
        if self.metric.kind is Kind.COUNT:
            margin = Func(
                Func(self.margin(), function="trim_scale", output_field=DecimalField()),
                function="to_jsonb",
                output_field=JSONField(),
            )
        return JSONObject(
            code=Value(self.rule.code),
            purpose=Value(self.rule.rule_set.purpose),
            metric=Value(self.rule.metric),
            observed=self._observed_json(),
            operator=Value(self.rule.operator),
            threshold=self.threshold_json(),
            outcome=self.outcome(),
            margin=margin,
            advisory=Value(self.rule.advisory, output_field=BooleanField()),
        )


def mark_alias(code: str) -> str:
    """A rule's code as part of a query alias."""
    return f"exempt_{code.replace('-', '_').lower()}"


def json_array(entries: list[JSONObject]) -> Expression:
    """A jsonb array of the entries, in order."""
    if not entries:
        return Value(json.loads("[]"), output_field=JSONField())
    return Func(*entries, function="jsonb_build_array", output_field=JSONField())
