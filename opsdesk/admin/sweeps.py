"""Daily checks as they ran: read alone. Asking for one stands in opsdesk.pages."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from rules.models import Proposal, Sweep
from shops.admin.cells import number, pill
from shops.admin.readonly import ReadOnlyAdmin


@admin.register(Sweep)
class SweepAdmin(ReadOnlyAdmin):
    when_empty = _(
        "No daily check has run yet. Import metrics, then check on the home page or wait for the night."
    )
    list_display = [
        "alliance",
        "day",
        "status_pill",
        "checked_count",
        "failing_count",
        "no_data_count",
        "filed_count",
        "withdrawn_count",
        "already_open_count",
        "seconds",
        "requested_by",
        "requested_at",
    ]
    list_display_links = ["alliance", "day"]
    list_filter = ["alliance", "status"]
    list_select_related = ["alliance", "requested_by"]
    ordering = ["-id"]
    sortable_by = ["day"]
    change_form_template = "admin/rules/sweep/change_form.html"
    fields = [
        ("requested_at", "requested_by"),
        ("started_at", "finished_at"),
        "seconds",
        ("admission", "clearance"),
    ]

    @admin.display(description=_("status"), ordering="status")
    def status_pill(self, sweep: Sweep) -> str:
        return pill(sweep.status, sweep.get_status_display())

    @admin.display(description=_("checked"))
    def checked_count(self, sweep: Sweep) -> str:
        return number(sweep.checked)

    @admin.display(description=_("failing"))
    def failing_count(self, sweep: Sweep) -> str:
        return number(sweep.failing)

    @admin.display(description=_("no data"))
    def no_data_count(self, sweep: Sweep) -> str:
        return number(sweep.no_data)

    @admin.display(description=_("filed"))
    def filed_count(self, sweep: Sweep) -> str:
        return number(sweep.filed)

    @admin.display(description=_("withdrawn"))
    def withdrawn_count(self, sweep: Sweep) -> str:
        return number(sweep.withdrawn)

    @admin.display(description=_("already open"))
    def already_open_count(self, sweep: Sweep) -> str:
        return number(sweep.already_open)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """The page people watch while a check waits and runs: it loads itself again until it's finished."""
        sweep = self.get_object(request, object_id)
        more: dict = {}
        if isinstance(sweep, Sweep):
            kinds = dict(Proposal.Kind.choices)
            more = {
                "sweep": sweep,
                "unfinished": sweep.status in Sweep.UNFINISHED,
                "by_kind": [(kinds.get(kind, kind), count) for kind, count in sweep.by_kind.items()],
                "counts": [
                    (_("checked"), sweep.checked),
                    (_("failing"), sweep.failing),
                    (_("no data"), sweep.no_data),
                    (_("filed"), sweep.filed),
                    (_("withdrawn"), sweep.withdrawn),
                    (_("already open"), sweep.already_open),
                ],
                "may_see_proposals": request.user.has_perm("rules.view_proposal"),
                "subtitle": None,
            }
        return super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})
