from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shops import controllers, enrollments, listings, standing
from shops.admin import registers
from shops.admin.cells import pill
from shops.admin.corrections import corrections_of
from shops.admin.exporting import Column
from shops.admin.measured import Measured
from shops.admin.readonly import ReadOnlyAdmin
from shops.admin.shop_filters import StandingFilter
from shops.admin.standing import standing_of
from shops.admin.verbs import VerbsAdmin
from shops.models import (
    Controller,
    Enrollment,
    ImportBatch,
    Listing,
    Penalty,
    Shop,
    ShopMetrics,
)

DAYS_SHOWN = 30
PRODUCTS_SHOWN = 20
SHOPS_DRAWN = 30
SIBLINGS_SHOWN = 20


@admin.register(Shop)
class ShopAdmin(Measured, VerbsAdmin):
    """What the platform reports of a shop, and what stands in the desk's record about it."""

    import_kind = ImportBatch.Kind.SHOPS
    # Its own page, which shows the verbs too.
    change_form_template = "admin/shops/shop/change_form.html"
    metrics_kind = ImportBatch.Kind.METRICS
    when_empty = _("Import a file of shops: it is where everything begins.")
    list_display = [
        "code",
        "name",
        "standing_pill",
        "shop_type",
        "category",
        "goods_kind",
        "account_ok",
        "controller",
        "entered_on",
    ]
    list_display_links = ["code", "name"]
    list_filter = [StandingFilter, "shop_type", "goods_kind", "subject_kind", "account_ok"]
    list_select_related = ["controller"]
    # Both have a trigram index on upper(…), which is what icontains compares.
    search_fields = ["code", "name"]
    search_help_text = _("Code or name; at least three characters find fastest.")
    # Only what an index orders.
    sortable_by = ["code"]
    fieldsets = [
        (
            _("as its platform reports it"),
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

    def get_queryset(self, request: HttpRequest) -> QuerySet[Shop]:
        shops = super().get_queryset(request)
        if request.resolver_match is None or request.resolver_match.url_name != "shops_shop_changelist":
            # What is taken away by the million is the platform's own record.
            return shops
        now = timezone.now()
        return standing.with_restrictions(standing.with_standing(shops, now), now)

    @admin.display(description=pgettext_lazy("shop", "standing"), ordering="status")
    def standing_pill(self, shop: Any) -> str:
        told = pill(shop.standing, Shop.Status(shop.standing).label)
        return format_html("{} {}", told, pill("restricted", _("restricted"))) if shop.restricted else told

    def export_queryset(self, queryset: QuerySet) -> QuerySet:
        return queryset

    def export_columns(self) -> list[Column]:
        controller = {"controller": lambda shop: shop.controller.code if shop.controller else ""}
        return registers.columns_of(ImportBatch.Kind.SHOPS, controller)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        shop = self.get_object(request, object_id)
        record = record_of(shop, until=timezone.localdate()) if isinstance(shop, Shop) else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **record})


def record_of(shop: Shop, *, until: date) -> dict[str, Any]:
    """What stands about a shop: enrollments with openings, products, metrics of the last days and what was
    corrected, papers, penalties.
    """
    in_alliances = listings.with_standing(Listing.objects.select_related("alliance").order_by("alliance"))
    # One more than is shown tells that there are more.
    products = list(
        shop.products.order_by("code").prefetch_related(Prefetch("listings", in_alliances))[
            : PRODUCTS_SHOWN + 1
        ]
    )
    recent = [until - timedelta(days=ago) for ago in range(DAYS_SHOWN)]
    # The days by name: the key is (day, shop).
    now = timezone.now()
    metrics = list(ShopMetrics.objects.filter(shop=shop, day__in=recent).order_by("-day"))
    return {
        "enrollments": enrollments.with_openings(Enrollment.objects.filter(shop=shop)),
        "metrics": metrics,
        "declared": sorted({key for row in metrics for key in row.extra}),
        "products": products[:PRODUCTS_SHOWN],
        "more_products": len(products) > PRODUCTS_SHOWN,
        "corrections": corrections_of(shop),
        "papers": shop.qualifications.order_by("kind", "brand", "-received_at")[:50],
        "standing_now": standing_of(shop, now),
        "penalties": Penalty.objects.filter(shop=shop).select_related("alliance", "violation", "product")[
            :20
        ],
        "siblings": _siblings_of(shop, now) if shop.controller_id else [],
    }


def _siblings_of(shop: Shop, at: datetime) -> list[tuple[Shop, Shop.Status]]:
    """The controller's other shops, each with its standing."""
    others = Shop.objects.filter(controller=shop.controller_id).exclude(pk=shop.pk).order_by("code")
    return [
        (other, Shop.Status(other.standing)) for other in standing.with_standing(others, at)[:SIBLINGS_SHOWN]
    ]


@admin.register(Controller)
class ControllerAdmin(ReadOnlyAdmin):
    """Reached from a shop; it has no place in the sidebar."""

    list_display = ["code"]
    search_fields = ["code"]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        controller = self.get_object(request, object_id)
        told = bars_of(controller, timezone.now()) if isinstance(controller, Controller) else {}
        return super().change_view(request, object_id, form_url, {**told, **(extra_context or {})})


def bars_of(controller: Controller, at: datetime) -> dict[str, Any]:
    """The controller's shops with their standing, and the cases by which one bars the others (R6)."""
    own = standing.with_standing(controller.shops.order_by("code"), at)
    shops = list(own[: SHOPS_DRAWN + 1])
    barring = controllers.barring_cases().filter(shop__controller=controller)
    cases = list(barring.select_related("shop", "violation").order_by("pk")[:50])
    drawn = shops[:SHOPS_DRAWN]
    return {
        "shops": drawn,
        "barred": [(shop, [case for case in cases if case.shop_id != shop.pk]) for shop in drawn],
        "more_shops": len(shops) > SHOPS_DRAWN,
        "cases": cases,
    }
