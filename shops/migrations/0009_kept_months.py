"""The running month and three before it are given up for nobody, whatever the application asks for."""

from django.db import migrations

# A function with its owner's rights: who has taken the application's role is to find the metrics still there that
# the desk decides by.
FLOOR = """
CREATE OR REPLACE FUNCTION shops_drop_months_before(first_kept date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    month text;
    dropped text[] := '{}';
BEGIN
    IF first_kept > date_trunc('month', now() AT TIME ZONE 'Asia/Shanghai') - interval '3 months' THEN
        RAISE EXCEPTION 'metrics of the last three months are kept, and those before % are not all older', first_kept
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    FOR month IN
        SELECT child.relname FROM pg_inherits
        JOIN pg_class child ON child.oid = inhrelid
        JOIN pg_class parent ON parent.oid = inhparent
        WHERE inhparent IN ('public.shops_shopmetrics'::regclass, 'public.shops_productmetrics'::regclass)
          AND child.relname ~ ('^' || parent.relname || '_[0-9]{6}$')
          AND to_date(right(child.relname, 6), 'YYYYMM') + interval '1 month' <= first_kept
    LOOP
        EXECUTE format('DROP TABLE public.%I', month);
        dropped := dropped || right(month, 6);
    END LOOP;
    RETURN (SELECT count(DISTINCT told) FROM unnest(dropped) told);
END $$;
"""
NO_FLOOR = FLOOR[: FLOOR.index("    IF first_kept")] + FLOOR[FLOOR.index("    FOR month IN") :]


class Migration(migrations.Migration):
    dependencies = [("shops", "0008_product_files")]

    operations = [migrations.RunSQL(FLOOR, NO_FLOOR)]
