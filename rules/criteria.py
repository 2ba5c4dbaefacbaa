"""A Rule becomes a database expression here, and nowhere else is a rule evaluated.

Missing is never 0 and never a failure: SQL's NULL makes every comparison unknown, and unknown is *no data*.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import and_, or_

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Expression,
    F,
    Q,
    TextChoices,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.lookups import LessThan
from django.utils.translation import gettext_lazy as _

from rules.conditions import MARGIN, Comparison, Operator
from rules.dictionaries import DICTIONARIES
from rules.metrics import RuleMetric, alias_of
from rules.models import Rule, RuleSet
from rules.reach import Reach
from shops.errors import Refused


class Outcome(TextChoices):
    """What became of a rule for a subject."""

    HOLDS = "holds", _("holds")
    FAILS = "fails", _("fails")
    EXEMPT = "exempt", _("exempt")
    NO_DATA = "no_data", _("no data")


@dataclass(frozen=True)
class Criterion:
    """One rule, ready to be asked of a queryset that rules.evaluation has annotated."""

    rule: Rule
    own: Comparison
    alternatives: tuple[Comparison, ...]
    # The count that tells on how much the rule's own value rests.
    sample: RuleMetric | None
    # Whether who meets the condition fails: so it is for every purpose but admission.
    clearing: bool
    # Whether some shop is exempted from this rule by name: the join costs, so only then.
    exempted_by_name: bool

    @classmethod
    def of(cls, rule: Rule, *, exempted_by_name: bool = False) -> Criterion:
        """The criterion of an evaluable rule. Refused for a metric that nobody knows."""
        known = DICTIONARIES[rule.rule_set.subject]
        asked = [rule.metric, rule.sample_metric, *(other.metric for other in rule.alternatives.all())]
        if any(key and key not in known for key in asked):
            raise Refused(_("Rule %(code)s speaks of an unknown metric.") % {"code": rule.code})
        sample = known[rule.sample_metric] if rule.sample_metric else None
        # A value of its own: another rule may take the same metric as it is.
        path = f"v_{alias_of(f'{rule.rule_set.purpose} {rule.code}')}" if sample else ""
        return cls(
            rule,
            Comparison.of(rule, known, path),
            tuple(Comparison.of(other, known) for other in rule.alternatives.all()),
            sample,
            rule.rule_set.purpose != RuleSet.Purpose.ADMISSION,
            exempted_by_name,
        )

    @property
    def metric(self) -> RuleMetric:
        """What the rule itself speaks of."""
        return self.own.metric

    @property
    def metrics(self) -> list[RuleMetric]:
        """All that it reads."""
        sample = [self.sample] if self.sample else []
        return [comparison.metric for comparison in self.ways] + sample

    @property
    def facts(self) -> set[str]:
        """The derived facts that it reads."""
        papers = {"brand_papers"} if self.rule.exemption == Rule.Exemption.NO_BRAND else set()
        return papers.union(*(metric.facts for metric in self.metrics))

    @property
    def asks_for_metrics(self) -> bool:
        """Whether nobody fails it without metrics of the day.

        No shop is cleared without them, for whatever else is known of it. Any other rule against somebody
        asks for them where it reads one.
        """
        clears_shops = self.rule.rule_set.purpose == RuleSet.Purpose.CLEARANCE and self.of_shops
        return self.clearing and (clears_shops or any(metric.measured for metric in self.metrics))

    @property
    def of_shops(self) -> bool:
        return self.rule.rule_set.subject == RuleSet.Subject.SHOP

    @property
    def sampled(self) -> dict[str, Expression]:
        """The annotation of the rule's own value where it counts only for a sample: else it is no data."""
        if self.sample is None:
            return {}
        enough = Q(**{f"v_{self.sample.alias}__gte": self.rule.sample_minimum})
        return {self.own.path: Case(When(enough, then=F(f"v_{self.metric.alias}")), default=Value(None))}

    @property
    def mark(self) -> str:
        """Key of the derived fact that marks shops exempted by name."""
        return f"exempt_{self.rule.code}"

    @property
    def ways(self) -> tuple[Comparison, ...]:
        return (self.own, *self.alternatives)

    @property
    def _rests_on_a_value(self) -> bool:
        """Whether a shop whose own value is missing can neither meet the condition nor miss it."""
        return not self.alternatives and not self.own.bare

    def _met(self) -> Q:
        return reduce(or_, [way.met() for way in self.ways])

    def _unmet(self) -> Q:
        return reduce(and_, [way.unmet() for way in self.ways])

    @property
    def reach(self) -> Reach:
        """Whom the rule concerns."""
        mark = self.mark if self.exempted_by_name else ""
        return Reach(self.rule, self.metric, mark, self._rests_on_a_value)

    def _holds(self) -> Q:
        return self._unmet() if self.clearing else self._met()

    def fails(self) -> Q:
        """Admission: the condition is not met. Otherwise: it is met, so the shop is to be cleared."""
        condition = self._met() if self.clearing else self._unmet()
        # Of shops whoever asks sees to it; and what a measured value settles by itself is not asked again.
        measured_anyway = self._rests_on_a_value and self.metric.measured
        if self.asks_for_metrics and not self.of_shops and not measured_anyway:
            condition &= Q(m__day__isnull=False)
        return condition & self.reach.concerned()

    def passes(self) -> Q:
        """Holds, or is exempt."""
        holds = self._holds()
        if self.reach.asks_for_entry:
            holds &= Q(entered_on__isnull=False)
        return holds | self.reach.exempt()

    @property
    def has_band(self) -> bool:
        """Whether the rule has a band above its bar."""
        return self.clearing and self.rule.warn_within is not None

    def warns(self) -> Q:
        """It holds by less than `warn_within`. Holding at the bar itself, by nothing, is such a case."""
        assert self.rule.warn_within is not None
        within = LessThan(
            self.own.margin(holds_when_met=False), Value(self.rule.warn_within, output_field=MARGIN)
        )
        return self._unmet() & Q(within) & self.reach.concerned()

    @property
    def dated(self) -> bool:
        """Whether it can be told of earlier days whether they failed: all that it reads was imported."""
        return all(metric.column for metric in self.metrics)

    @property
    def in_rows(self) -> dict[str, Combinable]:
        """What `fails_on_imported` asks for beyond the columns of ShopMetrics."""
        return {name: told for metric in self.metrics for name, told in metric.in_rows.items()}

    def fails_on_imported(self) -> Q:
        """The condition of `fails` over ShopMetrics itself, for looking back over days. Only where `dated`.

        Unknown (NULL) on a day without data, which neither fails nor holds.
        """
        own = self.own.on_imported()
        asked = [own, *(way.on_imported() for way in self.alternatives)]
        ways = [way.known_to_be(met=self.clearing) for way in asked]
        if self.sample is not None:
            enough = Q(**{f"{self.sample.column}__gte": self.rule.sample_minimum})
            if own.none_yet:
                # That there is none yet rests on no sample.
                enough |= Q(**{own.none_yet: True})
            # A value that rests on too little is not known, and compares with nothing.
            bare = own.bare and not own.none_yet
            blank = (own.operator is Operator.UNKNOWN) == self.clearing if bare else None
            judged = Case(
                When(enough, then=ways[0]), default=Value(blank), output_field=BooleanField(null=True)
            )
            ways[0] = Q(judged)
        return reduce(or_ if self.clearing else and_, ways)

    def lacks_data(self) -> Q:
        """Concerns the shop and cannot be judged."""
        judged = [] if self._rests_on_a_value else [When(self._met() | self._unmet(), then=Value(False))]
        no_entry = [When(entered_on__isnull=True, then=Value(True))] if self.reach.asks_for_entry else []
        unknown = [When(self.own.unknown(), then=Value(True))] if self._rests_on_a_value else []
        return Q(
            Case(
                When(self.reach.exempt(), then=Value(False)),
                *no_entry,
                *judged,
                *unknown,
                default=Value(not self._rests_on_a_value),
                output_field=BooleanField(),
            )
        )

    def wanting(self) -> list[tuple[str, Q]]:
        """The metrics that it may lack, each with the condition on which it is missing."""
        if not self.alternatives:
            return [(self.metric.key, Q())]
        return [(way.metric.key, way.missing()) for way in self.ways]

    def outcome(self) -> Case:
        """holds, fails, exempt or no_data."""
        met, unmet = (Outcome.FAILS, Outcome.HOLDS) if self.clearing else (Outcome.HOLDS, Outcome.FAILS)
        no_data = Value(Outcome.NO_DATA.value)
        no_entry = [When(entered_on__isnull=True, then=no_data)] if self.reach.asks_for_entry else []
        unmeasured = [When(m__day__isnull=True, then=no_data)] if self.asks_for_metrics else []
        return Case(
            When(self.reach.exempt(), then=Value(Outcome.EXEMPT.value)),
            *no_entry,
            *unmeasured,
            When(self._met(), then=Value(met.value)),
            When(self._unmet(), then=Value(unmet.value)),
            default=no_data,
            output_field=CharField(),
        )

    def margin(self) -> Expression:
        """Distance of the rule's own value to the threshold, positive on the holding side."""
        return self.own.margin(holds_when_met=not self.clearing)

    def observed_text(self) -> Expression:
        """The observed value as people read it."""
        return self.own.observed_text()
