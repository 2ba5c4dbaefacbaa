"""What several criteria come to together, for whomever they are asked of."""

from __future__ import annotations

from collections.abc import Set
from datetime import date
from functools import reduce
from operator import and_, or_

from django.db.models import BooleanField, Case, CharField, Q, QuerySet, Value, When

from rules import sql
from rules.criteria import Criterion, Outcome
from rules.models import RuleSet, ShopExemption
from shops.models import Alliance


def exempted_codes(alliance: Alliance, day: date) -> set[str]:
    """The codes of rules from which somebody is exempted by name on the day."""
    standing = ShopExemption.objects.filter(alliance=alliance, until__gte=day)
    return set(standing.values_list("rule_code", flat=True))


def exemption_marks(alliance: Alliance, day: date, codes: Set[str]) -> dict[str, QuerySet]:
    """The derived facts that mark the shops exempted by name from the rules `codes`."""
    standing = ShopExemption.objects.filter(alliance=alliance, until__gte=day)
    return {f"exempt_{code}": standing.filter(rule_code=code).values("shop_id") for code in sorted(codes)}


def criteria_of(rule_set: RuleSet, exempted: Set[str]) -> list[Criterion]:
    """The evaluable rules of a set, in order. `exempted`: codes from which somebody is exempted by name."""
    evaluable = rule_set.rules.exclude(metric="").select_related("rule_set")
    rules = evaluable.prefetch_related("alternatives")
    return [Criterion.of(rule, exempted_by_name=rule.code in exempted) for rule in rules]


def any_fails(criteria: list[Criterion]) -> Q:
    """At least one blocking criterion fails."""
    return reduce(or_, [c.fails() for c in blocking(criteria)] or [nobody()])


def yes(condition: Q, *, then: bool = True) -> Case:
    """`then` where the condition is met, and the contrary where it isn't or nobody knows."""
    return Case(When(condition, then=Value(then)), default=Value(not then), output_field=BooleanField())


def nobody() -> Q:
    """Meets nothing."""
    # False itself, not an empty list: Django would leave a query that nothing can meet unwritten.
    return Q(Value(False, output_field=BooleanField()))


def blocking(criteria: list[Criterion]) -> list[Criterion]:
    """Without the advisory ones."""
    return [criterion for criterion in criteria if not criterion.rule.advisory]


def acts(rule_set: RuleSet | None) -> bool:
    """Whether there is a version, and one that is not only tried out: that one does nothing to anybody."""
    return rule_set is not None and rule_set.mode != RuleSet.Mode.SHADOW


def acting(rule_set: RuleSet | None, criteria: list[Criterion]) -> list[Criterion]:
    """The blocking criteria of a version; none where it is only tried out: it keeps nobody back."""
    return blocking(criteria) if acts(rule_set) else []


def in_question(criteria: list[Criterion]) -> sql.TextArray:
    """The codes of the blocking rules that do not pass for certain."""
    return sql.TextArray(
        [
            Case(When(c.passes(), then=Value(None)), default=Value(c.rule.code), output_field=CharField())
            for c in blocking(criteria)
        ]
    )


def lack_data(criteria: list[Criterion]) -> Q:
    """At least one blocking criterion concerns the shop and cannot be judged."""
    return reduce(or_, [criterion.lacks_data() for criterion in blocking(criteria)], Q(pk__in=[]))


def verdict(cases: list[tuple[Q, Outcome]], default: Outcome) -> Case:
    """The outcome of the first condition that is met."""
    return Case(
        *(When(condition, then=Value(verdict.value)) for condition, verdict in cases),
        default=Value(default.value),
        output_field=CharField(),
    )


def passes_all(criteria: list[Criterion]) -> Q:
    """Every blocking criterion holds or is exempt."""
    return reduce(and_, [c.passes() for c in blocking(criteria)] or [Q(Value(True))])
