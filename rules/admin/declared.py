"""The pages of declared metrics: what stands, a form to declare one, to define it anew and to retire it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from rules import declaring
from rules.contents import DEFINITION
from rules.declaring import DECLARE, Declaration
from rules.values import plain
from shops.admin.cells import NOTHING, pill
from shops.admin.forms import DayField, form_page
from shops.admin.verbs import VerbsAdmin
from shops.changes import latest_change
from shops.errors import Invalid, Refused
from shops.models import DeclaredMetric
from shops.rights import person_of
from shops.texts import in_the_readers_language

FIELDS = [
    *("key", "name_en", "name_zh", "type", "unit_en", "unit_zh", "minimum", "maximum"),
    *("knows_none_yet", "window_days", "source"),
]


class DeclarationForm(forms.Form):
    """What people say of a metric; what is wrong with it, the verb says field by field."""

    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, metric: DeclaredMetric | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields |= forms.fields_for_model(DeclaredMetric, FIELDS)
        for name in ("minimum", "maximum"):
            self.fields[name].help_text = _(
                "It is in. Empty: the usual one, from 0; to 5 for a score, to 1 for a share."
            )
        if metric is None:
            return
        self.initial = {"seen": latest_change(metric), **forms.model_to_dict(metric, FIELDS)}
        for name in ("minimum", "maximum"):
            if self.initial[name] is not None:
                self.initial[name] = f"{self.initial[name].normalize():f}"
        if reason := declaring.why_fixed(metric.key):
            for name in DEFINITION:
                self.fields[name].disabled = True
                self.fields[name].help_text = reason


class RetireForm(forms.Form):
    day = DayField(
        label=_("Retired from"),
        help_text=_("The first day of which no figures are taken any more."),
    )
    reason = forms.CharField(label=_("Reason"), widget=forms.Textarea(attrs={"rows": 3}))


@admin.register(DeclaredMetric)
class DeclaredMetricAdmin(VerbsAdmin):
    """Rules editors declare, define anew and retire; the metric dictionary leads here."""

    when_empty = _(
        "No metric is declared yet. Declare one where files bring a figure that no column takes: rules can"
        " speak of it at once, and imports take it from then on."
    )
    list_display = ["key", "name", "type", "bounds", "unit", "window_days", "declared_at", "standing"]
    list_filter = ["type"]
    search_fields = ["key", "name_en", "name_zh"]
    search_help_text = _("Key or name.")
    fields = [
        ("key", "type"),
        ("name_en", "name_zh"),
        ("unit_en", "unit_zh"),
        ("bounds", "knows_none_yet"),
        ("window_days", "source"),
        ("declared_by", "declared_at"),
        "standing",
    ]
    readonly_fields = ["bounds", "standing"]
    history_reasons: ClassVar[dict[str, Any]] = {
        "declared": _("declared"),
        "defined anew": _("defined anew"),
    }

    @admin.display(description=_("name"))
    def name(self, metric: DeclaredMetric) -> str:
        return metric.name

    @admin.display(description=_("unit"))
    def unit(self, metric: DeclaredMetric) -> str:
        if metric.type == DeclaredMetric.Type.RATE:
            return "%"
        return in_the_readers_language(metric.unit_en, metric.unit_zh) or NOTHING

    @admin.display(description=_("scale"))
    def bounds(self, metric: DeclaredMetric) -> str:
        if metric.minimum is None or metric.maximum is None:
            return NOTHING
        return f"{plain(metric.minimum)}–{plain(metric.maximum)}"

    @admin.display(description=_("standing"))
    def standing(self, metric: DeclaredMetric) -> str:
        if metric.retired_on is None:
            return pill("open", _t("in use"))
        return pill("over", _t("retired from %(day)s on") % {"day": date_format(metric.retired_on)})

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return request.user.has_perm(DECLARE)

    def get_urls(self) -> list[URLPattern]:
        pages = {"define": self.define_view, "retire": self.retire_view}
        return [
            *(
                path(f"<int:pk>/{name}/", self.admin_site.admin_view(view), name=self._address_of(name))
                for name, view in pages.items()
            ),
            *super().get_urls(),
        ]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied

        def declare(said: dict[str, Any]) -> str:
            said.pop("seen")
            metric = declaring.declare(Declaration(**said), by=person_of(request), at=timezone.now())
            return self._page_of(metric.pk)

        return self._asked(
            request,
            DeclarationForm(request.POST if request.method == "POST" else None),
            declare,
            title=_("Declare a metric"),
            intro=_(
                "A figure of shops that files of metrics bring from now on, under its key or either name, and"
                " that rules can speak of at once."
            ),
            submit=_("Declare"),
            done=_("The metric is declared."),
            back=reverse("admin:shops_declaredmetric_changelist"),
        )

    def define_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say something else of it."""
        metric = self._found(request, pk)

        def define(said: dict[str, Any]) -> str:
            seen = said.pop("seen")
            declaring.define_anew(metric, Declaration(**said), seen=seen, by=person_of(request))
            return self._page_of(pk)

        return self._asked(
            request,
            DeclarationForm(request.POST if request.method == "POST" else None, metric=metric),
            define,
            title=_("Define the metric anew"),
            intro=_t(
                "%(metric)s – its units and source may always change; what it measures and is called only"
                " until figures come in or a rule set that speaks of it is published."
            )
            % {"metric": metric},
            submit=_("Save"),
            done=_("The metric is defined anew."),
            back=self._page_of(pk),
            of=metric,
        )

    def retire_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say from which day on no figures are taken any more."""
        metric = self._found(request, pk)

        def retire(given: dict[str, Any]) -> str:
            declaring.retire(metric, **given, by=person_of(request), at=timezone.now())
            return self._page_of(pk)

        return self._asked(
            request,
            RetireForm(request.POST if request.method == "POST" else None),
            retire,
            title=_("Retire the metric"),
            intro=_t(
                "%(metric)s – what came in stays; of that day and later ones its column is refused, and no"
                " new rule may speak of it. There is no way back."
            )
            % {"metric": metric},
            submit=_("Retire it"),
            done=_("The metric is retired."),
            back=self._page_of(pk),
            of=metric,
        )

    def _page_of(self, pk: int) -> str:
        return reverse(f"admin:{self._address_of('change')}", args=[pk])

    def _found(self, request: HttpRequest, pk: int) -> DeclaredMetric:
        if not request.user.has_perm(DECLARE):
            raise PermissionDenied
        metric = self.get_object(request, str(pk))
        if not isinstance(metric, DeclaredMetric):
            raise Http404
        return metric

    def _asked(
        self,
        request: HttpRequest,
        form: Any,
        call: Callable[[dict[str, Any]], str],
        *,
        done: str | Promise,
        **page: Any,
    ) -> HttpResponse:
        """A form that ends in one verb, which `call` is given the answers for; it says where that leads."""
        if request.method == "POST" and form.is_valid():
            try:
                to = call(dict(form.cleaned_data))
            except Invalid as invalid:
                for field, message in invalid.errors.items():
                    form.add_error(field, message)
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                self.message_user(request, str(done), messages.SUCCESS)
                return HttpResponseRedirect(to)
        return form_page(request, self.admin_site, form, opts=self.opts, **page)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        metric = self.get_object(request, object_id)
        offered = []
        if isinstance(metric, DeclaredMetric) and request.user.has_perm(DECLARE):
            titles = {"define": _("Define anew")}
            titles |= {} if metric.retired_on else {"retire": _("Retire")}
            offered = [
                (reverse(f"admin:{self._address_of(page)}", args=[metric.pk]), title)
                for page, title in titles.items()
            ]
        return super().change_view(request, object_id, form_url, {"verbs": offered, **(extra_context or {})})
