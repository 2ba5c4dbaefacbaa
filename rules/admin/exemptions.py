from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from rules import exemptions
from rules.models import Rule, RuleSet, ShopExemption
from shops.admin.cells import pill
from shops.admin.forms import DayField, ShopCodeField, form_page
from shops.admin.verbs import Verb, VerbsAdmin
from shops.errors import Refused
from shops.models import Alliance
from shops.rights import person_of

GRANT = "rules.grant_exemption"


def rule_choices() -> list[tuple[str, str]]:
    """Each evaluated rule once, by its code, with the sentence of its newest version."""
    evaluated = Rule.objects.exclude(metric="").select_related("rule_set")
    rules = {rule.code: _named(rule) for rule in evaluated.order_by("rule_set__version", "position")}
    return [("", "---------"), *sorted(rules.items())]


def _named(rule: Rule) -> str:
    named = f"{rule.code} · {rule.sentence}"
    if rule.rule_set.subject == RuleSet.Subject.PRODUCT:
        return _t("%(rule)s (of products)") % {"rule": named}
    return named


class GrantForm(forms.Form):
    shop = ShopCodeField()
    alliance = forms.ModelChoiceField(Alliance.objects.all(), label=_("Alliance"))
    rule_code = forms.ChoiceField(choices=rule_choices, label=_("Rule"))
    until = DayField(label=_("Until"), help_text=_("The last day on which it counts."))
    reason = forms.CharField(label=_("Reason"), widget=forms.Textarea(attrs={"rows": 3}))


class StandingFilter(admin.SimpleListFilter):
    title = _("standing")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return [("yes", _("counts today")), ("no", _("is over"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        today = timezone.localdate()
        if self.value() == "yes":
            return queryset.filter(until__gte=today)
        if self.value() == "no":
            return queryset.filter(until__lt=today)
        return queryset


@admin.register(ShopExemption)
class ShopExemptionAdmin(VerbsAdmin):
    """A supervisor grants and ends them; everybody who works with proposals sees them."""

    when_empty = _("No shop is exempt from any rule. A supervisor can exempt one until a date.")
    list_display = ["shop", "alliance", "rule_code", "until", "standing", "reason", "granted_at"]
    list_filter = [StandingFilter, "alliance", "rule_code"]
    list_select_related = ["shop", "alliance"]
    search_fields = ["shop__code", "shop__name"]
    search_help_text = _("Shop's code or name.")
    fields = [("shop", "alliance"), ("rule_code", "until"), "reason", "granted_at"]
    verbs = (
        Verb(
            "end",
            permission=GRANT,
            title=_("End the exemption"),
            submit=_("End it"),
            done=_("The exemption has ended."),
            offered=lambda exemption: exemption.until >= timezone.localdate(),
            call=lambda exemption, by, reason: exemptions.end(
                exemption, by=by, on=timezone.localdate(), reason=reason
            ),
        ),
    )
    history_reasons = exemptions.WRITTEN

    @admin.display(description=_("standing"))
    def standing(self, exemption: ShopExemption) -> str:
        if exemption.until >= timezone.localdate():
            return pill("exempt", _("counts today"))
        return pill("over", _("is over"))

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return request.user.has_perm(GRANT)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        asked = {key: request.GET[key] for key in ("shop", "alliance", "rule_code") if key in request.GET}
        form = GrantForm(request.POST if request.method == "POST" else None, initial=asked)
        back = reverse("admin:rules_shopexemption_changelist")
        if request.method == "POST" and form.is_valid():
            try:
                granted = exemptions.grant(**form.cleaned_data, by=person_of(request), at=timezone.now())
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                self.message_user(
                    request,
                    _t("%(shop)s is exempt from %(rule)s until %(until)s.")
                    % {"shop": granted.shop, "rule": granted.rule_code, "until": granted.until},
                    messages.SUCCESS,
                )
                return HttpResponseRedirect(back)
        return form_page(
            request,
            self.admin_site,
            form,
            title=_("Exempt a shop from a rule"),
            intro=_(
                "The daily check counts the rule as exempt for this shop until that day; a rule of products, "
                "for all products of the shop."
            ),
            submit=_("Exempt"),
            back=back,
            opts=self.opts,
        )
