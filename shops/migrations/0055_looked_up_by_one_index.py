"""What guards look up of a ledger they look up row by row, however the planner judges its tables."""

from __future__ import annotations

from django.db import migrations

# A table that is joined may be read whole for each row where the planner takes it for empty, by an index as
# well; a value is looked up by the one index that can serve it.
SETTLES = """
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
        WHERE s.entry_id = NEW.entry_id AND (
          (SELECT t.state FROM shops_topup t WHERE t.id = s.top_up_id) <> 'cancelled' OR {collected});
    SELECT coalesce(sum(s.amount_fen), 0) INTO settled FROM shops_settlement s
        WHERE s.top_up_id = NEW.top_up_id AND {stands};
    IF (paid.kind = 'top_up' OR paid.kind IN ('pay_in', 'adjust', 'reversal') AND owed.cause = 'shortage')
           IS NOT TRUE
       OR owed.shop_id IS DISTINCT FROM paid.shop_id
       OR counted + NEW.amount_fen > paid.amount_fen OR settled + NEW.amount_fen > owed.amount_fen THEN
        RAISE EXCEPTION 'payment % does not settle % fen of top-up %', NEW.entry_id, NEW.amount_fen, NEW.top_up_id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_settlement_counts_no_fen_twice';
    END IF;
    RETURN NEW;
END $$;
"""
COLLECTS = """
CREATE OR REPLACE FUNCTION shops_depositentry_collects_what_was_paid() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off AS $$
BEGIN
    PERFORM FROM {paid};
    IF NOT FOUND THEN
        RAISE EXCEPTION 'deposit entry of shop %: % fen are not what settlement % is to be deducted',
            NEW.shop_id, NEW.amount_fen, NEW.settlement_id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_depositentry_collects_what_was_paid';
    END IF;
    RETURN NULL;
END $$;
"""
DEDUCTS = """
CREATE OR REPLACE FUNCTION shops_depositentry_measure_deducts_once() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off AS $$
BEGIN
    PERFORM FROM shops_depositentry v WHERE v.measure_id = NEW.measure_id AND v.kind = 'deduct' AND {stands};
    IF FOUND THEN
        RAISE EXCEPTION 'deposit entry of shop %: measure % has deducted already', NEW.shop_id, NEW.measure_id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_depositentry_measure_deducts_once';
    END IF;
    RETURN NEW;
END $$;
"""
OF_ITS_SHOP = """
CREATE OR REPLACE FUNCTION shops_depositentry_measure_is_of_its_shop() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp{seeking} AS $$
BEGIN
    PERFORM FROM {penalty} = NEW.shop_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'deposit entry of shop %: measure % is of no penalty of that shop',
            NEW.shop_id, NEW.measure_id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'shops_depositentry_measure_is_of_its_shop';
    END IF;
    RETURN NEW;
END $$;
"""
OWED_BY_THE_SHOP = """t.shop_id = NEW.shop_id AND t.cause = 'shortage'
            AND t.measure_id IS NOT DISTINCT FROM NEW.measure_id"""
LOOKED_UP = (
    SETTLES.format(
        collected="""coalesce((
            SELECT (SELECT r.id FROM shops_depositentry r WHERE r.reverses_id = x.id) IS NULL
            FROM shops_depositentry x WHERE x.settlement_id = s.id), false)""",
        stands="(SELECT r.id FROM shops_depositentry r WHERE r.reverses_id = s.entry_id) IS NULL",
    )
    + COLLECTS.format(
        paid=f"""shops_settlement s WHERE s.id = NEW.settlement_id AND s.amount_fen = -NEW.amount_fen
        AND (SELECT {OWED_BY_THE_SHOP} FROM shops_topup t WHERE t.id = s.top_up_id)"""
    )
    + DEDUCTS.format(stands="(SELECT r.id FROM shops_depositentry r WHERE r.reverses_id = v.id) IS NULL")
    + OF_ITS_SHOP.format(
        seeking=" SET enable_seqscan = off",
        penalty="""shops_measure m WHERE m.id = NEW.measure_id
        AND (SELECT p.shop_id FROM shops_penalty p WHERE p.id = m.penalty_id)""",
    )
)
JOINED = (
    SETTLES.format(
        collected="""EXISTS (
            SELECT FROM shops_depositentry x WHERE x.settlement_id = s.id
              AND NOT EXISTS (SELECT FROM shops_depositentry r WHERE r.reverses_id = x.id))""",
        stands="NOT EXISTS (SELECT FROM shops_depositentry r WHERE r.reverses_id = s.entry_id)",
    )
    + COLLECTS.format(
        paid=f"""shops_settlement s JOIN shops_topup t ON t.id = s.top_up_id
        WHERE s.id = NEW.settlement_id AND s.amount_fen = -NEW.amount_fen AND {OWED_BY_THE_SHOP}"""
    )
    + DEDUCTS.format(stands="NOT EXISTS (SELECT FROM shops_depositentry r WHERE r.reverses_id = v.id)")
    + OF_ITS_SHOP.format(
        seeking="",
        penalty="""shops_measure m JOIN shops_penalty p ON p.id = m.penalty_id
        WHERE m.id = NEW.measure_id AND p.shop_id""",
    )
)


class Migration(migrations.Migration):
    dependencies = [("shops", "0054_one_standing_deduction")]

    operations = [migrations.RunSQL(LOOKED_UP, JOINED)]
