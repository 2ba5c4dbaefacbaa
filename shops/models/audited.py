from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from simple_history.models import HistoricalRecords

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# History is read by record and by moment; copying every other index would cost more than the rows.
UNINDEXED = [
    "added_by",
    "against",
    "alliance",
    "appeal",
    "approved_by",
    "approver",
    "based_on",
    "batch",
    "case",
    "case_maker",
    "code",
    "confirmed_by",
    "confirmer",
    "controller",
    "decided_by",
    "decision",
    "declared_by",
    "delivery_recorded_by",
    "demanded_by",
    "drafted_by",
    "earlier",
    "ended_by",
    "enrollment",
    "entry",
    "executed_by",
    "filed_by",
    "first_judge",
    "imposed_by",
    "key",
    "late_admitted_by",
    "listing",
    "lost_ground_with",
    "maker",
    "measure",
    "name_key",
    "opening",
    "penalty",
    "place",
    "points_threshold",
    "product",
    "proposal",
    "proposer",
    "published_by",
    "received_by",
    "releaser",
    "reported_by",
    "reporter",
    "requested_by",
    "retired_by",
    "rule",
    "rule_set",
    "ruled_by",
    "sha256",
    "shop",
    "simulation",
    "source",
    "struck_by",
    "submitted_by",
    "sweep",
    "taken_by",
    "token",
    "violation",
    "warning",
]


class Audited(models.Model):
    """A record each of whose states is kept, with who made it and why.

    History rows come from save(); set-based writes go through shops.sql, which writes them itself.
    """

    history = HistoricalRecords(inherit=True, no_db_index=UNINDEXED)

    class Meta:
        abstract = True

    def save_by(self, by: User | None, reason: str = "", **kwargs: Any) -> None:
        """Save, and have the history row name the person (None: the system) and the reason."""
        self._history_user = by
        self._change_reason = reason
        self.save(**kwargs)

    def delete_by(self, by: User | None, reason: str = "") -> None:
        """Delete, and have the last history row name the person (None: the system) and the reason."""
        self._history_user = by
        self._change_reason = reason
        self.delete()
