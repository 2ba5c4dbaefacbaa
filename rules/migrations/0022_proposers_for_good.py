"""Who proposed by hand, and which penalty came of it, never changes: appeals keep them from judging."""

from __future__ import annotations

from django.db import migrations

GUARD = """
CREATE FUNCTION rules_proposal_keeps_who_proposed() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'proposal %: who filed it, and which penalty came of it, never changes', OLD.id
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'rules_proposal_keeps_who_proposed';
END $$;
CREATE TRIGGER rules_proposal_keeps_who_proposed BEFORE UPDATE ON rules_proposal FOR EACH ROW
    WHEN (NEW.filed_by_id IS DISTINCT FROM OLD.filed_by_id
          OR OLD.penalty_id IS NOT NULL AND NEW.penalty_id IS DISTINCT FROM OLD.penalty_id)
    EXECUTE FUNCTION rules_proposal_keeps_who_proposed();
"""
NO_GUARD = """
DROP TRIGGER rules_proposal_keeps_who_proposed ON rules_proposal;
DROP FUNCTION rules_proposal_keeps_who_proposed();
"""


class Migration(migrations.Migration):
    dependencies = [("rules", "0021_guards_read_public")]

    operations = [migrations.RunSQL(GUARD, NO_GUARD)]
