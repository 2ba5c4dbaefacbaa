"""Taking an import of metrics back, with what a check has proposed on its figures."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext as _

from rules import sql
from rules.models import Proposal
from shops.errors import Refused
from shops.imports import take_back, take_turns_with
from shops.models import Correction, ImportBatch, ProductMetrics
from shops.rights import require
from shops.sql import READING_METRICS, take_turns

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# How many decided proposals a refusal names.
NAMED = 20


@transaction.atomic
def reverse_import(batch_id: int, *, by: User | None, reason: str, at: datetime) -> int:
    """Undo an applied import of metrics and withdraw the open proposals that rest on it; how many these were.

    Refused without a reason, where a decided proposal rests on it, and where a later import speaks of the
    same shops on the same days.
    """
    require(by, "shops.reverse_import")
    reason = reason.replace("\x00", "").strip()
    if not reason:
        raise Refused(_("Say why the import is reversed."))
    # In the order in which an import and a check would wait for each other.
    take_turns_with(batch_id)
    # Not while a check reads these figures: it would file proposals on them afterwards.
    take_turns(*READING_METRICS)
    resting = Proposal.objects.filter(Q(batch=batch_id) | Q(pk__in=_told_of_products(batch_id)))
    # Somebody may be deciding one of them: then this waits, and finds it decided.
    open_ones = resting.filter(status__in=Proposal.UNDECIDED).order_by("pk")
    list(open_ones.select_for_update(no_key=True).values_list("pk", flat=True))
    decided = list(resting.filter(status__in=Proposal.DECIDED).order_by("pk")[: NAMED + 1])
    if decided:
        names = "; ".join(f"{proposal.pk} ({proposal})" for proposal in decided[:NAMED])
        more = "…" if len(decided) > NAMED else ""
        raise Refused(
            _("People have decided on its figures, which must stay on record: %(proposals)s.")
            % {"proposals": names + more}
        )
    batch = take_back(batch_id)
    sql.gather("rules_unfounded", open_ones.values(proposal=F("pk")))
    withdrawn = sql.withdraw("rules_unfounded", at=at, by=by, reason=f"import {batch.pk} reversed")
    batch.state = ImportBatch.State.REVERSED
    batch.reversed_because = reason
    batch.save_by(by, reason)
    return withdrawn


def _told_of_products(batch_id: int) -> list[int]:
    """Warnings of shops that name sales of their products (WS-O2), some of which the import brought."""
    batch = ImportBatch.objects.get(pk=batch_id)
    if batch.kind != ImportBatch.Kind.PRODUCT_METRICS or not (batch.first_day and batch.last_day):
        return []
    brought = ProductMetrics.objects.filter(
        day=OuterRef("day"), product__shop=OuterRef("shop"), batch=batch_id
    )
    told = Proposal.objects.filter(
        kind=Proposal.Kind.WARN,
        day__range=(batch.first_day, batch.last_day),
        status__in=Proposal.UNDECIDED | Proposal.DECIDED,
        evidence__has_key="products",
    )
    return list(told.filter(Exists(brought)).values_list("pk", flat=True))


def rests_on_superseded_data() -> Exists:
    """Whether the figures that a proposal rests on have been corrected since (a condition over proposals)."""
    return Exists(
        Correction.objects.filter(
            shop=OuterRef("shop"),
            day=OuterRef("day"),
            replaced_batch=OuterRef("batch"),
            batch__state=ImportBatch.State.APPLIED,
        )
    )
