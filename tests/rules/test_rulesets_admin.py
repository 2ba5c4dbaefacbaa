"""The rule book's pages: a rules editor drafts and submits, a supervisor publishes, everybody reads."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from rules import drafts, publishing
from rules.models import Rule, RuleSet
from tests.clients import signed_in
from tests.factories import AT, DOUYIN, WECHAT, make_simulation, make_user

pytestmark = pytest.mark.django_db


def version_1(alliance: str = DOUYIN) -> RuleSet:
    return RuleSet.objects.get(alliance__code=alliance, purpose="admission", version=1)


@pytest.fixture
def draft(editor: User) -> RuleSet:
    return drafts.draft_from(version_1(), by=editor, at=AT)


@pytest.fixture
def desk(editor: User) -> Client:
    """The editor's."""
    return signed_in(editor)


def address(page: str, *of: RuleSet | Rule) -> str:
    return reverse(f"admin:rules_ruleset_{page}", args=[record.pk for record in of])


def text(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def answers(client: Client, url: str, **change) -> dict:
    """What the page's form would send, with changes."""
    page = client.get(url)
    form, formset = page.context["form"], page.context.get("formset")
    sent = {}
    for each in [form] if formset is None else [form, formset.management_form, *formset.forms]:
        for field in each:
            value = field.value()
            if isinstance(value, list) and field.name == "categories":
                value = ",".join(value)
            if value is not None and value is not False:
                sent[field.html_name] = value
    return sent | change


def code(draft: RuleSet, code: str) -> Rule:
    return draft.rules.get(code=code)


def submitted(draft: RuleSet, by: User) -> RuleSet:
    publishing.submit(draft, make_simulation(draft), by=by, at=AT)
    return draft


def published(draft: RuleSet, editor: User, day: date) -> RuleSet:
    submitted(draft, editor)
    at = timezone.now()
    publishing.publish(
        draft, in_force_from=day, short_notice_reason="soon", by=make_user("supervisor"), at=at
    )
    return draft


# Drafting


def test_an_editor_drafts_from_the_version_in_force_by_one_button(desk: Client) -> None:
    page = text(desk, address("change", version_1()))
    assert f'formaction="{address("draft", version_1())}"' in page
    answer = desk.post(address("draft", version_1()), follow=True)
    draft = RuleSet.objects.get(version=2)
    assert answer.redirect_chain[-1][0] == address("change", draft)
    assert "is drafted" in answer.content.decode()


def test_a_second_draft_is_refused_with_the_reason(desk: Client, draft: RuleSet) -> None:
    answer = desk.post(address("draft", version_1()), follow=True)
    assert "still open" in answer.content.decode()


def test_who_may_not_draft_is_offered_nothing(draft: RuleSet) -> None:
    for role in ("operator", "auditor", "supervisor"):
        client = signed_in(make_user(role))
        for rule_set in (version_1(), draft):
            page = text(client, address("change", rule_set))
            assert "Draft from this" not in page and "Add a rule" not in page and "mover" not in page


def test_an_editor_begins_the_first_set_for_a_purpose(desk: Client) -> None:
    sent = {"alliance": version_1().alliance_id, "subject": "shop", "purpose": "warning"}
    desk.post(address("add"), sent)
    assert RuleSet.objects.get(alliance__code=DOUYIN, purpose="warning").open
    again = desk.post(address("add"), sent)
    assert "still open" in again.content.decode()
    wrong = desk.post(address("add"), sent | {"purpose": "observation"})
    assert "Nothing is called" in wrong.content.decode()


def test_a_get_drafts_moves_and_removes_nothing(desk: Client, draft: RuleSet) -> None:
    rule = code(draft, "DF-A5")
    for url in (
        address("draft", version_1()),
        address("rule_move", draft, rule),
        address("rule_remove", draft, rule),
    ):
        assert desk.get(url).status_code == 405


# Reading


def test_the_list_says_where_each_version_stands(draft: RuleSet, editor: User) -> None:
    today = timezone.localdate()
    published(draft, editor, today + timedelta(days=3))
    third = drafts.draft_from(version_1(), by=editor, at=AT)
    submitted(third, editor)
    drafts.draft_from(version_1(WECHAT), by=editor, at=AT)
    client = signed_in(make_user("auditor"))
    page = text(client, address("changelist"))
    for state in ("pill-in_force", "pill-published", "pill-submitted", "pill-draft"):
        assert state in page, state
    assert client.get(address("changelist"), {"state": "draft"}).context["cl"].result_count == 1


def test_two_versions_are_laid_side_by_side_with_what_changed(
    desk: Client, draft: RuleSet, editor: User
) -> None:
    rule = code(draft, "DF-A5")
    rule.operator, rule.value, rule.sentence_en = "≥", "4.2", "The shop score is at least 4.2."
    drafts.edit_rule(rule, by=editor)
    drafts.remove_rule(code(draft, "DF-A11"), by=editor)
    drafts.move(code(draft, "DF-A9"), to=1, by=editor)
    drafts.add_rule(
        draft,
        Rule(
            code="DF-A99",
            metric="service_score",
            operator="≥",
            value="4",
            sentence_en="New.",
            sentence_zh="新。",
            source="§9",
        ),
        by=editor,
    )
    answer = desk.get(address("compare"), {"left": version_1().pk, "right": draft.pk})
    lines = {line.code: line for line in answer.context["lines"]}
    assert {code: line.fates for code, line in lines.items() if line.fates} == {
        "DF-A5": ["changed"],
        "DF-A9": ["moved"],
        "DF-A11": ["removed"],
        "DF-A99": ["added"],
    }
    assert ("condition", "shop score > 4.10", "shop score ≥ 4.20") in lines["DF-A5"].changes
    page = answer.content.decode()
    assert "<del>shop score &gt; 4.10</del>" in page and "<ins>shop score ≥ 4.20</ins>" in page


def test_comparing_asks_which_versions(desk: Client) -> None:
    assert "Compare" in text(desk, address("compare"))
    assert desk.get(address("compare"), {"left": "x", "right": "'"}).status_code == 200
