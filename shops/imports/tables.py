"""Every kind of file there is. Their order is the order in which their imports are told apart by number."""

from __future__ import annotations

from shops.imports.columns import ENROLLMENTS, QUALIFICATIONS, SHOP_METRICS, SHOPS, Table
from shops.imports.deposit_columns import DEPOSITS
from shops.imports.penalty_columns import PENALTIES
from shops.imports.product_columns import LISTINGS, PRODUCT_METRICS, PRODUCTS

TABLES: dict[str, Table] = {
    table.kind: table
    for table in (
        SHOPS,
        ENROLLMENTS,
        QUALIFICATIONS,
        SHOP_METRICS,
        PRODUCTS,
        LISTINGS,
        PRODUCT_METRICS,
        DEPOSITS,
        PENALTIES,
    )
}
