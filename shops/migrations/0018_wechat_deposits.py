"""DP-4: with WeChat the deposit falls due when proceeds are withdrawn. The record tells it like any change."""

from django.db import migrations


def wechat_waits(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("UPDATE shops_alliance SET deposit_due = 'withdrawal' WHERE code = 'wechat-select'")
        cursor.execute(
            "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = 'shops_alliance'"
        )
        (columns,) = cursor.fetchone()
        cursor.execute(
            f"INSERT INTO shops_historicalalliance"
            f" ({columns}, history_date, history_type, history_change_reason)"
            f" SELECT {columns}, now(), '~', 'shipped' FROM shops_alliance WHERE code = 'wechat-select'"
        )


class Migration(migrations.Migration):
    dependencies = [("shops", "0017_deposit_guards")]

    operations = [migrations.RunPython(wechat_waits, migrations.RunPython.noop)]
