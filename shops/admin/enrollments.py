from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shops import enrollments
from shops.admin.cells import NOTHING, pill
from shops.admin.forms import reason_page
from shops.admin.readonly import ReadOnlyAdmin, ReadOnlyInline
from shops.models import Enrollment, Opening
from shops.rights import person_of

RECORD = "shops.record_enrollment"


class OpeningInline(ReadOnlyInline):
    model = Opening
    fields = ["number", "opened_on", "closed_on", "cause", "closed"]


@admin.register(Enrollment)
class EnrollmentAdmin(ReadOnlyAdmin):
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
    change_form_template = "admin/with_verbs.html"

    def get_urls(self) -> list[URLPattern]:
        apply = self.admin_site.admin_view(self.apply_view)
        return [path("<int:pk>/apply/", apply, name="shops_enrollment_apply"), *super().get_urls()]

    def apply_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A shop that was in may come in again only when it has applied (R18)."""
        return reason_page(
            self,
            request,
            pk,
            permission=RECORD,
            verb=lambda enrollment, reason: enrollments.apply(
                enrollment, by=person_of(request), at=timezone.now(), reason=reason
            ),
            title=_("Record an application"),
            note=_("the next daily check proposes to admit it once every rule of admission holds."),
            submit=_("Record it"),
            done=_("The application is recorded."),
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        enrollment = self.get_object(request, object_id)
        outside = {Enrollment.State.CLEARED, Enrollment.State.LEFT}
        verbs: list[tuple[str, Any]] = []
        if (
            isinstance(enrollment, Enrollment)
            and enrollment.state in outside
            and request.user.has_perm(RECORD)
        ):
            address = reverse("admin:shops_enrollment_apply", args=[enrollment.pk])
            verbs.append((address, _("Record an application")))
        return super().change_view(request, object_id, form_url, {"verbs": verbs, **(extra_context or {})})

    @admin.display(description=_("state"), ordering="state")
    def state_pill(self, enrollment: Enrollment) -> str:
        return pill(enrollment.state, enrollment.get_state_display())

    @admin.display(description=_("openings"), ordering="openings_used")
    def openings(self, enrollment: Enrollment) -> str:
        return openings_of(enrollment.openings_used, enrollment.alliance.openings_limit)


def openings_of(used: int, limit: int | None) -> str:
    """`2/3`, or the number alone where the alliance sets no limit."""
    return f"{used}/{limit}" if limit is not None else (str(used) if used else NOTHING)
