"""What is wrong with a rule, in words, before it is saved. To be replaced: it finds nothing yet."""

from __future__ import annotations

from collections.abc import Sequence

from rules.models import Alternative, Rule, RuleSet


def check_rule(rule: Rule, alternatives: Sequence[Alternative], rule_set: RuleSet) -> dict[str, str]:
    """What is wrong, by the field that it is said of."""
    return {}


def errors_of(rule_set: RuleSet) -> list[str]:
    """What is wrong with any rule of the set."""
    return []
