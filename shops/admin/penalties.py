from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shops import measures as measures_told
from shops import money, numbering, topups, versions
from shops.admin import courses, registers
from shops.admin.cells import NOTHING, pill
from shops.admin.exporting import Column
from shops.admin.importing import Importing
from shops.admin.verbs import Verb, VerbsAdmin
from shops.models import ImportBatch, Measure, Penalty, TopUp
from shops.reasons import WRITTEN, told
from shops.texts import told_moment


def case_of(penalty: Penalty, words: Mapping[str, Any] = WRITTEN) -> dict[str, Any]:
    """What a penalty does today, measure by measure, and its course. `words`: of reasons kept by code."""
    related = ("alliance", "opening__enrollment__alliance", "listing__product", "listing__alliance")
    measures = list(penalty.measures.select_related(*related).order_by("pk"))
    now = timezone.now()
    return {
        "measures": [
            (one, measures_told.describe(one), measures_told.state_of(one, now)) for one in measures
        ],
        "owed": topups.with_outstanding(TopUp.objects.filter(measure__penalty=penalty)).order_by("pk"),
        "today": timezone.localdate(now),
        "undoable": penalty.status in Penalty.PENALISED
        and sum(one.undone_at is None and one.applied_at is not None for one in measures) > 1,
        "course": courses.course_of(penalty, words),
        "told_why": told(penalty.reason, words),
    }


class NumberForm(forms.Form):
    number = forms.CharField(label=_("Platform's case number"), max_length=numbering.LONGEST)


# Files have columns of the same name.
_of_the_desk = lazy(lambda heading: _t("%(column)s (desk)") % {"column": heading}, str)
_NUMBER = Verb(
    "number",
    permission="shops.impose_penalty",
    title=_("Record the platform's number"),
    note=_("by it the platform's files know the case as this one, and count its money once."),
    submit=_("Record it"),
    done=_("The platform's number is recorded."),
    offered=numbering.may_be_numbered,
    call=lambda penalty, by, number: numbering.record_number(penalty, number, by=by, at=timezone.now()),
    form=NumberForm,
)


@admin.register(Penalty)
class PenaltyAdmin(Importing, VerbsAdmin):
    verbs: ClassVar[tuple[Verb, ...]] = (_NUMBER,)
    import_kind = ImportBatch.Kind.PENALTIES
    change_form_template = "admin/shops/penalty/change_form.html"
    when_empty = _("Nobody has been penalised. A clearance that is accepted imposes a penalty.")
    list_display = [
        "case_number",
        "shop",
        "product",
        "alliance",
        "ground",
        "violation",
        "status_pill",
        "imposed_at",
        "imposed_by",
    ]
    list_filter = ["status", "ground", "alliance", "violation"]
    list_select_related = ["shop", "product", "alliance", "violation", "imposed_by"]
    search_fields = ["shop__code", "shop__name", "product__code", "product__name", "reference"]
    quoted_by = {"P": "pk"}
    search_help_text = _(
        "Code or name of the shop or product, or a case number: the desk's or the platform's."
    )
    fieldsets = [
        (
            pgettext_lazy("penalty", "details"),
            {"fields": ["case", "shop", "product", "alliance", "ground", "violation", "why"]},
        ),
        (
            _("course"),
            {
                "fields": [
                    "status",
                    "reported_at",
                    "reported_by",
                    "confirmed_by",
                    "imposed_at",
                    "imposed_by",
                    "approved_by",
                ]
            },
        ),
        (
            _("end"),
            {
                "fields": [
                    "ends_at",
                    "ended",
                    "ended_by",
                    "ended_why",
                    "stayed_at",
                    "lost_ground_with",
                    "kept_at",
                ]
            },
        ),
    ]
    readonly_fields = ["case", "why", "ended", "ended_why"]
    history_coded = frozenset({"reason", "ended_reason"})
    history_leaves_out = frozenset({"evidence", "key"})
    # Reasons that are kept by code; the desk, whose table they are of, gives their words.
    reasons: ClassVar[dict[str, Any]] = {}

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        penalty = self.get_object(request, object_id)
        words = WRITTEN | self.history_reasons
        told = case_of(penalty, words) if isinstance(penalty, Penalty) else {}
        return super().change_view(request, object_id, form_url, {**told, **(extra_context or {})})

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """What is filled in: most of what may become of a penalty never does."""
        fieldsets = super().get_fieldsets(request, obj)
        if not isinstance(obj, Penalty):
            return fieldsets
        filled = [
            (title, options | {"fields": [field for field in options["fields"] if _is_told(obj, field)]})
            for title, options in fieldsets
        ]
        return [(title, options) for title, options in filled if options["fields"]]

    def set_history_delta_changes(self, request: HttpRequest, historical_records: Any, **kwargs: Any) -> None:
        """With what became of the measures by what the row of the penalty alone doesn't show."""
        super().set_history_delta_changes(request, historical_records, **kwargs)
        records = list(historical_records)
        if not records:
            return
        steps = courses.course_of(Penalty(pk=records[0].id), WRITTEN | self.history_reasons)
        own = courses.changed_with(steps)
        for record in records:
            left = courses.left_by(steps, record.history_id)
            if left and record.history_id in own:
                record.why = str(own[record.history_id])
                record.history_delta_changes = [
                    *getattr(record, "history_delta_changes", []),
                    *({"field": kind, "old": before, "new": after} for kind, before, after in left),
                ]

    def export_queryset(self, queryset: QuerySet) -> QuerySet:
        numbered = queryset.annotate(version=versions.version_number("violation", "violation_version"))
        return super().export_queryset(numbered).prefetch_related("measures")

    def export_columns(self) -> list[Column]:
        """Those of a file of penalties first, in its words; then what only the desk knows."""
        in_files = registers.columns_of(
            ImportBatch.Kind.PENALTIES,
            {
                "shop": lambda penalty: penalty.shop.code,
                "violation": lambda penalty: penalty.violation.code if penalty.violation else "",
                "imposed_at": lambda penalty: penalty.reported_at or penalty.imposed_at,
                "alliance": lambda penalty: penalty.alliance.code if penalty.alliance else "",
                "product": lambda penalty: penalty.product.code if penalty.product else "",
                "status": _status_in_files,
                "points": lambda penalty: _of_measure(penalty, Measure.Kind.POINTS, "points"),
                "deposit_deducted": _deducted,
                "reason": self.why,
            },
        )
        heading = Penalty._meta.get_field("violation_version").verbose_name
        words = {
            "ended_reason": Column("ended_reason", _("ended because"), self._ended_because),
            "violation_version": Column("violation_version", heading, lambda penalty: penalty.version),
        }
        known = {"key", *(column.name for column in in_files)} - {"status", "imposed_at"}
        others = [
            Column(f"desk_{column.name}", _of_the_desk(column.heading), column.value)
            for column in (words.get(column.name, column) for column in super().export_columns())
            if column.name not in known
        ]
        return [*in_files, Column("desk_case", _("case"), lambda penalty: penalty.case_number), *others]

    @admin.display(description=_("case"), ordering="id")
    def case_number(self, penalty: Penalty) -> str:
        return penalty.case_number

    @admin.display(description=_("case"))
    def case(self, penalty: Penalty) -> str:
        return f"{penalty.case_number} · {penalty.reference}" if penalty.reference else penalty.case_number

    @admin.display(description=_("reason"))
    def why(self, penalty: Penalty) -> str:
        return str(self.reasons.get(penalty.reason, penalty.reason))

    @admin.display(description=_("ended at"))
    def ended(self, penalty: Penalty) -> str:
        """The moment at which it was over; where that was found later, that as well."""
        if penalty.ended_at is None:
            return NOTHING
        if (
            penalty.status == Penalty.Status.EXPIRED
            and penalty.ends_at
            and penalty.ends_at < penalty.ended_at
        ):
            return _t("%(moment)s, recorded on %(recorded)s") % {
                "moment": told_moment(penalty.ends_at),
                "recorded": told_moment(penalty.ended_at),
            }
        return told_moment(penalty.ended_at)

    @admin.display(description=_("ended because"))
    def ended_why(self, penalty: Penalty) -> str:
        return self._ended_because(penalty)

    def _ended_because(self, penalty: Penalty) -> str:
        why = penalty.ended_reason
        return str(told(why, WRITTEN | self.reasons))

    @admin.display(description=_("status"), ordering="status")
    def status_pill(self, penalty: Penalty) -> str:
        return pill(penalty.status, penalty.get_status_display())


# Of which field what the page tells by a method is.
TOLD_OF = {"case": "id", "why": "reason", "ended": "ended_at", "ended_why": "ended_reason"}


def _is_told(penalty: Penalty, field: Any) -> bool:
    name = field if isinstance(field, str) else field.__name__
    return getattr(penalty, TOLD_OF.get(name, name)) not in (None, "")


def _status_in_files(penalty: Penalty) -> str:
    """What has become of a penalty is the desk's: the platform knows two states. A case that the desk has
    dismissed never was more than reported.
    """
    return Penalty.Status.REPORTED if penalty.imposed_at is None else Penalty.Status.IMPOSED


def _of_measure(penalty: Penalty, kind: str, name: str) -> Any:
    """A figure of the penalty's first measure of that kind."""
    return next((getattr(measure, name) for measure in penalty.measures.all() if measure.kind == kind), None)


def _deducted(penalty: Penalty) -> Any:
    fen = _of_measure(penalty, Measure.Kind.DEDUCT, "amount_fen")
    return None if fen is None else money.yuan_of(fen)
