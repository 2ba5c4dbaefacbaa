"""Who had a part in a decision stands in each appeal against it and speaks for no shop; what was filed stays.

That they judge no appeal and file none are constraints of the table.
"""

from django.db import migrations

GUARDS = """
-- Whatever the statement says of them: who had a part stands in the record of the decision.
CREATE FUNCTION opsdesk_appeal_copies_who_had_a_part() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    standing text;
BEGIN
    IF NEW.state <> 'filed' THEN
        RAISE EXCEPTION 'appeal against penalty %: it begins as filed', NEW.penalty_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'opsdesk_appeal_begins_as_filed';
    END IF;
    SELECT p.status, p.imposed_by_id, p.approved_by_id, r.filed_by_id, p.reported_by_id,
        p.confirmed_by_id
    INTO standing, NEW.maker_id, NEW.approver_id, NEW.proposer_id, NEW.reporter_id, NEW.confirmer_id
    FROM shops_penalty p LEFT JOIN rules_proposal r ON r.penalty_id = p.id
    WHERE p.id = NEW.penalty_id;
    IF standing NOT IN ('imposed', 'lifted', 'expired') THEN
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

CREATE FUNCTION opsdesk_appeal_moves_step_by_step() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF (NEW.penalty_id, NEW.level, NEW.channel, NEW.reference, NEW.filed_at, NEW.filed_by_id,
        NEW.late_admitted_by_id, NEW.late_reason, NEW.maker_id, NEW.approver_id, NEW.proposer_id,
        NEW.reporter_id, NEW.confirmer_id, NEW.first_judge_id)
       IS DISTINCT FROM
       (OLD.penalty_id, OLD.level, OLD.channel, OLD.reference, OLD.filed_at, OLD.filed_by_id,
        OLD.late_admitted_by_id, OLD.late_reason, OLD.maker_id, OLD.approver_id, OLD.proposer_id,
        OLD.reporter_id, OLD.confirmer_id, OLD.first_judge_id) THEN
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

-- No statement and no answer, as a message or as evidence. Given is the column that names who wrote it.
CREATE FUNCTION opsdesk_appeal_shop_is_spoken_for_by_nobody_who_took_part() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    writer bigint := to_jsonb(NEW) ->> TG_ARGV[0];
BEGIN
    PERFORM FROM opsdesk_appeal a WHERE a.id = NEW.appeal_id
        AND writer IN (a.maker_id, a.approver_id, a.proposer_id, a.reporter_id, a.confirmer_id,
            a.first_judge_id);
    IF FOUND THEN
        RAISE EXCEPTION 'appeal %: user % had a part in what it contests', NEW.appeal_id, writer
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'opsdesk_appeal_shop_is_spoken_for_by_nobody_who_took_part';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER opsdesk_evidence_states_nothing_by_who_took_part BEFORE INSERT ON opsdesk_evidence
    FOR EACH ROW WHEN (NEW.kind = 'statement')
    EXECUTE FUNCTION opsdesk_appeal_shop_is_spoken_for_by_nobody_who_took_part('added_by_id');
CREATE TRIGGER opsdesk_appealmessage_of_the_shop_is_by_nobody_who_took_part
    BEFORE INSERT ON opsdesk_appealmessage
    FOR EACH ROW WHEN (NEW.kind IN ('statement', 'answer'))
    EXECUTE FUNCTION opsdesk_appeal_shop_is_spoken_for_by_nobody_who_took_part('by_id');
"""

NO_GUARDS = """
DROP FUNCTION
    opsdesk_appeal_shop_is_spoken_for_by_nobody_who_took_part(),
    opsdesk_appeal_moves_step_by_step(),
    opsdesk_appeal_copies_who_had_a_part()
    CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("opsdesk", "0003_guards_of_decisions")]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
