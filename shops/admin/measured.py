"""A day's metrics of all that a register holds, taken away from its list."""

from __future__ import annotations

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _

from shops.admin.exporting import deliver
from shops.admin.forms import DayField, form_page
from shops.admin.importing import Importing
from shops.admin.registers import MEASURED
from shops.models import Export, ImportBatch
from shops.rights import person_of


class MetricsForm(forms.Form):
    """A day's metrics, and how to write them."""

    day = DayField(label=_("Day"))
    format = forms.ChoiceField(label=_("Format"), choices=Export.Format.choices)


class Measured(Importing):
    """Adds `metrics/` beside a register of those who are measured daily, by files of `metrics_kind`."""

    metrics_kind: str

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.metrics_view)
        name = f"shops_{self.model._meta.model_name}_metrics"
        return [path("metrics/", view, name=name), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        may = MEASURED[self.metrics_kind].may_export(person_of(request))
        more = {"metrics_address": "metrics/" if may else "", **(extra_context or {})}
        return super().changelist_view(request, more)

    def metrics_view(self, request: HttpRequest) -> HttpResponseBase:
        """A day's metrics as a file that can be imported again."""
        source = MEASURED[self.metrics_kind]
        if not source.may_export(person_of(request)):
            raise PermissionDenied
        newest = ImportBatch.objects.filter(kind=self.metrics_kind, state=ImportBatch.State.APPLIED)
        initial = {"day": newest.aggregate(Max("last_day"))["last_day__max"]}
        form = MetricsForm(request.POST if request.method == "POST" else None, initial=initial)
        if request.method == "POST" and form.is_valid():
            day = form.cleaned_data["day"]
            return deliver(
                request,
                source.key,
                query=f"day={day.isoformat()}",
                columns=source.columns_on(day),
                format=Export.Format(form.cleaned_data["format"]),
                file_name=f"{self.metrics_kind}-{day.isoformat()}",
            )
        return form_page(
            request,
            self.admin_site,
            form,
            title=_("Export a day's metrics"),
            intro=_("All that was measured on that day, in a file that can be imported again."),
            submit=_("Export"),
            back=reverse(f"admin:shops_{self.model._meta.model_name}_changelist"),
            status=400 if form.errors else 200,
            # The answer may be a file.
            once_seconds=5,
            opts=self.opts,
        )
