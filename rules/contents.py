"""What a rule set says and speaks of, as one fingerprint, and who wrote it."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet

from rules.models import Alternative, Condition, Rule, RuleSet
from shops.models import DeclaredMetric

# The reason that history keeps where what is evaluated was changed.
EDITED = "edited"

# What a rule or an alternative says; the rest is where it stands.
SAID = [
    field.attname for field in Rule._meta.concrete_fields if field.name not in ("id", "rule_set", "position")
]
COMPARED = [field.attname for field in Condition._meta.concrete_fields]

# What the figures of a declared metric mean, and the headers by which files bring them: with another one,
# they would be another metric's.
DEFINITION = (
    *("key", "name_en", "name_zh"),
    *("type", "minimum", "maximum", "knows_none_yet", "window_days"),
)


def declared_in(rule_set: RuleSet) -> QuerySet[DeclaredMetric]:
    """The declared metrics that the set speaks of, as value, as alternative or as sample."""
    rules = Rule.objects.filter(rule_set=rule_set)
    others = Alternative.objects.filter(rule__rule_set=rule_set)
    return DeclaredMetric.objects.filter(
        Q(key__in=rules.values("metric"))
        | Q(key__in=rules.values("sample_metric"))
        | Q(key__in=others.values("metric"))
    ).order_by("pk")


def digest_of(rule_set: RuleSet) -> str:
    """SHA-256, in hex, of all that is evaluated or shown: the mode, each rule with its alternatives, and what
    the declared metrics in them mean.

    It hangs on the rules' order, and not on what their positions are numbered.
    """
    rules = rule_set.rules.order_by("position", "pk").prefetch_related("alternatives")
    content = {
        "mode": rule_set.mode,
        "rules": [
            {
                **{field: _canonical(getattr(rule, field)) for field in SAID},
                "alternatives": [
                    {field: getattr(alternative, field) for field in COMPARED}
                    for alternative in sorted(rule.alternatives.all(), key=lambda row: (row.position, row.pk))
                ],
            }
            for rule in rules
        ],
        "declared": [
            {field: _canonical(value) for field, value in metric.items()}
            for metric in declared_in(rule_set).values(*DEFINITION)
        ],
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, date):
        return value.isoformat()
    # The scopes' lists are sets.
    return sorted(value) if isinstance(value, list) else value


def editors_of(rule_set: RuleSet) -> set[int]:
    """Keys of all who drafted the set or changed anything that is evaluated or shown, as history tells."""
    rules = Rule.history.filter(rule_set_id=rule_set.pk)
    changes: list[QuerySet[Any]] = [
        rules,
        Alternative.history.filter(rule_id__in=rules.values("id")),
        RuleSet.history.filter(id=rule_set.pk, history_change_reason=EDITED),
    ]
    found = {who for rows in changes for who in rows.values_list("history_user", flat=True)}
    return {who for who in (*found, rule_set.drafted_by_id) if who is not None}
