"""What a published rule set speaks of stays what it was, and it speaks of nothing that is retired."""

from django.db import migrations

GUARDS = """
CREATE FUNCTION rules_metrics_of(of_set bigint) RETURNS SETOF text
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT unnest(ARRAY[r.metric, r.sample_metric, a.metric])
    FROM rules_rule r LEFT JOIN rules_alternative a ON a.rule_id = r.id WHERE r.rule_set_id = of_set
$$;

CREATE FUNCTION rules_metric_of_a_published_set_never_changes() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF (NEW.key, NEW.name_en, NEW.name_zh, NEW.type, NEW.minimum, NEW.maximum, NEW.knows_none_yet,
        NEW.window_days)
       IS DISTINCT FROM
       (OLD.key, OLD.name_en, OLD.name_zh, OLD.type, OLD.minimum, OLD.maximum, OLD.knows_none_yet,
        OLD.window_days)
       AND EXISTS (SELECT FROM rules_ruleset s
                   WHERE s.published_at IS NOT NULL AND OLD.key IN (SELECT rules_metrics_of(s.id))) THEN
        RAISE EXCEPTION 'metric %: a published rule set speaks of it, so what it measures and is called never changes',
            OLD.key
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'rules_metric_of_a_published_set_never_changes';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rules_metric_of_a_published_set_never_changes BEFORE UPDATE ON shops_declaredmetric
    FOR EACH ROW EXECUTE FUNCTION rules_metric_of_a_published_set_never_changes();

-- Locked, so that none is defined anew or retired beside a publication that is under way.
CREATE FUNCTION rules_published_set_speaks_of_no_retired_metric() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    spoken_of record;
BEGIN
    FOR spoken_of IN
        SELECT key, retired_on FROM shops_declaredmetric
        WHERE key IN (SELECT rules_metrics_of(NEW.id)) ORDER BY id FOR SHARE
    LOOP
        IF spoken_of.retired_on IS NOT NULL THEN
            RAISE EXCEPTION 'rule set %: metric % is retired', NEW.id, spoken_of.key
                USING ERRCODE = 'integrity_constraint_violation',
                      CONSTRAINT = 'rules_published_set_speaks_of_no_retired_metric';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
CREATE TRIGGER rules_published_set_speaks_of_no_retired_metric BEFORE UPDATE ON rules_ruleset
    FOR EACH ROW WHEN (OLD.published_at IS NULL AND NEW.published_at IS NOT NULL)
    EXECUTE FUNCTION rules_published_set_speaks_of_no_retired_metric();
"""

NO_GUARDS = """
DROP FUNCTION
    rules_published_set_speaks_of_no_retired_metric(),
    rules_metric_of_a_published_set_never_changes(),
    rules_metrics_of(bigint)
    CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("rules", "0003_guards_of_rule_sets")]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
