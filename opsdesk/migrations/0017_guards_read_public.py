"""Guards read the desk's own tables, whatever a session calls by the same name."""

from django.db import migrations

# pg_temp is searched before everything else where it isn't named: a temporary table would stand in for the table
# that a guard reads. To replace a function drops this again.
READ_PUBLIC = r"""
DO $$
DECLARE
    guard regprocedure;
BEGIN
    FOR guard IN
        SELECT oid FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'opsdesk\_%'
          AND prolang IN (SELECT oid FROM pg_language WHERE lanname IN ('plpgsql', 'sql'))
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = public, pg_temp', guard);
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("opsdesk", "0011_working_days")]

    # Nothing needs it undone.
    operations = [migrations.RunSQL(READ_PUBLIC, migrations.RunSQL.noop)]
