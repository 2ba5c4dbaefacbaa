"""A list's way out: django-import-export's page to choose format and columns, our own streams behind it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.http import HttpRequest, HttpResponseRedirect, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from import_export.admin import ExportMixin
from import_export.fields import Field
from import_export.formats.base_formats import CSV, XLSX
from import_export.forms import SelectableFieldsExportForm
from import_export.resources import Resource

from shops import jobs, outgoing
from shops.errors import NotAllowed
from shops.exports import csv_lines, write_xlsx
from shops.models import Export, Shop
from shops.rights import person_of

if TYPE_CHECKING:
    from django.contrib.auth.models import User

CONTENT_TYPES = {
    Export.Format.CSV: "text/csv; charset=utf-8",
    Export.Format.XLSX: XLSX.CONTENT_TYPE,
}
# As django-import-export numbers them in its form.
FORMATS = {CSV: Export.Format.CSV, XLSX: Export.Format.XLSX}


@dataclass(frozen=True)
class Column:
    """A column of an export: its key, its heading, what stands in it. `label`: how the form calls it."""

    name: str
    heading: str | Promise
    value: Callable[[Any], object]
    label: str | Promise = ""


class ListResource(Resource):
    """What django-import-export's form reads the columns from. It writes nothing."""

    @classmethod
    def get_display_name(cls) -> str:
        return cls.__name__


class ColumnsForm(SelectableFieldsExportForm):
    """Which format, which columns: all of them unless people say otherwise."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["format"].choices = [
            (str(number), written.label) for number, written in enumerate(FORMATS.values())
        ]

    def _get_field_label(self, resource: Any, field_name: str) -> str:
        return str(resource.fields[field_name].column_name)

    def _validate_any_field_selected(self, resource: Any) -> None:
        if not self.get_selected_resource_export_fields():
            raise forms.ValidationError(_("Choose at least one column."))


class Exporting(ExportMixin):
    """Adds `export/` beside a list. Needs its own permission: looking is not taking away."""

    export_formats = list(FORMATS)
    export_form_class = ColumnsForm
    export_template_name = "admin/export.html"
    import_export_change_list_template = None

    if TYPE_CHECKING:
        model: type[models.Model]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        outgoing.SOURCES[self.opts.label_lower] = self

    # What an admin class says of its export

    def export_columns(self) -> Sequence[Column]:
        """All the model's own fields under their names, unless the list is better told otherwise."""
        return [column for field in fields_of(self.model) for column in columns_of(field)]

    def export_queryset(self, queryset: models.QuerySet) -> models.QuerySet:
        """What the columns need beyond the list's own query: by default all that the model points at."""
        related = [field.name for field in fields_of(self.model) if field.is_relation]
        return queryset.select_related(*related) if related else queryset

    def lasting_query(self, request: HttpRequest) -> str:
        """The filters of this address, such that they mean the same in a job."""
        return request.GET.urlencode()

    # A source of exports

    def may_export(self, user: User) -> bool:
        return self.has_export_permission(_request(user, ""))

    def export_title(self, query: str) -> str:
        return capfirst(str(self.opts.verbose_name_plural))

    def opened(self, user: User, query: str, columns: Sequence[str]) -> outgoing.Opened:
        request = _request(user, query)
        if not self.has_export_permission(request):
            raise NotAllowed
        chosen = [column for column in self.export_columns() if column.name in columns]
        return outgoing.Opened(
            [str(column.heading) for column in chosen],
            self.export_queryset(self.get_export_queryset(request)),
            lambda row: [column.value(row) for column in chosen],
        )

    # django-import-export's page

    def has_export_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request) and super().has_export_permission(request)

    def get_export_resource_classes(self, request: HttpRequest) -> list[type[ListResource]]:
        fields = {
            c.name: Field(column_name=c.label or capfirst(str(c.heading))) for c in self.export_columns()
        }
        return [type(f"{self.model.__name__}Resource", (ListResource,), fields)]

    def get_valid_export_item_pks(self, request: HttpRequest) -> list[int]:
        # Rows are chosen by filters; the library would read the keys of all there are.
        return []

    def export_action(self, request: HttpRequest) -> HttpResponseBase:
        try:
            answer: HttpResponseBase = super().export_action(request)
        except IncorrectLookupParameters:
            meta = self.opts
            return HttpResponseRedirect(reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist"))
        return answer

    def _do_file_export(
        self, file_format: Any, request: HttpRequest, queryset: models.QuerySet, export_form: Any = None
    ) -> HttpResponseBase:
        return deliver(
            request,
            self.opts.label_lower,
            query=self.lasting_query(request),
            columns=export_form.get_selected_resource_export_fields(),
            format=FORMATS[type(file_format)],
            file_name=self.opts.model_name,
        )


def deliver(
    request: HttpRequest,
    source: str,
    *,
    query: str,
    columns: Sequence[str],
    format: Export.Format,
    file_name: str,
) -> HttpResponseBase:
    """The file at once where it has few rows, else the page on which its writing can be watched."""
    person = person_of(request)
    opened = outgoing.SOURCES[source].opened(person, query, columns)
    if opened.is_long:
        export = outgoing.ask(
            source=source,
            query=query,
            columns=columns,
            format=format,
            language=get_language() or "en",
            by=person,
            at=timezone.now(),
        )
        jobs.ask_for_export(export)
        messages.success(request, _t("This is a long list. It is being written, and stands here when done."))
        return HttpResponseRedirect(reverse("admin:shops_export_changelist"))
    response = StreamingHttpResponse(_content(opened, format), content_type=CONTENT_TYPES[format])
    name = f"{file_name}-{timezone.localdate().isoformat()}.{format}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


def _content(opened: outgoing.Opened, format: Export.Format) -> Iterator[str] | Iterator[bytes]:
    rows = opened.rows()
    return csv_lines(opened.header, rows) if format == Export.Format.CSV else _workbook(opened.header, rows)


def _workbook(header: Sequence[str], rows: Iterator[Sequence[object]]) -> Iterator[bytes]:
    """A workbook is whole only when its last row is written."""
    with tempfile.TemporaryFile() as file:
        write_xlsx(file, header, rows)
        file.seek(0)
        while block := file.read(1 << 16):
            yield block


def _request(user: User, query: str) -> HttpRequest:
    """What a list's page would be asked with by this person."""
    request = HttpRequest()
    request.method = "GET"
    request.user = user
    request.GET = QueryDict(query)
    return request


def fields_of(model: type[models.Model]) -> list[models.Field]:
    """The fields that make a table: all but the key and what has a structure of its own."""
    nested = (models.JSONField, ArrayField)
    return [f for f in model._meta.concrete_fields if not f.primary_key and not isinstance(f, nested)]


def columns_of(field: models.Field) -> Iterator[Column]:
    """A field as people read it: choices in words, records by their code, people and shops by name."""
    name, heading = field.name, field.verbose_name
    if field.related_model is Shop:
        yield Column(name, _("shop's code"), lambda row: getattr(row, name).code)
        yield Column(f"{name}_name", heading, lambda row: getattr(row, name).name)
    elif field.is_relation:
        yield Column(name, heading, lambda row: _known_as(getattr(row, name)))
    elif field.choices:
        yield Column(name, heading, lambda row: getattr(row, f"get_{name}_display")())
    else:
        yield Column(name, heading, lambda row: getattr(row, name))


def _known_as(record: Any) -> object:
    if record is None:
        return ""
    if hasattr(record, "get_username"):
        return record.get_username()
    return getattr(record, "code", None) or str(record)
