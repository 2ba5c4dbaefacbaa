"""A draft is submitted, sent back, published by a second person, discarded; a version is retired."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from rules import drafts, publishing
from rules.models import Retirement, RuleSet
from tests.clients import signed_in
from tests.factories import AT, make_simulation, make_user
from tests.rules.test_rulesets_admin import address, answers, code, submitted, text, version_1

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(editor: User) -> RuleSet:
    return drafts.draft_from(version_1(), by=editor, at=AT)


@pytest.fixture
def desk(editor: User) -> Client:
    """The editor's."""
    return signed_in(editor)


def test_a_draft_without_a_simulation_of_its_rules_is_not_submitted(
    desk: Client, draft: RuleSet, editor: User
) -> None:
    make_simulation(draft)
    drafts.move(code(draft, "DF-A5"), to=1, by=editor)
    answer = desk.get(address("submit", draft), follow=True)
    assert "Simulate the draft as it is now" in answer.content.decode()


def test_the_editor_submits_and_a_supervisor_publishes(desk: Client, draft: RuleSet) -> None:
    simulation = make_simulation(draft)
    desk.post(address("submit", draft), {"simulation": simulation.pk})
    page = text(desk, address("change", draft))
    assert "pill-submitted" in page and address("withdraw", draft) in page
    assert address("publish", draft) not in page

    supervisor = signed_in(make_user("supervisor"))
    page = text(supervisor, address("change", draft))
    assert address("publish", draft) in page and address("send_back", draft) in page
    url = address("publish", draft)
    soon = (timezone.localdate() + timedelta(days=6)).isoformat()
    refused = supervisor.post(url, answers(supervisor, url, in_force_from=soon))
    assert "7 days of notice" in refused.content.decode()
    answer = supervisor.post(url, answers(supervisor, url), follow=True)
    assert "published, from" in answer.content.decode()
    draft.refresh_from_db()
    assert draft.in_force_from == timezone.localdate() + timedelta(days=7)


def test_who_wrote_it_is_told_on_its_page_that_somebody_else_publishes_it(draft: RuleSet) -> None:
    root = User.objects.create_superuser("root")
    submitted(draft, root)
    page = text(signed_in(root), address("change", draft))
    assert "somebody else publishes it" in page
    assert f'href="{address("publish", draft)}"' not in page


def test_a_submission_sent_back_says_why_on_the_drafts_page(
    desk: Client, draft: RuleSet, editor: User
) -> None:
    submitted(draft, editor)
    signed_in(make_user("supervisor", username="the-boss")).post(
        address("send_back", draft), {"reason": "Too hard before the festival"}
    )
    page = text(desk, address("change", draft))
    assert "the-boss" in page and "Too hard before the festival" in page


def test_a_publication_from_a_page_that_shows_an_older_submission_is_refused(
    draft: RuleSet, editor: User
) -> None:
    submitted(draft, editor)
    supervisor = signed_in(make_user("supervisor"))
    old = answers(supervisor, address("publish", draft))
    publishing.withdraw_submission(draft, reason="a slip", by=editor)
    submitted(draft, editor)
    answer = supervisor.post(address("publish", draft), old)
    assert "the-editor changed this on" in answer.content.decode()


def test_a_supervisor_retires_a_version_with_a_reason(db) -> None:
    client = signed_in(make_user("supervisor"))
    url = address("retire", version_1())
    day = (timezone.localdate() + timedelta(days=3)).isoformat()
    assert client.post(url, {"day": day, "reason": ""}).status_code == 200
    answer = client.post(url, {"day": day, "reason": "the programme ends"}, follow=True)
    assert "the programme ends" in answer.content.decode()
    assert Retirement.objects.get().rule_set == version_1()
    assert address("retire", version_1()) not in text(client, address("change", version_1()))


def test_a_draft_is_discarded_with_a_reason(desk: Client, draft: RuleSet) -> None:
    answer = desk.post(address("discard", draft), {"reason": "another way"}, follow=True)
    assert "discarded" in answer.content.decode()
    assert not RuleSet.objects.filter(pk=draft.pk).exists()
    assert desk.get(address("rule_add", draft)).status_code == 404


def test_of_a_published_version_nothing_is_edited(desk: Client) -> None:
    rule = version_1().rules.first()
    for url in (address("rule_add", version_1()), address("rule", version_1(), rule)):
        assert desk.get(url).status_code == 302
    for url, sent in (
        (address("rule_move", version_1(), rule), {"to": 3}),
        (address("rule_remove", version_1(), rule), {"seen": 1}),
    ):
        assert "it never changes" in desk.post(url, sent, follow=True).content.decode()
    assert "mover" not in text(desk, address("change", version_1()))
