"""Version 1 of WeChat's observation of products, and of the warning that belongs to it (WS-O1 to WS-O3)."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import migrations

SHANGHAI = ZoneInfo("Asia/Shanghai")
ALLIANCE, IN_FORCE_FROM = "wechat-select", date(2024, 8, 25)

# code, (metric, operator, value) or None, alternatives, English, Chinese, and our reading in both
OBSERVATION = [
    (
        "WS-O1",
        ("settled_orders", "<", "30"),
        [("quality_refund_rate", "unknown", "")],
        "A product that applies with fewer than 30 settled orders or without a quality refund rate"
        " is put under observation.",
        "申请推广的商品有效结算订单少于 30 单，或暂无品质退款率的，进入观察期。",
        "R11: the observation ends once there are 30 settled orders and a rate."
        " R9: no valid paid orders yet is no rate; a count that was not imported is no data.",
        "R11：结算订单达到 30 单且已有品质退款率时，观察期结束。"
        "R9：尚无有效支付订单即暂无品质退款率；未导入的数值视为数据缺失。",
    ),
    (
        "WS-O3",
        None,
        [],
        "The quality refund rate is the number of refund orders whose first reason is about quality,"
        " by that of valid paid orders.",
        "品质退款率为首次申请原因属于品质问题的退款订单数除以有效支付订单数。",
        "R9, R11: without valid paid orders there is no rate, which is not a rate of 0.",
        "R9、R11：没有有效支付订单时没有品质退款率，不等于品质退款率为 0。",
    ),
]
WARNING = [
    (
        "WS-O2",
        ("observed_sales", ">", "5000"),
        [],
        "The shop's products under observation together sell at most 5,000 yuan a day.",
        "店铺处于观察期的商品，每日成交金额合计不超过 5,000 元。",
        "R10: of a calendar day in Shanghai; 5,000.00 yuan are allowed, 5,000.01 are flagged.",
        "R10：按上海时间的自然日计；5,000.00 元允许，5,000.01 元予以标记。",
    ),
]
RULE_SETS = [("product", "observation", OBSERVATION), ("shop", "warning", WARNING)]


def load(apps, schema_editor):
    db = schema_editor.connection.alias
    alliance = apps.get_model("shops", "Alliance").objects.using(db).get(code=ALLIANCE)
    rule_sets, rules, alternatives = (
        apps.get_model("rules", name).objects.using(db) for name in ("RuleSet", "Rule", "Alternative")
    )
    made = {rows: [] for rows in (rule_sets, rules, alternatives)}
    for subject, purpose, said in RULE_SETS:
        # An alliance's own version, where there is one already, goes on.
        if rule_sets.filter(alliance=alliance, subject=subject, purpose=purpose).exists():
            continue
        rule_set = rule_sets.create(
            alliance=alliance,
            subject=subject,
            purpose=purpose,
            version=1,
            mode="propose",
            in_force_from=IN_FORCE_FROM,
        )
        made[rule_sets].append(rule_set.pk)
        for position, (code, condition, others, english, chinese, reading_en, reading_zh) in enumerate(said, 1):
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
                source=f"§4 {code}",
                reading_en=reading_en,
                reading_zh=reading_zh,
            )
            made[rules].append(rule.pk)
            for place, (other_metric, other_operator, other_value) in enumerate(others, 1):
                alternative = alternatives.create(
                    rule=rule, position=place, metric=other_metric, operator=other_operator, value=other_value
                )
                made[alternatives].append(alternative.pk)
        # Last, for from here on neither it nor its rules change.
        rule_set.published_at = datetime.combine(IN_FORCE_FROM, datetime.min.time(), SHANGHAI)
        rule_set.save()
    with schema_editor.connection.cursor() as cursor:
        for rows, keys in made.items():
            table = rows.model._meta.db_table
            columns = ", ".join(f'"{field.column}"' for field in rows.model._meta.concrete_fields)
            cursor.execute(
                f"INSERT INTO {table.replace('_', '_historical', 1)}"
                f" ({columns}, history_date, history_type, history_change_reason)"
                f" SELECT {columns}, now(), '+', 'shipped' FROM {table} WHERE id = ANY (%s) ORDER BY id",
                [keys],
            )


class Migration(migrations.Migration):
    dependencies = [("rules", "0010_product_rules"), ("shops", "0003_alliances_and_violations")]

    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
