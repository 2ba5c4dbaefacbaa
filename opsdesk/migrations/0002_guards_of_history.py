"""History, and what is said in an appeal, is only ever added to."""

from django.db import migrations

GUARDS = """
SELECT shops_guard_history('opsdesk', ARRAY['opsdesk_appealmessage']);
"""


class Migration(migrations.Migration):
    dependencies = [("opsdesk", "0001_initial"), ("shops", "0002_guards_of_history")]

    operations = [migrations.RunSQL(GUARDS, migrations.RunSQL.noop)]
