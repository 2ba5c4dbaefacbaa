"""What an operator says of a penalty: its measures, one small form a kind, and everything around them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from opsdesk.models import LONGEST_TEXT
from shops import catalogue, money
from shops.admin.forms import MomentField
from shops.models import Alliance, Enrollment, Measure, Product, Shop, Violation
from shops.previews import Line

Kind, Basis = Measure.Kind, Measure.Basis
# In the order in which a person thinks of them: words, record, money, promotion, trading.
KINDS = tuple(Kind)
# The fields in which is said what a measure may have to be told; the case's own have their names.
FIELD_OF = {"amount_fen": "amount", "share": "percent"}


def _fields_of(kind: str, shop: Shop) -> dict[str, forms.Field]:
    match kind:
        case Kind.POINTS:
            return {
                "points": forms.IntegerField(
                    label=pgettext_lazy("penalty", "Points"), required=False, min_value=1, max_value=1000
                ),
                "alliance": forms.ModelChoiceField(
                    Alliance.objects.all(),
                    label=_("Count in"),
                    required=False,
                    empty_label=_("the platform"),
                ),
            }
        case Kind.DEDUCT:
            return {
                "basis": forms.ChoiceField(
                    label=pgettext_lazy("deposit", "Basis"), required=False, choices=Basis.choices
                ),
                "amount": _amount(_t("For a fixed sum, and for the actual loss.")),
                "percent": forms.DecimalField(
                    label=_("Share in percent"),
                    required=False,
                    min_value=Decimal("0.0001"),
                    max_value=100,
                    max_digits=7,
                    decimal_places=4,
                    help_text=_("For a share of the balance."),
                ),
            }
        case Kind.TOP_UP:
            return {"amount": _amount()}
        case Kind.SCORE:
            return {
                "score": forms.DecimalField(
                    label=_("Experience score"),
                    required=False,
                    min_value=Decimal("0.01"),
                    max_digits=4,
                    decimal_places=2,
                )
            }
        case Kind.CLEAR:
            open_ = Enrollment.State.OPEN
            inside = Alliance.objects.filter(enrollments__shop=shop, enrollments__state=open_)
            return {
                "alliances": forms.ModelMultipleChoiceField(
                    inside, label=_("Out of"), required=False, widget=forms.CheckboxSelectMultiple
                )
            }
        case _ if kind in Measure.LASTING:
            return {
                "ends_at": MomentField(
                    label=_("Ends at"), required=False, help_text=_("Empty: until the penalty is lifted.")
                )
            }
    return {}


def _amount(help_text: str = "") -> forms.DecimalField:
    return forms.DecimalField(
        label=_("Amount in yuan"),
        required=False,
        min_value=Decimal("0.01"),
        max_digits=14,
        decimal_places=2,
        help_text=help_text,
    )


class MeasureForm(forms.Form):
    """Whether a kind of measure is taken, and what has to be said for it."""

    def __init__(
        self,
        kind: str,
        shop: Shop,
        default: list[Measure],
        data: Any = None,
        points: tuple[int, int] | None = None,
        end_asked: bool = False,
    ) -> None:
        self.kind = kind
        # The least and the most points that the catalogue gives, where it says so.
        self.points = points
        # What follows by itself fills the form in; the moment at which points lapse stays as it gives it.
        self.default = default
        # The names of the fields in which something is still to be said before it can be imposed.
        self.still_asked: set[str] = set()
        self.end_asked = kind == Kind.SUSPEND or end_asked
        super().__init__(data, prefix=kind, initial=_said(kind, default))
        self.fields["taken"] = forms.BooleanField(label=Kind(kind).label, required=False)
        self.fields.update(_fields_of(kind, shop))
        if self.end_asked:
            self.fields["ends_at"].help_text = _("Say until when.")
        if kind == Kind.POINTS and points is not None and points[0] < points[1]:
            self.fields["points"].help_text = _t("From %(least)s to %(most)s.") % {
                "least": points[0],
                "most": points[1],
            }

    @property
    def asked(self) -> list[tuple[forms.BoundField, bool]]:
        """The fields beside the box, and whether something is still to be said in each."""
        return [(self[name], name in self.still_asked) for name in self.fields if name != "taken"]

    def measures(self) -> list[Measure]:
        """Unsaved, as they were said; empty where the kind is not taken."""
        said = self.cleaned_data
        if not said.get("taken"):
            return []
        if self.kind == Kind.CLEAR:
            return [Measure(kind=self.kind, alliance=alliance) for alliance in said["alliances"]]
        measure = Measure(kind=self.kind)
        if self.kind == Kind.POINTS:
            measure.points, measure.alliance = said["points"], said["alliance"]
            measure.ends_at = self.default[0].ends_at if self.default else None
        if "ends_at" in said:
            measure.ends_at = said["ends_at"]
        measure.score = said.get("score") or None
        measure.basis = said.get("basis", "")
        amount, percent = said.get("amount"), said.get("percent")
        if amount and measure.basis in ("", Basis.FIXED, Basis.ACTUAL_LOSS):
            measure.amount_fen = money.fen_of(amount)
        if percent and measure.basis == Basis.SHARE:
            measure.share = percent / 100
        return [measure]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if said.get("taken") and self.kind == Kind.CLEAR and not said.get("alliances"):
            self.add_error("alliances", _t("Choose out of which alliance."))
        if said.get("taken"):
            self._refuse_what_does_not_go_together(said)
        else:
            self._refuse_what_would_be_dropped()
            # What the catalogue gives as points, no person leaves out.
            if self.kind == Kind.POINTS and (refusal := catalogue.refusal_of_points(0, self.points)):
                self.add_error("taken", refusal)
        points = said.get("points")
        if said.get("taken") and points and (refusal := catalogue.refusal_of_points(points, self.points)):
            self.add_error("points", refusal)
        ends_at = said.get("ends_at")
        if said.get("taken") and ends_at is not None and ends_at <= timezone.now():
            self.add_error("ends_at", _t("That moment is over."))
        # Where something was said that is no moment, that is told already.
        if said.get("taken") and self.end_asked and "ends_at" in said and ends_at is None:
            self.add_error("ends_at", _t("Its end is left to you: say until when."))
        return said

    def _refuse_what_does_not_go_together(self, said: dict[str, Any]) -> None:
        """A sum beside another way to deduct: of the two one would count for nothing."""
        basis = said.get("basis")
        if not basis:
            return
        told = {"basis": Basis(basis).label}
        if said.get("amount") is not None and basis in (Basis.ALL, Basis.SHARE):
            wrong = _t("An amount doesn't go with “%(basis)s”: empty this field, or choose “%(fixed)s”.")
            self.add_error("amount", wrong % (told | {"fixed": Basis.FIXED.label}))
        if said.get("percent") is not None and basis != Basis.SHARE:
            wrong = _t("A share doesn't go with “%(basis)s”: empty this field, or choose “%(share)s”.")
            self.add_error("percent", wrong % (told | {"share": Basis.SHARE.label}))

    def _refuse_what_would_be_dropped(self) -> None:
        """What was filled in beside a box that isn't ticked; what stands there by itself may stay."""
        told = {"measure": Kind(self.kind).label}
        # A list always has one of its entries chosen; an end that follows by itself is another each time.
        kept = {"taken", "basis", *(["ends_at"] if self.default else [])}
        for name in self.changed_data:
            if name not in kept and self.cleaned_data.get(name):
                wrong = _t("“%(measure)s” isn't ticked: tick it, or empty this field.")
                self.add_error(name, wrong % told)


def _said(kind: str, default: list[Measure]) -> dict[str, Any]:
    """What the default measures of a kind say, as its form has it."""
    if not default:
        return {}
    first = default[0]
    return {
        "taken": True,
        "points": first.points,
        "alliance": first.alliance,
        "basis": first.basis,
        "amount": None if first.amount_fen is None else money.yuan_of(first.amount_fen),
        "percent": None if first.share is None else first.share * 100,
        "score": first.score,
        "alliances": [measure.alliance for measure in default],
        "ends_at": first.ends_at,
    }


class CaseForm(forms.Form):
    """What stands around the measures."""

    alliance = forms.ModelChoiceField(
        Alliance.objects.all(),
        label=_("Alliance"),
        required=False,
        empty_label=_("the platform"),
        help_text=_("Whose rule was broken."),
    )
    product = forms.CharField(
        label=_("Product's code"),
        required=False,
        max_length=64,
        help_text=_("Where the penalty is about one product alone."),
    )
    statement = forms.CharField(
        label=_("Evidence"),
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The shop will read it."),
    )

    def __init__(self, shop: Shop, data: Any = None, **values: Any) -> None:
        super().__init__(data, **values)
        self.shop = shop
        # As of a measure's form.
        self.still_asked: set[str] = set()

    @property
    def asked(self) -> list[tuple[forms.BoundField, bool]]:
        """Its fields, and whether something is still to be said in each."""
        return [(field, field.name in self.still_asked) for field in self.visible_fields()]

    def fix(self, *names: str) -> None:
        """Show these as they are, whatever is sent for them."""
        for name in names:
            self.fields[name].disabled = True

    def clean_product(self) -> Product | None:
        code = self.cleaned_data["product"].strip()
        if not code:
            return None
        product = Product.objects.filter(shop=self.shop, code=code).first()
        if product is None:
            raise forms.ValidationError(_t("This shop has no product with that code."))
        return product


class ViolationForm(forms.Form):
    """Which entry of the catalogue."""

    violation = forms.ModelChoiceField(Violation.objects.filter(active=True), label=_("Violation"))


def mark_what_is_lacking(own: Iterable[MeasureForm], case: CaseForm, lines: Iterable[Line]) -> None:
    """Have the forms show in which of their fields something is still to be said."""
    forms_by_kind = {form.kind: form for form in own}
    for line in lines:
        form = forms_by_kind[line.measure.kind]
        for name in line.lacking:
            field = FIELD_OF.get(name, name)
            # A product that is to be stopped is the case's own.
            (form if field in form.fields else case).still_asked.add(field)


def forms_of(
    shop: Shop,
    default: Iterable[Measure],
    data: Any = None,
    points: tuple[int, int] | None = None,
    end_asked: Collection[str] = (),
) -> list[MeasureForm]:
    """One form a kind; what follows by itself is taken already. `points`: the least and the most of them;
    `end_asked`: the kinds of which has to be said when they end.
    """
    default = list(default)
    return [
        MeasureForm(
            kind,
            shop,
            [measure for measure in default if measure.kind == kind],
            data,
            points,
            kind in end_asked,
        )
        for kind in KINDS
    ]
