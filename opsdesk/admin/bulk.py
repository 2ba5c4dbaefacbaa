"""Deciding many proposals at once: one question for all of them, each decided by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from opsdesk import reasons, review
from opsdesk.admin.choosing import chosen_of
from opsdesk.consequences import StillAsked
from rules.models import Proposal
from shops.admin.forms import form_page
from shops.errors import Refused
from shops.rights import person_of

# Each is a transaction of its own; more would outlast the web server's patience.
REFUSALS_SHOWN = 5
LINKS_SHOWN = 20


class ReasonForm(forms.Form):
    """A reason out of the table, or one's own words."""

    reason = forms.ChoiceField()
    note = forms.CharField(
        label=_("Note"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Kept with each decision. Needed where the reason is “other”."),
    )

    def __init__(self, table: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", _("Choose a reason")), *table.items(), *reasons.OTHER.items()]
        self.fields["reason"] = forms.ChoiceField(label=_("Reason"), choices=choices)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("reason") in reasons.OTHER and not cleaned.get("note", "").strip():
            self.add_error("note", _("Say why, in a few words."))
        return cleaned


def decide_selected(
    modeladmin: ModelAdmin, request: HttpRequest, queryset: QuerySet[Proposal], *, verdict: str
) -> TemplateResponse | None:
    """The page in between; once answered, each proposal is accepted or rejected and people are told."""
    accepting = verdict == "accept"
    answered = "decide" in request.POST
    if (chosen := chosen_of(modeladmin, request, queryset, answered=answered)) is None:
        return None
    form = ReasonForm(
        reasons.ACCEPTING if accepting else reasons.REJECTING, request.POST if answered else None
    )
    if answered and form.is_valid():
        _decide(
            modeladmin,
            request,
            chosen,
            review.accept if accepting else review.reject,
            # The verb takes words instead of a code, and files them under "other".
            reason=form.cleaned_data["reason"]
            if form.cleaned_data["reason"] not in reasons.OTHER
            else form.cleaned_data["note"],
            note=form.cleaned_data["note"] if form.cleaned_data["reason"] not in reasons.OTHER else "",
        )
        return None
    count = len(chosen)
    if accepting:
        title = ngettext("Accept %(count)s proposal", "Accept %(count)s proposals", count)
    else:
        title = ngettext("Reject %(count)s proposal", "Reject %(count)s proposals", count)
    return form_page(
        request,
        modeladmin.admin_site,
        form,
        title=title % {"count": count},
        intro=_("Each is decided by itself: what somebody else has decided meanwhile stays as it is."),
        submit=_("Accept") if accepting else _("Reject"),
        back=request.get_full_path(),
        opts=modeladmin.opts,
        listed=modeladmin.get_queryset(request).filter(pk__in=chosen)[:20],
        unlisted=max(count - 20, 0),
        hidden=[
            ("action", request.POST["action"]),
            ("decide", "1"),
            *((ACTION_CHECKBOX_NAME, pk) for pk in chosen),
        ],
    )


def _decide(
    modeladmin: ModelAdmin,
    request: HttpRequest,
    chosen: list[int],
    verb: Callable[..., Any],
    *,
    reason: str,
    note: str,
) -> None:
    decided = already = 0
    refused: list[str] = []
    asked: list[Proposal] = []
    for pk in chosen:
        try:
            verb(pk, by=person_of(request), reason=reason, note=note, at=timezone.now())
        except review.AlreadyDecided:
            already += 1
        except StillAsked as refusal:
            asked.append(refusal.proposal)
        except Refused as refusal:
            refused.append(str(refusal))
        else:
            decided += 1
    if decided:
        told = ngettext("%(count)s proposal decided.", "%(count)s proposals decided.", decided)
        modeladmin.message_user(request, told % {"count": decided}, messages.SUCCESS)
    if already:
        told = ngettext(
            "%(count)s had already been decided or withdrawn, and stays so.",
            "%(count)s had already been decided or withdrawn, and stay so.",
            already,
        )
        modeladmin.message_user(request, told % {"count": already}, messages.WARNING)
    if asked:
        told = ngettext(
            "%(count)s proposal still needs its measures filled in:",
            "%(count)s proposals still need their measures filled in:",
            len(asked),
        )
        links = [(reverse("admin:shops_shop_penalise", args=[one.shop_id]), one.pk, one) for one in asked]
        which = format_html_join(" · ", '<a href="{}?proposal={}">{}</a>', links[:LINKS_SHOWN])
        more = " …" if len(asked) > LINKS_SHOWN else ""
        told = format_html("{} {}{}", told % {"count": len(asked)}, which, more)
        modeladmin.message_user(request, told, messages.ERROR)
    if refused:
        told = ngettext("%(count)s was refused: %(why)s", "%(count)s were refused: %(why)s", len(refused))
        why = " · ".join(dict.fromkeys(refused[:REFUSALS_SHOWN]))
        modeladmin.message_user(request, told % {"count": len(refused), "why": why}, messages.ERROR)
