"""What a file of penalties comes to: before it is applied, for whoever confirms it, and long after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, Sum

from shops import sql
from shops.models import DepositEntry, ImportBatch, Penalty

# So few shops are told one by one.
FEW_SHOPS = 5

_COMES_TO = """
SELECT {by}, count(*) FILTER (WHERE p.became = 'imposed'), count(*) FILTER (WHERE p.became = 'reported'),
       (coalesce(sum(p.taken), 0) * 100)::bigint
FROM import_plan p {joins} WHERE p.outcome <> 'unchanged'
"""


def comes_to() -> dict[str, Any]:
    """What the planned file would impose, only report, and deduct of deposits in fen, as an import's record
    keeps it; of few shops by each.
    """
    [(shops, imposed, reported, fen)] = sql.fetch(_COMES_TO.format(by="count(DISTINCT p.shop_id)", joins=""))
    found = {"imposed": imposed, "reported": reported, "deducted_fen": fen}
    if not 0 < shops <= FEW_SHOPS:
        return found
    of_each = _COMES_TO.format(by="s.code", joins="JOIN shops_shop s ON s.id = p.shop_id")
    return {**found, "shops": [list(row) for row in sql.fetch(f"{of_each} GROUP BY s.code ORDER BY s.code")]}


@dataclass(frozen=True)
class Brought:
    """What a file of penalties came to: penalties, cases that wait for a decision, and money in fen."""

    imposed: int
    reported: int
    deducted_fen: int
    short_fen: int


def brought_by(batch: ImportBatch) -> Brought:
    """What an applied file came to, as it was then: whatever has become of its penalties since."""
    # The file's own history rows, also of cases that were reported by another: all of the moment at which it
    # was applied, by whose index they are found.
    written = Penalty.history.filter(
        history_date=batch.finished_at, history_change_reason=f"import {batch.pk}"
    )
    status = Penalty.Status
    cases = written.aggregate(
        imposed=Count("pk", filter=Q(status=status.IMPOSED)),
        reported=Count("pk", filter=Q(status=status.REPORTED)),
    )
    money = DepositEntry.objects.filter(batch=batch).aggregate(
        moved=Sum("amount_fen"), short=Sum("short_fen")
    )
    return Brought(**cases, deducted_fen=-(money["moved"] or 0), short_fen=money["short"] or 0)
