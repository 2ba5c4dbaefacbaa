"""Who may bring in files of a kind, and who may take them away."""

from __future__ import annotations

from django.http import HttpRequest

from shops import imports
from shops.models import ImportBatch

Kind = ImportBatch.Kind

# Who may export what the files of a kind hold.
EXPORT = {
    Kind.SHOPS: "shops.export_shop",
    Kind.ENROLLMENTS: "shops.export_enrollment",
    Kind.QUALIFICATIONS: "shops.export_qualification",
    Kind.METRICS: "shops.export_shopmetrics",
    Kind.PRODUCTS: "shops.export_product",
    Kind.LISTINGS: "shops.export_listing",
    Kind.PRODUCT_METRICS: "shops.export_productmetrics",
    Kind.DEPOSITS: "shops.export_depositentry",
    Kind.PENALTIES: "shops.export_penalty",
}


def may_import(request: HttpRequest, kind: str) -> bool:
    """Whether this person may bring in files of that kind, and say what becomes of them."""
    return request.user.has_perm(imports.right_to(kind))


def may_take(request: HttpRequest, batch: ImportBatch) -> bool:
    """Whether this person may take an import's file away: looking at its page is not taking."""
    return may_import(request, batch.kind) or request.user.has_perm(EXPORT[Kind(batch.kind)])
