"""Metric: the closed tables of what can be imported about a shop's or product's day. Rules speak of these."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class MetricType(Enum):
    AMOUNT = "amount"
    COUNT = "count"
    SCORE = "score"
    RATE = "rate"
    FLAG = "flag"


@dataclass(frozen=True)
class Metric:
    """One imported figure: what it measures, in what unit, within which bounds, from where.

    `knows_none_yet`: the platform may say "no score yet" (暂无), which is neither a number nor missing (R9).
    `window_days`: over how many days up to and including the day it is taken; None: as it stands on the day.
    `declared`: by people, so that its values stand in `extra`; from `retired_on` on no figures are taken.
    """

    key: str
    name: str | Promise
    name_zh: str
    unit: str | Promise
    type: MetricType
    decimals: int = 0
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    knows_none_yet: bool = False
    window_days: int | None = None
    source: str = ""
    declared: bool = False
    retired_on: date | None = None


# How many decimals are kept of each type.
DECIMALS = {
    MetricType.AMOUNT: 2,
    MetricType.COUNT: 0,
    MetricType.SCORE: 2,
    MetricType.RATE: 6,
    MetricType.FLAG: 0,
}

_ZERO, _ONE, _FIVE = Decimal(0), Decimal(1), Decimal(5)
# What the columns hold: numeric(16, 2) and integer.
_LARGEST_AMOUNT = Decimal("99999999999999.99")
_LARGEST_COUNT = Decimal(2_147_483_647)


def _score(key: str, name: str | Promise, name_zh: str, source: str) -> Metric:
    return Metric(
        key,
        name,
        name_zh,
        _("points"),
        MetricType.SCORE,
        decimals=2,
        minimum=_ZERO,
        maximum=_FIVE,
        knows_none_yet=True,
        source=source,
    )


def _flag(key: str, name: str | Promise, name_zh: str, source: str) -> Metric:
    return Metric(key, name, name_zh, "", MetricType.FLAG, source=source)


_TABLE = [
    Metric(
        "gmv_30d",
        _("paid order amount of 30 days"),
        "近30天成交金额",
        _("yuan"),
        MetricType.AMOUNT,
        decimals=2,
        minimum=_ZERO,
        maximum=_LARGEST_AMOUNT,
        window_days=30,
        source="§0",
    ),
    Metric(
        "paid_orders_30d",
        _("paid orders of 30 days"),
        "近30天支付订单数",
        _("orders"),
        MetricType.COUNT,
        minimum=_ZERO,
        maximum=_LARGEST_COUNT,
        window_days=30,
        source="§0",
    ),
    _score("shop_score", _("shop score"), "店铺评分", "§0, §4"),
    _score("experience_score", _("experience score"), "商家体验分", "§0, §1"),
    _score("product_score", _("product experience"), "商品体验", "§1"),
    _score("service_score", _("service experience"), "服务体验", "§1"),
    _score("logistics_score", _("logistics experience"), "物流体验", "§1"),
    Metric(
        "positive_rate",
        _("positive rate"),
        "好评率",
        "%",
        MetricType.RATE,
        decimals=6,
        minimum=_ZERO,
        maximum=_ONE,
        source="§0",
    ),
    _flag("warehouse_passed", _("warehouse inspection passed"), "验仓通过", "§0"),
    _flag("alliance_connected", _("alliance platform connected"), "已对接联盟平台", "§0"),
    _flag("erp_connected", _("ERP integration done"), "已对接ERP", "§0"),
    _flag("freight_insurance", _("freight insurance signed"), "已签署运费险", "§4"),
]

METRICS: dict[str, Metric] = {metric.key: metric for metric in _TABLE}


def _count(key: str, name: str | Promise, name_zh: str, source: str) -> Metric:
    return Metric(
        key,
        name,
        name_zh,
        _("orders"),
        MetricType.COUNT,
        minimum=_ZERO,
        maximum=_LARGEST_COUNT,
        source=source,
    )


# The quality refund rate (WS-O3) is derived from two of these, and never imported.
_PRODUCT_TABLE = [
    # All there were so far.
    _count("settled_orders", _("settled orders"), "累计结算订单数", "WS-O1"),
    _count("valid_paid_orders", _("valid paid orders"), "有效支付订单数", "WS-O3"),
    # Refund orders whose first application reason is quality-related.
    _count("quality_refunds", _("quality refunds"), "品质退款订单数", "WS-O3"),
    Metric(
        "sales_amount",
        _("sales of the day"),
        "当日成交金额",
        _("yuan"),
        MetricType.AMOUNT,
        decimals=2,
        minimum=_ZERO,
        maximum=_LARGEST_AMOUNT,
        window_days=1,
        source="WS-O2",
    ),
]

PRODUCT_METRICS: dict[str, Metric] = {metric.key: metric for metric in _PRODUCT_TABLE}
