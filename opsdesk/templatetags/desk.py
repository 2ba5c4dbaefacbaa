"""Values in templates as the lists write them."""

from __future__ import annotations

from typing import Any

from django import template
from django.db.models import QuerySet

from opsdesk import appeals, penalising, resting, wording, worklist
from opsdesk.admin.subjects import platform_cell
from opsdesk.deadlines import said
from rules.admin.conditions import conditions_of, scope_of
from rules.criteria import Outcome
from rules.models import Proposal, RuleSet
from rules.values import comparison_of, margin_of, name_of, value_of
from shops import cases, money
from shops.admin import cells
from shops.admin.products import standing_pill
from shops.models import Product, Shop
from shops.rights import name_of as people_name
from shops.versions import told_version

register = template.Library()

register.filter("yuan", cells.yuan)
register.filter("fen", money.told)
register.filter("number", cells.number)
register.filter("percent", cells.percent)
register.filter("metric_name", name_of)
register.filter("moment", said)
register.filter("person", people_name)
register.filter("standing_pill", standing_pill)
register.filter("platform_cell", platform_cell)
register.filter("rule_condition", conditions_of)
register.filter("rule_scope", scope_of)
register.filter("day", wording.as_day)
register.simple_tag(told_version, name="version_of_violation")
register.simple_tag(resting.on, name="resting_on")
register.simple_tag(resting.falls_with_its_closing)
register.simple_tag(resting.lost_ground, name="lost_ground")
register.simple_tag(cases.told_moved, name="moved_for_the_case")
register.simple_tag(appeals.why_not_contested, name="why_not_contested")
register.simple_tag(penalising.heard, name="heard_appeal")
register.simple_tag(worklist.open_for, name="open_proposal_for")
register.simple_tag(value_of, name="metric_value")
register.simple_tag(comparison_of, name="metric_comparison")
register.simple_tag(margin_of, name="metric_margin")


@register.filter
def outcome_pill(outcome: str) -> str:
    """What became of a rule, as a pill."""
    return cells.pill(outcome, dict(Outcome.choices).get(outcome, outcome))


@register.filter
def shop_standing(shop: Any) -> str:
    """What a shop that carries its `standing` may do now, as a pill."""
    return cells.pill(shop.standing, Shop.Status(shop.standing).label)


@register.filter
def figure(extra: dict[str, object], key: str) -> object:
    """What a day's metrics hold of a declared one; None where there is no data."""
    return extra.get(key)


@register.filter
def yes_no(flag: bool | None) -> str:
    """A flag in a word; unknown is a dash."""
    return cells.NOTHING if flag is None else value_of("", flag)


@register.filter
def purpose_name(purpose: str) -> str:
    """What a rule set that evidence names was for."""
    return str(dict(RuleSet.Purpose.choices).get(purpose, purpose))


@register.simple_tag
def open_proposals(product: Product) -> QuerySet[Any, Proposal]:
    """What waits for a decision about the product: the register's own pages know of no proposals."""
    return worklist.open_about(product)
