"""A check meets another check, and it or a simulation an import, at the worst moment."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from threading import Event, Thread
from typing import Any

import psycopg
from django.core.management import call_command
from django.db import connection, transaction

from rules import brakes, drafts, simulated, simulation, sweeps
from rules.brakes import Brake
from rules.evaluation import Evaluation
from rules.models import RuleSet, Simulation, Sweep
from rules.sql import SWEEPING
from shops import imports, sql
from shops.models import Alliance, ImportBatch, Shop, ShopMetrics
from tests.factories import AT, DAY, DOUYIN, make_enrollment, make_metrics, make_shop, make_sweep, make_user
from tests.faults.test_killed_imports import ITS_TURN
from tests.faults.test_killed_workers import eventually
from tests.faults.test_reversal_races import Trying
from tests.rules.reversing import check, scores
from tests.shops.importing import bring


def someone_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock')"
        )
        return bool(cursor.fetchone()[0])


def test_a_check_that_is_just_finishing_is_not_called_interrupted(committed_db) -> None:
    make_metrics(make_enrollment().shop)
    finishing = make_sweep(day=DAY - timedelta(days=1), status="running", finished_at=None)
    following = sweeps.request(alliance=Alliance.objects.get(code=DOUYIN), by=None, at=AT, day=DAY)

    def follow() -> None:
        try:
            sweeps.run(following.pk, at=AT)
        finally:
            connection.close()

    thread = Thread(target=follow)
    with psycopg.connect(committed_db.env["DATABASE_OWNER_URL"]) as owner:
        owner.execute(
            "UPDATE rules_sweep SET status = 'done', finished_at = now(), filed = 7 WHERE id = %s",
            [finishing.pk],
        )
        thread.start()
        eventually(someone_waits, "the following check never met the finishing one")
    thread.join(60)
    finishing.refresh_from_db()
    assert (finishing.status, finishing.filed) == ("done", 7)
    assert Sweep.objects.get(pk=following.pk).status == "done"


def test_an_import_of_shops_does_not_wait_for_a_check_that_files_for_them(committed_db) -> None:
    shop = make_shop(name="旧名")
    file = io.BytesIO(
        "code,name,shop_type,category,goods_kind,status,subject_kind\n"
        f"{shop.code},新名,ordinary,beauty,physical,normal,enterprise\n".encode()
    )
    batch = imports.receive(kind="shops", file=file, file_name="shops.csv", by=None, at=AT)
    with psycopg.connect(committed_db.env["DATABASE_OWNER_URL"]) as owner:
        # What the key of a filed proposal does to the shop's row until the check ends.
        owner.execute("SELECT FROM shops_shop WHERE id = %s FOR KEY SHARE", [shop.pk])
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '3s'")
        assert imports.process(batch.pk, at=AT).state == "applied"
    assert Shop.objects.get().name == "新名"


def test_the_command_waits_for_another_check_of_the_alliance(committed_db) -> None:
    make_metrics(make_enrollment().shop, experience_score="3.49")
    running = make_sweep(day=DAY - timedelta(days=1), status="running", finished_at=None)

    def ask() -> None:
        try:
            call_command("sweep", alliance=DOUYIN, stdout=io.StringIO())
        finally:
            connection.close()

    command = Thread(target=ask)
    with psycopg.connect(committed_db.env["DATABASE_OWNER_URL"]) as owner:
        owner.execute("SELECT pg_advisory_lock(%s, %s)", [SWEEPING, running.pk])
        command.start()
        eventually(lambda: Sweep.objects.filter(status="waiting").exists(), "the command asked for nothing")
        owner.execute(
            "UPDATE rules_sweep SET status = 'done', finished_at = now() WHERE id = %s", [running.pk]
        )
        owner.commit()
    owner.close()
    command.join(60)
    assert Sweep.objects.get(day=DAY).filed == 1


def brought_while_checked(monkeypatch, until: Callable[[Trying], bool]) -> tuple[Sweep, object]:
    """A check of forty good shops, for which bad figures come in when it has counted and not filed yet."""
    codes = [make_enrollment(make_shop(code=f"S{number}")).shop.code for number in range(40)]
    bring("metrics", scores(*((code, f"4.{number:02}") for number, code in enumerate(codes))))
    bad = scores(*((code, f"3.{number:02}") for number, code in enumerate(codes)))
    counted, may_file = Event(), Event()
    count = brakes.tripped_by_products

    def count_and_wait(*of: Any) -> list[Brake]:
        counted.set()
        may_file.wait(60)
        return count(*of)

    monkeypatch.setattr(brakes, "tripped_by_products", count_and_wait)
    checking = Trying(check)
    counted.wait(60)
    bringing = Trying(lambda: bring("metrics", bad, at=AT + timedelta(hours=1)))
    try:
        eventually(lambda: until(bringing), "the import never came there")
    finally:
        may_file.set()
    sweep = checking.ended()
    assert isinstance(sweep, Sweep)
    return sweep, bringing.ended()


def test_figures_that_come_in_while_a_check_runs_are_none_of_its_own(committed_db, monkeypatch) -> None:
    sweep, batch = brought_while_checked(monkeypatch, lambda bringing: ITS_TURN())
    assert (sweep.status, sweep.failing, sweep.filed) == ("done", 0, 0)
    assert isinstance(batch, ImportBatch) and batch.updated == 40


def test_control_without_taking_turns_a_check_files_by_figures_that_no_brake_has_seen(
    committed_db, monkeypatch
) -> None:
    monkeypatch.setattr(sql, "take_turns", lambda kind, number: None)
    sweep, _batch = brought_while_checked(monkeypatch, lambda bringing: bringing.outcome is not None)
    assert (sweep.status, sweep.failing, sweep.filed) == ("done", 0, 40)


def brought_between_the_sides(monkeypatch) -> Simulation:
    """A simulation of a copy, for which other figures come in when it has judged the one side."""
    codes = [make_enrollment(make_shop(code=f"S{number}")).shop.code for number in range(10)]
    bring("metrics", scores(*((code, f"4.{number:02}") for number, code in enumerate(codes))))
    bad = scores(*((code, f"3.{number:02}") for number, code in enumerate(codes)))
    judge = simulated.judge

    def judge_and_wait(side: str, evaluation: Evaluation) -> None:
        judge(side, evaluation)
        if side == "draft":
            Trying(lambda: bring("metrics", bad, at=AT + timedelta(hours=1))).ended()

    monkeypatch.setattr(simulated, "judge", judge_and_wait)
    in_force = RuleSet.objects.get(alliance__code=DOUYIN, purpose="clearance", version=1)
    copy = drafts.draft_from(in_force, by=make_user("rules_editor"), at=AT)
    done = simulation.run(simulation.request(copy, by=None, at=AT).pk, at=AT)
    assert ShopMetrics.objects.filter(experience_score__lt=4).count() == 10
    return done


def test_both_sides_of_a_simulation_see_the_same_figures(committed_db, monkeypatch) -> None:
    done = brought_between_the_sides(monkeypatch)
    assert (done.status, done.changes.count()) == ("done", 0)


def test_control_without_one_snapshot_a_copy_differs(committed_db, monkeypatch) -> None:
    monkeypatch.setattr(sql, "one_snapshot", transaction.atomic)
    assert brought_between_the_sides(monkeypatch).changes.count() == 10
