"""How long a shop may appeal stays as it was promised by the notice or the ruling."""

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
    IF OLD.delivered_at IS NOT NULL AND (NEW.delivered_at, NEW.channel, NEW.reference)
       IS DISTINCT FROM (OLD.delivered_at, OLD.channel, OLD.reference) THEN
        RAISE EXCEPTION 'notice %: its delivery is recorded once', OLD.id
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
"""


class Migration(migrations.Migration):

    dependencies = [
        ('opsdesk', '0018_part_of_reporting'),
    ]

    operations = [
        migrations.AddField(
            model_name='notice',
            name='first_days',
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='days for a first appeal'),
        ),
        migrations.AddField(
            model_name='notice',
            name='second_days',
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='days for a second appeal'),
        ),
        migrations.AddField(
            model_name='historicalnotice',
            name='first_days',
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='days for a first appeal'),
        ),
        migrations.AddField(
            model_name='historicalnotice',
            name='second_days',
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='days for a second appeal'),
        ),
        migrations.AddField(
            model_name='appeal',
            name='next_until',
            field=models.DateTimeField(blank=True, help_text="Until when the shop may go to the next level. Empty: it can't.", null=True, verbose_name='next level until'),
        ),
        migrations.AddField(
            model_name='historicalappeal',
            name='next_until',
            field=models.DateTimeField(blank=True, help_text="Until when the shop may go to the next level. Empty: it can't.", null=True, verbose_name='next level until'),
        ),
        migrations.RunSQL(GUARDS, EARLIER),
    ]
