"""What a simulation told, and a set was submitted with, stays."""

from django.db import migrations

GUARDS = """
CREATE FUNCTION rules_simulation_that_is_done_never_changes() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'simulation %: what is done never changes', OLD.id
        USING ERRCODE = 'integrity_constraint_violation',
              CONSTRAINT = 'rules_simulation_that_is_done_never_changes';
END $$;
CREATE TRIGGER rules_simulation_that_is_done_never_changes BEFORE UPDATE ON rules_simulation
    FOR EACH ROW WHEN (OLD.status = 'done')
    EXECUTE FUNCTION rules_simulation_that_is_done_never_changes();

-- Once for all rows of a statement: one simulation writes as many as there are shops. Deleted they are only
-- with their simulation, which no set was submitted with.
CREATE FUNCTION rules_changes_of_a_done_simulation_never_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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
"""

NO_GUARDS = """
DROP FUNCTION
    rules_changes_of_a_done_simulation_never_change(),
    rules_simulation_that_is_done_never_changes()
    CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("rules", "0004_guards_of_metrics")]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
