"""A check pins the rules on products that it goes by, and what was filed of a product stays with it."""

import django.db.models.deletion
from django.db import migrations, models


EVIDENCE = """
CREATE OR REPLACE FUNCTION rules_proposal_evidence_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.evidence IS DISTINCT FROM OLD.evidence OR NEW.shop_id <> OLD.shop_id OR NEW.kind <> OLD.kind
       {product}OR NEW.alliance_id <> OLD.alliance_id OR NEW.day <> OLD.day THEN
        RAISE EXCEPTION 'proposal %: what was filed never changes', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
"""
WITH_PRODUCT = EVIDENCE.replace("{product}", "OR NEW.product_id IS DISTINCT FROM OLD.product_id ")
WITHOUT_PRODUCT = EVIDENCE.replace("{product}", "")


class Migration(migrations.Migration):

    dependencies = [
        ('rules', '0009_shadow_counts'),
    ]

    operations = [
        migrations.AddField(
            model_name='historicalsweep',
            name='observation',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='rules.ruleset', verbose_name='observation rules'),
        ),
        migrations.AddField(
            model_name='historicalsweep',
            name='product_admission',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='rules.ruleset', verbose_name='admission rules of products'),
        ),
        migrations.AddField(
            model_name='historicalsweep',
            name='product_clearance',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='rules.ruleset', verbose_name='clearance rules of products'),
        ),
        migrations.AddField(
            model_name='sweep',
            name='observation',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='rules.ruleset', verbose_name='observation rules'),
        ),
        migrations.AddField(
            model_name='sweep',
            name='product_admission',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='rules.ruleset', verbose_name='admission rules of products'),
        ),
        migrations.AddField(
            model_name='sweep',
            name='product_clearance',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='rules.ruleset', verbose_name='clearance rules of products'),
        ),
        migrations.RunSQL(WITH_PRODUCT, WITHOUT_PRODUCT),
    ]
