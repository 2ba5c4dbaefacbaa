"""What is expected to support a case, item by item, and what of it has come in: reads alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from opsdesk.models import Appeal, Evidence
from shops.models import Penalty
from shops.texts import in_the_readers_language


@dataclass(frozen=True)
class Item:
    """A line of the checklist, in both languages."""

    en: str
    zh: str

    def __str__(self) -> str:
        return in_the_readers_language(self.en, self.zh)


@dataclass(frozen=True)
class Line:
    """An item, and what answers it; without an item, what answers none."""

    item: Item | None
    evidence: Sequence[Evidence]

    @property
    def standing(self) -> Sequence[Evidence]:
        return [one for one in self.evidence if not one.is_struck]


def items_of(penalty: Penalty) -> list[Item]:
    """The items of the violation as the catalogue named them when the penalty was imposed."""
    kept: dict[str, Any] = penalty.evidence.get("violation") or {}
    violation = penalty.violation
    english = kept.get("evidence_en", violation.evidence_en if violation else "")
    chinese = kept.get("evidence_zh", violation.evidence_zh if violation else "")
    # The same items in both; what one of them lacks stands in the other's words.
    en, zh = _lines(english), _lines(chinese)
    longer = max(len(en), len(zh))
    return [Item((en[n] if n < len(en) else zh[n]), (zh[n] if n < len(zh) else en[n])) for n in range(longer)]


def checklist_of(appeal: Appeal) -> list[Line]:
    """Every item with its evidence in the order in which it came, and last what answers none of them."""
    came = list(appeal.evidence.select_related("added_by", "struck_by").order_by("pk"))
    items = items_of(appeal.penalty)
    known = {item.en for item in items}
    lines = [Line(item, [one for one in came if one.item_en == item.en]) for item in items]
    others = [one for one in came if one.item_en not in known]
    return [*lines, Line(None, others)] if others else lines


def _lines(text: str) -> list[str]:
    return [item for line in text.splitlines() if (item := line.strip())]
