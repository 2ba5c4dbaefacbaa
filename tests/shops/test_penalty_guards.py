"""What the database lets nobody change of penalties, of what they did, and of closings."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Model

from shops import closing, penalties
from shops.models import Alliance, Closure, Ground, Measure, Penalty
from tests.factories import AT, make_imposed, make_penalty, make_product, make_shop

pytestmark = pytest.mark.django_db


def refuses(one: Model, sentence: str, **values: object) -> None:
    with pytest.raises(IntegrityError, match=sentence), transaction.atomic():
        type(one)._default_manager.filter(pk=one.pk).update(**values)


def points() -> Measure:
    return Measure(kind="points", points=4)


@pytest.mark.parametrize("name", ["shop", "ground", "reference", "key"])
def test_whose_a_penalty_is_and_how_it_is_called_never_changes(name: str) -> None:
    penalty = make_penalty(violation_code="V8", reference="R1", key="K1")
    values = {"shop": make_shop(), "ground": Ground.JUDGEMENT, "reference": "R2", "key": ""}
    refuses(penalty, "never changes", **{name: values[name]})


def test_a_penalty_of_the_desk_is_given_its_platforms_number() -> None:
    penalty = make_imposed(make_shop(), points(), code="V8")
    Penalty.objects.filter(pk=penalty.pk).update(reference="R1")
    refuses(penalty, "never changes", reference="R2")


@pytest.mark.parametrize("name", ["alliance", "product", "reason", "evidence"])
def test_for_what_a_penalty_was_imposed_never_changes(name: str) -> None:
    penalty = make_imposed(make_shop(), points(), code="V8")
    alliance = Alliance.objects.latest("pk")
    values = {
        "alliance": alliance,
        "product": make_product(penalty.shop),
        "reason": "another",
        "evidence": {"statement": "another"},
    }
    refuses(penalty, "never changes", **{name: values[name]})


def test_what_was_only_reported_may_still_be_told_better() -> None:
    penalty = make_penalty(violation_code="V8", status="reported")
    assert Penalty.objects.filter(pk=penalty.pk).update(reason="told better") == 1


@pytest.mark.parametrize("status", ["imposed", "lifted", "expired"])
def test_a_penalty_that_was_overturned_stays_so(status: str) -> None:
    penalty = make_imposed(make_shop(), points(), code="V8")
    penalties.overturn(penalty, by=None, at=AT + timedelta(days=1), reason="wrong")
    refuses(penalty, "never changes", status=status)


@pytest.mark.parametrize("status", ["reported", "dismissed"])
def test_a_penalty_that_was_imposed_was_not_only_reported(status: str) -> None:
    refuses(make_imposed(make_shop(), points(), code="V8"), "never changes", status=status)


@pytest.mark.parametrize("name", ["penalty", "kind", "applied_at"])
def test_a_measure_stays_of_its_penalty_and_was_applied_when_it_was(name: str) -> None:
    penalty = make_imposed(make_shop(), points(), code="V8")
    values = {"penalty": make_penalty(), "kind": "warning", "applied_at": AT - timedelta(days=365)}
    refuses(penalty.measures.get(), "applied once and undone once", **{name: values[name]})


@pytest.mark.parametrize("again", [None, AT + timedelta(days=9)])
def test_a_measure_is_undone_once(again: object) -> None:
    penalty = make_imposed(make_shop(), points(), code="V8")
    penalties.overturn(penalty, by=None, at=AT + timedelta(days=1), reason="wrong")
    refuses(penalty.measures.get(), "applied once and undone once", undone_at=again)


@pytest.mark.parametrize("name", ["shop", "closed_at", "return_from"])
def test_when_a_shop_closed_and_may_return_never_changes(name: str) -> None:
    closing.close(make_shop(), by=None, at=AT)
    closure = Closure.objects.get()
    before = {"closed_at": AT - timedelta(days=1), "return_from": closure.return_from - timedelta(days=1)}
    refuses(closure, "never changes", **{name: {"shop": make_shop(), **before}[name]})


def test_a_shop_returns_once_and_not_before_it_may() -> None:
    closing.close(make_shop(), by=None, at=AT)
    closure = Closure.objects.get()
    refuses(closure, "returns once, not before", returned_at=AT + timedelta(days=1))
    later = AT + timedelta(days=366)
    assert Closure.objects.filter(pk=closure.pk).update(returned_at=later) == 1
    refuses(closure, "returns once, not before", returned_at=later + timedelta(days=1))
