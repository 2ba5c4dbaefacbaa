"""Daily checks as they ran; held ones are released or dropped here. To ask for one: opsdesk.pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from opsdesk import jobs
from rules import sweeps
from rules.brakes import Brake
from rules.criteria import Outcome
from rules.models import Proposal, Sweep
from shops.admin.cells import number, pill
from shops.admin.readonly import ReadOnlyAdmin
from shops.errors import Refused
from shops.rights import person_of


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
        ("admission", "clearance", "warning"),
        ("product_admission", "product_clearance", "observation"),
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
                "in_shadow": [(kinds.get(kind, kind), count) for kind, count in sweep.in_shadow.items()],
                "brakes": [Brake.of_record(record) for record in sweep.brakes],
                "may_rule": sweep.status == Sweep.Status.HELD and request.user.has_perm(sweeps.RELEASE),
                "outcomes": Outcome.labels,
                "by_rule": [
                    (code, [found.get(outcome.value, 0) for outcome in Outcome])
                    for code, found in sweep.by_rule.items()
                ],
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

    def get_urls(self) -> list[URLPattern]:
        verbs: dict[str, Callable[..., Sweep]] = {"release": sweeps.let_go, "drop": sweeps.drop}
        pages = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(require_POST(partial(self.rule_view, verb=verb))),
                name=f"rules_sweep_{name}",
            )
            for name, verb in verbs.items()
        ]
        return [*pages, *super().get_urls()]

    def rule_view(self, request: HttpRequest, pk: int, *, verb: Callable[..., Sweep]) -> HttpResponse:
        """302 done, 400 no reason, 403 no right, 404 no such check, 409 not held or a newer one exists.

        A released check is carried out by a worker: its page follows.
        """
        try:
            sweep = verb(pk, reason=request.POST.get("reason", ""), by=person_of(request), at=now())
        except Sweep.DoesNotExist as error:
            raise Http404 from error
        except Refused as refusal:
            status = 400 if isinstance(refusal, sweeps.ReasonMissing) else 409
            context = {
                **self.admin_site.each_context(request),
                "title": _t("Not done"),
                "sweep": Sweep.objects.select_related("alliance").get(pk=pk),
                "refusal": refusal,
                "opts": self.opts,
            }
            return TemplateResponse(request, "admin/rules/sweep/refused.html", context, status=status)
        if sweep.status == Sweep.Status.WAITING:
            jobs.ask_for(sweep)
            self.message_user(request, _t("%(sweep)s: released.") % {"sweep": sweep}, messages.SUCCESS)
        else:
            self.message_user(request, _t("%(sweep)s: dropped.") % {"sweep": sweep}, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:rules_sweep_change", args=[pk]))
