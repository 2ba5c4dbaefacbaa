"""What a column of a file is, and the kinds of files about shops: names, types, words that are accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from functools import cached_property

from shops.metrics import METRICS, Metric, MetricType
from shops.models import Enrollment, ImportBatch, Opening, Qualification, Shop

# The column that a file of rejected rows carries in front: read over when the mended file comes back.
REASONS = ("reasons", "错误原因")


class Type(Enum):
    ID = "id"
    TEXT = "text"
    CHOICE = "choice"
    DATE = "date"
    MOMENT = "moment"
    FLAG = "flag"
    NUMBER = "number"
    SCORE = "score"
    RATE = "rate"


@dataclass(frozen=True)
class Column:
    """A column of a file. `words`: value kept → other words for it, the Chinese one first."""

    name: str
    name_zh: str
    type: Type
    aliases: tuple[str, ...] = ()
    required: bool = False
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    length: int = 64
    decimals: int = 0
    minimum: Decimal = Decimal(0)
    maximum: Decimal = Decimal(0)
    # Whether 12.5万 may stand for 125000.
    ten_thousands: bool = False
    # Whether its pinyin is kept beside it, to sort by.
    pinyin: bool = False

    @property
    def staged(self) -> dict[str, str]:
        """The staging table's columns for it, with their types.

        A score that is not given yet is staged as NaN, a rate as it is written, with its sign of percent, and
        so a moment, with its zone or without.
        """
        if self.pinyin:
            return {self.name: "text", f"{self.name}_key": "text"}
        types = {Type.DATE: "date", Type.FLAG: "boolean", Type.NUMBER: "numeric", Type.SCORE: "numeric"}
        return {self.name: types.get(self.type, "text")}

    def values(self, staged: str) -> dict[str, str]:
        """The record's columns for it, as expressions over the staging table `staged`."""
        cell = f"{staged}.{self.name}"
        if self.type is Type.SCORE:
            return {
                self.name: f"nullif({cell}, 'NaN')",
                f"{self.name}_none": f"coalesce({cell} = 'NaN', false)",
            }
        if self.type is Type.RATE:
            percent = f"rtrim({cell}, '%%')::numeric / 100"
            plain = f"nullif({cell}, '')::numeric"
            return {self.name: f"CASE WHEN right({cell}, 1) = '%%' THEN {percent} ELSE {plain} END"}
        if self.type is Type.MOMENT:
            zoned = f"WHEN {cell} ~ ':[0-9.]+(Z|[+-])' THEN {cell}::timestamptz"
            local = f"ELSE {cell}::timestamp AT TIME ZONE 'Asia/Shanghai'"
            return {self.name: f"CASE WHEN {cell} = '' THEN NULL {zoned} {local} END"}
        return {name: f"{staged}.{name}" for name in self.staged}


@dataclass(frozen=True)
class Table:
    """A kind of file. `key`: what may stand in it once."""

    kind: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    def find(self, header: str) -> Column | None:
        """The column that a file's header means, if any."""
        return self._by_name.get(spoken(header))

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {
            spoken(name): column
            for column in self.columns
            for name in (column.name, column.name_zh, *column.aliases)
        }


def spoken(word: str) -> str:
    """A header or a choice as it is compared: without case, outer spaces and the width of brackets."""
    return word.strip().lower().replace("（", "(").replace("）", ")")


SHOP_ALIASES = ("店铺", "shop_code", "shop_id", "店铺ID", "店铺编号", "商家ID")

SHOPS = Table(
    ImportBatch.Kind.SHOPS,
    (
        Column("code", "店铺编码", Type.ID, SHOP_ALIASES, required=True),
        Column(
            "name", "店铺名称", Type.TEXT, ("shop_name", "店铺名"), required=True, length=200, pinyin=True
        ),
        Column(
            "shop_type",
            "店铺类型",
            Type.CHOICE,
            required=True,
            words={
                Shop.Type.FLAGSHIP: ("旗舰店",),
                Shop.Type.EXCLUSIVE: ("专卖店",),
                Shop.Type.MULTI_BRAND: ("专营店",),
                Shop.Type.ORDINARY: ("普通店", "普通店铺"),
            },
        ),
        Column(
            "category",
            "主营类目",
            Type.TEXT,
            ("类目", "经营类目", "一级类目"),
            required=True,
            length=60,
            words={"local-life": ("本地生活",)},
        ),
        Column(
            "goods_kind",
            "商品性质",
            Type.CHOICE,
            ("商品类型",),
            required=True,
            words={
                Shop.GoodsKind.PHYSICAL: ("实物", "实物商品"),
                Shop.GoodsKind.VIRTUAL: ("虚拟", "虚拟商品"),
                Shop.GoodsKind.MIXED: ("混合", "实物和虚拟"),
            },
        ),
        Column(
            "status",
            "店铺状态",
            Type.CHOICE,
            ("状态", "经营状态"),
            required=True,
            words={
                Shop.Status.PREPARING: ("筹备中", "开店中"),
                Shop.Status.NORMAL: ("正常", "正常营业"),
                Shop.Status.SUSPENDED: ("封禁", "已封禁", "停业"),
                Shop.Status.CLOSED: ("已关店", "关店"),
            },
        ),
        Column("account_ok", "账户正常", Type.FLAG, ("账号正常",)),
        Column(
            "subject_kind",
            "主体类型",
            Type.CHOICE,
            ("主体性质",),
            required=True,
            words={
                Shop.SubjectKind.ENTERPRISE: ("企业",),
                Shop.SubjectKind.SOLE_TRADER: ("个体工商户", "个体户"),
            },
        ),
        Column("controller", "实际控制人", Type.ID, ("控制人",)),
        Column("entered_on", "入驻日期", Type.DATE, ("开店日期",)),
        Column("closed_on", "关店日期", Type.DATE),
        Column(
            "closed_cause",
            "关店原因",
            Type.CHOICE,
            words={
                Shop.ClosedCause.VOLUNTARY: ("主动关店", "自愿"),
                Shop.ClosedCause.VIOLATION: ("违规",),
            },
        ),
        Column("contact", "联系人", Type.TEXT, length=100),
        Column("phone", "联系电话", Type.ID, ("手机号", "电话"), length=40),
        Column("email", "邮箱", Type.TEXT, ("电子邮箱",), length=200),
        Column("account_manager", "客户经理", Type.TEXT, ("对接人",), length=100),
    ),
    key=("code",),
)

SHOP = Column("shop", "店铺编码", Type.ID, SHOP_ALIASES, required=True)

ALLIANCE = Column("alliance", "联盟", Type.TEXT, ("alliance_code", "联盟编码"), required=True, length=100)
DAY = Column("day", "日期", Type.DATE, ("统计日期", "数据日期"), required=True)

ENROLLMENTS = Table(
    ImportBatch.Kind.ENROLLMENTS,
    (
        SHOP,
        ALLIANCE,
        Column(
            "state",
            "入驻状态",
            Type.CHOICE,
            ("状态",),
            required=True,
            words={
                Enrollment.State.APPLIED: ("已申请", "申请中"),
                Enrollment.State.OPEN: ("已开通", "开通"),
                Enrollment.State.CLEARED: ("已清退", "清退"),
                Enrollment.State.LEFT: ("已退出", "退出"),
            },
        ),
        Column("opened_on", "开通日期", Type.DATE),
        Column("openings", "开通次数", Type.NUMBER, ("openings_used",), maximum=Decimal(32767)),
        Column("closed_on", "关闭日期", Type.DATE, ("清退日期", "退出日期")),
        Column(
            "cause",
            "关闭原因",
            Type.CHOICE,
            ("清退原因", "退出原因"),
            words={
                Opening.Cause.METRIC: ("指标", "指标不达标"),
                Opening.Cause.QUALIFICATION: ("资质", "资质不符"),
                Opening.Cause.VIOLATION: ("违规",),
                Opening.Cause.JUDGEMENT: ("人工判断",),
                Opening.Cause.VOLUNTARY: ("自愿", "主动退出"),
            },
        ),
    ),
    key=("shop", "alliance"),
)

QUALIFICATIONS = Table(
    ImportBatch.Kind.QUALIFICATIONS,
    (
        SHOP,
        Column(
            "kind",
            "资质类型",
            Type.CHOICE,
            required=True,
            words={
                Qualification.Kind.BRAND: ("品牌", "品牌资质", "品牌授权"),
                Qualification.Kind.CATEGORY: ("类目", "类目资质"),
                Qualification.Kind.LICENCE: ("证照", "营业执照"),
            },
        ),
        Column("brand", "品牌", Type.TEXT, ("品牌名称",), length=100),
        Column("valid_until", "有效期至", Type.DATE, ("到期日", "有效期")),
        Column(
            "verdict",
            "审核结论",
            Type.CHOICE,
            ("审核结果", "审核状态"),
            required=True,
            words={
                Qualification.Verdict.ACCEPTED: ("通过", "已通过", "审核通过"),
                Qualification.Verdict.REJECTED: ("驳回", "未通过", "审核不通过"),
                Qualification.Verdict.PENDING: ("待审核", "审核中"),
            },
        ),
    ),
    key=("shop", "kind", "brand", "valid_until"),
)

METRIC_ALIASES = {
    "gmv_30d": ("近30天成交金额(元)", "近30日成交金额", "近30天GMV"),
    "paid_orders_30d": ("近30日支付订单数", "近30天订单数"),
    "experience_score": ("体验分",),
    "product_score": ("商品体验分",),
    "service_score": ("服务体验分",),
    "logistics_score": ("物流体验分",),
    "positive_rate": ("店铺好评率",),
    "warehouse_passed": ("是否通过验仓",),
    "alliance_connected": ("是否对接联盟平台",),
    "erp_connected": ("是否对接ERP",),
    "freight_insurance": ("运费险", "是否签署运费险"),
}
_METRIC_TYPES = {
    MetricType.AMOUNT: Type.NUMBER,
    MetricType.COUNT: Type.NUMBER,
    MetricType.SCORE: Type.SCORE,
    MetricType.RATE: Type.RATE,
    MetricType.FLAG: Type.FLAG,
}


def of_metric(metric: Metric, aliases: tuple[str, ...] = ()) -> Column:
    """The column that brings a metric, within its bounds."""
    return Column(
        metric.key,
        metric.name_zh,
        _METRIC_TYPES[metric.type],
        aliases,
        decimals=metric.decimals,
        minimum=metric.minimum or Decimal(0),
        maximum=metric.maximum or Decimal(0),
        ten_thousands=metric.type is MetricType.AMOUNT,
    )


SHOP_METRICS = Table(
    ImportBatch.Kind.METRICS,
    (
        SHOP,
        DAY,
        *(of_metric(metric, METRIC_ALIASES.get(key, ())) for key, metric in METRICS.items()),
    ),
    key=("shop", "day"),
)
