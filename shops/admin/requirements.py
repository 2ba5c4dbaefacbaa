"""How much deposits are to be: finance's and supervisors' amounts, by alliance and category."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from shops import money
from shops.admin.deposit_forms import YuanField
from shops.admin.exporting import Column
from shops.admin.readonly import ReadOnlyAdmin
from shops.models import DepositRequirement, DepositStep
from shops.rights import person_of


class RequirementForm(forms.ModelForm):
    base_fen = YuanField(label=_("Base amount in yuan"))

    class Meta:
        model = DepositRequirement
        fields = ["alliance", "category", "base_fen"]


class StepForm(forms.ModelForm):
    sales_fen = YuanField(
        label=_("Sales from, in yuan"), help_text=_("Paid order amount over the last 30 days.")
    )
    amount_fen = YuanField(label=_("Amount in yuan"))

    class Meta:
        model = DepositStep
        fields = ["alliance", "category", "sales_fen", "amount_fen"]


class AmountsAdmin(ReadOnlyAdmin):
    """Written by who may; its history says who it was."""

    list_filter = ["alliance"]
    list_select_related = ["alliance"]
    search_fields = ["category"]
    search_help_text = _("Category.")
    list_display_links = ["whose"]
    history_reasons = {"": ""}

    def _may(self, request: HttpRequest, what: str) -> bool:
        return request.user.has_perm(f"shops.{what}_{self.opts.model_name}")

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return self._may(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "change")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "delete")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.save_by(person_of(request))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        obj.delete_by(person_of(request))

    def export_columns(self) -> list[Column]:
        def yuan(name: str) -> Any:
            return lambda row: money.yuan_of(getattr(row, name))

        columns = super().export_columns()
        return [
            Column(c.name.removesuffix("_fen"), self.model_form_label(c.name), yuan(c.name))
            if c.name.endswith("_fen")
            else c
            for c in columns
        ]

    def model_form_label(self, name: str) -> Any:
        return self.form.declared_fields[name].label

    @admin.display(description=_("alliance"), ordering="alliance")
    def whose(self, row: Any) -> Any:
        return row.alliance or _("the platform")

    @admin.display(description=_("category"), ordering="category")
    def of(self, row: Any) -> Any:
        return row.category or _("not listed")


@admin.register(DepositRequirement)
class DepositRequirementAdmin(AmountsAdmin):
    form = RequirementForm
    when_empty = _("Nobody has said yet how much a deposit is to be: no shop is short of it. Add an amount.")
    list_display = ["whose", "of", "base"]

    @admin.display(description=_("base amount"), ordering="base_fen")
    def base(self, row: DepositRequirement) -> str:
        return money.told(row.base_fen)


@admin.register(DepositStep)
class DepositStepAdmin(AmountsAdmin):
    form = StepForm
    when_empty = _("No amount floats with sales: what is required is the base amount. Add a step.")
    list_display = ["whose", "of", "sales", "amount"]

    @admin.display(description=_("sales from"), ordering="sales_fen")
    def sales(self, row: DepositStep) -> str:
        return money.told(row.sales_fen)

    @admin.display(description=_("amount"), ordering="amount_fen")
    def amount(self, row: DepositStep) -> str:
        return money.told(row.amount_fen)
