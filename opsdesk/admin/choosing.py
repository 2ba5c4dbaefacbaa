"""Which records of a list an action with a page in between is about."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

AT_ONCE = 500


def chosen_of(
    modeladmin: ModelAdmin, request: HttpRequest, queryset: QuerySet, *, answered: bool
) -> list[int] | None:
    """The keys of what was chosen, by number, so that everyone who changes many goes the same way. None, and
    people are told so, where that is more than AT_ONCE.

    `answered`: those of the page in between, as they were shown: what has changed meanwhile has left the
    filtered list, and people are to be told.
    """
    if answered:
        posted = [pk for pk in request.POST.getlist(ACTION_CHECKBOX_NAME) if pk.isdecimal()]
        queryset = modeladmin.get_queryset(request).filter(pk__in=posted[: AT_ONCE + 1])
    chosen = list(queryset.order_by("id").values_list("pk", flat=True)[: AT_ONCE + 1])
    if len(chosen) > AT_ONCE:
        told = _("At most %(count)s at once: narrow the list first.") % {"count": AT_ONCE}
        modeladmin.message_user(request, told, messages.ERROR)
        return None
    return chosen
