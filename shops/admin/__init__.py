"""Pages of the facts. Each module registers what it describes."""

from shops.admin import (
    alliances,
    batches,
    enrollments,
    exports,
    penalties,
    qualifications,
    shops,
    violations,
)

__all__ = [
    "alliances",
    "batches",
    "enrollments",
    "exports",
    "penalties",
    "qualifications",
    "shops",
    "violations",
]
