from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shops import penalties
from shops.admin.cells import pill
from shops.admin.forms import reason_page
from shops.admin.readonly import ReadOnlyAdmin, ReadOnlyInline
from shops.models import Measure, Penalty
from shops.rights import person_of

LIFT = "shops.lift_penalty"


class MeasureInline(ReadOnlyInline):
    model = Measure
    fields = ["kind", "opening", "applied_at", "undone_at"]


@admin.register(Penalty)
class PenaltyAdmin(ReadOnlyAdmin):
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
        (_("end"), {"fields": ["ends_at", "ended_at", "ended_by", "ended_reason"]}),
    ]
    readonly_fields = ["case", "why"]
    # Reasons that are kept by code; the desk, whose table they are of, gives their words.
    reasons: ClassVar[dict[str, Any]] = {}
    change_form_template = "admin/with_verbs.html"

    def get_urls(self) -> list[URLPattern]:
        lift = self.admin_site.admin_view(self.lift_view)
        return [path("<int:pk>/lift/", lift, name="shops_penalty_lift"), *super().get_urls()]

    def lift_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What the penalty barred it bars no longer; what it closed stays closed (R5)."""
        return reason_page(
            self,
            request,
            pk,
            permission=LIFT,
            verb=lambda penalty, reason: penalties.lift(
                penalty, by=person_of(request), at=timezone.now(), reason=reason
            ),
            title=_("Lift the penalty"),
            note=_("it keeps the shop out no longer, but what it closed stays closed."),
            submit=_("Lift it"),
            done=_("The penalty is lifted."),
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        penalty = self.get_object(request, object_id)
        verbs: list[tuple[str, Any]] = []
        if (
            isinstance(penalty, Penalty)
            and penalty.status == Penalty.Status.IMPOSED
            and request.user.has_perm(LIFT)
        ):
            verbs.append((reverse("admin:shops_penalty_lift", args=[penalty.pk]), _("Lift the penalty")))
        return super().change_view(request, object_id, form_url, {"verbs": verbs, **(extra_context or {})})

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
