"""The review queue: what sweeps and people put before an operator."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_POST

from opsdesk import consequences, pages, reasons, views, worklist
from opsdesk.admin.bulk import decide_selected
from opsdesk.admin.filters import (
    KEPT_MARK,
    SESSION_KEY,
    AgeFilter,
    CodesFilter,
    ControllerFilter,
    DataFilter,
    MarginFilter,
    RuleFilter,
    StatusFilter,
    SubjectFilter,
    pasted,
)
from opsdesk.admin.subjects import subject_cell
from opsdesk.models import Decision
from rules.models import Proposal
from rules.reversals import rests_on_superseded_data
from rules.values import comparison_of, margin_of, name_of, value_of
from shops import standing
from shops.admin.cells import NOTHING, days, pill, yuan
from shops.admin.enrollments import openings_of
from shops.admin.exporting import Column
from shops.admin.readonly import ReadOnlyAdmin
from shops.models import Shop

# Longer than this in an address, and the web server refuses the address.
CODES_IN_ADDRESS = 1500
LISTS_KEPT = 5


@admin.register(Proposal)
class ProposalAdmin(ReadOnlyAdmin):
    """Looked through, decided one by one or many at once."""

    when_empty = _("Nothing waits for a decision. The next daily check files what fails.")
    list_display = [
        "shop_cell",
        "category",
        "alliance",
        "kind_pill",
        "ground",
        "rules_cell",
        "measured",
        "margin_cell",
        "failing_cell",
        "sales",
        "openings",
        "age",
    ]
    list_display_links = ["shop_cell"]
    list_filter = [
        StatusFilter,
        SubjectFilter,
        "alliance",
        "kind",
        "ground",
        RuleFilter,
        MarginFilter,
        AgeFilter,
        DataFilter,
        ControllerFilter,
        CodesFilter,
    ]
    search_fields = ["shop__code", "shop__name", "product__code", "product__name"]
    quoted_by = {"P": "penalty"}
    search_help_text = _("Code or name of the shop or product, or a case number (P…).")
    ordering = ["-filed_on", "-id"]
    actions = ["accept_selected", "reject_selected"]
    history_reasons = reasons.OF_PROPOSALS

    def get_list_display(self, request: HttpRequest) -> Any:
        """Without the status where the list shows one alone."""
        varies = request.GET.get("status") == "all"
        return [*self.list_display, "status_cell"] if varies else self.list_display

    def get_queryset(self, request: HttpRequest) -> QuerySet[Proposal]:
        return worklist.proposals()

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rules.decide_proposal")

    # Columns

    @admin.display(description=_("shop or product"), ordering="shop__code")
    def shop_cell(self, proposal: Proposal) -> str:
        return subject_cell(proposal)

    @admin.display(description=_("category"))
    def category(self, proposal: Proposal) -> str:
        return proposal.product.category if proposal.product else proposal.shop.category

    @admin.display(description=_("kind"), ordering="kind")
    def kind_pill(self, proposal: Proposal) -> str:
        return pill(proposal.kind, proposal.get_kind_display())

    @admin.display(description=_("failed rules"), ordering="lead_rule", empty_value=NOTHING)
    def rules_cell(self, proposal: Proposal) -> str:
        if proposal.points_threshold_id is not None:
            return _t("threshold of points")
        return ", ".join(proposal.failed_rules)

    @admin.display(description=_("observed → threshold"))
    def measured(self, proposal: Proposal) -> str:
        if not proposal.lead_metric:
            return NOTHING
        if proposal.margin is None and proposal.points_threshold_id is None:
            # Yes or no: the threshold would only say the same again.
            return format_html(
                '<span title="{}">{}</span>',
                name_of(proposal.lead_metric),
                value_of(proposal.lead_metric, proposal.observed),
            )
        return format_html(
            '<span title="{}">{} → {}</span>',
            name_of(proposal.lead_metric),
            value_of(proposal.lead_metric, proposal.observed),
            comparison_of(proposal.lead_metric, proposal.operator, proposal.threshold),
        )

    @admin.display(description=_("margin"), ordering="margin")
    def margin_cell(self, proposal: Proposal) -> str:
        return margin_of(proposal.lead_metric, proposal.margin)

    @admin.display(description=_("failing for"), ordering="-failing_since")
    def failing_cell(self, proposal: Proposal) -> str:
        return days(worklist.days_failing(proposal))

    @admin.display(description=_("30-day sales"), ordering="gmv_30d")
    def sales(self, proposal: Proposal) -> str:
        return yuan(proposal.gmv_30d)

    @admin.display(description=_("openings"), ordering="openings_used")
    def openings(self, proposal: Proposal) -> str:
        limit = proposal.alliance.openings_limit if proposal.alliance else None
        return openings_of(proposal.openings_used, limit)

    @admin.display(description=_("age"), ordering="-filed_on")
    def age(self, proposal: Proposal) -> str:
        return days((timezone.localdate() - proposal.filed_on).days)

    @admin.display(description=_("status"))
    def status_cell(self, proposal: Proposal) -> str:
        return pill(proposal.status, proposal.get_status_display())

    # Deciding many

    @admin.action(permissions=["decide"], description=_("Accept selected proposals"))
    def accept_selected(self, request: HttpRequest, queryset: QuerySet) -> TemplateResponse | None:
        return decide_selected(self, request, queryset, verdict="accept")

    @admin.action(permissions=["decide"], description=_("Reject selected proposals"))
    def reject_selected(self, request: HttpRequest, queryset: QuerySet) -> TemplateResponse | None:
        return decide_selected(self, request, queryset, verdict="reject")

    # Taking the list away

    def export_queryset(self, queryset: QuerySet) -> QuerySet:
        return queryset

    def lasting_query(self, request: HttpRequest) -> str:
        """A pasted list that waits in the session, where no worker looks, by its codes."""
        query = request.GET.copy()
        codes = request.GET.get("codes", "")
        if codes.startswith(KEPT_MARK):
            query["codes"] = ",".join(pasted(request, codes))
        return query.urlencode()

    def export_columns(self) -> list[Column]:
        return [
            Column("id", _("proposal"), lambda p: p.pk),
            Column("shop", _("shop's code"), lambda p: p.shop.code),
            Column("shop_name", _("shop"), lambda p: p.shop.name),
            Column("product", _("product's code"), lambda p: p.product.code if p.product else ""),
            Column("product_name", _("product"), lambda p: p.product.name if p.product else ""),
            Column("category", _("category"), self.category),
            Column("alliance", _("alliance"), lambda p: p.alliance.code if p.alliance else ""),
            Column("kind", _("kind"), lambda p: p.get_kind_display()),
            Column("ground", _("ground"), lambda p: p.get_ground_display()),
            Column("status", _("status"), lambda p: p.get_status_display()),
            Column("failed_rules", _("failed rules"), lambda p: " ".join(p.failed_rules)),
            Column("metric", _("metric"), lambda p: name_of(p.lead_metric) if p.lead_metric else ""),
            Column("observed", _("observed"), lambda p: p.observed),
            Column("operator", pgettext_lazy("comparison", "operator"), lambda p: p.operator),
            Column("threshold", _("threshold"), lambda p: p.threshold),
            Column("margin", _("margin"), lambda p: p.margin),
            Column("days_failing", _("days failing in a row"), worklist.days_failing),
            Column("gmv_30d", _("30-day sales"), lambda p: p.gmv_30d),
            Column("openings_used", _("openings used"), lambda p: p.openings_used),
            Column("day", _("day"), lambda p: p.day),
            Column("filed_on", _("filed on"), lambda p: p.filed_on),
        ]

    # Pages

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            *views.urlpatterns_for_proposals(self.admin_site),
            path("file/", wrap(self.file_view), name="rules_proposal_file"),
            path("codes/", wrap(require_POST(self.codes_view)), name="rules_proposal_codes"),
            *super().get_urls(),
        ]

    def file_view(self, request: HttpRequest) -> HttpResponse:
        return pages.file_by_hand(request, self.admin_site)

    def codes_view(self, request: HttpRequest) -> HttpResponse:
        """Turn a pasted list into an address of the queue; a long one waits in the session."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        codes = worklist.codes_in(request.POST.get("codes", ""))
        text = ",".join(codes)
        if len(text) > CODES_IN_ADDRESS:
            kept = request.session.get(SESSION_KEY, {})
            mark = f"{KEPT_MARK}{len(codes)}-{timezone.now():%H%M%S%f}"
            newest = list({**kept, mark: codes}.items())[-LISTS_KEPT:]
            request.session[SESSION_KEY] = dict(newest)
            text = mark
        own = {"csrfmiddlewaretoken", "codes"}
        query = [(key, value) for key, values in request.POST.lists() if key not in own for value in values]
        if text:
            query.append(("codes", text))
        address = reverse("admin:rules_proposal_changelist")
        return HttpResponseRedirect(f"{address}?{urlencode(query)}" if query else address)

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        may_file = request.user.has_perm("rules.file_proposal")
        return super().changelist_view(request, {"may_file": may_file, **(extra_context or {})})

    def _standing_of(self, shop_id: int) -> Shop.Status:
        shops = standing.with_standing(Shop.objects.filter(pk=shop_id), timezone.now())
        return Shop.Status(shops.values_list("standing", flat=True).get())

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """One proposal with all that speaks for and against it. Deciding has addresses of its own."""
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request):
            raise PermissionDenied
        found = Proposal.objects.select_related(
            "shop__controller",
            "alliance",
            "product",
            "sweep",
            "batch",
            "rule_set__alliance",
            "filed_by",
            "penalty",
            "case__violation",
        )
        try:
            proposal = found.get(pk=object_id)
        except (Proposal.DoesNotExist, ValueError):
            raise Http404 from None
        decision = Decision.objects.select_related("decided_by").filter(proposal=proposal).first()
        may_decide = self.has_decide_permission(request) and proposal.status in Proposal.UNDECIDED
        context = {
            **self.admin_site.each_context(request),
            "title": str(proposal),
            "opts": self.opts,
            "original": proposal,
            "proposal": proposal,
            "decision": decision,
            "superseded": Proposal.objects.filter(rests_on_superseded_data(), pk=proposal.pk).exists(),
            "failing": worklist.days_failing_of(proposal),
            "openings_text": self.openings(proposal),
            "shop_status": self._standing_of(proposal.shop_id),
            "accepting": [*reasons.ACCEPTING.items()],
            "rejecting": [*reasons.REJECTING.items()],
            "may_decide": may_decide,
            "still_asked": consequences.still_asked(proposal, timezone.now())
            if may_decide and proposal.kind == Proposal.Kind.PENALISE
            else "",
            "may_exempt": request.user.has_perm("rules.grant_exemption"),
            "may_see_history": self.has_view_history_permission(request, proposal),
            **worklist.case_of(proposal),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/rules/proposal/change_form.html", context)
