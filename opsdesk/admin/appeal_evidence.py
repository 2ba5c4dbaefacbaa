"""Evidence as officers look at it: what the desk drew of it, and the original to take away."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import IO, Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from opsdesk import appeals, checklists, reasons, worklist
from opsdesk.admin.appeal_forms import ItemForm, PlainReasonForm
from opsdesk.appeals.evidence import ADD, VIEW
from opsdesk.appeals.pieces import STRIKE, assigns, strikes
from opsdesk.exhibits import ENDINGS, SMALL, Altered, NotNow, original_of, to_be_saved_as, view_of
from opsdesk.models import Appeal, Evidence
from rules.models import Proposal
from shops.admin.forms import form_page
from shops.errors import Refused
from shops.rights import person_of

logger = logging.getLogger(__name__)

# Whatever a browser takes such a file for: it runs nothing, loads nothing and is of no page.
HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}


def addresses(site: AdminSite) -> list[URLPattern]:
    def at(route: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
        return path(f"evidence/<uuid:token>/{route}", site.admin_view(view), name=f"opsdesk_evidence_{name}")

    return [
        at("", partial(viewer, site=site), "viewer"),
        at("page/<int:number>/", page, "page"),
        at("small/", small, "small"),
        at("original/", original, "original"),
        at("strike/", partial(strike_page, site=site), "strike"),
        at("item/", partial(item_page, site=site), "item"),
    ]


def _seen(request: HttpRequest, token: UUID) -> Evidence:
    """The evidence, for who may look at it."""
    if not request.user.has_perm(VIEW):
        raise PermissionDenied
    found = Evidence.objects.select_related(
        "appeal__penalty__shop", "appeal__penalty__violation", "added_by", "struck_by"
    ).filter(token=token)
    evidence = found.first()
    if evidence is None:
        raise Http404
    return evidence


@require_GET
def viewer(request: HttpRequest, token: UUID, *, site: AdminSite) -> HttpResponse:
    """One piece of evidence, beside what the decision rests on."""
    evidence = _seen(request, token)
    appeal = evidence.appeal
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": str(evidence),
        "opts": Appeal._meta,
        "evidence": evidence,
        "appeal": appeal,
        "penalty": appeal.penalty,
        "proposal": Proposal.objects.filter(penalty=appeal.penalty).select_related("case__violation").first(),
        "why": reasons.words_of(appeal.penalty.reason),
        "judged": worklist.judged_rules(appeal.penalty),
        "may_strike": not evidence.is_struck and strikes(person_of(request), appeal),
        "may_assign": not evidence.is_struck
        and assigns(person_of(request), appeal)
        and checklists.items_of(appeal.penalty),
    }
    return TemplateResponse(request, "admin/opsdesk/appeal/evidence.html", context)


@require_GET
def page(request: HttpRequest, token: UUID, number: int) -> HttpResponseBase:
    """A page as the desk drew it: pixels alone, whatever the original holds."""
    evidence = _seen(request, token)
    if number not in evidence.page_numbers:
        raise Http404
    return _drawn(evidence, str(number))


@require_GET
def small(request: HttpRequest, token: UUID) -> HttpResponseBase:
    evidence = _seen(request, token)
    if not evidence.pages:
        raise Http404
    return _drawn(evidence, SMALL)


@require_GET
def original(request: HttpRequest, token: UUID) -> HttpResponseBase:
    """The file as it came, to be saved: the desk opens none, and films too are looked at elsewhere.

    302 back to its page, which says why, where the store has another one or does not answer.
    """
    evidence = _seen(request, token)
    if evidence.size is None:
        # A statement.
        raise Http404
    try:
        return _answer(
            partial(original_of, evidence.place, evidence.sha256, evidence.size),
            as_attachment=True,
            filename=to_be_saved_as(evidence.name, ENDINGS[Evidence.Kind(evidence.kind)]),
            content_type="application/octet-stream",
        )
    except Refused as refusal:
        if isinstance(refusal, Altered):
            _log_altered(evidence, "is another file in the store")
        messages.error(request, str(refusal))
        return HttpResponseRedirect(reverse("admin:opsdesk_evidence_viewer", args=[token]))


def strike_page(request: HttpRequest, token: UUID, *, site: AdminSite) -> HttpResponse:
    """302 done, 400 incomplete, 403 no right, 404 no such evidence, 409 refused."""
    evidence = _seen(request, token)
    if not request.user.has_perm(STRIKE):
        raise PermissionDenied
    return _verb_page(
        request,
        site,
        evidence,
        PlainReasonForm(request.POST if request.method == "POST" else None),
        appeals.strike,
        _t("“%(name)s” is struck.") % {"name": evidence},
        title=_("Strike evidence"),
        intro=_t("%(number)s · “%(name)s” – it stays to be seen, with the reason.")
        % {"number": evidence.appeal.number, "name": evidence},
        submit=_("Strike"),
    )


def item_page(request: HttpRequest, token: UUID, *, site: AdminSite) -> HttpResponse:
    """302 done, 400 incomplete, 403 no right, 404 no such evidence or no checklist, 409 refused."""
    evidence = _seen(request, token)
    if not request.user.has_perm(ADD):
        raise PermissionDenied
    items = checklists.items_of(evidence.appeal.penalty)
    if not items:
        raise Http404
    posted = request.POST if request.method == "POST" else None
    now = [number for number, item in enumerate(items) if item.en == evidence.item_en]
    form = ItemForm(posted, appeal=evidence.appeal, initial={"item": now[0] if now else ""})
    return _verb_page(
        request,
        site,
        evidence,
        form,
        lambda token, *, at, **given: appeals.assign(token, **given),
        _t("What “%(name)s” answers is on record.") % {"name": evidence},
        title=_("Say what it answers"),
        intro=f"{evidence.appeal.number} · {evidence}",
    )


def _verb_page(
    request: HttpRequest,
    site: AdminSite,
    evidence: Evidence,
    form: forms.Form,
    verb: Callable[..., object],
    done: str,
    **told: Any,
) -> HttpResponse:
    """The form of a verb on a piece of evidence; called, it leads back to the appeal."""
    back = reverse("admin:opsdesk_appeal_change", args=[evidence.appeal_id])
    status = 200 if request.method != "POST" else 400
    if request.method == "POST" and form.is_valid():
        try:
            verb(evidence.token, by=person_of(request), at=timezone.now(), **form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, str(refusal))
            status = 409
        else:
            messages.success(request, done)
            return HttpResponseRedirect(back)
    return form_page(
        request, site, form, back=back, of=evidence.appeal, opts=Appeal._meta, status=status, **told
    )


def _drawn(evidence: Evidence, which: str) -> HttpResponseBase:
    """503 with the reason where the store has another picture or does not answer."""
    try:
        return _answer(
            partial(view_of, evidence.place, which, evidence.shown[which]), content_type="image/jpeg"
        )
    except (Altered, NotNow) as refusal:
        if isinstance(refusal, Altered):
            _log_altered(evidence, f"has another picture in the store: {which}")
        return HttpResponse(
            str(refusal), status=503, content_type="text/plain; charset=utf-8", headers=HEADERS
        )


def _log_altered(evidence: Evidence, what: str) -> None:
    logger.error("evidence %s of appeal %s %s", evidence.pk, evidence.appeal_id, what)


def _answer(opened: Callable[[], IO[bytes]], **options: Any) -> FileResponse:
    try:
        file = opened()
    except FileNotFoundError:
        raise Http404 from None
    return FileResponse(file, headers=HEADERS, **options)
