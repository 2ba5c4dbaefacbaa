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

ITS_OWN_MEASURE = """
CREATE FUNCTION shops_depositentry_measure_is_of_its_shop() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM shops_measure m JOIN shops_penalty p ON p.id = m.penalty_id
        WHERE m.id = NEW.measure_id AND p.shop_id = NEW.shop_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'deposit entry of shop %: measure % is of no penalty of that shop',
            NEW.shop_id, NEW.measure_id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_depositentry_measure_is_of_its_shop';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER shops_depositentry_measure_is_of_its_shop BEFORE INSERT ON shops_depositentry
    FOR EACH ROW WHEN (NEW.measure_id IS NOT NULL)
    EXECUTE FUNCTION shops_depositentry_measure_is_of_its_shop();
"""

ANY_MEASURE = """
DROP TRIGGER shops_depositentry_measure_is_of_its_shop ON shops_depositentry;
DROP FUNCTION shops_depositentry_measure_is_of_its_shop();
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
        migrations.AddConstraint(
            model_name="depositentry",
            constraint=models.UniqueConstraint(
                fields=["measure"],
                condition=models.Q(kind="deduct"),
                name="shops_depositentry_measure_deducts_once",
            ),
        ),
        migrations.RunSQL(ITS_OWN_MEASURE, ANY_MEASURE),
    ]
