from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import F, FilteredRelation, Q, QuerySet
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from shops import enrollments
from shops.admin import registers
from shops.admin.cells import NOTHING, pill
from shops.admin.exporting import Column
from shops.admin.importing import Importing
from shops.admin.readonly import ReadOnlyInline
from shops.admin.verbs import Verb, VerbsAdmin
from shops.models import Enrollment, ImportBatch, Opening


class OpeningInline(ReadOnlyInline):
    model = Opening
    fields = ["number", "opened_on", "closed_on", "cause", "closed"]


def _keeping_out(enrollment: Enrollment) -> list[tuple[str, str]]:
    """Of a shop that is out: what keeps it out today once it has applied, whatever it measures."""
    if enrollment.state == Enrollment.State.OPEN:
        return []
    applied = copy(enrollment)
    applied.state = Enrollment.State.APPLIED
    now = timezone.now()
    return [
        (_t("Keeps it out"), told) for told in enrollments.refusals_to_admit(applied, localdate(now), now)
    ]


@admin.register(Enrollment)
class EnrollmentAdmin(Importing, VerbsAdmin):
    import_kind = ImportBatch.Kind.ENROLLMENTS
    when_empty = _("No shop is enrolled yet. Import a file of enrollments.")
    list_display = ["shop", "alliance", "state_pill", "openings"]
    list_filter = ["alliance", "state"]
    list_select_related = ["shop", "alliance"]
    search_fields = ["shop__code", "shop__name"]
    search_help_text = _("Shop's code or name.")
    # Newest first costs an index scan; by shop it would sort them all.
    ordering = ["-id"]
    fields = ["shop", "alliance", "state", "openings_used", "batch"]
    inlines = [OpeningInline]
    verbs: ClassVar[tuple[Verb, ...]] = (
        # A shop that was in may come in again only when it has applied (R18).
        Verb(
            "apply",
            permission=enrollments.RECORD,
            title=_("Record an application"),
            note=_("the next daily check proposes to admit it once every rule of admission holds."),
            submit=_("Record it"),
            done=_("The application is recorded."),
            offered=lambda enrollment: enrollment.state in (Enrollment.State.CLEARED, Enrollment.State.LEFT),
            call=lambda enrollment, by, reason: enrollments.apply(
                enrollment, by=by, at=timezone.now(), reason=reason
            ),
            beforehand=_keeping_out,
        ),
    )

    def export_queryset(self, queryset: QuerySet) -> QuerySet:
        latest = Q(openings__number=F("openings_used"))
        return queryset.alias(latest=FilteredRelation("openings", condition=latest)).annotate(
            opened_on=F("latest__opened_on"), closed_on=F("latest__closed_on"), cause=F("latest__cause")
        )

    def export_columns(self) -> list[Column]:
        return registers.columns_of(
            ImportBatch.Kind.ENROLLMENTS,
            {
                "shop": lambda enrollment: enrollment.shop.code,
                "alliance": lambda enrollment: enrollment.alliance.code,
                "openings": lambda enrollment: enrollment.openings_used,
                **{name: _of_latest_opening(name) for name in ("opened_on", "closed_on", "cause")},
            },
        )

    @admin.display(description=_("state"), ordering="state")
    def state_pill(self, enrollment: Enrollment) -> str:
        return pill(enrollment.state, enrollment.get_state_display())

    @admin.display(description=_("openings"), ordering="openings_used")
    def openings(self, enrollment: Enrollment) -> str:
        return openings_of(enrollment.openings_used, enrollment.alliance.openings_limit)


def _of_latest_opening(name: str) -> Callable[[Any], object]:
    """Nothing of one that has applied again: a file of enrollments tells of the time that counts."""
    return lambda row: None if row.state == Enrollment.State.APPLIED else getattr(row, name)


def openings_of(used: int, limit: int | None) -> str:
    """`2/3`, or the number alone where the alliance sets no limit."""
    return f"{used}/{limit}" if limit is not None else (str(used) if used else NOTHING)
