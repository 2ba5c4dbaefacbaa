"""Whose a penalty is, who decided on it, when, why and under what, never changes, nor that it was wrong; a measure
in effect is lessened at most, and what it did is undone once; a shop that closed returns once, when it may."""

from django.db import migrations

GUARDS = """
-- What people quote, as the desk writes it.
CREATE FUNCTION shops_case_number(penalty bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN 'P' || lpad(penalty::text, greatest(8, length(penalty::text)), '0');

-- The penalty that a number names: the platform's own of a case, or the desk's.
CREATE FUNCTION shops_case_named(named text) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    found bigint;
BEGIN
    SELECT n.id INTO found FROM shops_penalty n WHERE n.reference = named AND n.reference <> '';
    IF found IS NULL AND named ~ '^P[0-9]{8,18}$' THEN
        SELECT n.id INTO found FROM shops_penalty n
            WHERE n.id = substr(named, 2)::bigint AND shops_case_number(n.id) = named;
    END IF;
    RETURN found;
END $$;

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
          AND (NEW.imposed_at, NEW.imposed_by_id, NEW.approved_by_id, NEW.confirmed_by_id, NEW.violation_id,
               NEW.violation_version)
          IS DISTINCT FROM
          (OLD.imposed_at, OLD.imposed_by_id, OLD.approved_by_id, OLD.confirmed_by_id, OLD.violation_id,
           OLD.violation_version))
    EXECUTE FUNCTION shops_penalty_keeps_who_decided();

CREATE FUNCTION shops_penalty_keeps_its_number() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'penalty %: the platform''s number of it, once it is known, never changes', OLD.id
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'shops_penalty_keeps_its_number';
END $$;
CREATE TRIGGER shops_penalty_keeps_its_number BEFORE UPDATE ON shops_penalty FOR EACH ROW
    WHEN (OLD.reference <> '' AND NEW.reference IS DISTINCT FROM OLD.reference)
    EXECUTE FUNCTION shops_penalty_keeps_its_number();

CREATE FUNCTION shops_penalty_stays_what_it_is() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'penalty %: whose it is, for what and why, and that it was wrong, never changes', OLD.id
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'shops_penalty_stays_what_it_is';
END $$;
CREATE TRIGGER shops_penalty_keeps_its_shop BEFORE UPDATE ON shops_penalty FOR EACH ROW
    WHEN (NEW.shop_id <> OLD.shop_id OR NEW.ground <> OLD.ground
          OR NEW.key <> OLD.key AND OLD.key <> '')
    EXECUTE FUNCTION shops_penalty_stays_what_it_is();
CREATE TRIGGER shops_penalty_keeps_for_what_it_was_imposed BEFORE UPDATE ON shops_penalty FOR EACH ROW
    WHEN (OLD.imposed_at IS NOT NULL
          AND (NEW.alliance_id, NEW.product_id, NEW.reason, NEW.evidence)
          IS DISTINCT FROM (OLD.alliance_id, OLD.product_id, OLD.reason, OLD.evidence))
    EXECUTE FUNCTION shops_penalty_stays_what_it_is();
CREATE TRIGGER shops_penalty_that_was_overturned_stays_so BEFORE UPDATE ON shops_penalty FOR EACH ROW
    WHEN (OLD.status = 'overturned' AND NEW.status <> 'overturned'
          OR OLD.imposed_at IS NOT NULL AND NEW.status IN ('reported', 'dismissed'))
    EXECUTE FUNCTION shops_penalty_stays_what_it_is();

CREATE FUNCTION shops_measure_is_done_and_undone_once() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'measure %: it is of one penalty, applied once and undone once', OLD.id
        USING ERRCODE = 'integrity_constraint_violation',
              CONSTRAINT = 'shops_measure_is_done_and_undone_once';
END $$;
CREATE TRIGGER shops_measure_is_done_and_undone_once BEFORE UPDATE ON shops_measure FOR EACH ROW
    WHEN (NEW.penalty_id <> OLD.penalty_id OR NEW.kind <> OLD.kind
          OR OLD.applied_at IS NOT NULL AND NEW.applied_at IS DISTINCT FROM OLD.applied_at
          OR OLD.undone_at IS NOT NULL AND NEW.undone_at IS DISTINCT FROM OLD.undone_at)
    EXECUTE FUNCTION shops_measure_is_done_and_undone_once();

CREATE FUNCTION shops_closure_lasts_until_the_shop_may_return() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'closing %: when a shop closed and may return never changes, and it returns once, not before',
        NEW.id
        USING ERRCODE = 'integrity_constraint_violation',
              CONSTRAINT = 'shops_closure_lasts_until_the_shop_may_return';
END $$;
CREATE TRIGGER shops_closure_lasts_until_the_shop_may_return BEFORE UPDATE ON shops_closure FOR EACH ROW
    WHEN ((NEW.shop_id, NEW.closed_at, NEW.return_from) IS DISTINCT FROM
          (OLD.shop_id, OLD.closed_at, OLD.return_from)
          OR OLD.returned_at IS NOT NULL AND NEW.returned_at IS DISTINCT FROM OLD.returned_at
          OR (NEW.returned_at AT TIME ZONE 'Asia/Shanghai')::date < NEW.return_from)
    EXECUTE FUNCTION shops_closure_lasts_until_the_shop_may_return();

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
"""

NO_GUARDS = """
DROP FUNCTION shops_closure_lasts_until_the_shop_may_return(), shops_measure_in_effect_only_lessens(),
    shops_measure_is_done_and_undone_once(), shops_penalty_keeps_its_number(),
    shops_penalty_keeps_who_decided(), shops_penalty_stays_what_it_is(), shops_case_named(text),
    shops_case_number(bigint) CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("shops", "0005_guards_of_openings")]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
