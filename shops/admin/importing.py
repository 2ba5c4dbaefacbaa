"""A register's way in: django-import-export's address, form and permission, our own import behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from import_export.admin import ImportMixin
from import_export.fields import Field
from import_export.formats.base_formats import CSV
from import_export.forms import ImportForm

from shops import imports, jobs
from shops.admin.exporting import ListResource
from shops.admin.forms import form_page
from shops.errors import Refused
from shops.imports.tables import TABLES
from shops.models import ImportBatch
from shops.rights import person_of


class RegisterForm(ImportForm):
    """The library's, without the question of the format: that is found in the file."""

    def _init_formats(self, formats: Any) -> None:
        del self.fields["format"]
        self.fields["import_file"].widget.attrs["accept"] = ".csv,.txt,.xlsx,text/csv"


class Importing(ImportMixin):
    """Adds `import/` beside a register. What comes in there is shown before it is applied, as everywhere."""

    import_kind: str
    import_form_class = RegisterForm
    # The library wants to hear of one.
    import_formats = [CSV]
    import_export_change_list_template = None

    if TYPE_CHECKING:
        model: type[models.Model]
        admin_site: AdminSite

    def get_urls(self) -> list[URLPattern]:
        # The library's second step, which would write by itself, row by row.
        return [url for url in super().get_urls() if not str(url.name).endswith("_process_import")]

    def get_import_resource_classes(self, request: HttpRequest) -> list[type[ListResource]]:
        fields = {column.name: Field(column_name=column.name) for column in TABLES[self.import_kind].columns}
        return [type(f"{self.model.__name__}Resource", (ListResource,), fields)]

    def import_action(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Take the file, leave it to a worker and go to watch it."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        form = self.create_import_form(request)
        if request.method == "POST" and form.is_valid():
            file = form.cleaned_data["import_file"]
            try:
                batch = imports.receive(
                    kind=self.import_kind,
                    file=file,
                    file_name=file.name,
                    by=person_of(request),
                    at=timezone.now(),
                    consent=ImportBatch.Consent.ASK,
                )
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                jobs.ask_for(batch)
                return HttpResponseRedirect(reverse("admin:shops_importbatch_change", args=[batch.pk]))
        columns = ", ".join(
            f"{column.name} ({column.name_zh})" for column in TABLES[self.import_kind].columns
        )
        return form_page(
            request,
            self.admin_site,
            form,
            title=_("Import a file"),
            intro=_("CSV or XLSX with these columns, in any order: %(columns)s.") % {"columns": columns},
            submit=_("Import"),
            back=reverse(f"admin:shops_{self.model._meta.model_name}_changelist"),
            status=400 if form.errors else 200,
            opts=self.opts,
        )

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        address = "import/" if self.has_import_permission(request) else ""
        answer: HttpResponse = super().changelist_view(
            request, {"import_address": address, **(extra_context or {})}
        )
        return answer
