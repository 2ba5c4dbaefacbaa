"""The filters of the review queue, and of what the platform has to do."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Abs
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from opsdesk import worklist
from opsdesk.models import Execution
from rules.dictionaries import DICTIONARIES, all_of
from rules.metrics import Kind
from rules.models import Proposal, Rule
from rules.reversals import rests_on_superseded_data
from shops.models import Shop

# A pasted list longer than an address should be waits in the session, under its digest behind this mark.
KEPT_MARK = "~"
SESSION_KEY = "pasted_codes"


class StatusFilter(admin.SimpleListFilter):
    """Open ones unless asked otherwise."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return [*Proposal.Status.choices, ("all", _("all"))]

    def choices(self, changelist: Any) -> Any:
        for value, label in self.lookup_choices:
            default = value == Proposal.Status.OPEN
            yield {
                "selected": self.value() == value or (self.value() is None and default),
                "query_string": changelist.get_query_string(
                    {} if default else {self.parameter_name: value},
                    [self.parameter_name] if default else [],
                ),
                "display": label,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "all":
            return queryset
        return queryset.filter(status=self.value() or Proposal.Status.OPEN)


class SubjectFilter(admin.SimpleListFilter):
    """What is proposed about shops, or about single products."""

    title = _("shop or product")
    parameter_name = "about"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return [("shops", _("shops")), ("products", _("products"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in ("shops", "products"):
            return queryset
        return queryset.filter(product__isnull=self.value() == "shops")


class DataFilter(admin.SimpleListFilter):
    """Proposals whose figures have been corrected since they were filed."""

    title = _("data")
    parameter_name = "data"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return [("superseded", _("corrected since"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "superseded":
            return queryset.filter(rests_on_superseded_data())
        return queryset


class RuleFilter(admin.SimpleListFilter):
    title = _("rule")
    parameter_name = "rule"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        evaluated = Rule.objects.exclude(rule_set__purpose="admission").order_by("code")
        return [(code, code) for code in evaluated.values_list("code", flat=True).distinct()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(failed_rules__contains=[self.value()]) if self.value() else queryset


class MarginFilter(admin.SimpleListFilter):
    """How far off: bands of 2 % and 6 % of a metric's scale, which is 0.1 and 0.3 of a score of five."""

    title = _("margin")
    parameter_name = "margin"
    NEAR, FAR = Decimal("0.1"), Decimal("0.3")
    NEAR_RATE, FAR_RATE = Decimal("0.02"), Decimal("0.06")

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return [
            ("near", _("just missed: under 0.1, shares under 2%")),
            ("middle", _("0.1 to 0.3, shares 2% to 6%")),
            ("far", _("0.3 and more, shares 6% and more")),
            ("none", _("yes or no: no distance")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        band = self.value()
        if band == "none":
            return queryset.filter(margin=None)
        if band not in ("near", "middle", "far"):
            return queryset
        known = [metric for subject in DICTIONARIES for metric in all_of(subject).values()]
        shares = [metric.key for metric in known if metric.kind is Kind.RATE]
        is_share = Q(lead_metric__in=shares)
        near = (is_share & Q(distance__lt=self.NEAR_RATE)) | (~is_share & Q(distance__lt=self.NEAR))
        far = (is_share & Q(distance__gte=self.FAR_RATE)) | (~is_share & Q(distance__gte=self.FAR))
        measured = queryset.filter(margin__isnull=False).alias(distance=Abs(F("margin")))
        if band == "near":
            return measured.filter(near)
        return measured.filter(far) if band == "far" else measured.exclude(near).exclude(far)


class ControllerFilter(admin.SimpleListFilter):
    """Shops of people who have several; or, asked for by a code in the address, of one controller."""

    title = _("controller")
    parameter_name = "controller"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        choices: list[tuple[str, Any]] = [("several", _("has several shops"))]
        asked = request.GET.get(self.parameter_name, "")
        if asked and asked != "several":
            choices.append((asked, asked))
        return choices

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "several":
            another = Shop.objects.filter(controller=OuterRef("shop__controller"))
            return queryset.filter(Exists(another.exclude(pk=OuterRef("shop_id"))))
        return queryset.filter(shop__controller__code=self.value()) if self.value() else queryset


class AgeFilter(admin.SimpleListFilter):
    title = _("age")
    parameter_name = "age"
    # First and last day ago; None: without end.
    BANDS: dict[str, tuple[int, int | None]] = {"0": (0, 0), "1-3": (1, 3), "4-7": (4, 7), "8": (8, None)}

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return [
            ("0", _("filed today")),
            ("1-3", _("1 to 3 days")),
            ("4-7", _("4 to 7 days")),
            ("8", _("more than 7 days")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        band = self.BANDS.get(self.value() or "")
        if band is None:
            return queryset
        youngest, oldest = band
        today = timezone.localdate()
        queryset = queryset.filter(filed_on__lte=today - timedelta(days=youngest))
        return queryset if oldest is None else queryset.filter(filed_on__gte=today - timedelta(days=oldest))


class CodesFilter(admin.SimpleListFilter):
    """A box for shop codes pasted from elsewhere."""

    title = _("pasted shop codes")
    parameter_name = "codes"
    template = "admin/rules/proposal/codes_filter.html"

    def __init__(self, request: HttpRequest, params: dict, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        # Django renders filters without the request, and so without a token of its own.
        self.token = get_token(request)
        self.codes = pasted(request, self.value() or "")
        self.unknown = worklist.unknown_codes(self.codes) if self.codes else []
        self.kept = [
            (key, value)
            for key, values in request.GET.lists()
            for value in values
            if key not in (self.parameter_name, "p", "e")
        ]

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        # One is needed for the box to be shown at all.
        return [("", "")]

    def choices(self, changelist: Any) -> Any:
        yield {
            "token": self.token,
            "codes": self.codes,
            "text": "\n".join(self.codes),
            "unknown": self.unknown,
            "kept": self.kept,
            "limit": worklist.CODES_AT_ONCE,
            "found": self._found(),
            "clear": changelist.get_query_string(remove=[self.parameter_name]),
        }

    def _found(self) -> str:
        known = len(self.codes) - len(self.unknown)
        return ngettext("%(count)s shop known", "%(count)s shops known", known) % {"count": known}

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(shop__code__in=self.codes) if self.codes else queryset


def pasted(request: HttpRequest, value: str) -> list[str]:
    """The codes that the address names, or that it says are kept in the session."""
    if value.startswith(KEPT_MARK):
        return request.session.get(SESSION_KEY, {}).get(value, [])
    return worklist.codes_in(value)


class PlatformFilter(admin.SimpleListFilter):
    """By what the platform has done, and all that somebody has still to see to there."""

    title = _("on the platform")
    parameter_name = "state__exact"
    WAITING = "waiting"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return [(self.WAITING, _("all that waits")), *Execution.State.choices, *Execution.Turn.choices]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet:
        match self.value():
            case None:
                return queryset
            case self.WAITING:
                return queryset.waiting()
            case Execution.Turn.PAUSE:
                return queryset.to_pause()
            case Execution.Turn.GO_ON:
                return queryset.to_go_on()
        return queryset.filter(state=self.value())
