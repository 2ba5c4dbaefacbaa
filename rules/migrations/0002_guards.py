"""A published rule set never changes, and history is only added to."""

from django.db import migrations

GUARDS = """
SELECT shops_guard_history('rules');

CREATE FUNCTION rules_published_set_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.published_at IS NOT NULL THEN
        RAISE EXCEPTION 'rule set %: published sets never change', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER rules_published_set_never_changes BEFORE UPDATE OR DELETE ON rules_ruleset
    FOR EACH ROW EXECUTE FUNCTION rules_published_set_never_changes();

CREATE FUNCTION rules_rule_of_a_published_set_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM rules_ruleset
        WHERE published_at IS NOT NULL
          AND (TG_OP <> 'INSERT' AND id = OLD.rule_set_id OR TG_OP <> 'DELETE' AND id = NEW.rule_set_id)
    ) THEN
        RAISE EXCEPTION 'rules of a published set never change'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER rules_rule_of_a_published_set_never_changes BEFORE INSERT OR UPDATE OR DELETE ON rules_rule
    FOR EACH ROW EXECUTE FUNCTION rules_rule_of_a_published_set_never_changes();

CREATE FUNCTION rules_proposal_evidence_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.evidence IS DISTINCT FROM OLD.evidence OR NEW.shop_id <> OLD.shop_id OR NEW.kind <> OLD.kind
       OR NEW.alliance_id <> OLD.alliance_id OR NEW.day <> OLD.day THEN
        RAISE EXCEPTION 'proposal %: what was filed never changes', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rules_proposal_evidence_never_changes BEFORE UPDATE ON rules_proposal
    FOR EACH ROW EXECUTE FUNCTION rules_proposal_evidence_never_changes();
"""

NO_GUARDS = """
DROP TRIGGER rules_proposal_evidence_never_changes ON rules_proposal;
DROP FUNCTION rules_proposal_evidence_never_changes();
DROP TRIGGER rules_rule_of_a_published_set_never_changes ON rules_rule;
DROP FUNCTION rules_rule_of_a_published_set_never_changes();
DROP TRIGGER rules_published_set_never_changes ON rules_ruleset;
DROP FUNCTION rules_published_set_never_changes();
"""


class Migration(migrations.Migration):
    dependencies = [("rules", "0001_initial"), ("shops", "0002_guards")]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
