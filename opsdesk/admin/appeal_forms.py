"""What officers write into an appeal, step by step."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.template.defaultfilters import linebreaksbr
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from opsdesk import caseload, checklists, resting
from opsdesk.appeals import Offered, case_of, tables
from opsdesk.appeals.evidence import ADD
from opsdesk.models import LONGEST_TEXT, Appeal, Channel
from shops import measures as effects
from shops import money
from shops.admin.forms import DayField, MomentField
from shops.models import Measure

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def words(label: Any, *, rows: int = 5, **kwargs: Any) -> forms.CharField:
    return forms.CharField(
        label=label, max_length=LONGEST_TEXT, widget=forms.Textarea(attrs={"rows": rows}), **kwargs
    )


class CaseField(forms.CharField):
    """A penalty, by the desk's case number or the platform's."""

    default_error_messages = {"unknown": _("There is no case “%(case)s”.")}

    def __init__(self, **kwargs: Any) -> None:
        help_text = _("P with its number, or the platform's case number.")
        super().__init__(label=_("Case"), max_length=64, help_text=help_text, **kwargs)

    def clean(self, value: Any) -> Any:
        case = super().clean(value)
        penalty = case_of(case)
        if penalty is None:
            raise forms.ValidationError(self.error_messages["unknown"], code="unknown", params={"case": case})
        return penalty


class FilesInput(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files; a list of what was handed in."""

    def __init__(self, **kwargs: Any) -> None:
        # Bytes judge a file, not its name; this only helps to find it. What is wrong with one, the verb says.
        widget = FilesInput(attrs={"accept": ".jpg,.jpeg,.png,.pdf,.mp4"})
        super().__init__(
            label=_("Files"),
            required=False,
            widget=widget,
            allow_empty_file=True,
            help_text=format_lazy(
                _("JPEG, PNG or PDF of at most {size} MB, MP4 of at most {film} MB. Several at once."),
                size=settings.EVIDENCE_MAX_MB,
                film=settings.EVIDENCE_FILM_MAX_MB,
            ),
            **kwargs,
        )

    def clean(self, value: Any, initial: Any = None) -> list[Offered]:
        files = [super(FilesField, self).clean(one, initial) for one in value or []]
        return [Offered(file.name, file) for file in files if file]


class FileForm(forms.Form):
    """A shop appeals; who may admit late ones is asked why, where it is one."""

    penalty = CaseField()
    channel = forms.ChoiceField(label=_("Channel"), choices=Channel.choices)
    reference = forms.CharField(
        label=pgettext_lazy("letter", "Reference"),
        required=False,
        max_length=100,
        help_text=_("Of the letter, call or ticket."),
    )
    filed_at = MomentField(
        label=_("Filed at"), required=False, help_text=_("When the shop appealed. Empty: now.")
    )
    statement = words(pgettext_lazy("appeal", "Statement"), help_text=_("What the shop has to say."))
    evidence = FilesField()
    late_reason = words(
        _("Admitted late because"),
        rows=2,
        required=False,
        help_text=_("Only for an appeal that comes out of time."),
    )

    def __init__(self, *args: Any, may_admit_late: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_admit_late:
            del self.fields["late_reason"]


class ManyForm(forms.Form):
    """A file of appeals."""

    file = forms.FileField(
        label=_("File"),
        help_text=format_lazy(
            _(
                "CSV. The first row names the columns: {needed}, and where known {others}."
                " Channels: {channels}. A moment is written as 2026-03-12 10:00, in Shanghai's time, or as"
                " the day alone."
            ),
            needed=tables.told_columns(needed=True),
            others=tables.told_columns(needed=False),
            channels=tables.told_channels(),
        ),
    )
    parcel = forms.FileField(
        label=_("Evidence"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".zip"}),
        help_text=_("A ZIP of the files that the rows name, several with semicolons between them."),
    )


class RulingForm(forms.Form):
    """Why, and what the judge had looked at when he began to write; empty: nothing."""

    reason = words(_("Reasons"), help_text=_("The shop reads them."))
    seen = forms.CharField(widget=forms.HiddenInput, required=False)


class PlainReasonForm(forms.Form):
    reason = words(_("Reason"), rows=3)


class AskForm(forms.Form):
    items = words(_("What is missing"), help_text=_("One item a line."))
    due_on = DayField(
        label=_("Due on"),
        required=False,
        help_text=_("The shop has until the end of this day. Empty: as the terms of appeals say."),
    )

    def __init__(self, *args: Any, appeal: Appeal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        lines = checklists.checklist_of(appeal)
        missing = [str(line.item) for line in lines if line.item and not line.standing]
        self.fields["items"].initial = "\n".join(missing)


class TextForm(forms.Form):
    text = words(_("Text"))


class ItemForm(forms.Form):
    """What of the checklist something answers, where there is one."""

    item = forms.TypedChoiceField(label=_("Answers"), required=False, coerce=int, empty_value=None)

    def __init__(self, *args: Any, appeal: Appeal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        items = checklists.items_of(appeal.penalty)
        if not items:
            del self.fields["item"]
            return
        choices = [("", _("none of the checklist")), *((n, str(item)) for n, item in enumerate(items))]
        # Django types a form's fields without what this kind of field has.
        self.fields["item"].choices = choices  # type: ignore[attr-defined]


class EvidenceForm(ItemForm):
    """Files, a statement, or both, and what of the checklist they answer."""

    evidence = FilesField()
    text = words(
        pgettext_lazy("appeal", "Statement"), required=False, help_text=_("What cannot be had as a file.")
    )


class AnswerForm(ItemForm):
    """What the shop answers, with the files that it sends along; its time ends by the word of the appeal's
    officer alone, who is asked.

    Who opened the form before he took the appeal was not: of his answer more is to come.
    """

    text = words(_("Text"))
    evidence = FilesField()
    # Sent from a form that asked; a box that nobody ticked is not sent at all.
    asked = forms.BooleanField(widget=forms.HiddenInput, required=False, initial=True)
    more_to_come = forms.BooleanField(
        label=_("More is to come"),
        required=False,
        help_text=_("The shop keeps the time that it was given. Else that ends now."),
    )

    def __init__(self, *args: Any, appeal: Appeal, officer: User, **kwargs: Any) -> None:
        super().__init__(*args, appeal=appeal, **kwargs)
        if appeal.asked:
            asked = format_html("{}<br>{}", _("The shop was asked for:"), linebreaksbr(appeal.asked))
            self.fields["text"].help_text = asked
        self.order_fields(["text", "evidence", "item"])
        if not officer.has_perm(ADD):
            self.fields.pop("item", None)
            del self.fields["evidence"]
        if not caseload.hears(officer, appeal):
            del self.fields["asked"], self.fields["more_to_come"]

    def clean(self) -> dict[str, Any]:
        """As the verb takes it."""
        given = super().clean() or self.cleaned_data
        if "asked" in self.fields and not given.pop("asked"):
            given["more_to_come"] = True
            # Should it be shown again, it asks.
            self.data = {**self.data, "asked": "True"}
        return given


class GrantForm(RulingForm):
    """Once it is known that not everything would be as before, the officer is asked whether to go on."""

    all_the_same = forms.BooleanField(
        label=_("Rule all the same"),
        required=False,
        help_text=_("Needed only where something can't be restored."),
    )


class GrantInPartForm(GrantForm):
    """What is taken back, and what of the rest does less: a field for each measure that can."""

    measures = forms.TypedMultipleChoiceField(
        label=_("Taken back"), required=False, coerce=int, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, appeal: Appeal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = caseload.effects_of(appeal.penalty, timezone.now())
        reachable = [effect for effect in found if effect.can_be_taken_back]
        # Django types a form's fields without what this kind of field has.
        self.fields["measures"].choices = [  # type: ignore[attr-defined]
            (effect.measure.pk, effect.told) for effect in reachable
        ]
        self.fields["measures"].help_text = resting.falls_with_its_closing(appeal.penalty)
        self.less = {
            f"less_{effect.measure.pk}": effect for effect in reachable if effects.can_be_less(effect.measure)
        }
        self.fields |= {name: less_field(effect) for name, effect in self.less.items()}
        self.order_fields(["measures", *self.less, "reason", "all_the_same"])

    def clean(self) -> dict[str, Any]:
        """With `less`, as the verb takes it."""
        given = super().clean() or self.cleaned_data
        less: dict[int, Any] = {}
        for name, effect in self.less.items():
            value = given.pop(name, None)
            if value is not None:
                in_money = effect.measure.kind in (Measure.Kind.DEDUCT, Measure.Kind.TOP_UP)
                less[effect.measure.pk] = money.fen_of(value) if in_money else value
        if not less and not given.get("measures") and not self.errors:
            raise forms.ValidationError(_("Say what is taken back or lessened."))
        return {**given, "less": less}


def less_field(effect: caseload.Effect) -> forms.Field:
    """By how much a measure is left to stand; empty: as it is."""
    given: dict[str, Any] = {
        "label": format_lazy(_("Lessened to, instead of: {measure}"), measure=effect.told),
        "required": False,
    }
    match effect.measure.kind:
        case Measure.Kind.POINTS:
            return forms.IntegerField(min_value=0, **given)
        case Measure.Kind.SCORE:
            return forms.DecimalField(min_value=0, max_digits=4, decimal_places=2, **given)
        case Measure.Kind.DEDUCT | Measure.Kind.TOP_UP:
            given["help_text"] = _("In yuan.")
            return forms.DecimalField(min_value=0, max_digits=14, decimal_places=2, **given)
    given["help_text"] = _("Its new end.")
    return MomentField(**given)


class DeliveryForm(forms.Form):
    """When and how the shop got its notice."""

    channel = forms.ChoiceField(label=_("Channel"), choices=Channel.choices)
    delivered_at = MomentField(
        label=_("Delivered at"),
        help_text=_("Told to the minute, it counts from the minute's end: the shop loses none of its time."),
    )
    reference = forms.CharField(
        label=pgettext_lazy("letter", "Reference"),
        required=False,
        max_length=100,
        help_text=_("Of the letter, call or ticket."),
    )

    def clean_delivered_at(self) -> datetime:
        """Told to the minute it is the minute's last second: the shop loses none of its time."""
        told: datetime = self.cleaned_data["delivered_at"]
        return told if told.second else min(told + timedelta(seconds=59), max(told, timezone.now()))


class CorrectionForm(DeliveryForm):
    """The same anew, and why."""

    reason = words(_("Reason"), rows=3)
