"""The page of the terms of appeals."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.urls import reverse

from opsdesk.models import AppealTerms
from tests.clients import signed_in
from tests.factories import AT, make_appeal, make_cleared, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("two_days_later")]


def test_a_supervisor_changes_the_terms_and_history_says_who() -> None:
    supervisor = make_user("supervisor")
    client = signed_in(supervisor)
    terms = {"first_days": 60, "second_days": 15, "answer_days": 3, "ruling_days": 5, "lease_hours": 24}
    client.post(reverse("admin:opsdesk_appealterms_change", args=[1]), terms)
    penalty = make_cleared(at=AT - timedelta(days=50))
    assert make_appeal(penalty).level == 1
    page = reverse("admin:opsdesk_appealterms_change", args=[1])
    refused = client.post(page, {**terms, "first_days": 0}).content.decode()
    assert "Each is at least 1." in refused


def test_holidays_are_written_as_people_write_lists_and_a_day_is_off_or_worked() -> None:
    client = signed_in(make_user("supervisor"))
    page = reverse("admin:opsdesk_appealterms_change", args=[1])
    terms = {"first_days": 30, "second_days": 15, "answer_days": 3, "ruling_days": 5, "lease_hours": 24}
    terms |= {"days_off": "2026-10-02， 2026-10-01\n2026-10-01,", "days_worked": "2026-10-10"}
    client.post(page, terms)
    current = AppealTerms.current()
    assert current.days_off == [date(2026, 10, 1), date(2026, 10, 2)]
    assert current.days_worked == [date(2026, 10, 10)]
    assert "2026-10-01" in client.get(page).content.decode()
    both = client.post(page, {**terms, "days_worked": "2026-10-01"}).content.decode()
    assert "A day is off or worked, not both." in both
    wrong = client.post(page, {**terms, "days_off": "1 October"}).content.decode()
    assert "Enter a valid date." in wrong
    assert AppealTerms.current().days_off == current.days_off


def test_who_issues_notices_is_said_in_both_languages_or_in_neither() -> None:
    client = signed_in(make_user("supervisor"))
    page = reverse("admin:opsdesk_appealterms_change", args=[1])
    terms = {"first_days": 30, "second_days": 15, "answer_days": 3, "ruling_days": 5, "lease_hours": 24}
    refused = client.post(page, {**terms, "issuer_zh": "联盟治理组"}).content.decode()
    assert "Shops are told in both languages" in refused
    client.post(page, {**terms, "issuer_zh": "联盟治理组", "issuer_en": "Alliance governance"})
    assert AppealTerms.current().issuer_en == "Alliance governance"
    assert AppealTerms.history.latest("history_id").issuer_zh == "联盟治理组"
