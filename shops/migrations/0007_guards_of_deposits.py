"""What keeps the deposits adding up, whoever writes: each movement after the one before, and of its own case.

What guards look up of a ledger they look up row by row, by the one index that can serve it, however the
planner judges its tables. A plan that was made while the ledger was empty would go on reading all of it for each
entry of a file, and a table that is joined may be read whole for each row, by an index as well.
"""

from django.db import migrations

GUARDS = """
-- The shop's row stands for its account: one movement at a time, numbered, with the balance after it.
-- Whoever states number and balance himself must state what follows.
CREATE FUNCTION shops_depositentry_follows_the_one_before() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
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

CREATE FUNCTION shops_depositentry_measure_is_of_its_shop() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off AS $$
BEGIN
    PERFORM FROM shops_measure m WHERE m.id = NEW.measure_id AND m.kind = 'deduct'
        AND (SELECT p.shop_id FROM shops_penalty p WHERE p.id = m.penalty_id) = NEW.shop_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'deposit entry of shop %: measure % deducts for no penalty of that shop',
            NEW.shop_id, NEW.measure_id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_depositentry_measure_is_of_its_shop';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER shops_depositentry_measure_is_of_its_shop BEFORE INSERT ON shops_depositentry
    FOR EACH ROW WHEN (NEW.measure_id IS NOT NULL)
    EXECUTE FUNCTION shops_depositentry_measure_is_of_its_shop();

-- One deduction of a measure stands: one that is lessened deducts anew what is left of it.
-- In the order of their names triggers run: the account's row is held by now.
CREATE FUNCTION shops_depositentry_measure_deducts_once() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off AS $$
BEGIN
    PERFORM FROM shops_depositentry v WHERE v.measure_id = NEW.measure_id AND v.kind = 'deduct'
        AND (SELECT r.id FROM shops_depositentry r WHERE r.reverses_id = v.id) IS NULL;
    IF FOUND THEN
        RAISE EXCEPTION 'deposit entry of shop %: measure % has deducted already', NEW.shop_id, NEW.measure_id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_depositentry_measure_deducts_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER shops_depositentry_measure_deducts_once BEFORE INSERT ON shops_depositentry
    FOR EACH ROW WHEN (NEW.kind = 'deduct' AND NEW.measure_id IS NOT NULL)
    EXECUTE FUNCTION shops_depositentry_measure_deducts_once();

-- A penalty gives back all that it deducted once it is overturned: what adjustments give back for its case
-- before is taken back then, and can't be more. In the order of their names: the account's row is held by now.
CREATE FUNCTION shops_depositentry_gives_back_no_more_than_was_taken() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    named text := coalesce(nullif(NEW.case_reference, ''), NEW.reference);
    of_case bigint := shops_case_named(named);
    names text[];
    taken numeric;
    given_back numeric;
BEGIN
    SELECT ARRAY[shops_case_number(n.id), nullif(n.reference, '')] INTO names FROM shops_penalty n
        WHERE n.id = of_case AND n.shop_id = NEW.shop_id;
    SELECT sum(CASE WHEN m.undone_at IS NULL THEN m.amount_fen ELSE 0 END) INTO taken FROM shops_measure m
        WHERE m.penalty_id = of_case AND names IS NOT NULL AND m.kind = 'deduct' AND m.applied_at IS NOT NULL;
    IF taken IS NULL THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(sum(e.amount_fen), 0) INTO given_back FROM (
        SELECT v.* FROM shops_depositentry v WHERE v.case_reference = ANY (names) AND v.case_reference <> ''
        UNION ALL
        SELECT v.* FROM shops_depositentry v
        WHERE v.reference = ANY (names) AND v.reference <> '' AND v.case_reference = ''
    ) e
    WHERE e.kind = 'adjust' AND e.amount_fen > 0 AND e.shop_id = NEW.shop_id
      AND (SELECT r.id FROM shops_depositentry r WHERE r.reverses_id = e.id) IS NULL;
    IF given_back + NEW.amount_fen > taken THEN
        RAISE EXCEPTION 'deposit entry of shop %: case % took % fen, of which % went back: % more can not',
            NEW.shop_id, named, taken, given_back, NEW.amount_fen
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_depositentry_gives_back_no_more_than_was_taken';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER shops_depositentry_gives_back_no_more_than_was_taken BEFORE INSERT ON shops_depositentry
    FOR EACH ROW WHEN (NEW.kind = 'adjust' AND NEW.amount_fen > 0
        AND (NEW.reference <> '' OR NEW.case_reference <> ''))
    EXECUTE FUNCTION shops_depositentry_gives_back_no_more_than_was_taken();

CREATE FUNCTION shops_depositentry_shortage_is_a_top_up_due() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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

-- Over an account's movements in their order: the balance after each, where those that would leave it below
-- zero are passed over. `opening` is the balance before the first.
CREATE FUNCTION shops_balance_kept(balance numeric, amount numeric, opening numeric) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE SET search_path = public, pg_temp AS $$
BEGIN
    balance := coalesce(balance, opening);
    RETURN CASE WHEN balance + amount BETWEEN 0 AND 9223372036854775807
           THEN balance + amount ELSE balance END;
END $$;
CREATE AGGREGATE shops_balance_kept(numeric, numeric) (SFUNC = shops_balance_kept, STYPE = numeric);
"""

NO_GUARDS = """
DROP FUNCTION
    shops_balance_kept(numeric, numeric, numeric),
    shops_depositentry_shortage_is_a_top_up_due(),
    shops_depositentry_gives_back_no_more_than_was_taken(),
    shops_depositentry_measure_deducts_once(),
    shops_depositentry_measure_is_of_its_shop(),
    shops_depositentry_follows_the_one_before()
    CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("shops", "0006_guards_of_penalties")]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
