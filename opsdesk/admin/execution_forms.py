"""What the platform did, as it is recorded: one form for the doing, the undoing, and what a stay asks for."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from opsdesk.models import Execution
from shops.admin.forms import DayField

State, Turn = Execution.State, Execution.Turn


def today() -> Any:
    return timezone.localdate()


class ExecutionForm(forms.Form):
    """What the platform has done, or why it hasn't; `of`: of which state or turn that is asked."""

    outcome = forms.ChoiceField(
        label=_("Outcome"),
        choices=[(State.DONE, _("done")), (State.FAILED, _("failed"))],
        widget=forms.RadioSelect,
    )
    on = DayField(label=_("Done on"), required=False, initial=today)
    reference = forms.CharField(
        label=_("Task on the platform"),
        required=False,
        max_length=100,
        help_text=_(
            "Under which number it was done on the platform. A case's number is recorded with its penalty."
        ),
    )
    note = forms.CharField(label=_("Why it failed"), required=False, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, posted: QueryDict | None, *, of: str) -> None:
        super().__init__(posted)
        outcome = self.fields["outcome"]
        assert isinstance(outcome, forms.ChoiceField)
        match of:
            case State.TO_UNDO:
                outcome.choices = [(State.DONE, State.UNDONE.label), (State.FAILED, _("not undone"))]
                self.fields["on"].label = _("Undone on")
            case Turn.PAUSE:
                paused = pgettext_lazy("on the platform", "paused")
                outcome.choices = [(State.DONE, paused), (State.FAILED, _("not paused"))]
                self.fields["on"].label = _("Paused on")
            case Turn.GO_ON:
                outcome.choices = [(State.DONE, _("goes on")), (State.FAILED, _("does not go on"))]
                self.fields["on"].label = _("Goes on since")
            case State.CALLED_OFF:
                outcome.choices = [(State.DONE, _("done all the same"))]
                del self.fields["note"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        on = cleaned.get("on")
        if cleaned.get("outcome") == State.DONE and not on:
            self.add_error("on", _("Say on which day."))
        if on and on > today():
            self.add_error("on", _("This day is yet to come."))
        if cleaned.get("outcome") == State.FAILED:
            cleaned["on"] = None
            if not cleaned.get("note", "").strip():
                self.add_error("note", _("Say why it failed."))
        return cleaned
