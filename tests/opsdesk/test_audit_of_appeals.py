"""What must hold between appeals, their penalties and the measures: each slip is named."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connections

from opsdesk import appeals, audit, penalising
from opsdesk.models import Appeal
from shops import penalties
from shops.models import Measure
from tests.factories import AT, make_appeal, make_cleared, make_cleared_and_warned, make_penalty, make_user

in_a_transaction = pytest.mark.django_db


@in_a_transaction
def test_a_grant_that_overturned_nothing_is_named() -> None:
    judge, appeal = make_user("appeals_officer"), make_appeal()
    appeals.take(appeal.pk, by=judge, at=AT)
    appeal.refresh_from_db()
    appeal.state, appeal.ruling = Appeal.State.GRANTED, "won"
    appeal.decided_at, appeal.decided_by = AT, judge
    appeal.save_by(judge, "appeal granted")
    assert audit.verify_appeals() == (
        f"appeal {appeal.pk} is granted, and penalty {appeal.penalty_id} is imposed"
    )


@in_a_transaction
def test_an_appeal_that_goes_on_against_a_penalty_that_has_fallen_is_named() -> None:
    appeal = make_appeal()
    penalties.overturn(appeal.penalty, by=None, at=AT, reason="past the appeal")
    assert audit.verify_appeals() == (
        f"appeal {appeal.pk} is filed, and penalty {appeal.penalty_id} is overturned"
    )


@in_a_transaction
@pytest.mark.parametrize("status", ["lifted", "expired"])
def test_an_appeal_against_a_penalty_that_has_only_ended_is_in_order(status: str) -> None:
    make_appeal(make_penalty(violation_code="V1", status=status))
    assert audit.verify_appeals() is None


def granted() -> Appeal:
    judge, appeal = make_user("appeals_officer"), make_appeal()
    appeals.take(appeal.pk, by=judge, at=AT)
    return appeals.grant(appeal.pk, reason="wrong", by=judge, at=AT)


@in_a_transaction
def test_a_grant_whose_penalty_was_overturned_by_something_else_is_named() -> None:
    appeal = granted()
    appeal.penalty.ended_by = None
    appeal.penalty.save_by(None, "as if nobody had ruled")
    assert audit.verify_appeals() == (
        f"appeal {appeal.pk} is granted, and penalty {appeal.penalty_id} was overturned by something else"
    )


def stands_again(measure: Measure) -> None:
    """As by a slip of the database's owner: it lets nobody else undo what was undone."""
    with connections["owner"].cursor() as owner:
        owner.execute("ALTER TABLE shops_measure DISABLE TRIGGER shops_measure_is_done_and_undone_once")
    measure.undone_at = None
    measure.save_by(None, "as a slip would leave it")


def test_a_measure_that_a_grant_has_left_standing_is_named(committed_db: Any) -> None:
    appeal = granted()
    measure = appeal.penalty.measures.get()
    stands_again(measure)
    assert audit.verify_appeals() == (
        f"measure {measure.pk} stands, although an appeal against penalty {appeal.penalty_id} was granted"
    )


def test_a_measure_that_a_ruling_in_part_took_back_and_that_stands_is_named(committed_db: Any) -> None:
    judge, appeal = make_user("appeals_officer"), make_appeal(make_cleared_and_warned())
    appeals.take(appeal.pk, by=judge, at=AT)
    measure = appeal.penalty.measures.get(kind="warning")
    appeals.grant_in_part(appeal.pk, measures=[measure.pk], reason="r", by=judge, at=AT)
    assert audit.verify_appeals() is None
    stands_again(measure)
    assert audit.verify_appeals() == f"measure {measure.pk} stands, although a ruling has taken it back"


@in_a_transaction
def test_a_penalty_overturned_in_the_words_of_a_ruling_that_nobody_made_is_named() -> None:
    penalty = make_cleared()
    penalties.overturn(penalty, by=None, at=AT, reason="on appeal")
    assert audit.verify_appeals() == f"penalty {penalty.pk} is overturned on an appeal that nobody granted"


@in_a_transaction
@pytest.mark.parametrize("won", [True, False])
def test_a_penalty_that_falls_on_appeal_or_past_any_is_in_order(won: bool) -> None:
    appeal, judge = make_appeal(), make_user("supervisor")
    if won:
        appeals.take(appeal.pk, by=judge, at=AT)
        appeals.grant(appeal.pk, reason="wrong", by=judge, at=AT)
    else:
        appeals.withdraw(appeal.pk, reason="rang", by=judge, at=AT)
        penalising.overturn(appeal.penalty, by=judge, at=AT, reason="wrong shop")
    assert audit.verify_appeals() is None
