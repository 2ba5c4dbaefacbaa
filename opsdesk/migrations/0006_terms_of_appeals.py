"""The terms of appeals, as the documents name them; they are one row."""

from django.db import migrations

TERMS = """
INSERT INTO opsdesk_appealterms
    (id, first_days, second_days, answer_days, ruling_days, lease_hours, issuer_zh, issuer_en, contact_zh, contact_en,
     days_off, days_worked)
VALUES (1, 30, 15, 3, 5, 24, '', '', '', '', '{}', '{}');
INSERT INTO opsdesk_historicalappealterms
    (id, first_days, second_days, answer_days, ruling_days, lease_hours, issuer_zh, issuer_en, contact_zh, contact_en,
     days_off, days_worked,
     history_date, history_type, history_change_reason)
SELECT id, first_days, second_days, answer_days, ruling_days, lease_hours, issuer_zh, issuer_en, contact_zh, contact_en,
     days_off, days_worked,
     now(), '+', 'shipped'
FROM opsdesk_appealterms;
"""


class Migration(migrations.Migration):
    dependencies = [("opsdesk", "0005_guards_of_evidence")]

    # Nothing needs it undone: its rows go with their tables.
    operations = [migrations.RunSQL(TERMS, migrations.RunSQL.noop)]
