from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import label_for_field
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shops import catalogue, changes, money
from shops.admin.cells import NOTHING, number
from shops.admin.consequences import ladder_of, told_of
from shops.admin.exporting import Column
from shops.admin.readonly import ChangedBy, ReadOnlyAdmin
from shops.errors import Refused
from shops.models import DefaultMeasure, Penalty, Violation
from shops.reasons import WRITTEN, told
from shops.rights import person_of
from shops.texts import told_moment
from shops.versions import Version, versions_of

# As many as stand beside each other on a page.
VERSIONS_SHOWN = 5


class ViolationForm(forms.ModelForm):
    """What the entry says, and why it is to say so."""

    reason = forms.CharField(label=_("Reason"), max_length=100, help_text=_("Kept with this version."))
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Violation
        fields = ["code", *catalogue.FIELDS]
        widgets = {
            "evidence_en": forms.Textarea(attrs={"rows": 4}),
            "evidence_zh": forms.Textarea(attrs={"rows": 4}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "seen" in self.fields:
            self.initial["seen"] = catalogue.version_of(self.instance)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if self.instance.pk:
            try:
                changes.refuse_unless_seen(self.instance, given.get("seen"))
            except Refused as refusal:
                raise forms.ValidationError(str(refusal)) from refusal
        return given


class DefaultMeasureForm(forms.ModelForm):
    """A measure; its amount in yuan."""

    amount = forms.DecimalField(
        label=_("amount (yuan)"),
        required=False,
        max_digits=15,
        decimal_places=2,
        help_text=_("Empty: asked of the operator."),
    )

    class Meta:
        model = DefaultMeasure
        fields = [name for name in catalogue.MEASURE_FIELDS if name != "amount_fen"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.amount_fen is not None:
            self.initial["amount"] = money.yuan_of(self.instance.amount_fen)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        amount = given.get("amount")
        self.instance.amount_fen = None if amount is None else money.fen_of(amount)
        least, most = given.get("points_least"), given.get("points_most")
        if least is not None and most is not None and least > most:
            told = _("The most (%(most)s) is less than the least (%(least)s).")
            self.add_error("points_most", told % {"least": least, "most": most})
        return given

    def _get_validation_exclusions(self) -> set[str]:
        # Of Django's own, which its types leave out.
        return super()._get_validation_exclusions() - {"amount_fen"}  # type: ignore[misc]


class DefaultMeasureInline(ChangedBy, admin.StackedInline):
    model = DefaultMeasure
    form = DefaultMeasureForm
    changed_by = catalogue.CHANGE
    extra = 0
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("from_case", "kind"),
                    ("points_least", "points_most", "score"),
                    ("basis", "amount", "share"),
                    ("days", "end_asked"),
                ]
            },
        )
    ]


@admin.register(Violation)
class ViolationAdmin(ReadOnlyAdmin):
    """The catalogue: everybody reads it, supervisors write it."""

    form = ViolationForm
    list_display = ["code", "name", "group", "alliance", "follows", "serious", "penalty_count", "active"]
    list_filter = ["active", "group", "alliance", "serious"]
    list_select_related = ["alliance"]
    search_fields = ["code", "name_en", "name_zh"]
    search_help_text = _("Code or name.")
    inlines = [DefaultMeasureInline]
    fieldsets = [
        (None, {"fields": ["code", "group", "alliance", "name_en", "name_zh", "source", "active"]}),
        (
            _("What it means"),
            {
                "fields": [
                    "serious",
                    "bars_controller",
                    "endangers_transactions",
                    "appealable",
                    "repeats_within_days",
                ]
            },
        ),
        (_("Evidence that is expected"), {"fields": ["evidence_en", "evidence_zh"]}),
    ]

    # The list

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return (
            super()
            .get_queryset(request)
            .prefetch_related("default_measures")
            .annotate(penalty_count=Count("penalties"))
        )

    @admin.display(description=_("name"))
    def name(self, violation: Violation) -> str:
        return violation.name

    @admin.display(description=_("consequences"))
    def follows(self, violation: Violation) -> str:
        return told_of(violation.default_measures.all(), violation) or NOTHING

    @admin.display(description=_("penalties"), ordering="penalty_count")
    def penalty_count(self, violation: Any) -> str:
        return number(violation.penalty_count)

    def export_columns(self) -> list[Column]:
        return [*super().export_columns(), Column("consequences", _("consequences"), self.follows)]

    # An entry's page

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return request.user.has_perm(catalogue.CHANGE)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(catalogue.CHANGE)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*super().get_readonly_fields(request, obj), *(["code"] if obj else [])]

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        # Whoever only reads finds in words, as the ladder, what these say field by field.
        return super().get_inlines(request, obj) if self.has_change_permission(request) else []

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = super().get_fieldsets(request, obj)
        match = request.resolver_match
        read_only = match and (match.url_name or "").endswith("_simple_history")
        if read_only or not self.has_change_permission(request):
            return shown
        return [*shown, (_("This change"), {"fields": ["reason", "seen"]})]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        violation = self.get_object(request, object_id)
        shown = self._record_of(violation) if isinstance(violation, Violation) else {}
        return super().change_view(request, object_id, form_url, {**shown, **(extra_context or {})})

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Refused as refusal:
            # Somebody was faster, after the form had been looked through.
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The entry is written with its measures, by the verb."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        measures = []
        for formset in formsets:
            formset.save(commit=False)
            gone = formset.deleted_forms
            measures += [
                one.instance
                for one in formset.forms
                if one not in gone and (one.instance.pk or one.has_changed())
            ]
        how = {
            "values": {name: form.cleaned_data[name] for name in catalogue.FIELDS},
            "measures": measures,
            "by": person_of(request),
            "reason": form.cleaned_data["reason"],
        }
        if change:
            catalogue.change(form.instance, seen=form.cleaned_data["seen"], **how)
        else:
            form.instance.pk = catalogue.add(form.cleaned_data["code"], **how).pk

    def _record_of(self, violation: Violation) -> dict[str, Any]:
        versions = versions_of(violation)
        return {
            "ladder": ladder_of(violation.default_measures.all(), violation),
            "penalties": [
                (status, label, number(count))
                for status, label in Penalty.Status.choices
                if (count := violation.penalties.filter(status=status).count())
            ],
            "versions": versions[:VERSIONS_SHOWN],
            "more_versions": len(versions) > VERSIONS_SHOWN,
            "differences": list(_differences(versions[:VERSIONS_SHOWN])),
        }


def _differences(versions: list[Version]) -> Any:
    """What the versions say beside each other: (name, a text for each), where not all say the same."""
    yield _("from"), [told_moment(version.since) for version in versions]
    yield (
        pgettext_lazy("version", "by"),
        [str(version.by or _("The system")) for version in versions],
    )
    yield _("reason"), [told(version.reason, WRITTEN) or NOTHING for version in versions]
    for name in catalogue.FIELDS:
        cells = [_cell(version.violation, name) for version in versions]
        if len(set(cells)) > 1:
            yield label_for_field(name, Violation), cells
    yield (
        _("consequences"),
        [told_of(version.measures, version.violation) or NOTHING for version in versions],
    )


def _cell(violation: Violation, name: str) -> str:
    value = getattr(violation, name)
    if name == "group":
        return str(violation.get_group_display())
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    return NOTHING if value in (None, "") else str(value)
