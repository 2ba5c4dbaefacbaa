"""The kind of file about deposits: what each movement is, and how much it moves."""

from __future__ import annotations

from shops import money
from shops.imports.columns import SHOP, Column, Table, Type
from shops.models import DepositEntry, ImportBatch

Kind = DepositEntry.Kind

DEPOSITS = Table(
    ImportBatch.Kind.DEPOSITS,
    (
        Column(
            "reference", "流水号", Type.ID, ("流水编号", "资金流水号", "业务单号", "交易单号"), required=True
        ),
        SHOP,
        Column(
            "kind",
            "变动类型",
            Type.CHOICE,
            ("类型", "流水类型", "资金类型"),
            required=True,
            words={
                Kind.PAY_IN: ("缴存", "缴纳"),
                Kind.ADJUST: ("调整",),
                Kind.TOP_UP: ("补缴",),
                Kind.COMPENSATE: ("赔付",),
                Kind.DEDUCT: ("扣划", "扣除", "扣罚"),
                Kind.REFUND: ("退回", "退还"),
            },
        ),
        Column(
            "amount",
            "金额",
            Type.NUMBER,
            ("金额(元)", "变动金额", "变动金额(元)", "发生金额"),
            required=True,
            decimals=2,
            minimum=-money.yuan_of(money.MOST),
            maximum=money.yuan_of(money.MOST),
            ten_thousands=True,
        ),
        Column("at", "发生时间", Type.MOMENT, ("时间", "变动时间", "交易时间", "入账时间"), required=True),
        Column(
            "penalty",
            "平台案件编号",
            Type.ID,
            ("处罚编号", "处罚单号", "违规编号", "违规单号", "案件编号", "关联处罚编号"),
        ),
        Column("note", "备注", Type.TEXT, ("说明", "摘要", "变动原因"), length=500),
    ),
    key=("reference",),
)
