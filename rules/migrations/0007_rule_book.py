"""Version 1 of every rule set, as the documents say (the codes are those of the documents' digest)."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import migrations

SHANGHAI = ZoneInfo("Asia/Shanghai")

# code, (metric, operator, value) or None, English, Chinese, and what differs from the usual
DOUYIN_ADMISSION = [
    (
        "DF-A1",
        ("shop_status", "≠", "preparing"),
        "The shop is opened on the platform.",
        "店铺已在平台成功入驻并开店。",
        {},
    ),
    (
        "DF-A2",
        ("shop_status", "=", "normal"),
        "The shop's status is normal: open to buyers.",
        "店铺状态正常，用户可以正常访问。",
        {},
    ),
    (
        "DF-A3",
        ("account_ok", "=", "true"),
        "The shop's account is in good standing.",
        "店铺账户状态良好，可正常登录和使用。",
        {},
    ),
    (
        "DF-A4",
        ("gmv_30d", ">", "0"),
        "Paid orders of the last 30 days amount to more than 0 yuan.",
        "近 30 天订单成交金额大于 0 元。",
        {
            "reading_en": "R13: the gross paid amount.",
            "reading_zh": "R13：按支付总额计，不扣退款。",
        },
    ),
    (
        "DF-A5",
        ("shop_score", ">", "4.1"),
        "The shop score is above 4.1.",
        "店铺评分高于 4.1 分。",
        {
            "reading_en": "R1: shop score and experience score are two metrics.",
            "reading_zh": "R1：店铺评分与商家体验分为两项指标。",
        },
    ),
    ("DF-A6", ("positive_rate", ">", "0.75"), "The positive rate is above 75 %.", "店铺好评率高于 75%。", {}),
    (
        "DF-A7",
        ("warehouse_passed", "=", "true"),
        "The shop passed the third-party warehouse inspection; virtual goods are exempt.",
        "通过第三方机构验仓；虚拟商品除外。",
        {
            "exemption": "virtual_goods",
            "reading_en": "R8: exempt only if all that the shop sells is virtual.",
            "reading_zh": "R8：仅当店铺所售全部为虚拟商品时豁免。",
        },
    ),
    (
        "DF-A8",
        ("alliance_and_erp_connected", "=", "true"),
        "The shop is connected to the alliance platform and to its ERP; virtual goods are exempt.",
        "已接通精选联盟平台并完成 ERP 对接；虚拟商品除外。",
        {
            "exemption": "virtual_goods",
            "reading_en": "R8: exempt only if all that the shop sells is virtual.",
            "reading_zh": "R8：仅当店铺所售全部为虚拟商品时豁免。",
        },
    ),
    (
        "DF-A9",
        ("circumvention_penalties_365d", "=", "0"),
        "No penalty for publishing circumvention information in the last 365 days.",
        "近 365 天内没有因违反《发布规避信息处理规则》而被处罚的记录。",
        {
            "reading_en": "R12: from day D−364 to day D, both in.",
            "reading_zh": "R12：自 D−364 日至 D 日，含首尾两日。",
        },
    ),
    (
        "DF-A10",
        ("controller_serious_cases", "=", "0"),
        "No other shop of the same controller was penalised for a serious violation or endangered transactions.",
        "实际控制人的其他店铺没有被处以特定严重违规处罚，也没有发生过严重危及交易安全的情形。",
        {
            "reading_en": "The violations that count are marked in the catalogue; no time limit is given.",
            "reading_zh": "计入的违规类型在违规目录中标明；文件未给出时限。",
        },
    ),
    (
        "DF-A11",
        ("experience_score", "≥", "4.0"),
        "Shops that get in usually have an experience score of at least 4.0.",
        "成功入驻的商家店铺体验分通常不低于 4.0 分。",
        {"advisory": True},
    ),
    (
        "DF-A12",
        ("openings_left", ">", "0"),
        "The shop has an opening left; the alliance sets how many there are in all.",
        "店铺仍有可用的开通次数；总次数由联盟设定。",
        {
            "reading_en": "R4: every opening counts; the fourth is refused.",
            "reading_zh": "R4：每次开通都计入次数，第四次不予开通。",
        },
    ),
    (
        "DF-A13",
        None,
        "A shop that qualifies and was not closed for a violation is opened.",
        "符合条件且未因违规被关闭的店铺可开通。",
        {
            "reading_en": "R3, R18: the first opening is proposed unasked, a later one once the shop has applied.",
            "reading_zh": "R3、R18：首次开通主动提出建议，再次开通须由店铺申请。",
        },
    ),
]
DOUYIN_CLEARANCE = [
    (
        "DF-C1",
        ("experience_score", "<", "3.5"),
        "The experience score is below 3.5.",
        "商家店铺体验分低于 3.5 分。",
        {},
    ),
    (
        "DF-C2",
        ("brand_papers_ok", "=", "false"),
        "The brand qualification on file does not meet the admission standard.",
        "店铺上传的品牌资质不符合准入标准的要求。",
        {
            "ground": "qualification",
            "exemption": "no_brand",
            "reading_en": "Our reading: missing where the brand needs one, expired, or rejected.",
            "reading_zh": "我们的解读：需要品牌资质而缺失、已过期或被驳回。",
        },
    ),
    (
        "DF-C3",
        None,
        "The operators judge the shop or product unsuitable for promotion.",
        "平台认为不适合继续推广的商家或商品。",
        {
            "ground": "judgement",
            "reading_en": "Filed by hand, with a reason.",
            "reading_zh": "由运营人员手工提出，须填写理由。",
        },
    ),
]
WECHAT_ADMISSION = [
    ("WS-A1", ("shop_status", "=", "normal"), "The shop operates normally.", "店铺处于正常经营状态。", {}),
    (
        "WS-A2",
        ("freight_insurance", "=", "true"),
        "Freight insurance is signed.",
        "商家已完成运费险签约。",
        {},
    ),
    (
        "WS-A3",
        ("shop_score", "≥", "4.2"),
        "The shop score is at least 4.2; a shop without a score yet is exempt.",
        "店铺评分不低于 4.2 分；暂无评分的店铺豁免。",
        {
            "exemption": "no_score_yet",
            "reading_en": "R9: no score yet is a value of its own; an empty cell is no data.",
            "reading_zh": "R9：“暂无”是独立的取值；空单元格视为数据缺失。",
        },
    ),
]
WECHAT_CLEARANCE = [
    (
        "WS-C1",
        ("shop_score", "<", "4.2"),
        "The shop score is below 4.2; a shop without a score yet is not cleared.",
        "店铺评分低于 4.2 分；暂无评分的店铺不清退。",
        {
            "exemption": "no_score_yet",
            "reading_en": "R2: admission and clearance share the bar, as the document says.",
            "reading_zh": "R2：按文件原文，准入与清退使用同一分数线。",
        },
    ),
]
WECHAT_OBSERVATION = [
    (
        "WS-O1",
        ("settled_orders", "<", "30"),
        "A product that applies with fewer than 30 settled orders or without a quality refund rate"
        " is put under observation.",
        "申请推广的商品有效结算订单少于 30 单，或暂无品质退款率的，进入观察期。",
        {
            "alternatives": [("quality_refund_rate", "unknown", "")],
            "reading_en": "R11: the observation ends once there are 30 settled orders and a rate."
            " R9: no valid paid orders yet is no rate; a count that was not imported is no data.",
            "reading_zh": "R11：结算订单达到 30 单且已有品质退款率时，观察期结束。"
            "R9：尚无有效支付订单即暂无品质退款率；未导入的数值视为数据缺失。",
        },
    ),
    (
        "WS-O3",
        None,
        "The quality refund rate is the number of refund orders whose first reason is about quality,"
        " by that of valid paid orders.",
        "品质退款率为首次申请原因属于品质问题的退款订单数除以有效支付订单数。",
        {
            "reading_en": "R9, R11: without valid paid orders there is no rate, which is not a rate of 0.",
            "reading_zh": "R9、R11：没有有效支付订单时没有品质退款率，不等于品质退款率为 0。",
        },
    ),
]
# Belongs to the observation, but speaks of the shop.
WECHAT_WARNING = [
    (
        "WS-O2",
        ("observed_sales", ">", "5000"),
        "The shop's products under observation together sell at most 5,000 yuan a day.",
        "店铺处于观察期的商品，每日成交金额合计不超过 5,000 元。",
        {
            "reading_en": "R10: of a calendar day in Shanghai; 5,000.00 yuan are allowed, 5,000.01 are flagged.",
            "reading_zh": "R10：按上海时间的自然日计；5,000.00 元允许，5,000.01 元予以标记。",
        },
    ),
]
DOUYIN, WECHAT = ("douyin-featured", "§0", date(2024, 7, 25)), ("wechat-select", "§4", date(2024, 8, 25))
RULE_SETS = [
    (DOUYIN, "shop", "admission", DOUYIN_ADMISSION),
    (DOUYIN, "shop", "clearance", DOUYIN_CLEARANCE),
    (WECHAT, "shop", "admission", WECHAT_ADMISSION),
    (WECHAT, "shop", "clearance", WECHAT_CLEARANCE),
    (WECHAT, "product", "observation", WECHAT_OBSERVATION),
    (WECHAT, "shop", "warning", WECHAT_WARNING),
]


def load(apps, schema_editor):
    db = schema_editor.connection.alias
    alliances = apps.get_model("shops", "Alliance").objects.using(db)
    rule_sets, rules, alternatives = (
        apps.get_model("rules", name).objects.using(db) for name in ("RuleSet", "Rule", "Alternative")
    )
    for (alliance, document, in_force_from), subject, purpose, said in RULE_SETS:
        rule_set = rule_sets.create(
            alliance=alliances.get(code=alliance),
            subject=subject,
            purpose=purpose,
            version=1,
            mode="propose",
            in_force_from=in_force_from,
        )
        for position, (code, condition, english, chinese, more) in enumerate(said, start=1):
            metric, operator, value = condition or ("", "", "")
            rule = rules.create(
                rule_set=rule_set,
                position=position,
                code=code,
                sentence_en=english,
                sentence_zh=chinese,
                metric=metric,
                operator=operator,
                value=value,
                source=f"{document} {code}",
                **{name: saying for name, saying in more.items() if name != "alternatives"},
            )
            for place, (metric, operator, value) in enumerate(more.get("alternatives", []), start=1):
                alternatives.create(rule=rule, position=place, metric=metric, operator=operator, value=value)
        # Last, for from here on neither it nor its rules change.
        rule_set.published_at = datetime.combine(in_force_from, datetime.min.time(), SHANGHAI)
        rule_set.save()
    with schema_editor.connection.cursor() as cursor:
        for rows in (rule_sets, rules, alternatives):
            table = rows.model._meta.db_table
            columns = ", ".join(f'"{field.column}"' for field in rows.model._meta.concrete_fields)
            cursor.execute(
                f"INSERT INTO {table.replace('_', '_historical', 1)}"
                f" ({columns}, history_date, history_type, history_change_reason)"
                f" SELECT {columns}, now(), '+', 'shipped' FROM {table} ORDER BY id"
            )


class Migration(migrations.Migration):
    dependencies = [("rules", "0006_guards_of_proposals"), ("shops", "0009_alliances_and_violations")]

    # Nothing needs it undone: its rows go with their tables.
    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
