"""A rule in words: its condition, its alternatives, whom it concerns."""

from __future__ import annotations

from django.utils.formats import date_format
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from rules.models import Rule
from rules.values import any_of_text, name_of, value_of
from shops.models import Shop


def conditions_of(rule: Rule) -> str:
    """The condition and its alternatives, one of which is enough."""
    alternatives = sorted(rule.alternatives.all(), key=lambda row: row.position)
    return any_of_text([rule, *alternatives]) or str(_("never evaluated"))


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
