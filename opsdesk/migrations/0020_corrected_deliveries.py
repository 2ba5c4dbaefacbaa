"""A delivery that was recorded wrongly is corrected, for a reason."""

from django.db import migrations, models

GUARDS = """
CREATE OR REPLACE FUNCTION opsdesk_notice_that_was_written_never_changes() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF (NEW.penalty_id, NEW.text_zh, NEW.text_en, NEW.first_days, NEW.second_days, NEW.written_at)
       IS DISTINCT FROM
       (OLD.penalty_id, OLD.text_zh, OLD.text_en, OLD.first_days, OLD.second_days, OLD.written_at) THEN
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
"""
EARLIER = """
CREATE OR REPLACE FUNCTION opsdesk_notice_that_was_written_never_changes() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF (NEW.penalty_id, NEW.text_zh, NEW.text_en, NEW.first_days, NEW.second_days, NEW.written_at)
       IS DISTINCT FROM
       (OLD.penalty_id, OLD.text_zh, OLD.text_en, OLD.first_days, OLD.second_days, OLD.written_at) THEN
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
"""


class Migration(migrations.Migration):

    dependencies = [
        ('opsdesk', '0019_promised_windows'),
    ]

    operations = [
        migrations.AddField(
            model_name='notice',
            name='corrected_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='delivery corrected at'),
        ),
        migrations.AddField(
            model_name='notice',
            name='corrected_because',
            field=models.TextField(blank=True, default='', verbose_name='delivery corrected because'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='historicalnotice',
            name='corrected_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='delivery corrected at'),
        ),
        migrations.AddField(
            model_name='historicalnotice',
            name='corrected_because',
            field=models.TextField(blank=True, default='', verbose_name='delivery corrected because'),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('corrected_at', None), ('corrected_because', '')), models.Q(('corrected_at__isnull', False), ('delivered_at__isnull', False), models.Q(('corrected_because', ''), _negated=True)), _connector='OR'), name='opsdesk_notice_delivery_is_corrected_for_a_reason'),
        ),
        migrations.RunSQL(GUARDS, EARLIER),
    ]
