"""How long each step of an appeal may take, which days are working days, and whom shops appeal to."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.postgres.forms import SimpleArrayField
from django.http import HttpRequest

from opsdesk.models import AppealTerms
from shops.admin.forms import DayField
from shops.admin.readonly import ReadOnlyAdmin


class DayList(SimpleArrayField):
    """Days with commas between them; the wide comma of a Chinese keyboard and a new line are one too."""

    def __init__(self, base_field: Any = None, **kwargs: Any) -> None:
        super().__init__(DayField(), **kwargs, widget=forms.Textarea(attrs={"rows": 3}))

    def clean(self, value: Any) -> Any:
        days = re.sub(r"[\s,，、]+", ",", value).strip(",") if isinstance(value, str) else value
        return sorted(set(super().clean(days)))


class TermsForm(forms.ModelForm):
    class Meta:
        model = AppealTerms
        fields = "__all__"
        field_classes = {"days_off": DayList, "days_worked": DayList}


@admin.register(AppealTerms)
class AppealTermsAdmin(ReadOnlyAdmin):
    """One row, which a supervisor changes."""

    form = TermsForm
    list_display = ["__str__", "first_days", "second_days", "answer_days", "ruling_days", "lease_hours"]
    fields = [
        "first_days",
        "second_days",
        "answer_days",
        "ruling_days",
        "lease_hours",
        "issuer_zh",
        "issuer_en",
        "contact_zh",
        "contact_en",
        "days_off",
        "days_worked",
    ]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("opsdesk.change_appealterms")
