"""Pages with one form that end in one verb, and the field by which people name a shop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite, ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from shops.errors import Refused
from shops.models import Shop


class DayInput(forms.DateInput):
    """The browser's own calendar."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        # The only notation that a browser takes, whatever the reader's language.
        super().__init__(attrs, format="%Y-%m-%d")


class ShopCodeField(forms.CharField):
    """A shop, named by its code as the platform writes it."""

    default_error_messages = {"unknown": _("There is no shop with the code “%(code)s”.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"label": _("Shop's code"), "max_length": 64, **kwargs})

    def clean(self, value: Any) -> Any:
        code = super().clean(value)
        if not code:
            return None
        shop = Shop.objects.filter(code=code).first()
        if shop is None:
            raise forms.ValidationError(self.error_messages["unknown"], code="unknown", params={"code": code})
        return shop


class ReasonForm(forms.Form):
    """Why, and nothing else."""

    reason = forms.CharField(label=_("Reason"), widget=forms.Textarea(attrs={"rows": 3}))


def reason_page(
    admin: ModelAdmin,
    request: HttpRequest,
    pk: int,
    *,
    permission: str,
    verb: Callable[[Any, str], object],
    title: object,
    submit: object,
    done: object,
    note: object = "",
) -> HttpResponse:
    """The page that asks for a reason and then calls `verb(record, reason)`; leads back to the record."""
    if not request.user.has_perm(permission):
        raise PermissionDenied
    record = admin.get_object(request, str(pk))
    if not isinstance(record, Model):
        raise Http404
    back = reverse(f"admin:{admin.opts.app_label}_{admin.opts.model_name}_change", args=[pk])
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            verb(record, form.cleaned_data["reason"])
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            admin.message_user(request, str(done), messages.SUCCESS)
            return HttpResponseRedirect(back)
    return form_page(
        request,
        admin.admin_site,
        form,
        title=title,
        intro=f"{record} – {note}" if note else str(record),
        submit=submit,
        back=back,
        opts=admin.opts,
    )


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
    **more: Any,
) -> TemplateResponse:
    """The page of a form; `back` is where cancelling leads."""
    context = {
        **site.each_context(request),
        "title": title,
        "intro": intro,
        "form": form,
        "submit": submit or _("Save"),
        "back": back,
        **more,
    }
    return TemplateResponse(request, "admin/form_page.html", context, status=status)
