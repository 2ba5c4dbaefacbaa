"""The facts: who, what was measured, what stands against them. Import models from here."""

from shops.models.alliances import Alliance, PromotionPeriod
from shops.models.audited import Audited
from shops.models.batches import ImportBatch, ImportProgress, ImportSource
from shops.models.closures import Closure
from shops.models.defaults import DefaultMeasure
from shops.models.deposits import DepositEntry, Settlement, TopUp
from shops.models.enrollments import Enrollment, Opening
from shops.models.exports import Export
from shops.models.measures import Measure
from shops.models.metrics import (
    Correction,
    Coverage,
    DayProfile,
    ProductCorrection,
    ProductMetrics,
    ShopMetrics,
)
from shops.models.penalties import Ground, Penalty
from shops.models.points import PointsThreshold
from shops.models.products import Listing, Product
from shops.models.requirements import DepositRequirement, DepositStep
from shops.models.shops import Controller, Qualification, Shop
from shops.models.violations import Violation

__all__ = [
    "Alliance",
    "Audited",
    "Closure",
    "Controller",
    "Correction",
    "Coverage",
    "DayProfile",
    "DefaultMeasure",
    "DepositEntry",
    "DepositRequirement",
    "DepositStep",
    "Enrollment",
    "Export",
    "Ground",
    "ImportBatch",
    "ImportProgress",
    "ImportSource",
    "Listing",
    "Measure",
    "Opening",
    "Penalty",
    "PointsThreshold",
    "Product",
    "ProductCorrection",
    "ProductMetrics",
    "PromotionPeriod",
    "Qualification",
    "Settlement",
    "Shop",
    "ShopMetrics",
    "TopUp",
    "Violation",
]
