"""What keeps the deposits adding up, whoever writes."""

from django.db import migrations

GUARDS = """
SELECT shops_guard_history('shops', ARRAY['shops_depositentry', 'shops_settlement']);

-- The shop's row stands for its account: one movement at a time, numbered, with the balance after it.
-- Whoever states number and balance himself must state what follows. A plan that was made while the ledger was
-- empty would go on reading all of it for each entry of a file: hence by the index alone.
CREATE FUNCTION shops_depositentry_follows_the_one_before() RETURNS trigger
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    last_number integer;
    last_balance bigint;
    after numeric;
    undone shops_depositentry%ROWTYPE;
BEGIN
    PERFORM FROM shops_shop WHERE id = NEW.shop_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'deposit entry of shop %: there is no such shop', NEW.shop_id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_depositentry_is_of_a_shop';
    END IF;
    SELECT number, balance_fen INTO last_number, last_balance FROM shops_depositentry
        WHERE shop_id = NEW.shop_id ORDER BY number DESC LIMIT 1;
    last_number := coalesce(last_number, 0);
    last_balance := coalesce(last_balance, 0);
    after := last_balance::numeric + NEW.amount_fen;
    IF after < 0 THEN
        RAISE EXCEPTION 'deposit of shop %: % fen and % fen would leave it below zero',
            NEW.shop_id, last_balance, NEW.amount_fen
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_depositentry_balance_is_never_below_zero';
    ELSIF after > 9223372036854775807 THEN
        RAISE EXCEPTION 'deposit of shop %: % fen and % fen are more than is held exactly',
            NEW.shop_id, last_balance, NEW.amount_fen
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_depositentry_balance_is_held_exactly';
    END IF;
    IF NEW.number = 0 AND NEW.balance_fen = 0 THEN
        NEW.number := last_number + 1;
        NEW.balance_fen := after;
    ELSIF NEW.number <> last_number + 1 OR NEW.balance_fen <> after THEN
        RAISE EXCEPTION 'deposit of shop %: entry % with balance % does not follow entry % with balance %',
            NEW.shop_id, NEW.number, NEW.balance_fen, last_number, last_balance
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_depositentry_follows_the_one_before';
    END IF;
    IF NEW.reverses_id IS NOT NULL THEN
        SELECT * INTO undone FROM shops_depositentry WHERE id = NEW.reverses_id;
        IF undone.id IS NULL OR undone.shop_id <> NEW.shop_id OR undone.kind = 'reversal'
           OR undone.amount_fen <> -NEW.amount_fen::numeric
           OR undone.measure_id IS DISTINCT FROM NEW.measure_id THEN
            RAISE EXCEPTION 'a reversal takes back exactly one entry of its account, and no reversal: not %',
                NEW.reverses_id
                USING ERRCODE = 'integrity_constraint_violation',
                      CONSTRAINT = 'shops_depositentry_reversal_is_the_exact_opposite';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER shops_depositentry_follows_the_one_before BEFORE INSERT ON shops_depositentry
    FOR EACH ROW EXECUTE FUNCTION shops_depositentry_follows_the_one_before();

CREATE FUNCTION shops_depositentry_shortage_is_a_top_up_due() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM shops_topup WHERE entry_id = NEW.id AND shop_id = NEW.shop_id
        AND amount_fen = NEW.short_fen AND measure_id IS NOT DISTINCT FROM NEW.measure_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'deposit entry % is short by % fen, which nobody owes', NEW.id, NEW.short_fen
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_depositentry_shortage_is_a_top_up_due';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER shops_depositentry_shortage_is_a_top_up_due AFTER INSERT ON shops_depositentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.short_fen > 0)
    EXECUTE FUNCTION shops_depositentry_shortage_is_a_top_up_due();

CREATE FUNCTION shops_topup_what_is_owed_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE FUNCTION shops_settlement_counts_no_fen_twice() RETURNS trigger
LANGUAGE plpgsql SET enable_seqscan = off AS $$
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
CREATE TRIGGER shops_settlement_counts_no_fen_twice BEFORE INSERT ON shops_settlement
    FOR EACH ROW EXECUTE FUNCTION shops_settlement_counts_no_fen_twice();

-- Over an account's movements in their order: the balance after each, where those that would leave it below
-- zero are passed over. `opening` is the balance before the first.
CREATE FUNCTION shops_balance_kept(balance numeric, amount numeric, opening numeric) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    balance := coalesce(balance, opening);
    RETURN CASE WHEN balance + amount BETWEEN 0 AND 9223372036854775807 THEN balance + amount ELSE balance END;
END $$;
CREATE AGGREGATE shops_balance_kept(numeric, numeric) (SFUNC = shops_balance_kept, STYPE = numeric);
"""

NO_GUARDS = """
DROP AGGREGATE shops_balance_kept(numeric, numeric);
DROP FUNCTION shops_balance_kept(numeric, numeric, numeric);
DROP TRIGGER shops_settlement_counts_no_fen_twice ON shops_settlement;
DROP FUNCTION shops_settlement_counts_no_fen_twice();
DROP TRIGGER shops_topup_what_is_owed_never_changes ON shops_topup;
DROP FUNCTION shops_topup_what_is_owed_never_changes();
DROP TRIGGER shops_depositentry_shortage_is_a_top_up_due ON shops_depositentry;
DROP FUNCTION shops_depositentry_shortage_is_a_top_up_due();
DROP TRIGGER shops_depositentry_follows_the_one_before ON shops_depositentry;
DROP FUNCTION shops_depositentry_follows_the_one_before();
"""


class Migration(migrations.Migration):
    dependencies = [("shops", "0016_deposits")]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
