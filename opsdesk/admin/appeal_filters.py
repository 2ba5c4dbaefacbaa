"""The filters of the appeal queue."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import SEARCH_VAR
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from opsdesk import caseload
from opsdesk.models import Appeal
from shops.rights import name_of, person_of


class OpenFilter(admin.SimpleListFilter):
    """Open ones unless asked otherwise; of what is searched for, all: it may be over."""

    title = _("state")
    parameter_name = "state"

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(request, *args)
        self.default = "all" if request.GET.get(SEARCH_VAR, "").strip() else "open"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return [("open", _("all that are open")), *Appeal.State.choices, ("all", _("all"))]

    def choices(self, changelist: Any) -> Any:
        for value, label in self.lookup_choices:
            default = value == self.default
            yield {
                "selected": self.value() == value or (self.value() is None and default),
                "query_string": changelist.get_query_string(
                    {} if default else {self.parameter_name: value}, [self.parameter_name] if default else []
                ),
                "display": label,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() in Appeal.State.values:
            return queryset.filter(state=self.value())
        shown = self.value() if self.value() in ("open", "all") else self.default
        return queryset if shown == "all" else queryset.filter(caseload.open_ones())


class DueFilter(admin.SimpleListFilter):
    title = _("due")
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return [("today", _("due today")), ("overdue", _("overdue"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "today":
            return queryset.filter(caseload.due_today(timezone.now()))
        return queryset.filter(caseload.overdue(timezone.now())) if self.value() == "overdue" else queryset


class OfficerFilter(admin.SimpleListFilter):
    """Whose it is: mine, nobody's, or that of one of those who hold some."""

    title = _("officer")
    parameter_name = "officer"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        holders = User.objects.filter(pk__in=Appeal.objects.filter(caseload.open_ones()).values("taken_by"))
        others = [
            (str(person.pk), name_of(person))
            for person in holders.exclude(pk=person_of(request).pk).order_by("username")[:50]
        ]
        return [("mine", _("mine")), ("nobody", _("nobody's")), *others]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        asked = self.value() or ""
        if asked == "mine":
            return queryset.filter(taken_by=request.user.pk)
        if asked == "nobody":
            return queryset.filter(taken_by=None)
        return queryset.filter(taken_by=int(asked)) if asked.isdecimal() and len(asked) < 18 else queryset
