"""Penalties imposed, ended and overturned at once, by threads on connections of their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier

import pytest
from django.contrib.auth.models import User
from django.db.models import QuerySet

from shops import catalogue, deposits, penalties, points, standing, topups
from shops.accounts import balance_of
from shops.errors import Refused
from shops.models import Enrollment, Measure, Penalty, Shop, TopUp, Violation
from tests.factories import AT, make_enrollment, make_imposed, make_shop
from tests.faults.test_reversal_races import Trying
from tests.shops.accounting import paid_in

ROUNDS = 12
LATER = AT + timedelta(days=30)
THREADS = 4


def read_without_a_lock(rows: QuerySet, *args: object, **options: object) -> QuerySet:
    return rows.all()


def at_once(*verbs: Callable[[], object]) -> list[object]:
    """What each returned or was refused with, all begun at the same moment."""
    start = Barrier(len(verbs))

    def begin(verb: Callable[[], object]) -> Callable[[], object]:
        def waited() -> object:
            start.wait(30)
            return verb()

        return waited

    trying = [Trying(begin(verb)) for verb in verbs]
    return [one.ended() for one in trying]


def imposed(shop: Shop, key: str = "", *measures: Measure) -> Penalty:
    return make_imposed(
        shop, *measures or [Measure(kind="points", points=4), Measure(kind="deduct", basis="all")], key=key
    )


def test_the_same_form_sent_at_once_is_one_penalty(committed_db) -> None:
    for number in range(ROUNDS):
        shop = make_shop()
        paid_in(shop, 10_000)
        at_once(*[lambda shop=shop, key=f"k{number}": imposed(shop, key) for _ in range(THREADS)])
        assert Penalty.objects.filter(shop=shop).count() == 1
        assert (points.standing_points(shop, None, AT), balance_of(shop)) == (4, 0)


def test_control_without_locks_the_same_form_meets_the_database(committed_db, monkeypatch) -> None:
    """The constraint alone still holds, but people are answered with an error instead of their penalty."""
    monkeypatch.setattr(QuerySet, "select_for_update", read_without_a_lock)
    failed = 0
    for number in range(ROUNDS):
        shop = make_shop()
        outcomes = at_once(*[lambda shop=shop, key=f"k{number}": imposed(shop, key) for _ in range(THREADS)])
        failed += sum(not isinstance(outcome, Penalty) for outcome in outcomes)
        assert Penalty.objects.filter(shop=shop).count() == 1
    assert failed > 0


def imposed_on_two_under_one_key(key: str) -> tuple[list[Shop], list[object]]:
    shops = [make_shop(), make_shop()]
    return shops, at_once(*[lambda shop=shop: imposed(shop, key) for shop in shops])


def test_of_two_shops_under_one_key_one_has_the_penalty_and_the_other_is_told(committed_db) -> None:
    for number in range(ROUNDS):
        shops, outcomes = imposed_on_two_under_one_key(f"k{number}")
        first, second = sorted(outcomes, key=lambda outcome: isinstance(outcome, Refused))
        assert isinstance(first, Penalty)
        assert isinstance(second, Refused) and f"penalty {first}" in str(second)
        assert Penalty.objects.filter(shop__in=shops).get() == first


def test_control_without_asking_the_database_the_other_is_answered_with_an_error(
    committed_db, monkeypatch
) -> None:
    both = Barrier(2)

    def save(penalty: Penalty, by: User | None) -> None:
        # Neither has seen the other by now.
        both.wait(30)
        penalty.save_by(by, "imposed")

    monkeypatch.setattr(penalties, "_save_once", save)
    shops, outcomes = imposed_on_two_under_one_key("k")
    assert sorted(map(type, outcomes), key=str) == sorted([type(None), Penalty], key=str)
    assert Penalty.objects.filter(shop__in=shops).count() == 1


def demanded(shop: Shop, key: str) -> object:
    return topups.demand(shop=shop, amount_fen=5, by=None, at=AT, key=key)


def deducted_of_nothing(shop: Shop, key: str) -> object:
    return deposits.deduct(shop=shop, amount_fen=5, cause="c", by=None, at=AT, key=key)


@pytest.mark.parametrize("verb", [demanded, deducted_of_nothing])
def test_so_it_is_with_what_two_shops_are_to_pay(committed_db, verb) -> None:
    for number in range(ROUNDS):
        shops = [make_shop(), make_shop()]
        outcomes = at_once(*[lambda shop=shop, key=f"k{number}": verb(shop, key) for shop in shops])
        assert sum(isinstance(outcome, Refused) for outcome in outcomes) == 1
        assert None not in outcomes
        assert TopUp.objects.filter(shop__in=shops).count() == 1


def ended_while_overturned(shop: Shop) -> Penalty:
    penalty = imposed(shop, "", Measure(kind="suspend", ends_at=LATER), Measure(kind="deduct", basis="all"))
    at_once(
        lambda: penalties.overturn(Penalty.objects.get(pk=penalty.pk), by=None, at=LATER, reason="granted"),
        *[lambda: penalties.run_timers(LATER) for _ in range(2)],
    )
    penalty.refresh_from_db()
    return penalty


def test_overturned_while_it_lapses_a_penalty_is_overturned_and_everything_is_given_back(
    committed_db,
) -> None:
    for _ in range(ROUNDS):
        shop = make_shop()
        paid_in(shop, 10_000)
        penalty = ended_while_overturned(shop)
        assert (penalty.status, balance_of(shop)) == ("overturned", 10_000)
        assert not penalty.measures.filter(undone_at=None).exists()
        assert standing.standing(shop, LATER).status == "normal"


def test_two_timers_at_once_end_each_measure_once(committed_db) -> None:
    shops = [make_shop() for _ in range(ROUNDS)]
    for shop in shops:
        imposed(shop, "", Measure(kind="suspend", ends_at=LATER))
    at_once(*[lambda: penalties.run_timers(LATER) for _ in range(THREADS)])
    assert set(Penalty.objects.values_list("status", flat=True)) == {"expired"}
    # Applied, and lapsed once.
    assert {measure.history.count() for measure in Measure.objects.all()} == {2}


@pytest.mark.parametrize("guarded", [True, False])
def test_two_who_clear_at_once_close_one_opening(committed_db, monkeypatch, guarded: bool) -> None:
    """With its control: without locks both find it open, and only the database keeps the second out."""
    if not guarded:
        monkeypatch.setattr(QuerySet, "select_for_update", read_without_a_lock)
    broken = 0
    for _ in range(ROUNDS):
        enrollment = make_enrollment()
        outcomes = at_once(
            *[
                lambda one=enrollment: imposed(one.shop, "", Measure(kind="clear", alliance=one.alliance))
                for _ in range(2)
            ]
        )
        done = sum(isinstance(outcome, Penalty) for outcome in outcomes)
        broken += outcomes.count(None)
        assert done == 1
        assert Enrollment.objects.get(pk=enrollment.pk).state == "cleared"
        assert Measure.objects.filter(opening__enrollment=enrollment).count() == 1
    assert (broken == 0) if guarded else (broken > 0)


@pytest.mark.parametrize("guarded", [True, False])
def test_the_catalogue_changes_before_or_after_a_penalty_and_never_within(
    committed_db, monkeypatch, guarded: bool
) -> None:
    """With its control: where the entry isn't held, a penalty names another version than its terms are of."""
    changing, newest = [], catalogue.version_of

    def change() -> None:
        violation = Violation.objects.get(code="V8")
        values, measures = {"name_en": "Another"}, list(violation.default_measures.all())
        catalogue.change(violation, values=values, measures=measures, by=None, reason="meanwhile")

    def asked_while_somebody_changes_it(violation: Violation) -> int:
        changing.append(Trying(change))
        # Held, it isn't done by then.
        changing[0].ended(within=1)
        return newest(violation)

    monkeypatch.setattr(catalogue, "version_of", asked_while_somebody_changes_it)
    if not guarded:
        monkeypatch.setattr(catalogue, "hold", lambda violation: violation)
    penalty = imposed(make_shop(), "", Measure(kind="warning"))
    changing[0].ended()
    assert Violation.objects.get(code="V8").name_en == "Another"
    version = Violation.history.get(history_id=penalty.violation_version)
    assert (version.name_en == penalty.evidence["violation"]["name_en"]) == guarded
