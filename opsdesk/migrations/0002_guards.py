"""A decision's verdict never changes, and history is only added to."""

from django.db import migrations

GUARDS = """
SELECT shops_guard_history('opsdesk');

CREATE FUNCTION opsdesk_decision_verdict_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.proposal_id <> OLD.proposal_id OR NEW.verdict <> OLD.verdict OR NEW.reason <> OLD.reason
       OR NEW.note <> OLD.note OR NEW.decided_at <> OLD.decided_at
       OR NEW.decided_by_id IS DISTINCT FROM OLD.decided_by_id THEN
        RAISE EXCEPTION 'decision %: its verdict never changes', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER opsdesk_decision_verdict_never_changes BEFORE UPDATE ON opsdesk_decision
    FOR EACH ROW EXECUTE FUNCTION opsdesk_decision_verdict_never_changes();
"""

NO_GUARDS = """
DROP TRIGGER opsdesk_decision_verdict_never_changes ON opsdesk_decision;
DROP FUNCTION opsdesk_decision_verdict_never_changes();
"""


class Migration(migrations.Migration):
    dependencies = [("opsdesk", "0001_initial"), ("shops", "0002_guards")]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
