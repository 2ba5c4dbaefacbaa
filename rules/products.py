"""One alliance's products on one day: its listings, annotated with everything that its rules ask.

Beside rules.evaluation, by the same criteria. An alliance may have rules for products or have none: what no
version in force speaks of is not evaluated at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    BigIntegerField,
    BooleanField,
    Case,
    DateField,
    DecimalField,
    Expression,
    F,
    FilteredRelation,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast

from rules import evidence, facts, listings, sql
from rules.criteria import Criterion, Outcome
from rules.judging import (
    acting,
    any_fails,
    blocking,
    exemption_marks,
    in_question,
    lack_data,
    passes_all,
    verdict,
    yes,
)
from rules.metrics import alias_of
from rules.models import Proposal, RuleSet
from rules.versions import VersionsOfDay
from shops.listings import barred
from shops.models import Enrollment, Listing

Kind, Purpose, State = Proposal.Kind, RuleSet.Purpose, Listing.State
NO_SALES_OF_30_DAYS = Cast(Value(None), DecimalField(max_digits=16, decimal_places=2))


@dataclass(frozen=True)
class ProductEvaluation(VersionsOfDay):
    """The rule sets on products of an alliance in force on a day, as querysets over its listings.

    Use inside a transaction, after the derived facts were prepared with its `criteria`.
    """

    SUBJECT = RuleSet.Subject.PRODUCT
    PURPOSES = (Purpose.ADMISSION, Purpose.CLEARANCE, Purpose.OBSERVATION)
    # What may be proposed of a product, by where it stands.
    STANDINGS = {
        Kind.OBSERVE: (State.APPLIED,),
        Kind.ADMIT: (State.APPLIED,),
        Kind.STOP: (State.PROMOTED, State.OBSERVED),
        Kind.RESUME: (State.OBSERVED, State.STOPPED),
    }
    # Of which products the rules of a purpose say anything.
    CONCERNED = {
        Purpose.CLEARANCE.value: (State.PROMOTED, State.OBSERVED),
        Purpose.OBSERVATION.value: (State.APPLIED, State.OBSERVED),
        Purpose.ADMISSION.value: (State.APPLIED, State.STOPPED),
    }

    @property
    def observation(self) -> RuleSet | None:
        """None where nothing is put under observation."""
        return self._by_purpose[Purpose.OBSERVATION]

    @property
    def observing(self) -> list[Criterion]:
        """The evaluable rules of observation, in order: who meets one is put under observation."""
        return self._criteria[Purpose.OBSERVATION]

    def prepare(self) -> None:
        """Work out the derived facts of the day, where products are asked alone. Once per transaction."""
        facts.prepare(
            self.day,
            self.alliance,
            keys=set().union(*(criterion.facts for criterion in self.criteria)),
            marks=exemption_marks(self.alliance, self.day, self._exempted_codes),
        )

    def listed(self) -> QuerySet[Any]:
        """All listings of the alliance, under the names by which the criteria ask: the day's metrics of the
        product (`m`), the shop's enrollment (`en`), what a rule's reach looks at, derived facts of the shop
        and every value.
        """
        criteria = self.criteria
        metrics = {metric.key: metric for criterion in criteria for metric in criterion.metrics}
        joined = {alias_of(key): key for criterion in criteria for key in criterion.facts}
        joined |= {alias_of(c.mark): c.mark for c in criteria if c.exempted_by_name}
        measured = FilteredRelation("product__metrics", condition=Q(product__metrics__day=self.day))
        enrolled = FilteredRelation(
            "product__shop__enrollments", condition=Q(product__shop__enrollments__alliance=self.alliance)
        )
        listed = listings.of_alliance(self.alliance).annotate(
            m=measured,
            en=enrolled,
            **{
                f"fact_{alias}": FilteredRelation(
                    "product__shop__facts", condition=Q(product__shop__facts__key=key)
                )
                for alias, key in joined.items()
            },
            category=F("product__category"),
            shop_type=F("product__shop__shop_type"),
            goods_kind=F("product__shop__goods_kind"),
            subject_kind=F("product__shop__subject_kind"),
            entered_on=F("product__shop__entered_on"),
            checked_on=Value(self.day, output_field=DateField()),
            barred=yes(Q(pk__in=barred(self.alliance).values("pk"))),
        )
        listed = listed.annotate(
            # Unknown of a product without metrics, as of a shop whether it has no score yet.
            no_rate_yet=Case(
                When(m__valid_paid_orders=0, then=Value(True)),
                When(m__day__isnull=False, then=Value(False)),
                output_field=BooleanField(null=True),
            ),
            **{f"v_{metric.alias}": metric.value for metric in metrics.values()},
        )
        return listed.annotate(**{k: v for c in criteria for k, v in c.sampled.items()})

    def checked(self) -> QuerySet[Any]:
        """Whose products are checked: shops that are in, both they and the product of a category served."""
        return self.listed().filter(self._served(), en__state=Enrollment.State.OPEN)

    def _served(self) -> Q:
        not_served = self.alliance.category_not_served
        if not not_served:
            return Q()
        return Q(category__differs=not_served, product__shop__category__differs=not_served)

    def not_served(self) -> Q:
        """The opposite: R22 for shops and products alike."""
        if not (not_served := self.alliance.category_not_served):
            return Q(pk__in=[])
        return Q(category=not_served) | Q(product__shop__category=not_served)

    def judging(self, standing: str) -> list[Criterion]:
        """The rules that say anything of a product that stands so."""
        return [
            criterion
            for purpose in self.CONCERNED
            for criterion in self.of_purpose(purpose)
            if standing in self.CONCERNED[purpose]
        ]

    # Who is due for what, over `checked()`

    def to_observe(self) -> Q:
        """Applied, and meets a blocking rule of observation (WS-O1)."""
        return Q(standing=State.APPLIED) & any_fails(self.observing)

    def to_admit(self) -> Q:
        """Applied, and everything speaks for it: admission rules that all hold, no rule of observation and
        none of clearance against it. A rule of observation that cannot be judged lets nobody in.
        """
        if self.admission is None:
            return Q(pk__in=[])
        kept_back = passes_all(acting(self.observation, self.observing))
        return Q(standing=State.APPLIED, barred=False) & passes_all(self.admitting) & kept_back & self._fit()

    def to_stop(self) -> Q:
        """Promoted or under observation, and fails a blocking rule of clearance."""
        return Q(standing__in=self.STANDINGS[Kind.STOP]) & any_fails(self.clearing)

    def to_resume(self) -> Q:
        """Past its observation (R11), or stopped and fit to be admitted again."""
        return self._past_observation() | self._back()

    def _past_observation(self) -> Q:
        if self.observation is None:
            return Q(pk__in=[])
        return Q(standing=State.OBSERVED, barred=False) & passes_all(self.observing) & self._fit()

    def _back(self) -> Q:
        if self.admission is None:
            return Q(pk__in=[])
        return Q(standing=State.STOPPED, barred=False) & passes_all(self.admitting) & self._fit()

    def _fit(self) -> Q:
        """No rule of clearance fails."""
        failing = acting(self.clearance, self.clearing)
        return Q(yes(any_fails(failing), then=False)) if failing else Q()

    def due(self) -> dict[Proposal.Kind, Q]:
        """For each kind of proposal that a version in force can lead to, who is due for it."""
        return {
            **({Kind.STOP: self.to_stop()} if self.clearance else {}),
            **({Kind.OBSERVE: self.to_observe()} if self.observation else {}),
            **({Kind.ADMIT: self.to_admit()} if self.admission else {}),
            **({Kind.RESUME: self.to_resume()} if self.admission or self.observation else {}),
        }

    def is_over(self, kind: Proposal.Kind, failed_rules: str) -> Q:
        """Over `listed()`: nothing speaks for a proposal of the kind any more, once its rules `failed_rules`
        (the path to them) led to it. What cannot be judged today may well stand as it did.
        """
        if kind in (Kind.STOP, Kind.OBSERVE):
            against = self.against(kind)
            not_due = Q(yes(any_fails(against), then=False))
            failed = Cast(failed_rules, ArrayField(TextField()))
            return not_due & Q(sql.Disjoint(in_question(against), failed))
        nobody_admits = Q(Value(True)) if self.admission is None else any_fails(self.admitting)
        nobody_ends_it = Q(Value(True)) if self.observation is None else any_fails(self.observing)
        unfit = Q(barred=True) | any_fails(acting(self.clearance, self.clearing))
        if kind == Kind.ADMIT:
            return nobody_admits | unfit | any_fails(acting(self.observation, self.observing))
        over = {State.STOPPED: nobody_admits, State.OBSERVED: nobody_ends_it}
        return reduce(or_, [Q(standing=standing) & (for_it | unfit) for standing, for_it in over.items()])

    def led_by(self, kind: Proposal.Kind) -> Expression:
        """The key of the rule set that a proposal of the kind goes by."""
        if kind == Kind.RESUME:
            return Case(
                When(standing=State.OBSERVED, then=_key(self.observation)), default=_key(self.admission)
            )
        return _key(
            {Kind.STOP: self.clearance, Kind.OBSERVE: self.observation, Kind.ADMIT: self.admission}[kind]
        )

    def against(self, kind: Proposal.Kind) -> list[Criterion]:
        """The blocking rules of which one that fails is the reason for a proposal of the kind."""
        against = {Kind.STOP: self.clearing, Kind.OBSERVE: self.observing}.get(kind, [])
        return blocking(against)

    def evidence(self, kind: Proposal.Kind) -> dict[str, object]:
        """Annotations for a proposal: every rule by value, which speak against the product, and the first."""
        against = [(criterion, criterion.fails()) for criterion in self.against(kind)]
        return evidence.columns(self.criteria, against, gmv=NO_SALES_OF_30_DAYS)

    def judged(self, standing: str) -> Case:
        """What the rules come to for a product that stands so: "fails", "no_data" or "holds"."""
        fails = {
            State.APPLIED.value: self.to_observe(),
            State.PROMOTED.value: self.to_stop(),
            State.OBSERVED.value: self.to_stop(),
        }
        cases = [(fails[standing], Outcome.FAILS)] if standing in fails else []
        lacks = lack_data(self.judging(standing))
        return verdict([*cases, (lacks, Outcome.NO_DATA)], Outcome.HOLDS)


def _key(rule_set: RuleSet | None) -> Cast:
    return Cast(Value(rule_set.pk if rule_set else None), BigIntegerField())
