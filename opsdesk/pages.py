"""Pages that belong to no single record: each asks for one permission and calls one verb or read."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from opsdesk import jobs, review, worklist
from opsdesk.story import Record, story
from rules import checking, sweeps
from rules.admin import unjudged
from rules.admin.unjudged import UNJUDGED
from rules.models import Proposal
from shops import outgoing
from shops.admin.exporting import deliver
from shops.admin.forms import ProductCodeField, ShopCodeField, form_page
from shops.errors import Refused
from shops.models import Alliance, Export, Shop
from shops.rights import name_of, person_of

ON_A_PAGE = 50


class ByHandForm(forms.Form):
    """DF-C3: a person's judgement, with the statement that the shop will read."""

    shop = ShopCodeField(required=False, help_text=_("Not needed where a product is named."))
    product = ProductCodeField(
        required=False, help_text=_("Empty: the whole shop is to be cleared, not one product stopped.")
    )
    alliance = forms.ModelChoiceField(Alliance.objects.all(), label=_("Alliance"))
    statement = forms.CharField(
        label=_("Statement"),
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_(
            "Why the shop or product is unsuitable for promotion. It becomes the proposal's evidence."
        ),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("product") and not cleaned.get("shop"):
            cleaned["shop"] = cleaned["product"].shop
        elif not cleaned.get("shop") and not {"shop", "product"} & self.errors.keys():
            self.add_error("shop", _("Name the shop or the product."))
        return cleaned


def check_now(request: HttpRequest, site: AdminSite, alliance: str) -> HttpResponse:
    """Ask for the daily check of an alliance and go to watch it."""
    if not request.user.has_perm("rules.run_sweep"):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    subject = get_object_or_404(Alliance, code=alliance)
    try:
        sweep = sweeps.request(alliance=subject, by=person_of(request), at=timezone.now())
    except Refused as refusal:
        messages.error(request, str(refusal))
        return HttpResponseRedirect(reverse("admin:index"))
    # Also for one that was waiting already: its message may have been lost, and a second does no harm.
    jobs.ask_for(sweep)
    return HttpResponseRedirect(reverse("admin:rules_sweep_change", args=[sweep.pk]))


def no_data(request: HttpRequest, site: AdminSite, alliance: str) -> HttpResponse:
    """Whom the last check could not judge, for want of what, and for how long already."""
    if not request.user.has_perm("shops.view_enrollment"):
        raise PermissionDenied
    subject = get_object_or_404(Alliance, code=alliance)
    day = worklist.last_swept_days().get(subject.pk)
    asked = request.GET.get("p", "")
    number = max(int(asked), 1) if asked.isdecimal() and len(asked) < 10 else 1
    count = 0
    rows: list[checking.Unjudged] = []
    if day is not None:
        start = (number - 1) * ON_A_PAGE
        count, rows = checking.without_data(subject, day, start=start, stop=start + ON_A_PAGE)
        if count and not rows:
            return HttpResponseRedirect(request.path)
    context = {
        **site.each_context(request),
        "title": _t("Shops and products without data"),
        "alliance": subject,
        "day": day,
        "rows": [(row, unjudged.purposes(row), unjudged.lacking(row)) for row in rows],
        "count": count,
        "previous": number - 1 if number > 1 else None,
        "next": number + 1 if number * ON_A_PAGE < count else None,
        "looks_back": checking.LOOKS_BACK,
        "may_export": outgoing.SOURCES[UNJUDGED].may_export(person_of(request)),
    }
    return TemplateResponse(request, "admin/no_data.html", context)


def export_no_data(request: HttpRequest, site: AdminSite, alliance: str) -> HttpResponseBase:
    """Take that list away."""
    if not outgoing.SOURCES[UNJUDGED].may_export(person_of(request)):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    subject = get_object_or_404(Alliance, code=alliance)
    day = worklist.last_swept_days().get(subject.pk)
    if day is None:
        return HttpResponseRedirect(reverse("admin:no_data", args=[subject.code]))
    return deliver(
        request,
        UNJUDGED,
        query=f"alliance={subject.code}&day={day.isoformat()}",
        columns=[],
        format=Export.Format.CSV,
        file_name=f"no-data-{subject.code}-{day.isoformat()}",
    )


def shop_story(request: HttpRequest, site: AdminSite, shop_id: int) -> HttpResponse:
    """What became of a shop, the latest first: as much of it as the reader may see elsewhere."""
    if not request.user.has_perm("shops.view_shop"):
        raise PermissionDenied
    shop = get_object_or_404(Shop, pk=shop_id)

    def may_read(model: type[Model]) -> bool:
        return request.user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")

    def address(record: Record) -> str | None:
        if not site.is_registered(record.model):
            return None
        name = f"{record.model._meta.app_label}_{record.model._meta.model_name}"
        return reverse(f"admin:{name}_change", args=[record.pk])

    told = story(shop, may_read)[::-1]
    page = Paginator(told, ON_A_PAGE).get_page(request.GET.get("p"))
    context = {
        **site.each_context(request),
        "title": _t("Story"),
        "shop": shop,
        "opts": Shop._meta,
        "page": page,
        "events": [(event, name_of(event.who), address(event.record)) for event in page],
    }
    return TemplateResponse(request, "admin/shops/shop/story.html", context)


def file_by_hand(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Propose by hand to clear a shop, or to stop a product (DF-C3)."""
    if not request.user.has_perm("rules.file_proposal"):
        raise PermissionDenied
    asked = {key: request.GET[key] for key in ("shop", "product", "alliance") if key in request.GET}
    form = ByHandForm(request.POST if request.method == "POST" else None, initial=asked)
    if request.method == "POST" and form.is_valid():
        try:
            proposal = review.file_by_hand(**form.cleaned_data, by=person_of(request), at=timezone.now())
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _t("%(proposal)s: filed.") % {"proposal": proposal})
            return HttpResponseRedirect(reverse("admin:rules_proposal_change", args=[proposal.pk]))
    return form_page(
        request,
        site,
        form,
        title=_("File a proposal by hand"),
        intro=_(
            "A proposal to clear a shop, or to stop a product, that operators judge unsuitable for promotion "
            "(DF-C3)."
        ),
        submit=pgettext_lazy("verb", "File"),
        back=reverse("admin:rules_proposal_changelist"),
        opts=Proposal._meta,
    )
