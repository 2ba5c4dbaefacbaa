"""The desk with its row locks switched off: what a race looks like where nothing guards against it."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from opsdesk.wsgi import application

__all__ = ["application"]


def read_without_a_lock(rows: QuerySet, *args: Any, **options: Any) -> QuerySet:
    return rows.all()


# On purpose: the guard that the control goes without.
QuerySet.select_for_update = read_without_a_lock  # type: ignore[method-assign]
