"""Who had a part in a decision stands in each appeal against it and speaks for no shop; what was filed stays.

That they judge no appeal and file none are constraints of the table.
"""

from django.db import migrations

GUARDS = """
CREATE FUNCTION opsdesk_parts_in(appeal opsdesk_appeal) RETURNS bigint[]
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT ARRAY[appeal.maker_id, appeal.approver_id, appeal.proposer_id, appeal.reporter_id,
        appeal.confirmer_id, appeal.case_maker_id, appeal.releaser_id, appeal.first_judge_id]
$$;
CREATE FUNCTION opsdesk_had_a_part(appeal bigint, person bigint) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM opsdesk_appeal a WHERE a.id = appeal AND person = ANY (opsdesk_parts_in(a)))
$$;

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
    NEW := jsonb_populate_record(NEW, opsdesk_parts_of(NEW.penalty_id));
    SELECT status INTO standing FROM shops_penalty WHERE id = NEW.penalty_id;
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
        NEW.late_admitted_by_id, NEW.late_reason, opsdesk_parts_in(NEW))
       IS DISTINCT FROM
       (OLD.penalty_id, OLD.level, OLD.channel, OLD.reference, OLD.filed_at, OLD.filed_by_id,
        OLD.late_admitted_by_id, OLD.late_reason, opsdesk_parts_in(OLD)) THEN
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

-- No statement, no answer and no evidence. Given is the column that names who wrote it.
CREATE FUNCTION opsdesk_appeal_shop_is_spoken_for_by_nobody_who_took_part() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    writer bigint := to_jsonb(NEW) ->> TG_ARGV[0];
BEGIN
    IF opsdesk_had_a_part(NEW.appeal_id, writer) THEN
        RAISE EXCEPTION 'appeal %: user % had a part in what it contests', NEW.appeal_id, writer
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'opsdesk_appeal_shop_is_spoken_for_by_nobody_who_took_part';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER opsdesk_evidence_is_added_by_nobody_who_took_part BEFORE INSERT ON opsdesk_evidence
    FOR EACH ROW EXECUTE FUNCTION opsdesk_appeal_shop_is_spoken_for_by_nobody_who_took_part('added_by_id');
CREATE TRIGGER opsdesk_appealmessage_of_the_shop_is_by_nobody_who_took_part
    BEFORE INSERT ON opsdesk_appealmessage
    FOR EACH ROW WHEN (NEW.kind IN ('statement', 'answer'))
    EXECUTE FUNCTION opsdesk_appeal_shop_is_spoken_for_by_nobody_who_took_part('by_id');
"""

NO_GUARDS = """
DROP FUNCTION
    opsdesk_appeal_shop_is_spoken_for_by_nobody_who_took_part(),
    opsdesk_appeal_moves_step_by_step(),
    opsdesk_appeal_copies_who_had_a_part(),
    opsdesk_had_a_part(bigint, bigint),
    opsdesk_parts_in(opsdesk_appeal)
    CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("opsdesk", "0003_guards_of_decisions")]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
