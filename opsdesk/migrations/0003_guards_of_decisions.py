"""Who had a part in a decision; that its verdict never changes, nor what an execution is of; that what was accepted
is asked of the platform, and a notice says what it said, and for how long a shop may appeal.
"""

from django.db import migrations

GUARDS = """
CREATE FUNCTION opsdesk_decision_verdict_never_changes() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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

CREATE FUNCTION opsdesk_execution_is_of_what_is_to_be_done() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.decision_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM opsdesk_decision d JOIN rules_proposal p ON p.id = d.proposal_id
        WHERE d.id = NEW.decision_id AND d.verdict = 'accepted'
          AND (p.shop_id, p.product_id, p.alliance_id, p.kind, p.penalty_id)
              IS NOT DISTINCT FROM (NEW.shop_id, NEW.product_id, NEW.alliance_id, NEW.kind, NEW.penalty_id)
    ) OR NEW.decision_id IS NULL AND NOT EXISTS (
        SELECT FROM shops_penalty p
        WHERE p.id = NEW.penalty_id AND NEW.kind = 'penalise'
          AND (p.shop_id, p.product_id, p.alliance_id)
              IS NOT DISTINCT FROM (NEW.shop_id, NEW.product_id, NEW.alliance_id)
    ) THEN
        RAISE EXCEPTION 'execution %: nobody has decided that', NEW.id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'opsdesk_execution_is_of_what_is_to_be_done';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER opsdesk_execution_is_of_what_is_to_be_done BEFORE INSERT ON opsdesk_execution
    FOR EACH ROW EXECUTE FUNCTION opsdesk_execution_is_of_what_is_to_be_done();

CREATE FUNCTION opsdesk_decision_accepted_is_to_be_executed() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM opsdesk_execution e WHERE e.decision_id = NEW.id) THEN
        RAISE EXCEPTION 'decision %: accepted, and the platform is asked for nothing', NEW.id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'opsdesk_decision_accepted_is_to_be_executed';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER opsdesk_decision_accepted_is_to_be_executed AFTER INSERT ON opsdesk_decision
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.verdict = 'accepted')
    EXECUTE FUNCTION opsdesk_decision_accepted_is_to_be_executed();

CREATE FUNCTION opsdesk_execution_is_of_the_same_for_ever() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF (NEW.decision_id, NEW.penalty_id, NEW.shop_id, NEW.product_id, NEW.alliance_id, NEW.kind)
       IS DISTINCT FROM
       (OLD.decision_id, OLD.penalty_id, OLD.shop_id, OLD.product_id, OLD.alliance_id, OLD.kind)
    THEN
        RAISE EXCEPTION 'execution %: of what it is never changes', OLD.id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'opsdesk_execution_is_of_the_same_for_ever';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER opsdesk_execution_is_of_the_same_for_ever BEFORE UPDATE ON opsdesk_execution
    FOR EACH ROW EXECUTE FUNCTION opsdesk_execution_is_of_the_same_for_ever();

CREATE FUNCTION opsdesk_notice_that_was_written_never_changes() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF (NEW.penalty_id, NEW.appeal_id, NEW.text_zh, NEW.text_en, NEW.issuer_zh, NEW.issuer_en, NEW.contact_zh,
        NEW.contact_en, NEW.first_days, NEW.second_days, NEW.written_at)
       IS DISTINCT FROM
       (OLD.penalty_id, OLD.appeal_id, OLD.text_zh, OLD.text_en, OLD.issuer_zh, OLD.issuer_en, OLD.contact_zh,
        OLD.contact_en, OLD.first_days, OLD.second_days, OLD.written_at) THEN
        RAISE EXCEPTION 'notice %: what it says never changes', OLD.id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'opsdesk_notice_that_was_written_never_changes';
    END IF;
    -- What was on record stays in history; whoever changes it says so, and why.
    IF (OLD.delivered_at IS NOT NULL AND NEW.corrected_at IS NOT DISTINCT FROM OLD.corrected_at
        AND (NEW.delivered_at, NEW.channel, NEW.reference, NEW.delivery_recorded_by_id, NEW.corrected_because)
        IS DISTINCT FROM
        (OLD.delivered_at, OLD.channel, OLD.reference, OLD.delivery_recorded_by_id, OLD.corrected_because))
       OR (OLD.delivered_at IS NOT NULL AND NEW.delivered_at IS NULL)
       OR coalesce(NEW.corrected_at, '-infinity') < OLD.corrected_at THEN
        RAISE EXCEPTION 'notice %: its delivery is recorded once, or corrected for a reason', OLD.id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'opsdesk_notice_is_delivered_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER opsdesk_notice_that_was_written_never_changes BEFORE UPDATE ON opsdesk_notice
    FOR EACH ROW EXECUTE FUNCTION opsdesk_notice_that_was_written_never_changes();

-- By the columns of an appeal, which copies them.
CREATE FUNCTION opsdesk_parts_of(penalty bigint) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT jsonb_build_object('maker_id', p.imposed_by_id, 'approver_id', p.approved_by_id,
        'proposer_id', f.filed_by_id, 'reporter_id', p.reported_by_id, 'confirmer_id', p.confirmed_by_id,
        'case_maker_id', c.imposed_by_id, 'releaser_id', s.ruled_by_id)
    FROM shops_penalty p
    LEFT JOIN rules_proposal f ON f.penalty_id = p.id
    LEFT JOIN shops_penalty c ON c.id = f.case_id AND c.id <> p.id
    LEFT JOIN rules_sweep s ON s.id = f.sweep_id
    WHERE p.id = penalty
$$;

CREATE FUNCTION opsdesk_notice_window_is_moved_by_nobody_who_took_part() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.delivery_recorded_by_id
       IN (SELECT person::bigint FROM jsonb_each_text(opsdesk_parts_of(NEW.penalty_id)) AS t (part, person))
    THEN
        RAISE EXCEPTION 'notice %: user % had a part in what it tells', NEW.id, NEW.delivery_recorded_by_id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'opsdesk_notice_window_is_moved_by_nobody_who_took_part';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER opsdesk_notice_window_is_moved_by_nobody_who_took_part BEFORE UPDATE ON opsdesk_notice
    -- Earlier, or at all once it is over: deadlines.in_time and calendar.deadline, said once more.
    FOR EACH ROW WHEN (
        date_trunc('second', NEW.delivered_at) < date_trunc('second', OLD.delivered_at)
        OR (date_trunc('second', NEW.delivered_at) > date_trunc('second', OLD.delivered_at)
            AND date_trunc('second', NEW.corrected_at)
                > date_trunc('second', OLD.delivered_at) + make_interval(hours => 24 * OLD.first_days)))
    EXECUTE FUNCTION opsdesk_notice_window_is_moved_by_nobody_who_took_part();

CREATE FUNCTION opsdesk_notice_is_delivered_once_it_is_decided() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    earliest timestamptz;
BEGIN
    IF NEW.appeal_id IS NOT NULL THEN
        SELECT a.decided_at INTO earliest FROM opsdesk_appeal a WHERE a.id = NEW.appeal_id;
    ELSE
        -- What the platform has imposed, and a file has brought, the shop reads from the notice on: told_at.
        SELECT CASE WHEN p.batch_id IS NOT NULL AND p.imposed_by_id IS NULL
                    THEN greatest(p.imposed_at, NEW.written_at) ELSE p.imposed_at END
            INTO earliest FROM shops_penalty p WHERE p.id = NEW.penalty_id;
    END IF;
    IF date_trunc('second', NEW.delivered_at) < date_trunc('second', earliest) THEN
        RAISE EXCEPTION 'notice %: it was not delivered before it was decided', NEW.id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'opsdesk_notice_is_delivered_once_it_is_decided';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER opsdesk_notice_is_delivered_once_it_is_decided BEFORE INSERT OR UPDATE ON opsdesk_notice
    FOR EACH ROW WHEN (NEW.delivered_at IS NOT NULL)
    EXECUTE FUNCTION opsdesk_notice_is_delivered_once_it_is_decided();
"""

NO_GUARDS = """
DROP FUNCTION
    opsdesk_notice_is_delivered_once_it_is_decided(),
    opsdesk_notice_window_is_moved_by_nobody_who_took_part(),
    opsdesk_parts_of(bigint),
    opsdesk_notice_that_was_written_never_changes(),
    opsdesk_execution_is_of_the_same_for_ever(),
    opsdesk_execution_is_of_what_is_to_be_done(),
    opsdesk_decision_accepted_is_to_be_executed(),
    opsdesk_decision_verdict_never_changes()
    CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("opsdesk", "0002_guards_of_history")]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
