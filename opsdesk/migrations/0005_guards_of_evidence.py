"""Evidence comes while an appeal is open, stays as it was, and is struck once, by nobody who had a part."""

from django.db import migrations

GUARDS = """
CREATE FUNCTION opsdesk_evidence_comes_while_its_appeal_is_open() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.struck_at IS NOT NULL THEN
        RAISE EXCEPTION 'evidence of appeal %: it is not struck as it comes', NEW.appeal_id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'opsdesk_evidence_is_not_struck_as_it_comes';
    END IF;
    IF NOT EXISTS (SELECT FROM opsdesk_appeal WHERE id = NEW.appeal_id
                   AND state IN ('filed', 'taken', 'waiting', 'answered')) THEN
        RAISE EXCEPTION 'evidence of appeal %: it is over', NEW.appeal_id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'opsdesk_evidence_comes_while_its_appeal_is_open';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER opsdesk_evidence_comes_while_its_appeal_is_open BEFORE INSERT ON opsdesk_evidence
    FOR EACH ROW EXECUTE FUNCTION opsdesk_evidence_comes_while_its_appeal_is_open();

CREATE FUNCTION opsdesk_evidence_is_struck_once_and_never_replaced() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    -- What it answers is said of it, and no part of it.
    IF to_jsonb(NEW) - ARRAY['struck_at', 'struck_by_id', 'struck_reason', 'item_en', 'item_zh']
       <> to_jsonb(OLD) - ARRAY['struck_at', 'struck_by_id', 'struck_reason', 'item_en', 'item_zh'] THEN
        RAISE EXCEPTION 'evidence %: it is never replaced', OLD.id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'opsdesk_evidence_is_never_replaced';
    END IF;
    IF OLD.struck_at IS NOT NULL THEN
        RAISE EXCEPTION 'evidence %: it was struck and stays struck', OLD.id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'opsdesk_evidence_is_struck_once';
    END IF;
    IF NOT EXISTS (SELECT FROM opsdesk_appeal WHERE id = OLD.appeal_id
                   AND state IN ('filed', 'taken', 'waiting', 'answered')) THEN
        RAISE EXCEPTION 'evidence of appeal %: it is over', OLD.appeal_id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'opsdesk_evidence_changes_while_its_appeal_is_open';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER opsdesk_evidence_is_struck_once_and_never_replaced BEFORE UPDATE ON opsdesk_evidence
    FOR EACH ROW EXECUTE FUNCTION opsdesk_evidence_is_struck_once_and_never_replaced();

CREATE FUNCTION opsdesk_evidence_is_struck_by_nobody_who_took_part() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF opsdesk_had_a_part(NEW.appeal_id, NEW.struck_by_id) THEN
        RAISE EXCEPTION 'evidence %: user % had a part in what it contests', NEW.id, NEW.struck_by_id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'opsdesk_evidence_is_struck_by_nobody_who_took_part';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER opsdesk_evidence_is_struck_by_nobody_who_took_part BEFORE UPDATE ON opsdesk_evidence
    FOR EACH ROW WHEN (NEW.struck_by_id IS DISTINCT FROM OLD.struck_by_id)
    EXECUTE FUNCTION opsdesk_evidence_is_struck_by_nobody_who_took_part();

CREATE TRIGGER opsdesk_evidence_is_kept BEFORE DELETE ON opsdesk_evidence
    FOR EACH ROW EXECUTE FUNCTION shops_record_is_only_added_to();
CREATE TRIGGER opsdesk_evidence_is_never_emptied BEFORE TRUNCATE ON opsdesk_evidence
    FOR EACH STATEMENT EXECUTE FUNCTION shops_record_is_only_added_to();
"""

NO_GUARDS = """
DROP TRIGGER opsdesk_evidence_is_never_emptied ON opsdesk_evidence;
DROP TRIGGER opsdesk_evidence_is_kept ON opsdesk_evidence;
DROP FUNCTION
    opsdesk_evidence_is_struck_by_nobody_who_took_part(),
    opsdesk_evidence_is_struck_once_and_never_replaced(),
    opsdesk_evidence_comes_while_its_appeal_is_open()
    CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("opsdesk", "0004_guards_of_appeals")]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
