"""A person's own exports: how far they have come, and the files of those that are done."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from shops import outgoing
from shops.admin.cells import NOTHING, number, pill
from shops.admin.exporting import CONTENT_TYPES
from shops.models import Export
from shops.rights import person_of


@admin.register(Export)
class ExportAdmin(admin.ModelAdmin):
    """Nobody sees what others took away. An export has no page of its own: the list says all of it."""

    when_empty = _(
        "Nothing has been written to a file yet. Open a list and choose “Export this list”: a long one"
        " is written to a file, which then stands here."
    )
    list_display = ["title", "format", "state_pill", "progress", "asked_at", "file"]
    list_display_links = None
    list_per_page = 50
    show_full_result_count = False
    actions = None
    sortable_by = ()
    empty_value_display = NOTHING

    def get_queryset(self, request: HttpRequest) -> QuerySet[Export]:
        return super().get_queryset(request).filter(asked_by=person_of(request))

    @admin.display(description=_("list"))
    def title(self, export: Export) -> str:
        source = outgoing.SOURCES.get(export.source)
        return source.export_title(export.query) if source else export.source

    @admin.display(description=_("state"))
    def state_pill(self, export: Export) -> str:
        shown = pill(export.state, export.get_state_display())
        return format_html("{} {}", shown, export.problem) if export.problem else shown

    @admin.display(description=_("rows"))
    def progress(self, export: Export) -> str:
        if export.state == Export.State.DONE or export.total is None:
            return number(export.total)
        return f"{number(export.written)} / {number(export.total)}"

    @admin.display(description=_("file"))
    def file(self, export: Export) -> str:
        if export.state != Export.State.DONE:
            return NOTHING
        address = reverse("admin:shops_export_download", args=[export.pk])
        return format_html('<a href="{}" download>{}</a>', address, _("Download"))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.download_view)
        return [path("<int:pk>/download/", view, name="shops_export_download"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        waiting = self.get_queryset(request).filter(state__in=Export.UNFINISHED).exists()
        title = capfirst(self.opts.verbose_name_plural)
        context = {"title": title, "waiting": waiting, "kept_days": outgoing.KEPT.days}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        raise Http404

    def history_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        raise Http404

    @method_decorator(require_GET)
    def download_view(self, request: HttpRequest, pk: int) -> FileResponse:
        """The file, for who asked for it and still may have the list."""
        export = self.get_queryset(request).filter(pk=pk, state=Export.State.DONE).first()
        if export is None:
            raise Http404
        source = outgoing.SOURCES.get(export.source)
        if source is None or not source.may_export(person_of(request)):
            raise PermissionDenied
        kept = outgoing.path_of(export)
        if not kept.exists():
            raise Http404
        answer = FileResponse(
            kept.open("rb"),
            as_attachment=True,
            filename=f"{export.source.rpartition('.')[2]}-{export.pk}.{export.format}",
            content_type=CONTENT_TYPES[Export.Format(export.format)],
        )
        answer["Cache-Control"] = "no-store"
        return answer

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
