"""People call a file off before anything of it is written, also while a worker is at it."""

from __future__ import annotations

import io
import os
import signal
from threading import Thread

import psycopg
import pytest
from django.db import connection

from opsdesk import jobs
from shops import imports
from shops import jobs as imports_jobs
from shops.errors import NotAllowed, Refused
from shops.imports import Reading
from shops.models import ImportBatch, ImportProgress, Shop, ShopMetrics
from tests.factories import AT, make_user
from tests.faults.test_killed_imports import ITS_TURN, THE_OTHERS_COMMIT, TO_WRITE, eventually, received
from tests.shops.consenting import ASK, LATER, STRANGE, metrics
from tests.shops.importing import bring, counts


def test_a_file_is_called_off_before_and_after_it_is_looked_at(two_shops) -> None:
    user = make_user("operator")
    shown = bring("metrics", metrics(("S1", "10", "4.1")), consent=ASK)
    unseen = imports.receive(kind="metrics", file=io.BytesIO(STRANGE.encode()), file_name="x", by=None, at=AT)
    for batch in (shown, unseen):
        imports.cancel(batch.pk, by=user)
        batch = imports.process(batch.pk, at=LATER)
        assert (batch.state, counts(batch)) == ("cancelled", (batch.rows, 0, 0, 0, batch.rows))
        newest = batch.history.latest("history_id")
        assert (newest.state, newest.history_user) == ("cancelled", user)
        assert batch.progress.cancelled_by == user
    assert not ShopMetrics.objects.exists()
    assert imports.unfinished() == []


def test_what_a_person_confirmed_can_still_be_called_off_until_a_worker_has_written_it(two_shops) -> None:
    batch = bring("metrics", metrics(("S1", "10", "4.1")), consent=ASK)
    imports.confirm(batch.pk, by=None)
    imports.cancel(batch.pk, by=None)
    assert imports.process(batch.pk, at=LATER).state == "cancelled"
    assert not ShopMetrics.objects.exists()


def test_what_has_ended_is_not_called_off(two_shops) -> None:
    applied = bring("metrics", metrics(("S1", "10", "4.1")))
    refused = bring("metrics", metrics(("S9", "10", "4.1")))
    cancelled = bring("metrics", metrics(("S2", "10", "4.1")), consent=ASK)
    imports.cancel(cancelled.pk, by=None)
    for batch in (applied, refused, cancelled):
        history = batch.history.count()
        with pytest.raises(Refused, match="can't be called off any more"):
            imports.cancel(batch.pk, by=None)
        assert batch.history.count() == history


def test_each_verb_asks_for_the_permission_to_import(two_shops) -> None:
    nobody = make_user("auditor")
    shown = bring("metrics", metrics(("S1", "10", "4.1")), consent=ASK)
    refused = bring("metrics", STRANGE)
    with pytest.raises(NotAllowed):
        imports.confirm(shown.pk, by=nobody)
    with pytest.raises(NotAllowed):
        imports.cancel(shown.pk, by=nobody)
    with pytest.raises(NotAllowed):
        imports.read_anew(refused.pk, reading=Reading(), by=nobody, at=LATER)
    assert ImportBatch.objects.get(pk=shown.pk).state == "ready"
    assert ImportBatch.objects.count() == 2


def test_an_import_is_called_off_while_a_worker_is_at_it_and_everybody_sees_how_far_it_is(
    committed_db, worker
) -> None:
    user = make_user("operator")
    with psycopg.connect(committed_db.env["DATABASE_OWNER_URL"]) as owner:
        # Lets everybody read, and nobody write: the worker stops in the middle.
        owner.execute("LOCK TABLE shops_shop IN SHARE MODE")
        batch = received()
        imports_jobs.ask_for(batch)
        worker.start()
        eventually(TO_WRITE, "the worker never came to writing")
        progress = ImportProgress.objects.get(batch=batch)
        assert (progress.done, progress.began_at is not None) == (0.75, True)
        assert ImportBatch.objects.get().state == "checking"
        assert imports.cancel(batch.pk, by=user).state == "checking"
    eventually(lambda: ImportBatch.objects.get().state == "cancelled", "the worker never heard of it")
    assert (Shop.objects.count(), Shop.history.count()) == (0, 0)
    assert batch.history.latest("history_id").history_user == user
    assert imports.unfinished() == []


def test_an_import_whose_worker_died_can_be_called_off(committed_db, worker) -> None:
    with psycopg.connect(committed_db.env["DATABASE_OWNER_URL"]) as owner:
        owner.execute("LOCK TABLE shops_shop IN SHARE MODE")
        batch = received()
        imports_jobs.ask_for(batch)
        victim = worker.start()
        eventually(TO_WRITE, "the worker never came to writing")
        os.killpg(victim.pid, signal.SIGKILL)
        victim.wait()
    eventually(lambda: imports.unfinished() == [batch.pk], "the dead worker's session lived on")
    assert imports.cancel(batch.pk, by=None).state == "cancelled"
    jobs.reconcile()
    worker.burst()
    assert (ImportBatch.objects.get().state, Shop.objects.count()) == ("cancelled", 0)


def test_an_import_that_was_called_off_when_its_worker_died_is_not_taken_up_again(
    committed_db, worker
) -> None:
    with psycopg.connect(committed_db.env["DATABASE_OWNER_URL"]) as owner:
        owner.execute("LOCK TABLE shops_shop IN SHARE MODE")
        batch = received()
        imports_jobs.ask_for(batch)
        victim = worker.start()
        eventually(TO_WRITE, "the worker never came to writing")
        assert imports.cancel(batch.pk, by=None).state == "checking"
        os.killpg(victim.pid, signal.SIGKILL)
        victim.wait()
    eventually(lambda: imports.unfinished() == [batch.pk], "the dead worker's session lived on")
    jobs.reconcile()
    worker.burst()
    assert (ImportBatch.objects.get().state, Shop.objects.count()) == ("cancelled", 0)


class Trying:
    """A verb tried in a thread of its own; `outcome` is the state it led to, or "no"."""

    def __init__(self, verb: str, batch: ImportBatch) -> None:
        self.outcome = ""
        self._verb, self._batch = verb, batch
        self._thread = Thread(target=self._try)
        self._thread.start()

    def _try(self) -> None:
        try:
            if self._verb == "cancel":
                self.outcome = imports.cancel(self._batch.pk, by=None).state
            else:
                self.outcome = imports.process(self._batch.pk, at=AT).state
        except Refused:
            self.outcome = "no"
        finally:
            connection.close()

    def ended(self) -> str:
        self._thread.join(60)
        return self.outcome


def test_who_calls_off_what_is_just_being_committed_is_told_that_it_was_too_late(committed_db) -> None:
    with (
        psycopg.connect(committed_db.env["DATABASE_OWNER_URL"]) as to_write,
        psycopg.connect(committed_db.env["DATABASE_OWNER_URL"]) as to_end,
    ):
        to_write.execute("LOCK TABLE shops_shop IN SHARE MODE")
        batch = received()
        worker = Trying("process", batch)
        eventually(TO_WRITE, "the worker never came to writing")
        # Everything is written, only its own record is not yet.
        to_end.execute("LOCK TABLE shops_importbatch IN SHARE MODE")
        to_write.rollback()
        eventually(
            lambda: Shop.objects.count() == 0 and ImportProgress.objects.get().done == 1 and TO_WRITE(),
            "the worker never came to its end",
        )
        late = Trying("cancel", batch)
        eventually(
            lambda: THE_OTHERS_COMMIT() or late.outcome != "", "the person was neither heard nor waiting"
        )
    assert (worker.ended(), late.ended()) == ("applied", "no")
    assert (ImportBatch.objects.get().state, Shop.objects.count()) == ("applied", 500)


@pytest.mark.parametrize("order", [("process", "cancel"), ("cancel", "process")])
def test_an_import_that_is_called_off_as_its_worker_starts_goes_one_way(committed_db, order) -> None:
    batch = received()
    with psycopg.connect(committed_db.env["DATABASE_OWNER_URL"]) as owner:
        owner.execute("SELECT FROM shops_importbatch WHERE id = %s FOR UPDATE", [batch.pk])
        tried = {}
        for verb in order:
            tried[verb] = Trying(verb, batch)
            eventually(THE_OTHERS_COMMIT, f"nobody waits to {verb}")
    outcomes = {verb: trying.ended() for verb, trying in tried.items()}
    batch.refresh_from_db()
    if outcomes["cancel"] == "no":
        assert (outcomes["process"], batch.state, Shop.objects.count()) == ("applied", "applied", 500)
    else:
        assert (outcomes["process"], batch.state, Shop.objects.count()) == ("cancelled", "cancelled", 0)


def test_an_import_that_waits_for_its_turn_is_called_off(committed_db) -> None:
    with psycopg.connect(committed_db.env["DATABASE_OWNER_URL"]) as owner:
        owner.execute("LOCK TABLE shops_shop IN SHARE MODE")
        first = Trying("process", received())
        eventually(TO_WRITE, "the first never came to writing")
        batch = received()
        second = Trying("process", batch)
        eventually(ITS_TURN, "the second never waited")
        imports.cancel(batch.pk, by=None)
    assert (first.ended(), second.ended()) == ("applied", "cancelled")
