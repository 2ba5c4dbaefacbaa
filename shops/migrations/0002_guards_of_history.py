"""History, and what else is a record, is only ever added to.

Guards read the desk's own tables, whatever a session calls by the same name. pg_temp is searched before
everything else where it isn't named: a temporary table would stand in for the table that a guard reads.
Hence the search_path of each function, here and in the migrations that follow.
"""

from django.db import migrations

GUARDS = """
CREATE FUNCTION shops_record_is_only_added_to() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '%: % is refused, this record is only ever added to', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

-- Every history table and every append-only table of an app. Called again whenever one is added.
CREATE FUNCTION shops_guard_history(app text, others text[] DEFAULT '{}') RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    guarded text;
BEGIN
    FOR guarded IN
        SELECT relname FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
          AND (relname LIKE app || '\\_historical%' OR relname = ANY (others))
    LOOP
        EXECUTE format(
            'CREATE OR REPLACE TRIGGER %I BEFORE UPDATE OR DELETE ON %I
             FOR EACH ROW EXECUTE FUNCTION shops_record_is_only_added_to()',
            guarded || '_only_added_to', guarded);
        EXECUTE format(
            'CREATE OR REPLACE TRIGGER %I BEFORE TRUNCATE ON %I
             FOR EACH STATEMENT EXECUTE FUNCTION shops_record_is_only_added_to()',
            guarded || '_never_emptied', guarded);
    END LOOP;
END $$;

SELECT shops_guard_history(
    'shops', ARRAY['shops_correction', 'shops_productcorrection', 'shops_depositentry', 'shops_settlement']);
"""

# Here as in all guards: with a function go its triggers.
NO_GUARDS = """
DROP FUNCTION shops_guard_history(text, text[]), shops_record_is_only_added_to() CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("shops", "0001_initial")]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
