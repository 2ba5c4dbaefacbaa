"""A proposal's page: what it was judged by, what stands about its shop, and who may decide."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from opsdesk import review
from rules import casework
from rules.models import Proposal
from shops.models import Measure
from tests.clients import client_of
from tests.factories import (
    AT,
    DAY,
    DOUYIN,
    WECHAT,
    make_controller,
    make_enrollment,
    make_imposed,
    make_metrics,
    make_penalty,
    make_proposal,
    make_qualification,
    make_shop,
    make_sweep,
    make_user,
)
from tests.opsdesk.test_proposal_admin import QUEUE, page_of

pytestmark = pytest.mark.django_db


def test_the_page_shows_each_rule_in_the_readers_language_with_what_was_observed() -> None:
    proposal = make_proposal()
    english, chinese = page_of(client_of(), proposal), page_of(client_of(language="zh-hans"), proposal)
    for shown in ("The experience score is below 3.5.", "DF-C1", "3.49", "&lt; 3.50", "−0.01", "§0 DF-C1"):
        assert shown in english, shown
    assert "商家店铺体验分低于 3.5 分。" in chinese


def test_the_page_shows_the_metric_over_thirty_days_with_gaps_where_there_was_no_data() -> None:
    proposal = make_proposal()
    for ago, score in ((0, "3.49"), (1, "3.52"), (5, "3.60"), (6, "3.61"), (31, "4.99")):
        make_metrics(proposal.shop, DAY - timedelta(days=ago), experience_score=score)
    page = page_of(client_of(), proposal)
    assert page.count('<polyline class="line"') == 2
    assert page.count('class="dot"') == 4
    assert 'class="threshold"' in page
    assert "experience score, last 30 days" in page


def test_beside_a_proposal_the_shop_is_shown_as_it_stands() -> None:
    proposal = make_proposal()
    suspends = Measure(kind=Measure.Kind.SUSPEND, ends_at=timezone.now() + timedelta(days=7))
    make_imposed(proposal.shop, suspends)
    assert '<span class="pill pill-suspended">suspended</span>' in page_of(client_of(), proposal)


def test_a_proposal_for_the_platform_as_a_whole_shows_the_openings_in_each_alliance() -> None:
    shop = make_shop()
    make_penalty(shop, violation_code="V8", status="reported")
    casework.file_from_facts(at=AT)
    proposal = Proposal.objects.get()
    assert "Enrolled in no alliance." in page_of(client_of(), proposal)
    for alliance in (DOUYIN, WECHAT):
        make_enrollment(shop, alliance)
    page = page_of(client_of(), proposal)
    assert "Openings · Douyin Featured Alliance" in page
    assert page.count("Openings · ") == 2
    assert "Never opened." not in page


def test_a_metric_that_is_not_imported_daily_has_no_chart() -> None:
    proposal = make_proposal(lead_metric="brand_papers_ok", ground="qualification", margin=None)
    make_metrics(proposal.shop)
    assert "<svg viewBox" not in page_of(client_of(), proposal)


def test_only_those_who_decide_are_offered_the_decision() -> None:
    proposal = make_proposal()
    address = reverse("admin:rules_proposal_accept", args=[proposal.pk])
    assert address in page_of(client_of("operator"), proposal)
    assert address not in page_of(client_of("auditor"), proposal)


def test_a_decided_proposal_says_who_decided_what_and_why() -> None:
    proposal = make_proposal()
    review.accept(proposal.pk, by=make_user(username="wang"), reason="below_bar", note="for weeks", at=AT)
    page = page_of(client_of(), proposal)
    for shown in ("wang", "below the bar", "for weeks", "11 Mar 2026, 09:30", "P0000"):
        assert shown in page, shown
    assert reverse("admin:rules_proposal_accept", args=[proposal.pk]) not in page


def test_nothing_on_the_page_breaks_the_content_policy() -> None:
    proposal = make_proposal()
    make_metrics(proposal.shop)
    make_metrics(proposal.shop, DAY - timedelta(days=1))
    make_sweep()
    client = client_of("supervisor")
    for address in ("/admin/", QUEUE, reverse("admin:rules_proposal_change", args=[proposal.pk])):
        page = client.get(address).content.decode()
        for forbidden in (" style=", "<style", "onclick=", "<script>"):
            assert forbidden not in page, (address, forbidden)


def test_posting_to_the_page_itself_changes_nothing() -> None:
    proposal = make_proposal()
    address = reverse("admin:rules_proposal_change", args=[proposal.pk])
    assert client_of("supervisor").post(address, {"status": "accepted"}).status_code == 403


def test_the_page_of_one_proposal_asks_a_bounded_number_of_questions(django_assert_max_num_queries) -> None:
    client = client_of()
    proposal = make_proposal(make_enrollment(make_shop(controller=make_controller()), openings=3))
    for number in range(10):
        make_metrics(proposal.shop, DAY - timedelta(days=number))
        make_penalty(proposal.shop)
        make_qualification(proposal.shop, brand=f"brand {number}")
        make_proposal(proposal.enrollment, status="withdrawn", closed_at=AT)
    with django_assert_max_num_queries(21):
        client.get(reverse("admin:rules_proposal_change", args=[proposal.pk]))
