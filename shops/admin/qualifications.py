from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from shops.admin import registers
from shops.admin.cells import pill
from shops.admin.exporting import Column
from shops.admin.importing import Importing
from shops.admin.readonly import ReadOnlyAdmin
from shops.models import ImportBatch, Qualification


class ExpiryFilter(admin.SimpleListFilter):
    title = _("expiry")
    parameter_name = "expires"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        within = ngettext_lazy("within %(count)s day", "within %(count)s days", "count")
        return [
            *((str(count), within % {"count": count}) for count in (1, 7, 15, 30)),
            ("past", _("expired")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        today = timezone.localdate()
        asked = self.value() or ""
        if asked == "past":
            return queryset.filter(valid_until__lt=today)
        if asked in ("1", "7", "15", "30"):
            return queryset.filter(valid_until__range=(today, today + timedelta(days=int(asked))))
        return queryset


@admin.register(Qualification)
class QualificationAdmin(Importing, ReadOnlyAdmin):
    import_kind = ImportBatch.Kind.QUALIFICATIONS
    when_empty = _("No papers are on file. Import a file of qualifications.")
    list_display = ["shop", "kind", "brand", "valid_until", "verdict_pill", "received_at"]
    list_filter = [ExpiryFilter, "kind", "verdict"]
    list_select_related = ["shop"]
    search_fields = ["shop__code", "shop__name", "brand"]
    search_help_text = _("Shop's code or name, or the brand.")
    ordering = ["-id"]
    sortable_by = ["valid_until"]
    fields = ["shop", "kind", "brand", "valid_until", "verdict", "received_at", "batch"]

    def export_queryset(self, queryset: QuerySet) -> QuerySet:
        return queryset

    def export_columns(self) -> list[Column]:
        return registers.columns_of(ImportBatch.Kind.QUALIFICATIONS, {"shop": lambda paper: paper.shop.code})

    @admin.display(description=_("verdict"))
    def verdict_pill(self, paper: Qualification) -> str:
        return pill(paper.verdict, paper.get_verdict_display())
