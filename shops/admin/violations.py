from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from shops.admin.readonly import ReadOnlyAdmin
from shops.models import Violation


@admin.register(Violation)
class ViolationAdmin(ReadOnlyAdmin):
    list_display = ["code", "name", "group", "serious", "endangers_transactions", "source"]
    list_filter = ["group", "serious"]
    search_fields = ["code", "name_en", "name_zh"]

    @admin.display(description=_("name"))
    def name(self, violation: Violation) -> str:
        return violation.name
