"""How the timer finds what has come to its end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction

from shops import penalties
from shops.models import Measure, Penalty, Shop
from tests.factories import AT, make_imposed, make_penalty, make_shop

END, LATER = AT + timedelta(days=2), AT + timedelta(days=3)
MANY = 5_000


def without_end(shop: Shop) -> None:
    """So many penalties that stand, and that no date ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO shops_penalty (reference, key, shop_id, ground, status, reason, evidence,"
            " imposed_at, ended_reason) SELECT '', '', %s, 'judgement', 'imposed', '', '{}', %s, ''"
            " FROM generate_series(1, %s)",
            [shop.pk, AT, MANY],
        )


def penalties_read() -> int:
    """How many rows of penalties this transaction has read, one after the other or by an index."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables"
            " WHERE relname = 'shops_penalty'"
        )
        return int(cursor.fetchone()[0])


def due() -> list[Penalty]:
    """One of which a measure has come to its end, and one whose end its platform has told."""
    return [
        make_imposed(make_shop(), Measure(kind="suspend", ends_at=END)),
        make_penalty(violation_code="V8", ends_at=END),
    ]


@pytest.mark.parametrize("judged", ["never", "while it held nothing but what was rolled back"])
def test_what_has_ended_is_looked_up_and_not_sought_among_all_that_stands(
    judged: str, committed_db: Any
) -> None:
    """Whatever the planner takes the penalties for."""
    if judged != "never":
        with transaction.atomic():
            without_end(make_shop())
            transaction.set_rollback(True)
        with connections["owner"].cursor() as owner:
            owner.execute("ANALYZE shops_penalty, shops_measure")
    with transaction.atomic():
        without_end(make_shop())
        ending = due()
        before = penalties_read()
        assert penalties.run_timers(LATER) == 2
        assert penalties_read() - before < 50
    assert set(Penalty.objects.filter(status="expired")) == set(ending)


@pytest.mark.django_db
def test_nothing_is_read_where_nothing_has_ended() -> None:
    without_end(make_shop())
    due()
    before = penalties_read()
    assert penalties.run_timers(END - timedelta(seconds=1)) == 0
    assert penalties_read() - before < 10


@pytest.mark.django_db
def test_of_more_than_may_end_at_once_the_rest_ends_the_next_time() -> None:
    shop = make_shop()
    ending = [make_penalty(shop, violation_code="V8", ends_at=END) for _ in range(3)]
    assert penalties.run_timers(LATER, limit=2) == 2
    left = Penalty.objects.filter(status="imposed")
    assert list(left) == ending[2:]
    assert penalties.run_timers(LATER, limit=2) == 1
