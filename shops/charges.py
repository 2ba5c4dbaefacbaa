"""What a penalty charges a shop with, and whether two charges are one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.translation import gettext as _

from shops.errors import Refused
from shops.models import Alliance, Measure, Penalty, Product, Shop, Violation

Kind, Basis = Measure.Kind, Measure.Basis


def refuse_another_alliances_violation(violation: Violation | None, alliance: Alliance | None) -> None:
    """An alliance's own violation is charged in that alliance."""
    if violation is None or violation.alliance is None or alliance is None:
        return
    if violation.alliance != alliance:
        raise Refused(
            _("%(violation)s is a violation of %(own)s, not of %(alliance)s.")
            % {"violation": violation.code, "own": violation.alliance, "alliance": alliance}
        )


def refuse_unless_the_same(
    known: Penalty,
    *,
    shop: Shop,
    ground: str,
    violation: Violation | None,
    alliance: Alliance | None,
    product: Product | None,
    reason: str,
    measures: Sequence[Measure],
) -> None:
    """Refused where the penalty that is known under a key is not what is asked for under it."""
    charged = (known.shop, known.ground, known.violation, known.alliance, known.product, known.reason)
    if charged != (shop, ground, violation, alliance, product, reason) or _told(
        known.measures.filter(applied_at__isnull=False), alliance
    ) != _told(measures, alliance):
        raise Refused(
            _("Something else was imposed under this key, penalty %(penalty)s. Open the form anew.")
            % {"penalty": known}
        )


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
