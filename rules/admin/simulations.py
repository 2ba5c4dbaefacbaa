"""Simulations: asking for one, watching it, and reading what a rule set would do to everyone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from rules import jobs, simulation
from rules.models import RuleSet, SimulatedChange, Simulation
from rules.values import name_of
from shops.admin.cells import NOTHING, number, pill, yuan
from shops.admin.exporting import Column
from shops.admin.forms import DayField, form_page
from shops.admin.readonly import ShownAdmin
from shops.errors import Refused
from shops.models import Shop
from shops.rights import person_of

Change = SimulatedChange.Change
# What becomes of subjects, as a result counts them.
SIDES = {
    "clear": _("to be cleared"),
    "stop": _("to be stopped"),
    "observe": _("to be put under observation"),
    "admit": _("to be admitted"),
    "resume": _("to be resumed"),
    "warn": _("to be warned"),
    "no_data": _("without data"),
}
# The groups of a breakdown that a page shows; the list behind it holds all.
SHOWN = 12


class SimulationForm(forms.Form):
    """Which version, on which day, and how far back."""

    rule_set = forms.ModelChoiceField(RuleSet.objects.select_related("alliance"), label=_("Rule set"))
    day = DayField(
        label=_("Day"),
        required=False,
        help_text=_("Empty: the newest day with metrics."),
    )
    days_back = forms.IntegerField(
        label=_("Days before it"),
        initial=0,
        min_value=0,
        max_value=simulation.MOST_DAYS_BACK,
        help_text=_("Looks at so many earlier days of shops: who would have gone out and come back."),
    )


@admin.register(Simulation)
class SimulationAdmin(ShownAdmin):
    when_empty = _("No rule set has been simulated yet. Open a rule set and choose “Simulate”.")
    change_form_template = "admin/rules/simulation/change_form.html"
    list_display = ["rule_set", "day", "status_pill", "checked_count", "requested_by", "requested_at"]
    list_filter = ["status", "rule_set__alliance"]
    list_select_related = ["rule_set__alliance", "against__alliance", "requested_by"]
    ordering = ["-id"]
    sortable_by = ()
    fields = [
        ("rule_set", "against"),
        ("day", "days_back"),
        ("requested_at", "requested_by"),
        "seconds",
        "digest",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Simulation]:
        found = super().get_queryset(request)
        match = request.resolver_match
        return found if match and "object_id" in match.kwargs else found.defer("result")

    @admin.display(description=_("status"), ordering="status")
    def status_pill(self, asked: Simulation) -> str:
        return pill(asked.status, asked.get_status_display())

    @admin.display(description=_("checked"))
    def checked_count(self, asked: Simulation) -> str:
        return number(asked.checked)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return request.user.has_perm(simulation.RUN)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Ask for a simulation, leave it to a worker and go to watch it."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = SimulationForm(request.POST or None, initial={"rule_set": request.GET.get("rule_set")})
        if request.method == "POST" and form.is_valid():
            try:
                asked = simulation.request(**form.cleaned_data, by=person_of(request), at=timezone.now())
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                jobs.ask_for(asked)
                return HttpResponseRedirect(reverse("admin:rules_simulation_change", args=[asked.pk]))
        return form_page(
            request,
            self.admin_site,
            form,
            title=_("Simulate a rule set"),
            intro=_("What it would do to everyone, beside the version in force. Nothing is filed."),
            submit=_("Simulate"),
            back=reverse("admin:rules_simulation_changelist"),
            status=400 if form.errors else 200,
            opts=self.opts,
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        asked = self.get_object(request, object_id)
        more = told(asked) if isinstance(asked, Simulation) else {}
        return super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})


class OfSimulation(admin.SimpleListFilter):
    """One by which the changes of a simulation are told apart. Of all simulations it offers nothing."""

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        asked = request.GET.get("simulation__id__exact", "")
        found = Simulation.objects.filter(pk=asked).first() if asked.isdecimal() else None
        names = found.result.get("breakdown", {}).get(self.parameter_name, ()) if found else ()
        return [(name, name) for name in sorted({group["name"] for group in names})]


class RuleFilter(OfSimulation):
    title = _("rule")
    parameter_name = "rule"

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(rules__contains=[self.value()]) if self.value() else queryset


class CategoryFilter(OfSimulation):
    title = _("category")
    parameter_name = "category"

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not self.value():
            return queryset
        return queryset.filter(
            Q(product__category=self.value()) | Q(product=None, shop__category=self.value())
        )


@admin.register(SimulatedChange)
class SimulatedChangeAdmin(ShownAdmin):
    """The shops or products that a simulation names. Reached from its page."""

    when_empty = _("This rule set would change nothing for anybody.")
    list_display = ["shop", "product_name", "change_pill", "codes", "category", "sales"]
    list_display_links = None
    list_filter = ["change", RuleFilter, CategoryFilter, "shop__shop_type"]
    list_select_related = ["shop", "product"]
    search_fields = ["shop__code", "shop__name", "product__code", "product__name"]
    ordering = ["simulation", "change", "shop"]
    sortable_by = ()

    def export_columns(self) -> list[Column]:
        return [
            Column("shop", _("shop"), lambda row: row.shop.code),
            Column("name", _("name"), lambda row: row.shop.name),
            Column("change", _("change"), lambda row: row.get_change_display()),
            Column("rules", _("rules"), lambda row: " ".join(row.rules)),
            Column("category", _("category"), lambda row: (row.product or row.shop).category),
            Column("shop_type", _("shop type"), lambda row: row.shop.get_shop_type_display()),
            Column("gmv_30d", _("30-day sales"), lambda row: row.gmv_30d),
            Column("product", _("product"), lambda row: row.product.code if row.product else ""),
            Column("product_name", _("product name"), lambda row: row.product.name if row.product else ""),
            Column("sales", _("sales of the day"), lambda row: row.sales),
        ]

    def export_queryset(self, queryset: QuerySet[SimulatedChange]) -> QuerySet[SimulatedChange]:
        return queryset.select_related("shop", "product")

    @admin.display(description=_("change"))
    def change_pill(self, row: SimulatedChange) -> str:
        return pill(row.change, row.get_change_display())

    @admin.display(description=_("rules"))
    def codes(self, row: SimulatedChange) -> str:
        return " · ".join(row.rules)

    @admin.display(description=_("category"))
    def category(self, row: SimulatedChange) -> str:
        return (row.product or row.shop).category

    @admin.display(description=_("product"))
    def product_name(self, row: SimulatedChange) -> str:
        return str(row.product) if row.product else NOTHING

    @admin.display(description=_("sales: of 30 days, of a product of the day"))
    def sales(self, row: SimulatedChange) -> str:
        return yuan(row.sales if row.product_id else row.gmv_30d)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False


def told(asked: Simulation) -> dict[str, Any]:
    """What the page of a simulation shows, in the reader's language."""
    result = asked.result
    changes = dict(Change.choices)
    names = {"shop_type": dict(Shop.Type.choices)}
    groups = {"rule": _("By rule"), "category": _("By category"), "shop_type": _("By shop type")}
    total = max((result.get("inside", 0) + result.get("candidates", 0), 1))
    of_products = asked.rule_set.subject == RuleSet.Subject.PRODUCT
    # The names under which a result tells how many they are and what they sell.
    subjects, sales = ("products", "sales") if of_products else ("shops", "gmv")

    def counted(told: dict[str, Any]) -> dict[str, Any]:
        return {"count": told[subjects], "amount": yuan(Decimal(told[sales]))}

    return {
        "of_products": of_products,
        "simulation": asked,
        "subtitle": None,
        "unfinished": asked.status in Simulation.UNFINISHED,
        "population": total,
        "changes": [
            {**change, **counted(change), "name": changes[change["change"]]}
            for change in result.get("totals", ())
        ],
        "sides": [
            (name, result["now"][key], result["draft"][key])
            for key, name in SIDES.items()
            if key in result.get("now", ())
        ],
        "rules": result.get("rules", ()),
        "breakdown": [
            (
                title,
                [
                    {
                        **group,
                        **counted(group),
                        "label": names.get(key, {}).get(group["name"], group["name"]),
                        "change_name": changes[group["change"]],
                    }
                    for group in result["breakdown"][key][:SHOWN]
                ],
            )
            for key, title in groups.items()
            if result.get("breakdown", {}).get(key)
        ],
        "distributions": [
            {
                "edges": spread["edges"],
                "counts": spread[subjects],
                "missing": spread["missing"],
                "name": name_of(spread["metric"]),
                "marks": [(side, mark["at"]) for side in ("now", "draft") for mark in spread.get(side, ())],
            }
            for spread in result.get("distributions", ())
        ],
        "days": result.get("days", ()),
        "flapping": result.get("flapping"),
    }
