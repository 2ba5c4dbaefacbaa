"""Verbs that people call from a record's own page, each with a reason and a permission of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from shops.admin.forms import form_page
from shops.admin.looking import Otherwise, Told, hold_to_what_was_shown
from shops.admin.readonly import ReadOnlyAdmin
from shops.errors import Refused
from shops.rights import person_of


class ReasonForm(forms.Form):
    """Why, and nothing else."""

    reason = forms.CharField(label=_("Reason"), widget=forms.Textarea(attrs={"rows": 3}))


@dataclass(frozen=True)
class Verb:
    """`call(record, by, reason)` at `<record>/<name>/`; a button leads there where `offered(record)`.

    `form`: what is asked instead of the reason. `beforehand(record)`: what to know of the record before, by
    what it is. `look(record, by)`: what calling it would change; Refused where the verb is. It keeps
    locked what it has looked at.
    """

    name: str
    permission: str
    title: Promise
    submit: Promise
    done: Promise
    offered: Callable[[Any], bool]
    call: Callable[[Any, User | None, str], object]
    note: str | Promise = ""
    form: type[forms.Form] = ReasonForm
    beforehand: Callable[[Any], list[tuple[str, str]]] | None = None
    look: Callable[[Any, User | None], Told] | None = None


class VerbsAdmin(ReadOnlyAdmin):
    """Read-only but for its verbs."""

    change_form_template = "admin/with_verbs.html"
    verbs: ClassVar[tuple[Verb, ...]] = ()

    def _address_of(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"

    def get_urls(self) -> list[URLPattern]:
        pages = [
            path(
                f"<int:pk>/{verb.name}/",
                self.admin_site.admin_view(partial(self.verb_view, verb=verb)),
                name=self._address_of(verb.name),
            )
            for verb in self.verbs
        ]
        return [*pages, *super().get_urls()]

    def verb_view(self, request: HttpRequest, pk: int, *, verb: Verb) -> HttpResponse:
        """Asks for the reason, calls the verb and leads back to the record; with `look` it only tells."""
        if not request.user.has_perm(verb.permission):
            raise PermissionDenied
        record = self.get_object(request, str(pk))
        if not isinstance(record, Model):
            raise Http404
        back = reverse(f"admin:{self._address_of('change')}", args=[pk])
        form = verb.form(request.POST if request.method == "POST" else None)
        shown: Told = []
        look = partial(verb.look, record, person_of(request)) if verb.look is not None else None
        looks = look is not None and "look" in request.POST
        if looks:
            form.fields["reason"].required = False
        if request.method == "POST" and form.is_valid():
            try:
                if look is not None and looks:
                    shown = look()
                else:
                    [said] = form.cleaned_data.values()
                    with transaction.atomic() if look is not None else nullcontext():
                        if look is not None:
                            shown = hold_to_what_was_shown(request, look)
                        verb.call(record, person_of(request), said)
                    self.message_user(request, str(verb.done), messages.SUCCESS)
                    return HttpResponseRedirect(back)
            except Refused as refusal:
                form.add_error(None, str(refusal))
                shown = refusal.told if isinstance(refusal, Otherwise) else shown
        return form_page(
            request,
            self.admin_site,
            form,
            title=verb.title,
            intro=f"{record} – {verb.note}" if verb.note else str(record),
            submit=verb.submit,
            back=back,
            of=record,
            opts=self.opts,
            facts=verb.beforehand(record) if verb.beforehand is not None else [],
            may_look=verb.look is not None,
            foreseen=shown,
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        record = self.get_object(request, object_id)
        offered = [
            (reverse(f"admin:{self._address_of(verb.name)}", args=[record.pk]), verb.title)
            for verb in self.verbs
            if record is not None and verb.offered(record) and request.user.has_perm(verb.permission)
        ]
        return super().change_view(request, object_id, form_url, {"verbs": offered, **(extra_context or {})})
