"""The appeal queue, each appeal with its whole story, and the way in."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from opsdesk import appeals, caseload, checklists, reasons, remainders
from opsdesk.admin.appeal_evidence import addresses
from opsdesk.admin.appeal_filters import DueFilter, OfficerFilter, OpenFilter
from opsdesk.admin.appeal_forms import FileForm
from opsdesk.admin.appeal_history import AppealChanges
from opsdesk.admin.appeal_pages import about, many_page, rates_page, step_page
from opsdesk.admin.appeal_steps import STEPS, Step
from opsdesk.appeals.evidence import VIEW
from opsdesk.appeals.guards import FILE, WORK
from opsdesk.appeals.pieces import assigns
from opsdesk.deadlines import said
from opsdesk.exhibits import NotNow
from opsdesk.models import Appeal
from opsdesk.notices import ADMIT_LATE
from shops.admin.cells import NOTHING, pill
from shops.admin.exporting import Column
from shops.admin.forms import form_page
from shops.admin.readonly import ReadOnlyAdmin
from shops.errors import Refused
from shops.rights import name_of, person_of

REFUSALS_SHOWN = 5


@admin.register(Appeal)
class AppealAdmin(ReadOnlyAdmin):
    """Seen by those alone who hear appeals or look after them."""

    change_list_template = "admin/opsdesk/appeal/change_list.html"
    when_empty = _("No appeal is open. File one from the page of a penalty when a shop contests it.")
    list_display = [
        "number",
        "shop_cell",
        "case",
        "ground",
        "level",
        "state_pill",
        "due",
        "officer",
        "filed_at",
    ]
    list_display_links = ["number"]
    list_filter = [OpenFilter, DueFilter, "level", "penalty__ground", "penalty__alliance", OfficerFilter]
    search_fields = ["penalty__shop__code", "penalty__shop__name", "penalty__reference", "reference"]
    quoted_by = {"A": "pk", "P": "penalty"}
    search_help_text = _(
        "Shop's code or name, the number of an appeal (A…) or case, or the letter's or ticket's."
    )
    ordering = ["due_at", "id"]
    actions = ["take_selected"]
    history_changes = AppealChanges
    history_reasons = reasons.OF_APPEALS

    def get_queryset(self, request: HttpRequest) -> QuerySet[Appeal]:
        return caseload.appeals()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """A shop's page leads to its appeals; no filter of the queue offers every shop there is."""
        return lookup == "penalty__shop__id__exact" or super().lookup_allowed(lookup, value, request)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return request.user.has_perm(FILE)

    def has_work_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(WORK)

    # Columns

    @admin.display(description=pgettext_lazy("appeal", "number"), ordering="id")
    def number(self, appeal: Appeal) -> str:
        return appeal.number

    @admin.display(description=_("shop"), ordering="penalty__shop__code")
    def shop_cell(self, appeal: Appeal) -> str:
        shop = appeal.penalty.shop
        return format_html('<span class="name">{}</span> <span class="code">{}</span>', shop.name, shop.code)

    @admin.display(description=_("case"), ordering="penalty")
    def case(self, appeal: Appeal) -> str:
        return appeal.penalty.case_number

    @admin.display(description=_("ground"))
    def ground(self, appeal: Appeal) -> str:
        penalty = appeal.penalty
        return penalty.violation.code if penalty.violation else str(penalty.get_ground_display())

    @admin.display(description=_("state"), ordering="state")
    def state_pill(self, appeal: Appeal) -> str:
        told = pill(appeal.state, appeal.get_state_display())
        if appeal.state == Appeal.State.WAITING and appeal.answered_at is not None:
            return format_html("{} {}", told, pill("answered", _t("a first answer")))
        return told

    @admin.display(description=_("due"), ordering="due_at")
    def due(self, appeal: Appeal) -> str:
        if not appeal.is_open:
            return NOTHING
        if caseload.is_overdue(appeal, timezone.now()):
            return format_html(
                '{} <span class="pill pill-overdue">{}</span>', said(appeal.due_at), _t("overdue")
            )
        return said(appeal.due_at)

    @admin.display(description=_("officer"), ordering="taken_by")
    def officer(self, appeal: Appeal) -> str:
        return name_of(appeal.taken_by) if appeal.taken_by else NOTHING

    # Taking the list away

    def export_queryset(self, queryset: QuerySet) -> QuerySet:
        return queryset.select_related("decided_by")

    def export_columns(self) -> list[Column]:
        return [
            Column("id", pgettext_lazy("appeal", "number"), lambda a: a.number),
            Column("case", _("case"), lambda a: a.penalty.case_number),
            Column("shop", _("shop's code"), lambda a: a.penalty.shop.code),
            Column("shop_name", _("shop"), lambda a: a.penalty.shop.name),
            Column("ground", _("ground"), lambda a: a.penalty.get_ground_display()),
            Column("violation", _("violation"), lambda a: a.penalty.violation and a.penalty.violation.code),
            Column("level", _("level"), lambda a: a.level),
            Column("state", _("state"), lambda a: a.get_state_display()),
            Column("channel", _("channel"), lambda a: a.get_channel_display()),
            Column("reference", pgettext_lazy("letter", "reference"), lambda a: a.reference),
            Column("filed_at", _("filed at"), lambda a: a.filed_at),
            Column("due_at", _("due"), lambda a: a.due_at if a.is_open else None),
            Column("taken_by", _("taken by"), lambda a: a.taken_by and a.taken_by.get_username()),
            Column("decided_at", _("decided at"), lambda a: a.decided_at),
            Column("decided_by", _("judge"), lambda a: a.decided_by and a.decided_by.get_username()),
            Column("ruling", _("reasons of the ruling"), lambda a: a.ruling),
        ]

    # Pages

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        steps = [
            path(
                f"<int:pk>/{step.name}/",
                wrap(partial(step_page, site=self.admin_site, step=step)),
                name=f"opsdesk_appeal_{step.name}",
            )
            for step in STEPS
        ]
        rates = path("rates/", wrap(partial(rates_page, site=self.admin_site)), name="opsdesk_appeal_rates")
        many = path("many/", wrap(partial(many_page, site=self.admin_site)), name="opsdesk_appeal_many")
        return [*steps, rates, many, *addresses(self.admin_site), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        counts = caseload.counts(at=timezone.now()) if self.has_view_permission(request) else None
        return super().changelist_view(request, {"counts": counts, **(extra_context or {})})

    @admin.action(permissions=["work"], description=_("Take selected appeals"))
    def take_selected(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Each by itself: what somebody else was faster with stays his."""
        taken, refused = 0, []
        for pk in queryset.order_by("id").values_list("pk", flat=True)[: self.list_max_show_all]:
            try:
                appeals.take(pk, by=person_of(request), at=timezone.now())
            except Refused as refusal:
                refused.append(str(refusal))
            else:
                taken += 1
        if taken:
            told = ngettext("%(count)s appeal is yours.", "%(count)s appeals are yours.", taken)
            self.message_user(request, told % {"count": taken}, messages.SUCCESS)
        for why in refused[:REFUSALS_SHOWN]:
            self.message_user(request, why, messages.WARNING)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Record that a shop appeals; `?penalty=` names the case. 503: the desk takes no files just now."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        asked = appeals.case_of(request.GET.get("penalty", ""))
        form = FileForm(
            request.POST if request.method == "POST" else None,
            request.FILES or None,
            initial={"penalty": asked.case_number if asked else ""},
            may_admit_late=request.user.has_perm(ADMIT_LATE),
        )
        back = reverse("admin:opsdesk_appeal_changelist")
        status = 200
        if request.method == "POST" and form.is_valid():
            try:
                appeal = self._file(request, **form.cleaned_data)
            except appeals.TooLate as refusal:
                if "late_reason" in form.fields:
                    form.add_error(
                        "late_reason", [str(refusal), _t("Say here why it is admitted all the same.")]
                    )
                else:
                    form.add_error(None, [str(refusal), _t("A supervisor may admit it, with a reason.")])
            except Refused as refusal:
                form.add_error(None, str(refusal))
                status = 503 if isinstance(refusal, NotNow) else 200
            else:
                self.message_user(
                    request,
                    _t("Appeal %(number)s is filed; it is due %(due)s.")
                    % {"number": appeal.number, "due": said(appeal.due_at)},
                    messages.SUCCESS,
                )
                return HttpResponseRedirect(reverse("admin:opsdesk_appeal_change", args=[appeal.pk]))
        return form_page(
            request,
            self.admin_site,
            form,
            title=_("File an appeal"),
            intro=about(asked) if asked else "",
            submit=pgettext_lazy("verb", "File"),
            back=back,
            opts=self.opts,
            status=status,
        )

    def _file(self, request: HttpRequest, *, late_reason: str = "", **given: Any) -> Appeal:
        given |= {"by": person_of(request), "at": timezone.now()}
        if late_reason.strip():
            return appeals.admit_late(**given, reason=late_reason)
        return appeals.file(**given)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """The whole story, and what may be done next. Each step has an address of its own."""
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request):
            raise PermissionDenied
        people = [
            "maker",
            "approver",
            "proposer",
            "reporter",
            "confirmer",
            "case_maker",
            "releaser",
            "first_judge",
            "late_admitted_by",
            "filed_by",
            "decided_by",
        ]
        found = Appeal.objects.select_related(
            "penalty__shop",
            "penalty__alliance",
            "penalty__violation",
            "penalty__product",
            "taken_by",
            *people,
        )
        try:
            appeal = found.get(pk=object_id)
        except (Appeal.DoesNotExist, ValueError):
            raise Http404 from None
        officer, now = person_of(request), timezone.now()
        # Before anything is read: what comes in between has not been seen.
        seen = appeals.looked_at(appeal)
        offered = [step for step in STEPS if step.is_offered(appeal, officer)]
        penalty = appeal.penalty
        effects = caseload.effects_of(penalty, now)
        context = {
            **self.admin_site.each_context(request),
            "title": str(appeal),
            "opts": self.opts,
            "original": appeal,
            "appeal": appeal,
            "penalty": penalty,
            "checklist": checklists.checklist_of(appeal) if officer.has_perm(VIEW) else [],
            "may_assign": assigns(officer, appeal) and checklists.items_of(penalty),
            "why": reasons.words_of(penalty.reason),
            "overdue": caseload.is_overdue(appeal, now),
            "part": appeal.is_open and appeal.part_of(officer),
            "lessened": caseload.lessened_by(appeal),
            "taken_back": [one for one in effects if one.measure.pk in appeal.taken_back],
            "not_restored": remainders.told(appeal.not_restored),
            "steps": [(self._address(step, appeal), step) for step in offered if not step.rules],
            "rulings": [
                (f"{self._address(step, appeal)}?seen={seen}", step) for step in offered if step.rules
            ],
            "may_see_history": self.has_view_history_permission(request, appeal),
            **caseload.hearing_of(appeal, at=now),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/opsdesk/appeal/change_form.html", context)

    def _address(self, step: Step, appeal: Appeal) -> str:
        return reverse(f"admin:opsdesk_appeal_{step.name}", args=[appeal.pk])
