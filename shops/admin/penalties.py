from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shops import penalties
from shops.admin.cells import pill
from shops.admin.exporting import Column
from shops.admin.readonly import ReadOnlyInline
from shops.admin.verbs import Verb, VerbsAdmin
from shops.models import Measure, Penalty


class MeasureInline(ReadOnlyInline):
    model = Measure
    fields = ["kind", "opening", "applied_at", "undone_at"]


@admin.register(Penalty)
class PenaltyAdmin(VerbsAdmin):
    change_form_template = "admin/shops/penalty/change_form.html"
    when_empty = _("Nobody has been penalised. A clearance that is accepted imposes a penalty.")
    list_display = [
        "case_number",
        "shop",
        "alliance",
        "ground",
        "violation",
        "status_pill",
        "imposed_at",
        "imposed_by",
    ]
    list_filter = ["status", "ground", "alliance", "violation"]
    list_select_related = ["shop", "alliance", "violation", "imposed_by"]
    search_fields = ["shop__code", "shop__name", "reference"]
    search_help_text = _("Shop's code or name, or the platform's case number.")
    inlines = [MeasureInline]
    fieldsets = [
        (None, {"fields": ["case", "shop", "product", "alliance", "ground", "violation", "why"]}),
        (_("course"), {"fields": ["status", "reported_at", "imposed_at", "imposed_by", "approved_by"]}),
        (_("end"), {"fields": ["ends_at", "ended_at", "ended_by", "ended_reason", "stayed_at"]}),
    ]
    readonly_fields = ["case", "why"]
    # Reasons that are kept by code; the desk, whose table they are of, gives their words.
    reasons: ClassVar[dict[str, Any]] = {}
    verbs = (
        # What it barred it bars no longer; what it closed stays closed (R5).
        Verb(
            "lift",
            permission="shops.lift_penalty",
            title=_("Lift the penalty"),
            note=_("it keeps the shop out no longer, but what it closed stays closed."),
            submit=_("Lift it"),
            done=_("The penalty is lifted."),
            offered=lambda penalty: penalty.status == Penalty.Status.IMPOSED,
            call=lambda penalty, by, reason: penalties.lift(penalty, by=by, at=timezone.now(), reason=reason),
        ),
    )

    def export_columns(self) -> list[Column]:
        told = {"reason": Column("reason", _("reason"), self.why)}
        case = Column("case", _("case"), lambda penalty: penalty.case_number)
        return [case, *(told.get(column.name, column) for column in super().export_columns())]

    @admin.display(description=_("case"), ordering="id")
    def case_number(self, penalty: Penalty) -> str:
        return penalty.case_number

    @admin.display(description=_("case"))
    def case(self, penalty: Penalty) -> str:
        return f"{penalty.case_number} · {penalty.reference}" if penalty.reference else penalty.case_number

    @admin.display(description=_("reason"))
    def why(self, penalty: Penalty) -> str:
        return str(self.reasons.get(penalty.reason, penalty.reason))

    @admin.display(description=_("status"), ordering="status")
    def status_pill(self, penalty: Penalty) -> str:
        return pill(penalty.status, penalty.get_status_display())
