"""What the platform has to do of what was decided, and has done."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext, pgettext_lazy

from opsdesk import correcting, execution
from opsdesk.admin.choosing import chosen_of
from opsdesk.admin.execution_forms import ExecutionForm
from opsdesk.admin.filters import PlatformFilter
from opsdesk.admin.subjects import subject_cell
from opsdesk.models import Execution
from shops.admin.cells import NOTHING, pill
from shops.admin.exporting import Column
from shops.admin.forms import form_page
from shops.admin.verbs import Verb, VerbsAdmin
from shops.errors import Refused
from shops.rights import person_of

REFUSALS_SHOWN = 5
# The field of a form that says what was seen, execution by execution: KEY-WORD, with blanks between.
SEEN = "seen"
_SEEN_OF_ONE = re.compile(r"\b(\d{1,18})-([0-9a-f]{32})\b")
State, Turn = Execution.State, Execution.Turn


_TAKE_BACK = Verb(
    "take_back",
    permission=execution.EXECUTE,
    title=_("Take the record back"),
    note=_("what was recorded last was wrong: it is as before, and waits to be recorded anew."),
    submit=pgettext_lazy("record", "Take it back"),
    done=_("The record is taken back."),
    offered=correcting.can_be_taken_back,
    call=lambda asked, by, reason: correcting.take_back(asked.pk, reason=reason, by=by),
)


@admin.register(Execution)
class ExecutionAdmin(VerbsAdmin):
    """What is asked of the platform never changes; what it did is recorded here."""

    when_empty = _("Nothing is asked of the platform. What is decided, or imposed by hand, comes here.")
    list_display = [
        "subject",
        "alliance_name",
        "kind_pill",
        "what",
        "asked_at",
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
    actions = ["record"]
    change_form_template = "admin/opsdesk/execution/change_form.html"
    verbs = (_TAKE_BACK,)
    history_reasons = Execution.REASONS
    fieldsets = [
        (
            None,
            {"fields": [("decision", "penalty"), ("shop", "product", "alliance"), ("kind", "asked_at")]},
        ),
        (
            _("on the platform"),
            {"fields": [("state", "executed_on"), ("executed_by", "reference"), "paused_on", "note"]},
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Execution]:
        return super().get_queryset(request).prefetch_related(execution.MEASURES)

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

    @admin.display(description=_("on the platform"), ordering="state")
    def state_pill(self, asked: Execution) -> str:
        told = pill(asked.turn or asked.state, _state(asked))
        if execution.is_paused(asked):
            told = format_html("{} {}", told, pill("paused", pgettext("on the platform", "paused")))
        return format_html("{} {}", told, pill("stayed", _("stayed"))) if _is_stayed(asked) else told

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
            Column("asked_at", _("asked of the platform at"), lambda e: e.asked_at),
            Column("state", _("on the platform"), _state),
            Column("stayed", _("stayed"), lambda e: _t("yes") if _is_stayed(e) else ""),
            Column("paused_on", pgettext_lazy("on the platform", "paused on"), lambda e: e.paused_on),
            Column("executed_on", _("executed on"), lambda e: e.executed_on),
            Column("reference", _("task on the platform"), lambda e: e.reference),
        ]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.record_view)
        return [path("<int:pk>/record/", view, name="opsdesk_execution_record"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        told: dict[str, Any] = {}
        asked = self.get_object(request, object_id)
        if isinstance(asked, Execution):
            told = {
                "may_record": self.has_record_permission(request) and execution.can_be_recorded(asked),
                "what": execution.what(asked),
                "overturned": execution.is_overturned(asked),
                "taken_back": execution.taken_back(asked),
                "turn": asked.turn,
                "stay": execution.told_stay(asked),
            }
        return super().change_view(request, object_id, form_url, {**told, **(extra_context or {})})

    def record_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Record of one what the platform has done."""
        if not (self.has_record_permission(request) and self.has_view_permission(request)):
            raise PermissionDenied
        asked = self.get_object(request, str(pk))
        if not isinstance(asked, Execution):
            return HttpResponseRedirect(reverse("admin:opsdesk_execution_changelist"))
        now = execution.looked_at(asked)
        posted = request.POST if request.method == "POST" else None
        if _seen_in(request.POST).get(pk, now) != now:
            # Sent from a page that was another than this is: it is shown anew.
            self.message_user(request, execution.told_changed(asked), messages.ERROR)
            posted = None
        if posted is None and not execution.can_be_recorded(asked):
            self.message_user(request, _("Nothing of it is to be recorded any more."), messages.WARNING)
            return HttpResponseRedirect(reverse("admin:opsdesk_execution_change", args=[pk]))
        form = ExecutionForm(posted, of=asked.turn or asked.state)
        if posted is not None and form.is_valid() and not self._record(request, {pk: now}, form):
            return HttpResponseRedirect(reverse("admin:opsdesk_execution_change", args=[pk]))
        return form_page(
            request,
            self.admin_site,
            form,
            title=_("What the platform has done"),
            intro=_intro(asked),
            facts=[(_("Stay"), told)] if (told := execution.told_stay(asked)) else [],
            hidden=[(SEEN, _in_a_field({pk: now}))],
            submit=_("Record"),
            back=reverse("admin:opsdesk_execution_change", args=[pk]),
            of=asked,
            opts=self.opts,
        )

    @admin.action(permissions=["record"], description=_("Record what the platform has done"))
    def record(self, request: HttpRequest, queryset: QuerySet) -> TemplateResponse | None:
        answered = "record" in request.POST
        if (chosen := chosen_of(self, request, queryset, answered=answered)) is None:
            return None
        shown = list(
            self.get_queryset(request).filter(pk__in=chosen).select_related(*self.list_select_related)
        )
        tasks = {one.turn or (State.TO_UNDO if one.state == State.TO_UNDO else State.TO_DO) for one in shown}
        if not answered and len(tasks) > 1:
            both = _("Choose what asks for the same: to do, to undo, to pause, or to go on.")
            self.message_user(request, both, messages.ERROR)
            return None
        of = request.POST.get("of") or next(iter(tasks), State.TO_DO)
        seen = {one.pk: execution.looked_at(one) for one in shown}
        if answered:
            # As they were shown, whatever they are by now.
            seen |= {pk: word for pk, word in _seen_in(request.POST).items() if pk in seen}
        form = ExecutionForm(request.POST if answered else None, of=of)
        if answered and form.is_valid():
            self._record(request, seen, form)
            return None
        count = len(chosen)
        title = ngettext("Record %(count)s execution", "Record %(count)s executions", count)
        return form_page(
            request,
            self.admin_site,
            form,
            title=title % {"count": count},
            submit=_("Record"),
            back=request.get_full_path(),
            opts=self.opts,
            listed=shown[:20],
            unlisted=max(count - 20, 0),
            hidden=[
                ("action", request.POST["action"]),
                ("record", "1"),
                ("of", of),
                *((ACTION_CHECKBOX_NAME, pk) for pk in chosen),
                (SEEN, _in_a_field(seen)),
            ],
        )

    def _record(self, request: HttpRequest, seen: Mapping[int, str], form: ExecutionForm) -> int:
        """Record each, as it was seen, and tell people. Returns how many were refused."""
        values = form.cleaned_data
        refused: list[str] = []
        for pk, word in seen.items():
            try:
                execution.record(
                    pk,
                    outcome=values["outcome"],
                    by=person_of(request),
                    on=values.get("on"),
                    reference=values.get("reference", ""),
                    note=values.get("note", ""),
                    seen=word,
                )
            except Refused as refusal:
                refused.append(str(refusal))
        done = len(seen) - len(refused)
        if done:
            told = ngettext("%(count)s recorded.", "%(count)s recorded.", done)
            self.message_user(request, told % {"count": done}, messages.SUCCESS)
        if refused:
            told = ngettext("%(count)s was refused: %(why)s", "%(count)s were refused: %(why)s", len(refused))
            why = " · ".join(dict.fromkeys(refused[:REFUSALS_SHOWN])) or NOTHING
            self.message_user(request, told % {"count": len(refused), "why": why}, messages.ERROR)
        return len(refused)


def _in_a_field(seen: Mapping[int, str]) -> str:
    # In one for all of them: of fields no form sends more than a thousand.
    return " ".join(f"{pk}-{word}" for pk, word in seen.items())


def _seen_in(posted: QueryDict) -> dict[int, str]:
    return {int(pk): word for pk, word in _SEEN_OF_ONE.findall(posted.get(SEEN, ""))}


def _in_a_line(asked: Execution) -> str:
    return pgettext("list", "; ").join(execution.what(asked))


def _state(asked: Execution) -> str:
    turn = asked.turn
    return str(turn.label if turn else asked.get_state_display())


def _is_stayed(asked: Execution) -> bool:
    there = asked.state in execution.NOT_DONE or asked.turn == Turn.PAUSE
    return there and asked.penalty is not None and asked.penalty.stayed_at is not None


def _intro(asked: Execution) -> str:
    what = _in_a_line(asked)
    told = f"{asked} · {what}" if what else str(asked)
    match asked.turn or asked.state:
        case State.TO_UNDO:
            return _t("To be undone, as it was taken back or lifted: %(what)s") % {"what": told}
        case Turn.PAUSE:
            return _t("To be paused, as the penalty is stayed: %(what)s") % {"what": told}
        case Turn.GO_ON:
            return _t("To go on, as the stay has ended: %(what)s") % {"what": told}
    return told
