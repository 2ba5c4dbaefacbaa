"""Who had a part in a decision judges no appeal against it; what was said and ruled stays; the terms."""

from django.db import migrations

GUARDS = """
SELECT shops_guard_history('opsdesk', ARRAY['opsdesk_appealmessage']);

-- Whatever the statement says of them: who had a part stands in the record of the decision.
CREATE FUNCTION opsdesk_appeal_copies_who_had_a_part() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    standing text;
BEGIN
    IF NEW.state <> 'filed' THEN
        RAISE EXCEPTION 'appeal against penalty %: it begins as filed', NEW.penalty_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'opsdesk_appeal_begins_as_filed';
    END IF;
    SELECT p.status, p.imposed_by_id, p.approved_by_id, r.filed_by_id
    INTO standing, NEW.maker_id, NEW.approver_id, NEW.proposer_id
    FROM shops_penalty p LEFT JOIN rules_proposal r ON r.penalty_id = p.id
    WHERE p.id = NEW.penalty_id;
    IF standing IN ('reported', 'overturned') THEN
        RAISE EXCEPTION 'appeal against penalty %: it is %', NEW.penalty_id, standing
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'opsdesk_appeal_is_against_a_penalty_that_was_imposed';
    END IF;
    NEW.first_judge_id := NULL;
    IF NEW.level = 2 THEN
        SELECT decided_by_id INTO NEW.first_judge_id FROM opsdesk_appeal
        WHERE penalty_id = NEW.penalty_id AND level = 1 AND state IN ('denied', 'granted_in_part');
        IF NEW.first_judge_id IS NULL THEN
            RAISE EXCEPTION 'appeal against penalty %: no first one was ruled on', NEW.penalty_id
                USING ERRCODE = 'integrity_constraint_violation',
                      CONSTRAINT = 'opsdesk_appeal_of_the_second_level_follows_a_first';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER opsdesk_appeal_copies_who_had_a_part BEFORE INSERT ON opsdesk_appeal
    FOR EACH ROW EXECUTE FUNCTION opsdesk_appeal_copies_who_had_a_part();

CREATE FUNCTION opsdesk_appeal_moves_step_by_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.penalty_id, NEW.level, NEW.channel, NEW.reference, NEW.filed_at, NEW.filed_by_id,
        NEW.late_admitted_by_id, NEW.late_reason, NEW.maker_id, NEW.approver_id, NEW.proposer_id,
        NEW.first_judge_id)
       IS DISTINCT FROM
       (OLD.penalty_id, OLD.level, OLD.channel, OLD.reference, OLD.filed_at, OLD.filed_by_id,
        OLD.late_admitted_by_id, OLD.late_reason, OLD.maker_id, OLD.approver_id, OLD.proposer_id,
        OLD.first_judge_id) THEN
        RAISE EXCEPTION 'appeal %: what was filed never changes', OLD.id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'opsdesk_appeal_that_was_filed_never_changes';
    END IF;
    IF OLD.state IN ('granted', 'granted_in_part', 'denied', 'withdrawn') THEN
        RAISE EXCEPTION 'appeal %: it is over and never changes', OLD.id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'opsdesk_appeal_that_is_over_never_changes';
    END IF;
    IF NEW.state <> OLD.state AND NOT (CASE OLD.state
        WHEN 'filed' THEN NEW.state IN ('taken', 'withdrawn')
        WHEN 'taken' THEN NEW.state <> 'answered'
        WHEN 'waiting' THEN NEW.state NOT IN ('filed', 'taken')
        WHEN 'answered' THEN NEW.state NOT IN ('filed', 'taken')
    END) THEN
        RAISE EXCEPTION 'appeal %: it does not go from % to %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'opsdesk_appeal_moves_step_by_step';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER opsdesk_appeal_moves_step_by_step BEFORE UPDATE ON opsdesk_appeal
    FOR EACH ROW EXECUTE FUNCTION opsdesk_appeal_moves_step_by_step();

CREATE FUNCTION opsdesk_notice_that_was_written_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.penalty_id, NEW.text_zh, NEW.text_en, NEW.written_at)
       IS DISTINCT FROM (OLD.penalty_id, OLD.text_zh, OLD.text_en, OLD.written_at) THEN
        RAISE EXCEPTION 'notice %: what it says never changes', OLD.id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'opsdesk_notice_that_was_written_never_changes';
    END IF;
    IF OLD.delivered_at IS NOT NULL AND (NEW.delivered_at, NEW.channel, NEW.reference)
       IS DISTINCT FROM (OLD.delivered_at, OLD.channel, OLD.reference) THEN
        RAISE EXCEPTION 'notice %: its delivery is recorded once', OLD.id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'opsdesk_notice_is_delivered_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER opsdesk_notice_that_was_written_never_changes BEFORE UPDATE ON opsdesk_notice
    FOR EACH ROW EXECUTE FUNCTION opsdesk_notice_that_was_written_never_changes();

INSERT INTO opsdesk_appealterms (id, first_days, second_days, answer_days, ruling_days, lease_hours)
VALUES (1, 30, 15, 3, 5, 24);
INSERT INTO opsdesk_historicalappealterms
    (id, first_days, second_days, answer_days, ruling_days, lease_hours,
     history_date, history_type, history_change_reason)
SELECT id, first_days, second_days, answer_days, ruling_days, lease_hours, now(), '+', 'shipped'
FROM opsdesk_appealterms;
"""

NO_GUARDS = """
DELETE FROM opsdesk_appealterms;
DROP TRIGGER opsdesk_notice_that_was_written_never_changes ON opsdesk_notice;
DROP FUNCTION opsdesk_notice_that_was_written_never_changes();
DROP TRIGGER opsdesk_appeal_moves_step_by_step ON opsdesk_appeal;
DROP FUNCTION opsdesk_appeal_moves_step_by_step();
DROP TRIGGER opsdesk_appeal_copies_who_had_a_part ON opsdesk_appeal;
DROP FUNCTION opsdesk_appeal_copies_who_had_a_part();
"""


class Migration(migrations.Migration):
    dependencies = [("opsdesk", "0007_appeals")]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
