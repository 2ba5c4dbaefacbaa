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


class _OutcomeForm(forms.Form):
    """On which day it was done, or why it wasn't."""

    outcome = forms.ChoiceField(label=_("Outcome"), widget=forms.RadioSelect)
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

    def _say(self, done: Any, failed: Any, on: Any) -> None:
        outcome = self.fields["outcome"]
        assert isinstance(outcome, forms.ChoiceField)
        outcome.choices = [(State.DONE, done), (State.FAILED, failed)]
        self.fields["on"].label = on

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


class ExecutionForm(_OutcomeForm):
    """What the platform has done, or undone, or why it hasn't; `of`: of which state that is asked."""

    def __init__(self, posted: QueryDict | None, *, of: str) -> None:
        super().__init__(posted)
        if of == State.TO_UNDO:
            self._say(State.UNDONE.label, _("not undone"), _("Undone on"))
        else:
            self._say(_("done"), _("failed"), _("Done on"))
        if of == State.CALLED_OFF:
            outcome = self.fields["outcome"]
            assert isinstance(outcome, forms.ChoiceField)
            outcome.choices = [(State.DONE, _("done all the same"))]
            del self.fields["note"]


class PauseForm(_OutcomeForm):
    """What the platform has paused, or resumed, or why it hasn't; `of`: whose turn that is."""

    def __init__(self, posted: QueryDict | None, *, of: str) -> None:
        super().__init__(posted)
        if of == Turn.GO_ON:
            self._say(_("resumed"), _("not resumed"), _("Resumed on"))
        else:
            self._say(pgettext_lazy("on the platform", "paused"), _("not paused"), _("Paused on"))
