"""Two versions side by side: their rules matched by code, and what became of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from rules.admin.conditions import conditions_of, scope_of
from rules.admin.ruleset_forms import name_of_field
from rules.contents import SAID
from rules.models import Rule, RuleSet
from shops.admin.cells import NOTHING

# What became of a rule, as it is written in a pill.
FATES = {
    "added": pgettext_lazy("rule", "added"),
    "removed": pgettext_lazy("rule", "removed"),
    "changed": pgettext_lazy("rule", "changed"),
    "moved": pgettext_lazy("rule", "moved"),
}
# Told in words of their own, several fields together.
_TOGETHER: dict[str, tuple[object, Callable[[Rule], str]]] = {
    "condition": (_("condition"), conditions_of),
    "scope": (_("applies to"), lambda rule: "; ".join(scope_of(rule)) or str(_("everybody"))),
    "advisory": (_("advisory"), lambda rule: str(_("yes") if rule.advisory else _("no"))),
    "ground": (_("ground"), lambda rule: str(rule.get_ground_display())),
}
_TEXTS = ("sentence_en", "sentence_zh", "source", "reading_en", "reading_zh")
assert {*_TEXTS, "advisory", "ground", "metric"} <= set(SAID)


@dataclass(frozen=True)
class Line:
    """A rule of either version. `fates`: keys of FATES; `changes`: (what, in the left, in the right)."""

    code: str
    left: Rule | None
    right: Rule | None
    fates: list[str]
    changes: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def pills(self) -> list[tuple[str, object]]:
        return [(fate, FATES[fate]) for fate in self.fates]


def compare(left: RuleSet, right: RuleSet) -> list[Line]:
    """The rules of both in the order of the right one; what it no longer has stands at the end."""
    before, after = _rules(left), _rules(right)
    kept_before = [code for code in before if code in after]
    kept_after = [code for code in after if code in before]
    blocks = SequenceMatcher(None, kept_before, kept_after, autojunk=False).get_matching_blocks()
    in_order = {code for block in blocks for code in kept_after[block.b : block.b + block.size]}
    lines = []
    for code, rule in after.items():
        if code not in before:
            lines.append(Line(code, None, rule, ["added"]))
            continue
        changes = _changes(before[code], rule)
        fates = [*(["changed"] if changes else []), *([] if code in in_order else ["moved"])]
        lines.append(Line(code, before[code], rule, fates, changes))
    lines += [Line(code, rule, None, ["removed"]) for code, rule in before.items() if code not in after]
    return lines


def _rules(rule_set: RuleSet) -> dict[str, Rule]:
    rules = rule_set.rules.order_by("position", "pk").prefetch_related("alternatives")
    return {rule.code: rule for rule in rules}


def _changes(before: Rule, after: Rule) -> list[tuple[str, str, str]]:
    told = [(str(name), tell(before), tell(after)) for name, tell in _TOGETHER.values()]
    told += [
        (
            str(name_of_field(name)),
            getattr(before, name) or NOTHING,
            getattr(after, name) or NOTHING,
        )
        for name in _TEXTS
    ]
    return [(name, old, new) for name, old, new in told if old != new]
