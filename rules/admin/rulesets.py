from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from rules.admin.values import name_of, value_of
from rules.models import Rule, RuleSet
from shops.admin.cells import NOTHING, pill
from shops.admin.readonly import ReadOnlyAdmin, ReadOnlyInline


def condition_of(rule: Rule) -> str:
    """`shop score > 4.1`, in the reader's language."""
    if not rule.metric:
        return str(_("never evaluated"))
    return f"{name_of(rule.metric)} {rule.operator} {value_of(rule.metric, rule.value)}"


class RuleInline(ReadOnlyInline):
    """Every rule of the set as one line."""

    model = Rule
    template = "admin/rules/ruleset/rules.html"
    fields = ["code", "sentence", "condition", "exemption", "advisory", "ground", "source", "reading"]
    readonly_fields = ["sentence", "condition", "reading"]
    ordering = ["position"]

    @admin.display(description=_("sentence"))
    def sentence(self, rule: Rule) -> str:
        return rule.sentence

    @admin.display(description=_("condition"))
    def condition(self, rule: Rule) -> str:
        return condition_of(rule)

    @admin.display(description=_("our reading"))
    def reading(self, rule: Rule) -> str:
        return rule.reading or NOTHING


@admin.register(RuleSet)
class RuleSetAdmin(ReadOnlyAdmin):
    """A version of the conditions. Published it never changes; drafts are written elsewhere."""

    list_display = ["alliance", "purpose", "subject", "version_of", "mode_pill", "in_force_from", "published"]
    list_display_links = ["alliance", "purpose"]
    list_filter = ["alliance", "purpose", "mode"]
    list_select_related = ["alliance"]
    fields = [("alliance", "purpose"), ("subject", "version"), ("mode", "in_force_from"), "published_at"]
    inlines = [RuleInline]

    @admin.display(description=_("version"), ordering="version")
    def version_of(self, rule_set: RuleSet) -> str:
        return f"v{rule_set.version}"

    @admin.display(description=_("mode"), ordering="mode")
    def mode_pill(self, rule_set: RuleSet) -> str:
        return pill(rule_set.mode, rule_set.get_mode_display())

    @admin.display(description=_("published"), boolean=True)
    def published(self, rule_set: RuleSet) -> bool:
        return rule_set.published_at is not None
