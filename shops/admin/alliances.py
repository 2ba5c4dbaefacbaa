from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Max
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from shops.admin.readonly import ReadOnlyAdmin
from shops.models import Alliance, Enrollment


class AllianceForm(forms.ModelForm):
    class Meta:
        model = Alliance
        fields = ["openings_limit", "refile_after_days", "category_not_served"]

    def clean_openings_limit(self) -> int | None:
        """A limit below what has been used already would make the record contradict itself."""
        limit = self.cleaned_data["openings_limit"]
        used = Enrollment.objects.filter(alliance=self.instance).aggregate(most=Max("openings_used"))["most"]
        if limit is not None and used is not None and limit < used:
            raise forms.ValidationError(_t("A shop has already used %(used)s openings.") % {"used": used})
        return limit


@admin.register(Alliance)
class AllianceAdmin(ReadOnlyAdmin):
    """Its settings are a supervisor's; which alliances there are is shipped."""

    form = AllianceForm
    list_display = ["name", "code", "openings_limit", "refile_after_days", "category_not_served"]
    list_display_links = ["name"]
    fields = ["code", "name_en", "name_zh", "openings_limit", "refile_after_days", "category_not_served"]
    readonly_fields = ["code", "name_en", "name_zh"]

    @admin.display(description=_("name"))
    def name(self, alliance: Alliance) -> str:
        return alliance.name

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("shops.change_alliance")
