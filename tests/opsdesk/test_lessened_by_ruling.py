"""A ruling in part that leaves less of a measure: the verb, its record, and its page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from opsdesk import appeals, audit
from opsdesk.models import Appeal
from shops import points
from shops.accounts import balance_of
from shops.errors import Refused
from shops.models import Measure, Penalty, Shop
from tests.factories import AT, make_appeal, make_imposed, make_shop, make_user
from tests.shops.accounting import paid_in

pytestmark = pytest.mark.django_db

NOW = AT + timedelta(days=2)
SOON = NOW + timedelta(days=3)


@pytest.fixture(autouse=True)
def two_days_later() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def judge() -> User:
    return make_user("appeals_officer", username="judge")


@pytest.fixture
def shop() -> Shop:
    shop = make_shop()
    paid_in(shop, 50_000)
    return shop


@pytest.fixture
def penalty(shop: Shop) -> Penalty:
    return make_imposed(
        shop,
        Measure(kind="points", points=12),
        Measure(kind="deduct", basis="fixed", amount_fen=40_000),
        Measure(kind="suspend", ends_at=NOW + timedelta(days=30)),
    )


def own(penalty: Penalty, kind: str) -> int:
    return penalty.measures.get(kind=kind).pk


def taken(penalty: Penalty, judge: User) -> Appeal:
    return appeals.take(make_appeal(penalty, at=NOW).pk, by=judge, at=NOW)


def ruled(penalty: Penalty, judge: User, less: dict[int, Any], measures: list[int] | None = None) -> Appeal:
    appeal = taken(penalty, judge)
    return appeals.grant_in_part(
        appeal.pk, measures=measures or [], less=less, reason="too much", by=judge, at=NOW
    )


def test_a_ruling_lessens_and_keeps_by_value_from_what_to_what(
    shop: Shop, penalty: Penalty, judge: User
) -> None:
    given, deducted = own(penalty, "points"), own(penalty, "deduct")
    appeal = ruled(penalty, judge, {given: 4, deducted: 15_000})
    appeal.refresh_from_db()
    assert (points.standing_points(shop, None, NOW), balance_of(shop)) == (4, 35_000)
    assert (appeal.state, appeal.taken_back) == ("granted_in_part", [])
    assert appeal.lessened == [
        {"measure": given, "from": "12", "to": "4"},
        {"measure": deducted, "from": "40000", "to": "15000"},
    ]
    assert audit.verify_ledger() is None
    assert audit.verify_history() is None


def test_the_second_level_lessens_further_and_a_grant_restores_to_the_fen(
    shop: Shop, penalty: Penalty, judge: User
) -> None:
    deducted = own(penalty, "deduct")
    ruled(penalty, judge, {deducted: 15_000})
    with pytest.raises(Refused, match=r"below ¥150\.00"), transaction.atomic():
        ruled(penalty, make_user("appeals_officer"), {deducted: 15_000})
    other = make_user("appeals_officer")
    appeals.grant(taken(penalty, other).pk, reason="wrong", by=other, at=NOW)
    assert (points.standing_points(shop, None, NOW), balance_of(shop)) == (0, 50_000)
    assert audit.verify_ledger() is None


def test_lessened_to_nothing_is_taken_back(shop: Shop, penalty: Penalty, judge: User) -> None:
    deducted = own(penalty, "deduct")
    appeal = ruled(penalty, judge, {deducted: 0}, [own(penalty, "points")])
    assert (appeal.taken_back, appeal.lessened) == (sorted([deducted, own(penalty, "points")]), [])
    assert balance_of(shop) == 50_000


def test_what_is_taken_back_is_not_lessened_as_well(penalty: Penalty, judge: User) -> None:
    given = own(penalty, "points")
    with pytest.raises(Refused, match="either"):
        ruled(penalty, judge, {given: 4}, [given])


def test_another_penaltys_measure_is_not_lessened(penalty: Penalty, judge: User) -> None:
    with pytest.raises(Refused, match="measures of this penalty"):
        ruled(penalty, judge, {0: 4})


def test_no_statement_rules_in_part_without_saying_on_what(penalty: Penalty, judge: User) -> None:
    appeal = taken(penalty, judge)
    facts = {"decided_at": NOW, "decided_by": judge, "ruling": "r"}
    for state, lessened in (("granted_in_part", []), ("denied", [{"measure": 1}])):
        with pytest.raises(IntegrityError, match="in_part_names"), transaction.atomic():
            Appeal.objects.filter(pk=appeal.pk).update(state=state, lessened=lessened, **facts)


# The page


def page(client: Client, appeal: Appeal, data: dict[str, Any] | None = None) -> Any:
    address = reverse("admin:opsdesk_appeal_grant_in_part", args=[appeal.pk])
    if data is None:
        return client.get(address)
    return client.post(address, {"seen": appeals.looked_at(appeal), **data})


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ["Lessened to, instead of: 12 points", "Lessened:", "12 → 4", "¥400.00 → ¥150.00"]),
        ("zh-hans", ["减轻为", "已减轻", "12 → 4", "¥400.00 → ¥150.00"]),
    ],
)
def test_an_officer_lessens_on_the_page(
    shop: Shop, penalty: Penalty, judge: User, language: str, said: list[str]
) -> None:
    appeal = taken(penalty, judge)
    client = Client(headers={"accept-language": language})
    client.force_login(judge)
    seen = page(client, appeal).content.decode()
    less = {kind: f"less_{own(penalty, kind)}" for kind in ("points", "deduct", "suspend")}
    assert all(f'name="{name}"' in seen for name in less.values())
    end = SOON.astimezone().strftime("%Y-%m-%dT%H:%M:%S")
    given = {less["points"]: "4", less["deduct"]: "150", less["suspend"]: end, "reason": "too much"}
    answer = page(client, appeal, given)
    assert answer.status_code == 302, answer.content.decode()
    assert (points.standing_points(shop, None, NOW), balance_of(shop)) == (4, 35_000)
    told = seen + client.get(answer["Location"]).content.decode()
    assert all(text in told for text in said)


@pytest.mark.parametrize(
    "given", [{}, {"points": "13"}, {"points": "-1"}, {"points": "x"}, {"deduct": "0.001"}, {"deduct": "401"}]
)
def test_what_is_not_less_is_refused_on_the_page(
    penalty: Penalty, judge: User, given: dict[str, str]
) -> None:
    appeal = taken(penalty, judge)
    client = Client(headers={"accept-language": "en"})
    client.force_login(judge)
    data = {f"less_{own(penalty, kind)}": value for kind, value in given.items()}
    assert page(client, appeal, {**data, "reason": "too much"}).status_code in (200, 400, 409)
    appeal.refresh_from_db()
    assert appeal.state == "taken"
