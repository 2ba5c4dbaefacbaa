"""Whoever had a part in a decision says nothing in the shop's name, by SQL either: no statement, no answer."""

from __future__ import annotations

from django.db import migrations

GUARDS = """
CREATE FUNCTION opsdesk_appeal_shop_is_spoken_for_by_nobody_who_took_part() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    writer bigint := to_jsonb(NEW) ->> TG_ARGV[0];
BEGIN
    PERFORM FROM opsdesk_appeal a WHERE a.id = NEW.appeal_id
        AND writer IN (a.maker_id, a.approver_id, a.proposer_id, a.reporter_id, a.first_judge_id);
    IF FOUND THEN
        RAISE EXCEPTION 'appeal %: user % had a part in what it contests', NEW.appeal_id, writer
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'opsdesk_appeal_shop_is_spoken_for_by_nobody_who_took_part';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER opsdesk_evidence_states_nothing_by_who_took_part BEFORE INSERT ON opsdesk_evidence
    FOR EACH ROW WHEN (NEW.kind = 'statement')
    EXECUTE FUNCTION opsdesk_appeal_shop_is_spoken_for_by_nobody_who_took_part('added_by_id');
CREATE TRIGGER opsdesk_appealmessage_of_the_shop_is_by_nobody_who_took_part
    BEFORE INSERT ON opsdesk_appealmessage
    FOR EACH ROW WHEN (NEW.kind IN ('statement', 'answer'))
    EXECUTE FUNCTION opsdesk_appeal_shop_is_spoken_for_by_nobody_who_took_part('by_id');
"""
NO_GUARDS = """
DROP TRIGGER opsdesk_appealmessage_of_the_shop_is_by_nobody_who_took_part ON opsdesk_appealmessage;
DROP TRIGGER opsdesk_evidence_states_nothing_by_who_took_part ON opsdesk_evidence;
DROP FUNCTION opsdesk_appeal_shop_is_spoken_for_by_nobody_who_took_part();
"""


class Migration(migrations.Migration):
    dependencies = [("opsdesk", "0023_shown_sha256")]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
