"""By its names files bring a metric: they stay as well, once figures came in under it."""

from django.db import migrations

GUARDS = """
CREATE OR REPLACE FUNCTION shops_declaredmetric_with_figures_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.key, NEW.name_en, NEW.name_zh, NEW.type, NEW.minimum, NEW.maximum, NEW.knows_none_yet, NEW.window_days)
       IS DISTINCT FROM
       (OLD.key, OLD.name_en, OLD.name_zh, OLD.type, OLD.minimum, OLD.maximum, OLD.knows_none_yet, OLD.window_days)
       -- Also of an import that was reversed: corrections and evidence still tell of its figures.
       AND EXISTS (SELECT FROM shops_importbatch
                   WHERE kind = 'metrics' AND state IN ('applied', 'reversed') AND OLD.key = ANY (declared)) THEN
        RAISE EXCEPTION 'metric %: figures were imported under it, so what it measures and is called never changes', OLD.key
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_declaredmetric_with_figures_never_changes';
    END IF;
    RETURN NEW;
END $$;
"""

NO_GUARDS = """
CREATE OR REPLACE FUNCTION shops_declaredmetric_with_figures_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.key, NEW.type, NEW.minimum, NEW.maximum, NEW.knows_none_yet, NEW.window_days)
       IS DISTINCT FROM
       (OLD.key, OLD.type, OLD.minimum, OLD.maximum, OLD.knows_none_yet, OLD.window_days)
       -- Also of an import that was reversed: corrections and evidence still tell of its figures.
       AND EXISTS (SELECT FROM shops_importbatch
                   WHERE kind = 'metrics' AND state IN ('applied', 'reversed') AND OLD.key = ANY (declared)) THEN
        RAISE EXCEPTION 'metric %: figures were imported under it, so what it measures never changes', OLD.key
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_declaredmetric_with_figures_never_changes';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [("shops", "0026_penalty_files")]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
