from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Max
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from shops.admin.forms import DayInput
from shops.admin.readonly import ChangedBy, ReadOnlyAdmin
from shops.models import Alliance, Enrollment, PromotionPeriod
from shops.rights import person_of

CHANGE = "shops.change_alliance"
ADMISSION = ["openings_limit", "category_not_served", "warns_on_lost_admission"]
TIME_LIMITS = ["notice_days", "cool_down_days", "refile_after_days", "points_days"]
DEPOSITS = ["deposit_rule", "deposit_due", "top_up_days"]
BRAKES = ["most_cleared", "least_measured", "oldest_days", "largest_jump", "holds_repeated_days"]


class AllianceForm(forms.ModelForm):
    class Meta:
        model = Alliance
        fields = [*ADMISSION, *TIME_LIMITS, *DEPOSITS, *BRAKES]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("most_cleared", "least_measured", "largest_jump"):
            # Who may only look has no such field.
            if name in self.fields and self.initial.get(name) is not None:
                self.initial[name] = f"{self.initial[name].normalize():f}"

    def clean_openings_limit(self) -> int | None:
        """A limit below what has been used already would make the record contradict itself."""
        limit = self.cleaned_data["openings_limit"]
        used = Enrollment.objects.filter(alliance=self.instance).aggregate(most=Max("openings_used"))["most"]
        if limit is not None and used is not None and limit < used:
            raise forms.ValidationError(_t("A shop has already used %(used)s openings.") % {"used": used})
        return limit

    def clean_most_cleared(self) -> Decimal | None:
        return self._share("most_cleared")

    def clean_least_measured(self) -> Decimal | None:
        return self._share("least_measured")

    def clean_largest_jump(self) -> Decimal | None:
        jump = self.cleaned_data["largest_jump"]
        if jump is not None and jump <= 0:
            raise forms.ValidationError(_t("More than 0; empty for none."))
        return jump

    def clean_points_days(self) -> int | None:
        days = self.cleaned_data["points_days"]
        if days is not None and days < 1:
            raise forms.ValidationError(_t("1 day at least; empty for until the end of 31 December."))
        return days

    def _share(self, name: str) -> Decimal | None:
        share = self.cleaned_data[name]
        if share is not None and not 0 < share <= 1:
            raise forms.ValidationError(_t("A share: more than 0, at most 1; empty for none."))
        return share


class PromotionPeriodForm(forms.ModelForm):
    class Meta:
        model = PromotionPeriod
        fields = ["name_en", "name_zh", "first_day", "last_day", "effect"]
        widgets = {
            "name_en": forms.TextInput(attrs={"size": 18}),
            "name_zh": forms.TextInput(attrs={"size": 18}),
            "first_day": DayInput,
            "last_day": DayInput,
        }

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        first, last = given.get("first_day"), given.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", _t("The last day lies before the first."))
        return given


class PromotionPeriodInline(ChangedBy, admin.TabularInline):
    """A supervisor's, like the alliance's other settings."""

    model = PromotionPeriod
    form = PromotionPeriodForm
    changed_by = CHANGE
    extra = 1
    ordering = ["-first_day"]


@admin.register(Alliance)
class AllianceAdmin(ReadOnlyAdmin):
    """Its settings are a supervisor's; which alliances there are is shipped."""

    form = AllianceForm
    list_display = ["name", "code", "openings_limit", "notice_days", "cool_down_days", "category_not_served"]
    list_display_links = ["name"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "code",
                    "name_en",
                    "name_zh",
                    "openings_limit",
                    "category_not_served",
                    "warns_on_lost_admission",
                ]
            },
        ),
        (
            _("Time limits"),
            {
                "fields": [*TIME_LIMITS],
                "description": _("All in days. They count from the day on which something was decided."),
            },
        ),
        (
            _("Deposits"),
            {
                "fields": [*DEPOSITS],
                "description": _("How much it is, deposit requirements and steps of the deposit say."),
            },
        ),
        (
            _("Brakes"),
            {
                "fields": [
                    "most_cleared",
                    "least_measured",
                    "oldest_days",
                    "largest_jump",
                    "holds_repeated_days",
                ],
                "description": _(
                    "A check that trips one of them is held: it files nothing until a supervisor "
                    "releases it. Shares are written as 0.1 for 10 %. Empty: this brake is off."
                ),
            },
        ),
    ]
    readonly_fields = ["code", "name_en", "name_zh"]
    inlines = [PromotionPeriodInline]

    @admin.display(description=_("name"))
    def name(self, alliance: Alliance) -> str:
        return alliance.name

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(CHANGE)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Each period's history says who set it."""
        periods = formset.save(commit=False)
        for period in formset.deleted_objects:
            period.delete_by(person_of(request))
        for period in periods:
            period.save_by(person_of(request))
        formset.save_m2m()
