"""What workers run: loads by id, calls one verb, safe to run twice."""

from __future__ import annotations

from django.db import transaction
from django.utils.timezone import now
from django_rq import get_queue

from shops import imports
from shops.models import ImportBatch


def process_import(batch_id: int) -> None:
    """Check and apply a received file."""
    imports.process(batch_id, at=now())


def ask_for(batch: ImportBatch) -> None:
    """Queue an import once its row is committed. Lost with the queue, it is found by `imports.unfinished`."""
    transaction.on_commit(lambda: get_queue("default").enqueue(process_import, batch.pk), robust=True)
