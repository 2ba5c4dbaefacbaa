"""The metric dictionary: everything that a rule can speak about, and which rules in force do."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.utils.timezone import localdate
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override, pgettext_lazy

from rules.declaring import BOUNDS, DECLARE
from rules.dictionaries import DICTIONARIES, all_of, metric_called
from rules.metrics import Kind, RuleMetric
from rules.models import Rule, RuleSet
from rules.publishing import in_force
from rules.values import plain
from shops.metrics import MetricType
from shops.models import Alliance, DeclaredMetric

# Upper ends that are only what can be kept.
HELD = {BOUNDS[MetricType.AMOUNT][1], BOUNDS[MetricType.COUNT][1]}
TYPES = {
    Kind.NUMBER: pgettext_lazy("kind of metric", "number"),
    Kind.RATE: _("share"),
    Kind.MONEY: _("amount"),
    Kind.COUNT: _("count"),
    Kind.FLAG: _("yes or no"),
    Kind.TEXT: _("text"),
}


@dataclass(frozen=True)
class Entry:
    """A metric as the page shows it."""

    metric: RuleMetric
    rules: list[Rule]
    # Of a declared one: the key of its record.
    declared: int | None = None

    @property
    def name_en(self) -> str:
        with override("en"):
            return str(self.metric.name)

    @property
    def name_zh(self) -> str:
        with override("zh-hans"):
            return str(self.metric.name)

    @property
    def type(self) -> str:
        return str(TYPES[self.metric.kind])

    @property
    def scale(self) -> str:
        """Both ends in; without an upper end where it is only what the column holds."""
        metric = self.metric
        if metric.choices:
            return ", ".join(str(label) for _key, label in metric.choices)
        if metric.minimum is None or metric.maximum is None:
            return ""
        if metric.kind in (Kind.NUMBER, Kind.RATE) or (self.declared and metric.maximum not in HELD):
            return f"{plain(metric.minimum)}–{plain(metric.maximum)}"
        return f"≥ {plain(metric.minimum)}"

    @property
    def window(self) -> str:
        """The first and the last day of what is counted on day D, both in (R12)."""
        days = self.metric.window_days
        if days is None:
            return ""
        return f"[D−{days - 1}, D]" if days > 1 else "[D]"


def rules_in_force(day: date) -> dict[str, list[Rule]]:
    """Metric → the rules in force that read it, as value, as alternative or as sample."""
    versions = [
        in_force(alliance, purpose, day, subject)
        for alliance in Alliance.objects.all()
        for subject, purposes in RuleSet.PURPOSES.items()
        for purpose in purposes
    ]
    pinned = [rule_set.pk for rule_set in versions if rule_set is not None]
    rules = Rule.objects.filter(rule_set__in=pinned).exclude(metric="")
    using: dict[str, list[Rule]] = defaultdict(list)
    ordered = rules.order_by("rule_set__alliance__code", "rule_set__purpose", "position")
    for rule in ordered.select_related("rule_set__alliance").prefetch_related("alternatives"):
        read = [rule.metric, rule.sample_metric, *(other.metric for other in rule.alternatives.all())]
        for key in dict.fromkeys(filter(None, read)):
            using[key].append(rule)
    return using


def entries(day: date) -> dict[str, list[Entry]]:
    """For each subject every listed metric; then those that rules in force ask for beyond them."""
    using = rules_in_force(day)
    numbers = dict(DeclaredMetric.objects.values_list("key", "pk"))
    told = {
        subject: [
            Entry(metric, using.pop(key, []), numbers.get(key)) for key, metric in all_of(subject).items()
        ]
        for subject in DICTIONARIES
    }
    beyond = [(metric_called(key), rules) for key, rules in sorted(using.items())]
    told[RuleSet.Subject.SHOP] += [Entry(metric, rules) for metric, rules in beyond if metric]
    return told


def metric_dictionary(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """The page."""
    if not request.user.has_perm("rules.view_ruleset"):
        raise PermissionDenied
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    told = entries(localdate())
    context = {
        **site.each_context(request),
        "title": _t("Metrics"),
        "opts": RuleSet._meta,
        "subjects": [
            (_t("Of shops"), told[RuleSet.Subject.SHOP]),
            (_t("Of products"), told[RuleSet.Subject.PRODUCT]),
        ],
        "any_declared": any(entry.declared for entry in told[RuleSet.Subject.SHOP]),
        "may_declare": request.user.has_perm(DECLARE),
    }
    return TemplateResponse(request, "admin/rules/metrics.html", context)
