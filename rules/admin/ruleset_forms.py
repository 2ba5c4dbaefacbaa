"""The forms in which rule sets are drafted, submitted, published and ended."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from django.forms import BoundField
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from rules.dictionaries import all_of
from rules.metrics import penalties_asked
from rules.models import Alternative, Rule, RuleSet, Simulation
from shops.admin.forms import DayField
from shops.models import Alliance, Shop, Violation

MOST_ALTERNATIVES = 10
# What a key has place for.
MOST_PENALTY_DAYS = 9999
NOT_SEEN = _("Nothing says what the page showed. Look at the rule again.")


def name_of_field(name: str) -> Any:
    """What people call a field of a rule."""
    return next(field.verbose_name for field in Rule._meta.fields if field.name == name)


def metric_choices(subject: str, current: str, nothing: str | Promise) -> list[tuple[str, Any]]:
    """Every metric of the subject by its name in the reader's language; a retired one only where it is chosen
    now, and what is chosen now stays a choice.
    """
    known = all_of(subject)
    offered = [(key, metric) for key, metric in known.items() if key == current or not metric.retired_on]
    named = sorted(((key, str(metric.name)) for key, metric in offered), key=lambda each: each[1])
    unknown = [(current, current)] if current and current not in known else []
    return [("", nothing), *named, *unknown]


def violation_choices() -> list[tuple[str, str]]:
    return [("", "---------"), *((each.code, str(each)) for each in Violation.objects.order_by("code"))]


def _penalties_of(current: str) -> tuple[str, int | None]:
    """The violation and the days of a count of penalties that goes by neither's name alone; else nothing."""
    asked = penalties_asked(current) if ":" in current else None
    return asked or ("", None)


class CommaList(SimpleArrayField):
    """Values with commas between them; the wide comma of a Chinese keyboard is one too."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(forms.CharField(max_length=60), required=False, **kwargs)

    def clean(self, value: Any) -> Any:
        return super().clean(value.replace("，", ",").strip(", ") if isinstance(value, str) else value)


class Several(forms.MultipleChoiceField):
    widget = forms.CheckboxSelectMultiple

    def __init__(self, field: str, choices: Any) -> None:
        super().__init__(label=capfirst(name_of_field(field)), choices=choices, required=False)


class ConditionForm(forms.ModelForm):
    """A metric of the set's `subject`, how it is compared and with what.

    Of shops it may be the penalties under one violation in so many days, which no list could hold.
    """

    nothing: str | Promise = ""
    violation = forms.ChoiceField(label=_("or penalties under"), choices=violation_choices, required=False)
    days = forms.IntegerField(
        label=_("in how many days"), min_value=1, max_value=MOST_PENALTY_DAYS, required=False
    )

    def __init__(self, *args: Any, subject: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.subject = subject
        current = self.instance.metric or self.initial.get("metric", "")
        if subject == RuleSet.Subject.SHOP:
            self.initial["violation"], self.initial["days"] = _penalties_of(current)
        else:
            del self.fields["violation"], self.fields["days"]
        if self.initial.get("violation"):
            current = self.initial["metric"] = ""
        self.fields["metric"] = forms.ChoiceField(
            label=self.fields["metric"].label,
            choices=metric_choices(subject, current, self.nothing),
            required=False,
        )
        self.order_fields(["metric", "violation", "days"])
        self.fields["value"].help_text = _(
            "A share as 0.75, yes or no as true or false. Several for “is one of”, with commas."
        )
        self.fields["upper"].help_text = _("For “is between”: the upper end, which is in.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        violation, days = cleaned.get("violation"), cleaned.get("days")
        if not (violation or days) or self.errors.keys() & {"violation", "days"}:
            return cleaned
        if cleaned.get("metric"):
            self.add_error("violation", _("Choose a metric or a violation, not both."))
        elif not violation:
            self.add_error("violation", _("Name the violation whose penalties are counted."))
        elif not days:
            self.add_error("days", _("Say in how many days the penalties are counted."))
        else:
            cleaned["metric"] = f"penalties:{violation}:{days}d"
        return cleaned


class RuleForm(ConditionForm):
    """Everything that a rule says. `seen`: the history row of the rule that the page shows."""

    nothing = _("never evaluated")
    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)
    categories = CommaList(
        label=capfirst(name_of_field("categories")), help_text=_("With commas between them. Empty: all.")
    )
    shop_types = Several("shop_types", Shop.Type.choices)
    goods_kinds = Several("goods_kinds", Shop.GoodsKind.choices)
    subject_kinds = Several("subject_kinds", Shop.SubjectKind.choices)

    class Meta:
        model = Rule
        exclude = ["rule_set", "position"]
        field_classes = {"entered_from": DayField, "entered_until": DayField}
        widgets = {
            "sentence_en": forms.Textarea(attrs={"rows": 2}),
            "sentence_zh": forms.Textarea(attrs={"rows": 2}),
            "reading_en": forms.Textarea(attrs={"rows": 2}),
            "reading_zh": forms.Textarea(attrs={"rows": 2}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["sample_metric"] = forms.ChoiceField(
            label=self.fields["sample_metric"].label,
            choices=metric_choices(self.subject, self.instance.sample_metric, _("nothing")),
            required=False,
            help_text=self.fields["sample_metric"].help_text,
        )
        if self.instance.pk:
            # The code is what a rule is known by through all versions.
            del self.fields["code"]
        if self.instance.warn_within is not None:
            self.initial["warn_within"] = f"{self.instance.warn_within.normalize():f}"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.instance.pk and cleaned.get("seen") is None:
            raise forms.ValidationError(NOT_SEEN)
        return cleaned

    def validate_constraints(self) -> None:
        """Left to the verb, which first says what is wrong field by field."""

    @property
    def sections(self) -> list[tuple[str | Promise, list[BoundField]]]:
        """The visible fields under their headings; the condition has none."""
        headed: list[tuple[str | Promise, list[str]]] = [
            ("", ["code", "metric", "violation", "days", "operator", "value", "upper"]),
            (
                _("Applies to"),
                [
                    *("categories", "shop_types", "goods_kinds", "subject_kinds"),
                    *("entered_from", "entered_until", "exemption"),
                ],
            ),
            (
                _("What it rests on and what it leads to"),
                ["sample_metric", "sample_minimum", "warn_within", "advisory", "ground"],
            ),
            (
                _("What people read"),
                ["sentence_en", "sentence_zh", "source", "reading_en", "reading_zh"],
            ),
        ]
        return [(title, [self[name] for name in names if name in self.fields]) for title, names in headed]


class AlternativeForm(ConditionForm):
    nothing = "---------"

    class Meta:
        model = Alternative
        fields = ["metric", "operator", "value", "upper"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A line that was emptied is none, also where it was one before.
        self.empty_permitted, self.use_required_attribute = True, False

    def has_changed(self) -> bool:
        names = [*(self._meta.fields or ()), *("violation", "days")]
        return any(self[name].value() for name in names if name in self.fields)


AlternativeFormSet = forms.formset_factory(
    AlternativeForm, extra=2, can_delete=True, max_num=MOST_ALTERNATIVES, validate_max=True
)


def alternatives_of(formset: Any) -> list[Alternative]:
    """What a valid formset says, without its empty lines and those to be removed."""
    return [
        form.instance for form in formset.forms if form.has_changed() and not form.cleaned_data.get("DELETE")
    ]


class SettingsForm(forms.ModelForm):
    seen = forms.IntegerField(widget=forms.HiddenInput)

    class Meta:
        model = RuleSet
        fields = ["mode", "note"]
        help_texts = {
            "mode": _(
                "Propose: people decide. Automatic: within the brakes, what is proposed is accepted at once. "
                "Shadow: evaluated and recorded, nothing is proposed."
            ),
            "note": _("For those who publish it, and for those who look it up later."),
        }


class FirstForm(forms.Form):
    """Of what there is no version yet."""

    alliance = forms.ModelChoiceField(Alliance.objects.all(), label=_("Alliance"))
    subject = forms.ChoiceField(label=_("Subject"), choices=RuleSet.Subject.choices)
    purpose = forms.ChoiceField(label=_("Purpose"), choices=RuleSet.Purpose.choices)


class SubmitForm(forms.Form):
    simulation = forms.ModelChoiceField(Simulation.objects.none(), label=_("Simulation"), empty_label=None)

    def __init__(self, *args: Any, simulations: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Django types a form's fields without what this kind of field has.
        self.fields["simulation"].queryset = simulations  # type: ignore[attr-defined]


class PublishForm(forms.Form):
    seen = forms.IntegerField(widget=forms.HiddenInput)
    in_force_from = DayField(label=_("In force from"))
    short_notice_reason = forms.CharField(
        label=_("Why at shorter notice"),
        widget=forms.Textarea(attrs={"rows": 3}),
        required=False,
        help_text=_("Only where the notice is shorter than the alliance's."),
    )


class RetireForm(forms.Form):
    day = DayField(label=_("From"), help_text=_("The first day on which it is in force no longer."))
    reason = forms.CharField(label=_("Reason"), widget=forms.Textarea(attrs={"rows": 3}))


class CompareForm(forms.Form):
    """Any two versions."""

    left = forms.ModelChoiceField(RuleSet.objects.all(), label=_("Version"))
    right = forms.ModelChoiceField(RuleSet.objects.all(), label=_("beside"))
