"""What a deduction found missing is deducted of whatever comes in with a file, or back from another penalty."""

from __future__ import annotations

from django.db import migrations

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
        FROM shops_settlement s
        -- Looked up one by one: a plan made while there were few would read all of them for each.
        WHERE s.entry_id = NEW.entry_id AND (
          (SELECT t.state FROM shops_topup t WHERE t.id = s.top_up_id) <> 'cancelled' OR EXISTS (
            SELECT FROM shops_depositentry x WHERE x.settlement_id = s.id
              AND NOT EXISTS (SELECT FROM shops_depositentry r WHERE r.reverses_id = x.id)));
    SELECT coalesce(sum(s.amount_fen), 0) INTO settled FROM shops_settlement s
        WHERE s.top_up_id = NEW.top_up_id
          AND NOT EXISTS (SELECT FROM shops_depositentry r WHERE r.reverses_id = s.entry_id);
    IF ({settles}) IS NOT TRUE OR owed.shop_id IS DISTINCT FROM paid.shop_id
       OR counted + NEW.amount_fen > paid.amount_fen OR settled + NEW.amount_fen > owed.amount_fen THEN
        RAISE EXCEPTION 'payment % does not settle % fen of top-up %', NEW.entry_id, NEW.amount_fen, NEW.top_up_id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_settlement_counts_no_fen_twice';
    END IF;
    RETURN NEW;
END $$;
"""
OF_PAYMENTS = "paid.kind = 'top_up'"
OF_A_SHORTAGE = (
    f"{OF_PAYMENTS} OR paid.kind IN ('pay_in', 'adjust', 'reversal') AND owed.cause = 'shortage'"
)


class Migration(migrations.Migration):
    dependencies = [("shops", "0039_void_openings")]

    operations = [
        migrations.RunSQL(COUNTS.format(settles=OF_A_SHORTAGE), COUNTS.format(settles=OF_PAYMENTS)),
    ]
