"""Pages around appeals: one step of a hearing, and how often decisions were overturned."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t

from opsdesk import caseload, overturned
from opsdesk.admin.appeal_steps import Step
from opsdesk.models import Appeal
from shops.admin.forms import form_page
from shops.errors import Refused
from shops.models import Penalty
from shops.rights import person_of

SEE = "opsdesk.view_appeal"
RATES_OF = timedelta(days=365)


def about(penalty: Penalty) -> str:
    """The case in a line."""
    return f"{penalty.case_number} · {penalty.shop} · {penalty.violation or penalty.get_ground_display()}"


def step_page(request: HttpRequest, pk: int, *, site: AdminSite, step: Step) -> HttpResponse:
    """302 done, 400 incomplete, 403 no right, 404 no such appeal, 405 a button was opened, 409 refused."""
    if not request.user.has_perms([SEE, step.permission]):
        raise PermissionDenied
    appeal = get_object_or_404(caseload.appeals(), pk=pk)
    if step.form is None and request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    posted = request.POST if request.method == "POST" else None
    more: dict[str, Any] = {"appeal": appeal} if step.knows_appeal else {}
    form = (step.form or forms.Form)(posted, **more)
    status = 200 if posted is None else 400
    back = reverse("admin:opsdesk_appeal_change", args=[pk])
    if posted is not None and form.is_valid():
        try:
            step.call(appeal, person_of(request), form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, str(refusal))
            status = 409
        else:
            messages.success(request, str(step.done))
            return HttpResponseRedirect(back)
    intro = f"{appeal.number} · {about(appeal.penalty)}"
    return form_page(
        request,
        site,
        form,
        title=step.title,
        intro=f"{intro} – {step.note}" if step.note else intro,
        submit=step.title,
        back=back,
        opts=Appeal._meta,
        status=status,
    )


def rates_page(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """How often decisions of the last year were overturned."""
    if not request.user.has_perm(SEE):
        raise PermissionDenied
    since = timezone.now() - RATES_OF
    rates = overturned.rates(since=since)
    context = {
        **site.each_context(request),
        "title": _t("Overturned decisions"),
        "opts": Appeal._meta,
        "since": since,
        "tables": [
            (_t("By rule"), _t("rule"), rates.by_rule),
            (_t("By violation"), _t("violation"), rates.by_violation),
            (_t("By who decided"), _t("decided by"), rates.by_operator),
        ],
    }
    return TemplateResponse(request, "admin/opsdesk/appeal/rates.html", context)
