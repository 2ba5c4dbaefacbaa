"""The kind of file about penalties: what the platform has imposed, or only reported."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from shops import money
from shops.imports.columns import ALLIANCE, SHOP, Column, Table, Type
from shops.imports.product_columns import PRODUCT_ALIASES
from shops.models import ImportBatch, Penalty

Status = Penalty.Status

PENALTIES = Table(
    ImportBatch.Kind.PENALTIES,
    (
        Column(
            "reference",
            "平台案件编号",
            Type.ID,
            ("处罚编号", "处罚单号", "违规编号", "违规单号", "案件编号"),
            required=True,
        ),
        SHOP,
        Column(
            "violation",
            "违规类型",
            Type.TEXT,
            ("violation_code", "违规编码", "违规代码", "违规类型编码"),
            required=True,
            length=300,
        ),
        Column("imposed_at", "处罚时间", Type.MOMENT, ("处理时间", "生效时间", "违规时间"), required=True),
        replace(ALLIANCE, required=False),
        Column("product", "商品编码", Type.ID, PRODUCT_ALIASES),
        Column(
            "status",
            "处罚状态",
            Type.CHOICE,
            ("状态", "处理状态"),
            words={
                Status.REPORTED: ("已上报", "待处理", "待处罚"),
                Status.IMPOSED: ("已处罚", "已处理", "已生效", "处罚生效"),
            },
        ),
        Column("ends_at", "结束时间", Type.MOMENT, ("到期时间", "解除时间", "处罚结束时间")),
        Column("points", "违规积分", Type.NUMBER, ("扣分", "积分", "扣除积分"), maximum=Decimal(32767)),
        Column(
            "deposit_deducted",
            "扣划保证金",
            Type.NUMBER,
            ("扣划保证金(元)", "扣除保证金", "扣除保证金(元)", "保证金扣除金额"),
            decimals=2,
            maximum=money.yuan_of(money.MOST),
            ten_thousands=True,
        ),
        Column("reason", "处罚原因", Type.TEXT, ("理由", "原因", "违规原因", "说明"), length=2000),
    ),
    key=("reference",),
)
