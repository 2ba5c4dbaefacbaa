"""What is published went all the way; what was simulated, and what published metrics are called, stays."""

from django.db import migrations

GUARDS = """
-- Whoever owns the table installs: what every installation has was published by nobody here.
CREATE FUNCTION rules_is_installing(of_table oid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user) FROM pg_class WHERE oid = of_table
$$;

CREATE FUNCTION rules_set_is_published_from_its_submission() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF rules_is_installing(TG_RELID) THEN
        RETURN NEW;
    END IF;
    -- A submitted one has kept its rules since.
    IF TG_OP = 'INSERT' OR OLD.submitted_at IS NULL OR NEW.submitted_at IS NULL OR NEW.published_by_id IS NULL
       OR NOT EXISTS (SELECT FROM rules_simulation
                      WHERE id = NEW.simulation_id AND rule_set_id = NEW.id AND status = 'done')
       OR NOT EXISTS (SELECT FROM rules_rule WHERE rule_set_id = NEW.id AND metric <> '') THEN
        RAISE EXCEPTION 'rule set %: published is what was submitted, with its simulation and a rule to evaluate,'
            ' by somebody', NEW.id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'rules_set_is_published_from_its_submission';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rules_set_is_published_from_its_submission BEFORE UPDATE ON rules_ruleset
    FOR EACH ROW WHEN (OLD.published_at IS NULL AND NEW.published_at IS NOT NULL)
    EXECUTE FUNCTION rules_set_is_published_from_its_submission();
CREATE TRIGGER rules_set_does_not_begin_as_published BEFORE INSERT ON rules_ruleset
    FOR EACH ROW WHEN (NEW.published_at IS NOT NULL)
    EXECUTE FUNCTION rules_set_is_published_from_its_submission();

CREATE FUNCTION rules_simulation_that_is_done_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'simulation %: what is done never changes', OLD.id
        USING ERRCODE = 'integrity_constraint_violation',
              CONSTRAINT = 'rules_simulation_that_is_done_never_changes';
END $$;
CREATE TRIGGER rules_simulation_that_is_done_never_changes BEFORE UPDATE ON rules_simulation
    FOR EACH ROW WHEN (OLD.status = 'done')
    EXECUTE FUNCTION rules_simulation_that_is_done_never_changes();

-- Once for all rows of a statement: one simulation writes as many as there are shops. Deleted they are only with
-- their simulation, which no set was submitted with.
CREATE FUNCTION rules_changes_of_a_done_simulation_never_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE'
       OR TG_OP = 'INSERT' AND EXISTS (
            SELECT FROM rules_simulation WHERE status = 'done' AND id IN (SELECT simulation_id FROM told))
       OR TG_OP = 'DELETE' AND EXISTS (
            SELECT FROM rules_ruleset WHERE simulation_id IN (SELECT simulation_id FROM told)) THEN
        RAISE EXCEPTION 'what a simulation told never changes'
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'rules_changes_of_a_done_simulation_never_change';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER rules_changes_are_told_before_the_simulation_is_done
    AFTER INSERT ON rules_simulatedchange REFERENCING NEW TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION rules_changes_of_a_done_simulation_never_change();
CREATE TRIGGER rules_changes_of_a_simulation_never_change
    AFTER UPDATE ON rules_simulatedchange REFERENCING OLD TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION rules_changes_of_a_done_simulation_never_change();
CREATE TRIGGER rules_changes_that_a_submission_rests_on_are_kept
    AFTER DELETE ON rules_simulatedchange REFERENCING OLD TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION rules_changes_of_a_done_simulation_never_change();

CREATE OR REPLACE FUNCTION rules_metric_of_a_published_set_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.key, NEW.name_en, NEW.name_zh, NEW.type, NEW.minimum, NEW.maximum, NEW.knows_none_yet, NEW.window_days)
       IS DISTINCT FROM
       (OLD.key, OLD.name_en, OLD.name_zh, OLD.type, OLD.minimum, OLD.maximum, OLD.knows_none_yet, OLD.window_days)
       AND EXISTS (SELECT FROM rules_ruleset s
                   WHERE s.published_at IS NOT NULL AND OLD.key IN (SELECT rules_metrics_of(s.id))) THEN
        RAISE EXCEPTION 'metric %: a published rule set speaks of it, so what it measures and is called never changes', OLD.key
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'rules_metric_of_a_published_set_never_changes';
    END IF;
    RETURN NEW;
END $$;
"""

NO_GUARDS = """
CREATE OR REPLACE FUNCTION rules_metric_of_a_published_set_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.key, NEW.type, NEW.minimum, NEW.maximum, NEW.knows_none_yet, NEW.window_days)
       IS DISTINCT FROM
       (OLD.key, OLD.type, OLD.minimum, OLD.maximum, OLD.knows_none_yet, OLD.window_days)
       AND EXISTS (SELECT FROM rules_ruleset s
                   WHERE s.published_at IS NOT NULL AND OLD.key IN (SELECT rules_metrics_of(s.id))) THEN
        RAISE EXCEPTION 'metric %: a published rule set speaks of it, so what it measures never changes', OLD.key
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'rules_metric_of_a_published_set_never_changes';
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER rules_changes_that_a_submission_rests_on_are_kept ON rules_simulatedchange;
DROP TRIGGER rules_changes_of_a_simulation_never_change ON rules_simulatedchange;
DROP TRIGGER rules_changes_are_told_before_the_simulation_is_done ON rules_simulatedchange;
DROP FUNCTION rules_changes_of_a_done_simulation_never_change();
DROP TRIGGER rules_simulation_that_is_done_never_changes ON rules_simulation;
DROP FUNCTION rules_simulation_that_is_done_never_changes();
DROP TRIGGER rules_set_does_not_begin_as_published ON rules_ruleset;
DROP TRIGGER rules_set_is_published_from_its_submission ON rules_ruleset;
DROP FUNCTION rules_set_is_published_from_its_submission();
DROP FUNCTION rules_is_installing(oid);
"""


class Migration(migrations.Migration):

    dependencies = [("rules", "0017_inputs_of_products"), ("shops", "0029_metric_names")]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
