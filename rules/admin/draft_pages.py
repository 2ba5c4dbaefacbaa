"""The pages on which a rules editor makes a draft and changes its rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from rules import drafts
from rules.admin.ruleset_forms import (
    NOT_SEEN,
    AlternativeFormSet,
    FirstForm,
    RuleForm,
    SettingsForm,
    alternatives_of,
)
from rules.contents import COMPARED
from rules.models import Rule, RuleSet
from rules.publishing import CHANGE
from shops.admin.forms import form_page
from shops.admin.verbs import VerbsAdmin
from shops.changes import latest_change
from shops.errors import Invalid, Refused
from shops.rights import person_of


class DraftPages(VerbsAdmin):
    """Each page asks for its one permission, calls one verb and leads back to the set."""

    def get_urls(self) -> list[URLPattern]:
        def page(route: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
            return path(route, self.admin_site.admin_view(view), name=self._address_of(name))

        return [
            page("<int:pk>/draft/", self.draft_view, "draft"),
            page("<int:pk>/settings/", self.settings_view, "settings"),
            page("<int:pk>/rules/add/", self.rule_add_view, "rule_add"),
            page("<int:pk>/rules/<int:rule_pk>/", self.rule_view, "rule"),
            page("<int:pk>/rules/<int:rule_pk>/move/", self.rule_move_view, "rule_move"),
            page("<int:pk>/rules/<int:rule_pk>/remove/", self.rule_remove_view, "rule_remove"),
            *super().get_urls(),
        ]

    def page_of(self, pk: int) -> str:
        return reverse("admin:rules_ruleset_change", args=[pk])

    def found(self, request: HttpRequest, pk: int, permission: str) -> RuleSet:
        """The set, for somebody who holds the permission."""
        if not request.user.has_perm(permission):
            raise PermissionDenied
        rule_set = self.get_object(request, str(pk))
        if not isinstance(rule_set, RuleSet):
            raise Http404
        return rule_set

    def asked(
        self,
        request: HttpRequest,
        form: Any,
        call: Callable[[dict[str, Any]], object],
        *,
        done: str | Promise,
        back: str,
        **page: Any,
    ) -> HttpResponse:
        """A form that ends in one verb, which `call` is given the form's answers for.

        Leads to where `call` says, otherwise `back`.
        """
        if request.method == "POST" and form.is_valid():
            try:
                to = call(form.cleaned_data)
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                self.message_user(request, str(done), messages.SUCCESS)
                return HttpResponseRedirect(to if isinstance(to, str) else back)
        return form_page(request, self.admin_site, form, back=back, opts=self.opts, **page)

    def told_back(self, request: HttpRequest, pk: int, call: Callable[[], object]) -> HttpResponse:
        """Do what a button asks for and go back to the set, with the refusal if there is one."""
        try:
            call()
        except Refused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        return HttpResponseRedirect(self.page_of(pk))

    # Sets

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return request.user.has_perm(drafts.ADD)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Begin the first set of an alliance for a purpose."""
        if not self.has_add_permission(request):
            raise PermissionDenied

        def begin(given: dict[str, Any]) -> str:
            draft = drafts.draft_empty(
                given["alliance"],
                subject=given["subject"],
                purpose=given["purpose"],
                by=person_of(request),
                at=timezone.now(),
            )
            return self.page_of(draft.pk)

        return self.asked(
            request,
            FirstForm(request.POST if request.method == "POST" else None),
            begin,
            title=_("Begin a rule set"),
            intro=_("For a purpose that has none yet. Where there is a version, draft the next one from it."),
            submit=_("Begin"),
            done=_("The draft is begun. Give it rules."),
            back=reverse("admin:rules_ruleset_changelist"),
        )

    @method_decorator(require_POST)
    def draft_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A draft from this version, and to it."""
        rule_set = self.found(request, pk, drafts.ADD)
        try:
            draft = drafts.draft_from(rule_set, by=person_of(request), at=timezone.now())
        except Refused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(self.page_of(pk))
        self.message_user(request, _t("%(set)s is drafted.") % {"set": draft}, messages.SUCCESS)
        return HttpResponseRedirect(self.page_of(draft.pk))

    def settings_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Mode and note."""
        draft = self.found(request, pk, CHANGE)
        return self.asked(
            request,
            SettingsForm(
                request.POST if request.method == "POST" else None,
                instance=draft,
                initial={"seen": latest_change(draft)},
            ),
            lambda given: drafts.change_settings(
                draft, mode=given["mode"], note=given["note"], seen=given["seen"], by=person_of(request)
            ),
            title=_("Mode and note"),
            intro=str(draft),
            done=_("The draft is changed."),
            back=self.page_of(pk),
            of=draft,
        )

    # Rules

    def rule_add_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A new rule at the end of the draft."""
        draft = self.found(request, pk, CHANGE)
        if not draft.open:
            return HttpResponseRedirect(self.page_of(pk))
        return self._rule_page(
            request,
            draft,
            Rule(rule_set=draft),
            [],
            lambda rule, alternatives, seen: drafts.add_rule(
                draft, rule, alternatives, by=person_of(request)
            ),
            title=_("Add a rule"),
        )

    def rule_view(self, request: HttpRequest, pk: int, rule_pk: int) -> HttpResponse:
        """One rule with its alternatives, as a form."""
        draft = self.found(request, pk, CHANGE)
        rule = Rule.objects.filter(rule_set=draft, pk=rule_pk).first()
        if rule is None or not draft.open:
            if rule is None:
                self.message_user(request, _t("Somebody has removed this rule."), messages.ERROR)
            return HttpResponseRedirect(self.page_of(pk))
        return self._rule_page(
            request,
            draft,
            rule,
            list(rule.alternatives.order_by("position").values(*COMPARED)),
            lambda rule, alternatives, seen: drafts.edit_rule(
                rule, alternatives, seen=seen, by=person_of(request)
            ),
            title=rule.code,
        )

    @method_decorator(require_POST)
    def rule_move_view(self, request: HttpRequest, pk: int, rule_pk: int) -> HttpResponse:
        """Put a rule in the place `to`."""
        draft = self.found(request, pk, CHANGE)
        asked = request.POST.get("to", "")
        to = int(asked) if asked.isdecimal() and len(asked) < 6 else 1
        rule = Rule(pk=rule_pk, rule_set=draft)
        return self.told_back(request, pk, lambda: drafts.move(rule, to=to, by=person_of(request)))

    @method_decorator(require_POST)
    def rule_remove_view(self, request: HttpRequest, pk: int, rule_pk: int) -> HttpResponse:
        """Take a rule out of its draft, from its own page."""
        draft = self.found(request, pk, CHANGE)
        asked = request.POST.get("seen", "")
        seen = int(asked) if asked.isdecimal() and len(asked) < 19 else None
        rule = Rule(pk=rule_pk, rule_set=draft)

        def remove() -> None:
            if seen is None:
                raise Refused(str(NOT_SEEN))
            drafts.remove_rule(rule, seen=seen, by=person_of(request))

        return self.told_back(request, pk, remove)

    def _rule_page(
        self,
        request: HttpRequest,
        draft: RuleSet,
        rule: Rule,
        alternatives: list[dict[str, Any]],
        save: Callable[[Rule, list[Any], int | None], object],
        *,
        title: str | Promise,
    ) -> HttpResponse:
        sent = request.POST if request.method == "POST" else None
        seen = latest_change(rule) if rule.pk else None
        of = {"subject": draft.subject}
        form = RuleForm(sent, instance=rule, initial={"seen": seen}, **of)
        formset = AlternativeFormSet(sent, initial=alternatives, prefix="alternatives", form_kwargs=of)
        if sent is not None and form.is_valid() & formset.is_valid():
            try:
                save(form.instance, alternatives_of(formset), form.cleaned_data["seen"])
            except Invalid as invalid:
                for field, sentence in invalid.errors.items():
                    form.add_error(field if field in form.fields else None, sentence)
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                self.message_user(
                    request, _t("%(rule)s is saved.") % {"rule": form.instance.code}, messages.SUCCESS
                )
                return HttpResponseRedirect(self.page_of(draft.pk))
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "draft": draft,
            "rule": rule,
            "form": form,
            "formset": formset,
            "back": self.page_of(draft.pk),
        }
        return TemplateResponse(request, "admin/rules/ruleset/rule_form.html", context)
