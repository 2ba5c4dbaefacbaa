"""What a file of penalties came to, told long after, and found without reading all that came since."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from shops import imports, penalties, sql
from shops.imports import Brought
from shops.models import ImportBatch, Penalty
from tests.clients import client_of
from tests.factories import AT, make_shop
from tests.shops.accounting import paid_in
from tests.shops.importing import bring

HEADERS = "reference,shop,violation,imposed_at,status,deposit_deducted\n"

pytestmark = pytest.mark.django_db


def file(*rows: str) -> ImportBatch:
    return bring("penalties", HEADERS + "".join(rows))


def row(reference: str, status: str, deducted: str = "") -> str:
    return f"{reference},S1,V8,2026-03-01 09:30,{status},{deducted}\n"


def test_it_is_told_as_it_was_then_of_each_file_of_one_moment_its_own() -> None:
    paid_in(make_shop(code="S1"), 20_00)
    reported = file(row("P1", "reported"), row("P2", "reported"))
    imposed = file(row("P1", "imposed", "30"), row("P3", "imposed"))
    penalties.overturn(
        Penalty.objects.get(reference="P1"), by=None, at=AT + timedelta(days=9), reason="granted"
    )
    assert imports.brought_by(reported) == Brought(imposed=0, reported=2, deducted_fen=0, short_fen=0)
    assert imports.brought_by(imposed) == Brought(imposed=2, reported=0, deducted_fen=20_00, short_fen=10_00)


def test_what_it_would_come_to_is_told_before_it_is_applied() -> None:
    for code in ("S1", "S2"):
        make_shop(code=code)
    file(row("P1", "reported"))
    rows = [row("P1", "imposed", "30.05"), row("P2", "reported"), row("P3", "imposed").replace("S1", "S2")]
    batch = bring("penalties", HEADERS + "".join(rows), consent="ask")
    assert batch.state == "ready"
    assert batch.changes["comes_to"] == {
        "imposed": 2,
        "reported": 1,
        "deducted_fen": 30_05,
        "shops": [["S1", 1, 1, 30_05], ["S2", 1, 0, 0]],
    }
    address = reverse("admin:shops_importbatch_change", args=[batch.pk])
    for language, told in (("en", "1 imposed, 1 reported, ¥30.05"), ("zh-hans", "处罚 1，上报 1，¥30.05")):
        assert told in client_of("operator", language).get(address).content.decode()
    imports.confirm(batch.pk, by=None)
    applied = imports.process(batch.pk, at=AT + timedelta(hours=1))
    assert (applied.state, imports.brought_by(applied).imposed) == ("applied", 2)


def test_of_more_than_a_few_shops_only_the_whole_is_told() -> None:
    for number in range(6):
        make_shop(code=f"S{number}")
    rows = [row(f"P{number}", "imposed").replace("S1", f"S{number}") for number in range(6)]
    batch = bring("penalties", HEADERS + "".join(rows), consent="ask")
    assert batch.changes["comes_to"] == {"imposed": 6, "reported": 0, "deducted_fen": 0}


def test_the_desks_own_word_for_a_reason_is_known() -> None:
    make_shop(code="S1")
    bring("penalties", "reference,shop,violation,imposed_at,理由\nP1,S1,V8,2026-03-01,迟发\n")
    assert Penalty.objects.get().reason == "迟发"


def test_it_is_found_by_the_moment_of_the_file_however_much_came_since() -> None:
    make_shop(code="S1")
    batch = file(row("P1", "imposed"))
    columns = ", ".join(sql.columns_of(Penalty))
    sql.execute(
        f"INSERT INTO shops_historicalpenalty ({columns}, history_type, history_date, history_change_reason)"
        f" SELECT {columns}, '~', history_date + n * interval '1 s', 'import ' || n"
        " FROM shops_historicalpenalty, generate_series(1000, 20000) n"
    )
    sql.execute("ANALYZE shops_historicalpenalty")
    with CaptureQueriesContext(connection) as asked:
        assert imports.brought_by(batch).imposed == 1
    [question] = [query["sql"] for query in asked if "shops_historicalpenalty" in query["sql"]]
    plan = "\n".join(line for (line,) in sql.fetch(f"EXPLAIN {question}"))
    assert "Index Scan" in plan and "Seq Scan" not in plan
