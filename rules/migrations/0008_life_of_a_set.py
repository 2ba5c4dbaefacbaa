"""One draft at a time, published by somebody else, and untouched while it is submitted."""

from django.conf import settings
from django.db import migrations, models

GUARDS = """
CREATE OR REPLACE FUNCTION rules_published_set_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.published_at IS NOT NULL THEN
        RAISE EXCEPTION 'rule set %: published sets never change', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.submitted_at IS NOT NULL AND NEW.submitted_at IS NOT NULL
       AND (NEW.mode, NEW.alliance_id, NEW.subject, NEW.purpose, NEW.simulation_id, NEW.submitted_by_id)
           IS DISTINCT FROM
           (OLD.mode, OLD.alliance_id, OLD.subject, OLD.purpose, OLD.simulation_id, OLD.submitted_by_id) THEN
        RAISE EXCEPTION 'rule set %: submitted sets never change', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

-- Locked, so that no rule changes beside a submission or a publication that is under way.
CREATE OR REPLACE FUNCTION rules_set_is_open(of_set bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    closed boolean;
BEGIN
    SELECT published_at IS NOT NULL OR submitted_at IS NOT NULL INTO closed
    FROM rules_ruleset WHERE id = of_set FOR SHARE;
    RETURN closed IS NOT TRUE;
END $$;

CREATE OR REPLACE FUNCTION rules_rule_of_a_published_set_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND NOT rules_set_is_open(OLD.rule_set_id)
       OR TG_OP <> 'DELETE' AND NOT rules_set_is_open(NEW.rule_set_id) THEN
        RAISE EXCEPTION 'rules of a submitted or published set never change'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE OR REPLACE FUNCTION rules_alternative_of_a_published_set_never_changes() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    of_set bigint;
BEGIN
    FOR of_set IN
        SELECT rule_set_id FROM rules_rule
        WHERE TG_OP <> 'INSERT' AND id = OLD.rule_id OR TG_OP <> 'DELETE' AND id = NEW.rule_id
    LOOP
        IF NOT rules_set_is_open(of_set) THEN
            RAISE EXCEPTION 'rules of a submitted or published set never change'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END LOOP;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
"""

NO_GUARDS = """
CREATE OR REPLACE FUNCTION rules_published_set_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.published_at IS NOT NULL THEN
        RAISE EXCEPTION 'rule set %: published sets never change', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE OR REPLACE FUNCTION rules_set_is_open(of_set bigint) RETURNS boolean LANGUAGE sql AS $$
    SELECT NOT EXISTS (SELECT FROM rules_ruleset WHERE id = of_set AND published_at IS NOT NULL)
$$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('rules', '0006_rule_book_guards'),
        ('shops', '0010_alliance_settings'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='ruleset',
            name='rules_ruleset_is_published_by_a_second_person',
        ),
        migrations.AddField(
            model_name='historicalruleset',
            name='drafted_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='drafted at'),
        ),
        migrations.AddField(
            model_name='ruleset',
            name='drafted_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='drafted at'),
        ),
        migrations.AddConstraint(
            model_name='ruleset',
            constraint=models.UniqueConstraint(condition=models.Q(('published_at', None)), fields=('alliance', 'subject', 'purpose'), name='rules_ruleset_one_draft_is_open_at_a_time', violation_error_message='Another draft for this is open already.'),
        ),
        migrations.AddConstraint(
            model_name='ruleset',
            constraint=models.CheckConstraint(condition=models.Q(('published_by', None), models.Q(('published_at__isnull', False), ('submitted_at__isnull', False), models.Q(('published_by', models.F('submitted_by')), _negated=True), models.Q(('published_by', models.F('drafted_by')), _negated=True)), _connector='OR'), name='rules_ruleset_is_published_by_a_second_person'),
        ),
        migrations.AlterConstraint(
            model_name='alternative',
            name='rules_alternative_is_complete',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('operator', 'between'), models.Q(('value', ''), _negated=True), models.Q(('upper', ''), _negated=True)), models.Q(('operator__in', ['known', 'unknown']), ('upper', ''), ('value', '')), models.Q(models.Q(('operator__in', ['known', 'unknown', 'between', '']), _negated=True), models.Q(('value', ''), _negated=True), ('upper', '')), _connector='OR'), models.Q(('metric', ''), _negated=True)), name='rules_alternative_is_complete', violation_error_message='An alternative has a metric, an operator and what it is compared with.'),
        ),
        migrations.AlterConstraint(
            model_name='rule',
            name='rules_rule_code_is_used_once',
            constraint=models.UniqueConstraint(fields=('rule_set', 'code'), name='rules_rule_code_is_used_once', violation_error_message='Another rule of this set has this code.'),
        ),
        migrations.AlterConstraint(
            model_name='rule',
            name='rules_rule_is_complete_or_never_evaluated',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(models.Q(('operator', 'between'), models.Q(('value', ''), _negated=True), models.Q(('upper', ''), _negated=True)), models.Q(('operator__in', ['known', 'unknown']), ('upper', ''), ('value', '')), models.Q(models.Q(('operator__in', ['known', 'unknown', 'between', '']), _negated=True), models.Q(('value', ''), _negated=True), ('upper', '')), _connector='OR'), models.Q(('metric', ''), _negated=True)), models.Q(('metric', ''), ('operator', ''), ('upper', ''), ('value', '')), _connector='OR'), name='rules_rule_is_complete_or_never_evaluated', violation_error_message='A condition has a metric, an operator and what it is compared with, or nothing of them.'),
        ),
        migrations.RemoveConstraint(
            model_name='rule',
            name='rules_rule_names_its_sample_with_its_minimum',
        ),
        migrations.AddConstraint(
            model_name='rule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('sample_metric', ''), ('sample_minimum', None)), models.Q(models.Q(('sample_metric', ''), _negated=True), ('sample_minimum__gt', 0), ('sample_minimum__isnull', False)), _connector='OR'), name='rules_rule_names_its_sample_with_its_minimum', violation_error_message='A sample and its least count go together.'),
        ),
        migrations.AlterConstraint(
            model_name='rule',
            name='rules_rule_warns_within_something',
            constraint=models.CheckConstraint(condition=models.Q(('warn_within', None), ('warn_within__gt', 0), _connector='OR'), name='rules_rule_warns_within_something', violation_error_message='A warning band is wider than nothing.'),
        ),
        migrations.AlterConstraint(
            model_name='rule',
            name='rules_rule_scope_ends_after_it_begins',
            constraint=models.CheckConstraint(condition=models.Q(('entered_from', None), ('entered_until', None), ('entered_from__lte', models.F('entered_until')), _connector='OR'), name='rules_rule_scope_ends_after_it_begins', violation_error_message='The last day of entry lies before the first.'),
        ),
        migrations.RunSQL(GUARDS, NO_GUARDS),
    ]
