"""One made-up shop as one wide row: what it is, where it stands, its papers, its case, its metrics."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from shops.models import Shop

# From one opening of a shop to its next, and how long the earlier one lasted.
EARLIER, LASTED = timedelta(days=120), timedelta(days=75)


@dataclass(slots=True)
class Standing:
    """Where a shop stands in one alliance; an empty state: not enrolled."""

    state: str = ""
    openings: int = 0
    opened_on: date | None = None
    closed_on: date | None = None
    cause: str = ""


@dataclass(slots=True)
class Walk:
    """A metric's value on the last day and its steady change per day on the way there, in ten-thousandths."""

    last: int
    drift: int = 0
    # Number of last days on which the cell is empty.
    blank: int = 0


@dataclass(slots=True)
class DemoShop:
    """Everything that is loaded about a shop. As it stands here, a shop in good order and in no alliance."""

    code: str
    name: str
    seed: int
    # A shop of WeChat Channels, of which Douyin measures nothing.
    wechat_shop: bool = False
    shop_type: str = Shop.Type.ORDINARY
    category: str = "家居日用"
    goods_kind: str = Shop.GoodsKind.PHYSICAL
    status: str = Shop.Status.NORMAL
    account_ok: bool | None = True
    subject_kind: str = Shop.SubjectKind.ENTERPRISE
    controller: str = ""
    entered_on: date | None = None
    closed_on: date | None = None
    closed_cause: str = ""
    contact: str = ""
    phone: str = ""
    email: str = ""
    account_manager: str = ""

    douyin: Standing = field(default_factory=Standing)
    wechat: Standing = field(default_factory=Standing)

    # Its brand paper: an empty verdict is no paper at all. `paper_before`: when one that it renewed ended.
    brand: str = ""
    paper_verdict: str = ""
    paper_until: date | None = None
    paper_before: date | None = None
    licence_until: date | None = None

    # Its case: a violation's code, the penalty's status, and the day it was reported or imposed.
    violation: str = ""
    penalty_status: str = ""
    penalty_on: date | None = None

    # Its metrics. `wobble`: the largest step by chance in a day, in ten-thousandths; 0 pins every value.
    wobble: int = 120
    shop_score: Walk = field(default_factory=lambda: Walk(46000))
    experience: Walk = field(default_factory=lambda: Walk(45000))
    positive: Walk = field(default_factory=lambda: Walk(9200))
    gmv_fen: int = 5_000_000
    basket_fen: int = 8_900
    score_none: bool = False
    warehouse_passed: bool | None = True
    alliance_connected: bool | None = True
    erp_connected: bool | None = True
    freight_insurance: bool | None = True
    # Number of last days on which the metrics file doesn't name it.
    absent: int = 0
