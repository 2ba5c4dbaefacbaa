"""Whom a rule concerns: its scope, its exemptions, and shops that are exempted by name."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from rules.conditions import none_of
from rules.metrics import RuleMetric, alias_of
from rules.models import Rule
from shops.models import Shop

Exemption = Rule.Exemption
# Shops that a rule on brand papers does not concern: they trade under no brand and have filed none.
TRADES_UNDER_NO_BRAND = Q(shop_type=Shop.Type.ORDINARY, fact_brand_papers__key__isnull=True)
# The opposite, which is never unknown.
TRADES_UNDER_A_BRAND = Q(shop_type__in=sorted(Shop.BRANDED)) | Q(fact_brand_papers__key__isnull=False)


@dataclass(frozen=True)
class Reach:
    """`exempt` and `concerned` are two expressions, for NOT would count unknown as true."""

    rule: Rule
    metric: RuleMetric
    # Key of the derived fact that marks shops exempted by name; empty where there are none.
    mark: str
    # Whether a shop without a value can neither meet the condition nor miss it.
    rests_on_a_value: bool

    @property
    def asks_for_entry(self) -> bool:
        """Whether the shop's day of entry decides: unknown, it is no data."""
        return bool(self.rule.entered_from or self.rule.entered_until)

    @property
    def _scope(self) -> dict[str, list[str]]:
        """To whom the rule applies, by the facts that every shop has."""
        rule = self.rule
        scope = {
            "category": rule.categories,
            "shop_type": rule.shop_types,
            "goods_kind": rule.goods_kinds,
            "subject_kind": rule.subject_kinds,
        }
        return {column: values for column, values in scope.items() if values}

    def exempt(self) -> Q:
        """Whom the rule does not concern; never unknown but where metrics or the day of entry are missing."""
        rule, nobody = self.rule, Q(pk__in=[])
        no_score_yet = Q(**{self.metric.none_yet: True}) if self.metric.none_yet else nobody
        exempt = {
            Exemption.NOBODY: nobody,
            Exemption.VIRTUAL_GOODS: Q(goods_kind=Shop.GoodsKind.VIRTUAL),
            Exemption.NO_SCORE_YET: no_score_yet,
            Exemption.NO_BRAND: TRADES_UNDER_NO_BRAND,
        }[Exemption(rule.exemption)]
        if self.mark:
            exempt |= Q(**{f"fact_{alias_of(self.mark)}__key": self.mark})
        for column, values in self._scope.items():
            exempt |= none_of(column, values)
        if rule.entered_from:
            exempt |= Q(entered_on__lt=rule.entered_from)
        if rule.entered_until:
            exempt |= Q(entered_on__gt=rule.entered_until)
        return exempt

    def concerned(self) -> Q:
        """The opposite for certain, of a shop that meets the condition or misses it.

        What that settles by itself is not asked again: joins cost.
        """
        rule, concerned = self.rule, Q()
        if rule.exemption == Exemption.VIRTUAL_GOODS:
            concerned &= Q(goods_kind__differs=Shop.GoodsKind.VIRTUAL)
        # Who has no score yet has no value either.
        without_score = rule.exemption == Exemption.NO_SCORE_YET and self.metric.none_yet
        if without_score and not self.rests_on_a_value:
            concerned &= Q(**{self.metric.none_yet: False}) | Q(m__day__isnull=True)
        # Nor does anybody know whether the papers are in order of who trades under no brand.
        on_papers = self.metric.key == "brand_papers_ok" and self.rests_on_a_value
        if rule.exemption == Exemption.NO_BRAND and not on_papers:
            concerned &= TRADES_UNDER_A_BRAND
        if self.mark:
            concerned &= Q(**{f"fact_{alias_of(self.mark)}__key__isnull": True})
        for column, values in self._scope.items():
            concerned &= Q(**{f"{column}__in": values})
        if rule.entered_from:
            concerned &= Q(entered_on__gte=rule.entered_from)
        if rule.entered_until:
            concerned &= Q(entered_on__lte=rule.entered_until)
        return concerned
