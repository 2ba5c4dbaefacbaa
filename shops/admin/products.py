from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shops import listings
from shops.admin import registers
from shops.admin.cells import pill, yuan
from shops.admin.exporting import Column
from shops.admin.importing import Importing
from shops.admin.measured import Measured
from shops.admin.readonly import ReadOnlyAdmin
from shops.metrics import PRODUCT_METRICS
from shops.models import ImportBatch, Listing, Product, ProductMetrics, Shop

DAYS_SHOWN = 30


def standing_pill(standing: str) -> SafeString:
    """What a product may do in an alliance (shops.listings)."""
    return pill(standing, listings.Standing(standing).label)


class ShopFilter(admin.SimpleListFilter):
    """Of one shop, whose page leads here with its code in the address: there are too many to choose among."""

    title = _("shop")
    parameter_name = "shop"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        code = request.GET.get(self.parameter_name, "")
        shop = Shop.objects.filter(code=code).first()
        # A code that no shop has leads to an empty list, not to everybody's.
        return [(code, shop or code)] if code else []

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        path = "product__shop__code" if queryset.model is Listing else "shop__code"
        return queryset.filter(**{path: self.value()}) if self.value() else queryset


@admin.register(Product)
class ProductAdmin(Measured, ReadOnlyAdmin):
    """What the platform reports of a product, how it is listed and what was measured of it."""

    import_kind = ImportBatch.Kind.PRODUCTS
    metrics_kind = ImportBatch.Kind.PRODUCT_METRICS
    when_empty = _("No products are known yet. Import a file of products, after that of their shops.")
    list_display = ["code", "name", "shop", "category", "price_in_yuan", "status_pill"]
    list_display_links = ["code", "name"]
    list_filter = [ShopFilter, "status"]
    list_select_related = ["shop"]
    # Both have a trigram index on upper(…), which is what icontains compares.
    search_fields = ["code", "name"]
    search_help_text = _("Code or name; at least three characters find fastest.")
    # Only what an index orders.
    sortable_by = ["code"]
    fields = [("code", "name"), ("shop", "category"), ("price", "status"), "batch"]

    @admin.display(description=_("price"))
    def price_in_yuan(self, product: Product) -> str:
        return yuan(product.price)

    @admin.display(description=_("status"))
    def status_pill(self, product: Product) -> str:
        return pill(product.status, product.get_status_display())

    def export_queryset(self, queryset: QuerySet) -> QuerySet:
        return queryset

    def export_columns(self) -> list[Column]:
        return registers.columns_of(ImportBatch.Kind.PRODUCTS, {"shop": lambda product: product.shop.code})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        product = self.get_object(request, object_id)
        record = record_of(product) if isinstance(product, Product) else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **record})


def record_of(product: Product) -> dict[str, Any]:
    """What stands about a product: its listings, its metrics of the last days, penalties."""
    today = timezone.localdate()
    # The days by name: the key is (day, product).
    recent = [today - timedelta(days=ago) for ago in range(DAYS_SHOWN)]
    return {
        "listings": listings.with_standing(product.listings.select_related("alliance").order_by("alliance")),
        "penalties": product.penalties.select_related("alliance", "violation")[:20],
        "metrics": ProductMetrics.objects.filter(product=product, day__in=recent).order_by("-day"),
        "metric_names": {key: metric.name for key, metric in PRODUCT_METRICS.items()},
    }


@admin.register(Listing)
class ListingAdmin(Importing, ReadOnlyAdmin):
    import_kind = ImportBatch.Kind.LISTINGS
    when_empty = _("No product is listed yet. Import a file of listings, after that of products.")
    list_display = ["product", "shop", "alliance", "standing_pill", "state_pill", "since"]
    list_filter = [ShopFilter, "alliance", "state"]
    list_select_related = ["product__shop", "alliance"]
    search_fields = ["product__code", "product__name"]
    search_help_text = _("Product's code or name.")
    # Newest first costs an index scan; by product it would sort them all.
    ordering = ["-id"]
    sortable_by = ()
    fields = ["product", "alliance", "standing_pill", "state", "since", "batch"]
    readonly_fields = ["standing_pill"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return listings.with_standing(super().get_queryset(request))

    @admin.display(description=pgettext_lazy("product", "standing"))
    def standing_pill(self, listing: Any) -> str:
        return standing_pill(listing.standing)

    @admin.display(description=_("shop"))
    def shop(self, listing: Listing) -> str:
        return str(listing.product.shop)

    @admin.display(description=_("state"))
    def state_pill(self, listing: Listing) -> str:
        return pill(listing.state, listing.get_state_display())

    def export_queryset(self, queryset: QuerySet) -> QuerySet:
        return queryset

    def export_columns(self) -> list[Column]:
        return registers.columns_of(
            ImportBatch.Kind.LISTINGS,
            {
                "product": lambda listing: listing.product.code,
                "alliance": lambda listing: listing.alliance.code,
            },
        )
