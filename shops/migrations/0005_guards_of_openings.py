"""An opening keeps its number and date, and no shop has more of them than its alliance allows (DF-A12)."""

from django.db import migrations

GUARDS = """
-- The number of a void opening is gone; those after it move up by one.
CREATE FUNCTION shops_opening_number_and_date_never_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF OLD.voided_at IS NOT NULL OR NEW.enrollment_id <> OLD.enrollment_id
       OR NEW.opened_on IS DISTINCT FROM OLD.opened_on THEN
        RAISE EXCEPTION 'opening %: its number and date never change', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.voided_at IS NULL AND NEW.number = OLD.number
       OR NEW.voided_at IS NOT NULL AND EXISTS (
           SELECT FROM shops_opening o WHERE o.id = NEW.part_of_id
              AND o.enrollment_id = OLD.enrollment_id AND o.number = OLD.number - 1)
       OR NEW.voided_at IS NULL AND NEW.number = OLD.number - 1 AND EXISTS (
           SELECT FROM shops_opening o WHERE o.enrollment_id = OLD.enrollment_id
              AND o.voided_at IS NOT NULL) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'opening %: its number and date never change', OLD.id
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER shops_opening_number_and_date_never_change BEFORE UPDATE ON shops_opening
    FOR EACH ROW EXECUTE FUNCTION shops_opening_number_and_date_never_change();

CREATE FUNCTION shops_opening_stays_within_the_limit() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    allowed integer;
BEGIN
    SELECT a.openings_limit INTO allowed
    FROM shops_enrollment e JOIN shops_alliance a ON a.id = e.alliance_id
    WHERE e.id = NEW.enrollment_id;
    IF NEW.number > allowed THEN
        RAISE EXCEPTION 'opening % of enrollment %: only % are allowed',
            NEW.number, NEW.enrollment_id, allowed
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_opening_stays_within_the_limit';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER shops_opening_stays_within_the_limit BEFORE INSERT ON shops_opening
    FOR EACH ROW EXECUTE FUNCTION shops_opening_stays_within_the_limit();
"""

NO_GUARDS = """
DROP FUNCTION
    shops_opening_stays_within_the_limit(),
    shops_opening_number_and_date_never_change()
    CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("shops", "0004_guards_of_metrics")]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
