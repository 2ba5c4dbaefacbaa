"""What the platform has to do of what was decided, and has done."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.functions import Greatest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext, pgettext_lazy

from opsdesk import execution, pausing
from opsdesk.admin.choosing import chosen_of
from opsdesk.admin.execution_pages import PAUSE, RECORD, RECORDINGS, Recording, page_of_many, page_of_one
from opsdesk.admin.filters import PlatformFilter
from opsdesk.admin.subjects import platform_cell, subject_cell, told_stay
from opsdesk.models import Execution
from shops.admin.cells import NOTHING, pill
from shops.admin.exporting import Column
from shops.admin.readonly import ReadOnlyAdmin

State = Execution.State
# Since when something is asked of the platform, also by a stay.
_SINCE = Greatest("asked_at", "stay_at")


@admin.register(Execution)
class ExecutionAdmin(ReadOnlyAdmin):
    """What is asked of the platform never changes; what it did is recorded here."""

    when_empty = _("Nothing is asked of the platform. What is decided, or imposed by hand, comes here.")
    list_display = [
        "subject",
        "alliance_name",
        "kind_pill",
        "what",
        "asked",
        "state_pill",
        "executed_on",
        "reference",
    ]
    list_filter = [PlatformFilter, "alliance", "kind"]
    list_select_related = ["shop", "product", "alliance", "penalty__shop", "decision"]
    search_fields = [
        "shop__code",
        "shop__name",
        "product__code",
        "product__name",
        "penalty__reference",
        "reference",
    ]
    quoted_by = {"P": "penalty"}
    search_help_text = _(
        "Code or name of the shop or product, a case number (P… or the platform's), or the task there."
    )
    actions = ["record", "record_pause"]
    history_reasons = Execution.REASONS
    readonly_fields = ["asked", "why_not_paused"]
    fieldsets = [
        (
            None,
            {"fields": [("decision", "penalty"), ("shop", "product", "alliance"), ("kind", "asked")]},
        ),
        (
            _("on the platform"),
            {
                "fields": [
                    ("state", "executed_on"),
                    ("executed_by", "reference"),
                    "note",
                    ("paused_on", "resumed_on"),
                    "pause_reference",
                    "why_not_paused",
                ]
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Execution]:
        return super().get_queryset(request).prefetch_related(execution.MEASURES)

    def get_ordering(self, request: HttpRequest) -> Any:
        return [_SINCE.desc(), "-id"]

    def has_record_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(execution.EXECUTE)

    @admin.display(description=_("shop or product"), ordering="shop__code")
    def subject(self, asked: Execution) -> str:
        return subject_cell(asked)

    @admin.display(description=_("alliance"), ordering="alliance")
    def alliance_name(self, asked: Execution) -> str:
        return asked.alliance.name if asked.alliance else _t("the platform")

    @admin.display(description=_("kind"), ordering="kind")
    def kind_pill(self, asked: Execution) -> str:
        return pill(asked.kind, asked.get_kind_display())

    @admin.display(description=_("what is asked"))
    def what(self, asked: Execution) -> str:
        return _in_a_line(asked) or NOTHING

    @admin.display(description=_("asked of the platform at"), ordering=_SINCE)
    def asked(self, asked: Execution) -> datetime:
        """Also by a stay, or the end of one."""
        return _asked_since(asked)

    @admin.display(description=_("why it was not paused or resumed"))
    def why_not_paused(self, asked: Execution) -> str:
        """While that is asked for: what has ended by itself, or was lifted, waits for nothing."""
        return asked.pause_note if asked.turn is not None else ""

    @admin.display(description=_("on the platform"), ordering="state")
    def state_pill(self, asked: Execution) -> str:
        return platform_cell(asked)

    def export_queryset(self, queryset: QuerySet) -> QuerySet:
        return queryset.select_related("shop", "product", "alliance", "penalty", "decision")

    def export_columns(self) -> list[Column]:
        return [
            Column("id", _("execution"), lambda e: e.pk),
            Column("shop", _("shop's code"), lambda e: e.shop.code),
            Column("shop_name", _("shop"), lambda e: e.shop.name),
            Column("product", _("product's code"), lambda e: e.product and e.product.code),
            Column("product_name", _("product"), lambda e: e.product and e.product.name),
            Column("alliance", _("alliance"), lambda e: e.alliance.code if e.alliance else ""),
            Column("kind", _("kind"), lambda e: e.get_kind_display()),
            Column("what", _("what is asked"), _in_a_line),
            Column("case", _("case"), lambda e: e.penalty.case_number if e.penalty else ""),
            Column(
                "case_there", _("platform's reference"), lambda e: e.penalty.reference if e.penalty else ""
            ),
            Column("asked_at", _("asked of the platform at"), _asked_since),
            Column("state", _("on the platform"), lambda e: e.get_state_display()),
            Column("stay", pgettext_lazy("on the platform", "stay"), told_stay),
            Column("paused_on", pgettext_lazy("on the platform", "last paused on"), lambda e: e.paused_on),
            Column("resumed_on", pgettext_lazy("on the platform", "last resumed on"), lambda e: e.resumed_on),
            Column("executed_on", _("executed on"), lambda e: e.executed_on),
            Column("reference", _("task on the platform"), lambda e: e.reference),
        ]

    def get_urls(self) -> list[URLPattern]:
        pages = [
            path(
                f"<int:pk>/{recording.name}/",
                self.admin_site.admin_view(partial(self.record_view, recording=recording)),
                name=recording.address,
            )
            for recording in RECORDINGS
        ]
        return [*pages, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        told: dict[str, Any] = {}
        asked = self.get_object(request, object_id)
        if isinstance(asked, Execution):
            told = {
                "recordings": [
                    (reverse(f"admin:{recording.address}", args=[asked.pk]), recording.label)
                    for recording in RECORDINGS
                    if self.has_record_permission(request) and recording.possible(asked)
                ],
                "what": execution.what(asked),
                "overturned": execution.is_overturned(asked),
                "taken_back": execution.taken_back(asked),
                "stay": pausing.told(asked),
                "pausing": pausing.what(asked) if asked.can_be_paused else [],
            }
        return super().change_view(request, object_id, form_url, {**told, **(extra_context or {})})

    def record_view(self, request: HttpRequest, pk: int, *, recording: Recording) -> HttpResponse:
        """Record something of one."""
        asked = self.get_object(request, str(pk))
        if not isinstance(asked, Execution):
            return HttpResponseRedirect(reverse("admin:opsdesk_execution_changelist"))
        return page_of_one(request, asked, recording, self.admin_site)

    @admin.action(permissions=["record"], description=_("Record what the platform has done"))
    def record(self, request: HttpRequest, queryset: QuerySet) -> TemplateResponse | None:
        return self._record_many(request, queryset, RECORD)

    @admin.action(permissions=["record"], description=_("Record what the platform has paused or resumed"))
    def record_pause(self, request: HttpRequest, queryset: QuerySet) -> TemplateResponse | None:
        return self._record_many(request, queryset, PAUSE)

    def _record_many(
        self, request: HttpRequest, queryset: QuerySet, recording: Recording
    ) -> TemplateResponse | None:
        chosen = chosen_of(self, request, queryset, answered=recording.name in request.POST)
        if chosen is None:
            return None
        shown = self.get_queryset(request).filter(pk__in=chosen).select_related(*self.list_select_related)
        return page_of_many(request, list(shown), recording, self.admin_site)


def _asked_since(asked: Execution) -> datetime:
    return max(asked.asked_at, asked.stay_at or asked.asked_at)


def _in_a_line(asked: Execution) -> str:
    """What is asked, also for a stay."""
    turn = asked.turn
    told = execution.what(asked) if turn is None or asked.state == State.TO_UNDO else []
    if turn is not None:
        what = pgettext("list", ", ").join(pausing.what(asked) or [_t("The case as a whole")])
        told.append(_t("%(turn)s: %(what)s") % {"turn": turn.label, "what": what})
    return pgettext("list", "; ").join(told)
