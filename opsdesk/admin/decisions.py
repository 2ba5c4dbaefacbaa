"""What was decided, and whether the platform has done it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from opsdesk import execution, reasons
from opsdesk.admin.subjects import subject_cell
from opsdesk.models import Decision
from shops.admin.cells import NOTHING, pill
from shops.admin.exporting import Column
from shops.admin.forms import DayField, form_page
from shops.admin.penalties import PenaltyAdmin
from shops.admin.products import ListingAdmin
from shops.admin.readonly import ReadOnlyAdmin
from shops.errors import Refused
from shops.rights import person_of

AT_ONCE = 500
REFUSALS_SHOWN = 5

# What a decision brought about keeps the code: words would be of the language of whoever decided.
PenaltyAdmin.reasons = PenaltyAdmin.history_reasons = reasons.OF_DECISIONS
ListingAdmin.history_reasons = reasons.OF_DECISIONS


def today() -> Any:
    return timezone.localdate()


class ExecutionForm(forms.Form):
    """What the platform has done, or why it hasn't."""

    outcome = forms.ChoiceField(
        label=_("Outcome"),
        choices=[(Decision.Execution.DONE, _("done")), (Decision.Execution.FAILED, _("failed"))],
        widget=forms.RadioSelect,
        initial=Decision.Execution.DONE,
    )
    on = DayField(label=_("Done on"), required=False, initial=today)
    reference = forms.CharField(label=_("Platform's reference"), required=False, max_length=100)
    note = forms.CharField(label=_("Why it failed"), required=False, widget=forms.Textarea(attrs={"rows": 3}))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("outcome") == Decision.Execution.DONE and not cleaned.get("on"):
            self.add_error("on", _("Say on which day."))
        if cleaned.get("outcome") == Decision.Execution.FAILED:
            cleaned["on"] = None
            if not cleaned.get("note", "").strip():
                self.add_error("note", _("Say why it failed."))
        return cleaned


class ExecutionFilter(admin.SimpleListFilter):
    """By what the platform has done, and all that it has still to do or to undo."""

    title = _("on the platform")
    parameter_name = "execution__exact"
    WAITING = "waiting"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return [(self.WAITING, _("to do or to undo")), *Decision.Execution.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() is None:
            return queryset
        if self.value() == self.WAITING:
            return queryset.filter(execution__in=Decision.WAITING)
        return queryset.filter(execution=self.value())


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    """A verdict never changes; what the platform did with it is recorded here."""

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
        "executed_on",
        "execution_reference",
    ]
    list_filter = [ExecutionFilter, "verdict", "proposal__alliance", "proposal__kind", "reason"]
    list_select_related = ["proposal__shop", "proposal__product", "proposal__alliance", "decided_by"]
    search_fields = [
        "proposal__shop__code",
        "proposal__shop__name",
        "proposal__product__code",
        "proposal__product__name",
        "execution_reference",
    ]
    quoted_by = {"P": "proposal__penalty"}
    search_help_text = _(
        "Code or name of the shop or product, a case number (P…), or the platform's reference."
    )
    actions = ["record_execution"]
    history_reasons = reasons.OF_DECISIONS | dict(Decision.Execution.choices)
    fieldsets = [
        (None, {"fields": ["proposal", ("verdict", "reason"), "note", ("decided_at", "decided_by")]}),
        (
            _("on the platform"),
            {
                "fields": [
                    ("execution", "executed_on"),
                    ("executed_by", "execution_reference"),
                    "execution_note",
                ]
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Decision]:
        return super().get_queryset(request).defer("proposal__evidence")

    def has_execution_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("opsdesk.record_execution")

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

    @admin.display(description=_("on the platform"), ordering="execution")
    def execution_pill(self, decision: Decision) -> str:
        return pill(decision.execution, decision.get_execution_display())

    def export_queryset(self, queryset: QuerySet) -> QuerySet:
        return queryset.select_related("proposal__penalty", "proposal__rule_set")

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
            Column("execution", _("on the platform"), lambda d: d.get_execution_display()),
            Column("executed_on", _("executed on"), lambda d: d.executed_on),
            Column("execution_reference", _("platform's reference"), lambda d: d.execution_reference),
        ]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.execution_view)
        return [path("<int:pk>/execution/", view, name="opsdesk_decision_execution"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        told: dict[str, Any] = {}
        decision = self.get_object(request, object_id)
        if isinstance(decision, Decision):
            told = {
                "may_record": self.has_execution_permission(request) and execution.can_be_recorded(decision),
                "overturned": execution.is_overturned(decision),
                "taken_back": execution.taken_back(decision),
            }
        return super().change_view(request, object_id, form_url, {**told, **(extra_context or {})})

    def execution_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Record for one decision what the platform has done."""
        if not self.has_execution_permission(request):
            raise PermissionDenied
        decision = self.get_object(request, str(pk))
        back = reverse("admin:opsdesk_decision_changelist")
        if not isinstance(decision, Decision):
            return HttpResponseRedirect(back)
        form = ExecutionForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid() and not self._record(request, [pk], form):
            return HttpResponseRedirect(reverse("admin:opsdesk_decision_change", args=[pk]))
        return form_page(
            request,
            self.admin_site,
            form,
            title=_("What the platform has done"),
            intro=_intro(decision),
            submit=_("Record"),
            back=reverse("admin:opsdesk_decision_change", args=[pk]),
            opts=self.opts,
        )

    @admin.action(permissions=["execution"], description=_("Record what the platform has done"))
    def record_execution(self, request: HttpRequest, queryset: QuerySet) -> TemplateResponse | None:
        answered = "record" in request.POST
        if answered:
            # As they were shown: those recorded meanwhile have left the filtered list.
            posted = [pk for pk in request.POST.getlist(ACTION_CHECKBOX_NAME) if pk.isdecimal()]
            queryset = self.get_queryset(request).filter(pk__in=posted[: AT_ONCE + 1])
        chosen = list(queryset.order_by("id").values_list("pk", flat=True)[: AT_ONCE + 1])
        if len(chosen) > AT_ONCE:
            told = _("At most %(count)s at once: narrow the list first.") % {"count": AT_ONCE}
            self.message_user(request, told, messages.ERROR)
            return None
        form = ExecutionForm(request.POST if answered else None)
        if answered and form.is_valid():
            self._record(request, chosen, form)
            return None
        count = len(chosen)
        title = ngettext("Record %(count)s decision", "Record %(count)s decisions", count)
        return form_page(
            request,
            self.admin_site,
            form,
            title=title % {"count": count},
            submit=_("Record"),
            back=request.get_full_path(),
            opts=self.opts,
            listed=self.get_queryset(request)
            .filter(pk__in=chosen)
            .select_related("proposal__shop", "proposal__product")[:20],
            unlisted=max(count - 20, 0),
            hidden=[
                ("action", request.POST["action"]),
                ("record", "1"),
                *((ACTION_CHECKBOX_NAME, pk) for pk in chosen),
            ],
        )

    def _record(self, request: HttpRequest, chosen: list[int], form: ExecutionForm) -> int:
        """Record each and tell people. Returns how many were refused."""
        values = form.cleaned_data
        refused: list[str] = []
        for pk in chosen:
            try:
                execution.record(
                    pk,
                    outcome=values["outcome"],
                    by=person_of(request),
                    on=values["on"],
                    reference=values["reference"],
                    note=values["note"],
                )
            except Refused as refusal:
                refused.append(str(refusal))
        done = len(chosen) - len(refused)
        if done:
            told = ngettext("%(count)s decision recorded.", "%(count)s decisions recorded.", done)
            self.message_user(request, told % {"count": done}, messages.SUCCESS)
        if refused:
            told = ngettext("%(count)s was refused: %(why)s", "%(count)s were refused: %(why)s", len(refused))
            why = " · ".join(dict.fromkeys(refused[:REFUSALS_SHOWN])) or NOTHING
            self.message_user(request, told % {"count": len(refused), "why": why}, messages.ERROR)
        return len(refused)


def _intro(decision: Decision) -> str:
    if decision.execution != Decision.Execution.TO_UNDO:
        return str(decision)
    return _t("To be undone, as it was taken back: %(decision)s") % {"decision": decision}
