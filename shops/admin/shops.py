from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Max, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shops import outgoing
from shops.admin import registers
from shops.admin.cells import pill
from shops.admin.corrections import corrections_of
from shops.admin.exporting import Column, deliver
from shops.admin.forms import DayInput, form_page
from shops.admin.importing import Importing
from shops.admin.readonly import ReadOnlyAdmin
from shops.imports.columns import SHOP_METRICS
from shops.models import (
    Controller,
    Enrollment,
    Export,
    ImportBatch,
    Opening,
    Penalty,
    Shop,
    ShopMetrics,
)
from shops.rights import person_of

DAYS_SHOWN = 30


class MetricsForm(forms.Form):
    """A day's metrics, and how to write them."""

    day = forms.DateField(label=_("Day"), widget=DayInput)
    format = forms.ChoiceField(label=_("Format"), choices=Export.Format.choices)


@admin.register(Shop)
class ShopAdmin(Importing, ReadOnlyAdmin):
    """What the platform reports of a shop, and what stands in the desk's record about it."""

    import_kind = ImportBatch.Kind.SHOPS
    when_empty = _("Import a file of shops: it is where everything begins.")
    list_display = [
        "code",
        "name",
        "status_pill",
        "shop_type",
        "category",
        "goods_kind",
        "account_ok",
        "controller",
        "entered_on",
    ]
    list_display_links = ["code", "name"]
    list_filter = ["status", "shop_type", "goods_kind", "subject_kind", "account_ok"]
    list_select_related = ["controller"]
    # Both have a trigram index on upper(…), which is what icontains compares.
    search_fields = ["code", "name"]
    search_help_text = _("Code or name; at least three characters find fastest.")
    # Only what an index orders.
    sortable_by = ["code"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("code", "name"),
                    ("status", "account_ok"),
                    ("shop_type", "category"),
                    ("goods_kind", "subject_kind"),
                    ("controller", "entered_on"),
                    ("closed_on", "closed_cause"),
                ]
            },
        ),
        (
            _("contact details"),
            {"fields": [("contact", "account_manager"), ("phone", "email")], "classes": ["collapse"]},
        ),
    ]

    @admin.display(description=_("status"), ordering="status")
    def status_pill(self, shop: Shop) -> str:
        return pill(shop.status, shop.get_status_display())

    def export_queryset(self, queryset: QuerySet) -> QuerySet:
        return queryset

    def export_columns(self) -> list[Column]:
        controller = {"controller": lambda shop: shop.controller.code if shop.controller else ""}
        return registers.columns_of(ImportBatch.Kind.SHOPS, controller)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.metrics_view)
        return [path("metrics/", view, name="shops_shop_metrics"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        may = outgoing.SOURCES[registers.METRICS].may_export(person_of(request))
        return super().changelist_view(request, {"may_export_metrics": may, **(extra_context or {})})

    def metrics_view(self, request: HttpRequest) -> HttpResponseBase:
        """A day's metrics as a file that can be imported again."""
        if not outgoing.SOURCES[registers.METRICS].may_export(person_of(request)):
            raise PermissionDenied
        newest = ImportBatch.objects.filter(kind=ImportBatch.Kind.METRICS, state=ImportBatch.State.APPLIED)
        initial = {"day": newest.aggregate(Max("last_day"))["last_day__max"]}
        form = MetricsForm(request.POST if request.method == "POST" else None, initial=initial)
        if request.method == "POST" and form.is_valid():
            day = form.cleaned_data["day"].isoformat()
            return deliver(
                request,
                registers.METRICS,
                query=f"day={day}",
                columns=[column.name for column in SHOP_METRICS.columns],
                format=Export.Format(form.cleaned_data["format"]),
                file_name=f"metrics-{day}",
            )
        return form_page(
            request,
            self.admin_site,
            form,
            title=_("Export a day's metrics"),
            intro=_("All shops that were measured on that day, in a file that can be imported again."),
            submit=_("Export"),
            back=reverse("admin:shops_shop_changelist"),
            status=400 if form.errors else 200,
            opts=self.opts,
            # The answer may be a file.
            once_seconds=5,
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        shop = self.get_object(request, object_id)
        record = record_of(shop, until=timezone.localdate()) if isinstance(shop, Shop) else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **record})


def record_of(shop: Shop, *, until: date) -> dict[str, Any]:
    """What stands about a shop: enrollments with openings, metrics of the last days and what was corrected,
    papers, penalties.
    """
    recent = [until - timedelta(days=ago) for ago in range(DAYS_SHOWN)]
    return {
        "enrollments": Enrollment.objects.filter(shop=shop)
        .select_related("alliance")
        .prefetch_related(Prefetch("openings", Opening.objects.order_by("number"))),
        # The days by name: the key is (day, shop).
        "metrics": ShopMetrics.objects.filter(shop=shop, day__in=recent).order_by("-day"),
        "corrections": corrections_of(shop),
        "papers": shop.qualifications.order_by("kind", "brand", "-received_at")[:50],
        "penalties": Penalty.objects.filter(shop=shop).select_related("alliance", "violation")[:20],
        "siblings": Shop.objects.filter(controller=shop.controller_id)
        .exclude(pk=shop.pk)
        .order_by("code")[:20]
        if shop.controller_id
        else [],
    }


@admin.register(Controller)
class ControllerAdmin(ReadOnlyAdmin):
    """Reached from a shop; it has no place in the sidebar."""

    list_display = ["code"]
    search_fields = ["code"]
