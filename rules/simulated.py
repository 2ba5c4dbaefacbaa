"""The statements of a simulation: both versions' verdicts side by side, and what they come to.

In the transaction's own tables: `simulated_inside` and `simulated_outside` hold a line for each shop and side
("now", "draft") whose verdict is worth a word; `simulated_day` the same for earlier days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import BooleanField, Case, CharField, F, Q, TextField, Value, When

from rules.criteria import Criterion, Outcome
from rules.evaluation import Evaluation
from rules.judging import acts, blocking
from rules.models import SimulatedChange
from rules.sql import TextArray, gather
from shops import sql

Change = SimulatedChange.Change
CODES = ArrayField(TextField())


def begin() -> None:
    """Make room. Once per transaction."""
    sql.for_many_rows(0, any_number=True)
    for name, columns in {
        "simulated_inside": "verdict text, failed text[], warning text[], gmv numeric",
        "simulated_outside": "verdict text, failed text[], gmv numeric",
        "simulated_day": "verdict text, day date",
    }.items():
        sql.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")
        sql.execute(f"CREATE TEMP TABLE {name} (side text, id bigint, {columns}) ON COMMIT DROP")


def judge(side: str, evaluation: Evaluation) -> None:
    """What one version does to everyone on its day, and one only tried out does nothing. Those who simply
    hold are not worth a line.
    """
    evaluation.prepare()
    inside = evaluation.inside().annotate(
        verdict=evaluation.judged_inside(tried_out=False),
        warned=Case(
            When(evaluation.to_warn(tried_out=False), then=Value(True)),
            default=Value(False),
            output_field=BooleanField(),
        ),
        warns=evaluation.evidence_to_warn()["failed"],
        gmv=F("m__gmv_30d"),
    )
    gather(
        "simulated_part",
        inside.filter(Q(verdict__differs=Outcome.HOLDS.value) | Q(warned=True)).values(
            "id",
            "verdict",
            "gmv",
            failed=_failed(evaluation.clearing),
            warning=Case(When(warned=True, then=F("warns")), default=Value(None), output_field=CODES),
        ),
    )
    _take("simulated_inside", side, "warning")
    outside = evaluation.candidates().annotate(
        verdict=Case(
            *([When(evaluation.to_admit(), then=Value("admitted"))] if acts(evaluation.admission) else []),
            default=evaluation.judged_candidates(),
            output_field=CharField(),
        ),
        gmv=F("m__gmv_30d"),
    )
    gather(
        "simulated_part",
        outside.values("id", "verdict", "gmv", failed=_failed([*evaluation.admitting, *evaluation.clearing])),
    )
    _take("simulated_outside", side)


def keep_day(side: str, evaluation: Evaluation) -> None:
    """Whom one version would have put out on an earlier day, among those who are in today."""
    evaluation.prepare()
    shops = evaluation.inside().annotate(verdict=evaluation.judged_inside(tried_out=False))
    gather("simulated_part", shops.filter(verdict__differs=Outcome.HOLDS.value).values("id", "verdict"))
    sql.execute(
        "INSERT INTO simulated_day (side, day, id, verdict) SELECT %s, %s, id, verdict FROM simulated_part",
        [side, evaluation.day],
    )


def population(evaluation: Evaluation) -> tuple[int, int]:
    """How many shops are checked for clearance, and how many for admission."""
    return evaluation.inside().count(), evaluation.candidates().count()


def _take(table: str, side: str, *more: str) -> None:
    columns = ", ".join(("id", "verdict", "failed", "gmv", *more))
    sql.execute(f"INSERT INTO {table} (side, {columns}) SELECT %s, {columns} FROM simulated_part", [side])


def _failed(criteria: list[Criterion]) -> TextArray:
    """The codes of the blocking rules that fail."""
    return TextArray(
        [
            Case(
                When(criterion.fails(), then=Value(criterion.rule.code)),
                default=Value(None),
                output_field=CharField(),
            )
            for criterion in blocking(criteria)
        ]
    )


def tell_changes(simulation_id: int) -> None:
    """Keep every shop for which the versions differ, with the rules that make the difference."""
    # Who is out tells by which rules it is: the draft's, or those of the version before it.
    _keep(
        simulation_id,
        "simulated_inside",
        {
            Change.NEWLY_OUT: ("d.verdict = 'fails' AND n.verdict IS DISTINCT FROM 'fails'", "d.failed"),
            Change.RESCUED: ("n.verdict = 'fails' AND d.verdict IS DISTINCT FROM 'fails'", "n.failed"),
            Change.WARNED: (
                "d.warning <> '{}' AND n.warning IS NULL AND n.verdict IS DISTINCT FROM 'fails'",
                "d.warning",
            ),
            Change.NO_DATA: ("d.verdict = 'no_data' AND n.verdict IS DISTINCT FROM 'no_data'", "d.failed"),
        },
    )
    _keep(
        simulation_id,
        "simulated_outside",
        {
            Change.NEWLY_IN: ("d.verdict = 'admitted' AND n.verdict IS DISTINCT FROM 'admitted'", "n.failed"),
            Change.KEPT_OUT: ("n.verdict = 'admitted' AND d.verdict IS DISTINCT FROM 'admitted'", "d.failed"),
            Change.NO_DATA: ("d.verdict = 'no_data' AND n.verdict IS DISTINCT FROM 'no_data'", "d.failed"),
        },
    )
    sql.execute("ANALYZE rules_simulatedchange")


def _keep(simulation_id: int, table: str, changes: Mapping[Change, tuple[str, str]]) -> None:
    """`changes`: on what condition each is one, over the sides `d` and `n`, and the rules that it names."""
    of_change = " ".join(
        f"WHEN {condition} THEN '{change}'" for change, (condition, _rules) in changes.items()
    )
    rules = " ".join(f"WHEN '{change}' THEN {rules}" for change, (_condition, rules) in changes.items())
    sql.execute(
        "INSERT INTO rules_simulatedchange (simulation_id, shop_id, change, rules, gmv_30d)"
        f" SELECT %s, id, change, coalesce(CASE change {rules} END, '{{}}'), coalesce(d.gmv, n.gmv)"
        f" FROM (SELECT * FROM {table} WHERE side = 'draft') d"
        f" FULL JOIN (SELECT * FROM {table} WHERE side = 'now') n USING (id)"
        f" CROSS JOIN LATERAL (SELECT CASE {of_change} END AS change) told WHERE change IS NOT NULL",
        [simulation_id],
    )


def verdicts() -> dict[str, dict[str, int]]:
    """How many each side would clear, admit, warn, and could not judge."""
    told = {side: dict.fromkeys(("clear", "admit", "warn", "no_data"), 0) for side in ("now", "draft")}
    found = sql.fetch(
        "SELECT side, count(*) FILTER (WHERE verdict = 'fails'), count(*) FILTER (WHERE warning IS NOT NULL),"
        " count(*) FILTER (WHERE verdict = 'no_data') FROM simulated_inside GROUP BY side"
    )
    for side, clear, warn, no_data in found:
        told[side] |= {"clear": clear, "warn": warn, "no_data": no_data}
    found = sql.fetch(
        "SELECT side, count(*) FILTER (WHERE verdict = 'admitted'),"
        " count(*) FILTER (WHERE verdict = 'no_data') FROM simulated_outside GROUP BY side"
    )
    for side, admit, no_data in found:
        told[side]["admit"] = admit
        told[side]["no_data"] += no_data
    return told


def failing_by_rule() -> list[dict[str, Any]]:
    """Each rule that puts somebody out or keeps somebody out, with how many on each side."""
    found = sql.fetch(
        "SELECT code, count(*) FILTER (WHERE side = 'now'), count(*) FILTER (WHERE side = 'draft') FROM ("
        "  SELECT side, unnest(failed) AS code FROM simulated_inside WHERE verdict = 'fails'"
        "  UNION ALL SELECT side, unnest(failed) FROM simulated_outside"
        ") failing GROUP BY code ORDER BY code"
    )
    return [{"code": code, "now": now, "draft": draft} for code, now, draft in found]


def totals(simulation_id: int) -> list[dict[str, Any]]:
    """Shops and their 30-day sales by what would change."""
    found = sql.fetch(
        "SELECT change, count(*), coalesce(sum(gmv_30d), 0) FROM rules_simulatedchange"
        " WHERE simulation_id = %s GROUP BY change",
        [simulation_id],
    )
    by_change = {change: (shops, gmv) for change, shops, gmv in found}
    return [
        {
            "change": change.value,
            "shops": by_change.get(change, (0, 0))[0],
            "gmv": f"{by_change.get(change, (0, 0))[1]}",
        }
        for change in SimulatedChange.OF_SHOPS
    ]


def breakdown(simulation_id: int) -> dict[str, list[dict[str, Any]]]:
    """The changes by rule, category and shop type, the largest groups first."""
    told: dict[str, list[dict[str, Any]]] = {}
    for group, name in (
        ("rule", "unnest(c.rules)"),
        ("category", "s.category"),
        ("shop_type", "s.shop_type"),
    ):
        found = sql.fetch(
            "SELECT name, change, count(*), coalesce(sum(gmv), 0) FROM ("
            f"  SELECT {name} AS name, c.change, c.gmv_30d AS gmv"
            "   FROM rules_simulatedchange c JOIN shops_shop s ON s.id = c.shop_id WHERE c.simulation_id = %s"
            ") grouped GROUP BY name, change ORDER BY count(*) DESC, name, change",
            [simulation_id],
        )
        told[group] = [
            {"name": name, "change": change, "shops": shops, "gmv": f"{gmv}"}
            for name, change, shops, gmv in found
        ]
    return told


def days(of: Sequence[date]) -> list[dict[str, Any]]:
    """How many each side would have put out on each day."""
    found = {
        (side, day): shops
        for side, day, shops in sql.fetch(
            "SELECT side, day, count(*) FROM simulated_day WHERE verdict = 'fails' GROUP BY side, day"
        )
    }
    return [
        {"day": day.isoformat(), **{side: found.get((side, day), 0) for side in ("now", "draft")}}
        for day in of
    ]


def flapping(of: Sequence[date]) -> dict[str, int]:
    """How many shops each side would have put out on one day and held on a later one that measured them."""
    found = sql.fetch(
        "SELECT f.side, count(DISTINCT f.id) FROM simulated_day f"
        " JOIN shops_shopmetrics m ON m.shop_id = f.id AND m.day = ANY(%s) AND m.day > f.day"
        " LEFT JOIN simulated_day later ON later.side = f.side AND later.id = f.id AND later.day = m.day"
        " WHERE f.verdict = 'fails' AND later.id IS NULL GROUP BY f.side",
        [list(of)],
    )
    return {"now": 0, "draft": 0, **dict(found)}
