"""One alliance on one day: its shops, annotated with everything that its rules ask.

A sweep, a single shop's check and whatever else wants to know run this same queryset.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    DateField,
    F,
    FilteredRelation,
    IntegerField,
    Q,
    QuerySet,
    Value,
    When,
)
from django.utils.translation import gettext_lazy as _

from rules import evidence, facts, sql
from rules.criteria import Criterion, Outcome
from rules.judging import (
    acting,
    acts,
    any_fails,
    blocking,
    exemption_marks,
    lack_data,
    nobody,
    passes_all,
    verdict,
    yes,
)
from rules.metrics import alias_of
from rules.models import RuleSet
from rules.versions import VersionsOfDay
from shops import bars
from shops.declared import read_once
from shops.errors import Refused
from shops.models import Enrollment, Ground, Shop

Purpose = RuleSet.Purpose
# Marks among the derived facts that are no metrics.
BARRED = "barred"
COOLING = "cooling"
OWES_PAPERS = "owes_papers"


@dataclass(frozen=True)
class Evaluation(VersionsOfDay):
    """The rule sets of an alliance in force on a day, as querysets over shops.

    Use inside a transaction, after `prepare()`: the derived facts live in a temporary table.
    """

    SUBJECT = RuleSet.Subject.SHOP
    PURPOSES = (Purpose.ADMISSION, Purpose.CLEARANCE, Purpose.WARNING)

    @property
    def warning(self) -> RuleSet | None:
        """None where the alliance warns for nothing but a clearance that is near."""
        return self._by_purpose[Purpose.WARNING]

    @property
    def warning_criteria(self) -> list[Criterion]:
        """The evaluable rules of warning, in order: who meets one is warned."""
        return self._criteria[Purpose.WARNING]

    def refuse_without_rules(self) -> None:
        """Refused where the alliance has none on that day."""
        if not self.versions:
            raise Refused(
                _("%(alliance)s has no rules in force on %(day)s.")
                % {"alliance": self.alliance, "day": self.day}
            )

    def prepare(self, *beside: Criterion, shops: Collection[int] | None = None) -> None:
        """Work out the derived facts of the day, before the first query and anew for another day.

        `beside`: what is asked as well of the same alliance and day. `shops`: the keys of the only ones asked
        about.
        """
        with read_once():
            asked = [*self.criteria, *beside]
        cooling = bars.cooling_shops(self.alliance, self.day)
        facts.prepare(
            self.day,
            self.alliance,
            keys=set().union(*(criterion.facts for criterion in asked)),
            marks={
                **({COOLING: cooling.values("pk")} if self.alliance.cool_down_days else {}),
                BARRED: bars.not_admitted(self.alliance),
                OWES_PAPERS: bars.cleared_for_papers(self.alliance),
                **exemption_marks(self.alliance, self.day, self._exempted_codes),
            },
            shops=shops,
        )

    def shops(self) -> QuerySet[Any]:
        """All shops, with the day's metrics (`m`), the enrollment (`en`), derived facts and every value."""
        criteria = self.criteria
        metrics = {metric.key: metric for criterion in criteria for metric in criterion.metrics}
        # The papers tell not only the value but also whom the rule on them concerns.
        joined = {alias_of(key): key for criterion in criteria for key in criterion.facts}
        joined |= {BARRED: BARRED, OWES_PAPERS: OWES_PAPERS}
        joined |= {COOLING: COOLING} if self.alliance.cool_down_days else {}
        joined |= {alias_of(c.mark): c.mark for c in criteria if c.exempted_by_name}
        everybody: QuerySet[Any] = sql.OneRowEach(Shop).order_by()
        shops = everybody.annotate(
            m=FilteredRelation("metrics", condition=Q(metrics__day=self.day)),
            en=FilteredRelation("enrollments", condition=Q(enrollments__alliance=self.alliance)),
            **{
                f"fact_{alias}": FilteredRelation("facts", condition=Q(facts__key=key))
                for alias, key in joined.items()
            },
            openings_limit=Value(self.alliance.openings_limit, output_field=IntegerField(null=True)),
            checked_on=Value(self.day, output_field=DateField()),
            **{f"v_{metric.alias}": metric.value for metric in metrics.values()},
            **{name: told for metric in metrics.values() for name, told in metric.beside.items()},
        )
        return shops.annotate(**{k: v for c in criteria for k, v in c.sampled.items()})

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
        """Who is checked for admission: who has applied, or was never opened (R18); nobody barred, and
        nobody whose clearance is too fresh.
        """
        State = Enrollment.State
        return self.shops().filter(
            self._served(),
            Q(en__state=State.APPLIED) | Q(en__state=State.LEFT, en__openings_used=0),
            self._rested(),
            fact_barred__key__isnull=True,
        )

    def _rested(self) -> Q:
        return Q(fact_cooling__key__isnull=True) if self.alliance.cool_down_days else Q()

    def cooling(self) -> Q:
        """The opposite: cleared so lately that the alliance does not take the shop back yet."""
        return Q(fact_cooling__key__isnull=False) if self.alliance.cool_down_days else Q(pk__in=[])

    def to_clear(self) -> Q:
        """Fails a blocking clearance rule. A shop without metrics of the day is never cleared."""
        return any_fails(self.clearing) & Q(m__day__isnull=False)

    def to_warn(self, *, tried_out: bool = True) -> Q:
        """Over `inside()`: meets a blocking rule of warning, lies in a clearance rule's band or, where the
        alliance warns of that, has lost what it was admitted for. Who is to be cleared is not warned as well,
        nor a shop without metrics of the day. `tried_out`: also by rules that are only tried out.
        """
        warnings = [condition for c, condition in self.warnings() if tried_out or acts(c.rule.rule_set)]
        warned = reduce(or_, warnings or [nobody()])
        # Rules that are only tried out clear nobody.
        cleared = [When(self.to_clear(), then=Value(False))] if acts(self.clearance) else []
        not_cleared = Case(*cleared, default=Value(True), output_field=BooleanField())
        return warned & Q(not_cleared)

    def _clearings(self) -> list[tuple[Criterion, Q]]:
        return [(criterion, criterion.fails()) for criterion in blocking(self.clearing)]

    def warnings(self) -> list[tuple[Criterion, Q]]:
        """The rules that warn, each with the condition on which it does; those only tried out come last.

        A shop without metrics of the day is warned only by rules of warning that read none.
        """
        measured = Q(m__day__isnull=False)
        return [
            (c, condition & measured if c.asks_for_metrics or not self._warns_itself(c) else condition)
            for c, condition in self.warned_of()
        ]

    def _warns_itself(self, criterion: Criterion) -> bool:
        return criterion.rule.rule_set.purpose == RuleSet.Purpose.WARNING

    def warned_of(self) -> list[tuple[Criterion, Q]]:
        """The same, each with what it warns of, whether or not the day brought metrics of the shop."""
        warning = [(c, c.fails()) for c in blocking(self.warning_criteria)]
        warning += [(c, c.warns()) for c in blocking(self.clearing) if c.has_band]
        if self.alliance.warns_on_lost_admission:
            warning += [(c, c.fails()) for c in blocking(self.admitting)]
        return sorted(warning, key=lambda rule: rule[0].rule.rule_set.mode == RuleSet.Mode.SHADOW)

    def keeping_out(self) -> list[Criterion]:
        """The blocking rules of clearance, of which who fails one is not let in."""
        return acting(self.clearance, self.clearing)

    def to_admit(self) -> Q:
        """Passes every blocking admission rule, and no clearance rule fails (R17).

        Who was cleared for papers comes back once they are accepted: those still pending don't do (R5).
        Without rules of admission nobody does.
        """
        if self.admission is None:
            return nobody()
        admissible = passes_all(self.admitting) & Q(yes(any_fails(self.keeping_out()), then=False))
        on_papers = [c for c in self.keeping_out() if c.rule.ground == Ground.QUALIFICATION]
        if not on_papers:
            return admissible
        return admissible & (Q(fact_owes_papers__key__isnull=True) | passes_all(on_papers))

    def judged_inside(self, *, tried_out: bool = True) -> Case:
        """What clearance comes to for `inside()`: "fails", "no_data" or "holds".

        Without `tried_out` nobody fails rules that are only tried out.
        """
        fails = Outcome.FAILS if tried_out or acts(self.clearance) else Outcome.HOLDS
        return verdict(
            [
                (self.to_clear(), fails),
                (Q(m__day__isnull=True) | lack_data(self.clearing), Outcome.NO_DATA),
            ],
            Outcome.HOLDS,
        )

    def judged_candidates(self) -> Case:
        """What admission comes to for `candidates()`: "fails", "no_data" or "holds"."""
        return verdict(
            [
                (any_fails([*self.admitting, *self.keeping_out()]), Outcome.FAILS),
                (lack_data(self.admitting), Outcome.NO_DATA),
            ],
            Outcome.HOLDS,
        )

    def evidence_to_clear(self) -> dict[str, object]:
        """Annotations for a proposal: every rule by value, which clearance rules failed, and the first."""
        return evidence.columns([*self.admitting, *self.clearing], self._clearings(), gmv=F("m__gmv_30d"))

    def evidence_to_admit(self) -> dict[str, object]:
        """The same for an admission, which no rule speaks against but one that is only tried out."""
        return evidence.columns([*self.admitting, *self.clearing], [], gmv=F("m__gmv_30d"))

    def evidence_to_warn(self) -> dict[str, object]:
        """The same for a warning: what failed are the rules that warn."""
        return evidence.columns(self.criteria, self.warnings(), gmv=F("m__gmv_30d"))
