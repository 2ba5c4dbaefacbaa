"""A version is retired, from a day on, and what is in force then."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction

from rules import publishing
from rules.models import Rule, RuleSet
from rules.publishing import State
from shops.errors import NotAllowed, Refused
from tests.factories import (
    AT,
    make_simulation,
)
from tests.rules.test_publishing import SOON, TODAY, in_force, publish, retire, states, version

pytestmark = pytest.mark.django_db


def test_a_retired_version_counts_until_the_day_before_and_none_takes_its_place(
    submitted: RuleSet, supervisor: User
) -> None:
    publish(submitted, supervisor)
    retire(version(2), SOON + timedelta(days=3), supervisor)
    assert [in_force(SOON + timedelta(days=2)), in_force(SOON + timedelta(days=3))] == [2, None]
    assert states(SOON + timedelta(days=3)) == {1: State.SUPERSEDED, 2: State.RETIRED}


def test_after_a_retirement_a_newer_version_is_in_force_again(
    supervisor: User, editor: User, draft: RuleSet
) -> None:
    retire(version(1), TODAY, supervisor)
    publishing.submit(draft, make_simulation(draft, day=TODAY), by=editor, at=AT)
    publish(draft, supervisor)
    assert [in_force(TODAY - timedelta(days=1)), in_force(TODAY), in_force(SOON)] == [1, None, 2]


def test_a_version_taken_back_before_its_first_day_leaves_the_one_before_in_force(
    submitted: RuleSet, supervisor: User
) -> None:
    publish(submitted, supervisor)
    retire(version(2), TODAY, supervisor)
    assert [in_force(SOON), in_force(SOON + timedelta(days=100))] == [1, 1]
    assert states(SOON) == {1: State.IN_FORCE, 2: State.RETIRED}


def test_a_version_that_began_today_is_retired_from_tomorrow_on(submitted: RuleSet, supervisor: User) -> None:
    publish(submitted, supervisor)
    at = AT + timedelta(days=7)
    with pytest.raises(Refused, match="from tomorrow"):
        retire(version(2), SOON, supervisor, at=at)
    retire(version(2), SOON + timedelta(days=1), supervisor, at=at)


def test_what_cannot_be_retired_is_refused(submitted: RuleSet, supervisor: User, editor: User) -> None:
    with pytest.raises(NotAllowed):
        retire(version(1), SOON, editor)
    with pytest.raises(Refused, match="not published"):
        retire(submitted, SOON, supervisor)
    with pytest.raises(Refused, match="reason"):
        retire(version(1), SOON, supervisor, reason=" ")
    with pytest.raises(Refused, match="is over"):
        retire(version(1), TODAY - timedelta(days=1), supervisor)
    publish(submitted, supervisor)
    with pytest.raises(Refused, match="no longer in force"):
        retire(version(1), SOON, supervisor)
    retire(version(2), SOON, supervisor)
    with pytest.raises(Refused, match="is retired from"):
        retire(version(2), SOON, supervisor)


def test_old_versions_stay_as_they_are(submitted: RuleSet, supervisor: User) -> None:
    publish(submitted, supervisor)
    for change in (
        lambda: RuleSet.objects.filter(version=2).update(note="x"),
        lambda: Rule.objects.filter(rule_set__version=2).update(value="x"),
        lambda: version(1).delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
