"""Alternatives belong to their rules, and what a check went by is only added to."""

from django.db import migrations

GUARDS = """
SELECT shops_guard_history('rules', ARRAY['rules_retirement', 'rules_sweepinput']);

CREATE FUNCTION rules_alternative_of_a_published_set_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM rules_rule r JOIN rules_ruleset s ON s.id = r.rule_set_id
        WHERE s.published_at IS NOT NULL
          AND (TG_OP <> 'INSERT' AND r.id = OLD.rule_id OR TG_OP <> 'DELETE' AND r.id = NEW.rule_id)
    ) THEN
        RAISE EXCEPTION 'rules of a published set never change'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER rules_alternative_of_a_published_set_never_changes
    BEFORE INSERT OR UPDATE OR DELETE ON rules_alternative
    FOR EACH ROW EXECUTE FUNCTION rules_alternative_of_a_published_set_never_changes();
"""

NO_GUARDS = """
DROP TRIGGER rules_alternative_of_a_published_set_never_changes ON rules_alternative;
DROP FUNCTION rules_alternative_of_a_published_set_never_changes();
"""


class Migration(migrations.Migration):
    dependencies = [("rules", "0005_rule_book")]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
