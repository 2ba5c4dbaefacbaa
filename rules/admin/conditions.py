"""A rule in words: its condition, its alternatives, whom it concerns."""

from __future__ import annotations

from django.utils.formats import date_format
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from rules.admin.values import name_of, value_of
from rules.models import Condition, Rule
from shops.models import Shop

Operator = Condition.Operator


def condition_of(condition: Condition) -> str:
    """`shop score > 4.10`, in the reader's language."""
    if not condition.metric:
        return str(_("never evaluated"))
    return f"{name_of(condition.metric)} {comparison_of(condition)}"


def comparison_of(condition: Condition) -> str:
    """`> 4.10`: the condition without its metric."""
    operator = Operator(condition.operator)
    if operator in Condition.BARE:
        return str(operator.label)
    value = value_of(condition.metric, condition.value)
    if operator is Operator.BETWEEN:
        return _t("is between %(lower)s and %(upper)s") % {
            "lower": value,
            "upper": value_of(condition.metric, condition.upper),
        }
    if operator is Operator.IN:
        each = [value_of(condition.metric, one.strip()) for one in condition.value.split(",")]
        return f"{operator.label} {' · '.join(each)}"
    return f"{operator.label} {value}"


def conditions_of(rule: Rule) -> str:
    """The condition and its alternatives, one of which is enough."""
    alternatives = sorted(rule.alternatives.all(), key=lambda row: row.position)
    return f" {pgettext('one condition or another', 'or')} ".join(
        condition_of(each) for each in (rule, *alternatives)
    )


def scope_of(rule: Rule) -> list[str]:
    """Whom alone the rule concerns, whom not, and on how much its value has to rest; one sentence each."""
    told = []
    for values, choices in (
        (rule.categories, {}),
        (rule.shop_types, dict(Shop.Type.choices)),
        (rule.goods_kinds, dict(Shop.GoodsKind.choices)),
        (rule.subject_kinds, dict(Shop.SubjectKind.choices)),
    ):
        if values:
            told.append(
                _t("only %(these)s") % {"these": " · ".join(str(choices.get(each, each)) for each in values)}
            )
    if rule.entered_from:
        told.append(_t("entered from %(day)s on") % {"day": date_format(rule.entered_from)})
    if rule.entered_until:
        told.append(_t("entered until %(day)s") % {"day": date_format(rule.entered_until)})
    if rule.exemption:
        told.append(_t("not %(those)s") % {"those": rule.get_exemption_display()})
    if rule.sample_metric:
        told.append(f"{name_of(rule.sample_metric)} ≥ {value_of(rule.sample_metric, rule.sample_minimum)}")
    if rule.warn_within is not None:
        told.append(_t("warned within %(band)s") % {"band": value_of(rule.metric, rule.warn_within)})
    return told
