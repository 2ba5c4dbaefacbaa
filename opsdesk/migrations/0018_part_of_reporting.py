"""Who reported a case has a part in its decision: the trigger copies him, and he judges no appeal."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

GUARDS = """
CREATE OR REPLACE FUNCTION opsdesk_appeal_copies_who_had_a_part() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    standing text;
BEGIN
    IF NEW.state <> 'filed' THEN
        RAISE EXCEPTION 'appeal against penalty %: it begins as filed', NEW.penalty_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'opsdesk_appeal_begins_as_filed';
    END IF;
    SELECT p.status, p.imposed_by_id, p.approved_by_id, r.filed_by_id, p.reported_by_id
    INTO standing, NEW.maker_id, NEW.approver_id, NEW.proposer_id, NEW.reporter_id
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

CREATE OR REPLACE FUNCTION opsdesk_appeal_moves_step_by_step() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF (NEW.penalty_id, NEW.level, NEW.channel, NEW.reference, NEW.filed_at, NEW.filed_by_id,
        NEW.late_admitted_by_id, NEW.late_reason, NEW.maker_id, NEW.approver_id, NEW.proposer_id,
        NEW.reporter_id, NEW.first_judge_id)
       IS DISTINCT FROM
       (OLD.penalty_id, OLD.level, OLD.channel, OLD.reference, OLD.filed_at, OLD.filed_by_id,
        OLD.late_admitted_by_id, OLD.late_reason, OLD.maker_id, OLD.approver_id, OLD.proposer_id,
        OLD.reporter_id, OLD.first_judge_id) THEN
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
"""
EARLIER = """
CREATE OR REPLACE FUNCTION opsdesk_appeal_copies_who_had_a_part() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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

CREATE OR REPLACE FUNCTION opsdesk_appeal_moves_step_by_step() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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
"""


class Migration(migrations.Migration):

    dependencies = [
        ('opsdesk', '0013_lessened_measures'),
        ('shops', '0050_who_decided'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='appeal',
            name='reporter',
            field=models.ForeignKey(blank=True, help_text='Who brought it in with a file; empty where files come by themselves.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='reported by'),
        ),
        migrations.AddField(
            model_name='historicalappeal',
            name='reporter',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text='Who brought it in with a file; empty where files come by themselves.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='reported by'),
        ),
        migrations.AddConstraint(
            model_name='appeal',
            constraint=models.CheckConstraint(condition=models.Q(('decided_by', None), ('reporter', None), models.Q(('decided_by', models.F('reporter')), _negated=True), _connector='OR'), name='opsdesk_appeal_judge_is_not_the_reporter'),
        ),
        migrations.AddConstraint(
            model_name='appeal',
            constraint=models.CheckConstraint(condition=models.Q(('taken_by', None), ('reporter', None), models.Q(('taken_by', models.F('reporter')), _negated=True), _connector='OR'), name='opsdesk_appeal_is_not_taken_by_the_reporter'),
        ),
        migrations.RunSQL(GUARDS, EARLIER),
    ]
