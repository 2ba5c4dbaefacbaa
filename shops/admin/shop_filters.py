"""The filters of the list of shops."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from shops import standing
from shops.models import Shop


class StandingFilter(admin.SimpleListFilter):
    """By what the list shows: what the platform reports, unless the desk's own record says more."""

    title = pgettext_lazy("shop", "standing")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return list(Shop.Status.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() in Shop.Status.values:
            # An export lists shops without their standing.
            return standing.with_standing(queryset, timezone.now()).filter(standing=self.value())
        return queryset
