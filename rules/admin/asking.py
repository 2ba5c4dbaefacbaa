"""Ask about one shop: every rule of every set as it would be judged now, and what would get it back in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.timezone import localdate
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from rules.checking import Check, check
from rules.models import Rule, RuleSet
from rules.sweeps import newest_day
from rules.values import way_back_text
from shops import enrollments
from shops.admin.forms import DayField
from shops.errors import Refused
from shops.models import Alliance, Enrollment, Shop


class DayForm(forms.Form):
    """Which day's figures and versions are asked."""

    day = DayField(label=_("day"), required=False)


@dataclass(frozen=True)
class JudgedSet:
    """A version that was asked, and each of its evaluated rules with what came of it."""

    rule_set: RuleSet
    judged: list[dict[str, Any]]


@dataclass(frozen=True)
class Answer:
    """What the rules of one alliance say of the shop. `refused`: why they can't be asked on that day.

    `in_the_way`: what keeps the shop out whatever it measures; `way_back`: what its figures would have to be.
    """

    alliance: Alliance
    enrollment: Enrollment | None
    refused: str = ""
    check: Check | None = None
    sets: tuple[JudgedSet, ...] = ()
    in_the_way: tuple[str, ...] = ()
    way_back: tuple[str, ...] = ()

    @property
    def inside(self) -> bool:
        return self.enrollment is not None and self.enrollment.state == Enrollment.State.OPEN


def ask(shop: Shop, alliance: Alliance, day: date) -> Answer:
    """The answer of one alliance for one day."""
    enrollment = Enrollment.objects.filter(shop=shop, alliance=alliance).first()
    try:
        answer = check(shop, alliance, day)
    except Refused as refusal:
        return Answer(alliance, enrollment, refused=str(refusal))
    inside = enrollment is not None and enrollment.state == Enrollment.State.OPEN
    in_the_way: list[str] = []
    if enrollment is None:
        in_the_way = [_t("The shop has never applied to %(alliance)s.") % {"alliance": alliance}]
    elif not inside:
        in_the_way = list(enrollments.refusals_to_admit(enrollment, day))
    if not inside and answer.evaluation.admission is None:
        in_the_way.append(_t("No rules of admission are in force on that day: nobody is let in."))
    return Answer(
        alliance,
        enrollment,
        check=answer,
        sets=tuple(
            _judged(rule_set, entries)
            for purpose, entries in answer.rules.items()
            if (rule_set := answer.rule_set(purpose)) is not None
        ),
        in_the_way=tuple(in_the_way),
        way_back=() if inside else tuple(way_back_text(entry) for entry in answer.against),
    )


def _judged(rule_set: RuleSet, entries: list[dict[str, Any]]) -> JudgedSet:
    rules: dict[str, Rule] = {rule.code: rule for rule in rule_set.rules.all()}
    return JudgedSet(rule_set, [{"entry": entry, "rule": rules[entry["code"]]} for entry in entries])


def shop_rules(request: HttpRequest, shop_id: int, site: AdminSite) -> HttpResponse:
    """The page."""
    if not request.user.has_perm("rules.view_ruleset"):
        raise PermissionDenied
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    shop = get_object_or_404(Shop, pk=shop_id)
    newest = newest_day(localdate())
    form = DayForm(request.GET or None, initial={"day": newest})
    asked = form.cleaned_data["day"] if form.is_valid() else None
    day = asked or newest
    context = {
        **site.each_context(request),
        "title": _t("%(shop)s by the rules") % {"shop": shop},
        "opts": Shop._meta,
        "shop": shop,
        "form": form,
        "day": day,
        "answers": [ask(shop, alliance, day) for alliance in Alliance.objects.all()] if day else [],
    }
    return TemplateResponse(request, "admin/rules/asking.html", context)
