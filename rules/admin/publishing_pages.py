"""The pages on which drafts are submitted, published or discarded, versions retired and compared."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from rules import drafts, publishing
from rules.admin.comparison import compare
from rules.admin.draft_pages import DraftPages
from rules.admin.ruleset_forms import CompareForm, PublishForm, RetireForm, SubmitForm
from rules.contents import digest_of
from rules.models import Simulation
from rules.publishing import CHANGE, PUBLISH
from shops.admin.verbs import ReasonForm, Verb
from shops.changes import latest_change
from shops.rights import person_of


class PublishingPages(DraftPages):
    verbs = (
        Verb(
            "withdraw",
            permission=CHANGE,
            title=_("Withdraw the submission"),
            note=_("it becomes a draft again that can be changed."),
            submit=_("Withdraw it"),
            done=_("The submission is withdrawn."),
            offered=lambda rule_set: rule_set.submitted_at is not None and rule_set.published_at is None,
            call=lambda rule_set, by, reason: publishing.withdraw_submission(rule_set, by=by, reason=reason),
        ),
        Verb(
            "send_back",
            permission=PUBLISH,
            title=_("Send it back"),
            note=_("its editors read why, and can change it."),
            submit=_("Send it back"),
            done=_("It is sent back."),
            offered=lambda rule_set: rule_set.submitted_at is not None and rule_set.published_at is None,
            call=lambda rule_set, by, reason: publishing.withdraw_submission(rule_set, by=by, reason=reason),
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        pages = {
            "submit": self.submit_view,
            "publish": self.publish_view,
            "retire": self.retire_view,
            "discard": self.discard_view,
        }
        return [
            path("compare/", self.admin_site.admin_view(self.compare_view), name=self._address_of("compare")),
            *(
                path(f"<int:pk>/{name}/", self.admin_site.admin_view(view), name=self._address_of(name))
                for name, view in pages.items()
            ),
            *super().get_urls(),
        ]

    def submit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Choose the simulation that speaks for the draft."""
        draft = self.found(request, pk, CHANGE)
        simulations = Simulation.objects.filter(
            rule_set=draft, status=Simulation.Status.DONE, digest=digest_of(draft)
        )
        if draft.open and not simulations.exists():
            self.message_user(
                request,
                _t("Simulate the draft as it is now: a submission takes what it would do."),
                messages.ERROR,
            )
            return HttpResponseRedirect(self.page_of(pk))
        return self.asked(
            request,
            SubmitForm(request.POST if request.method == "POST" else None, simulations=simulations),
            lambda given: publishing.submit(
                draft, given["simulation"], by=person_of(request), at=timezone.now()
            ),
            title=_("Submit for publication"),
            intro=_t("%(set)s – it stays as it is from now on, and somebody else publishes it.")
            % {"set": draft},
            submit=_("Submit"),
            done=_("The draft is submitted."),
            back=self.page_of(pk),
            of=draft,
        )

    def publish_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say from which day on it counts."""
        draft = self.found(request, pk, PUBLISH)
        days = draft.alliance.notice_days
        usual = timezone.localdate() + timedelta(days=max(days, 1))
        return self.asked(
            request,
            PublishForm(
                request.POST if request.method == "POST" else None,
                initial={"seen": latest_change(draft), "in_force_from": usual},
            ),
            lambda given: publishing.publish(draft, **given, by=person_of(request), at=timezone.now()),
            title=pgettext_lazy("verb", "Publish"),
            intro=_t(
                "%(set)s – it never changes again. %(alliance)s gives %(days)s days of notice: "
                "%(day)s or later, unless there is a reason."
            )
            % {"set": draft, "alliance": draft.alliance, "days": days, "day": date_format(usual)},
            submit=pgettext_lazy("verb", "Publish"),
            done=_("It is published."),
            back=self.page_of(pk),
            of=draft,
        )

    def retire_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say from which day on it counts no longer, and why."""
        rule_set = self.found(request, pk, PUBLISH)
        first = rule_set.in_force_from
        ahead = first is not None and first > timezone.localdate()
        note = (
            _t("retired by its first day it never counts, and the version before it goes on.")
            if ahead
            else _t("no other version takes its place: without one the daily check has nothing to go by.")
        )
        return self.asked(
            request,
            RetireForm(
                request.POST if request.method == "POST" else None, initial={"day": first if ahead else None}
            ),
            lambda given: publishing.retire(rule_set, **given, by=person_of(request), at=timezone.now()),
            title=_("Retire the version"),
            intro=f"{rule_set} – {note}",
            submit=_("Retire it"),
            done=_("The version is retired."),
            back=self.page_of(pk),
            of=rule_set,
        )

    def discard_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Throw a draft away."""
        draft = self.found(request, pk, CHANGE)
        elsewhere = reverse("admin:rules_ruleset_changelist")

        def discard(given: dict[str, str]) -> str:
            drafts.discard(draft, reason=given["reason"], by=person_of(request))
            return elsewhere

        return self.asked(
            request,
            ReasonForm(request.POST if request.method == "POST" else None),
            discard,
            title=_("Discard the draft"),
            intro=_t("%(set)s – its rules and simulations go with it.") % {"set": draft},
            submit=_("Discard it"),
            done=_("The draft is discarded."),
            back=self.page_of(pk),
            of=draft,
        )

    def compare_view(self, request: HttpRequest) -> HttpResponse:
        """Two versions side by side; which ones stands in the address."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = CompareForm(request.GET or None)
        chosen = form.cleaned_data if form.is_valid() else None
        context = {
            **self.admin_site.each_context(request),
            "title": _("Compare versions"),
            "opts": self.opts,
            "form": form,
            "chosen": chosen,
            "lines": compare(chosen["left"], chosen["right"]) if chosen else [],
        }
        return TemplateResponse(request, "admin/rules/ruleset/compare.html", context)
