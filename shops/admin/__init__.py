"""Pages of the facts. Each module registers what it describes."""

from shops.admin import (
    alliances,
    deposits,
    enrollments,
    exports,
    penalties,
    products,
    qualifications,
    requirements,
    shops,
    sources,
    topups,
    violations,
)

__all__ = [
    "alliances",
    "deposits",
    "enrollments",
    "exports",
    "penalties",
    "products",
    "qualifications",
    "requirements",
    "shops",
    "sources",
    "topups",
    "violations",
]
