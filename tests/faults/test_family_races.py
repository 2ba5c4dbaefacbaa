"""What happens to two shops of one controller at once: what bars the one reaches the other (R6)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction

from opsdesk import appeals, audit, penalising, review, voiding
from rules.models import Proposal
from shops import locks, penalties
from shops.errors import Refused
from shops.models import Enrollment, Measure, Penalty, Shop, Violation
from tests.factories import (
    AT,
    DOUYIN,
    WECHAT,
    make_appeal,
    make_controller,
    make_enrollment,
    make_shop,
    make_user,
)
from tests.faults.test_killed_imports import eventually
from tests.faults.test_publishing_races import at_once

LATER = AT + timedelta(days=2)
TIMES = 6


def a_violation_that_bars_the_controllers_shops() -> Violation:
    violation = Violation.objects.get(code="V8")
    # Which is not to put out the shop itself.
    violation.endangers_transactions = True
    violation.save_by(None, "bars")
    return violation


def two_shops() -> tuple[Shop, Shop]:
    controller = make_controller()
    one, other = make_shop(controller=controller), make_shop(controller=controller)
    for shop in (one, other):
        for alliance in (DOUYIN, WECHAT):
            make_enrollment(shop, alliance)
    return one, other


def imposed(shop: Shop, violation: Violation) -> Penalty:
    return penalising.impose(
        shop=shop,
        violation=violation,
        measures=[Measure(kind="points", points=4) if violation.code == "V8" else Measure(kind="warning")],
        reason="as found",
        by=None,
        at=AT,
        key=f"shop {shop.pk}",
    )


def each_clears_the_other() -> tuple[Penalty, Penalty]:
    """A penalty of either shop, on which rests that the other was cleared from an alliance."""
    violation, by = a_violation_that_bars_the_controllers_shops(), make_user("supervisor")
    one, other = two_shops()
    cases = imposed(one, violation), imposed(other, violation)
    for shop, alliance in ((one, DOUYIN), (other, WECHAT)):
        proposal = Proposal.objects.get(shop=shop, alliance__code=alliance, status="open")
        review.accept(proposal.pk, by=by, reason="as I see it", at=AT)
    return cases


def overturn(penalty: Penalty, _judge: User) -> Callable[[], object]:
    return lambda: penalising.overturn(penalty, by=None, at=LATER, reason="wrong")


def grant(penalty: Penalty, judge: User) -> Callable[[], object]:
    appeal = appeals.take(make_appeal(penalty).pk, by=judge, at=LATER)
    return lambda: appeals.grant(appeal.pk, reason="wrong", by=judge, at=LATER)


def is_held(record: Shop | Enrollment) -> bool:
    """Whether somebody else would wait for the record's row."""

    def take() -> None:
        with transaction.atomic():
            type(record).objects.select_for_update(no_key=True, nowait=True).get(pk=record.pk)

    [said] = at_once(take)
    return isinstance(said, DatabaseError)


def nothing_is_broken() -> bool:
    return not (audit.verify_history() or audit.verify_enrollments() or audit.verify_decisions())


@pytest.mark.parametrize("undo", [overturn, grant])
def test_two_whose_penalties_rest_on_each_other_are_both_restored(committed_db, undo) -> None:
    for _ in range(TIMES):
        cases, judge = each_clears_the_other(), make_user("appeals_officer")
        assert at_once(*[undo(penalty, judge) for penalty in cases]) == [None, None]
        shops = [penalty.shop for penalty in cases]
        assert set(Penalty.objects.filter(shop__in=shops).values_list("status", flat=True)) == {"overturned"}
        assert set(Enrollment.objects.filter(shop__in=shops).values_list("state", flat=True)) == {"open"}
    assert nothing_is_broken()


def test_control_who_holds_one_shop_alone_waits_for_the_other_for_ever(committed_db, monkeypatch) -> None:
    cases, judge = each_clears_the_other(), make_user("appeals_officer")
    attempts = [overturn(penalty, judge) for penalty in cases]
    both, held = threading.Barrier(2), threading.local()

    def lock_one_alone(shop: Shop, *others: int) -> None:
        Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
        if not getattr(held, "one", False):
            held.one = True
            both.wait(30)

    for module in (locks, penalties, voiding):
        monkeypatch.setattr(module, "lock_standing", lock_one_alone)
    first, second = at_once(*attempts)
    assert first is None
    assert isinstance(second, DatabaseError) and "deadlock" in str(second)


def test_two_of_one_controller_penalised_at_once_are_both(committed_db) -> None:
    """Each proposes to clear the other, and a third."""
    violation = Violation.objects.get(code="V11")
    for _ in range(TIMES):
        one, other = two_shops()
        make_enrollment(make_shop(controller=one.controller))
        outcomes = at_once(lambda one=one: imposed(one, violation), lambda two=other: imposed(two, violation))
        assert outcomes == [None, None]
        assert Penalty.objects.filter(shop__in=[one, other]).count() == 2
    assert nothing_is_broken()


@pytest.mark.parametrize("what", ["accepted", "penalised"])
def test_one_is_restored_while_the_other_is_decided_on(committed_db, what: str) -> None:
    violation, judge, by = (
        Violation.objects.get(code="V2"),
        make_user("appeals_officer"),
        make_user("supervisor"),
    )
    for _ in range(TIMES):
        one, other = two_shops()
        restore = grant(imposed(one, violation), judge)
        proposal = Proposal.objects.filter(shop=other, status="open").earliest("pk")
        meanwhile = {
            "accepted": lambda pk=proposal.pk: review.accept(pk, by=by, reason="as I see it", at=LATER),
            "penalised": lambda shop=other: imposed(shop, violation),
        }[what]
        for said in at_once(restore, meanwhile):
            # Withdrawn with the penalty on which it rested, or imposed before and overturned with it.
            assert said is None or (isinstance(said, Refused) and what == "accepted")
        other.refresh_from_db()
        stands = Penalty.objects.filter(shop=other, status="imposed").count()
        assert stands == (1 if what == "penalised" else 0)
    assert nothing_is_broken()


def each_clears_the_other_and_one_changes_hands() -> tuple[Penalty, Penalty]:
    """By now the two are of two controllers, each of whom has a third shop that comes before both."""
    earlier = [make_shop(controller=make_controller()) for _ in range(2)]
    cases = each_clears_the_other()
    for case, theirs in zip(cases, earlier, strict=True):
        case.shop.controller = theirs.controller
        case.shop.save_by(None, "sold")
    return cases


@pytest.mark.parametrize("undo", [overturn, grant])
def test_so_are_they_once_one_has_changed_hands(committed_db, undo) -> None:
    for _ in range(2):
        cases, judge = each_clears_the_other_and_one_changes_hands(), make_user("appeals_officer")
        assert at_once(*[undo(penalty, judge) for penalty in cases]) == [None, None]
        shops = [penalty.shop for penalty in cases]
        assert set(Penalty.objects.filter(shop__in=shops).values_list("status", flat=True)) == {"overturned"}
        assert set(Enrollment.objects.filter(shop__in=shops).values_list("state", flat=True)) == {"open"}
    assert nothing_is_broken()


def test_control_who_holds_one_controllers_shops_alone_waits_for_the_others_for_ever(
    committed_db, monkeypatch
) -> None:
    cases = each_clears_the_other_and_one_changes_hands()
    both, held = threading.Barrier(2), threading.local()

    def lock_one_family(penalty: Penalty) -> None:
        locks.lock_standing(penalty.shop)
        if not getattr(held, "one", False):
            held.one = True
            both.wait(30)

    monkeypatch.setattr(voiding, "lock", lock_one_family)
    first, second = at_once(*[overturn(case, make_user("appeals_officer")) for case in cases])
    assert first is None
    assert isinstance(second, DatabaseError) and "deadlock" in str(second)


def test_who_read_the_shop_before_it_changed_hands_holds_its_new_controllers_shops(committed_db) -> None:
    controller = make_controller()
    one, other = make_shop(), make_shop(controller=controller)
    read_before = Shop.objects.get(pk=one.pk)
    Shop.objects.filter(pk=one.pk).update(controller=controller)

    with transaction.atomic():
        locks.lock_standing(read_before)
        assert is_held(other)


def test_with_a_shop_its_enrollments_are_held_and_nobody_elses(committed_db) -> None:
    mine, its = make_enrollment(), make_enrollment()
    with transaction.atomic():
        locks.lock_standing(mine.shop)
        assert [is_held(enrollment) for enrollment in (mine, its)] == [True, False]


WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def changes_hands_while_somebody_waits_for_it(committed_db) -> tuple[bool, bool]:
    """Whether he holds a shop of the controller whom it had, and of the one whom it has now."""
    now, before = make_controller(), make_controller()
    its, shop, theirs = (make_shop(controller=one) for one in (now, before, before))
    held = []

    def wait() -> None:
        try:
            with transaction.atomic():
                locks.lock_standing(shop)
                held.extend(is_held(one) for one in (theirs, its))
        finally:
            connection.close()

    waiter = threading.Thread(target=wait)
    with transaction.atomic():
        Shop.objects.filter(pk=shop.pk).update(controller=now)
        waiter.start()
        with psycopg.connect(committed_db.env["DATABASE_URL"], autocommit=True) as beside:
            eventually(lambda: beside.execute(WAITING).fetchone() == (1,), "nobody waits for the shop")
    waiter.join(60)
    return held[0], held[1]


def test_who_waits_while_the_shop_changes_hands_holds_its_new_controllers_shops_and_no_others(
    committed_db,
) -> None:
    assert changes_hands_while_somebody_waits_for_it(committed_db) == (False, True)


def test_control_who_does_not_read_them_again_holds_those_of_whom_it_had(committed_db, monkeypatch) -> None:
    look = locks._of_their_controllers
    read = {}

    def look_once(concerned) -> set[int]:
        return read.setdefault(frozenset(concerned), look(concerned))

    monkeypatch.setattr(locks, "_of_their_controllers", look_once)
    assert changes_hands_while_somebody_waits_for_it(committed_db) == (True, False)
