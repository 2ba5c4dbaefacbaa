"""What follows from each violation, exactly as far as the documents say; amounts left open are asked."""

from django.db import migrations

# Serious ones bar the controller's other shops (R6, DF-A10).
BARRING = ["V2", "V4", "V10", "V11"]
LIVE_ROOM = ["WS-V1", "WS-V2", "WS-V3", "WS-V4", "WS-V5"]

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
# Code → English and Chinese, item by item.
EVIDENCE = {
    "V8": (
        "Logistics records of the orders\nChat records with the buyers",
        "相关订单的物流记录\n与买家的聊天记录",
    ),
    "WS-V2": ("Proof of a real transaction at the stated original price", "按所标原价真实成交的证明"),
}


def load(apps, schema_editor):
    db = schema_editor.connection.alias
    violations = apps.get_model("shops", "Violation").objects.using(db)
    measure = apps.get_model("shops", "DefaultMeasure")
    wechat = apps.get_model("shops", "Alliance").objects.using(db).get(code="wechat-select")
    violations.filter(code__in=BARRING).update(bars_controller=True)
    violations.filter(code__in=LIVE_ROOM).update(alliance=wechat)
    for code, (evidence_en, evidence_zh) in EVIDENCE.items():
        violations.filter(code=code).update(evidence_en=evidence_en, evidence_zh=evidence_zh)
    for code, measures in MEASURES.items():
        violation = violations.get(code=code)
        for position, values in enumerate(measures):
            measure.objects.using(db).create(violation=violation, position=position, **values)
    changed = sorted({*BARRING, *EVIDENCE, *MEASURES})
    with schema_editor.connection.cursor() as cursor:
        # Measures of the same moment belong to the new version.
        for model, kind, which in (
            (measure, "+", "true"),
            (violations.model, "~", "code = ANY(%s)"),
        ):
            table = model._meta.db_table
            columns = ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields)
            cursor.execute(
                f"INSERT INTO {table.replace('_', '_historical', 1)}"
                f" ({columns}, history_date, history_type, history_change_reason)"
                f" SELECT {columns}, now(), '{kind}', 'shipped' FROM {table} WHERE {which} ORDER BY id",
                [changed] if "%s" in which else [],
            )


class Migration(migrations.Migration):
    dependencies = [("shops", "0024_catalogue_with_consequences")]

    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
