"""What stands in the database, told in the plain words that a file would use. What is missing is left out."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.timezone import localtime

from shops import money
from shops.metrics import METRICS, PRODUCT_METRICS
from shops.models import (
    DepositEntry,
    Enrollment,
    ImportBatch,
    Listing,
    Opening,
    Penalty,
    Product,
    ProductMetrics,
    Qualification,
    Shop,
    ShopMetrics,
)

KINDS = tuple(ImportBatch.Kind.values)
_NOT_TOLD = {"id", "code", "name_key", "batch", "controller"}
_OF_A_SHOP = [field.name for field in Shop._meta.concrete_fields if field.name not in _NOT_TOLD]


def standing(kind: str) -> dict[str, dict[str, str]]:
    """All of a kind: the cells of its key, with spaces between → column → value."""
    match kind:
        case "shops":
            return {shop.code: _shop(shop) for shop in Shop.objects.select_related("controller")}
        case "enrollments":
            enrollments = Enrollment.objects.select_related("shop", "alliance")
            return {f"{one.shop.code} {one.alliance.code}": _enrollment(one) for one in enrollments}
        case "qualifications":
            papers = Qualification.objects.select_related("shop")
            return {_key(q.shop.code, q.kind, q.brand, q.valid_until): {"verdict": q.verdict} for q in papers}
        case "products":
            return {one.code: _product(one) for one in Product.objects.select_related("shop")}
        case "listings":
            listings = Listing.objects.select_related("product", "alliance")
            return {
                f"{one.product.code} {one.alliance.code}": _told(state=one.state, since=one.since)
                for one in listings
            }
        case "deposits":
            entries = DepositEntry.objects.exclude(reference="").select_related("shop")
            return {one.reference: _movement(one) for one in entries}
        case "penalties":
            penalties = Penalty.objects.exclude(reference="").select_related(
                "shop", "violation", "alliance", "product"
            )
            return {one.reference: _penalty(one) for one in penalties}
        case "product_metrics":
            measured = ProductMetrics.objects.select_related("product")
            return {
                _key(one.product.code, one.day): _told(**{key: getattr(one, key) for key in PRODUCT_METRICS})
                for one in measured
            }
    days = ShopMetrics.objects.select_related("shop")
    return {_key(one.shop.code, one.day): _metrics(one) for one in days}


def plain(value: object) -> str:
    """A value as a file would write it."""
    match value:
        case bool():
            return "1" if value else "0"
        case Decimal():
            return f"{value.normalize():f}" if value else "0"
        case date():
            return value.isoformat()
        case _:
            return str(value)


def _told(**values: object) -> dict[str, str]:
    return {name: plain(value) for name, value in values.items() if value not in (None, "")}


def _key(*cells: object) -> str:
    return " ".join(plain(cell) for cell in cells if cell)


def _shop(shop: Shop) -> dict[str, str]:
    values = {name: getattr(shop, name) for name in _OF_A_SHOP}
    return _told(**values, controller=shop.controller and shop.controller.code)


def _enrollment(enrollment: Enrollment) -> dict[str, str]:
    openings = Opening.objects.filter(enrollment=enrollment, number=enrollment.openings_used)
    latest: dict[str, Any] = openings.values("opened_on", "closed_on", "cause").first() or {}
    return _told(state=enrollment.state, openings=enrollment.openings_used, **latest)


def _product(product: Product) -> dict[str, str]:
    values = {name: getattr(product, name) for name in ("name", "category", "price", "status")}
    return _told(shop=product.shop.code, **values)


def _movement(entry: DepositEntry) -> dict[str, str]:
    fen = -entry.amount_fen if entry.kind in DepositEntry.TAKING else entry.amount_fen
    return _told(
        shop=entry.shop.code,
        kind=entry.kind,
        amount=money.yuan_of(fen),
        at=localtime(entry.at).isoformat(" "),
        note=entry.cause,
    )


def _penalty(penalty: Penalty) -> dict[str, str]:
    points = penalty.measures.filter(kind="points").first()
    deducted = penalty.measures.filter(kind="deduct").first()
    at = penalty.reported_at or penalty.imposed_at
    return _told(
        shop=penalty.shop.code,
        violation=penalty.violation and penalty.violation.code,
        imposed_at=at and localtime(at).isoformat(" "),
        alliance=penalty.alliance and penalty.alliance.code,
        product=penalty.product and penalty.product.code,
        status=penalty.status,
        ends_at=penalty.ends_at and localtime(penalty.ends_at).isoformat(" "),
        points=points and points.points,
        deposit_deducted=deducted and deducted.amount_fen and money.yuan_of(deducted.amount_fen),
        reason=penalty.reason,
    )


def _metrics(row: ShopMetrics) -> dict[str, str]:
    return _told(
        **{key: "none" if getattr(row, f"{key}_none", False) else getattr(row, key) for key in METRICS}
    )
