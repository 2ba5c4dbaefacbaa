"""What every installation has: the two alliances and the catalogue of violations, as the documents name them."""

from django.db import migrations

ALLIANCES = [
    {
        "code": "douyin-featured",
        "name_en": "Douyin Featured Alliance",
        "name_zh": "抖音精选联盟",
        "openings_limit": 3,
    },
    {
        "code": "wechat-select",
        "name_en": "WeChat Select Alliance",
        "name_zh": "视频号优选联盟",
        "openings_limit": None,
        "category_not_served": "local-life",
    },
]

# code, group, serious, endangers transactions, source, English, Chinese
VIOLATIONS = [
    (
        "V1",
        "order",
        False,
        False,
        "§2",
        "Fake transactions, sales volume, scores, credit or reviews; evading or abusing the record rules",
        "虚假交易、销量、评分、信用或评价；规避或滥用记录规则",
    ),
    (
        "V2",
        "publishing",
        True,
        False,
        "§2",
        "Misplaced category (second-hand, cards and vouchers and the like)",
        "滥发信息：错放类目（二手、卡券等）",
    ),
    ("V3", "publishing", False, False, "§2", "Prohibited information or goods", "发布违禁信息或商品"),
    (
        "V4",
        "publishing",
        True,
        False,
        "§2",
        "Information cheating: hidden main image, variants in titles, misplacing to evade control",
        "信息作弊：隐藏主图、标题使用变体字、错放类目规避管控",
    ),
    ("V5", "quality", False, False, "§2", "Counterfeit or pirated goods", "假冒或盗版商品"),
    (
        "V6",
        "quality",
        False,
        False,
        "§2",
        "Goods whose labelled name, maker or address is not as the Product Quality Law asks",
        "三无产品：品名、厂名、厂址标注不符合《产品质量法》",
    ),
    ("V7", "quality", False, False, "§2", "Substandard quality", "商品质量不合格"),
    ("V8", "service", False, False, "§2", "Harming buyers' rights at scale", "大规模损害买家权益"),
    ("V9", "publishing", False, False, "§0", "Publishing circumvention information", "发布规避信息"),
    ("V10", "order", True, False, "§1, §2", "Forged or false qualifications", "伪造或提供虚假资质"),
    ("V11", "order", True, True, "§0", "Seriously endangering transaction safety", "严重危及交易安全"),
    (
        "WS-V1",
        "live_room",
        False,
        False,
        "§4",
        "Rushing through products without explaining them",
        "快速过款：不讲解或仅描述名称、价格",
    ),
    ("WS-V2", "live_room", False, False, "§4", "A made-up or inflated original price", "虚构原价"),
    (
        "WS-V3",
        "live_room",
        False,
        False,
        "§4",
        "False promises, prizes or gifts; bait interaction",
        "虚假宣传：虚假承诺福利、抽奖、赠品或虚假互动",
    ),
    (
        "WS-V4",
        "live_room",
        False,
        False,
        "§4",
        "Raising expectations: piling up, enlarging close-ups, other specifications than on the page",
        "过度提高用户期望：堆砌、贴近放大、规格与详情页不一致",
    ),
    ("WS-V5", "live_room", False, False, "§4", "QR codes on screen", "直播画面出现二维码"),
]


def load(apps, schema_editor):
    db = schema_editor.connection.alias
    alliance = apps.get_model("shops", "Alliance")
    violation = apps.get_model("shops", "Violation")
    for row in ALLIANCES:
        alliance.objects.using(db).create(**row)
    for code, group, serious, endangers, source, name_en, name_zh in VIOLATIONS:
        violation.objects.using(db).create(
            code=code,
            group=group,
            serious=serious,
            endangers_transactions=endangers,
            source=source,
            name_en=name_en,
            name_zh=name_zh,
        )
    with schema_editor.connection.cursor() as cursor:
        for model in (alliance, violation):
            table = model._meta.db_table
            columns = ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields)
            cursor.execute(
                f"INSERT INTO {table.replace('_', '_historical', 1)}"
                f" ({columns}, history_date, history_type, history_change_reason)"
                f" SELECT {columns}, now(), '+', 'shipped' FROM {table} ORDER BY id"
            )


class Migration(migrations.Migration):
    dependencies = [("shops", "0002_guards")]

    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
