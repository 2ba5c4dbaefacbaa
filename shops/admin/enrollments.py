from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from shops.admin.cells import NOTHING, pill
from shops.admin.readonly import ReadOnlyAdmin, ReadOnlyInline
from shops.models import Enrollment, Opening


class OpeningInline(ReadOnlyInline):
    model = Opening
    fields = ["number", "opened_on", "closed_on", "cause", "closed"]


@admin.register(Enrollment)
class EnrollmentAdmin(ReadOnlyAdmin):
    list_display = ["shop", "alliance", "state_pill", "openings"]
    list_filter = ["alliance", "state"]
    list_select_related = ["shop", "alliance"]
    search_fields = ["shop__code", "shop__name"]
    search_help_text = _("Shop's code or name.")
    # Newest first costs an index scan; by shop it would sort them all.
    ordering = ["-id"]
    fields = ["shop", "alliance", "state", "openings_used", "batch"]
    inlines = [OpeningInline]

    @admin.display(description=_("state"), ordering="state")
    def state_pill(self, enrollment: Enrollment) -> str:
        return pill(enrollment.state, enrollment.get_state_display())

    @admin.display(description=_("openings"), ordering="openings_used")
    def openings(self, enrollment: Enrollment) -> str:
        return openings_of(enrollment.openings_used, enrollment.alliance.openings_limit)


def openings_of(used: int, limit: int | None) -> str:
    """`2/3`, or the number alone where the alliance sets no limit."""
    return f"{used}/{limit}" if limit is not None else (str(used) if used else NOTHING)
