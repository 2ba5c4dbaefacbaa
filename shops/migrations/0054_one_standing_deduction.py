"""A measure that is lessened deducts anew what is left of it: one deduction of it stands, and no other kind of
movement gives a part of it back.

A database in which a part was given back that way (a demonstration; nothing was released) is set up anew.
"""

from __future__ import annotations

from django.db import migrations, models

DEDUCTS_ONCE = """
-- In the order of their names triggers run: the account's row is held by now.
CREATE FUNCTION shops_depositentry_measure_deducts_once() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off AS $$
BEGIN
    PERFORM FROM shops_depositentry v WHERE v.measure_id = NEW.measure_id AND v.kind = 'deduct'
        AND NOT EXISTS (SELECT FROM shops_depositentry r WHERE r.reverses_id = v.id);
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
DROP TRIGGER shops_depositentry_gives_back_what_was_deducted ON shops_depositentry;
DROP FUNCTION shops_depositentry_gives_back_what_was_deducted();
"""
GIVES_BACK = """
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
DROP TRIGGER shops_depositentry_measure_deducts_once ON shops_depositentry;
DROP FUNCTION shops_depositentry_measure_deducts_once();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("shops", "0050_who_decided"),
    ]

    operations = [
        migrations.RunSQL(DEDUCTS_ONCE, GIVES_BACK),
        migrations.RemoveConstraint(
            model_name="depositentry",
            name="shops_depositentry_measure_deducts_once",
        ),
        migrations.RemoveConstraint(
            model_name="depositentry",
            name="shops_depositentry_amount_has_the_sign_of_its_kind",
        ),
        migrations.RemoveConstraint(
            model_name="depositentry",
            name="shops_depositentry_measure_only_deducts",
        ),
        migrations.RemoveConstraint(
            model_name="depositentry",
            name="shops_depositentry_given_back_in_part_names_its_measure",
        ),
        migrations.AlterField(
            model_name="depositentry",
            name="kind",
            field=models.CharField(
                choices=[
                    ("pay_in", "paid in"),
                    ("adjust", "adjusted"),
                    ("top_up", "topped up"),
                    ("compensate", "compensated"),
                    ("deduct", "deducted"),
                    ("collect", "deducted once paid"),
                    ("refund", "refunded"),
                    ("reversal", "taken back"),
                ],
                max_length=20,
                verbose_name="kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="depositentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("amount_fen__gt", 0), ("kind__in", ["pay_in", "top_up"])),
                    models.Q(
                        ("amount_fen__lt", 0), ("kind__in", ["collect", "compensate", "deduct", "refund"])
                    ),
                    models.Q(
                        ("kind__in", ["adjust", "reversal"]), models.Q(("amount_fen", 0), _negated=True)
                    ),
                    _connector="OR",
                ),
                name="shops_depositentry_amount_has_the_sign_of_its_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="depositentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("measure", None), ("kind__in", ["collect", "deduct", "reversal"]), _connector="OR"
                ),
                name="shops_depositentry_measure_only_deducts",
            ),
        ),
    ]
