"""A check meets another check, and an import, at the worst moment."""

from __future__ import annotations

import io
from datetime import timedelta
from threading import Thread

import psycopg
from django.core.management import call_command
from django.db import connection

from rules import sweeps
from rules.models import Sweep
from rules.sql import SWEEPING
from shops import imports
from shops.models import Alliance, Shop
from tests.factories import AT, DAY, DOUYIN, make_enrollment, make_metrics, make_shop, make_sweep
from tests.faults.test_killed_workers import eventually


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
