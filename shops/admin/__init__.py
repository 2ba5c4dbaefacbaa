"""Pages of the facts. Each module registers what it describes."""

from shops.admin import (
    alliances,
    enrollments,
    exports,
    penalties,
    products,
    qualifications,
    shops,
    sources,
    thresholds,
    violations,
)

__all__ = [
    "alliances",
    "enrollments",
    "exports",
    "penalties",
    "products",
    "qualifications",
    "shops",
    "sources",
    "thresholds",
    "violations",
]
