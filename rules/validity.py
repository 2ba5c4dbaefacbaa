"""What is wrong with a rule, or with a set of them, in words for whoever wrote it. Writes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from rules.conditions import listed
from rules.dictionaries import DICTIONARIES, metric_called
from rules.metrics import Kind, RuleMetric, penalties_asked
from rules.models import Condition, Rule, RuleSet
from shops.declared import read_once
from shops.errors import Refused
from shops.models import Shop, Violation

Operator = Condition.Operator
Problems = dict[str, str]

ORDERING = frozenset({Operator.GREATER, Operator.AT_LEAST, Operator.LESS, Operator.AT_MOST, Operator.BETWEEN})
CODE = re.compile(r"[A-Za-z0-9]+([-.][A-Za-z0-9]+)*")
SCOPES = {
    "shop_types": Shop.Type.choices,
    "goods_kinds": Shop.GoodsKind.choices,
    "subject_kinds": Shop.SubjectKind.choices,
}


@read_once()
def errors_of(rule_set: RuleSet) -> list[str]:
    """Everything that stands against submitting the set as it is saved; empty where nothing does."""
    rules = list(rule_set.rules.prefetch_related("alternatives").order_by("position"))
    errors = []
    evaluable = [rule for rule in rules if rule.metric]
    if not evaluable:
        errors.append(_("No rule of the set is ever evaluated by the daily check."))
    elif rule_set.purpose == RuleSet.Purpose.ADMISSION and all(rule.advisory for rule in evaluable):
        errors.append(_("Every rule only advises: everybody would be let in."))
    for rule in rules:
        problems = check_rule(rule, list(rule.alternatives.all()), rule_set)
        errors += [f"{rule.code}: {message}" for message in problems.values()]
    return errors


@read_once()
def check_rule(rule: Rule, alternatives: Sequence[Condition], rule_set: RuleSet) -> Problems:
    """What is wrong with one rule, saved or not: field → message in the reader's language.

    `alternatives` are those it is to have; what is wrong with one stands under "alternatives".
    """
    known = DICTIONARIES[rule_set.subject]
    problems = {**_check_code(rule, rule_set), **_check_scope(rule)}
    if not (rule.metric or rule.operator or rule.value or rule.upper):
        return problems | _check_never_evaluated(rule, alternatives)
    problems |= _check_condition(rule, rule_set)
    for number, other in enumerate(alternatives, start=1):
        found = _check_condition(other, rule_set)
        if found:
            message = next(iter(found.values()))
            problems.setdefault(
                "alternatives",
                _("Alternative %(number)s: %(message)s") % {"number": number, "message": message},
            )
    problems |= _check_sample(rule, rule_set)
    metric = known.get(rule.metric)
    if metric is not None:
        problems |= _check_band(rule, metric, rule_set)
        if rule.exemption == Rule.Exemption.NO_SCORE_YET and not metric.none_yet:
            problems["exemption"] = _("“%(metric)s” is no score that can be missing yet.") % {
                "metric": metric.name
            }
    return problems


def _check_code(rule: Rule, rule_set: RuleSet) -> Problems:
    if not CODE.fullmatch(rule.code):
        return {"code": _("A code is made of letters and digits, with hyphens or dots between them.")}
    others = rule_set.rules.exclude(pk=rule.pk) if rule_set.pk else Rule.objects.none()
    if others.filter(code__iexact=rule.code).exists():
        return {"code": _("The set has a rule %(code)s already.") % {"code": rule.code}}
    # Exemptions go by it, whichever of the alliance's sets the rule stands in.
    elsewhere = (
        Rule.objects.filter(rule_set__alliance=rule_set.alliance_id, code__iexact=rule.code)
        .exclude(rule_set__subject=rule_set.subject, rule_set__purpose=rule_set.purpose)
        .select_related("rule_set__alliance")
        .first()
    )
    if elsewhere is not None:
        names = {"code": elsewhere.code, "set": elsewhere.rule_set}
        return {"code": _("%(code)s is a rule of %(set)s: a code names one rule of an alliance.") % names}
    return {}


def _check_scope(rule: Rule) -> Problems:
    problems = {}
    for name, choices in SCOPES.items():
        strangers = [value for value in getattr(rule, name) if value not in dict(choices)]
        if strangers:
            problems[name] = _none_of(strangers[0], choices)
    if any(not category.strip() for category in rule.categories):
        problems["categories"] = _("A category has no name.")
    if rule.entered_from and rule.entered_until and rule.entered_from > rule.entered_until:
        problems["entered_until"] = _("The interval ends before it begins.")
    alone = rule.goods_kinds == [Shop.GoodsKind.VIRTUAL]
    if alone and rule.exemption == Rule.Exemption.VIRTUAL_GOODS:
        problems["exemption"] = _("The rule applies to them alone: exempt, it would apply to nobody.")
    return problems


def _none_of(value: str, choices: Iterable[tuple[str, str | Promise]]) -> str:
    """What is written, each with what people call it."""
    possible = ", ".join(f"{key} ({label})" for key, label in choices)
    return _("“%(value)s” is none of: %(choices)s.") % {"value": value, "choices": possible}


def _check_never_evaluated(rule: Rule, alternatives: Sequence[Condition]) -> Problems:
    given = {
        "alternatives": bool(alternatives),
        "sample_metric": bool(rule.sample_metric),
        "sample_minimum": rule.sample_minimum is not None,
        "warn_within": rule.warn_within is not None,
    }
    message = _("A rule without a metric is never evaluated.")
    return {name: message for name, stands in given.items() if stands}


def _check_condition(condition: Condition, rule_set: RuleSet) -> Problems:
    if not condition.metric:
        return {"metric": _("Name the metric that is compared.")}
    metric = DICTIONARIES[rule_set.subject].get(condition.metric)
    if metric is None or not _violation_exists(condition.metric):
        return {"metric": _unknown(condition.metric, rule_set)}
    if metric.retired_on:
        return {"metric": _retired(metric)}
    if condition.operator not in Operator.values:
        return {"operator": _("Say how it is compared.")}
    operator = Operator(condition.operator)
    names = {"metric": metric.name, "operator": operator.label}
    if operator in ORDERING and not metric.kind.numeric:
        return {"operator": _("“%(metric)s” is no number: “%(operator)s” means nothing for it.") % names}
    if operator is Operator.IN and metric.kind is Kind.FLAG:
        return {"operator": _("“%(metric)s” is yes or no: “%(operator)s” means nothing for it.") % names}
    if operator is Operator.UNKNOWN and rule_set.purpose == RuleSet.Purpose.CLEARANCE:
        return {"operator": _("Nobody is put out because something is not known.")}
    if operator is Operator.KNOWN and rule_set.purpose == RuleSet.Purpose.CLEARANCE:
        return {"operator": _("Nobody is put out because something is known.")}
    # Of a score that can be missing yet it asks for just that (R9); of any other, for missing data.
    if operator is Operator.UNKNOWN and rule_set.purpose == RuleSet.Purpose.ADMISSION and not metric.none_yet:
        return {
            "operator": _("Nobody is let in because “%(metric)s” is not known: that may be missing data.")
            % names
        }
    if operator in Condition.BARE:
        nothing = _("“%(operator)s” compares with nothing.") % names
        return {name: nothing for name in ("value", "upper") if getattr(condition, name)}
    return _check_thresholds(condition, operator, metric)


def _violation_exists(key: str) -> bool:
    asked = penalties_asked(key)
    return asked is None or Violation.objects.filter(code=asked[0]).exists()


def _retired(metric: RuleMetric) -> str:
    assert metric.retired_on is not None
    names = {"metric": metric.name, "day": date_format(metric.retired_on)}
    return _("“%(metric)s” is retired from %(day)s on: no figures come in any more.") % names


def _check_thresholds(condition: Condition, operator: Condition.Operator, metric: RuleMetric) -> Problems:
    texts = {"value": listed(condition.value) if operator is Operator.IN else [condition.value.strip()]}
    if operator is Operator.BETWEEN:
        texts["upper"] = [condition.upper.strip()]
    elif condition.upper:
        return {"upper": _("Only an interval has an upper end.")}
    problems = {}
    for field, values in texts.items():
        if not any(values):
            problems[field] = _("State with what it is compared.")
            continue
        wrong = [message for value in values if (message := _check_threshold(value, metric))]
        if wrong:
            problems[field] = wrong[0]
    if operator is Operator.BETWEEN and not problems:
        lower, upper = Decimal(condition.value.strip()), Decimal(condition.upper.strip())
        if lower > upper:
            problems["upper"] = _("The interval ends before it begins.")
    return problems or _check_that_it_parts(condition, operator, metric)


def _check_that_it_parts(condition: Condition, operator: Condition.Operator, metric: RuleMetric) -> Problems:
    """What never holds, or always, is a slip: it parts nobody from anybody."""
    never = always = False
    if operator is Operator.IN:
        always = bool(metric.choices) and dict(metric.choices).keys() <= set(listed(condition.value))
    elif metric.kind.numeric and metric.minimum is not None and metric.maximum is not None:
        value = Decimal(condition.value.strip())
        upper = Decimal(condition.upper.strip()) if operator is Operator.BETWEEN else value
        from_least, to_most = value <= metric.minimum, upper >= metric.maximum
        never = (operator is Operator.GREATER and to_most) or (operator is Operator.LESS and from_least)
        always = {
            Operator.AT_LEAST: from_least,
            Operator.AT_MOST: to_most,
            Operator.BETWEEN: from_least and to_most,
        }.get(operator, False)
    if never:
        return {"value": _("No value of “%(metric)s” meets this.") % {"metric": metric.name}}
    if always:
        return {"value": _("Every value of “%(metric)s” meets this.") % {"metric": metric.name}}
    return {}


def _check_threshold(text: str, metric: RuleMetric) -> str:
    names = {"value": text, "metric": metric.name}
    try:
        value = metric.parse(text)
    except Refused as refusal:
        if metric.choices:
            return _none_of(text, metric.choices)
        if metric.kind is Kind.FLAG:
            return _("“%(metric)s” is yes or no: write true or false, not “%(value)s”.") % names
        return str(refusal)
    if not metric.kind.numeric or metric.minimum is None or metric.maximum is None:
        return ""
    if not metric.minimum <= Decimal(value) <= metric.maximum:
        scale = {"minimum": f"{metric.minimum:f}", "maximum": f"{metric.maximum:f}"}
        return _("%(value)s lies outside the scale of “%(metric)s”: %(minimum)s to %(maximum)s.") % {
            **names,
            **scale,
        }
    return ""


def _unknown(key: str, rule_set: RuleSet) -> str:
    elsewhere = metric_called(key)
    if elsewhere is None or key in DICTIONARIES[rule_set.subject]:
        return _("“%(metric)s” is an unknown metric.") % {"metric": key}
    if rule_set.subject == RuleSet.Subject.PRODUCT:
        return _("“%(metric)s” is told of shops, not of products.") % {"metric": elsewhere.name}
    return _("“%(metric)s” is told of products, not of shops.") % {"metric": elsewhere.name}


def _check_sample(rule: Rule, rule_set: RuleSet) -> Problems:
    if not rule.sample_metric:
        without = rule.sample_minimum is not None
        return {"sample_metric": _("Name the count that tells the sample.")} if without else {}
    sample = DICTIONARIES[rule_set.subject].get(rule.sample_metric)
    if sample is None or not _violation_exists(rule.sample_metric):
        return {"sample_metric": _unknown(rule.sample_metric, rule_set)}
    if sample.retired_on:
        return {"sample_metric": _retired(sample)}
    if sample.kind is not Kind.COUNT:
        return {"sample_metric": _("“%(metric)s” is no count.") % {"metric": sample.name}}
    if rule.sample_minimum is None or rule.sample_minimum < 1:
        return {"sample_minimum": _("State the least sample, at least 1.")}
    return {}


def _check_band(rule: Rule, metric: RuleMetric, rule_set: RuleSet) -> Problems:
    if rule.warn_within is None:
        return {}
    if rule_set.purpose != RuleSet.Purpose.CLEARANCE or rule_set.subject != RuleSet.Subject.SHOP:
        return {"warn_within": _("Only rules that clear shops have a band in which shops are warned.")}
    if not metric.kind.numeric or rule.operator in Condition.BARE:
        return {"warn_within": _("“%(metric)s” has no distance to a threshold.") % {"metric": metric.name}}
    if rule.warn_within <= 0:
        return {"warn_within": _("The band is wider than nothing.")}
    return {}
