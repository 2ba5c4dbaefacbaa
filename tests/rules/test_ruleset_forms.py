"""A draft's rules are edited on their own pages: what a form offers, keeps and refuses."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from rules import drafts, publishing
from rules.models import Alternative, Rule, RuleSet
from tests.clients import signed_in
from tests.factories import AT, make_user
from tests.rules.test_rulesets_admin import address, answers, code, text, version_1

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(editor: User) -> RuleSet:
    return drafts.draft_from(version_1(), by=editor, at=AT)


@pytest.fixture
def desk(editor: User) -> Client:
    """The editor's."""
    return signed_in(editor)


def test_an_editor_changes_a_threshold_and_its_operator(desk: Client, draft: RuleSet) -> None:
    url = address("rule", draft, code(draft, "DF-A5"))
    answer = desk.post(url, answers(desk, url, operator="≥", value="4.2"), follow=True)
    assert answer.redirect_chain[-1][0] == address("change", draft)
    assert "≥ 4.20" in answer.content.decode()
    rule = code(draft, "DF-A5")
    assert (rule.operator, rule.value) == ("≥", "4.2")


def test_saving_what_the_page_shows_changes_nothing(desk: Client, draft: RuleSet, editor: User) -> None:
    for each in draft.rules.all():
        url = address("rule", draft, each)
        assert desk.post(url, answers(desk, url)).status_code == 302, each.code
    assert publishing.digest_of(draft) == publishing.digest_of(version_1())
    assert set(Rule.history.filter(rule_set_id=draft.pk).values_list("history_type", flat=True)) == {"+"}


def test_a_rules_code_is_not_in_its_form(desk: Client, draft: RuleSet) -> None:
    url = address("rule", draft, code(draft, "DF-A5"))
    desk.post(url, answers(desk, url, code="DF-B1", position=1, rule_set=version_1().pk, value="4.3"))
    assert code(draft, "DF-A5").value == "4.3"


def test_scope_sample_and_alternatives_are_edited_and_shown(desk: Client, draft: RuleSet) -> None:
    url = address("rule", draft, code(draft, "DF-A5"))
    desk.post(
        url,
        answers(
            desk,
            url,
            **{
                "categories": "beauty， food",
                "shop_types": ["flagship"],
                "entered_from": "2025-01-01",
                "sample_metric": "paid_orders_30d",
                "sample_minimum": "50",
                "alternatives-0-metric": "positive_rate",
                "alternatives-0-operator": "between",
                "alternatives-0-value": "0.9",
                "alternatives-0-upper": "1",
            },
        ),
    )
    rule = code(draft, "DF-A5")
    assert (rule.categories, rule.shop_types) == (["beauty", "food"], ["flagship"])
    assert rule.alternatives.get().upper == "1"
    page = text(desk, address("change", draft))
    for shown in ("positive rate is between 90%–100%", "only beauty · food", "≥ 50"):
        assert shown in page, shown
    desk.post(url, answers(desk, url, **{"alternatives-0-DELETE": "on"}))
    assert not rule.alternatives.exists()


def test_an_emptied_line_is_no_alternative_any_more(desk: Client, draft: RuleSet, editor: User) -> None:
    rule = code(draft, "DF-A5")
    drafts.edit_rule(rule, [Alternative(metric="gmv_30d", operator=">", value="1")], by=editor)
    url = address("rule", draft, rule)
    emptied = {f"alternatives-0-{name}": "" for name in ("metric", "operator", "value")}
    desk.post(url, answers(desk, url, **emptied))
    assert not rule.alternatives.exists()


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"value": ""}, {"en": "A condition has a metric", "zh-hans": "条件须有指标"}),
        ({"sentence_zh": ""}, {"en": "This field is required", "zh-hans": "必填项"}),
        ({"metric": "unheard_of"}, {"en": "Select a valid choice", "zh-hans": "选择一个有效的选项"}),
        ({"sample_minimum": "0", "sample_metric": "gmv_30d"}, {"en": "go together", "zh-hans": "一并填写"}),
        ({"entered_from": "2026-02-30"}, {"en": "Enter a valid date", "zh-hans": "有效的日期"}),
        (
            {"alternatives-0-metric": "gmv_30d"},
            {"en": "An alternative has a metric", "zh-hans": "备选条件须有指标"},
        ),
    ],
)
def test_what_is_wrong_is_said_in_the_readers_language_and_nothing_is_saved(
    editor: User, draft: RuleSet, wrong: dict, words: dict, language: str
) -> None:
    client = signed_in(editor, language)
    url = address("rule", draft, code(draft, "DF-A5"))
    answer = client.post(url, answers(client, url, **wrong))
    assert answer.status_code == 200
    assert words[language] in answer.content.decode()
    assert publishing.digest_of(draft) == publishing.digest_of(version_1())


def test_an_old_page_is_refused_with_who_changed_the_rule_meanwhile(desk: Client, draft: RuleSet) -> None:
    url = address("rule", draft, code(draft, "DF-A5"))
    old = answers(desk, url, value="4.9")
    other = signed_in(make_user("rules_editor", username="somebody-else"))
    other.post(url, answers(other, url, value="4.3"))
    assert "somebody-else changed this on" in desk.post(url, old).content.decode()
    removing = desk.post(address("rule_remove", draft, code(draft, "DF-A5")), old, follow=True)
    assert "omebody-else changed this on" in removing.content.decode()
    assert code(draft, "DF-A5").value == "4.3"


@pytest.mark.parametrize("seen", ["", "x"])
def test_a_page_that_does_not_say_what_it_showed_changes_nothing(
    desk: Client, draft: RuleSet, seen: str
) -> None:
    rule = code(draft, "DF-A5")
    url = address("rule", draft, rule)
    sent = answers(desk, url, value="4.9", seen=seen)
    assert "Look at the rule again." in desk.post(url, sent).content.decode()
    removing = desk.post(address("rule_remove", draft, rule), sent, follow=True)
    assert "Look at the rule again." in removing.content.decode()
    assert code(draft, "DF-A5").value == rule.value


def test_penalties_under_any_violation_are_counted_over_any_days(desk: Client, draft: RuleSet) -> None:
    url = address("rule", draft, code(draft, "DF-A5"))
    counted = {"metric": "", "violation": "V9", "days": "30", "operator": "<", "value": "2"}
    other = {f"alternatives-0-{name}": value for name, value in counted.items()}
    other |= {"alternatives-0-violation": "V8", "alternatives-0-days": "7"}
    desk.post(url, answers(desk, url, **counted, **other))
    rule = code(draft, "DF-A5")
    assert rule.metric == "penalties:V9:30d"
    assert rule.alternatives.get().metric == "penalties:V8:7d"
    assert "penalties under V9 in 30 days" in text(desk, address("change", draft))
    # And what its page shows is what it says.
    desk.post(url, answers(desk, url, value="3"))
    rule = code(draft, "DF-A5")
    assert (rule.metric, rule.value) == ("penalties:V9:30d", "3")
    assert rule.alternatives.get().metric == "penalties:V8:7d"


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize(
    ("asked", "field", "says"),
    [
        (
            {"violation": "V9", "days": "30"},
            "violation",
            {"en": "not both", "zh-hans": "不能同时"},
        ),
        (
            {"metric": "", "violation": "V9"},
            "days",
            {"en": "in how many days", "zh-hans": "多少天"},
        ),
        (
            {"metric": "", "days": "30"},
            "violation",
            {"en": "Name the violation", "zh-hans": "违规"},
        ),
        (
            {"metric": "", "violation": "V9", "days": "0"},
            "days",
            {"en": "greater than or equal to 1", "zh-hans": "1"},
        ),
    ],
)
def test_a_count_of_penalties_takes_a_violation_and_days(
    editor: User, draft: RuleSet, asked: dict, field: str, says: dict, language: str
) -> None:
    client = signed_in(editor, language)
    url = address("rule", draft, code(draft, "DF-A5"))
    form = client.post(url, answers(client, url, **asked)).context["form"]
    assert says[language] in str(form.errors[field])
    assert code(draft, "DF-A5").metric == "shop_score"


def test_a_draft_on_products_is_simulated_from_its_page(desk: Client, editor: User) -> None:
    draft = drafts.draft_empty(version_1().alliance, subject="product", purpose="clearance", by=editor, at=AT)
    page = text(desk, address("change", draft))
    assert f"{reverse('admin:rules_simulation_add')}?rule_set={draft.pk}" in page
    assert "in how many days" not in text(desk, address("rule_add", draft))


def test_rules_are_added_moved_and_removed(desk: Client, draft: RuleSet) -> None:
    url = address("rule_add", draft)
    new = answers(
        desk,
        url,
        code="DF-A99",
        metric="service_score",
        operator="≥",
        value="4",
        sentence_en="The service score is at least 4.",
        sentence_zh="商家服务分不低于 4 分。",
        source="§9",
    )
    desk.post(url, new)
    again = desk.post(url, new)
    assert "The set has a rule DF-A99 already." in again.content.decode()
    desk.post(address("rule_move", draft, code(draft, "DF-A99")), {"to": "1"})
    assert draft.rules.order_by("position").first().code == "DF-A99"
    url = address("rule", draft, code(draft, "DF-A99"))
    desk.post(address("rule_remove", draft, code(draft, "DF-A99")), answers(desk, url))
    assert not draft.rules.filter(code="DF-A99").exists()


def test_a_rule_of_another_set_is_not_reached_through_a_draft(desk: Client, draft: RuleSet) -> None:
    stranger = version_1().rules.get(code="DF-A5")
    assert desk.get(address("rule", draft, stranger)).status_code == 302
    answer = desk.post(address("rule_remove", draft, stranger), {"seen": "1"}, follow=True)
    assert "removed this rule" in answer.content.decode()
    assert version_1().rules.filter(code="DF-A5").exists()


def test_mode_and_note_are_changed(desk: Client, draft: RuleSet) -> None:
    url = address("settings", draft)
    desk.post(url, answers(desk, url, mode="shadow", note="a trial"))
    draft.refresh_from_db()
    assert (draft.mode, draft.note) == ("shadow", "a trial")
