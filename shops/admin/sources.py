from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from simple_history.models import ModelChange

from shops import imports
from shops.admin.cells import NOTHING, number
from shops.admin.readonly import Changes, ReadOnlyAdmin
from shops.models import ImportSource

ENCODINGS: dict[str, Any] = {
    "": _("found out"),
    "utf-8": "UTF-8",
    "gb18030": "GB18030 (GBK)",
    "utf-16": "UTF-16",
}
DELIMITERS: dict[str, Any] = {
    "": _("found out"),
    ",": _("comma"),
    ";": _("semicolon"),
    "\t": pgettext_lazy("delimiter", "tab"),
}


def _meanings(kind: str, columns: Mapping[str, str]) -> list[str]:
    """Header → what it means, in the reader's language."""
    names = {"": _t("(read over)"), **imports.column_names(kind)}
    return [f"{header or NOTHING} → {names.get(column, column)}" for header, column in columns.items()]


class SourceChanges(Changes):
    """What a source was to be read like, in words."""

    def prepare_delta_change_value(self, change: ModelChange, value: Any) -> Any:
        if change.field == "columns":
            return "; ".join(_meanings(self.record.kind, value)) or NOTHING
        words = {"encoding": ENCODINGS, "delimiter": DELIMITERS}.get(change.field)
        return super().prepare_delta_change_value(change, value) if words is None else words.get(value, value)


@admin.register(ImportSource)
class ImportSourceAdmin(ReadOnlyAdmin):
    """How files from somewhere are read. Saved on the page of a file that was not understood."""

    when_empty = _(
        "None is saved yet. Where a file is not understood, say what its columns mean and save that."
    )
    list_display = ["name", "kind", "encoding_name", "delimiter_name", "column_count"]
    list_filter = ["kind"]
    search_fields = ["name"]
    search_help_text = _("Name.")
    fields = ["name", "kind", "encoding_name", "delimiter_name", "meanings"]
    readonly_fields = ["encoding_name", "delimiter_name", "meanings"]
    history_changes = SourceChanges

    @admin.display(description=_("encoding"), ordering="encoding")
    def encoding_name(self, source: ImportSource) -> str:
        return str(ENCODINGS.get(source.encoding, source.encoding))

    @admin.display(description=_("delimiter"), ordering="delimiter")
    def delimiter_name(self, source: ImportSource) -> str:
        return str(DELIMITERS.get(source.delimiter, source.delimiter))

    @admin.display(description=_("columns"))
    def column_count(self, source: ImportSource) -> str:
        return number(len(source.columns))

    @admin.display(description=_("columns"))
    def meanings(self, source: ImportSource) -> str:
        lines = format_html_join(
            "", "<li>{}</li>", ((line,) for line in _meanings(source.kind, source.columns))
        )
        return format_html("<ul>{}</ul>", lines) if lines else NOTHING
