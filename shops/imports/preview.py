"""What would change, for people to see before it does: rows by column, and some cells from old to new."""

from __future__ import annotations

from typing import Any

from shops import sql
from shops.imports.columns import Type
from shops.imports.planning import PLANNED, Plan

# How many changed cells are shown.
SHOWN = 50
NUMBERS = frozenset({Type.NUMBER, Type.SCORE, Type.RATE})


def changes_of(plan: Plan, updated: int, *, sealed: bool = False) -> dict[str, Any]:
    """{"columns": {column: rows}, "cells": [{"row", "record", "column", "old", "new"}]}; the first cells.

    `updated`: how many rows the plan changes. `sealed`: with a "digest" of all that would be written and
    replaced, so that a later plan can be told from the one that was shown.
    """
    sides = written(plan)
    found: dict[str, Any] = {}
    replaced = None
    if updated and sides:
        source = PLANNED + plan.records.joined(updated)
        # As text for all of them: numbers without the zeros behind, of which files have fewer than records.
        differing = [f"count(*) FILTER (WHERE {old} IS DISTINCT FROM {new})" for old, new in sides.values()]
        if sealed:
            differing.append(_digest(["p.row", *(figure.standing for figure in plan.figures)]))
        key = ", ".join(f"r.{name}" for name in plan.staged.table.key)
        cells = ", ".join(
            f"({place}, '{column}', {old}, {new})" for place, (column, (old, new)) in enumerate(sides.items())
        )
        [counts] = sql.fetch(f"SELECT {', '.join(differing)} FROM {source} WHERE p.outcome = 'updated'")
        shown = sql.fetch(
            f"SELECT p.row, concat_ws(' · ', {key}), cell.name, cell.old, cell.new FROM {source}"
            f" CROSS JOIN LATERAL (VALUES {cells}) cell (place, name, old, new)"
            " WHERE p.outcome = 'updated' AND cell.old IS DISTINCT FROM cell.new"
            " ORDER BY p.row, cell.place LIMIT %s",
            [SHOWN],
        )
        names = ("row", "record", "column", "old", "new")
        found["columns"] = {column: count for column, count in zip(sides, counts, strict=False) if count}
        found["cells"] = [dict(zip(names, cell, strict=True)) for cell in shown]
        replaced = counts[-1] if sealed else None
    if sealed:
        [(planned,)] = sql.fetch(f"SELECT {_digest(_what_may_differ(plan))} FROM import_plan p")
        found["digest"] = f"{planned} {replaced}"
    return found


def _what_may_differ(plan: Plan) -> list[str]:
    """The planned columns in which two plans of one file may differ.

    What it brings is always the same; what is to stand is something else only in rows that are left alone.
    """
    names = ["row", "outcome", "left_alone", *plan.records.keys, *plan.records.also]
    figures = ", ".join(f"p.{figure.name}" for figure in plan.figures)
    left_alone = f"CASE WHEN p.left_alone THEN hash_record_extended(ROW({figures}), 0) END"
    return [*(f"p.{name}" for name in names), left_alone]


def _digest(columns: list[str]) -> str:
    """An aggregate over these columns of all rows, in whatever order they come."""
    # Hashed once more: a record's hash is a sum itself, of which two rows could swap their parts.
    return f"sum(hashint8extended(hash_record_extended(ROW({', '.join(columns)}), 0), 0))::text"


def written(plan: Plan) -> dict[str, tuple[str, str]]:
    """Each column of the file → what stands and what is to stand, as its files write it.

    Expressions over the record, as the plan reaches it, and over the planned row `p`.
    """
    figures = {figure.name: figure for figure in plan.figures}
    numbers = {column.name for column in plan.staged.table.columns if column.type in NUMBERS}
    found = {}
    for figure in figures.values():
        if figure.declared:
            sides = (f"{side} #>> '{{}}'" for side in (figure.standing, f"p.{figure.name}"))
            old, new = (_plain(side) if figure.column in numbers else side for side in sides)
            found[figure.column] = (old, new)
            continue
        if figure.name != figure.column:
            continue
        plain = "trim_scale({})::text" if figure.name in numbers else "{}::text"
        old, new = plain.format(figure.standing), plain.format(f"p.{figure.name}")
        if flag := figures.get(f"{figure.name}_none"):
            old = f"CASE WHEN {flag.standing} THEN 'none' ELSE {old} END"
            new = f"CASE WHEN p.{flag.name} THEN 'none' ELSE {new} END"
        found[figure.name] = (old, new)
    return found


def _plain(text: str) -> str:
    """A declared number without the zeros behind; a score that is not given yet as it is kept."""
    return f"CASE {text} WHEN 'none' THEN 'none' ELSE trim_scale(({text})::numeric)::text END"
