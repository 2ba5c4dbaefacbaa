"""A list's download: exactly the rows that its filters leave, streamed as CSV."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language, override

from shops.admin.readonly import ReadOnlyAdmin
from shops.exports import csv_lines

Column = tuple[str | Promise, Callable[[Any], object]]


class DownloadableAdmin(ReadOnlyAdmin):
    """Adds `download/` beside the list. Needs its own permission: looking is not taking away."""

    download_permission: ClassVar[str]

    @abstractmethod
    def download_columns(self) -> Sequence[Column]:
        """Header and value of each column."""

    def download_queryset(self, queryset: QuerySet) -> QuerySet:
        """What the rows need beyond the list's own query."""
        return queryset

    def get_urls(self) -> list[URLPattern]:
        meta = self.model._meta
        view = self.admin_site.admin_view(self.download_view)
        name = f"{meta.app_label}_{meta.model_name}_download"
        return [path("download/", view, name=name), *super().get_urls()]

    def has_download_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request) and request.user.has_perm(self.download_permission)

    def download_view(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        if not self.has_download_permission(request):
            raise PermissionDenied
        try:
            changelist = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            meta = self.model._meta
            return HttpResponseRedirect(reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist"))
        return self.download(changelist.get_queryset(request))

    def download(self, queryset: QuerySet) -> StreamingHttpResponse:
        columns = self.download_columns()
        rows = self.download_queryset(queryset).iterator(chunk_size=2000)
        language = get_language() or "en"

        def cells(row: Model) -> list[object]:
            # The body is written after the request's language has been put back.
            with override(language):
                return [value(row) for _header, value in columns]

        response = StreamingHttpResponse(
            csv_lines([str(header) for header, _value in columns], map(cells, rows)),
            content_type="text/csv; charset=utf-8",
        )
        name = f"{self.model._meta.model_name}s-{timezone.localdate().isoformat()}.csv"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        response["Cache-Control"] = "no-store"
        return response

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        may = self.has_download_permission(request)
        query = request.GET.urlencode()
        address = f"download/?{query}" if query else "download/"
        return super().changelist_view(
            request, {"download_address": address if may else "", **(extra_context or {})}
        )
