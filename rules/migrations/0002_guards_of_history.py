"""History, retirements, and what a check went by, are only ever added to."""

from django.db import migrations

GUARDS = """
SELECT shops_guard_history('rules', ARRAY['rules_retirement', 'rules_sweepinput']);
"""


class Migration(migrations.Migration):
    dependencies = [("rules", "0001_initial"), ("shops", "0002_guards_of_history")]

    operations = [migrations.RunSQL(GUARDS, migrations.RunSQL.noop)]
