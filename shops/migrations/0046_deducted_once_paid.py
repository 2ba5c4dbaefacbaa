"""What a deduction found missing is deducted of what is paid of it; what is cancelled counts no payment."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

COUNTS = """
-- What was cancelled counts none of a payment, unless it was deducted of it and that stands.
CREATE OR REPLACE FUNCTION shops_settlement_counts_no_fen_twice() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    paid shops_depositentry%ROWTYPE;
    owed shops_topup%ROWTYPE;
    counted numeric;
    settled numeric;
BEGIN
    SELECT * INTO paid FROM shops_depositentry WHERE id = NEW.entry_id;
    PERFORM FROM shops_shop WHERE id = paid.shop_id FOR NO KEY UPDATE;
    SELECT * INTO owed FROM shops_topup WHERE id = NEW.top_up_id;
    SELECT coalesce(sum(s.amount_fen), 0) INTO counted
        FROM shops_settlement s JOIN shops_topup t ON t.id = s.top_up_id
        WHERE s.entry_id = NEW.entry_id AND (t.state <> 'cancelled' OR EXISTS (
            SELECT FROM shops_depositentry x WHERE x.settlement_id = s.id
              AND NOT EXISTS (SELECT FROM shops_depositentry r WHERE r.reverses_id = x.id)));
    SELECT coalesce(sum(s.amount_fen), 0) INTO settled FROM shops_settlement s
        WHERE s.top_up_id = NEW.top_up_id
          AND NOT EXISTS (SELECT FROM shops_depositentry r WHERE r.reverses_id = s.entry_id);
    IF paid.kind IS DISTINCT FROM 'top_up' OR owed.shop_id IS DISTINCT FROM paid.shop_id
       OR counted + NEW.amount_fen > paid.amount_fen OR settled + NEW.amount_fen > owed.amount_fen THEN
        RAISE EXCEPTION 'payment % does not settle % fen of top-up %', NEW.entry_id, NEW.amount_fen, NEW.top_up_id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_settlement_counts_no_fen_twice';
    END IF;
    RETURN NEW;
END $$;
"""
COUNTED = """
CREATE OR REPLACE FUNCTION shops_settlement_counts_no_fen_twice() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    paid shops_depositentry%ROWTYPE;
    owed shops_topup%ROWTYPE;
    counted numeric;
    settled numeric;
BEGIN
    SELECT * INTO paid FROM shops_depositentry WHERE id = NEW.entry_id;
    PERFORM FROM shops_shop WHERE id = paid.shop_id FOR NO KEY UPDATE;
    SELECT * INTO owed FROM shops_topup WHERE id = NEW.top_up_id;
    SELECT coalesce(sum(amount_fen), 0) INTO counted FROM shops_settlement WHERE entry_id = NEW.entry_id;
    SELECT coalesce(sum(s.amount_fen), 0) INTO settled FROM shops_settlement s
        WHERE s.top_up_id = NEW.top_up_id
          AND NOT EXISTS (SELECT FROM shops_depositentry r WHERE r.reverses_id = s.entry_id);
    IF paid.kind IS DISTINCT FROM 'top_up' OR owed.shop_id IS DISTINCT FROM paid.shop_id
       OR counted + NEW.amount_fen > paid.amount_fen OR settled + NEW.amount_fen > owed.amount_fen THEN
        RAISE EXCEPTION 'payment % does not settle % fen of top-up %', NEW.entry_id, NEW.amount_fen, NEW.top_up_id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_settlement_counts_no_fen_twice';
    END IF;
    RETURN NEW;
END $$;
"""
GUARDS = """
CREATE FUNCTION shops_depositentry_collects_what_was_paid() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off AS $$
BEGIN
    PERFORM FROM shops_settlement s JOIN shops_topup t ON t.id = s.top_up_id
        WHERE s.id = NEW.settlement_id AND s.amount_fen = -NEW.amount_fen AND t.shop_id = NEW.shop_id
          AND t.cause = 'shortage' AND t.measure_id IS NOT DISTINCT FROM NEW.measure_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'deposit entry of shop %: % fen are not what settlement % is to be deducted',
            NEW.shop_id, NEW.amount_fen, NEW.settlement_id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_depositentry_collects_what_was_paid';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER shops_depositentry_collects_what_was_paid AFTER INSERT ON shops_depositentry
    FOR EACH ROW WHEN (NEW.settlement_id IS NOT NULL)
    EXECUTE FUNCTION shops_depositentry_collects_what_was_paid();

CREATE FUNCTION shops_settlement_of_a_shortage_is_deducted() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off AS $$
BEGIN
    PERFORM FROM shops_topup t WHERE t.id = NEW.top_up_id AND t.cause = 'shortage'
        AND NOT EXISTS (SELECT FROM shops_depositentry x WHERE x.settlement_id = NEW.id);
    IF FOUND THEN
        RAISE EXCEPTION 'settlement %: % fen were paid for a shortage, and not deducted', NEW.id, NEW.amount_fen
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_settlement_of_a_shortage_is_deducted';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER shops_settlement_of_a_shortage_is_deducted AFTER INSERT ON shops_settlement
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    EXECUTE FUNCTION shops_settlement_of_a_shortage_is_deducted();
"""
NO_GUARDS = """
DROP TRIGGER shops_settlement_of_a_shortage_is_deducted ON shops_settlement;
DROP FUNCTION shops_settlement_of_a_shortage_is_deducted();
DROP TRIGGER shops_depositentry_collects_what_was_paid ON shops_depositentry;
DROP FUNCTION shops_depositentry_collects_what_was_paid();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('shops', '0045_dismissed_cases'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='depositentry',
            name='shops_depositentry_amount_has_the_sign_of_its_kind',
        ),
        migrations.RemoveConstraint(
            model_name='depositentry',
            name='shops_depositentry_measure_only_deducts',
        ),
        migrations.RemoveConstraint(
            model_name='settlement',
            name='shops_settlement_is_one_per_payment_and_top_up',
        ),
        migrations.AddField(
            model_name='depositentry',
            name='settlement',
            field=models.OneToOneField(blank=True, help_text='The part of a payment that is deducted, as an earlier deduction had found it missing.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='collected', to='shops.settlement', verbose_name='settlement'),
        ),
        migrations.AlterField(
            model_name='depositentry',
            name='kind',
            field=models.CharField(choices=[('pay_in', 'paid in'), ('adjust', 'adjusted'), ('top_up', 'topped up'), ('compensate', 'compensated'), ('deduct', 'deducted'), ('collect', 'deducted once paid'), ('refund', 'refunded'), ('reversal', 'taken back')], max_length=20, verbose_name='kind'),
        ),
        migrations.AlterField(
            model_name='settlement',
            name='entry',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='settlements', to='shops.depositentry', verbose_name='payment'),
        ),
        migrations.AddConstraint(
            model_name='depositentry',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('amount_fen__gt', 0), ('kind__in', ['pay_in', 'top_up'])), models.Q(('amount_fen__lt', 0), ('kind__in', ['collect', 'compensate', 'deduct', 'refund'])), models.Q(('kind__in', ['adjust', 'reversal']), models.Q(('amount_fen', 0), _negated=True)), _connector='OR'), name='shops_depositentry_amount_has_the_sign_of_its_kind'),
        ),
        migrations.AddConstraint(
            model_name='depositentry',
            constraint=models.CheckConstraint(condition=models.Q(('measure', None), ('kind__in', ['collect', 'deduct', 'reversal']), _connector='OR'), name='shops_depositentry_measure_only_deducts'),
        ),
        migrations.AddConstraint(
            model_name='depositentry',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'collect'), ('settlement__isnull', False)), models.Q(models.Q(('kind', 'collect'), _negated=True), ('settlement', None)), _connector='OR'), name='shops_depositentry_has_a_settlement_exactly_when_it_collects'),
        ),
        migrations.RunSQL(COUNTS, COUNTED),
        migrations.RunSQL(GUARDS, NO_GUARDS),
    ]
