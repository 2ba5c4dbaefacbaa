"""One alliance on one day: its shops, annotated with everything that its rules ask.

A sweep, a single shop's check and whatever else wants to know run this same queryset.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property, reduce
from operator import and_, or_
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    DecimalField,
    F,
    FilteredRelation,
    IntegerField,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from rules import sql
from rules.criteria import Criterion, Outcome, json_array, mark_alias
from rules.metrics import METRICS
from rules.models import RuleSet, ShopExemption
from rules.publishing import in_force
from shops import enrollments
from shops.errors import Refused
from shops.models import Alliance, Enrollment, Ground, Shop

# Marks among the derived facts that are no metrics.
BARRED = "barred"
OWES_PAPERS = "owes_papers"


@dataclass(frozen=True)
class Evaluation:
    """The two rule sets of `alliance` in force on `day`, as querysets over shops.

    `instead`: another version, such as a draft, in the place of the one of its purpose. Use inside a
    transaction, after `prepare()`: the derived facts live in a temporary table.
    """

    alliance: Alliance
    day: date
    instead: RuleSet | None = None

    @cached_property
    def admission(self) -> RuleSet:
        return self._rule_set(RuleSet.Purpose.ADMISSION)

    @cached_property
    def clearance(self) -> RuleSet:
        return self._rule_set(RuleSet.Purpose.CLEARANCE)

    def _rule_set(self, purpose: RuleSet.Purpose) -> RuleSet:
        if self.instead is not None and self.instead.purpose == purpose:
            return self.instead
        rule_set = in_force(self.alliance, purpose, self.day)
        if rule_set is None:
            raise Refused(
                _("%(alliance)s has no %(purpose)s rules in force on %(day)s.")
                % {"alliance": self.alliance, "purpose": purpose.label, "day": self.day}
            )
        return rule_set

    @cached_property
    def _exempted_codes(self) -> set[str]:
        standing = ShopExemption.objects.filter(alliance=self.alliance, until__gte=self.day)
        return set(standing.values_list("rule_code", flat=True))

    def _criteria(self, rule_set: RuleSet) -> list[Criterion]:
        rules = rule_set.rules.exclude(metric="").select_related("rule_set")
        return [Criterion.of(rule, exempted_by_name=rule.code in self._exempted_codes) for rule in rules]

    @cached_property
    def admitting(self) -> list[Criterion]:
        """The evaluable rules of admission, in order."""
        return self._criteria(self.admission)

    @cached_property
    def clearing(self) -> list[Criterion]:
        """The evaluable rules of clearance, in order."""
        return self._criteria(self.clearance)

    def prepare(self) -> None:
        """Work out the derived facts of the day. Once per transaction, before the first query."""
        sql.prepare_facts(
            self.day,
            marks={
                BARRED: enrollments.barred_shops(self.alliance).values("pk"),
                OWES_PAPERS: enrollments.cleared_for_papers(self.alliance).values("pk"),
                **{
                    f"exempt_{code}": ShopExemption.objects.filter(
                        alliance=self.alliance, until__gte=self.day, rule_code=code
                    ).values("shop_id")
                    for code in sorted(self._exempted_codes)
                },
            },
        )

    def shops(self) -> QuerySet[Any]:
        """All shops, with the day's metrics (`m`), the enrollment (`en`), derived facts and every value."""
        criteria = [*self.admitting, *self.clearing]
        metrics = {criterion.metric.key: criterion.metric for criterion in criteria}
        # The papers tell not only the value but also whom the rule on them concerns.
        facts = {key: key for metric in metrics.values() for key in metric.facts}
        facts |= {BARRED: BARRED, OWES_PAPERS: OWES_PAPERS}
        facts |= {mark_alias(c.rule.code): c.mark for c in criteria if c.exempted_by_name}
        return Shop.objects.order_by().annotate(
            m=FilteredRelation("metrics", condition=Q(metrics__day=self.day)),
            en=FilteredRelation("enrollments", condition=Q(enrollments__alliance=self.alliance)),
            **{
                f"fact_{alias}": FilteredRelation("facts", condition=Q(facts__key=key))
                for alias, key in facts.items()
            },
            openings_limit=Value(self.alliance.openings_limit, output_field=IntegerField(null=True)),
            **{f"v_{key}": METRICS[key].value for key in metrics},
        )

    def _served(self) -> Q:
        """R22: shops of a category that the alliance does not serve are listed, never checked."""
        if not self.alliance.category_not_served:
            return Q()
        return Q(category__differs=self.alliance.category_not_served)

    def not_served(self) -> Q:
        """The opposite."""
        if not self.alliance.category_not_served:
            return Q(pk__in=[])
        return Q(category=self.alliance.category_not_served)

    def inside(self) -> QuerySet[Any]:
        """Who is checked for clearance: every open enrollment."""
        return self.shops().filter(self._served(), en__state=Enrollment.State.OPEN)

    def candidates(self) -> QuerySet[Any]:
        """Who is checked for admission: who has applied, or was never opened (R18); nobody barred."""
        State = Enrollment.State
        return self.shops().filter(
            self._served(),
            Q(en__state=State.APPLIED) | Q(en__state=State.LEFT, en__openings_used=0),
            fact_barred__key__isnull=True,
        )

    def to_clear(self) -> Q:
        """Fails a blocking clearance rule. A shop without metrics of the day is never cleared."""
        return self.any_fails(self.clearing) & Q(m__day__isnull=False)

    @cached_property
    def warning_criteria(self) -> list[Criterion]:
        return []

    def to_warn(self) -> Q:
        return Q(pk__in=[])

    def to_admit(self) -> Q:
        """Passes every blocking admission rule, and no clearance rule fails (R17).

        Who was cleared for papers comes back once they are accepted: those still pending don't do (R5).
        """
        admissible = passes_all(self.admitting) & Q(
            Case(
                When(self.any_fails(self.clearing), then=Value(False)),
                default=Value(True),
                output_field=BooleanField(),
            )
        )
        on_papers = [c for c in self.clearing if c.rule.ground == Ground.QUALIFICATION]
        if not blocking(on_papers):
            return admissible
        return admissible & (Q(fact_owes_papers__key__isnull=True) | passes_all(on_papers))

    def judged_inside(self) -> Case:
        """What clearance comes to for `inside()`: "fails", "no_data" or "holds"."""
        return _verdict(
            [
                (self.to_clear(), Outcome.FAILS),
                (Q(m__day__isnull=True) | lack_data(self.clearing), Outcome.NO_DATA),
            ],
            Outcome.HOLDS,
        )

    def judged_candidates(self) -> Case:
        """What admission comes to for `candidates()`: "fails", "no_data" or "holds"."""
        return _verdict(
            [
                (self.any_fails([*self.admitting, *self.clearing]), Outcome.FAILS),
                (lack_data(self.admitting), Outcome.NO_DATA),
            ],
            Outcome.HOLDS,
        )

    def any_fails(self, criteria: list[Criterion]) -> Q:
        """At least one blocking criterion fails."""
        # False itself, not an empty list: Django would leave a query that nothing can meet unwritten.
        nobody = Q(Value(False, output_field=BooleanField()))
        return reduce(or_, [c.fails() for c in blocking(criteria)] or [nobody])

    def evidence(self) -> dict[str, object]:
        """Annotations for a proposal: every rule by value, what failed, and the first that failed."""
        clearing = blocking(self.clearing)

        def first(pick: str) -> Case:
            return Case(
                *(When(c.fails(), then=_picked(c, pick)) for c in clearing),
                default=Value(""),
                output_field=TextField(),
            )

        return {
            "judged": json_array([c.evidence() for c in (*self.admitting, *self.clearing)]),
            "failed": sql.TextArray(
                [
                    Case(
                        When(c.fails(), then=Value(c.rule.code)),
                        default=Value(None),
                        output_field=CharField(),
                    )
                    for c in clearing
                ]
            ),
            "lead_rule": first("code"),
            "lead_metric": first("metric"),
            "lead_observed": first("observed"),
            "lead_operator": first("operator"),
            "lead_threshold": first("threshold"),
            "lead_ground": first("ground"),
            "lead_margin": Case(
                *(When(c.fails(), then=c.margin()) for c in clearing),
                default=Cast(Value(None), DecimalField(max_digits=20, decimal_places=6)),
            ),
            "gmv": F("m__gmv_30d"),
            "metrics_batch": F("m__batch_id"),
            "enrollment": F("en__id"),
            "used": F("en__openings_used"),
        }


def blocking(criteria: list[Criterion]) -> list[Criterion]:
    """Without the advisory ones."""
    return [criterion for criterion in criteria if not criterion.rule.advisory]


def lack_data(criteria: list[Criterion]) -> Q:
    """At least one blocking criterion concerns the shop and cannot be judged."""
    return reduce(or_, [criterion.lacks_data() for criterion in blocking(criteria)], Q(pk__in=[]))


def _verdict(cases: list[tuple[Q, Outcome]], default: Outcome) -> Case:
    return Case(
        *(When(condition, then=Value(verdict.value)) for condition, verdict in cases),
        default=Value(default.value),
        output_field=CharField(),
    )


def passes_all(criteria: list[Criterion]) -> Q:
    """Every blocking criterion holds or is exempt."""
    return reduce(and_, [criterion.passes() for criterion in blocking(criteria)], Q())


def _picked(criterion: Criterion, pick: str) -> object:
    rule = criterion.rule
    if pick == "observed":
        return criterion.observed_text()
    text = {
        "code": rule.code,
        "metric": rule.metric,
        "operator": rule.operator,
        "threshold": rule.value,
        "ground": rule.ground,
    }[pick]
    return Value(text, output_field=TextField())
