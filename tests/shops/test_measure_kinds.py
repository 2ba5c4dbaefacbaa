"""Each kind of measure: what it does, and that taking it back leaves the shop as it was."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from shops import deposits, measures, points, standing
from shops.accounts import balance_of
from shops.errors import Refused
from shops.models import Alliance, Measure, Shop, TopUp
from tests.factories import AT, DOUYIN, make_enrollment, make_penalty, make_shop
from tests.shops.accounting import paid_in, statement

pytestmark = pytest.mark.django_db
Kind = Measure.Kind
LATER = AT + timedelta(days=30)

# One of each kind that needs nothing else around it.
PLAIN: dict[str, dict[str, Any]] = {
    "warning": {},
    "points": {"points": 4},
    "deduct": {"basis": "fixed", "amount_fen": 30_000},
    "top_up": {"amount_fen": 30_000},
    "score": {"score": Decimal("0.20")},
    "reduce_room": {},
    "reduce_account": {"ends_at": LATER},
    "restrict_live": {"ends_at": LATER},
    "suspend": {"ends_at": LATER},
    "close": {},
}


def applied(shop: Shop, kind: str, **values: Any) -> Measure:
    measure = Measure(penalty=make_penalty(shop), kind=kind, **values)
    measures.apply(measure, by=None, at=AT)
    return measure


def seen(shop: Shop) -> dict[str, Any]:
    """What a shop may do, holds and owes."""
    stands = standing.standing(shop, AT)
    return {
        "status": stands.status,
        "restrictions": [measure.kind for measure in stands.restrictions],
        "points": points.standing_points(shop, None, AT),
        "balance": balance_of(shop),
        "owed": list(TopUp.objects.filter(shop=shop, state="open").values_list("amount_fen", flat=True)),
        "facts": Shop.objects.filter(pk=shop.pk).values().get(),
    }


def test_every_kind_is_tried_here_or_beside() -> None:
    assert {*PLAIN, "clear", "stop"} == set(Kind)


@pytest.mark.parametrize("kind", PLAIN)
def test_applied_and_undone_twice_a_measure_leaves_the_shop_as_it_was(kind: str) -> None:
    shop = make_shop()
    paid_in(shop, 20_000)
    before = seen(shop)
    measure = applied(shop, kind, **PLAIN[kind])
    measures.apply(measure, by=None, at=AT)
    changed = seen(shop)
    assert (changed != before) == (kind not in ("warning", "score"))
    assert changed["facts"] == before["facts"]
    measures.undo(measure, by=None, at=AT)
    measures.undo(measure, by=None, at=AT)
    assert seen(shop) == before
    assert measure.history.count() == 2


@pytest.mark.parametrize("kind", PLAIN)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_measure_is_told_before_while_and_after_it_stands(kind: str, language: str) -> None:
    shop = make_shop()
    with translation.override(language):
        told = [measures.describe(Measure(penalty=make_penalty(shop), kind=kind, **PLAIN[kind]))]
        measure = applied(shop, kind, **PLAIN[kind])
        told.append(measures.describe(measure))
        measures.undo(measure, by=None, at=AT)
        told.append(measures.describe(measure))
    assert all(told)
    assert told[1] in told[2] and told[1] != told[2]


@pytest.mark.parametrize(
    ("kind", "values", "lacking"),
    [
        ("points", {}, ["points"]),
        ("deduct", {}, ["basis"]),
        ("deduct", {"basis": "fixed"}, ["amount_fen"]),
        ("deduct", {"basis": "actual_loss"}, ["amount_fen"]),
        ("deduct", {"basis": "share"}, ["share"]),
        ("deduct", {"basis": "all"}, []),
        ("top_up", {}, ["amount_fen"]),
        ("score", {}, ["score"]),
        ("suspend", {}, ["ends_at"]),
        ("restrict_live", {}, []),
        *(
            (kind, {"end_asked": True}, ["ends_at"])
            for kind in ("restrict_live", "reduce_room", "reduce_account")
        ),
        ("clear", {}, ["alliance"]),
        ("stop", {}, ["product", "alliance"]),
    ],
)
def test_what_is_left_open_has_to_be_asked(kind: str, values: dict[str, Any], lacking: list[str]) -> None:
    measure = Measure(penalty=make_penalty(), kind=kind)
    for name, value in values.items():
        setattr(measure, name, value)
    assert measures.needs(measure) == lacking
    if lacking:
        with pytest.raises(Refused, match="needs to be told"):
            measures.apply(measure, by=None, at=AT)


def test_the_whole_deposit_is_what_there_is_at_that_moment() -> None:
    shop = make_shop()
    paid_in(shop, 123_45)
    measure = applied(shop, "deduct", basis="all")
    assert (measure.amount_fen, balance_of(shop)) == (123_45, 0)
    measures.undo(measure, by=None, at=AT)
    assert balance_of(shop) == 123_45


def test_of_an_empty_deposit_nothing_is_taken_and_nothing_becomes_due() -> None:
    shop = make_shop()
    measure = applied(shop, "deduct", basis="all")
    assert measure.amount_fen == 0
    assert (statement(shop), TopUp.objects.count()) == ([], 0)
    with translation.override("en"):
        assert measures.describe(measure) == "Nothing was deducted: the deposit was empty"
    measures.undo(measure, by=None, at=AT)
    assert statement(shop) == []


def test_a_share_is_of_the_balance_to_the_nearest_fen() -> None:
    shop = make_shop()
    paid_in(shop, 101)
    assert applied(shop, "deduct", basis="share", share=Decimal("0.5")).amount_fen == 51
    assert balance_of(shop) == 50


def test_what_a_deduction_lacks_becomes_due_and_is_due_no_longer_once_undone() -> None:
    shop = make_shop()
    paid_in(shop, 10_000)
    measure = applied(shop, "deduct", basis="fixed", amount_fen=30_000)
    assert (balance_of(shop), TopUp.objects.get().amount_fen) == (0, 20_000)
    with translation.override("en"):
        assert measures.describe(measure) == "Deducted ¥100.00 from the deposit, and ¥200.00 became due"
    measures.undo(measure, by=None, at=AT)
    assert (balance_of(shop), TopUp.objects.get().state) == (10_000, "cancelled")


def test_what_a_deduction_lacked_is_deducted_once_paid_and_told_and_given_back() -> None:
    shop = make_shop()
    paid_in(shop, 10_000)
    measure = applied(shop, "deduct", basis="fixed", amount_fen=30_000)
    owed = TopUp.objects.get()
    deposits.settle(owed, key="a part", cause="paid", by=None, at=AT, amount_fen=5_000)
    with translation.override("en"):
        told = measures.describe(Measure.objects.get(pk=measure.pk))
    assert told == (
        "Deducted ¥100.00 from the deposit, and ¥200.00 became due, of which ¥50.00 were paid and deducted"
    )
    deposits.settle(owed, key="the rest", cause="paid", by=None, at=AT)
    assert (balance_of(shop), owed.state) == (0, "settled")
    measures.undo(measure, by=None, at=AT)
    assert (balance_of(shop), TopUp.objects.get().state) == (30_000, "cancelled")
    measures.undo(measure, by=None, at=AT)
    assert (balance_of(shop), len(statement(shop))) == (30_000, 9)


def test_of_two_suspensions_one_undone_leaves_the_other_standing_and_no_file_lifts_it() -> None:
    shop = make_shop()
    first, second = (applied(shop, "suspend", ends_at=LATER) for _ in range(2))
    measures.undo(first, by=None, at=AT)
    assert standing.standing(shop, AT).status == "suspended"
    # Tomorrow's file says that all is well, as today's did.
    shop.save()
    assert standing.standing(shop, AT).status == "suspended"
    measures.undo(second, by=None, at=AT)
    assert standing.standing(shop, AT).status == "normal"


def test_a_suspension_ends_on_its_date_whether_or_not_the_timer_has_come() -> None:
    shop = make_shop()
    measure = applied(shop, "suspend", ends_at=LATER)
    almost = LATER - timedelta(microseconds=1)
    assert standing.standing(shop, almost).status == "suspended"
    assert standing.standing(shop, LATER).status == "normal"
    assert measure.lapsed_at is None


def test_what_the_platform_suspended_itself_stays_so() -> None:
    shop = make_shop(status="suspended")
    measures.undo(applied(shop, "suspend", ends_at=LATER), by=None, at=AT)
    assert standing.standing(shop, AT).status == "suspended"


def test_points_count_where_they_were_given_until_they_lapse() -> None:
    shop, douyin = make_shop(), Alliance.objects.get(code=DOUYIN)
    applied(shop, "points", points=4, ends_at=LATER)
    applied(shop, "points", points=2, alliance=douyin)
    assert points.standing_points(shop, None, AT) == 4
    assert points.standing_points(shop, douyin, AT) == 2
    assert points.standing_points(shop, None, LATER) == 0
    assert points.standing_points(shop, None, AT - timedelta(seconds=1)) == 0


def test_a_measure_that_would_end_in_a_year_that_nobody_means_is_refused() -> None:
    with pytest.raises(Refused, match="would end too late"):
        applied(make_shop(), "suspend", ends_at=AT.replace(year=9999))


def test_a_measure_that_would_end_before_it_begins_is_refused() -> None:
    with pytest.raises(Refused, match="before it begins"):
        applied(make_shop(), "suspend", ends_at=AT)


def test_a_clearance_names_an_alliance_of_its_own() -> None:
    enrollment = make_enrollment()
    measure = applied(enrollment.shop, "clear", alliance=enrollment.alliance)
    enrollment.refresh_from_db()
    assert (enrollment.state, measure.opening) == ("cleared", enrollment.openings.get())


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"kind": "warning", "points": 4}, "has_points_exactly"),
        ({"kind": "points"}, "has_points_exactly"),
        ({"kind": "deduct"}, "has_a_basis_exactly"),
        ({"kind": "warning", "basis": "all"}, "has_a_basis_exactly"),
        ({"kind": "deduct", "basis": "share"}, "has_a_share_exactly"),
        ({"kind": "deduct", "basis": "fixed"}, "states_its_amount"),
        ({"kind": "top_up"}, "states_its_amount"),
        ({"kind": "clear", "amount_fen": 1}, "amount_is_of_the_deposit"),
        ({"kind": "deduct", "basis": "all", "amount_fen": -1}, "amount_is_of_the_deposit"),
        ({"kind": "score"}, "has_a_score_exactly"),
        ({"kind": "suspend"}, "suspends_until_a_date"),
        ({"kind": "close", "ends_at": LATER}, "ends_only_where"),
        ({"kind": "points", "points": 1, "applied_at": LATER, "ends_at": AT}, "ends_after_it_began"),
        ({"kind": "close", "applied_at": AT, "lapsed_at": AT}, "is_over_only_once"),
    ],
)
def test_the_database_refuses_measures_that_say_too_much_or_too_little(
    values: dict[str, Any], named: str
) -> None:
    with pytest.raises(IntegrityError, match=named), transaction.atomic():
        Measure.objects.create(penalty=make_penalty(), **values)
