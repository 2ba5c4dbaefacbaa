"""The rule book: every version with where it stands in its life, and what may be done with it next."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from rules import drafts
from rules.admin.publishing_pages import PublishingPages
from rules.models import Retirement, Rule, RuleSet
from rules.publishing import CHANGE, PUBLISH, State, editors_of, with_state
from rules.simulation import RUN
from shops.admin.cells import pill
from shops.admin.readonly import ReadOnlyInline


def state_pill(rule_set: Any) -> str:
    """Where a set that publishing.with_state has annotated stands."""
    state = State(rule_set.state)
    label = (
        _t("published, from %(day)s") % {"day": date_format(rule_set.in_force_from)}
        if state is State.PUBLISHED
        else state.label
    )
    return pill(state.value, label)


class RuleInline(ReadOnlyInline):
    """Every rule of the set as one line."""

    model = Rule
    template = "admin/rules/ruleset/rules.html"
    fields = ["code"]
    ordering = ["position"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rule]:
        return super().get_queryset(request).prefetch_related("alternatives")


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return list(State.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(state=self.value()) if self.value() in State.values else queryset


@admin.register(RuleSet)
class RuleSetAdmin(PublishingPages):
    """Every version stays readable; what can be done with one is on its page."""

    change_form_template = "admin/rules/ruleset/change_form.html"
    list_display = [
        "alliance",
        "subject",
        "purpose",
        "version_of",
        "state_cell",
        "mode_pill",
        "in_force_from",
    ]
    list_display_links = ["alliance", "purpose"]
    list_filter = ["alliance", "subject", "purpose", StateFilter, "mode"]
    list_select_related = ["alliance"]
    inlines = [RuleInline]
    history_reasons = {
        "drafted": _("drafted"),
        "edited": _("edited"),
        "noted": _("note changed"),
        "submitted": _("submitted"),
        "published": _("published"),
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[RuleSet]:
        return with_state(super().get_queryset(request), timezone.localdate())

    @admin.display(description=_("version"), ordering="version")
    def version_of(self, rule_set: RuleSet) -> str:
        return f"v{rule_set.version}"

    @admin.display(description=_("state"))
    def state_cell(self, rule_set: RuleSet) -> str:
        return state_pill(rule_set)

    @admin.display(description=_("mode"), ordering="mode")
    def mode_pill(self, rule_set: RuleSet) -> str:
        return pill(rule_set.mode, rule_set.get_mode_display())

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who did what and when, as far as the set has come."""
        told: list[Any] = [("mode", "in_force_from")]
        for together in (
            ("drafted_by", "drafted_at"),
            ("submitted_by", "submitted_at"),
            ("published_by", "published_at"),
            ("note",),
            ("short_notice_reason",),
        ):
            if obj is None or any(getattr(obj, name) for name in together):
                told.append(together)
        return told

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        rule_set = self.get_object(request, object_id)
        told = _told(request, rule_set) if isinstance(rule_set, RuleSet) else {}
        return super().change_view(request, object_id, form_url, {**told, **(extra_context or {})})


def _told(request: HttpRequest, rule_set: RuleSet) -> dict[str, Any]:
    """What the page of a set says besides its fields and rules, for this person."""
    may = request.user.has_perm
    # What the queryset annotates (publishing.with_state); the model does not know of it.
    state = State(rule_set.state)  # type: ignore[attr-defined]
    editable = rule_set.open and may(CHANGE)
    retirement = Retirement.objects.filter(rule_set=rule_set).select_related("retired_by").first()
    links = []
    if rule_set.based_on is not None:
        both = urlencode({"left": rule_set.based_on_id, "right": rule_set.pk})
        links.append(
            (
                f"{reverse('admin:rules_ruleset_compare')}?{both}",
                _t("Compare with v%(version)s, from which it was drafted")
                % {"version": rule_set.based_on.version},
            )
        )
    else:
        links.append(
            (
                f"{reverse('admin:rules_ruleset_compare')}?left={rule_set.pk}",
                _t("Compare with another version"),
            )
        )
    if rule_set.simulation is not None:
        links.append(
            (
                reverse("admin:rules_simulation_change", args=[rule_set.simulation_id]),
                _t("The simulation of %(day)s that it was submitted with")
                % {"day": date_format(rule_set.simulation.day)},
            )
        )
    simulations = reverse("admin:rules_simulation_changelist")
    links.append((f"{simulations}?rule_set__id__exact={rule_set.pk}", _t("Simulations of this version")))
    if may(RUN):
        asking = reverse("admin:rules_simulation_add")
        links.append((f"{asking}?rule_set={rule_set.pk}", _t("Simulate it")))
    return {
        "state": state,
        "state_pill": state_pill(rule_set),
        "retirement": retirement,
        "editable": editable,
        "may_draft": rule_set.published_at is not None and may(drafts.ADD),
        "may_publish": state is State.SUBMITTED and may(PUBLISH),
        # Told before they try: the verb would refuse them.
        "is_own": state is State.SUBMITTED
        and request.user.pk in editors_of(rule_set) | {rule_set.submitted_by_id or 0},
        "may_retire": retirement is None and state in (State.IN_FORCE, State.PUBLISHED) and may(PUBLISH),
        "sent_back": _sent_back(rule_set) if state is State.DRAFT else None,
        "more": links,
    }


def _sent_back(rule_set: RuleSet) -> Any:
    """The history row by which the last submission was taken back, if that is what happened last."""
    rows = list(RuleSet.history.filter(id=rule_set.pk).select_related("history_user").order_by("history_id"))
    back = [after for before, after in pairwise(rows) if before.submitted_at and not after.submitted_at]
    return back[-1] if back else None
