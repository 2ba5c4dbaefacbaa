"""What an import's page tells beside its fields: how far it is, what would change, what is wrong."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shops import imports, money
from shops.admin.cells import number
from shops.models import ImportBatch


def told(batch: ImportBatch, *, may_import: bool, may_take: bool) -> dict[str, Any]:
    """All that an import's page tells beside its fields."""
    names = imports.column_names(batch.kind)
    progress = getattr(batch, "progress", None) if batch.state in ImportBatch.WORKING else None
    return {
        "batch": batch,
        "unfinished": batch.state in ImportBatch.UNFINISHED,
        "progress": progress,
        "seconds_left": progress.seconds_left(timezone.now()) if progress else None,
        "counts": [
            (key, name, getattr(batch, key), number(getattr(batch, key)))
            for key, name in (
                ("rows", _("rows")),
                ("created", _("created")),
                ("updated", _("updated")),
                ("unchanged", _("unchanged")),
                ("rejected", pgettext_lazy("rows", "rejected")),
            )
        ],
        "brought": _brought(batch),
        "suspicions": [suspicion.message for suspicion in imports.suspicions_of(batch)],
        "same_before": imports.same_before(batch) if not batch.created and not batch.updated else None,
        "changed_columns": [
            (names.get(column, column), count, number(count))
            for column, count in batch.changes.get("columns", {}).items()
        ],
        "changed_cells": [
            {
                **cell,
                "column": names.get(cell["column"], cell["column"]),
                **{side: imports.told(batch.kind, cell["column"], cell[side]) for side in ("old", "new")},
            }
            for cell in batch.changes.get("cells", [])
        ],
        "kinds_of_errors": [
            (sentence, number(count)) for sentence, count in imports.kinds_of_errors(batch.error_counts)
        ],
        "errors_found": imports.errors_of(batch),
        # What it holds is not understood: that is for people to say.
        "headers_unclear": bool(
            batch.error_counts.keys() & {"unknown_column", "missing_column", "retired_column"}
        ),
        "absent": imports.absent_of(batch),
        "read_over": [header for header, name in batch.columns.items() if not name],
        "has_rejected": may_take and imports.rejected_path(batch.sha256, batch.pk).exists(),
        "may_take": may_take,
        "may_import": may_import,
        "may_confirm": may_import and batch.state == ImportBatch.State.READY and not batch.holds_nothing_good,
        "may_cancel": may_import and batch.state in ImportBatch.CANCELLABLE,
        "may_read_anew": may_import and batch.state in imports.READ_ANEW,
        "subtitle": None,
    }


def _brought(batch: ImportBatch) -> list[tuple[Any, str]]:
    """What a file of penalties comes to, as long as it waits to be applied, and came to: a name and a figure
    each.
    """
    if batch.kind == ImportBatch.Kind.PENALTIES and batch.state == ImportBatch.State.READY:
        return _would_bring(batch.changes.get("comes_to"))
    if batch.kind != ImportBatch.Kind.PENALTIES or batch.state != ImportBatch.State.APPLIED:
        return []
    brought = imports.brought_by(batch)
    told = [
        (_("imposed"), number(brought.imposed)),
        (_("only reported"), number(brought.reported)),
        (_("deducted of deposits"), money.told(brought.deducted_fen)),
    ]
    return [*told, (_("short by"), money.told(brought.short_fen))] if brought.short_fen else told


def _would_bring(comes_to: dict[str, Any] | None) -> list[tuple[Any, str]]:
    if comes_to is None:
        return []
    return [
        (_("would be imposed"), number(comes_to["imposed"])),
        (_("would only be reported"), number(comes_to["reported"])),
        (_("would be deducted of deposits"), money.told(comes_to["deducted_fen"])),
        *(
            (
                code,
                _t("%(imposed)s imposed, %(reported)s reported, %(amount)s")
                % {"imposed": number(imposed), "reported": number(reported), "amount": money.told(fen)},
            )
            for code, imposed, reported, fen in comes_to.get("shops", ())
        ),
    ]
