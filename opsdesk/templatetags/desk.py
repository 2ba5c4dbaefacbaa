"""Values in templates as the lists write them."""

from __future__ import annotations

from django import template

from opsdesk.deadlines import said
from rules.admin.conditions import conditions_of, scope_of
from rules.admin.values import comparison_of, margin_of, name_of, value_of
from rules.criteria import Outcome
from shops.admin import cells

register = template.Library()

register.filter("yuan", cells.yuan)
register.filter("number", cells.number)
register.filter("percent", cells.percent)
register.filter("metric_name", name_of)
register.filter("moment", said)
register.filter("rule_condition", conditions_of)
register.filter("rule_scope", scope_of)
register.simple_tag(value_of, name="metric_value")
register.simple_tag(comparison_of, name="metric_comparison")
register.simple_tag(margin_of, name="metric_margin")


@register.filter
def outcome_pill(outcome: str) -> str:
    """What became of a rule, as a pill."""
    return cells.pill(outcome, dict(Outcome.choices).get(outcome, outcome))


@register.filter
def yes_no(flag: bool | None) -> str:
    """A flag in a word; unknown is a dash."""
    return cells.NOTHING if flag is None else value_of("", flag)
