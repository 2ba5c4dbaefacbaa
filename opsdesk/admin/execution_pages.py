"""What is recorded of the platform, as pages: of one execution, and of many at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext, pgettext_lazy

from opsdesk import correcting, execution, pausing
from opsdesk.admin.execution_forms import ExecutionForm, PauseForm
from opsdesk.models import Execution
from shops.admin.cells import NOTHING
from shops.admin.forms import form_page
from shops.admin.verbs import ReasonForm
from shops.errors import Refused
from shops.rights import name_of, person_of

REFUSALS_SHOWN = 5
LISTED = 20
# The field of a form that says what was seen, execution by execution: KEY-WORD, with blanks between.
SEEN = "seen"
_SEEN_OF_ONE = re.compile(r"\b(\d{1,18})-([0-9a-f]{32})\b")
State = Execution.State


@dataclass(frozen=True)
class Recording:
    """Something that is recorded of an execution at `<execution>/<name>/`: where `possible`, by a `form` of
    what is `asked` of it, with which `call` is called. Of many at once those alone that `wait` for the same.
    """

    name: str
    title: Promise
    # What leads there from a page or a list.
    label: Promise
    submit: Promise
    possible: Callable[[Execution], bool]
    asked: Callable[[Execution], str]
    form: Callable[[QueryDict | None, str], forms.Form]
    call: Callable[..., Execution]
    intro: Callable[[Execution], str]
    done: Callable[[int], str]
    # Why there is nothing to record.
    nothing: Promise
    waits: Callable[[Execution], str] = lambda asked: ""
    facts: Callable[[Execution], list[tuple[str, str]]] = lambda asked: []

    @property
    def address(self) -> str:
        """The name of its page's address."""
        return f"opsdesk_execution_{self.name}"


def _to_do_or_undo(asked: Execution) -> str:
    return asked.state if asked.state in (State.TO_UNDO, State.CALLED_OFF) else State.TO_DO


def _to_record(asked: Execution) -> str:
    told = _named(asked, execution.what(asked))
    if asked.state != State.TO_UNDO:
        return told
    return _t("To be undone, as it was taken back or lifted: %(what)s") % {"what": told}


def _to_pause(asked: Execution) -> str:
    what = _named(asked, pausing.what(asked))
    if not asked.is_paused:
        return _t("Goes on there: %(what)s") % {"what": what}
    return _t("Is paused there: %(what)s") % {"what": what}


def _to_take_back(asked: Execution) -> str:
    return _t("%(what)s – what was recorded last was wrong: it will be as before.") % {"what": asked}


def _recorded(asked: Execution) -> list[tuple[str, str]]:
    found = correcting.last_record(asked)
    if found is None:
        return []
    record, _before = found
    reason = record.history_change_reason
    match reason:
        case Execution.NOT_UNDONE:
            day, said = None, record.note
        case Execution.NOT_PAUSED | Execution.NOT_GOING_ON:
            day, said = None, record.pause_note
        case Execution.PAUSED | Execution.GOES_ON:
            day, said = record.resumed_on or record.paused_on, record.pause_reference
        case _:
            day, said = record.executed_on, record.reference or record.note
    what = Execution.REASONS[reason] or record.get_state_display()
    told = [str(what), day and date_format(day), said, name_of(record.history_user)]
    return [(_t("Recorded"), " · ".join(filter(None, told)))]


def _named(asked: Execution, what: Sequence[str]) -> str:
    line = pgettext("list", "; ").join(what)
    return f"{asked} · {line}" if line else str(asked)


def _not_asked_for(asked: Execution) -> list[tuple[str, str]]:
    if asked.turn is not None:
        return []
    return [(_t("Nobody asks for it"), _t("Record it only where the platform has done it all the same."))]


def _told_recorded(count: int) -> str:
    return ngettext("%(count)s recorded.", "%(count)s recorded.", count) % {"count": count}


RECORD = Recording(
    "record",
    title=_("What the platform has done"),
    label=_("Record what the platform has done"),
    submit=_("Record"),
    possible=execution.can_be_recorded,
    asked=_to_do_or_undo,
    form=lambda posted, asked: ExecutionForm(posted, of=asked),
    call=execution.record,
    intro=_to_record,
    done=_told_recorded,
    nothing=_("Nothing of it is to be recorded any more."),
    waits=_to_do_or_undo,
)
PAUSE = Recording(
    "pause",
    title=_("What the platform has paused or resumed"),
    label=_("Record what the platform has paused or resumed"),
    submit=_("Record"),
    possible=lambda asked: asked.can_be_paused,
    asked=lambda asked: Execution.Turn.GO_ON if asked.is_paused else Execution.Turn.PAUSE,
    form=lambda posted, asked: PauseForm(posted, of=asked),
    call=pausing.record,
    intro=_to_pause,
    done=_told_recorded,
    nothing=_("Nothing of it goes on that a stay lets rest."),
    waits=lambda asked: asked.turn or "",
    facts=_not_asked_for,
)
TAKE_BACK = Recording(
    "take_back",
    title=_("Take the record back"),
    label=_("Take the record back"),
    submit=pgettext_lazy("record", "Take it back"),
    possible=lambda asked: correcting.last_record(asked) is not None,
    asked=lambda asked: "",
    form=lambda posted, asked: ReasonForm(posted),
    call=correcting.take_back,
    done=lambda count: _t("The record is taken back."),
    nothing=_("Nothing is recorded of it that could be taken back, or something has come of that."),
    intro=_to_take_back,
    facts=_recorded,
)
RECORDINGS = (RECORD, PAUSE, TAKE_BACK)


def page_of_one(
    request: HttpRequest, asked: Execution, recording: Recording, site: AdminSite
) -> HttpResponse:
    """302 recorded, or nothing to record any more; 200 with what is wrong, or as it is by now."""
    _refuse_who_may_not(request)
    now, back = execution.looked_at(asked), reverse("admin:opsdesk_execution_change", args=[asked.pk])
    posted = request.POST if request.method == "POST" else None
    if _seen_in(request.POST).get(asked.pk, now) != now:
        # Sent from a page that was another than this is: it is shown anew.
        messages.error(request, execution.told_changed(asked))
        posted = None
    if posted is None and not recording.possible(asked):
        messages.warning(request, str(recording.nothing))
        return HttpResponseRedirect(back)
    form = recording.form(posted, recording.asked(asked))
    if posted is not None and form.is_valid() and not _record(request, {asked.pk: now}, form, recording):
        return HttpResponseRedirect(back)
    stay = pausing.told(asked)
    return form_page(
        request,
        site,
        form,
        title=recording.title,
        intro=recording.intro(asked),
        facts=[*([(_t("Stay"), stay)] if stay else []), *recording.facts(asked)],
        hidden=[(SEEN, _in_a_field({asked.pk: now}))],
        submit=recording.submit,
        back=back,
        of=asked,
        opts=Execution._meta,
    )


def page_of_many(
    request: HttpRequest, shown: list[Execution], recording: Recording, site: AdminSite
) -> TemplateResponse | None:
    """The page in between, or what became of each once that was answered. Those that ask for the same alone:
    None, and people are told so, where they don't.
    """
    _refuse_who_may_not(request)
    answered = recording.name in request.POST
    waiting = {recording.waits(one) for one in shown}
    if not answered and (len(waiting) > 1 or waiting == {""}):
        different = _("These ask for different things: choose what asks for the same.")
        nobody = _("Nobody asks for that of these. What was done all the same is recorded on its own page.")
        messages.error(request, different if len(waiting) > 1 else nobody)
        return None
    of = request.POST.get("of") or next(iter(waiting), "")
    seen = {one.pk: execution.looked_at(one) for one in shown}
    if answered:
        # As they were shown, whatever they are by now.
        seen |= {pk: word for pk, word in _seen_in(request.POST).items() if pk in seen}
    form = recording.form(request.POST if answered else None, of)
    if answered and form.is_valid():
        _record(request, seen, form, recording)
        return None
    title = ngettext("Record %(count)s execution", "Record %(count)s executions", len(shown))
    return form_page(
        request,
        site,
        form,
        title=title % {"count": len(shown)},
        submit=recording.submit,
        back=request.get_full_path(),
        opts=Execution._meta,
        listed=shown[:LISTED],
        unlisted=max(len(shown) - LISTED, 0),
        hidden=[
            ("action", request.POST["action"]),
            (recording.name, "1"),
            ("of", of),
            *((ACTION_CHECKBOX_NAME, one.pk) for one in shown),
            (SEEN, _in_a_field(seen)),
        ],
    )


def _refuse_who_may_not(request: HttpRequest) -> None:
    if not request.user.has_perms([execution.EXECUTE, "opsdesk.view_execution"]):
        raise PermissionDenied


def _record(request: HttpRequest, seen: Mapping[int, str], form: forms.Form, recording: Recording) -> int:
    """Record each, as it was seen, and tell people. Returns how many were refused."""
    refused: list[str] = []
    for pk, word in seen.items():
        try:
            recording.call(pk, **form.cleaned_data, by=person_of(request), seen=word)
        except Refused as refusal:
            refused.append(str(refusal))
    done = len(seen) - len(refused)
    if done:
        messages.success(request, recording.done(done))
    if refused:
        told = ngettext("%(count)s was refused: %(why)s", "%(count)s were refused: %(why)s", len(refused))
        why = " · ".join(dict.fromkeys(refused[:REFUSALS_SHOWN])) or NOTHING
        messages.error(request, told % {"count": len(refused), "why": why})
    return len(refused)


def _in_a_field(seen: Mapping[int, str]) -> str:
    # In one for all of them: of fields no form sends more than a thousand.
    return " ".join(f"{pk}-{word}" for pk, word in seen.items())


def _seen_in(posted: QueryDict) -> dict[int, str]:
    return {int(pk): word for pk, word in _SEEN_OF_ONE.findall(posted.get(SEEN, ""))}
