"""Why something was done is kept whole: often the line of history is the only place in which it stands."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.urls import reverse

from shops import catalogue, lessening, penalties, sql, topups
from shops.models import Audited, DefaultMeasure, Measure, Penalty, Shop, TopUp, Violation
from tests.clients import client_of
from tests.factories import AT, make_imposed, make_shop

pytestmark = pytest.mark.django_db

# As much as a form takes, and its end.
WHY = "检测报告证明标签无误。The carrier's scan shows that it was sent in time. " * 290 + "THE END"


def penalty() -> Penalty:
    measures = [Measure(kind="points", points=4), Measure(kind="deduct", basis="fixed", amount_fen=500)]
    return make_imposed(make_shop(), *measures)


def taken_back() -> Audited:
    found = penalty()
    points = found.measures.get(kind="points")
    penalties.undo_measures(found, [points], by=None, at=AT, reason=WHY)
    return found


def lessened() -> Audited:
    found = make_imposed(make_shop(), Measure(kind="points", points=4), Measure(kind="warning"))
    measure = found.measures.get(kind="points")
    lessening.lessen_measures(
        found, {measure.pk: 2}, by=None, at=AT, reason=WHY, undone=[found.measures.get(kind="warning")]
    )
    return found


def reminded() -> Audited:
    penalty()
    owed = TopUp.objects.get()
    topups.remind(owed, by=None, at=AT, note=WHY)
    return owed


def written_for_many() -> Audited:
    shop = make_shop()
    with sql.cursor() as cursor:
        sql.write_with_history(
            cursor,
            Shop,
            "UPDATE shops_shop SET name = name WHERE id = %s",
            [shop.pk],
            change="~",
            by=None,
            reason=WHY,
            at=AT,
        )
    return shop


@pytest.mark.parametrize("verb", [taken_back, lessened, reminded, written_for_many])
def test_the_reason_of_a_change_is_kept_whole(verb: Callable[[], Audited]) -> None:
    assert verb().history.filter(history_change_reason=WHY.strip()).exists()


def test_so_is_why_something_was_deleted() -> None:
    violation = Violation.objects.get(code="V8")
    catalogue.change(violation, values={}, measures=[], by=None, reason=WHY)
    gone = DefaultMeasure.history.filter(violation_id=violation.pk, history_type="-")
    assert set(gone.values_list("history_change_reason", flat=True)) == {WHY}


def test_every_history_has_room_for_it() -> None:
    types = sql.fetch(
        "SELECT DISTINCT data_type FROM information_schema.columns WHERE column_name = %s",
        ["history_change_reason"],
    )
    assert types == [("text",)]


@pytest.mark.parametrize("page", ["change", "history"])
def test_on_a_page_a_long_reason_opens_and_a_short_one_stands_there(page: str) -> None:
    found = penalty()
    client, where = client_of("supervisor"), reverse(f"admin:shops_penalty_{page}", args=[found.pk])
    points, deduct = found.measures.order_by("pk")
    Measure.objects.create(penalty=found, kind="warning", applied_at=AT)
    penalties.undo_measures(found, [points], by=None, at=AT, reason="the wrong shop")
    assert re.search(r'<span class="why">[^<]*the wrong shop</span>', client.get(where).content.decode())
    penalties.undo_measures(found, [deduct], by=None, at=AT, reason=WHY)
    shown = client.get(where).content.decode()
    assert shown.count('<details class="why">') == 1
    assert "THE END</details>" in shown
