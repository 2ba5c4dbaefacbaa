"""The kinds of files about products: what they are, how they stand in alliances, what was measured."""

from __future__ import annotations

from decimal import Decimal

from shops.imports.columns import ALLIANCE, DAY, SHOP, Column, Table, Type, of_metric
from shops.metrics import PRODUCT_METRICS as METRICS
from shops.models import ImportBatch, Listing, Product

PRODUCT_ALIASES = ("商品", "product_code", "product_id", "商品ID", "商品编号")

PRODUCTS = Table(
    ImportBatch.Kind.PRODUCTS,
    (
        Column("code", "商品编码", Type.ID, ("product", *PRODUCT_ALIASES), required=True),
        SHOP,
        Column(
            "name",
            "商品名称",
            Type.TEXT,
            ("product_name", "商品名", "商品标题"),
            required=True,
            length=200,
        ),
        Column(
            "category",
            "商品类目",
            Type.TEXT,
            ("类目", "所属类目", "一级类目"),
            required=True,
            length=60,
            words={"local-life": ("本地生活",)},
        ),
        Column(
            "price",
            "价格",
            Type.NUMBER,
            ("价格(元)", "商品价格", "商品价格(元)", "售价", "售价(元)"),
            decimals=2,
            maximum=Decimal("999999999999.99"),
        ),
        Column(
            "status",
            "商品状态",
            Type.CHOICE,
            ("状态", "上下架状态", "销售状态"),
            words={
                Product.Status.ON_SALE: ("在售", "上架", "已上架", "售卖中"),
                Product.Status.OFF_SALE: ("下架", "已下架", "停售"),
            },
        ),
    ),
    key=("code",),
)

_PRODUCT = Column("product", "商品编码", Type.ID, ("code", *PRODUCT_ALIASES), required=True)

LISTINGS = Table(
    ImportBatch.Kind.LISTINGS,
    (
        _PRODUCT,
        ALLIANCE,
        Column(
            "state",
            "推广状态",
            Type.CHOICE,
            ("状态", "商品推广状态"),
            required=True,
            words={
                Listing.State.APPLIED: ("已申请", "申请中"),
                Listing.State.PROMOTED: ("推广中", "已推广"),
                Listing.State.OBSERVED: ("观察期", "观察中", "观察期中"),
                Listing.State.STOPPED: ("停止推广", "已停止推广", "已停止"),
            },
        ),
        Column("since", "状态起始日", Type.DATE, ("状态起始日期", "状态开始日期", "生效日期")),
    ),
    key=("product", "alliance"),
)

METRIC_ALIASES = {
    "settled_orders": ("结算订单数", "有效结算订单数", "累计有效结算订单数"),
    "valid_paid_orders": ("有效支付订单量",),
    "quality_refunds": ("品质退款数", "品退订单数", "品质退款单数"),
    "sales_amount": ("当日成交金额(元)", "当日销售额", "当日销售额(元)", "成交金额", "成交金额(元)"),
}

PRODUCT_METRICS = Table(
    ImportBatch.Kind.PRODUCT_METRICS,
    (
        _PRODUCT,
        DAY,
        *(of_metric(metric, METRIC_ALIASES[key]) for key, metric in METRICS.items()),
    ),
    key=("product", "day"),
)
