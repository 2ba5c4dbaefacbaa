from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from shops.admin.cells import number
from shops.admin.readonly import ReadOnlyAdmin
from shops.models import ImportSource


@admin.register(ImportSource)
class ImportSourceAdmin(ReadOnlyAdmin):
    """How files from somewhere are read. Saved on the page of a file that was not understood."""

    when_empty = _(
        "None is saved yet. Where a file is not understood, say what its columns mean and save that."
    )
    list_display = ["name", "kind", "encoding", "delimiter", "column_count"]
    list_filter = ["kind"]
    search_fields = ["name"]
    search_help_text = _("Name.")
    fields = ["name", "kind", "encoding", "delimiter", "columns"]

    @admin.display(description=_("columns"))
    def column_count(self, source: ImportSource) -> str:
        return number(len(source.columns))
