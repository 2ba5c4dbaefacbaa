"""Thresholds of points. They stand here, for a proposal may rest on one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from rules.models import Proposal
from shops.admin.readonly import ReadOnlyAdmin
from shops.models import Measure, PointsThreshold
from shops.rights import person_of


class ThresholdForm(forms.ModelForm):
    kinds = forms.MultipleChoiceField(
        label=_("measures proposed"),
        choices=[(kind.value, kind.label) for kind in PointsThreshold.PROPOSED],
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = PointsThreshold
        fields = ["alliance", "points", "kinds", "days"]


@admin.register(PointsThreshold)
class PointsThresholdAdmin(ReadOnlyAdmin):
    """No document gives a threshold (R16): they are a supervisor's."""

    form = ThresholdForm
    when_empty = _("No threshold is set: points count, and nothing follows from them by itself.")
    list_display = ["scope", "points", "measures", "days"]
    list_display_links = ["scope"]
    list_select_related = ["alliance"]
    fields = ["alliance", "points", "kinds", "days"]

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return request.user.has_perm("shops.add_pointsthreshold")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("shops.change_pointsthreshold")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        # One that something was proposed by is what that proposal rests on.
        unused = obj is None or not Proposal.objects.filter(points_threshold=obj.pk).exists()
        return unused and request.user.has_perm("shops.delete_pointsthreshold")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.save_by(person_of(request))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        obj.delete_by(person_of(request))

    @admin.display(description=_("alliance"), ordering="alliance")
    def scope(self, threshold: PointsThreshold) -> str:
        return str(threshold.alliance or _("the platform"))

    @admin.display(description=_("measures proposed"))
    def measures(self, threshold: PointsThreshold) -> str:
        labels = dict(Measure.Kind.choices)
        return ", ".join(str(labels[kind]) for kind in threshold.kinds)
