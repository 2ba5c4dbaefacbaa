"""What the staged rows would do: to which record each belongs, and what is to stand in it.

Leaves in the transaction's `import_plan` one line for each row: the record it is about, what is to stand in
it, and its outcome (created, updated or unchanged).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import NamedTuple

from shops import sql
from shops.imports.daily import DAILY
from shops.imports.declared_columns import DeclaredColumn
from shops.imports.knowledge import Knowledge
from shops.imports.records import Records, records_of
from shops.imports.staging import Staged

# The planned rows with what was staged of each, for statements about some of them.
PLANNED = "import_plan p CROSS JOIN LATERAL (SELECT * FROM import_rows r WHERE r.ctid = p.place OFFSET 0) r"


class Figure(NamedTuple):
    """A column of the record that the file brings: the file's own for it, what it brings, and what stands.

    Of a declared metric it is none of the record's, but what its `extra` holds under that name.
    """

    column: str
    name: str
    brought: str
    standing: str
    declared: bool = False

    @property
    def follows(self) -> bool:
        """It follows from another: another table of pinyin is no change of the shop."""
        return self.name == "name_key"


@dataclass(frozen=True)
class Plan:
    """The staged file, the records it speaks of, and what other files know of them.

    `days`: of metrics, with how many rows of each would be created, once they are counted; in order.
    """

    staged: Staged
    records: Records
    knowledge: Knowledge
    days: Mapping[date, int]

    @property
    def figures(self) -> Iterator[Figure]:
        yield from _figures(self.staged, self.records)

    @property
    def joins(self) -> str:
        """From the staged row to its record, and to what other files say of it."""
        return self.records.joined(self.staged.rows) + self.knowledge.join(
            self.records.record, self.records.day
        )


@dataclass(frozen=True)
class Counts:
    """How many rows would do what. The outcomes and the rejected add up to the rows."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    left_alone: int = 0


def plan(staged: Staged, *, as_of: datetime) -> Plan:
    """A line for every row, also for those that are still to be found wrong."""
    kind = staged.table.kind
    days = _days() if kind in DAILY else []
    records = records_of(kind, as_of, days)
    columns = {figure.column: figure.declared for figure in _figures(staged, records)}
    knowledge = Knowledge(kind=kind, columns=columns, as_of=as_of, days=days)
    made = Plan(staged, records, knowledge, dict.fromkeys(days, 0))
    _write(made)
    return made


def counted(plan: Plan) -> tuple[Plan, Counts]:
    """What the plan comes to, once the wrong rows are out of it."""
    day = "day" if plan.records.day else "NULL::date"
    found = sql.fetch(
        f"SELECT {day}, outcome, count(*), count(*) FILTER (WHERE left_alone) FROM import_plan"
        " GROUP BY 1, 2 ORDER BY 1"
    )
    outcomes: Counter[str] = Counter()
    created: Counter[date] = Counter()
    for of_day, outcome, rows, _left_alone in found:
        outcomes[outcome] += rows
        if of_day is not None:
            created[of_day] += rows if outcome == "created" else 0
    rows = plan.staged.rows
    left_alone = sum(left_alone for _day, _outcome, _rows, left_alone in found)
    counts = Counts(rows=rows, **outcomes, rejected=rows - outcomes.total(), left_alone=left_alone)
    return replace(plan, days=created), counts


def _days() -> list[date]:
    """The days of metrics that the file speaks of, in order."""
    found = sql.fetch("SELECT DISTINCT day FROM import_rows WHERE day IS NOT NULL ORDER BY day")
    return [day for (day,) in found]


def _figures(staged: Staged, records: Records) -> Iterator[Figure]:
    for column in staged.source.present:
        if column.name not in staged.table.key:
            for name, brought in column.values("r").items():
                if isinstance(column, DeclaredColumn):
                    yield Figure(column.name, name, brought, column.standing, declared=True)
                else:
                    yield Figure(column.name, name, brought, records.standing(name))


def _write(plan: Plan) -> None:
    records, knowledge = plan.records, plan.knowledge
    best = {
        figure.name: knowledge.best(figure.column, figure.brought, figure.standing) for figure in plan.figures
    }
    differing = [
        f"{figure.standing} IS DISTINCT FROM {best[figure.name]}"
        for figure in plan.figures
        if not figure.follows
    ]
    differing += [f"{standing} IS DISTINCT FROM {new}" for new, standing in records.also.values()]
    left_alone = [
        f"l.later_{figure.column} AND {figure.standing} IS DISTINCT FROM {figure.brought}"
        for figure in plan.figures
        if figure.column in knowledge.later
    ]
    columns = {
        **records.keys,
        **best,
        **{name: new for name, (new, _standing) in records.also.items()},
        "left_alone": f"coalesce({' OR '.join(left_alone) or 'false'}, false)",
        "outcome": f"CASE WHEN {records.stands} IS NULL THEN 'created'"
        f" WHEN {' OR '.join(differing) or 'false'} THEN 'updated' ELSE 'unchanged' END",
    }
    sql.execute(
        "CREATE TEMP TABLE import_plan ON COMMIT DROP AS SELECT r.row, r.ctid AS place, "
        + ", ".join(f"{value} AS {name}" for name, value in columns.items())
        + f" FROM import_rows r{plan.joins}"
    )
