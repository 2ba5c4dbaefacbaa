"""What shops owe their deposits: the worklist, what people do with one, and who is short of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User as Person
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shops import accounts, deposits, money, outgoing, reasons, topups
from shops.admin.cells import NOTHING, number, pill
from shops.admin.deposit_forms import DemandForm, MovementForm, moving_page
from shops.admin.deposits import account_of, may_enter, told, told_owed
from shops.admin.exporting import Column, deliver
from shops.admin.readonly import ReadOnlyInline
from shops.admin.short_shops import SHORT
from shops.admin.verbs import Verb, VerbsAdmin
from shops.models import Export, Settlement, Shop, TopUp
from shops.rights import person_of
from shops.texts import told_moment

ON_A_PAGE = 50
State = TopUp.State


class StandingFilter(admin.SimpleListFilter):
    """Those that are due unless asked otherwise; overdue on the reader's day."""

    title = pgettext_lazy("top-up", "standing")
    parameter_name = "standing"

    def _groups(self) -> dict[str, tuple[Any, Q]]:
        due = Q(state=State.OPEN)
        return {
            "open": (pgettext_lazy("top-up", "due"), due),
            "overdue": (_("overdue"), due & Q(due_on__lt=timezone.localdate())),
            "reminded": (_("reminded"), due & Q(reminded_at__isnull=False)),
            "settled": (pgettext_lazy("top-up", "settled"), Q(state=State.SETTLED)),
            "cancelled": (pgettext_lazy("top-up", "cancelled"), Q(state=State.CANCELLED)),
            "all": (_("all"), Q()),
        }

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        groups = self._groups()
        counts = TopUp.objects.aggregate(
            **{name: Count("pk", filter=group) for name, (_label, group) in groups.items()}
        )
        return [(name, f"{label} ({number(counts[name])})") for name, (label, _group) in groups.items()]

    def choices(self, changelist: Any) -> Any:
        for value, label in self.lookup_choices:
            yield {
                "selected": (self.value() or "open") == value,
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": label,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        _label, group = self._groups().get(self.value() or "open", ("", Q(pk=None)))
        return queryset.filter(group)


class SettlementInline(ReadOnlyInline):
    model = Settlement
    fields = ["payment", "paid"]
    readonly_fields = ["payment", "paid"]

    @admin.display(description=_("payment"))
    def payment(self, settlement: Settlement) -> str:
        entry = settlement.entry
        told = _t("entry %(number)s of %(moment)s") % {
            "number": entry.number,
            "moment": told_moment(entry.at),
        }
        address = reverse("admin:shops_depositentry_change", args=[entry.pk])
        return format_html('<a href="{}">{}</a>', address, told)

    @admin.display(description=_("amount"))
    def paid(self, settlement: Settlement) -> str:
        return money.told(settlement.amount_fen)


@admin.register(TopUp)
class TopUpAdmin(VerbsAdmin):
    when_empty = _("Nobody owes a deposit anything. Look at who is short of what is required.")
    change_list_template = "admin/shops/topup/change_list.html"
    change_form_template = "admin/shops/topup/change_form.html"
    list_display = ["shop", "amount", "outstanding", "due_on", "standing", "cause", "reminded_at"]
    list_filter = [StandingFilter, "cause"]
    list_select_related = ["shop"]
    search_fields = ["shop__code", "shop__name"]
    quoted_by = {"P": "measure__penalty"}
    search_help_text = _("Shop's code or name, or a case number (P…).")
    ordering = ["due_on", "id"]
    sortable_by = ["due_on"]
    fields = [
        "shop",
        ("amount", "outstanding", "due_on"),
        ("cause", "measure", "entry"),
        "note",
        ("demanded_at", "demanded_by"),
        ("reminded_at", "reminder"),
        ("standing", "ended_at", "ended_by"),
        "ended_reason",
    ]
    readonly_fields = ["amount", "outstanding", "standing", "reminder"]
    inlines = [SettlementInline]
    history_reasons = reasons.OF_TOP_UPS
    history_leaves_out = frozenset({"key"})
    history_coded = frozenset({"ended_reason"})
    verbs = (
        Verb(
            "remind",
            permission=topups.ENTER,
            title=_("Record a reminder"),
            note=_("say how the shop was reminded."),
            submit=_("Record it"),
            done=_("The reminder is recorded."),
            offered=lambda owed: owed.state == State.OPEN,
            call=lambda owed, by, reason: topups.remind(owed, by=by, at=timezone.now(), note=reason),
        ),
        Verb(
            "cancel",
            permission=topups.ENTER,
            title=_("Cancel the top-up"),
            note=_("the shop need not pay it any more."),
            submit=_("Cancel it"),
            done=_("The top-up is cancelled."),
            offered=lambda owed: owed.state == State.OPEN,
            call=lambda owed, by, reason: topups.cancel(owed, by=by, at=timezone.now(), reason=reason),
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return topups.with_outstanding(super().get_queryset(request))

    def export_columns(self) -> list[Column]:
        columns = [
            Column("amount", _("amount"), lambda owed: money.yuan_of(owed.amount_fen))
            if column.name == "amount_fen"
            else column
            for column in super().export_columns()
            if column.name not in ("key", "entry")
        ]
        columns.insert(3, Column("outstanding", _("outstanding"), lambda owed: money.yuan_of(_left(owed))))
        return columns

    @admin.display(description=_("amount"), ordering="amount_fen")
    def amount(self, owed: TopUp) -> str:
        return money.told(owed.amount_fen)

    @admin.display(description=_("outstanding"))
    def outstanding(self, owed: Any) -> str:
        return money.told(_left(owed)) if owed.state == State.OPEN else NOTHING

    @admin.display(description=_("how it was reminded"))
    def reminder(self, owed: TopUp) -> str:
        """What was noted of the newest reminder, which history keeps."""
        if owed.reminded_at is None:
            return NOTHING
        kept = TopUp.history.filter(id=owed.pk, reminded_at=owed.reminded_at).earliest("history_id")
        return reasons.told(kept.history_change_reason, reasons.OF_TOP_UPS)

    @admin.display(description=pgettext_lazy("top-up", "standing"))
    def standing(self, owed: TopUp) -> str:
        if owed.state == State.OPEN and owed.due_on < timezone.localdate():
            return pill("overdue", _("overdue"))
        return pill(owed.state, owed.get_state_display())

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("short/", view(self.short_view), name="shops_topup_short"),
            path("short/export/", view(self.short_export_view), name="shops_topup_short_export"),
            path("demand/<int:shop_id>/", view(self.demand_view), name="shops_topup_demand"),
            path("<int:pk>/settle/", view(self.settle_view), name="shops_topup_settle"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        answer = super().change_view(request, object_id, form_url, extra_context)
        owed = self.get_object(request, object_id)
        if isinstance(answer, TemplateResponse) and answer.context_data and isinstance(owed, TopUp):
            own = [(account_of(owed.shop_id), _("The shop's deposit"))]
            if owed.state == State.OPEN and may_enter(request):
                own.append((reverse("admin:shops_topup_settle", args=[owed.pk]), _("Settle")))
            answer.context_data["verbs"] = [*own, *answer.context_data["verbs"]]
        return answer

    def settle_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The shop paid: all of it, or a part."""
        if not may_enter(request):
            raise PermissionDenied
        owed = get_object_or_404(TopUp.objects.select_related("shop"), pk=pk)

        def act(given: dict[str, Any], by: Person, at: datetime) -> Any:
            return deposits.settle(owed, by=by, recorded_at=at, **given | {"at": given["at"] or at})

        left = topups.outstanding_of(owed)
        return moving_page(
            request,
            self.admin_site,
            MovementForm,
            act,
            told,
            title=_("Settle a top-up"),
            intro=_t("%(shop)s owes %(amount)s since %(day)s; outstanding: %(left)s.")
            % {
                "shop": owed.shop,
                "amount": money.told(owed.amount_fen),
                "day": date_format(timezone.localdate(owed.demanded_at)),
                "left": money.told(left),
            },
            about=[(_("Shop"), owed.shop)],
            submit=_("Go on"),
            done=_("The payment is entered."),
            back=reverse("admin:shops_topup_change", args=[pk]),
            initial={"amount_fen": left, "cause": owed.get_cause_display()},
            opts=self.opts,
        )

    def demand_view(self, request: HttpRequest, shop_id: int) -> HttpResponse:
        """Ask a shop to pay what its deposit lacks."""
        if not may_enter(request):
            raise PermissionDenied
        shop = get_object_or_404(Shop, pk=shop_id)
        lacking = accounts.shortfall(shop, day=accounts.measured_day(timezone.localdate()))
        demanded = topups.demanded_of([shop])[shop.pk].stays
        return moving_page(
            request,
            self.admin_site,
            DemandForm,
            lambda given, by, at: topups.demand(shop=shop, by=by, at=at, **given),
            lambda owed: [told_owed(owed)],
            title=_("Demand a top-up"),
            intro=_lacking(shop, lacking, demanded),
            about=[(_("Shop"), shop)],
            submit=_("Go on"),
            done=_("The top-up is demanded."),
            back=account_of(shop_id),
            initial={"amount_fen": max(lacking - demanded, 0) or None},
            opts=self.opts,
        )

    def short_view(self, request: HttpRequest) -> HttpResponse:
        """Whose deposit is less than what is due, with what is demanded already."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        asked = request.GET.get("p", "")
        page = max(int(asked), 1) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 1
        day = accounts.measured_day(timezone.localdate())
        found, count = accounts.short_shops(day=day, first=(page - 1) * ON_A_PAGE, limit=ON_A_PAGE)
        demanded = topups.demanded_of([short.shop for short in found])
        context = {
            **self.admin_site.each_context(request),
            "title": _("Short of the requirement"),
            "opts": self.opts,
            "day": day,
            "rows": [
                (short, demanded[short.shop.pk], short.lacking - demanded[short.shop.pk].stays)
                for short in found
            ],
            "count": count,
            "previous": page - 1 if page > 1 else None,
            "next": page + 1 if page * ON_A_PAGE < count else None,
            "may_enter": may_enter(request),
            "may_export": outgoing.SOURCES[SHORT].may_export(person_of(request)),
        }
        return TemplateResponse(request, "admin/shops/topup/short.html", context)

    def short_export_view(self, request: HttpRequest) -> HttpResponseBase:
        """Take that list away."""
        if not outgoing.SOURCES[SHORT].may_export(person_of(request)):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        day = accounts.measured_day(timezone.localdate())
        return deliver(
            request,
            SHORT,
            query=f"day={day.isoformat()}" if day else "",
            columns=[],
            format=Export.Format.CSV,
            file_name="short-of-deposit",
        )


def _lacking(shop: Shop, lacking: int, demanded: int) -> str:
    """What a shop's deposit lacks of what is required, and how much is demanded already; both in fen."""
    told = {"shop": shop, "amount": money.told(lacking), "demanded": money.told(demanded)}
    if not lacking:
        return _t("%(shop)s lacks nothing of what is required.") % told
    if not demanded:
        return _t("%(shop)s lacks %(amount)s of what is required.") % told
    return _t("%(shop)s lacks %(amount)s of what is required; %(demanded)s is demanded already.") % told


def _left(owed: Any) -> int:
    return int(owed.outstanding_fen) if owed.state == State.OPEN else 0
