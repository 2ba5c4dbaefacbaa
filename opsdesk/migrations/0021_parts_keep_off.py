"""Whoever had a part in a decision strikes no evidence against it, and ends no window earlier, by SQL either."""

from __future__ import annotations

from django.db import migrations

GUARDS = """
CREATE FUNCTION opsdesk_evidence_is_struck_by_nobody_who_took_part() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM opsdesk_appeal a WHERE a.id = NEW.appeal_id
        AND NEW.struck_by_id IN (a.maker_id, a.approver_id, a.proposer_id, a.reporter_id, a.first_judge_id);
    IF FOUND THEN
        RAISE EXCEPTION 'evidence %: user % had a part in what it contests', NEW.id, NEW.struck_by_id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'opsdesk_evidence_is_struck_by_nobody_who_took_part';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER opsdesk_evidence_is_struck_by_nobody_who_took_part BEFORE UPDATE ON opsdesk_evidence
    FOR EACH ROW WHEN (NEW.struck_by_id IS DISTINCT FROM OLD.struck_by_id)
    EXECUTE FUNCTION opsdesk_evidence_is_struck_by_nobody_who_took_part();

CREATE FUNCTION opsdesk_notice_window_ends_earlier_for_nobody_who_took_part() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM shops_penalty p LEFT JOIN rules_proposal f ON f.penalty_id = p.id
        WHERE p.id = NEW.penalty_id AND NEW.delivery_recorded_by_id
            IN (p.imposed_by_id, p.approved_by_id, p.reported_by_id, f.filed_by_id);
    IF FOUND THEN
        RAISE EXCEPTION 'notice %: user % had a part in what it tells', NEW.id, NEW.delivery_recorded_by_id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'opsdesk_notice_window_ends_earlier_for_nobody_who_took_part';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER opsdesk_notice_window_ends_earlier_for_nobody_who_took_part BEFORE UPDATE ON opsdesk_notice
    FOR EACH ROW WHEN (NEW.delivered_at < OLD.delivered_at)
    EXECUTE FUNCTION opsdesk_notice_window_ends_earlier_for_nobody_who_took_part();
"""
NO_GUARDS = """
DROP TRIGGER opsdesk_notice_window_ends_earlier_for_nobody_who_took_part ON opsdesk_notice;
DROP FUNCTION opsdesk_notice_window_ends_earlier_for_nobody_who_took_part();
DROP TRIGGER opsdesk_evidence_is_struck_by_nobody_who_took_part ON opsdesk_evidence;
DROP FUNCTION opsdesk_evidence_is_struck_by_nobody_who_took_part();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("opsdesk", "0020_corrected_deliveries"),
        ("rules", "0022_proposers_for_good"),
    ]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
