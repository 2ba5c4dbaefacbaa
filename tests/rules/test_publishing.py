"""From a submitted draft to the version in force: a second person, a notice, and what counts on which day."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction

from rules import declaring, drafts, publishing, sweeps
from rules.models import Proposal, Retirement, Rule, RuleSet, Sweep
from rules.publishing import State
from shops.changes import latest_change
from shops.errors import NotAllowed, Refused
from shops.models import Alliance
from tests.factories import (
    AT,
    DOUYIN,
    make_declared,
    make_enrollment,
    make_metrics,
    make_shop,
    make_simulation,
    make_user,
)

pytestmark = pytest.mark.django_db

TODAY = AT.date()
SOON = TODAY + timedelta(days=7)


def version(number: int) -> RuleSet:
    return RuleSet.objects.get(alliance__code=DOUYIN, purpose="admission", version=number)


def publish(draft: RuleSet, by: User, day: date = SOON, **more) -> None:
    publishing.publish(draft, in_force_from=day, by=by, at=AT, **more)


def retire(
    rule_set: RuleSet, day: date, by: User, *, reason: str = "the programme ends", at=AT
) -> Retirement:
    return publishing.retire(rule_set, day=day, reason=reason, by=by, at=at)


def in_force(day: date) -> int | None:
    found = publishing.in_force(Alliance.objects.get(code=DOUYIN), "admission", day)
    return found and found.version


def states(day: date) -> dict[int, str]:
    rows = publishing.with_state(RuleSet.objects.filter(alliance__code=DOUYIN, purpose="admission"), day)
    return {row.version: row.state for row in rows}


# Submitting


def test_a_draft_is_submitted_with_the_simulation_of_exactly_its_rules(
    submitted: RuleSet, editor: User
) -> None:
    submitted.refresh_from_db()
    assert (submitted.submitted_at, submitted.submitted_by) == (AT, editor)
    assert submitted.simulation is not None
    assert states(TODAY) == {1: State.IN_FORCE, 2: State.SUBMITTED}


def test_a_draft_that_changed_after_its_simulation_is_not_submitted(draft: RuleSet, editor: User) -> None:
    simulation = make_simulation(draft)
    drafts.move(draft.rules.get(code="DF-A5"), to=1, by=editor)
    with pytest.raises(Refused, match="changed since it was simulated"):
        publishing.submit(draft, simulation, by=editor, at=AT)


def test_a_simulation_beside_a_version_that_is_in_force_no_longer_does_not_count(
    draft: RuleSet, editor: User, supervisor: User
) -> None:
    beside_the_first = make_simulation(draft)
    publishing.submit(draft, beside_the_first, by=editor, at=AT)
    retire(version(1), TODAY + timedelta(days=1), supervisor)
    then = AT + timedelta(days=1)
    with pytest.raises(Refused, match="Another version is in force"):
        publishing.publish(draft, in_force_from=SOON + timedelta(days=1), by=supervisor, at=then)
    publishing.withdraw_submission(draft, reason="simulate again", by=editor)
    with pytest.raises(Refused, match="Another version is in force"):
        publishing.submit(draft, beside_the_first, by=editor, at=then)
    publishing.submit(draft, make_simulation(draft, day=then.date()), by=editor, at=then)


def test_a_simulation_that_is_not_done_or_of_another_set_does_not_count(draft: RuleSet, editor: User) -> None:
    for simulation in (
        make_simulation(draft, status="running", finished_at=None),
        make_simulation(draft, status="failed"),
        make_simulation(version(1), digest=publishing.digest_of(draft)),
    ):
        with pytest.raises(Refused, match="finished simulation of this draft"):
            publishing.submit(draft, simulation, by=editor, at=AT)


def test_a_set_without_a_rule_that_is_evaluated_is_not_submitted(draft: RuleSet, editor: User) -> None:
    for rule in draft.rules.exclude(metric=""):
        drafts.remove_rule(rule, by=editor)
    with pytest.raises(Refused, match="no rule that is evaluated"):
        publishing.submit(draft, make_simulation(draft), by=editor, at=AT)


def test_nothing_is_submitted_twice(submitted: RuleSet, editor: User) -> None:
    with pytest.raises(Refused):
        publishing.submit(submitted, make_simulation(submitted), by=editor, at=AT)


def test_a_submission_is_withdrawn_by_an_editor_or_sent_back_by_a_supervisor(
    submitted: RuleSet, editor: User, supervisor: User
) -> None:
    with pytest.raises(NotAllowed):
        publishing.withdraw_submission(submitted, reason="no", by=make_user("operator"))
    with pytest.raises(Refused):
        publishing.withdraw_submission(submitted, reason="", by=editor)
    publishing.withdraw_submission(submitted, reason="too hard", by=supervisor)
    assert (submitted.submitted_at, submitted.simulation) == (None, None)
    assert submitted.history.first().history_change_reason == "too hard"
    publishing.submit(submitted, make_simulation(submitted), by=editor, at=AT)
    publishing.withdraw_submission(submitted, reason="a slip", by=editor)
    with pytest.raises(Refused):
        publishing.withdraw_submission(submitted, reason="again", by=editor)


# Publishing


def test_a_supervisor_publishes_with_the_notice_of_the_alliance(submitted: RuleSet, supervisor: User) -> None:
    publish(submitted, supervisor)
    published = version(2)
    assert (published.in_force_from, published.published_at) == (SOON, AT)
    assert published.published_by == supervisor
    assert published.short_notice_reason == ""


def test_seven_days_of_notice_are_enough_and_six_take_a_reason(submitted: RuleSet, supervisor: User) -> None:
    with pytest.raises(Refused, match="7 days of notice"):
        publish(submitted, supervisor, TODAY + timedelta(days=6))
    with pytest.raises(Refused):
        publish(submitted, supervisor, TODAY + timedelta(days=6), short_notice_reason="  ")
    publish(submitted, supervisor, TODAY + timedelta(days=6), short_notice_reason="the platform's order")
    assert version(2).short_notice_reason == "the platform's order"


def test_the_alliance_sets_how_long_its_notice_is(
    submitted: RuleSet, supervisor: User, alliance: Alliance
) -> None:
    alliance.notice_days = 0
    alliance.save_by(None)
    publish(submitted, supervisor, TODAY + timedelta(days=1))


@pytest.mark.parametrize("ago", [0, 1, 400])
def test_rules_are_in_force_from_tomorrow_at_the_earliest_whatever_the_reason(
    submitted: RuleSet, supervisor: User, ago: int
) -> None:
    with pytest.raises(Refused, match="tomorrow"):
        publish(submitted, supervisor, TODAY - timedelta(days=ago), short_notice_reason="in a hurry")
    publish(submitted, supervisor, TODAY + timedelta(days=1), short_notice_reason="in a hurry")


def test_a_notice_counts_from_the_day_in_shanghai(submitted: RuleSet, supervisor: User) -> None:
    night = AT.replace(hour=23, minute=59)
    with pytest.raises(Refused):
        publishing.publish(submitted, in_force_from=SOON, by=supervisor, at=night + timedelta(minutes=2))
    publishing.publish(submitted, in_force_from=SOON, by=supervisor, at=night)


def test_only_who_may_publish_does(submitted: RuleSet) -> None:
    for role in ("rules_editor", "operator", "auditor"):
        with pytest.raises(NotAllowed):
            publish(submitted, make_user(role))


def somebody_with_both_rights() -> User:
    return User.objects.create_superuser("root")


def test_who_submitted_does_not_publish(draft: RuleSet) -> None:
    both = somebody_with_both_rights()
    publishing.submit(draft, make_simulation(draft), by=both, at=AT)
    with pytest.raises(Refused, match="second person"):
        publish(draft, both)


def test_who_drafted_does_not_publish(editor: User) -> None:
    both = somebody_with_both_rights()
    draft = drafts.draft_from(version(1), by=both, at=AT)
    publishing.submit(draft, make_simulation(draft), by=editor, at=AT)
    with pytest.raises(Refused, match="second person"):
        publish(draft, both)


@pytest.mark.parametrize("how", ["a rule", "an alternative", "a removal", "the order", "the mode"])
def test_who_edited_anything_does_not_publish(draft: RuleSet, editor: User, how: str) -> None:
    both = somebody_with_both_rights()
    rule = draft.rules.get(code="DF-A5")
    if how == "a rule":
        rule.value = "4.3"
        drafts.edit_rule(rule, by=both)
    elif how == "an alternative":
        from rules.models import Alternative

        drafts.edit_rule(rule, [Alternative(metric="gmv_30d", operator=">", value="1")], by=both)
    elif how == "a removal":
        drafts.remove_rule(rule, by=both)
    elif how == "the order":
        drafts.move(rule, to=1, by=both)
    else:
        drafts.change_settings(draft, mode="shadow", note="", by=both)
    publishing.submit(draft, make_simulation(draft), by=editor, at=AT)
    with pytest.raises(Refused, match="second person"):
        publish(draft, both)


def test_who_wrote_the_versions_before_may_publish_this_one(submitted: RuleSet, editor: User) -> None:
    both = somebody_with_both_rights()
    publish(submitted, both)
    draft = drafts.draft_from(version(2), by=both, at=AT)
    publishing.submit(draft, make_simulation(draft), by=both, at=AT)
    publish(draft, make_user("supervisor"))


def test_who_sent_it_back_once_may_still_publish_it(
    submitted: RuleSet, editor: User, supervisor: User
) -> None:
    publishing.withdraw_submission(submitted, reason="say why", by=supervisor)
    publishing.submit(submitted, make_simulation(submitted), by=editor, at=AT)
    publish(submitted, supervisor)


def test_the_database_knows_that_two_people_publish(submitted: RuleSet, supervisor: User) -> None:
    other = make_user("rules_editor")
    publishing.withdraw_submission(submitted, reason="mine", by=other)
    publishing.submit(submitted, make_simulation(submitted), by=other, at=AT)
    for somebody in (submitted.submitted_by, submitted.drafted_by):
        submitted.published_by, submitted.published_at, submitted.in_force_from = somebody, AT, SOON
        with (
            pytest.raises(DatabaseError, match="rules_ruleset_is_published_by_a_second_person"),
            transaction.atomic(),
        ):
            submitted.save()


def test_a_draft_that_is_not_submitted_is_not_published(draft: RuleSet, supervisor: User) -> None:
    with pytest.raises(Refused, match="not submitted"):
        publish(draft, supervisor)


def test_a_set_is_published_once_and_the_second_is_told_by_whom(submitted: RuleSet, supervisor: User) -> None:
    publish(submitted, supervisor)
    with pytest.raises(Refused, match=f"published by {supervisor}"):
        publish(version(2), make_user("supervisor"))


def test_what_was_submitted_anew_is_looked_at_again_before_it_is_published(
    submitted: RuleSet, editor: User, supervisor: User
) -> None:
    seen = latest_change(submitted)
    publishing.withdraw_submission(submitted, reason="a slip", by=editor)
    publishing.submit(submitted, make_simulation(submitted), by=editor, at=AT)
    with pytest.raises(Refused, match="the-editor changed this on"):
        publish(submitted, supervisor, seen=seen)
    publish(submitted, supervisor, seen=latest_change(submitted))


def test_rules_that_differ_from_the_simulated_ones_are_not_published(
    draft: RuleSet, editor: User, supervisor: User
) -> None:
    draft.submitted_at, draft.submitted_by = AT, editor
    draft.simulation = make_simulation(draft, digest="0" * 64)
    draft.save()
    with pytest.raises(Refused, match="changed since it was simulated"):
        publish(draft, supervisor)


def a_rule_on_care() -> Rule:
    return Rule(
        code="DF-A99", metric="care_score", operator="≥", value="3",
        sentence_en="care", sentence_zh="关怀", source="test",
    )  # fmt: skip


def test_what_a_declared_metric_means_belongs_to_what_was_simulated(
    draft: RuleSet, editor: User, supervisor: User
) -> None:
    metric = make_declared("care_score")
    drafts.add_rule(draft, a_rule_on_care(), by=editor)
    publishing.submit(draft, make_simulation(draft), by=editor, at=AT)
    wider = declaring.Declaration(
        metric.key, metric.name_en, metric.name_zh, "score", maximum=Decimal(10), knows_none_yet=True
    )
    declaring.define_anew(metric, wider, seen=None, by=editor)
    with pytest.raises(Refused, match="changed since it was simulated"):
        publish(draft, supervisor)


def test_no_set_goes_on_that_speaks_of_a_retired_metric(
    draft: RuleSet, editor: User, supervisor: User
) -> None:
    metric = make_declared("care_score")
    drafts.add_rule(draft, a_rule_on_care(), by=editor)
    publishing.submit(draft, make_simulation(draft), by=editor, at=AT)
    publish(draft, supervisor, TODAY + timedelta(days=1), short_notice_reason="now")
    third = drafts.draft_from(version(2), by=editor, at=AT)
    drafts.remove_rule(third.rules.get(code="DF-A99"), by=editor)
    publishing.submit(third, make_simulation(third), by=editor, at=AT)
    publish(third, supervisor)
    declaring.retire(metric, day=SOON, reason="gone", by=editor, at=AT)
    with pytest.raises(Refused, match="v2 would go on, and speaks of retired metrics: care score"):
        publishing.retire(third, day=SOON, reason="a slip", by=supervisor, at=AT)
    assert in_force(SOON) == 3


def test_a_newer_version_does_not_begin_before_one_that_is_published(
    submitted: RuleSet, editor: User, supervisor: User
) -> None:
    publish(submitted, supervisor, SOON + timedelta(days=5))
    third = drafts.draft_from(version(2), by=editor, at=AT)
    publishing.submit(third, make_simulation(third), by=editor, at=AT)
    with pytest.raises(Refused, match="cannot begin before it"):
        publish(third, supervisor, SOON)
    publish(third, supervisor, SOON + timedelta(days=5))
    assert in_force(SOON + timedelta(days=5)) == 3


# Which version counts


def test_a_version_is_in_force_until_the_day_of_the_next(submitted: RuleSet, supervisor: User) -> None:
    publish(submitted, supervisor)
    assert [in_force(SOON - timedelta(days=1)), in_force(SOON)] == [1, 2]
    assert states(SOON - timedelta(days=1)) == {1: State.IN_FORCE, 2: State.PUBLISHED}
    assert states(SOON) == {1: State.SUPERSEDED, 2: State.IN_FORCE}


def test_a_check_of_the_day_before_uses_the_old_version_and_of_the_day_itself_the_new_one(
    submitted: RuleSet, supervisor: User, alliance: Alliance
) -> None:
    publish(submitted, supervisor)
    shop = make_shop()
    make_enrollment(shop, state="applied")
    for day, filed in ((SOON - timedelta(days=1), 1), (SOON, 0)):
        make_metrics(shop, day, shop_score="4.15")
        moment = AT + (day - TODAY) + timedelta(days=1)
        requested = sweeps.request(alliance=alliance, by=None, at=moment, day=day)
        assert sweeps.run(requested.pk, at=moment).filed == filed
    # What the old version let in the new one takes back.
    assert Sweep.objects.get(day=SOON).withdrawn == 1
    assert Proposal.objects.get().evidence["rule_sets"][0]["version"] == 1


def test_the_way_back_to_an_older_version_is_a_new_draft_of_it(
    submitted: RuleSet, editor: User, supervisor: User
) -> None:
    publish(submitted, supervisor)
    back = drafts.draft_from(version(1), by=editor, at=AT)
    assert (back.version, back.based_on) == (3, version(1))
    publishing.submit(back, make_simulation(back), by=editor, at=AT)
    publish(back, supervisor, SOON + timedelta(days=1))
    assert [in_force(SOON), in_force(SOON + timedelta(days=1))] == [2, 3]
    assert version(3).rules.get(code="DF-A5").value == "4.1"
