"""A page with one form on it that ends in one verb, and the field by which people name a shop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib.admin import AdminSite
from django.core.exceptions import NON_FIELD_ERRORS
from django.db.models import Model
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from shops.admin.looking import SHOWN, Told, word_shown
from shops.calendar import NAMEABLE, NAMEABLE_MOMENTS
from shops.models import Product, Shop


def nameable_days() -> dict[str, str]:
    """The first and the last day that people can name, in their language."""
    return {name: date_format(day) for name, day in NAMEABLE._asdict().items()}


class DayInput(forms.DateInput):
    """The browser's own calendar."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        # The only notation that a browser takes, whatever the reader's language.
        super().__init__(attrs, format="%Y-%m-%d")


class DayField(forms.DateField):
    """A day, neither so early nor so late that nothing could be reckoned from it."""

    widget = DayInput
    default_error_messages = {"out_of_reach": _("Name a day from %(first)s to %(last)s.")}

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value is not None and not NAMEABLE.holds(value):
            raise forms.ValidationError(self.error_messages["out_of_reach"], "out_of_reach", nameable_days())


class MomentInput(forms.DateTimeInput):
    """The browser's own calendar and clock."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        # The only notation that a browser takes, whatever the reader's language.
        super().__init__({"step": 1}, format="%Y-%m-%dT%H:%M:%S")


class MomentField(forms.DateTimeField):
    """A moment in Asia/Shanghai, to the minute or to the second, on a day that people can name."""

    widget = MomentInput
    default_error_messages = {"out_of_reach": _("Name a day from %(first)s to %(last)s.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"], **kwargs)

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value is not None and not NAMEABLE_MOMENTS.holds(value):
            raise forms.ValidationError(self.error_messages["out_of_reach"], "out_of_reach", nameable_days())


class CodeField(forms.CharField):
    """A record, named by its code as the platform writes it; None for nothing."""

    model: ClassVar[type[Shop] | type[Product]]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 64, **kwargs})

    def clean(self, value: Any) -> Any:
        code = super().clean(value)
        if not code:
            return None
        found = self.model._default_manager.filter(code=code).first()
        if found is None:
            raise forms.ValidationError(self.error_messages["unknown"], code="unknown", params={"code": code})
        return found


class ShopCodeField(CodeField):
    model = Shop
    default_error_messages = {"unknown": _("There is no shop with the code “%(code)s”.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"label": _("Shop's code"), **kwargs})


class ProductCodeField(CodeField):
    model = Product
    default_error_messages = {"unknown": _("There is no product with the code “%(code)s”.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"label": _("Product's code"), **kwargs})


def form_page(
    request: HttpRequest,
    site: AdminSite,
    form: forms.Form,
    *,
    title: object,
    intro: object = "",
    submit: object = "",
    back: str,
    status: int = 200,
    of: Model | None = None,
    foreseen: Told | None = None,
    hidden: Sequence[tuple[str, object]] = (),
    **more: Any,
) -> TemplateResponse:
    """The page of a form; `back` is where cancelling leads: the page of the record `of`, where there is one.
    `foreseen`: its whole effect, to which whoever sends it is held (`hold_to_what_was_shown`). `more`: also
    `facts`, said above it, and `may_look`, for a button that sends `look`.
    """
    shown = word_shown(request, foreseen)
    context = {
        **site.each_context(request),
        "title": title,
        "intro": intro,
        "form": form,
        "submit": submit or _("Save"),
        "back": back,
        "of": of,
        # What is refused as a whole marks no field.
        "marked": any(name != NON_FIELD_ERRORS for name in form.errors),
        "foreseen": foreseen,
        "hidden": [*hidden, (SHOWN, shown)] if shown else hidden,
        **more,
    }
    return TemplateResponse(request, "admin/form_page.html", context, status=status)
