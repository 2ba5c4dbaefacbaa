"""Which file knows better: of two that speak of the same cell, the one whose knowledge is of a later moment.

An applied import keeps which records it covers (`Coverage`) and which columns it lacks. A file that comes in
late is held against those of later moments; where there are none, as on most days, nothing is to compare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from shops import sql
from shops.models import Coverage, ImportBatch


class Knowledge:
    """What files of the same moment as this one or a later one say about its records, column by column.

    `columns`: those that it brings, in order, and whether each is a declared metric's. Leaves it in the
    transaction's table `import_later`, a line a record, where there are such files.
    """

    def __init__(
        self, *, kind: str, columns: Mapping[str, bool], as_of: datetime, days: Sequence[date]
    ) -> None:
        of_the_days = Coverage.objects.filter(day__in=days) if days else Coverage.objects.all()
        self.later: dict[str, list[int]] = {}
        self.same: dict[str, list[int]] = {}
        others = ImportBatch.objects.filter(
            kind=kind, state=ImportBatch.State.APPLIED, as_of__gte=as_of, coverage__in=of_the_days
        ).distinct()
        numbers = set()
        for batch in others.only("as_of", "absent", "declared"):
            numbers.add(batch.pk)
            for column, declared in columns.items():
                if column not in batch.declared if declared else column in batch.absent:
                    continue
                (self.later if batch.as_of > as_of else self.same).setdefault(column, []).append(batch.pk)
        self.exists = bool(self.later or self.same)
        if self.exists:
            self._gather(sorted(numbers), days)

    def _gather(self, numbers: list[int], days: Sequence[date]) -> None:
        says = "coalesce(bool_or(batch_id = ANY(%s)), false) AS {}_{}"
        columns = [
            (says.format(when, column), batches)
            for when, known in (("later", self.later), ("same", self.same))
            for column, batches in known.items()
        ]
        sql.execute("DROP TABLE IF EXISTS pg_temp.import_later")
        sql.execute(
            "CREATE TEMP TABLE import_later ON COMMIT DROP AS"
            f" SELECT day, record, {', '.join(column for column, _batches in columns)}"
            " FROM (SELECT batch_id, day, unnest(records) AS record FROM shops_coverage"
            "  WHERE batch_id = ANY(%s) AND (day = ANY(%s) OR day IS NULL)) known GROUP BY day, record",
            [*(batches for _column, batches in columns), numbers, list(days)],
        )
        sql.execute("ANALYZE import_later")

    def join(self, record: str, day: str) -> str:
        """How a statement reaches what is said of its record: as `l`."""
        if not self.exists:
            return ""
        same_day = f" AND l.day = {day}" if day else ""
        return f" LEFT JOIN import_later l ON l.record = {record}{same_day}"

    def best(self, column: str, brought: str, standing: str) -> str:
        """What is to stand in a cell: what the file brings, unless what stands is of a later moment."""
        if column not in self.later:
            return brought
        return f"CASE WHEN l.later_{column} THEN {standing} ELSE {brought} END"

    def clash(self, column: str, brought: str, standing: str) -> str | None:
        """Whether another file of the very same moment says something else; None where none speaks of it."""
        if column not in self.same:
            return None
        newest = f"NOT l.later_{column} AND " if column in self.later else ""
        return f"l.same_{column} AND {newest}{standing} IS DISTINCT FROM {brought}"


def remember(batch: ImportBatch, record: str, source: str, day: str = "NULL::date") -> None:
    """Keep which records the import covers: those that `source` (a FROM clause) names as `record`."""
    sql.execute(
        "INSERT INTO shops_coverage (batch_id, day, records)"
        f" SELECT %s, {day}, array_agg({record}) FROM {source} GROUP BY {day}",
        [batch.pk],
    )
