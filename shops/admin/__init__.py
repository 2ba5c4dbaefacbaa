"""Pages of the facts. Each module registers what it describes."""

from shops.admin import (
    alliances,
    batches,
    enrollments,
    penalties,
    qualifications,
    shops,
    violations,
)

__all__ = [
    "alliances",
    "batches",
    "enrollments",
    "penalties",
    "qualifications",
    "shops",
    "violations",
]
