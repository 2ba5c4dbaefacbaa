"""Pages around appeals: one step of a hearing, and how often decisions were overturned."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import ngettext, pgettext

from opsdesk import appeals, caseload, foreseen, overturned
from opsdesk.admin.appeal_forms import ManyForm
from opsdesk.admin.appeal_steps import Step
from opsdesk.appeals.guards import FILE
from opsdesk.appeals.tables import LARGEST, WrongRow
from opsdesk.exhibits import NotNow, ParcelRefused, unpacked
from opsdesk.foreseen import Foreseen
from opsdesk.models import Appeal
from shops.admin.forms import form_page
from shops.admin.looking import Told, hold_to_what_was_shown
from shops.errors import Refused
from shops.models import Penalty
from shops.rights import person_of

SEE = "opsdesk.view_appeal"
RATES_OF = timedelta(days=365)
WRONG_SHOWN = 50


def about(penalty: Penalty) -> str:
    """The case in a line."""
    return f"{penalty.case_number} · {penalty.shop} · {penalty.violation or penalty.get_ground_display()}"


def step_page(request: HttpRequest, pk: int, *, site: AdminSite, step: Step) -> HttpResponse:
    """302 done, 400 incomplete, 403 no right, 404 no such appeal, 405 a button was opened, 409 refused,
    503 the desk takes no files just now. With `look`: 200 and what a ruling would change, while nothing does.
    """
    if not request.user.has_perms([SEE, step.permission]):
        raise PermissionDenied
    appeal = get_object_or_404(caseload.appeals(), pk=pk)
    if step.form is None and request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    posted = request.POST if request.method == "POST" else None
    back = reverse("admin:opsdesk_appeal_change", args=[pk])
    if posted is None and not appeal.is_open:
        messages.warning(request, str(appeals.AlreadyOver(appeal)))
        return HttpResponseRedirect(back)
    officer = person_of(request)
    more: dict[str, Any] = {"appeal": appeal} if step.knows_appeal else {}
    if step.knows_officer:
        more["officer"] = officer
    if step.rules:
        more["initial"] = {"seen": request.GET.get("seen") or appeals.looked_at(appeal)}
    form = (step.form or forms.Form)(posted, request.FILES or None, **more)
    looks = step.may_look and "look" in request.POST
    if looks:
        form.fields["reason"].required = False
    status = 200 if posted is None else 400
    shown: Foreseen | None = None
    asks_anyway = False

    def look() -> Told:
        nonlocal shown
        shown = _looked_at(step, appeal, officer, form.cleaned_data)
        return shown.told

    if posted is not None and form.is_valid():
        try:
            if not looks:
                # Of rulings alone: files of evidence are drawn before anything is locked for them.
                with transaction.atomic() if step.may_look else nullcontext():
                    if step.may_look:
                        hold_to_what_was_shown(request, look)
                    step.call(appeal, officer, form.cleaned_data)
                messages.success(request, str(step.done))
                return HttpResponseRedirect(back)
            look()
            status = 200
        except Refused as refusal:
            form.add_error(None, str(refusal))
            status = 503 if isinstance(refusal, NotNow) else 409
            if isinstance(refusal, appeals.NotRestored):
                asks_anyway = True
                form.add_error("all_the_same", _t("Tick this to rule all the same."))
            if isinstance(refusal, appeals.Unseen):
                # This page tells what has come: what is sent from it has seen that.
                form.data = posted.copy()
                form.data["seen"] = refusal.now
    elif posted is not None and not appeal.is_open:
        # What was chosen there may be there no more: that it is over says why.
        form.errors.clear()
        form.add_error(None, str(appeals.AlreadyOver(appeal)))
        status = 409
    asks_anyway = asks_anyway or bool(shown and shown.not_restored) or "all_the_same" in request.POST
    if "all_the_same" in form.fields and not asks_anyway:
        del form.fields["all_the_same"]
    intro = f"{appeal.number} · {about(appeal.penalty)}"
    return form_page(
        request,
        site,
        form,
        title=step.title,
        intro=f"{intro} – {step.note}" if step.note else intro,
        submit=step.title,
        back=back,
        of=appeal,
        opts=Appeal._meta,
        status=status,
        may_look=step.may_look,
        foreseen=shown.told if shown else [],
    )


def _looked_at(step: Step, appeal: Appeal, officer: User, given: dict[str, Any]) -> Foreseen:
    """What the ruling would change; refused to everybody to whom the ruling is."""

    def rule(_same: Penalty) -> list[dict[str, Any]]:
        ruled = step.call(
            appeal, officer, {**given, "reason": foreseen.REASON, "all_the_same": True, "seen": None}
        )
        assert isinstance(ruled, Appeal)
        return ruled.not_restored

    return foreseen.foresee(appeal.penalty, rule, by=officer, at=timezone.now())


def many_page(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """File what a CSV file says: all of it, or nothing, with every wrong row told.

    302 done, 400 wrong, 403 no right, 503 the desk takes no files just now.
    """
    if not request.user.has_perms([SEE, FILE]):
        raise PermissionDenied
    sent = request.method == "POST"
    form = ManyForm(request.POST, request.FILES) if sent else ManyForm()
    back = reverse("admin:opsdesk_appeal_changelist")
    status = 200
    if sent and form.is_valid():
        try:
            # A byte more than is taken tells that there is more.
            content = form.cleaned_data["file"].read(LARGEST + 1)
            archive = form.cleaned_data["parcel"]
            with unpacked(archive) if archive else nullcontext() as parcel:
                filed = appeals.file_many(content, by=person_of(request), at=timezone.now(), parcel=parcel)
        except NotNow as refusal:
            status = 503
            form.add_error(None, str(refusal))
        except ParcelRefused as refusal:
            status = 400
            for reason in refusal.reasons[:WRONG_SHOWN]:
                form.add_error("parcel", reason)
        except appeals.FileOfAppealsRefused as refusal:
            status = 400
            for wrong in refusal.rows[:WRONG_SHOWN]:
                form.add_error(None, _told(wrong))
            if len(refusal.rows) > WRONG_SHOWN:
                more = len(refusal.rows) - WRONG_SHOWN
                told = ngettext("and %(count)s more row", "and %(count)s more rows", more)
                form.add_error(None, told % {"count": more})
        else:
            told = ngettext("%(count)s appeal is filed.", "%(count)s appeals are filed.", len(filed))
            messages.success(request, told % {"count": len(filed)})
            return HttpResponseRedirect(back)
    return form_page(
        request,
        site,
        form,
        title=_t("File many appeals"),
        intro=_t("All rows are filed or none: what is wrong is told row by row. None may be out of time."),
        submit=pgettext("verb", "File"),
        back=back,
        opts=Appeal._meta,
        status=status,
    )


def _told(wrong: WrongRow) -> str:
    if not wrong.row:
        return wrong.message
    return _t("Row %(row)s: %(what)s") % {"row": wrong.row, "what": wrong.message}


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
