"""What was decided."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from opsdesk import reasons
from opsdesk.admin.subjects import platform_cell, subject_cell, told_stay
from opsdesk.models import Decision, Execution
from shops.admin.cells import NOTHING, pill
from shops.admin.exporting import Column
from shops.admin.penalties import PenaltyAdmin
from shops.admin.products import ListingAdmin
from shops.admin.readonly import ReadOnlyAdmin

# What a decision brought about keeps the code: words would be of the language of whoever decided.
PenaltyAdmin.reasons = PenaltyAdmin.history_reasons = reasons.OF_DECISIONS
ListingAdmin.history_reasons = reasons.OF_DECISIONS


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    """A verdict never changes; what the platform does of it stands in a list of its own."""

    when_empty = _("No proposal has been decided yet. Decide some in the review queue.")
    list_display = [
        "proposal_cell",
        "alliance",
        "kind_pill",
        "verdict_pill",
        "reason",
        "decided_at",
        "decided_by",
        "execution_pill",
    ]
    list_filter = ["verdict", "proposal__alliance", "proposal__kind", "reason"]
    list_select_related = [
        "proposal__shop",
        "proposal__product",
        "proposal__alliance",
        "decided_by",
        "execution__penalty",
    ]
    search_fields = [
        "proposal__shop__code",
        "proposal__shop__name",
        "proposal__product__code",
        "proposal__product__name",
    ]
    quoted_by = {"P": "proposal__penalty"}
    search_help_text = _("Code or name of the shop or product, or a case number (P…).")
    history_reasons = reasons.OF_DECISIONS
    fieldsets = [
        (None, {"fields": ["proposal", ("verdict", "reason"), "note", ("decided_at", "decided_by")]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Decision]:
        decisions = super().get_queryset(request).defer("proposal__evidence")
        return decisions.prefetch_related("execution__penalty__measures")

    @admin.display(description=_("shop or product"), ordering="proposal__shop__code")
    def proposal_cell(self, decision: Decision) -> str:
        return subject_cell(decision.proposal)

    @admin.display(description=_("alliance"))
    def alliance(self, decision: Decision) -> str:
        alliance = decision.proposal.alliance
        return alliance.name if alliance else _t("the platform")

    @admin.display(description=_("kind"))
    def kind_pill(self, decision: Decision) -> str:
        return pill(decision.proposal.kind, decision.proposal.get_kind_display())

    @admin.display(description=_("verdict"), ordering="verdict")
    def verdict_pill(self, decision: Decision) -> str:
        return pill(decision.verdict, decision.get_verdict_display())

    @admin.display(description=_("on the platform"), ordering="execution__state")
    def execution_pill(self, decision: Decision) -> str:
        if (asked := _asked(decision)) is None:
            return NOTHING
        return platform_cell(asked)

    def export_queryset(self, queryset: QuerySet) -> QuerySet:
        return queryset.select_related("proposal__penalty", "proposal__rule_set", "execution__penalty")

    def export_columns(self) -> list[Column]:
        return [
            Column("id", _("decision"), lambda d: d.pk),
            Column("shop", _("shop's code"), lambda d: d.proposal.shop.code),
            Column("shop_name", _("shop"), lambda d: d.proposal.shop.name),
            Column("product", _("product's code"), lambda d: d.proposal.product and d.proposal.product.code),
            Column("product_name", _("product"), lambda d: d.proposal.product and d.proposal.product.name),
            Column(
                "alliance", _("alliance"), lambda d: d.proposal.alliance.code if d.proposal.alliance else ""
            ),
            Column("kind", _("kind"), lambda d: d.proposal.get_kind_display()),
            Column("verdict", _("verdict"), lambda d: d.get_verdict_display()),
            Column("reason", _("reason"), lambda d: d.get_reason_display()),
            Column("note", _("note"), lambda d: d.note),
            Column("failed_rules", _("failed rules"), lambda d: " ".join(d.proposal.failed_rules)),
            Column("case", _("case"), lambda d: d.proposal.penalty.case_number if d.proposal.penalty else ""),
            Column("decided_at", _("decided at"), lambda d: d.decided_at),
            Column("decided_by", _("decided by"), lambda d: d.decided_by and d.decided_by.get_username()),
            Column("execution", _("on the platform"), lambda d: (e := _asked(d)) and e.get_state_display()),
            Column("stay", pgettext_lazy("on the platform", "stay"), _told_stay),
        ]


def _told_stay(decision: Decision) -> str:
    return told_stay(asked) if (asked := _asked(decision)) is not None else ""


def _asked(decision: Decision) -> Execution | None:
    """What the platform has to do of it; None of what was rejected."""
    return getattr(decision, "execution", None)
