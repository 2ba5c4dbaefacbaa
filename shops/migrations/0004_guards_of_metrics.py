"""What a declared metric measures and is called stays as it was declared, once figures came in under it."""

from django.db import migrations

GUARDS = """
CREATE FUNCTION shops_declaredmetric_with_figures_never_changes() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    -- The names as well: by them files bring a metric.
    IF (NEW.key, NEW.name_en, NEW.name_zh, NEW.type, NEW.minimum, NEW.maximum, NEW.knows_none_yet,
        NEW.window_days)
       IS DISTINCT FROM
       (OLD.key, OLD.name_en, OLD.name_zh, OLD.type, OLD.minimum, OLD.maximum, OLD.knows_none_yet,
        OLD.window_days)
       -- Also of an import that was reversed: corrections and evidence still tell of its figures.
       AND EXISTS (SELECT FROM shops_importbatch
                   WHERE kind = 'metrics' AND state IN ('applied', 'reversed')
                     AND OLD.key = ANY (declared)) THEN
        RAISE EXCEPTION 'metric %: figures were imported under it, so what it measures and is called never changes',
            OLD.key
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_declaredmetric_with_figures_never_changes';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER shops_declaredmetric_with_figures_never_changes BEFORE UPDATE ON shops_declaredmetric
    FOR EACH ROW EXECUTE FUNCTION shops_declaredmetric_with_figures_never_changes();

CREATE FUNCTION shops_declaredmetric_is_kept_and_stays_retired() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE'
       OR (OLD.retired_on IS NOT NULL AND NEW.retired_on IS DISTINCT FROM OLD.retired_on) THEN
        RAISE EXCEPTION 'metric %: declared metrics are never deleted, and stay retired', OLD.key
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_declaredmetric_is_kept_and_stays_retired';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER shops_declaredmetric_is_kept_and_stays_retired BEFORE UPDATE OR DELETE ON shops_declaredmetric
    FOR EACH ROW EXECUTE FUNCTION shops_declaredmetric_is_kept_and_stays_retired();
"""

NO_GUARDS = """
DROP FUNCTION
    shops_declaredmetric_is_kept_and_stays_retired(),
    shops_declaredmetric_with_figures_never_changes()
    CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("shops", "0003_months_of_metrics")]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
