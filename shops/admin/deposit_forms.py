"""What people fill in where money moves, and the page that shows what would become of it before it does."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shops import money, topups
from shops.admin.cells import NOTHING
from shops.admin.forms import DayField, MomentField, form_page
from shops.errors import Refused
from shops.models import DepositEntry
from shops.rights import person_of

CONFIRMED, AGAIN = "confirmed", "again"
# In fen: what nobody moves at once by hand; more is a slip of the keys.
MOST_BY_HAND = 100_000_000_00


class YuanField(forms.DecimalField):
    """People write yuan, and the ledger gets fen."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_digits": 19, "decimal_places": 2, **kwargs})

    def clean(self, value: Any) -> Any:
        yuan = super().clean(value)
        return None if yuan is None else money.fen_of(yuan)

    def prepare_value(self, value: Any) -> Any:
        # What people wrote stays as they did.
        return money.yuan_of(value) if isinstance(value, int) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class MovingForm(forms.Form):
    """Asked of every movement. The key comes with the empty form: sent twice, it is the same movement."""

    key = forms.CharField(widget=forms.HiddenInput, max_length=64)
    # Whether an amount may take away as well as add.
    either_way = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["key"].initial = uuid.uuid4().hex

    def clean_amount_fen(self) -> int:
        fen: int = self.cleaned_data["amount_fen"]
        if fen <= 0 and not (self.either_way and fen):
            told = _("An adjustment is not zero.") if self.either_way else _("An amount is above zero.")
            raise forms.ValidationError(told)
        if abs(fen) > MOST_BY_HAND:
            told = _("More than %(most)s is not entered at once: check the amount.")
            raise forms.ValidationError(told, params={"most": money.told(MOST_BY_HAND)})
        return fen

    def unsaid(self, at: datetime) -> dict[str, object]:
        """What is meant where nothing was filled in, by the fields' names."""
        return {}


class ReversalForm(MovingForm):
    cause = forms.CharField(label=_("Cause"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class MovementForm(ReversalForm):
    amount_fen = YuanField(label=_("Amount in yuan"))
    at = MomentField(label=pgettext_lazy("movement", "Moved at"), required=False, help_text=_("Empty: now."))
    reference = forms.CharField(
        label=_("Reference"),
        max_length=64,
        required=False,
        help_text=_("The platform's own number of the movement."),
    )
    field_order: Sequence[str] | None = ("amount_fen", "at", "cause", "reference")

    def clean_at(self) -> datetime | None:
        at: datetime | None = self.cleaned_data["at"]
        if at is not None and at > timezone.now():
            raise forms.ValidationError(_("The movement lies in the future."))
        return at

    def clean_reference(self) -> str:
        # Sent twice, it is on record by then under the same key.
        reference: str = self.cleaned_data["reference"].strip()
        known = DepositEntry.objects.filter(reference=reference).exclude(key=self.data.get("key", ""))
        if reference and known.exists():
            raise forms.ValidationError(
                _("A movement with reference %(reference)s is on record already."),
                params={"reference": reference},
            )
        return reference

    def unsaid(self, at: datetime) -> dict[str, object]:
        return super().unsaid(at) | {"at": _("now")}


class AdjustmentForm(MovementForm):
    either_way = True
    amount_fen = YuanField(label=_("Amount in yuan"), help_text=_("Below zero, it takes away: -12.50."))


class DeductionForm(MovementForm):
    due_on = DayField(
        label=_("Due on"),
        required=False,
        help_text=_("Until when the shop pays what its deposit lacks. Empty: the usual days."),
    )

    def unsaid(self, at: datetime) -> dict[str, object]:
        return super().unsaid(at) | {"due_on": topups.due_day(None, at)}


class DemandForm(MovingForm):
    amount_fen = YuanField(label=_("Amount in yuan"))
    due_on = DayField(label=_("Due on"), required=False, help_text=_("Empty: the usual days."))
    note = forms.CharField(
        label=_("Note"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def unsaid(self, at: datetime) -> dict[str, object]:
        return super().unsaid(at) | {"due_on": topups.due_day(None, at)}


def moving_page(
    request: HttpRequest,
    site: AdminSite,
    form_class: type[MovingForm],
    act: Callable[[dict[str, Any], User, datetime], Any],
    told: Callable[[Any], list[str]],
    *,
    title: str | Promise,
    submit: str | Promise,
    done: str | Promise,
    back: str,
    about: Sequence[tuple[str | Promise, object]],
    intro: str | Promise = "",
    initial: Mapping[str, Any] | None = None,
    opts: Any = None,
) -> HttpResponse:
    """Asks, then shows what would come of it (`told` of what `act` came back with), then does it.

    What would come of it is found out by the verb itself, whose work is taken back. It is shown with what it
    is `about` and all that was filled in; from there leads a way back to the form as it was.
    """
    form = form_class(request.POST if request.method == "POST" else None, initial=initial)
    shown: dict[str, Any] = {}
    if request.method == "POST" and AGAIN not in request.POST and form.is_valid():
        sure = CONFIRMED in request.POST
        try:
            with transaction.atomic():
                came = act(form.cleaned_data, person_of(request), timezone.now())
                lines = told(came)
                transaction.set_rollback(not sure)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            if sure:
                messages.success(request, str(done))
                return HttpResponseRedirect(back)
            shown = {
                "listed": lines,
                "facts": [*about, *_filled_in(form)],
                "hidden": [(CONFIRMED, "1")],
                "again": AGAIN,
            }
            for field in form.fields.values():
                field.widget = forms.HiddenInput()
            title, submit, intro = title, _("Confirm"), _("This is what would be entered:")
    return form_page(
        request,
        site,
        form,
        title=title,
        intro=intro,
        submit=submit,
        back=back,
        status=400 if form.errors else 200,
        opts=opts,
        **shown,
    )


def _filled_in(form: MovingForm) -> list[tuple[str | Promise, str]]:
    """What people have filled in, or what is meant without, by the fields' labels."""
    values = form.unsaid(timezone.now()) | {k: value for k, value in form.cleaned_data.items() if value}
    return [(field.label or "", _told(values.get(field.name))) for field in form.visible_fields()]


def _told(value: Any) -> str:
    match value:
        case int():
            return money.told(value)
        case datetime():
            moment = timezone.localtime(value)
            return f"{date_format(moment, 'DATE_FORMAT')} {moment:%H:%M:%S}"
        case date():
            return date_format(value)
    return str(value or NOTHING)
