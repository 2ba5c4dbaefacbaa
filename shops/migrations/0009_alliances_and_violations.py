"""What every installation has: the two alliances and the catalogue of violations, as the documents name them.

What follows from each violation is told exactly as far as the documents say; amounts left open are asked.
"""

from django.db import migrations

ALLIANCES = [
    {
        "code": "douyin-featured",
        "name_en": "Douyin Featured Alliance",
        "name_zh": "抖音精选联盟",
        # DF-A12
        "openings_limit": 3,
    },
    {
        "code": "wechat-select",
        "name_en": "WeChat Select Alliance",
        "name_zh": "视频号优选联盟",
        "openings_limit": None,
        # R22: local life is listed only, and a shop that loses what it was admitted for is warned.
        "category_not_served": "local-life",
        "warns_on_lost_admission": True,
        # DP-4: the deposit falls due when proceeds are withdrawn.
        "deposit_due": "withdrawal",
    },
]

# code, group, source, English, Chinese
VIOLATIONS = [
    (
        "V1",
        "order",
        "§2",
        "Fake transactions, sales volume, scores, credit or reviews; evading or abusing the record rules",
        "虚假交易、销量、评分、信用或评价；规避或滥用记录规则",
    ),
    (
        "V2",
        "publishing",
        "§2",
        "Misplaced category (second-hand, cards and vouchers and the like)",
        "滥发信息：错放类目（二手、卡券等）",
    ),
    ("V3", "publishing", "§2", "Prohibited information or goods", "发布违禁信息或商品"),
    (
        "V4",
        "publishing",
        "§2",
        "Information cheating: hidden main image, variants in titles, misplacing to evade control",
        "信息作弊：隐藏主图、标题使用变体字、错放类目规避管控",
    ),
    ("V5", "quality", "§2", "Counterfeit or pirated goods", "假冒或盗版商品"),
    (
        "V6",
        "quality",
        "§2",
        "Goods whose labelled name, maker or address is not as the Product Quality Law asks",
        "三无产品：品名、厂名、厂址标注不符合《产品质量法》",
    ),
    ("V7", "quality", "§2", "Substandard quality", "商品质量不合格"),
    ("V8", "service", "§2", "Harming buyers' rights at scale", "大规模损害买家权益"),
    ("V9", "publishing", "§0", "Publishing circumvention information", "发布规避信息"),
    ("V10", "order", "§1, §2", "Forged or false qualifications", "伪造或提供虚假资质"),
    ("V11", "order", "§0", "Seriously endangering transaction safety", "严重危及交易安全"),
    (
        "WS-V1",
        "live_room",
        "§4",
        "Rushing through products without explaining them",
        "快速过款：不讲解或仅描述名称、价格",
    ),
    ("WS-V2", "live_room", "§4", "A made-up or inflated original price", "虚构原价"),
    (
        "WS-V3",
        "live_room",
        "§4",
        "False promises, prizes or gifts; bait interaction",
        "虚假宣传：虚假承诺福利、抽奖、赠品或虚假互动",
    ),
    (
        "WS-V4",
        "live_room",
        "§4",
        "Raising expectations: piling up, enlarging close-ups, other specifications than on the page",
        "过度提高用户期望：堆砌、贴近放大、规格与详情页不一致",
    ),
    ("WS-V5", "live_room", "§4", "QR codes on screen", "直播画面出现二维码"),
]
# Penalised, they bar the controller's other shops (R6, DF-A10); of V11 a case alone does.
SERIOUS = ["V2", "V4", "V10", "V11"]
ENDANGERING = ["V11"]
LIVE_ROOM = ["WS-V1", "WS-V2", "WS-V3", "WS-V4", "WS-V5"]
# Code → English and Chinese, item by item.
EVIDENCE = {
    "V8": (
        "Logistics records of the orders\nChat records with the buyers",
        "相关订单的物流记录\n与买家的聊天记录",
    ),
    "WS-V2": ("Proof of a real transaction at the stated original price", "按所标原价真实成交的证明"),
}

# Removed from the platform: closed for good (CL-1) and so out of every alliance (R19).
REMOVED = [{"kind": "close"}, {"kind": "clear"}]
AMOUNT_ASKED = {"kind": "deduct", "basis": "fixed"}
# A ladder without durations: each is asked.
LADDER = [
    {"from_case": case, "kind": kind, "end_asked": True}
    for case, kind in ((1, "reduce_room"), (2, "reduce_account"), (3, "restrict_live"))
]
MEASURES = {
    # The whole deposit is forfeited.
    "V2": [*REMOVED, {"kind": "deduct", "basis": "all"}],
    "V4": [*REMOVED, {"kind": "deduct", "basis": "all"}],
    # 4 points each time and the matching amount.
    "V8": [{"kind": "points", "points_least": 4, "points_most": 4}, AMOUNT_ASKED],
    # DP-2: serious violations always deduct; how much is unsaid.
    "V10": [*REMOVED, AMOUNT_ASKED],
    "V11": [AMOUNT_ASKED],
    **dict.fromkeys(LIVE_ROOM, LADDER),
}


def load(apps, schema_editor):
    db = schema_editor.connection.alias
    alliances, violations, measures = (
        apps.get_model("shops", name).objects.using(db)
        for name in ("Alliance", "Violation", "DefaultMeasure")
    )
    for row in ALLIANCES:
        alliances.create(**row)
    wechat = alliances.get(code="wechat-select")
    for code, group, source, name_en, name_zh in VIOLATIONS:
        evidence_en, evidence_zh = EVIDENCE.get(code, ("", ""))
        violation = violations.create(
            code=code,
            group=group,
            serious=code in SERIOUS,
            bars_controller=code in SERIOUS,
            endangers_transactions=code in ENDANGERING,
            alliance=wechat if code in LIVE_ROOM else None,
            source=source,
            name_en=name_en,
            name_zh=name_zh,
            evidence_en=evidence_en,
            evidence_zh=evidence_zh,
        )
        for position, values in enumerate(MEASURES.get(code, [])):
            measures.create(violation=violation, position=position, **values)
    with schema_editor.connection.cursor() as cursor:
        # In one moment: the measures belong to the first version of their violation.
        for rows in (alliances, violations, measures):
            table = rows.model._meta.db_table
            columns = ", ".join(f'"{field.column}"' for field in rows.model._meta.concrete_fields)
            cursor.execute(
                f"INSERT INTO {table.replace('_', '_historical', 1)}"
                f" ({columns}, history_date, history_type, history_change_reason)"
                f" SELECT {columns}, now(), '+', 'shipped' FROM {table} ORDER BY id"
            )


class Migration(migrations.Migration):
    dependencies = [("shops", "0008_guards_of_top_ups")]

    # Nothing needs it undone: its rows go with their tables.
    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
