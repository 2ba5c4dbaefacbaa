"""The rule book's pages: a rules editor drafts and submits, a supervisor publishes, everybody reads."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from rules import drafts, publishing
from rules.models import Alternative, Retirement, Rule, RuleSet
from tests.clients import signed_in
from tests.factories import AT, DOUYIN, WECHAT, make_simulation, make_user

pytestmark = pytest.mark.django_db


def version_1(alliance: str = DOUYIN) -> RuleSet:
    return RuleSet.objects.get(alliance__code=alliance, purpose="admission", version=1)


@pytest.fixture
def editor(db) -> User:
    return make_user("rules_editor", username="the-editor")


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


# Rules


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


# Submitting, publishing, ending


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
