"""What the desk does to a shop beyond proposals, and what two people do at once."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from threading import Thread
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from opsdesk import audit, penalising
from shops.errors import Refused
from shops.models import Alliance, Measure, Penalty, Shop, Violation
from tests.factories import (
    AT,
    DOUYIN,
    make_appeal,
    make_cleared_and_warned,
    make_enrollment,
    make_imposed,
    make_shop,
)
from tests.faults.test_killed_imports import eventually

LATER = AT + timedelta(days=1)
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def overturn(penalty: Penalty) -> None:
    penalising.overturn(penalty, by=None, at=LATER, reason="wrong")


def undo_a_part(penalty: Penalty) -> None:
    warning = penalty.measures.get(kind="warning")
    penalising.undo_measures(penalty, [warning], by=None, at=LATER, reason="wrong")


@pytest.mark.parametrize("verb", [overturn, undo_a_part])
@pytest.mark.parametrize("filed", [True, False])
def test_an_appeal_that_comes_in_at_the_same_moment_goes_to_its_judge(
    committed_db, verb: Callable[[Penalty], None], filed: bool
) -> None:
    penalty = make_cleared_and_warned()
    refused = []

    def decide() -> None:
        try:
            verb(Penalty.objects.get(pk=penalty.pk))
        except Refused as refusal:
            refused.append(str(refusal))
        finally:
            connection.close()

    decider = Thread(target=decide)
    with transaction.atomic():
        make_appeal(penalty)
        decider.start()
        # Asked beside the open transaction, which goes on seeing what it saw first.
        with psycopg.connect(committed_db.env["DATABASE_URL"], autocommit=True) as beside:
            eventually(lambda: beside.execute(WAITING).fetchone() == (1,), "nobody waits to decide")
        transaction.set_rollback(not filed)
    decider.join(60)
    assert len(refused) == filed
    assert penalty.measures.filter(undone_at=None).count() == (2 if filed else 0 if verb is overturn else 1)


@pytest.mark.django_db
def test_nobody_overturns_in_the_words_of_a_ruling() -> None:
    penalty = make_imposed(make_shop(), Measure(kind="warning"))
    with pytest.raises(Refused, match="give a reason of your own"):
        penalising.overturn(penalty, by=None, at=LATER, reason=" on appeal")
    penalising.overturn(penalty, by=None, at=LATER, reason="on appeal, as I would have ruled")
    assert audit.verify_appeals() is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changed",
    [
        {"shop": None},
        {"violation": "V1"},
        {"measures": [Measure(kind="points", points=3)]},
        {"measures": [Measure(kind="points", points=4), Measure(kind="warning")]},
        {"reason": "for another reason"},
    ],
)
def test_a_key_means_one_penalty_and_something_else_under_it_is_refused(changed: dict[str, Any]) -> None:
    said = {"shop": make_shop(), "violation": "V8", "measures": [Measure(kind="points", points=4)]}
    first = under_a_key(**said)
    assert under_a_key(**said, at=LATER) == first
    with pytest.raises(Refused, match="Something else was imposed under this key"):
        under_a_key(**{**said, **changed, "shop": changed.get("shop", said["shop"]) or make_shop()})
    assert Penalty.objects.count() == 1


@pytest.mark.django_db
def test_a_closing_asked_for_again_under_its_key_is_the_same() -> None:
    said = {"shop": make_enrollment().shop, "violation": "V4"}
    measures = [("close", {}), ("deduct", {"basis": "all"})]
    first, again = (
        under_a_key(**said, measures=[Measure(kind=kind, **values) for kind, values in measures])
        for _ in range(2)
    )
    assert first == again


@pytest.mark.django_db
def test_an_alliances_own_violation_is_not_charged_in_another() -> None:
    with pytest.raises(Refused, match="WS-V1 is a violation of"):
        under_a_key(
            shop=make_shop(),
            violation="WS-V1",
            measures=[Measure(kind="warning")],
            alliance=Alliance.objects.get(code=DOUYIN),
        )


def under_a_key(*, shop: Shop, violation: str, measures: list[Measure], **values: Any) -> Penalty:
    given = {"reason": "as found", "by": None, "at": AT, "key": "K"} | values
    fresh = [deepcopy(measure) for measure in measures]
    return penalising.impose(
        shop=shop, violation=Violation.objects.get(code=violation), measures=fresh, **given
    )


# A measure's record that refuses every change.
BROKEN = """
CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'broken'; END $$;
CREATE TRIGGER broken BEFORE UPDATE ON shops_measure
    FOR EACH ROW WHEN (NEW.id = {}) EXECUTE FUNCTION broken();
"""


def test_a_penalty_that_fails_to_end_keeps_no_other_from_it_and_is_told(committed_db) -> None:
    first, second = (suspended(make_shop()) for _ in range(2))
    with psycopg.connect(committed_db.env["DATABASE_OWNER_URL"]) as owner:
        owner.execute(BROKEN.format(first.measures.get().pk))
    with pytest.raises(ExceptionGroup, match="1 penalties could not end, 1 ended something"):
        penalising.run_timers(LATER)
    assert [Penalty.objects.get(pk=one.pk).status for one in (first, second)] == ["imposed", "expired"]


def suspended(shop: Shop) -> Penalty:
    return make_imposed(shop, Measure(kind="suspend", ends_at=LATER), ground="judgement")


def imposed(shop: Shop, code: str, kind: str) -> Penalty:
    return make_imposed(shop, Measure(kind=kind), code=code)
