"""Which version of a rule set counts on a day."""

from __future__ import annotations

import hashlib
import json
from datetime import date

from rules.models import RuleSet
from shops.models import Alliance


def in_force(alliance: Alliance, purpose: RuleSet.Purpose, day: date) -> RuleSet | None:
    """The published shop rule set that is in force on `day`, or None before the first."""
    return (
        RuleSet.objects.filter(
            alliance=alliance,
            subject=RuleSet.Subject.SHOP,
            purpose=purpose,
            published_at__isnull=False,
            in_force_from__lte=day,
        )
        .order_by("-in_force_from", "-version")
        .first()
    )


def digest_of(rule_set: RuleSet) -> str:
    rules = list(rule_set.rules.order_by("position").values())
    return hashlib.sha256(json.dumps(rules, default=str).encode()).hexdigest()
