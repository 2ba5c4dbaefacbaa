"""What the desk's record pages have in common: looked at, searched, never edited or deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import yesno
from django.utils import timezone
from django.utils.formats import localize
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from simple_history.admin import SimpleHistoryAdmin
from simple_history.models import HistoricalChanges, ModelChange, ModelDelta
from simple_history.template_utils import HistoricalRecordContextHelper

from shops.admin.cells import NOTHING
from shops.admin.exporting import Exporting
from shops.quoting import number_in
from shops.reasons import WRITTEN, told

# Nobody pages through more; counting further costs a scan of the whole table.
COUNTED = 10_000


class CappedPaginator(Paginator):
    """Counts no further than COUNTED rows: beyond that the list asks people to narrow their search."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if isinstance(rows, models.QuerySet):
            return rows.order_by()[: COUNTED + 1].count()
        return len(rows)

    @property
    def capped(self) -> bool:
        """Whether there are more rows than were counted."""
        return self.count > COUNTED


class Changes(HistoricalRecordContextHelper):
    """What changed, in the words of the page instead of the database's."""

    def __init__(
        self,
        model: type[models.Model],
        record: HistoricalChanges,
        *,
        left_out: frozenset[str] = frozenset(),
        coded: frozenset[str] = frozenset(),
        words: Mapping[str, Any] = WRITTEN,
    ) -> None:
        super().__init__(model, record)
        self.left_out, self.coded, self.words = left_out, coded, words

    def context_for_delta_changes(self, delta: ModelDelta) -> list[dict[str, Any]]:
        told = [change for change in delta.changes if change.field not in self.left_out]
        return super().context_for_delta_changes(replace(delta, changes=told))

    def prepare_delta_change_value(self, change: ModelChange, value: Any) -> Any:
        field = self.model._meta.get_field(change.field)
        if value is None or value == "" or (field.is_relation and getattr(value, "pk", value) is None):
            return NOTHING
        if change.field in self.coded:
            return told(value, self.words)
        if isinstance(value, datetime):
            return localize(timezone.localtime(value))
        if isinstance(value, bool):
            return yesno(value)
        if isinstance(value, (dict, list)):
            return super().prepare_delta_change_value(change, value)
        choices = getattr(field, "flatchoices", None)
        return dict(choices).get(value, value) if choices else localize(value)


def _may_see(request: HttpRequest, model: Any) -> bool:
    return request.user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")


@cache
def _name_of(field: models.ForeignKey) -> Callable[[models.Model], str]:
    """What stands in place of the field; the same each time, for the admin compares them."""

    def name(record: models.Model) -> str:
        found = getattr(record, field.name)
        return NOTHING if found is None else str(found)

    # By it the page calls the place, as it would with the field itself.
    name.__name__ = field.name
    return admin.display(description=field.verbose_name)(name)


def _replaced(fields: Iterable[Any], others: Mapping[str, Any]) -> list[Any]:
    """The fields of a page, rows of several among them, with others in the place of some.

    Where a page names no fields it has all read-only ones, these others too: those are in their place then.
    """
    return [
        tuple(_replaced(field, others)) if isinstance(field, (list, tuple)) else others.get(field, field)
        for field in fields
        if field not in others.values()
    ]


class ShownAdmin(Exporting, admin.ModelAdmin):
    """Records that nobody writes by hand. A subclass that lets people write says so by overriding."""

    paginator = CappedPaginator
    list_per_page = 50
    list_max_show_all = 200
    show_full_result_count = False
    save_as = False
    actions: Any = None
    empty_value_display = NOTHING
    # What to do next where nothing is there yet.
    when_empty: Any = ""
    # By which of the desk's own numbers records are found: the letter, and whose key stands behind it.
    quoted_by: ClassVar[Mapping[str, str]] = {}

    if TYPE_CHECKING:
        model: type[models.Model]

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        title = capfirst(self.opts.verbose_name)
        return super().change_view(request, object_id, form_url, {"title": title, **(extra_context or {})})

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet, search_term: str
    ) -> tuple[models.QuerySet, bool]:
        """What the text is found in, and what is of the case or appeal whose number it is."""
        found, repeats = super().get_search_results(request, queryset, search_term)
        for letter, key in self.quoted_by.items():
            number = number_in(search_term, letter)
            if number is not None:
                found |= queryset.filter(**{key: number})
        return found, repeats

    def get_fieldsets(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        """Whom or what the reader may not look at is named without a link: it would lead to a refusal."""
        named = self._named_alone(request)
        return [
            (title, {**options, "fields": _replaced(options["fields"], named)})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        return [*super().get_readonly_fields(request, obj), *self._named_alone(request).values()]

    def _named_alone(self, request: HttpRequest) -> dict[str, Any]:
        return {
            field.name: _name_of(field)
            for field in self.opts.fields
            if isinstance(field, models.ForeignKey) and not _may_see(request, field.related_model)
        }

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class ReadOnlyAdmin(ShownAdmin, SimpleHistoryAdmin):
    """Audited records: verbs and imports write, these pages show, their history with them."""

    # Reasons that history keeps by code, with their words; those of WRITTEN need no repetition.
    history_reasons: ClassVar[dict[str, Any]] = {}
    # Fields of which the history page does not tell what became of them.
    history_leaves_out: ClassVar[frozenset[str]] = frozenset()
    # Fields that keep a reason as history does: by its code, or as people wrote it.
    history_coded: ClassVar[frozenset[str]] = frozenset()
    # How the history page tells what changed.
    history_changes: ClassVar[type[Changes]] = Changes

    def history_view_title(self, request: HttpRequest, obj: models.Model) -> str:
        return _("History: %(name)s") % {"name": obj}

    def get_historical_record_context_helper(
        self, request: HttpRequest, historical_record: HistoricalChanges
    ) -> HistoricalRecordContextHelper:
        return self.history_changes(
            self.model,
            historical_record,
            left_out=self.history_leaves_out,
            coded=self.history_coded,
            words=WRITTEN | self.history_reasons,
        )

    def set_history_delta_changes(self, request: HttpRequest, historical_records: Any, **kwargs: Any) -> None:
        super().set_history_delta_changes(request, historical_records, **kwargs)
        words = WRITTEN | self.history_reasons
        for record in historical_records:
            record.why = told(record.history_change_reason, words)

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        match = request.resolver_match
        if match and (match.url_name or "").endswith("_simple_history"):
            # An old version is to be read. As a form it would offer every shop there is to choose from.
            written = [field.name for field in self.opts.fields if field.editable and not field.primary_key]
            return [*super().get_readonly_fields(request, obj), *written]
        return super().get_readonly_fields(request, obj)

    def history_form_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # SIMPLE_HISTORY_REVERT_DISABLED only hides the button: whoever may look could still post the form.
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        return super().history_form_view(request, *args, **kwargs)


class ReadOnlyInline(admin.TabularInline):
    """Rows that belong to the record, shown with it."""

    extra = 0
    can_delete = False
    show_change_link = False

    def has_add_permission(self, *args: object) -> bool:
        return False

    def has_change_permission(self, *args: object) -> bool:
        return False

    def has_delete_permission(self, *args: object) -> bool:
        return False


class ChangedBy:
    """Of an inline: whoever has the permission `changed_by` adds, changes and removes its lines."""

    changed_by = ""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return request.user.has_perm(self.changed_by)

    def has_change_permission(self, request: HttpRequest, *args: Any) -> bool:
        return request.user.has_perm(self.changed_by)

    def has_delete_permission(self, request: HttpRequest, *args: Any) -> bool:
        return request.user.has_perm(self.changed_by)
