from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Max
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from shops.admin.forms import DayInput
from shops.admin.readonly import ReadOnlyAdmin
from shops.models import Alliance, Enrollment, PromotionPeriod

# What a supervisor sets.
ADMISSION = ["openings_limit", "cool_down_days", "category_not_served"]
PROPOSING = ["refile_after_days", "warns_on_lost_admission", "notice_days"]
BRAKES = ["most_cleared", "least_measured", "oldest_days", "largest_jump", "holds_repeated_days"]
SETTINGS = [*ADMISSION, *PROPOSING, *BRAKES]


class AllianceForm(forms.ModelForm):
    class Meta:
        model = Alliance
        fields = SETTINGS

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
    fieldsets = [
        (None, {"fields": ["code", "name_en", "name_zh"]}),
        (_("Admission"), {"fields": ADMISSION}),
        (_("Rules and proposals"), {"fields": PROPOSING}),
        (
            _("Brakes of the daily check"),
            {
                "fields": BRAKES,
                "description": _("A check that trips one is held; an empty one holds nothing. Shares of 1."),
            },
        ),
    ]
    readonly_fields = ["code", "name_en", "name_zh"]

    @admin.display(description=_("name"))
    def name(self, alliance: Alliance) -> str:
        return alliance.name

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("shops.change_alliance")


class PromotionPeriodForm(forms.ModelForm):
    class Meta:
        model = PromotionPeriod
        fields = ["alliance", "name_en", "name_zh", "first_day", "last_day", "effect"]
        widgets = {"first_day": DayInput, "last_day": DayInput}


@admin.register(PromotionPeriod)
class PromotionPeriodAdmin(ReadOnlyAdmin):
    """A supervisor's, like the alliances' settings."""

    form = PromotionPeriodForm
    when_empty = _("No promotion days. On such days clearances wait, or take a supervisor.")
    list_display = ["name", "alliance", "first_day", "last_day", "effect"]
    list_display_links = ["name"]
    list_filter = ["alliance", "effect"]
    list_select_related = ["alliance"]
    fields = PromotionPeriodForm.Meta.fields

    @admin.display(description=_("name"))
    def name(self, period: PromotionPeriod) -> str:
        return period.name

    def _may(self, request: HttpRequest) -> bool:
        return request.user.has_perm("shops.change_alliance")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._may(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request)
