"""What a penalty charges a shop with, and whether two charges are one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext as _

from shops.errors import Refused
from shops.models import Alliance, Measure, Penalty, Product, Shop, Violation

Kind, Basis = Measure.Kind, Measure.Basis
_CHARGED = ("shop_id", "ground", "violation_id", "alliance_id", "product_id", "reason")


def refuse_another_alliances_violation(violation: Violation | None, alliance: Alliance | None) -> None:
    """An alliance's own violation is charged in that alliance."""
    if violation is None or violation.alliance is None or alliance is None:
        return
    if violation.alliance != alliance:
        raise Refused(
            _("%(violation)s is a violation of %(own)s, not of %(alliance)s.")
            % {"violation": violation.code, "own": violation.alliance, "alliance": alliance}
        )


def refuse_another_shops_product(shop: Shop, product: Product | None) -> None:
    """A shop answers for its own products."""
    if product is not None and product.shop_id != shop.pk:
        raise Refused(_("%(product)s is not a product of %(shop)s.") % {"product": product, "shop": shop})


def refuse_unless_the_same(known: Penalty, asked: Penalty, measures: Iterable[Measure]) -> None:
    """Refused where the penalty known under a key is not what is asked for under it, with `measures`."""
    imposed = known.measures.filter(applied_at__isnull=False)
    if any(getattr(known, name) != getattr(asked, name) for name in _CHARGED) or (
        _told(imposed, known.alliance) != _told(measures, asked.alliance)
    ):
        raise Refused(another_under_the_key(known))


def another_under_the_key(known: Penalty) -> str:
    return _("Something else was imposed under this key, penalty %(penalty)s. Open the form anew.") % {
        "penalty": known
    }


def terms_of(violation: Violation) -> dict[str, Any]:
    """The catalogue's entry by value: it reads the same whatever becomes of the entry."""
    return {**_by_value(violation), "measures": [_by_value(one) for one in violation.default_measures.all()]}


def _by_value(record: Model) -> dict[str, Any]:
    values = {
        field.name: field.value_from_object(record)
        for field in record._meta.concrete_fields
        if not field.primary_key
    }
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in values.items()}


def _told(measures: Iterable[Measure], alliance: Alliance | None) -> Counter[tuple[Any, ...]]:
    """What people say of measures; not what applying them adds: shares in yuan, when points lapse, and the
    clearances that come with a closing.
    """
    measures = list(measures)
    closes = any(measure.kind == Kind.CLOSE for measure in measures)
    return Counter(
        (
            one.kind,
            (one.alliance_id or (alliance and alliance.pk)) if one.kind == Kind.CLEAR else one.alliance_id,
            one.points,
            one.score,
            one.basis,
            one.share,
            None if one.basis in (Basis.SHARE, Basis.ALL) else one.amount_fen,
            one.ends_at if one.kind in Measure.LASTING else None,
        )
        for one in measures
        if not (closes and one.kind == Kind.CLEAR)
    )
