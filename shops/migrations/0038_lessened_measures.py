"""A measure that is in effect is lessened and never grows; what its deduction took too much goes back."""

from django.db import migrations, models

GUARDS = """
CREATE FUNCTION shops_measure_in_effect_only_lessens() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.points > OLD.points OR NEW.score > OLD.score OR NEW.amount_fen > OLD.amount_fen
       OR NEW.ends_at > OLD.ends_at OR (NEW.ends_at IS NULL AND OLD.ends_at IS NOT NULL) THEN
        RAISE EXCEPTION 'measure %: what is in effect is lessened, it never does more', OLD.id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_measure_in_effect_only_lessens';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER shops_measure_in_effect_only_lessens BEFORE UPDATE ON shops_measure
    FOR EACH ROW WHEN (OLD.applied_at IS NOT NULL) EXECUTE FUNCTION shops_measure_in_effect_only_lessens();

CREATE FUNCTION shops_depositentry_gives_back_what_was_deducted() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    moved numeric;
BEGIN
    SELECT coalesce(sum(amount_fen), 0) INTO moved FROM shops_depositentry WHERE measure_id = NEW.measure_id;
    IF moved + NEW.amount_fen > 0 THEN
        RAISE EXCEPTION 'deposit entry of shop %: % fen are more than measure % has deducted',
            NEW.shop_id, NEW.amount_fen, NEW.measure_id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_depositentry_gives_back_what_was_deducted';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER shops_depositentry_gives_back_what_was_deducted BEFORE INSERT ON shops_depositentry
    FOR EACH ROW WHEN (NEW.kind = 'lessen' AND NEW.measure_id IS NOT NULL)
    EXECUTE FUNCTION shops_depositentry_gives_back_what_was_deducted();
"""
NO_GUARDS = """
DROP TRIGGER shops_depositentry_gives_back_what_was_deducted ON shops_depositentry;
DROP FUNCTION shops_depositentry_gives_back_what_was_deducted();
DROP TRIGGER shops_measure_in_effect_only_lessens ON shops_measure;
DROP FUNCTION shops_measure_in_effect_only_lessens();
"""


class Migration(migrations.Migration):
    dependencies = [("shops", "0046_deducted_once_paid")]

    operations = [
        migrations.RemoveConstraint(
            model_name='depositentry',
            name='shops_depositentry_amount_has_the_sign_of_its_kind',
        ),
        migrations.RemoveConstraint(
            model_name='depositentry',
            name='shops_depositentry_measure_only_deducts',
        ),
        migrations.AlterField(
            model_name='depositentry',
            name='kind',
            field=models.CharField(choices=[('pay_in', 'paid in'), ('adjust', 'adjusted'), ('top_up', 'topped up'), ('compensate', 'compensated'), ('deduct', 'deducted'), ('collect', 'deducted once paid'), ('lessen', 'given back in part'), ('refund', 'refunded'), ('reversal', 'taken back')], max_length=20, verbose_name='kind'),
        ),
        migrations.AddConstraint(
            model_name='depositentry',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('amount_fen__gt', 0), ('kind__in', ['pay_in', 'top_up', 'lessen'])), models.Q(('amount_fen__lt', 0), ('kind__in', ['collect', 'compensate', 'deduct', 'refund'])), models.Q(('kind__in', ['adjust', 'reversal']), models.Q(('amount_fen', 0), _negated=True)), _connector='OR'), name='shops_depositentry_amount_has_the_sign_of_its_kind'),
        ),
        migrations.AddConstraint(
            model_name='depositentry',
            constraint=models.CheckConstraint(condition=models.Q(('measure', None), ('kind__in', ['collect', 'deduct', 'lessen', 'reversal']), _connector='OR'), name='shops_depositentry_measure_only_deducts'),
        ),
        migrations.AddConstraint(
            model_name='depositentry',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'lessen'), _negated=True), ('measure__isnull', False), _connector='OR'), name='shops_depositentry_given_back_in_part_names_its_measure'),
        ),
        migrations.RunSQL(GUARDS, NO_GUARDS),
    ]
