"""Every kind of file there is. Their order is the order in which their imports are told apart by number."""

from __future__ import annotations

from dataclasses import replace

from shops.declared import declared
from shops.imports.columns import ENROLLMENTS, QUALIFICATIONS, SHOP_METRICS, SHOPS, Table
from shops.imports.declared_columns import of_declared
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


def table_of(kind: str) -> Table:
    """The columns of a kind of file as of now: beside those that every desk has, its declared metrics."""
    table = TABLES[kind]
    if table is not SHOP_METRICS or not (metrics := declared()):
        return table
    return replace(table, columns=(*table.columns, *map(of_declared, metrics.values())))
