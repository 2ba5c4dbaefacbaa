"""The timetable writes what shops are told of a file's penalties while somebody is at one of them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from django.db.models import QuerySet

from opsdesk import notices, penalising
from opsdesk.models import Notice
from shops.models import Penalty
from tests.factories import AT, make_shop, make_user
from tests.faults.test_appeal_races import broken
from tests.faults.test_publishing_races import at_once
from tests.shops.importing import bring

LATER = AT + timedelta(hours=1)


def brought(rows: int) -> list[Penalty]:
    shop = make_shop()
    lines = [f"{shop.code}-{n},{shop.code},V8,2026-03-11 08:00,imposed,4" for n in range(rows)]
    bring("penalties", "\n".join(["reference,shop,violation,imposed_at,status,points", *lines]))
    return list(Penalty.objects.filter(shop=shop).order_by("pk"))


def written_while_it_falls(monkeypatch: pytest.MonkeyPatch, wait: float) -> str:
    """How a penalty stood as its notice was written, where it is overturned just before.

    `wait`: seconds that the notice is held back at most, for the overturning to come to its end.
    """
    supervisor, [penalty] = make_user("supervisor"), brought(1)
    real, looked, fallen = notices._write_all, threading.Event(), threading.Event()
    stood = []

    def slowly(penalties: Sequence[Penalty], at: datetime) -> int:
        looked.set()
        # Where it is held, whoever overturns it waits for the notice.
        fallen.wait(timeout=wait)
        stood.append(Penalty.objects.get(pk=penalty.pk).status)
        return real(penalties, at)

    def overturn() -> None:
        looked.wait(timeout=30)
        penalising.overturn(penalty, by=supervisor, at=LATER, reason="wrong")
        fallen.set()

    monkeypatch.setattr(notices, "_write_all", slowly)
    assert at_once(lambda: notices.write_for_files(at=LATER), overturn) == [None, None]
    [status] = stood
    return status


def test_no_notice_is_written_of_what_has_just_fallen(committed_db, monkeypatch: pytest.MonkeyPatch) -> None:
    assert written_while_it_falls(monkeypatch, wait=0.5) == "imposed"
    assert broken() is None


def test_control_without_locks_a_shop_is_told_of_a_penalty_that_has_fallen(
    committed_db, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **options: rows.all())
    assert written_while_it_falls(monkeypatch, wait=60) == "overturned"


def test_two_timetables_write_each_notice_once(committed_db) -> None:
    penalties = brought(60)
    said = at_once(*[lambda: notices.write_for_files(at=LATER)] * 2)
    assert said == [None, None]
    notices.write_for_files(at=LATER)
    told = Notice.objects.order_by("penalty").values_list("penalty", flat=True)
    assert list(told) == [penalty.pk for penalty in penalties]
    assert broken() is None
