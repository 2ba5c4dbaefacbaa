"""Taking an import of metrics back, with what a check has proposed on its figures."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import (
    Exists,
    ExpressionWrapper,
    F,
    IntegerField,
    JSONField,
    OuterRef,
    Q,
    QuerySet,
)
from django.db.models.functions import Cast, JSONObject
from django.utils.translation import gettext as _

from rules import evidence, withdrawing
from rules.models import Proposal
from shops.errors import Refused
from shops.imports import take_back, take_turns_with
from shops.models import Correction, ImportBatch, ProductCorrection, ProductMetrics
from shops.rights import require
from shops.sql import READING_METRICS, take_turns
from shops.texts import as_written

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
    reason = as_written(reason)
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
    withdrawn = withdrawing.withdraw(open_ones, by=by, at=at, reason=f"import {batch.pk} reversed")
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


def rests_on_superseded_data() -> Q:
    """Whether the figures that a proposal rests on have been corrected since (a condition over proposals).

    Those of the shop, of the product that it is about, or of the products that a warning names (WS-O2).
    """
    of_the_shop = Q(_corrected(Correction, "shop"), product=None)
    of_the_product = Q(_corrected(ProductCorrection, "product"), product__isnull=False)
    warns_of_products = Q(kind=Proposal.Kind.WARN, evidence__has_key="products")
    return of_the_shop | of_the_product | (warns_of_products & Q(Exists(_of_products_named())))


def _corrected(model: type[Correction | ProductCorrection], whose: str) -> Exists:
    corrected = model.objects.filter(
        day=OuterRef("day"), replaced_batch=OuterRef("batch"), batch__state=ImportBatch.State.APPLIED
    )
    return Exists(corrected.filter(**{whose: OuterRef(whose)}))


def _of_products_named() -> QuerySet[ProductCorrection]:
    """Corrections after the check of products that a warning names, or might: it names only the largest."""
    code = evidence.json_array([JSONObject(code=F("product__code"))])
    named = Q(told__contains=code) | Q(beside__gt=0)
    return ProductCorrection.objects.annotate(
        told=ExpressionWrapper(OuterRef("evidence__products"), output_field=JSONField()),
        beside=Cast(OuterRef("evidence__more_products"), IntegerField()),
    ).filter(
        named,
        product__shop=OuterRef("shop"),
        day=OuterRef("day"),
        batch__state=ImportBatch.State.APPLIED,
        # Which import the sales came from the warning does not say.
        batch__finished_at__gte=OuterRef("sweep__started_at"),
    )
