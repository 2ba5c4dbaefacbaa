"""Drafts of rule sets: one at a time, copied from a version, changed rule by rule."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction

from rules import drafts, publishing
from rules.models import Alternative, Rule, RuleSet, Simulation
from shops.changes import latest_change
from shops.errors import Invalid, NotAllowed, Refused
from shops.models import Alliance
from tests.factories import AT, DOUYIN, WECHAT, make_published, make_simulation, make_user

pytestmark = pytest.mark.django_db


def version_1(purpose: str = "admission", alliance: str = DOUYIN) -> RuleSet:
    return RuleSet.objects.get(alliance__code=alliance, purpose=purpose, subject="shop", version=1)


@pytest.fixture
def editor(db) -> User:
    return make_user("rules_editor")


@pytest.fixture
def draft(editor: User) -> RuleSet:
    return drafts.draft_from(version_1(), by=editor, at=AT)


def of_code(draft: RuleSet, code: str) -> Rule:
    return draft.rules.get(code=code)


def order(draft: RuleSet) -> list[str]:
    return list(draft.rules.order_by("position").values_list("code", flat=True))


def a_rule(**values) -> Rule:
    return Rule(
        **{
            "code": "DF-A99",
            "metric": "service_score",
            "operator": "≥",
            "value": "4.0",
            "sentence_en": "The service score is at least 4.0.",
            "sentence_zh": "商家服务分不低于 4.0 分。",
            "source": "§9",
            **values,
        }
    )


def a_condition(**values) -> Alternative:
    return Alternative(**{"metric": "positive_rate", "operator": ">", "value": "0.9", **values})


def submitted(draft: RuleSet, by: User) -> RuleSet:
    publishing.submit(draft, make_simulation(draft), by=by, at=AT)
    return draft


# Making one


def test_a_draft_is_a_copy_with_the_next_number_that_says_what_it_was_made_from(
    draft: RuleSet, editor: User
) -> None:
    source = version_1()
    assert (draft.version, draft.based_on, draft.drafted_by, draft.drafted_at) == (2, source, editor, AT)
    assert (draft.published_at, draft.submitted_at, draft.in_force_from) == (None, None, None)
    assert order(draft) == order(source)
    assert publishing.digest_of(draft) == publishing.digest_of(source)
    assert draft.history.get().history_user == editor


def test_alternatives_are_copied_with_their_rules(editor: User) -> None:
    empty = drafts.draft_empty(
        Alliance.objects.get(code=DOUYIN), subject="shop", purpose="warning", by=editor, at=AT
    )
    drafts.add_rule(empty, a_rule(), [a_condition(), a_condition(value="0.8")], by=editor)
    empty.in_force_from = date(2026, 3, 1)
    make_published(empty)
    copy = drafts.draft_from(empty, by=editor, at=AT)
    assert [a.value for a in copy.rules.get().alternatives.all()] == ["0.9", "0.8"]
    assert publishing.digest_of(copy) == publishing.digest_of(empty)


def test_only_one_draft_of_a_kind_is_open_at_a_time(draft: RuleSet, editor: User) -> None:
    with pytest.raises(Refused, match="still open"):
        drafts.draft_from(version_1(), by=editor, at=AT)
    drafts.draft_from(version_1("clearance"), by=editor, at=AT)
    drafts.draft_from(version_1(alliance=WECHAT), by=editor, at=AT)


def test_a_second_open_draft_is_refused_by_the_database_too(draft: RuleSet) -> None:
    with pytest.raises(DatabaseError, match="rules_ruleset_one_draft_is_open_at_a_time"):
        RuleSet.objects.create(alliance=draft.alliance, purpose=draft.purpose, version=3)


def test_no_draft_is_made_from_a_draft(draft: RuleSet, editor: User) -> None:
    with pytest.raises(Refused):
        drafts.draft_from(draft, by=editor, at=AT)


def test_the_first_set_for_a_purpose_begins_empty_and_only_where_there_is_none(editor: User) -> None:
    alliance = Alliance.objects.get(code=DOUYIN)
    first = drafts.draft_empty(alliance, subject="shop", purpose="warning", by=editor, at=AT)
    assert (first.version, first.rules.count()) == (1, 0)
    with pytest.raises(Refused):
        drafts.draft_empty(alliance, subject="shop", purpose="warning", by=editor, at=AT)
    with pytest.raises(Refused):
        drafts.draft_empty(alliance, subject="shop", purpose="admission", by=editor, at=AT)


def test_shops_are_not_observed(editor: User) -> None:
    with pytest.raises(Refused):
        drafts.draft_empty(
            Alliance.objects.get(code=DOUYIN), subject="shop", purpose="observation", by=editor, at=AT
        )


@pytest.mark.parametrize("role", ["operator", "supervisor", "auditor"])
def test_only_a_rules_editor_drafts_and_changes(draft: RuleSet, role: str) -> None:
    other = make_user(role)
    rule = of_code(draft, "DF-A5")
    for attempt in (
        lambda: drafts.draft_from(version_1("clearance"), by=other, at=AT),
        lambda: drafts.edit_rule(rule, by=other),
        lambda: drafts.add_rule(draft, a_rule(), by=other),
        lambda: drafts.remove_rule(rule, by=other),
        lambda: drafts.move(rule, to=1, by=other),
        lambda: drafts.change_settings(draft, mode="shadow", note="", by=other),
        lambda: drafts.discard(draft, reason="no", by=other),
    ):
        with pytest.raises(NotAllowed):
            attempt()


# Changing one


def test_a_threshold_is_changed_in_the_draft_and_not_in_the_version_in_force(
    draft: RuleSet, editor: User
) -> None:
    rule = of_code(draft, "DF-A5")
    rule.operator, rule.value = "≥", "4.2"
    drafts.edit_rule(rule, by=editor)
    assert (of_code(draft, "DF-A5").operator, of_code(draft, "DF-A5").value) == ("≥", "4.2")
    assert (of_code(version_1(), "DF-A5").operator, of_code(version_1(), "DF-A5").value) == (">", "4.1")
    assert rule.history.first().history_user == editor


def test_a_rules_code_and_place_stay_whatever_the_edit_says(draft: RuleSet, editor: User) -> None:
    rule = of_code(draft, "DF-A5")
    rule.code, rule.position, rule.rule_set, rule.value = "DF-A77", 1, draft, "4.3"
    drafts.edit_rule(rule, by=editor)
    assert (of_code(draft, "DF-A5").value, order(draft)) == ("4.3", order(version_1()))


def test_saving_without_a_difference_is_no_change(draft: RuleSet) -> None:
    drafts.edit_rule(of_code(draft, "DF-A5"), [], by=make_user("rules_editor"))
    assert of_code(draft, "DF-A5").history.count() == 1


def test_alternatives_are_replaced_added_and_taken_away(draft: RuleSet, editor: User) -> None:
    rule = of_code(draft, "DF-A5")
    drafts.edit_rule(rule, [a_condition(), a_condition(value="0.8")], by=editor)
    drafts.edit_rule(of_code(draft, "DF-A5"), [a_condition(value="0.7")], by=editor)
    assert [a.value for a in of_code(draft, "DF-A5").alternatives.all()] == ["0.7"]
    written = Alternative.history.filter(rule_id=rule.pk)
    assert list(written.values_list("history_type", flat=True)) == ["-", "~", "+", "+"]


def test_who_looked_at_an_older_state_is_told_who_changed_it(draft: RuleSet, editor: User) -> None:
    rule = of_code(draft, "DF-A5")
    seen = latest_change(rule)
    other = make_user("rules_editor", username="somebody-else")
    drafts.edit_rule(rule, [a_condition()], seen=seen, by=other)
    rule.value = "4.5"
    with pytest.raises(Refused, match="somebody-else changed this on"):
        drafts.edit_rule(rule, seen=seen, by=editor)
    with pytest.raises(Refused, match="somebody-else changed this on"):
        drafts.remove_rule(rule, seen=seen, by=editor)
    assert of_code(draft, "DF-A5").value == "4.1"


def test_a_new_rule_stands_at_the_end(draft: RuleSet, editor: User) -> None:
    drafts.add_rule(draft, a_rule(), by=editor)
    assert order(draft) == [*order(version_1()), "DF-A99"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"code": "DF-A5"}, "code"),
        ({"code": "df a5; drop"}, "code"),
        ({"code": ""}, "code"),
        ({"sentence_zh": ""}, "sentence_zh"),
        ({"source": ""}, "source"),
        ({"operator": "~"}, "operator"),
        ({"value": ""}, "value"),
        ({"metric": ""}, "metric"),
        ({"operator": "between", "upper": ""}, "upper"),
        ({"sample_metric": "paid_orders_30d"}, "sample_minimum"),
        ({"warn_within": Decimal("-0.1")}, "warn_within"),
        ({"entered_from": date(2026, 2, 1), "entered_until": date(2026, 1, 1)}, "entered_until"),
        ({"shop_types": ["kiosk"]}, "shop_types"),
    ],
)
def test_a_rule_that_is_wrong_is_refused_in_words(
    draft: RuleSet, editor: User, wrong: dict, field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        drafts.add_rule(draft, a_rule(**wrong), by=editor)
    assert field in refusal.value.errors
    assert "rules_rule_" not in str(refusal.value)
    assert order(draft) == order(version_1())


def test_an_incomplete_alternative_is_refused(draft: RuleSet, editor: User) -> None:
    with pytest.raises(Invalid):
        drafts.edit_rule(of_code(draft, "DF-A5"), [a_condition(value="")], by=editor)


def test_rules_are_moved_and_removed(draft: RuleSet, editor: User) -> None:
    codes = order(draft)
    drafts.move(of_code(draft, "DF-A5"), to=1, by=editor)
    assert order(draft) == ["DF-A5", *(code for code in codes if code != "DF-A5")]
    drafts.move(of_code(draft, "DF-A5"), to=999, by=editor)
    assert order(draft)[-1] == "DF-A5"
    drafts.remove_rule(of_code(draft, "DF-A5"), by=editor)
    assert order(draft) == [code for code in codes if code != "DF-A5"]
    assert Rule.history.filter(rule_set_id=draft.pk, code="DF-A5").first().history_type == "-"


def test_a_rule_that_somebody_removed_is_not_brought_back_by_saving_it(draft: RuleSet, editor: User) -> None:
    rule = of_code(draft, "DF-A5")
    drafts.remove_rule(of_code(draft, "DF-A5"), by=editor)
    with pytest.raises(Refused, match="removed"):
        drafts.edit_rule(rule, by=editor)


def test_mode_and_note_are_set_and_only_modes_that_there_are(draft: RuleSet, editor: User) -> None:
    drafts.change_settings(draft, mode="shadow", note="Trial", by=editor)
    draft.refresh_from_db()
    assert (draft.mode, draft.note) == ("shadow", "Trial")
    with pytest.raises(Refused):
        drafts.change_settings(draft, mode="loud", note="", by=editor)


# What may no longer be changed


@pytest.mark.parametrize("closed", ["submitted", "published"])
def test_once_it_is_submitted_or_published_nothing_changes(draft: RuleSet, editor: User, closed: str) -> None:
    subject = submitted(draft, editor) if closed == "submitted" else version_1("clearance")
    rule = subject.rules.exclude(metric="").first()
    for attempt in (
        lambda: drafts.edit_rule(rule, by=editor),
        lambda: drafts.add_rule(subject, a_rule(), by=editor),
        lambda: drafts.remove_rule(rule, by=editor),
        lambda: drafts.move(rule, to=2, by=editor),
        lambda: drafts.change_settings(subject, mode="shadow", note="", by=editor),
        lambda: drafts.discard(subject, reason="no", by=editor),
    ):
        with pytest.raises(Refused, match=closed):
            attempt()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE rules_rule SET value = '1' WHERE rule_set_id = %s AND code = 'DF-A5'",
        "DELETE FROM rules_rule WHERE rule_set_id = %s AND code = 'DF-A6'",
        "UPDATE rules_alternative SET value = '1' WHERE rule_id IN"
        " (SELECT id FROM rules_rule WHERE rule_set_id = %s)",
        "INSERT INTO rules_alternative (rule_id, position, metric, operator, value, upper)"
        " SELECT id, 9, 'gmv_30d', '>', '1', '' FROM rules_rule WHERE rule_set_id = %s AND code = 'DF-A6'",
        "UPDATE rules_ruleset SET mode = 'automatic' WHERE id = %s",
        "UPDATE rules_ruleset SET published_by_id = drafted_by_id, published_at = now(),"
        " in_force_from = '2030-01-01' WHERE id = %s",
    ],
)
def test_the_database_refuses_to_change_a_submitted_set(draft: RuleSet, editor: User, statement: str) -> None:
    drafts.edit_rule(of_code(draft, "DF-A5"), [a_condition()], by=editor)
    submitted(draft, make_user("rules_editor"))
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, [draft.pk])


def test_after_the_submission_is_withdrawn_it_changes_again(draft: RuleSet, editor: User) -> None:
    publishing.withdraw_submission(submitted(draft, editor), reason="a slip", by=editor)
    drafts.remove_rule(of_code(draft, "DF-A5"), by=editor)


# Throwing it away


def test_a_discarded_draft_is_gone_and_its_history_stays(draft: RuleSet, editor: User) -> None:
    make_simulation(draft)
    key = draft.pk
    drafts.edit_rule(of_code(draft, "DF-A5"), [a_condition()], by=editor)
    drafts.discard(draft, reason="another way", by=editor)
    assert not RuleSet.objects.filter(pk=key).exists()
    assert not Simulation.objects.exists()
    last = RuleSet.history.filter(id=key).latest("history_id")
    assert (last.history_type, last.history_user, last.history_change_reason) == ("-", editor, "another way")
    assert set(
        Rule.history.filter(rule_set_id=key, history_type="-").values_list("history_user", flat=True)
    ) == {editor.pk}
    assert drafts.draft_from(version_1(), by=editor, at=AT).version == 2


def test_discarding_takes_a_reason(draft: RuleSet, editor: User) -> None:
    with pytest.raises(Refused):
        drafts.discard(draft, reason=" ", by=editor)


@pytest.mark.django_db(transaction=False)
def test_the_digest_hangs_on_what_rules_say_and_on_their_order(draft: RuleSet, editor: User) -> None:
    before = publishing.digest_of(draft)
    assert len(before) == 64
    draft.rules.filter(code="DF-A1").update(position=0)  # still the first
    assert publishing.digest_of(draft) == before
    seen = {before}
    rule = of_code(draft, "DF-A5")
    for field, value in {
        "value": "4.2",
        "operator": "≥",
        "sentence_zh": "店铺评分不低于 4.2 分。",
        "categories": ["beauty"],
        "advisory": True,
        "exemption": "no_score_yet",
        "reading_en": "as we read it",
    }.items():
        setattr(rule, field, value)
        drafts.edit_rule(rule, by=editor)
        seen.add(publishing.digest_of(draft))
    drafts.edit_rule(rule, [a_condition()], by=editor)
    seen.add(publishing.digest_of(draft))
    drafts.move(rule, to=1, by=editor)
    seen.add(publishing.digest_of(draft))
    drafts.change_settings(draft, mode="shadow", note="", by=editor)
    seen.add(publishing.digest_of(draft))
    assert len(seen) == 11
