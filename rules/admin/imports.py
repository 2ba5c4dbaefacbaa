"""Files that came in: the list, an import's page with all that people do there, and the page that takes one.

It stands here and not below since an import is reversed together with the proposals that rest on it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
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
from django.views.decorators.http import require_GET, require_POST

from rules import reversals
from rules.admin.import_forms import ColumnsForm, FileForm
from rules.admin.import_rights import may_import, may_take
from rules.admin.import_told import told
from shops import imports, jobs
from shops.admin.cells import number, pill
from shops.admin.forms import form_page
from shops.admin.verbs import Verb, VerbsAdmin
from shops.errors import Refused
from shops.models import ImportBatch
from shops.rights import person_of

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Consent = ImportBatch.Consent
Kind = ImportBatch.Kind


@admin.register(ImportBatch)
class ImportBatchAdmin(VerbsAdmin):
    change_form_template = "admin/shops/importbatch/change_form.html"
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
        ("partial", "consent"),
        ("received_at", "received_by"),
        ("as_of", "finished_at"),
        ("first_day", "last_day"),
        ("source", "read_as"),
        "earlier",
        ("size", "seconds"),
        "sha256",
    ]
    # The import's own page tells these in words.
    history_leaves_out = frozenset(
        {"absent", "changes", "columns", "errors", "error_counts", "headers", "suspicions"}
    )
    verbs = (
        Verb(
            "reverse",
            permission="shops.reverse_import",
            title=_("Reverse the import"),
            note=_("what it brought is taken back, and open proposals that rest on it are withdrawn."),
            submit=_("Reverse it"),
            done=_("The import is reversed."),
            offered=lambda batch: (
                batch.state == ImportBatch.State.APPLIED and batch.kind in imports.REVERSIBLE
            ),
            call=lambda batch, by, reason: reversals.reverse_import(
                batch.pk, by=by, reason=reason, at=timezone.now()
            ),
        ),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        queryset = super().get_queryset(request)
        match = request.resolver_match
        # The list shows no errors, and each import may have twenty.
        return (
            queryset
            if match and "object_id" in match.kwargs
            else queryset.defer("errors", "changes", "suspicions")
        )

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
            path("<int:batch_id>/confirm/", view(self.confirm_view), name="shops_importbatch_confirm"),
            path("<int:batch_id>/cancel/", view(self.cancel_view), name="shops_importbatch_cancel"),
            path("<int:batch_id>/columns/", view(self.columns_view), name="shops_importbatch_columns"),
            path("<int:batch_id>/source/", view(self.source_view), name="shops_importbatch_source"),
            path("<int:batch_id>/rejected/", view(self.rejected_view), name="shops_importbatch_rejected"),
            *super().get_urls(),
        ]

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return any(may_import(request, kind) for kind in Kind)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Take a file, leave it to a worker and go to watch it."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = FileForm(
            request.POST or None,
            request.FILES or None,
            initial={"kind": request.GET.get("kind")},
            kinds=[kind for kind in Kind if may_import(request, kind)],
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
                    consent=Consent.UNLESS_SUSPICIOUS if given["at_once"] else Consent.ASK,
                    source=given["source"],
                    reading=form.reading,
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
        more = (
            told(batch, may_import=may_import(request, batch.kind), may_take=may_take(request, batch))
            if batch is not None
            else {}
        )
        return super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})

    @method_decorator(require_POST)
    def confirm_view(self, request: HttpRequest, batch_id: int) -> HttpResponse:
        """Have applied what was shown."""
        return self._do(request, batch_id, lambda by: jobs.ask_for(imports.confirm(batch_id, by=by)))

    @method_decorator(require_POST)
    def cancel_view(self, request: HttpRequest, batch_id: int) -> HttpResponse:
        """Call it off."""
        return self._do(request, batch_id, lambda by: imports.cancel(batch_id, by=by))

    def _do(self, request: HttpRequest, batch_id: int, verb: Callable[[User], object]) -> HttpResponse:
        if not may_import(request, self._seen(request, batch_id).kind):
            raise PermissionDenied
        try:
            verb(person_of(request))
        except Refused as refusal:
            messages.error(request, str(refusal))
        return HttpResponseRedirect(reverse("admin:shops_importbatch_change", args=[batch_id]))

    def columns_view(self, request: HttpRequest, batch_id: int) -> HttpResponse:
        """Say what the headers of a refused file mean, and have it read anew."""
        batch = self._seen(request, batch_id)
        if not may_import(request, batch.kind):
            raise PermissionDenied
        back = reverse("admin:shops_importbatch_change", args=[batch_id])
        if batch.state not in imports.READ_ANEW:
            # Somebody was faster, or the page is an old one.
            return HttpResponseRedirect(back)
        form = ColumnsForm(
            request.POST or None,
            batch=batch,
            initial={"encoding": batch.encoding, "delimiter": batch.delimiter},
        )
        if request.method == "POST" and form.is_valid():
            try:
                anew = imports.read_anew(
                    batch_id,
                    reading=form.reading,
                    remember_as=form.cleaned_data["remember_as"],
                    by=person_of(request),
                    at=timezone.now(),
                )
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                jobs.ask_for(anew)
                return HttpResponseRedirect(reverse("admin:shops_importbatch_change", args=[anew.pk]))
        return form_page(
            request,
            self.admin_site,
            form,
            title=_("How this file is to be read"),
            intro=_("What each column of “%(file)s” means. What you read over is not imported.")
            % {"file": batch.file_name},
            submit=_("Read it anew"),
            back=back,
            of=batch,
            status=400 if form.errors else 200,
            opts=self.opts,
        )

    @method_decorator(require_GET)
    def source_view(self, request: HttpRequest, batch_id: int) -> FileResponse:
        """The file as it came in."""
        batch = self._taken(request, batch_id)
        kept = imports.path_of(batch.sha256)
        if not kept.exists():
            raise Http404
        return FileResponse(
            kept.open("rb"),
            as_attachment=True,
            filename=batch.file_name,
            content_type="application/octet-stream",
        )

    @method_decorator(require_GET)
    def rejected_view(self, request: HttpRequest, batch_id: int) -> StreamingHttpResponse:
        """The rejected rows with their reasons, to be mended and sent again."""
        batch = self._taken(request, batch_id)
        kept = imports.rejected_path(batch.sha256, batch.pk)
        if not kept.exists():
            raise Http404
        response = StreamingHttpResponse(imports.rejects_csv(kept), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="rejected-{batch.pk}.csv"'
        response["Cache-Control"] = "no-store"
        return response

    def _taken(self, request: HttpRequest, batch_id: int) -> ImportBatch:
        """An import whose file this person may take away."""
        batch = self._seen(request, batch_id)
        if not may_take(request, batch):
            raise PermissionDenied
        return batch

    def _seen(self, request: HttpRequest, batch_id: int) -> ImportBatch:
        batch = ImportBatch.objects.filter(pk=batch_id).first()
        if batch is None or not self.has_view_permission(request, batch):
            raise PermissionDenied
        return batch
