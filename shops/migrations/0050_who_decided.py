"""Who reported a case; who decided it, when and under what, never changes afterwards."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

GUARDS = """
CREATE FUNCTION shops_penalty_keeps_who_decided() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'penalty %: who reported or imposed it, when and under what, never changes', OLD.id
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'shops_penalty_keeps_who_decided';
END $$;
CREATE TRIGGER shops_penalty_keeps_who_reported BEFORE UPDATE ON shops_penalty FOR EACH ROW
    WHEN ((NEW.reported_at, NEW.reported_by_id) IS DISTINCT FROM (OLD.reported_at, OLD.reported_by_id))
    EXECUTE FUNCTION shops_penalty_keeps_who_decided();
CREATE TRIGGER shops_penalty_keeps_who_decided BEFORE UPDATE ON shops_penalty FOR EACH ROW
    WHEN (OLD.imposed_at IS NOT NULL
          AND (NEW.imposed_at, NEW.imposed_by_id, NEW.approved_by_id, NEW.violation_id, NEW.violation_version)
          IS DISTINCT FROM
          (OLD.imposed_at, OLD.imposed_by_id, OLD.approved_by_id, OLD.violation_id, OLD.violation_version))
    EXECUTE FUNCTION shops_penalty_keeps_who_decided();
"""
NO_GUARDS = """
DROP TRIGGER shops_penalty_keeps_who_decided ON shops_penalty;
DROP TRIGGER shops_penalty_keeps_who_reported ON shops_penalty;
DROP FUNCTION shops_penalty_keeps_who_decided();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('shops', '0052_shortages_met_by_what_comes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='historicalpenalty',
            name='reported_by',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text='Who brought it in with a file; empty where files come by themselves.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='reported by'),
        ),
        migrations.AddField(
            model_name='penalty',
            name='reported_by',
            field=models.ForeignKey(blank=True, help_text='Who brought it in with a file; empty where files come by themselves.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='reported by'),
        ),
        migrations.RunSQL(GUARDS, NO_GUARDS),
    ]
