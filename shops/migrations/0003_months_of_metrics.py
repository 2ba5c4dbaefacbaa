"""Metrics come and go by the month. The application has no DDL: functions make and drop the partitions."""

from django.db import migrations

MONTHS = """
-- The partition of a month of what is measured daily. Safe to call again and at once; the owner alone can.
CREATE FUNCTION shops_make_month_of(parent text, any_day date) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    first date := date_trunc('month', any_day)::date;
    name text := parent || '_' || to_char(any_day, 'YYYYMM');
BEGIN
    IF to_regclass('public.' || name) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(7306002);
    IF to_regclass('public.' || name) IS NOT NULL THEN
        RETURN;
    END IF;
    -- Made beside and attached: PARTITION OF would lock everybody out of all months until the import commits.
    EXECUTE format(
        'CREATE TABLE public.%I (LIKE public.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name, parent);
    EXECUTE format(
        'ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
        parent, name, first, (first + interval '1 month')::date);
END $$;

CREATE FUNCTION shops_make_month(any_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM shops_make_month_of('shops_shopmetrics', any_day);
END $$;

CREATE FUNCTION shops_make_product_month(any_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM shops_make_month_of('shops_productmetrics', any_day);
END $$;

-- The months that end before a day are given up, of shops and of products. Returns how many months.
-- The running month and three before it are given up for nobody: it runs with its owner's rights, and who has
-- taken the application's role is to find the metrics still there that the desk decides by.
CREATE FUNCTION shops_drop_months_before(first_kept date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    month text;
    dropped text[] := '{}';
BEGIN
    IF first_kept > date_trunc('month', now() AT TIME ZONE 'Asia/Shanghai') - interval '3 months' THEN
        RAISE EXCEPTION 'metrics of the last three months are kept, and those before % are not all older',
            first_kept
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

-- Which shops a day's file spoke of: numbers hardly compress, and trying takes longer than all the rest.
ALTER TABLE shops_coverage ALTER COLUMN records SET STORAGE EXTERNAL;
"""

NO_MONTHS = """
DROP FUNCTION
    shops_drop_months_before(date),
    shops_make_product_month(date),
    shops_make_month(date),
    shops_make_month_of(text, date);
"""


class Migration(migrations.Migration):
    dependencies = [("shops", "0002_guards_of_history")]

    operations = [migrations.RunSQL(MONTHS, NO_MONTHS)]
