"""What shops are told of decisions, and of rulings on their appeals, to be printed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from opsdesk import notices, reasons
from opsdesk.admin.appeal_forms import CorrectionForm, DeliveryForm
from opsdesk.models import Notice
from opsdesk.notices import DELIVER
from opsdesk.overtaken import needs_no_delivery, overtaken, to_be_delivered
from shops.admin.exporting import Column
from shops.admin.forms import form_page
from shops.admin.readonly import ReadOnlyAdmin
from shops.errors import Refused
from shops.rights import person_of


def _sheet(notice: Notice, language: str, at: datetime) -> dict[str, Any]:
    """The notice in one language, as it is printed."""
    kept = language[:2]
    return {
        "language": language,
        "since": overtaken(notice, at, language),
        **{name: getattr(notice, f"{name}_{kept}") for name in ("text", "issuer", "contact")},
    }


class DeliveredFilter(admin.SimpleListFilter):
    title = _("delivery")
    parameter_name = "delivered"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return [("no", _("not delivered yet")), ("yes", _("delivered"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "no":
            return queryset.filter(to_be_delivered())
        return queryset.filter(delivered_at__isnull=False) if self.value() == "yes" else queryset


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    """Each is a page to be printed, in both languages."""

    when_empty = _("No notice has been written. Each decision against a shop writes one.")
    list_display = ["case", "shop_cell", "written_at", "channel", "delivered_at", "reference"]
    list_display_links = ["case"]
    list_filter = [DeliveredFilter, "channel", "penalty__alliance", "penalty__ground"]
    list_select_related = ["penalty__shop", "appeal__penalty__shop"]
    search_fields = [
        "penalty__shop__code",
        "penalty__shop__name",
        "appeal__penalty__shop__code",
        "appeal__penalty__shop__name",
        "reference",
    ]
    quoted_by = {"P": "penalty", "A": "appeal"}
    search_help_text = _(
        "Shop's code or name, a case number (P…) or that of an appeal (A…), or the letter's or ticket's"
        " reference."
    )
    history_reasons = reasons.OF_NOTICES

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notice]:
        found = super().get_queryset(request).defer("penalty__evidence", "appeal__penalty__evidence")
        # What became of an appeal concerns those who see appeals.
        return found if request.user.has_perm("opsdesk.view_appeal") else found.filter(appeal=None)

    def history_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        self._refuse_unseen(request, object_id)
        return super().history_view(request, object_id, *args, **kwargs)

    def history_form_view(
        self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        self._refuse_unseen(request, object_id)
        return super().history_form_view(request, object_id, *args, **kwargs)

    def _refuse_unseen(self, request: HttpRequest, object_id: str) -> None:
        """What is kept of it is looked for past the list."""
        if self.has_view_permission(request) and self.get_object(request, object_id) is None:
            raise Http404

    @admin.display(description=_("case"), ordering="penalty")
    def case(self, notice: Notice) -> str:
        return " · ".join([notice.case.case_number, *([notice.appeal.number] if notice.appeal else [])])

    @admin.display(description=_("shop"), ordering="penalty__shop__code")
    def shop_cell(self, notice: Notice) -> str:
        shop = notice.case.shop
        return format_html('<span class="name">{}</span> <span class="code">{}</span>', shop.name, shop.code)

    def export_queryset(self, queryset: QuerySet) -> QuerySet:
        return queryset

    def export_columns(self) -> list[Column]:
        return [
            Column("case", _("case"), lambda n: n.case.case_number),
            Column("shop", _("shop's code"), lambda n: n.case.shop.code),
            Column("written_at", _("written at"), lambda n: n.written_at),
            Column("channel", _("channel"), lambda n: n.get_channel_display()),
            Column("delivered_at", _("delivered at"), lambda n: n.delivered_at),
            Column("reference", pgettext_lazy("letter", "reference"), lambda n: n.reference),
        ]

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/delivery/", wrap(self.delivery_view), name="opsdesk_notice_delivery"),
            path("<int:pk>/correction/", wrap(self.correction_view), name="opsdesk_notice_correction"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """The notice as the shop reads it, Chinese first."""
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request):
            raise PermissionDenied
        notice = self.get_object(request, object_id)
        if not isinstance(notice, Notice):
            raise Http404
        at = timezone.now()
        context = {
            **self.admin_site.each_context(request),
            "title": str(notice),
            "opts": self.opts,
            "original": notice,
            "notice": notice,
            "needs_no_delivery": needs_no_delivery(notice),
            "sheets": [_sheet(notice, language, at) for language in ("zh-hans", "en")],
            "may_record": request.user.has_perm(DELIVER),
            "may_see_history": self.has_view_history_permission(request, notice),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/opsdesk/notice/change_form.html", context)

    def delivery_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Record how and when the shop got it."""
        return self._record(
            request,
            pk,
            DeliveryForm,
            notices.record_delivery,
            title=_("Record the delivery"),
            intro=_("The shop's time to appeal counts from this moment; that of a ruling, from the ruling."),
            submit=_("Record"),
        )

    def correction_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Record it anew, where it was recorded wrongly."""
        return self._record(
            request,
            pk,
            CorrectionForm,
            notices.correct_delivery,
            title=_("Correct the delivery"),
            intro=_(
                "The shop's time to appeal counts from this moment; that of a ruling, from the ruling."
                " History keeps what was on record."
            ),
            submit=_("Correct"),
        )

    def _record(
        self,
        request: HttpRequest,
        pk: int,
        form_class: type[DeliveryForm],
        verb: Callable[..., Notice],
        *,
        title: Promise,
        intro: Promise,
        submit: Promise,
    ) -> HttpResponse:
        """302 done, 403 no right, 404 no such notice; else the form, with what is wrong."""
        if not request.user.has_perm(DELIVER):
            raise PermissionDenied
        notice = self.get_object(request, str(pk))
        if not isinstance(notice, Notice):
            raise Http404
        known = {name: getattr(notice, name) for name in ("channel", "delivered_at", "reference")}
        form = form_class(request.POST if request.method == "POST" else None, initial=known)
        back = reverse("admin:opsdesk_notice_change", args=[pk])
        if request.method == "POST" and form.is_valid():
            try:
                verb(pk, **form.cleaned_data, by=person_of(request), at=timezone.now())
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                self.message_user(request, str(_("The delivery is on record.")), messages.SUCCESS)
                return HttpResponseRedirect(back)
        return form_page(
            request,
            self.admin_site,
            form,
            title=title,
            intro=intro,
            submit=submit,
            back=back,
            of=notice,
            opts=self.opts,
        )
