"""What workers run: loads by id, calls one verb, safe to run twice."""

from __future__ import annotations

from django.db import transaction
from django.utils.timezone import now
from django_rq import get_queue

from shops import imports, outgoing
from shops.models import Export, ImportBatch


def process_import(batch_id: int) -> None:
    """Check and apply a received file."""
    imports.process(batch_id, at=now())


def ask_for(batch: ImportBatch) -> None:
    """Queue an import once its row is committed. Lost with the queue, it is found by `imports.unfinished`."""
    transaction.on_commit(lambda: get_queue("default").enqueue(process_import, batch.pk), robust=True)


def write_export(export_id: int) -> None:
    """Write a list that somebody asked for to its file."""
    outgoing.write(export_id, at=now())


def ask_for_export(export: Export) -> None:
    """Queue an export once its row is committed. Lost with the queue, `outgoing.unfinished` finds it."""
    transaction.on_commit(lambda: get_queue("default").enqueue(write_export, export.pk), robust=True)


def clear_away() -> None:
    """Delete the exports that have been kept long enough, and what killed workers have left behind."""
    outgoing.clear_away(at=now())
    imports.clear_away(at=now())
