"""What was filed never changes, nor by whom, nor on what, nor which penalty came of it, nor who released the check
that filed it: appeals keep them from judging.
"""

from django.db import migrations

GUARDS = """
CREATE FUNCTION rules_proposal_evidence_never_changes() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.evidence IS DISTINCT FROM OLD.evidence OR NEW.shop_id <> OLD.shop_id OR NEW.kind <> OLD.kind
       OR NEW.product_id IS DISTINCT FROM OLD.product_id OR NEW.alliance_id <> OLD.alliance_id
       OR NEW.day <> OLD.day THEN
        RAISE EXCEPTION 'proposal %: what was filed never changes', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rules_proposal_evidence_never_changes BEFORE UPDATE ON rules_proposal
    FOR EACH ROW EXECUTE FUNCTION rules_proposal_evidence_never_changes();

CREATE FUNCTION rules_proposal_keeps_who_proposed() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'proposal %: who or what filed it, and which penalty came of it, never changes', OLD.id
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'rules_proposal_keeps_who_proposed';
END $$;
CREATE TRIGGER rules_proposal_keeps_who_proposed BEFORE UPDATE ON rules_proposal FOR EACH ROW
    WHEN ((NEW.filed_by_id, NEW.sweep_id, NEW.case_id)
          IS DISTINCT FROM (OLD.filed_by_id, OLD.sweep_id, OLD.case_id)
          OR OLD.penalty_id IS NOT NULL AND NEW.penalty_id IS DISTINCT FROM OLD.penalty_id)
    EXECUTE FUNCTION rules_proposal_keeps_who_proposed();

CREATE FUNCTION rules_sweep_that_has_filed_keeps_who_released_it() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM rules_proposal WHERE sweep_id = OLD.id;
    IF FOUND THEN
        RAISE EXCEPTION 'daily check %: it has filed, and who released it never changes', OLD.id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'rules_sweep_that_has_filed_keeps_who_released_it';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rules_sweep_that_has_filed_keeps_who_released_it BEFORE UPDATE ON rules_sweep FOR EACH ROW
    WHEN (OLD.status = 'done' AND (NEW.ruled_at, NEW.ruled_by_id, NEW.ruling)
          IS DISTINCT FROM (OLD.ruled_at, OLD.ruled_by_id, OLD.ruling))
    EXECUTE FUNCTION rules_sweep_that_has_filed_keeps_who_released_it();
"""

NO_GUARDS = """
DROP FUNCTION rules_sweep_that_has_filed_keeps_who_released_it(), rules_proposal_keeps_who_proposed(), rules_proposal_evidence_never_changes() CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("rules", "0005_guards_of_simulations")]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
