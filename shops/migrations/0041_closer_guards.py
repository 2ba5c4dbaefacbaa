"""Guards read the desk's own tables, whatever a session calls by the same name; moments are ones people name."""

from datetime import UTC, datetime

from django.db import migrations, models

# pg_temp is searched before everything else where it isn't named: a temporary table would stand in for the table
# that a guard reads. To replace a function drops this again.
READ_PUBLIC = r"""
DO $$
DECLARE
    guard regprocedure;
BEGIN
    FOR guard IN
        SELECT oid FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'shops\_%'
          AND prolang IN (SELECT oid FROM pg_language WHERE lanname IN ('plpgsql', 'sql'))
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = public, pg_temp', guard);
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("shops", "0033_deductions_of_cases")]

    operations = [
        # Nothing needs it undone.
        migrations.RunSQL(READ_PUBLIC, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="depositentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    at__range=(
                        datetime(1999, 12, 31, 16, tzinfo=UTC),
                        datetime(2100, 12, 31, 15, 59, 59, tzinfo=UTC),
                    )
                ),
                name="shops_depositentry_moment_is_one_that_people_name",
            ),
        ),
    ]
