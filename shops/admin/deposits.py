"""The ledger: all movements, a shop's account with its statement, and the forms by which finance enters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shops import accounts, deposits, money, topups
from shops.admin.cells import NOTHING, pill
from shops.admin.deposit_forms import AdjustmentForm, DeductionForm, MovementForm, ReversalForm, moving_page
from shops.admin.exporting import Column
from shops.admin.importing import Importing
from shops.admin.readonly import ShownAdmin
from shops.admin.statements import asked_before, is_used, may_be_taken_back, statement_of
from shops.models import DepositEntry, ImportBatch, Shop, TopUp
from shops.texts import told_moment

Kind = DepositEntry.Kind


@dataclass(frozen=True)
class Entering:
    """A form of finance's: what it is called, and the verb behind it."""

    verb: Callable[..., Any]
    title: Promise
    form: type[MovementForm] = MovementForm


ENTERING: dict[str, Entering] = {
    Kind.PAY_IN: Entering(deposits.pay_in, _("Pay in")),
    Kind.TOP_UP: Entering(deposits.top_up, _("Top up")),
    Kind.DEDUCT: Entering(deposits.deduct, _("Deduct"), DeductionForm),
    Kind.COMPENSATE: Entering(deposits.compensate, _("Compensate")),
    Kind.REFUND: Entering(deposits.refund, _("Refund")),
    Kind.ADJUST: Entering(deposits.adjust, _("Adjust"), AdjustmentForm),
}


def account_of(shop_id: int) -> str:
    """The address of a shop's statement."""
    return reverse("admin:shops_depositentry_account", args=[shop_id])


def told_entry(entry: DepositEntry) -> str:
    """What a movement does to its account, in a line for people."""
    return _t("%(kind)s: %(amount)s. The deposit goes from %(before)s to %(after)s.") % {
        "kind": entry.get_kind_display(),
        "amount": money.told(entry.amount_fen),
        "before": money.told(entry.balance_fen - entry.amount_fen),
        "after": money.told(entry.balance_fen),
    }


def told(came: DepositEntry | deposits.Deduction) -> list[str]:
    """What came of a verb, in lines for people."""
    entry, owed = (came.entry, came.top_up) if isinstance(came, deposits.Deduction) else (came, None)
    lines = [told_entry(entry)] if entry is not None else []
    if owed is not None:
        lines.append(told_owed(owed))
    if entry is not None:
        for settlement in entry.settlements.select_related("top_up", "collected"):
            lines.append(
                _t("%(amount)s of it count towards the top-up due on %(day)s.")
                % {
                    "amount": money.told(settlement.amount_fen),
                    "day": date_format(settlement.top_up.due_on),
                }
            )
            if settlement.top_up.cause == TopUp.Cause.SHORTAGE:
                lines.append(told_entry(settlement.collected))
        if entry.kind == Kind.TOP_UP and not entry.settlements.exists():
            lines.append(nothing_owed())
    return lines


def nothing_owed() -> str:
    return _t("The shop owes no top-up, so this settles nothing: enter what it paid as a pay-in.")


def told_owed(owed: TopUp) -> str:
    return _t("A top-up of %(amount)s is due on %(day)s.") % {
        "amount": money.told(owed.amount_fen),
        "day": date_format(owed.due_on),
    }


@admin.register(DepositEntry)
class DepositEntryAdmin(Importing, ShownAdmin):
    import_kind = ImportBatch.Kind.DEPOSITS
    when_empty = _("No money has moved yet. Import a file of movements, or open a shop's deposit and pay in.")
    list_display = ["account", "number", "kind_pill", "amount", "balance", "moved", "cause", "recorded_by"]
    list_display_links = ["number"]
    list_filter = ["kind", "at"]
    list_select_related = ["shop", "recorded_by"]
    search_fields = ["shop__code", "shop__name", "reference"]
    quoted_by = {"P": "measure__penalty"}
    search_help_text = _("Shop's code or name, a case number (P…), or the platform's reference.")
    ordering = ["-id"]
    sortable_by = ()
    fields = [
        ("account", "number"),
        ("kind_pill", "amount", "balance", "short"),
        ("moved", "recorded_at", "recorded_by"),
        "cause",
        ("reference", "case_reference", "batch"),
        ("measure", "takes_back", "taken_back"),
    ]
    readonly_fields = [
        "account",
        "number",
        "kind_pill",
        "amount",
        "balance",
        "short",
        "moved",
        "takes_back",
        "taken_back",
    ]
    change_form_template = "admin/with_verbs.html"

    def export_columns(self) -> list[Column]:
        yuan = {
            "amount_fen": _("amount"),
            "balance_fen": _("balance"),
            "short_fen": _("short by"),
        }
        columns = []
        for column in super().export_columns():
            if column.name in yuan:
                column = Column(column.name.removesuffix("_fen"), yuan[column.name], _yuan(column.name))
            if column.name == "reverses":
                column = Column("reverses", _("takes back"), lambda entry: _number(entry.reverses))
            columns.append(column)
        return [column for column in columns if column.name != "key"]

    @admin.display(description=_("shop"))
    def account(self, entry: DepositEntry) -> str:
        return _link(account_of(entry.shop_id), entry.shop)

    @admin.display(description=_("kind"))
    def kind_pill(self, entry: DepositEntry) -> str:
        return pill(entry.kind, entry.get_kind_display())

    @admin.display(description=_("amount"))
    def amount(self, entry: DepositEntry) -> str:
        return money.told(entry.amount_fen)

    @admin.display(description=_("balance"))
    def balance(self, entry: DepositEntry) -> str:
        return money.told(entry.balance_fen)

    @admin.display(description=_("short by"))
    def short(self, entry: DepositEntry) -> str:
        return money.told(entry.short_fen) if entry.short_fen else NOTHING

    @admin.display(description=pgettext_lazy("movement", "moved at"))
    def moved(self, entry: DepositEntry) -> str:
        return told_moment(entry.at)

    @admin.display(description=_("takes back"))
    def takes_back(self, entry: DepositEntry) -> str:
        return _entry_link(entry.reverses)

    @admin.display(description=_("taken back by"))
    def taken_back(self, entry: DepositEntry) -> str:
        return _entry_link(DepositEntry.objects.filter(reverses=entry).first())

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("account/<int:shop_id>/", view(self.account_view), name="shops_depositentry_account"),
            path(
                "account/<int:shop_id>/<slug:kind>/", view(self.enter_view), name="shops_depositentry_enter"
            ),
            path("<int:pk>/reverse/", view(self.reverse_view), name="shops_depositentry_reverse"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        entry = self.get_object(request, object_id)
        verbs = []
        if (
            isinstance(entry, DepositEntry)
            and may_enter(request)
            and may_be_taken_back(entry)
            and not is_used(entry, accounts.balance_of(entry.shop))
        ):
            verbs = [(reverse("admin:shops_depositentry_reverse", args=[entry.pk]), _("Take it back"))]
        return super().change_view(request, object_id, form_url, {"verbs": verbs, **(extra_context or {})})

    def account_view(self, request: HttpRequest, shop_id: int) -> HttpResponse:
        """A shop's statement: what is there, what is required and free, and each movement."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        shop = get_object_or_404(Shop, pk=shop_id)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Deposit of %(shop)s") % {"shop": shop},
            "shop": shop,
            "opts": self.opts,
            "may_enter": may_enter(request),
            "may_export": self.has_export_permission(request),
            "entering": [(kind, entering.title) for kind, entering in ENTERING.items()],
            **statement_of(shop, at=timezone.now(), before=asked_before(request)),
        }
        return TemplateResponse(request, "admin/shops/depositentry/account.html", context)

    def enter_view(self, request: HttpRequest, shop_id: int, kind: str) -> HttpResponse:
        """Enter a movement, once it was shown what it does."""
        if not may_enter(request):
            raise PermissionDenied
        if kind not in ENTERING:
            raise Http404
        shop, entering = get_object_or_404(Shop, pk=shop_id), ENTERING[kind]

        def act(given: dict[str, Any], by: User, at: datetime) -> Any:
            values = given | {"at": given["at"] or at}
            return entering.verb(shop=shop, by=by, recorded_at=at, **values)

        intro = _t("Deposit of %(shop)s: %(balance)s.") % {
            "shop": shop,
            "balance": money.told(accounts.balance_of(shop)),
        }
        if kind == Kind.TOP_UP and not topups.open_of(shop).exists():
            intro = f"{intro} {nothing_owed()}"
        return moving_page(
            request,
            self.admin_site,
            entering.form,
            act,
            told,
            title=entering.title,
            intro=intro,
            about=[(_("Shop"), shop)],
            submit=_("Go on"),
            done=_("The movement is entered."),
            back=account_of(shop_id),
            opts=self.opts,
        )

    def reverse_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take an entry back."""
        if not may_enter(request):
            raise PermissionDenied
        entry = get_object_or_404(DepositEntry.objects.select_related("shop"), pk=pk)
        taken_back = f"{entry.number}: {entry.get_kind_display()} {money.told(entry.amount_fen)}"
        return moving_page(
            request,
            self.admin_site,
            ReversalForm,
            lambda given, by, at: deposits.reverse(entry, by=by, at=at, **given),
            told,
            title=_("Take a movement back"),
            intro=f"{entry.shop} – {taken_back}",
            about=[(_("Shop"), entry.shop), (_("Movement"), taken_back)],
            submit=_("Go on"),
            done=_("The movement is taken back."),
            back=account_of(entry.shop_id),
            opts=self.opts,
        )


def may_enter(request: HttpRequest) -> bool:
    return request.user.has_perm(topups.ENTER)


def _yuan(name: str) -> Callable[[Any], object]:
    return lambda entry: money.yuan_of(getattr(entry, name))


def _number(entry: DepositEntry | None) -> object:
    return "" if entry is None else entry.number


def _link(address: str, label: object) -> str:
    return format_html('<a href="{}">{}</a>', address, label)


def _entry_link(entry: DepositEntry | None) -> str:
    if entry is None:
        return NOTHING
    return _link(reverse("admin:shops_depositentry_change", args=[entry.pk]), entry.number)
