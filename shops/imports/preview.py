"""What would change, for people to see before it does: rows by column, and some cells from old to new."""

from __future__ import annotations

from typing import Any

from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _t

from shops import sql
from shops.imports.columns import Type
from shops.imports.planning import PLANNED, Plan
from shops.imports.tables import TABLES

# How many changed cells are shown.
SHOWN = 50
NUMBERS = frozenset({Type.NUMBER, Type.SCORE, Type.RATE})


def changes_of(plan: Plan, updated: int) -> dict[str, Any]:
    """{"columns": {column: rows}, "cells": [{"row", "record", "column", "old", "new"}]}; the first cells.

    `updated`: how many rows the plan changes.
    """
    written = _written(plan)
    if not updated or not written:
        return {}
    source = PLANNED + plan.records.joined(updated)
    # As text for all of them: numbers without the zeros behind, of which files have fewer than the record.
    differing = (f"count(*) FILTER (WHERE {old} IS DISTINCT FROM {new})" for old, new in written.values())
    key = ", ".join(f"r.{name}" for name in plan.staged.table.key)
    cells = ", ".join(
        f"({place}, '{column}', {old}, {new})" for place, (column, (old, new)) in enumerate(written.items())
    )
    [counts] = sql.fetch(f"SELECT {', '.join(differing)} FROM {source} WHERE p.outcome = 'updated'")
    found = sql.fetch(
        f"SELECT p.row, concat_ws(' · ', {key}), cell.name, cell.old, cell.new FROM {source}"
        f" CROSS JOIN LATERAL (VALUES {cells}) cell (place, name, old, new)"
        " WHERE p.outcome = 'updated' AND cell.old IS DISTINCT FROM cell.new"
        " ORDER BY p.row, cell.place LIMIT %s",
        [SHOWN],
    )
    columns = {column: count for column, count in zip(written, counts, strict=True) if count}
    names = ("row", "record", "column", "old", "new")
    return {"columns": columns, "cells": [dict(zip(names, cell, strict=True)) for cell in found]}


def told(kind: str, column: str, text: str | None) -> str | None:
    """A cell that is kept as `text`, in the reader's words: choices, flags and a score not given yet.

    `column`: its name, not a header. What has no other words, and what is of no column of the kind, stays
    as it is; so does None.
    """
    known = {known.name: known for known in TABLES[kind].columns}.get(column)
    if known is None or text is None:
        return text
    if known.type is Type.FLAG:
        return {"true": _t("yes"), "false": _t("no")}.get(text, text)
    if known.type is Type.SCORE and text == "none":
        return pgettext("score", "none")
    # In English files a choice is written as it is kept.
    chinese = (get_language() or "").startswith("zh")
    return known.words[text][0] if chinese and text in known.words else text


def _written(plan: Plan) -> dict[str, tuple[str, str]]:
    """Each column of the file → what stands and what is to stand, as its files write it."""
    figures = {figure.name: figure for figure in plan.figures}
    numbers = {column.name for column in plan.staged.table.columns if column.type in NUMBERS}
    written = {}
    for figure in figures.values():
        if figure.name != figure.column:
            continue
        plain = "trim_scale({})::text" if figure.name in numbers else "{}::text"
        old, new = plain.format(figure.standing), plain.format(f"p.{figure.name}")
        if flag := figures.get(f"{figure.name}_none"):
            old = f"CASE WHEN {flag.standing} THEN 'none' ELSE {old} END"
            new = f"CASE WHEN p.{flag.name} THEN 'none' ELSE {new} END"
        written[figure.name] = (old, new)
    return written
