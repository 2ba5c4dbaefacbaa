"""Pages of the facts. Each module registers what it describes."""

from shops.admin import (
    alliances,
    enrollments,
    penalties,
    qualifications,
    shops,
    violations,
)

__all__ = [
    "alliances",
    "enrollments",
    "penalties",
    "qualifications",
    "shops",
    "violations",
]
