"""What a shop owes never changes, is paid once, and what a deduction found missing is deducted as it is paid.

Looked up row by row, by the one index that can serve it, as the guards of deposits do.
"""

from django.db import migrations

GUARDS = """
CREATE FUNCTION shops_topup_what_is_owed_never_changes() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.shop_id <> OLD.shop_id OR NEW.amount_fen <> OLD.amount_fen OR NEW.due_on <> OLD.due_on
       OR NEW.cause <> OLD.cause OR NEW.key <> OLD.key OR NEW.demanded_at <> OLD.demanded_at
       OR NEW.measure_id IS DISTINCT FROM OLD.measure_id OR NEW.entry_id IS DISTINCT FROM OLD.entry_id THEN
        RAISE EXCEPTION 'top-up %: what is owed never changes', OLD.id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_topup_what_is_owed_never_changes';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER shops_topup_what_is_owed_never_changes BEFORE UPDATE ON shops_topup
    FOR EACH ROW EXECUTE FUNCTION shops_topup_what_is_owed_never_changes();

-- What was cancelled counts none of a payment, unless it was deducted of it and that stands.
CREATE FUNCTION shops_settlement_counts_no_fen_twice() RETURNS trigger
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
        WHERE s.entry_id = NEW.entry_id AND (
          (SELECT t.state FROM shops_topup t WHERE t.id = s.top_up_id) <> 'cancelled' OR coalesce((
            SELECT (SELECT r.id FROM shops_depositentry r WHERE r.reverses_id = x.id) IS NULL
            FROM shops_depositentry x WHERE x.settlement_id = s.id), false));
    SELECT coalesce(sum(s.amount_fen), 0) INTO settled FROM shops_settlement s
        WHERE s.top_up_id = NEW.top_up_id
          AND (SELECT r.id FROM shops_depositentry r WHERE r.reverses_id = s.entry_id) IS NULL;
    IF (paid.kind = 'top_up' OR paid.kind IN ('pay_in', 'adjust', 'reversal') AND owed.cause = 'shortage')
           IS NOT TRUE
       OR owed.shop_id IS DISTINCT FROM paid.shop_id
       OR counted + NEW.amount_fen > paid.amount_fen OR settled + NEW.amount_fen > owed.amount_fen THEN
        RAISE EXCEPTION 'payment % does not settle % fen of top-up %',
            NEW.entry_id, NEW.amount_fen, NEW.top_up_id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_settlement_counts_no_fen_twice';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER shops_settlement_counts_no_fen_twice BEFORE INSERT ON shops_settlement
    FOR EACH ROW EXECUTE FUNCTION shops_settlement_counts_no_fen_twice();

CREATE FUNCTION shops_settlement_of_a_shortage_is_deducted() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off AS $$
BEGIN
    PERFORM FROM shops_topup t WHERE t.id = NEW.top_up_id AND t.cause = 'shortage'
        AND NOT EXISTS (SELECT FROM shops_depositentry x WHERE x.settlement_id = NEW.id);
    IF FOUND THEN
        RAISE EXCEPTION 'settlement %: % fen were paid for a shortage, and not deducted',
            NEW.id, NEW.amount_fen
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_settlement_of_a_shortage_is_deducted';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER shops_settlement_of_a_shortage_is_deducted AFTER INSERT ON shops_settlement
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    EXECUTE FUNCTION shops_settlement_of_a_shortage_is_deducted();

CREATE FUNCTION shops_depositentry_collects_what_was_paid() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off AS $$
BEGIN
    PERFORM FROM shops_settlement s WHERE s.id = NEW.settlement_id AND s.amount_fen = -NEW.amount_fen
        AND (SELECT t.shop_id = NEW.shop_id AND t.cause = 'shortage'
            AND t.measure_id IS NOT DISTINCT FROM NEW.measure_id FROM shops_topup t WHERE t.id = s.top_up_id);
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
"""

NO_GUARDS = """
DROP FUNCTION
    shops_depositentry_collects_what_was_paid(),
    shops_settlement_of_a_shortage_is_deducted(),
    shops_settlement_counts_no_fen_twice(),
    shops_topup_what_is_owed_never_changes()
    CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("shops", "0007_guards_of_deposits")]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
