"""What the database itself refuses, whoever asks, and the partitions it makes."""

from django.db import migrations

GUARDS = """
CREATE FUNCTION shops_record_is_only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%: % is refused, this record is only ever added to', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

-- Every history table and every append-only table of an app. Called again whenever one is added.
CREATE FUNCTION shops_guard_history(app text, others text[] DEFAULT '{}') RETURNS void LANGUAGE plpgsql AS $$
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

SELECT shops_guard_history('shops', ARRAY['shops_correction']);

CREATE FUNCTION shops_opening_number_and_date_never_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.enrollment_id <> OLD.enrollment_id OR NEW.number <> OLD.number
       OR NEW.opened_on IS DISTINCT FROM OLD.opened_on THEN
        RAISE EXCEPTION 'opening %: its number and date never change', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER shops_opening_number_and_date_never_change BEFORE UPDATE ON shops_opening
    FOR EACH ROW EXECUTE FUNCTION shops_opening_number_and_date_never_change();

CREATE FUNCTION shops_opening_stays_within_the_limit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    allowed integer;
BEGIN
    SELECT a.openings_limit INTO allowed
    FROM shops_enrollment e JOIN shops_alliance a ON a.id = e.alliance_id
    WHERE e.id = NEW.enrollment_id;
    IF NEW.number > allowed THEN
        RAISE EXCEPTION 'opening % of enrollment %: only % are allowed', NEW.number, NEW.enrollment_id, allowed
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_opening_stays_within_the_limit';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER shops_opening_stays_within_the_limit BEFORE INSERT ON shops_opening
    FOR EACH ROW EXECUTE FUNCTION shops_opening_stays_within_the_limit();

-- The application has no DDL: this is how it gets the partition of a month. Safe to call again and at once.
CREATE FUNCTION shops_make_month(any_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    first date := date_trunc('month', any_day)::date;
    name text := 'shops_shopmetrics_' || to_char(any_day, 'YYYYMM');
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
        'CREATE TABLE public.%I (LIKE public.shops_shopmetrics INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
    EXECUTE format(
        'ALTER TABLE public.shops_shopmetrics ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
        name, first, (first + interval '1 month')::date);
END $$;
"""

NO_GUARDS = """
DROP FUNCTION shops_make_month(date);
DROP TRIGGER shops_opening_stays_within_the_limit ON shops_opening;
DROP FUNCTION shops_opening_stays_within_the_limit();
DROP TRIGGER shops_opening_number_and_date_never_change ON shops_opening;
DROP FUNCTION shops_opening_number_and_date_never_change();
DROP FUNCTION shops_guard_history(text, text[]);
DROP FUNCTION shops_record_is_only_added_to() CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("shops", "0001_initial")]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
