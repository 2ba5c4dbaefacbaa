"""Files that came in: the list, one import's page with its errors, and the page that takes a file."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_GET

from shops import imports, jobs
from shops.admin.cells import number, pill
from shops.admin.forms import form_page
from shops.admin.readonly import ReadOnlyAdmin
from shops.errors import Refused
from shops.models import ImportBatch
from shops.rights import person_of


class FileForm(forms.Form):
    """A file and how it is to be taken."""

    kind = forms.ChoiceField(label=_("What the file holds"), choices=ImportBatch.Kind.choices)
    # What is wrong with an empty file, the import itself says.
    file = forms.FileField(
        label=_("File"),
        max_length=255,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv"}),
        help_text=_("CSV with headers in English or Chinese; UTF-8, GB18030 or UTF-16."),
    )
    partial = forms.BooleanField(
        label=_("Take the good rows"),
        required=False,
        help_text=_("Otherwise one bad row refuses the whole file."),
    )
    as_of = forms.DateTimeField(
        label=_("As of"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("Of what moment the file's knowledge is. Empty: now."),
    )


@admin.register(ImportBatch)
class ImportBatchAdmin(ReadOnlyAdmin):
    when_empty = _("No file has come in yet. Import one: shops first, then enrollments, papers and metrics.")
    list_display = [
        "file_name",
        "kind",
        "state_pill",
        "row_count",
        "created_count",
        "updated_count",
        "unchanged_count",
        "rejected_count",
        "received_by",
        "received_at",
    ]
    list_filter = ["kind", "state"]
    list_select_related = ["received_by"]
    search_fields = ["file_name"]
    search_help_text = _("File name.")
    ordering = ["-id"]
    sortable_by = ["received_at"]
    fields = [
        "kind",
        "partial",
        ("received_at", "received_by"),
        ("as_of", "finished_at"),
        ("first_day", "last_day"),
        ("size", "seconds"),
        "sha256",
    ]

    def get_queryset(self, request: HttpRequest) -> Any:
        queryset = super().get_queryset(request)
        match = request.resolver_match
        # The list shows no errors, and each import may have twenty.
        return queryset if match and "object_id" in match.kwargs else queryset.defer("errors")

    @admin.display(description=_("state"), ordering="state")
    def state_pill(self, batch: ImportBatch) -> str:
        return pill(batch.state, batch.get_state_display())

    @admin.display(description=_("rows"))
    def row_count(self, batch: ImportBatch) -> str:
        return number(batch.rows)

    @admin.display(description=_("created"))
    def created_count(self, batch: ImportBatch) -> str:
        return number(batch.created)

    @admin.display(description=_("updated"))
    def updated_count(self, batch: ImportBatch) -> str:
        return number(batch.updated)

    @admin.display(description=_("unchanged"))
    def unchanged_count(self, batch: ImportBatch) -> str:
        return number(batch.unchanged)

    @admin.display(description=pgettext_lazy("rows", "rejected"))
    def rejected_count(self, batch: ImportBatch) -> str:
        return number(batch.rejected)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:batch_id>/source/", view(self.source_view), name="shops_importbatch_source"),
            path("<int:batch_id>/rejected/", view(self.rejected_view), name="shops_importbatch_rejected"),
            *super().get_urls(),
        ]

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return request.user.has_perm("shops.import_data")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Take a file, leave it to a worker and go to watch it."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = FileForm(
            request.POST or None, request.FILES or None, initial={"kind": request.GET.get("kind")}
        )
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            try:
                batch = imports.receive(
                    kind=given["kind"],
                    file=given["file"],
                    file_name=given["file"].name,
                    by=person_of(request),
                    at=timezone.now(),
                    as_of=given["as_of"],
                    partial=given["partial"],
                )
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                jobs.ask_for(batch)
                return HttpResponseRedirect(reverse("admin:shops_importbatch_change", args=[batch.pk]))
        return form_page(
            request,
            self.admin_site,
            form,
            title=_("Import a file"),
            intro=_("Everything is checked before anything is written."),
            submit=_("Import"),
            back=reverse("admin:shops_importbatch_changelist"),
            status=400 if form.errors else 200,
            opts=self.opts,
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """The page people watch while a file waits and is checked: it loads itself again until then."""
        batch = self.get_object(request, object_id)
        more: dict[str, Any] = {}
        if isinstance(batch, ImportBatch):
            more = {
                "batch": batch,
                "unfinished": batch.state in ImportBatch.UNFINISHED,
                "counts": [
                    (_("rows"), batch.rows),
                    (_("created"), batch.created),
                    (_("updated"), batch.updated),
                    (_("unchanged"), batch.unchanged),
                    (pgettext_lazy("rows", "rejected"), batch.rejected),
                ],
                "errors_found": imports.errors_of(batch),
                "absent": imports.absent_of(batch),
                "has_rejected": imports.rejected_path(batch.sha256, batch.pk).exists(),
                "may_import": self.has_add_permission(request),
                "subtitle": None,
            }
        return super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})

    @method_decorator(require_GET)
    def source_view(self, request: HttpRequest, batch_id: int) -> FileResponse:
        """The file as it came in."""
        batch = self._seen(request, batch_id)
        kept = imports.path_of(batch.sha256)
        if not kept.exists():
            raise Http404
        return FileResponse(
            kept.open("rb"), as_attachment=True, filename=batch.file_name, content_type="text/csv"
        )

    @method_decorator(require_GET)
    def rejected_view(self, request: HttpRequest, batch_id: int) -> StreamingHttpResponse:
        """The rejected rows with their reasons, to be mended and sent again."""
        batch = self._seen(request, batch_id)
        kept = imports.rejected_path(batch.sha256, batch.pk)
        if not kept.exists():
            raise Http404
        response = StreamingHttpResponse(imports.rejects_csv(kept), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="rejected-{batch.pk}.csv"'
        response["Cache-Control"] = "no-store"
        return response

    def _seen(self, request: HttpRequest, batch_id: int) -> ImportBatch:
        batch = ImportBatch.objects.filter(pk=batch_id).first()
        if batch is None or not self.has_view_permission(request, batch):
            raise PermissionDenied
        return batch
