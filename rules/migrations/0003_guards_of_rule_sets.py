"""A rule set that is submitted is untouched, what is published went all the way, and never changes."""

from django.db import migrations

GUARDS = """
CREATE FUNCTION rules_published_set_never_changes() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF OLD.published_at IS NOT NULL THEN
        RAISE EXCEPTION 'rule set %: published sets never change', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.submitted_at IS NOT NULL AND NEW.submitted_at IS NOT NULL
       AND (NEW.mode, NEW.alliance_id, NEW.subject, NEW.purpose, NEW.simulation_id, NEW.submitted_by_id)
           IS DISTINCT FROM
           (OLD.mode, OLD.alliance_id, OLD.subject, OLD.purpose, OLD.simulation_id, OLD.submitted_by_id) THEN
        RAISE EXCEPTION 'rule set %: submitted sets never change', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER rules_published_set_never_changes BEFORE UPDATE OR DELETE ON rules_ruleset
    FOR EACH ROW EXECUTE FUNCTION rules_published_set_never_changes();

-- Locked, so that no rule changes beside a submission or a publication that is under way.
CREATE FUNCTION rules_set_is_open(of_set bigint) RETURNS boolean
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    closed boolean;
BEGIN
    SELECT published_at IS NOT NULL OR submitted_at IS NOT NULL INTO closed
    FROM rules_ruleset WHERE id = of_set FOR SHARE;
    RETURN closed IS NOT TRUE;
END $$;

CREATE FUNCTION rules_rule_of_a_published_set_never_changes() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND NOT rules_set_is_open(OLD.rule_set_id)
       OR TG_OP <> 'DELETE' AND NOT rules_set_is_open(NEW.rule_set_id) THEN
        RAISE EXCEPTION 'rules of a submitted or published set never change'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER rules_rule_of_a_published_set_never_changes BEFORE INSERT OR UPDATE OR DELETE ON rules_rule
    FOR EACH ROW EXECUTE FUNCTION rules_rule_of_a_published_set_never_changes();

CREATE FUNCTION rules_alternative_of_a_published_set_never_changes() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    of_set bigint;
BEGIN
    FOR of_set IN
        SELECT rule_set_id FROM rules_rule
        WHERE TG_OP <> 'INSERT' AND id = OLD.rule_id OR TG_OP <> 'DELETE' AND id = NEW.rule_id
    LOOP
        IF NOT rules_set_is_open(of_set) THEN
            RAISE EXCEPTION 'rules of a submitted or published set never change'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END LOOP;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER rules_alternative_of_a_published_set_never_changes
    BEFORE INSERT OR UPDATE OR DELETE ON rules_alternative
    FOR EACH ROW EXECUTE FUNCTION rules_alternative_of_a_published_set_never_changes();

-- Whoever owns the table installs: what every installation has was published by nobody here.
CREATE FUNCTION rules_is_installing(of_table oid) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)
    FROM pg_class WHERE oid = of_table
$$;

CREATE FUNCTION rules_set_is_published_from_its_submission() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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
"""

NO_GUARDS = """
DROP FUNCTION
    rules_set_is_published_from_its_submission(),
    rules_is_installing(oid),
    rules_alternative_of_a_published_set_never_changes(),
    rules_rule_of_a_published_set_never_changes(),
    rules_set_is_open(bigint),
    rules_published_set_never_changes()
    CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("rules", "0002_guards_of_history")]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
