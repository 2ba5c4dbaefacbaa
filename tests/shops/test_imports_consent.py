"""What people do with a file that came in: look before it is written, call it off, say how it is read."""

from __future__ import annotations

import io
import os
import signal
from datetime import timedelta
from pathlib import Path
from threading import Thread

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connection

from opsdesk import jobs
from rules.reversals import reverse_import
from shops import imports
from shops import jobs as imports_jobs
from shops.errors import NotAllowed, Refused
from shops.imports import Reading
from shops.models import ImportBatch, ImportProgress, ImportSource, Shop, ShopMetrics
from tests.factories import AT, DAY, make_shop, make_user
from tests.faults.test_killed_imports import ITS_TURN, THE_OTHERS_COMMIT, TO_WRITE, eventually, received
from tests.shops.importing import bring, counts, errors, rejects
from tests.shops.test_imports_workbooks import book

ASK, UNLESS_SUSPICIOUS = ImportBatch.Consent.ASK, ImportBatch.Consent.UNLESS_SUSPICIOUS
LATER = AT + timedelta(hours=1)
SHOPS = "code,name,shop_type,category,goods_kind,status,subject_kind\n"
STRANGE = f"店铺代号,日期,得分,备注\nS1,{DAY},4.5,好\n"


def metrics(*rows: tuple[str, str, str]) -> str:
    """Shop, gmv_30d and shop_score of the day."""
    return "\n".join(["shop,day,gmv_30d,shop_score", *(f"{s},{DAY},{gmv},{score}" for s, gmv, score in rows)])


def confirmed(batch: ImportBatch, by: User | None = None) -> ImportBatch:
    imports.confirm(batch.pk, by=by)
    return imports.process(batch.pk, at=LATER)


def stands(code: str = "S1") -> tuple[str, str]:
    row = ShopMetrics.objects.get(shop__code=code, day=DAY)
    return str(row.gmv_30d), "none" if row.shop_score_none else str(row.shop_score)


@pytest.fixture
def two_shops(db: None) -> None:
    for code in ("S1", "S2"):
        make_shop(code=code)


# Asked first.


def test_who_wants_to_look_first_is_shown_what_would_change_and_nothing_is_written(two_shops) -> None:
    first = bring("metrics", metrics(("S1", "10", "4.1")))
    batch = bring("metrics", metrics(("S1", "10", "none"), ("S2", "20", "")), consent=ASK)
    assert (batch.state, counts(batch)) == ("ready", (2, 1, 1, 0, 0))
    assert batch.changes["columns"] == {"shop_score": 1}
    assert batch.changes["cells"] == [
        {"row": 2, "record": f"S1 · {DAY}", "column": "shop_score", "old": "4.1", "new": "none"}
    ]
    assert stands() == ("10.00", "4.10")
    assert ShopMetrics.objects.get().batch == first
    assert not batch.profiles.exists() and not batch.coverage.exists() and not batch.corrections.exists()


def test_what_was_shown_is_written_once_a_person_says_so_and_the_record_names_who(two_shops) -> None:
    sender, other = make_user("operator"), make_user("operator")
    batch = bring("metrics", metrics(("S1", "10", "4.1")), consent=ASK, by=sender)
    batch = confirmed(batch, other)
    assert (batch.state, counts(batch), stands()) == ("applied", (1, 1, 0, 0, 0), ("10.00", "4.10"))
    told = [(h.state, h.history_user, h.history_change_reason) for h in batch.history.order_by("history_id")]
    assert told == [
        ("received", sender, ""),
        ("checking", None, ""),
        ("ready", None, ""),
        ("received", other, "confirmed"),
        ("applying", None, ""),
        ("applied", None, ""),
    ]


def test_changes_of_a_shop_are_told_in_the_words_of_its_file(db) -> None:
    row = "S1,店,ordinary,beauty,physical,normal,enterprise"
    bring("shops", f"{SHOPS}{row}\n")
    batch = bring(
        "shops",
        f"{SHOPS.strip()},controller,account_ok\n{row.replace('normal', 'suspended')},C1,1\n",
        consent=ASK,
    )
    assert batch.changes["columns"] == {"status": 1, "controller": 1, "account_ok": 1}
    assert {(cell["column"], cell["old"], cell["new"]) for cell in batch.changes["cells"]} == {
        ("status", "normal", "suspended"),
        ("controller", "", "C1"),
        ("account_ok", None, "true"),
    }
    assert Shop.objects.get().status == "normal"


def test_fifty_changed_cells_are_shown_and_all_are_counted(db) -> None:
    codes = [make_shop().code for _shop in range(60)]
    bring("metrics", metrics(*((code, "1", "4") for code in codes)))
    batch = bring("metrics", metrics(*((code, "2", "4") for code in codes)), consent=ASK)
    assert batch.changes["columns"] == {"gmv_30d": 60}
    assert [cell["row"] for cell in batch.changes["cells"]] == list(range(2, 52))


def test_a_file_with_errors_is_refused_before_anybody_is_asked_and_has_changed_nothing(two_shops) -> None:
    bring("metrics", metrics(("S1", "10", "4.1")))
    batch = bring("metrics", metrics(("S1", "11", "4.1"), ("S2", "10", "6")), consent=ASK)
    assert (batch.state, counts(batch), batch.changes) == ("refused", (2, 0, 0, 0, 2), {})


def test_of_a_file_with_errors_the_good_rows_are_shown_and_then_written(two_shops) -> None:
    batch = bring("metrics", metrics(("S1", "11", "4.1"), ("S2", "10", "6")), consent=ASK, partial=True)
    assert (batch.state, counts(batch)) == ("ready", (2, 1, 0, 0, 1))
    assert not ShopMetrics.objects.exists()
    assert counts(confirmed(batch)) == (2, 1, 0, 0, 1)
    assert stands() == ("11.00", "4.10")


def test_nothing_is_confirmed_twice_nor_what_does_not_wait_for_it(two_shops) -> None:
    batch = bring("metrics", metrics(("S1", "10", "4.1")), consent=ASK)
    imports.confirm(batch.pk, by=None)
    with pytest.raises(Refused, match="received"):
        imports.confirm(batch.pk, by=None)
    imports.process(batch.pk, at=LATER)
    with pytest.raises(Refused, match="applied"):
        imports.confirm(batch.pk, by=None)
    refused = bring("metrics", metrics(("S9", "10", "4.1")))
    with pytest.raises(Refused, match="refused"):
        imports.confirm(refused.pk, by=None)


def test_what_waits_for_a_person_no_worker_takes(two_shops) -> None:
    batch = bring("metrics", metrics(("S1", "10", "4.1")), consent=ASK)
    assert imports.unfinished() == []
    assert imports.process(batch.pk, at=LATER).state == "ready"
    imports.confirm(batch.pk, by=None)
    assert imports.unfinished() == [batch.pk]


@pytest.mark.parametrize(
    "meanwhile",
    [
        # Another number of rows would change.
        [("S1", "10", "4.5")],
        # As many rows and columns, from another figure.
        [("S1", "77", "4.1")],
        # Another row.
        [("S1", "11", "4.1"), ("S2", "21", "4.2")],
    ],
)
def test_where_what_stands_has_changed_since_it_was_shown_a_person_looks_again(two_shops, meanwhile) -> None:
    bring("metrics", metrics(("S1", "10", "4.1"), ("S2", "20", "4.2")))
    batch = bring(
        "metrics",
        metrics(("S1", "11", "4.1"), ("S2", "20", "4.2")),
        consent=ASK,
        at=AT + timedelta(minutes=1),
    )
    # Of a moment before, so that the waiting file is still the newest knowledge.
    assert bring("metrics", metrics(*meanwhile)).updated > 0
    before = stands("S1"), stands("S2")
    batch = confirmed(batch)
    assert (batch.state, batch.consent) == ("ready", "ask")
    first, *_others = imports.suspicions_of(batch)
    assert first.code == "changed_meanwhile"
    assert "What stands has changed since this was shown" in first.message
    assert (stands("S1"), stands("S2")) == before
    assert not batch.corrections.exists()
    # And this time it is as it was shown.
    batch = confirmed(batch)
    assert (batch.state, stands("S1"), stands("S2")) == ("applied", ("11.00", "4.10"), ("20.00", "4.20"))
    assert "changed_meanwhile" not in [one.code for one in imports.suspicions_of(batch)]


def test_what_has_changed_beyond_the_cells_that_were_shown_is_shown_again_as_well(db) -> None:
    codes = [make_shop().code for _shop in range(60)]
    bring("metrics", metrics(*((code, "1", "4") for code in codes)))
    content = metrics(*((code, "2", "4") for code in codes))
    batch = bring("metrics", content, consent=ASK, at=AT + timedelta(minutes=1))
    shown = batch.changes
    # Other figures would be replaced, and then another two rows swap what becomes of them.
    bring("metrics", metrics((codes[-1], "9", "4")))
    batch = confirmed(batch)
    assert (batch.state, batch.changes["cells"]) == ("ready", shown["cells"])
    bring("metrics", metrics((codes[-1], "2", "4")))
    bring("metrics", metrics((codes[-2], "8", "4")))
    assert confirmed(batch).state == "ready"
    assert confirmed(batch).state == "applied"
    assert stands(codes[-1]) == stands(codes[-2]) == ("2.00", "4.00")


def test_rows_that_others_have_created_meanwhile_are_shown_again(two_shops) -> None:
    make_shop(code="S3")
    batch = bring(
        "metrics",
        metrics(("S1", "1", "4"), ("S2", "2", "4"), ("S3", "", "")),
        consent=ASK,
        at=AT + timedelta(minutes=1),
    )
    first = bring("metrics", metrics(("S1", "1", "4")))
    batch = confirmed(batch)
    assert (batch.state, counts(batch)) == ("ready", (3, 2, 0, 1, 0))
    # As many as before, but others.
    reverse_import(first.pk, by=None, reason="wrong", at=LATER)
    bring("metrics", metrics(("S2", "2", "4")))
    batch = confirmed(batch)
    assert (batch.state, counts(batch)) == ("ready", (3, 2, 0, 1, 0))
    assert confirmed(batch).state == "applied"


def test_what_changes_elsewhere_meanwhile_keeps_nothing_from_being_written(two_shops) -> None:
    batch = bring("metrics", metrics(("S1", "10", "4.1")), consent=ASK)
    bring("metrics", metrics(("S2", "5", "4.9")))
    assert confirmed(batch).state == "applied"


def test_a_file_of_which_nothing_is_left_to_change_is_shown_again(two_shops) -> None:
    batch = bring("metrics", metrics(("S1", "10", "4.1")), consent=ASK)
    bring("metrics", metrics(("S1", "10", "4.1")))
    batch = confirmed(batch)
    assert (batch.state, counts(batch)) == ("ready", (1, 0, 0, 1, 0))


def test_what_nothing_is_suspicious_about_is_applied_and_the_rest_waits(db) -> None:
    codes = [make_shop().code for _shop in range(20)]
    fine = bring(
        "metrics",
        metrics(*((code, f"{1000 + n}", f"4.{n:02d}") for n, code in enumerate(codes))),
        consent=UNLESS_SUSPICIOUS,
    )
    assert (fine.state, fine.suspicions) == ("applied", [])
    alike = bring("metrics", metrics(*((code, "9", "3") for code in codes)), consent=UNLESS_SUSPICIOUS)
    assert (alike.state, counts(alike)) == ("ready", (20, 0, 20, 0, 0))
    assert {one.code for one in imports.suspicions_of(alike)} == {"all_alike"}
    assert stands(codes[3]) == ("1003.00", "4.03")
    # A person has looked: it is written in spite of it, and keeps saying what was odd.
    alike = confirmed(alike)
    assert (alike.state, stands(codes[3])) == ("applied", ("9.00", "3.00"))
    assert {one.code for one in imports.suspicions_of(alike)} == {"all_alike"}


# Called off.


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


# Read anew.


def meaning(**columns: str) -> Reading:
    return Reading(columns=columns)


def test_a_file_with_unknown_columns_is_read_anew_as_a_person_says(two_shops) -> None:
    user = make_user("operator")
    refused = bring("metrics", STRANGE, name="表.csv", partial=True, consent=ASK)
    assert [code for _row, _column, _value, code in errors(refused)] == [
        "unknown_column",
        "unknown_column",
        "unknown_column",
        "missing_column",
        "no_figures",
    ]
    assert imports.meanings_of(refused) == {"店铺代号": "", "日期": "day", "得分": "", "备注": ""}
    anew = imports.read_anew(
        refused.pk, reading=meaning(店铺代号="shop", 得分="shop_score", 备注=""), by=user, at=LATER
    )
    assert (anew.received_by, anew.received_at, anew.as_of) == (user, LATER, refused.as_of)
    assert (anew.partial, anew.consent, anew.file_name) == (True, "ask", "表.csv")
    anew = imports.process(anew.pk, at=LATER)
    assert (anew.state, counts(anew)) == ("ready", (1, 1, 0, 0, 0))
    assert confirmed(anew).state == "applied"
    assert ShopMetrics.objects.get().shop_score == 4.5
    assert ImportBatch.objects.get(pk=refused.pk).state == "refused"


def test_what_a_person_says_of_a_source_holds_for_the_next_file_from_there(two_shops) -> None:
    first, second = make_user("operator"), make_user("operator")
    refused = bring("metrics", STRANGE)
    reading = Reading("utf-8", ",", {"店铺代号": "shop", "得分": "shop_score", "备注": ""})
    imports.read_anew(refused.pk, reading=reading, remember_as=" 平台 A ", by=first, at=LATER)
    source = ImportSource.objects.get()
    assert (source.name, source.kind, source.encoding, source.delimiter) == (
        "平台 A",
        "metrics",
        "utf-8",
        ",",
    )
    assert source.history.get().history_user == first
    batch = bring("metrics", STRANGE.replace("4.5", "4.6"), source=source)
    assert (batch.state, batch.source, batch.columns) == ("applied", source, reading.columns)
    assert stands()[1] == "4.60"
    # Said anew under the same name, it is the same source.
    imports.read_anew(
        refused.pk, reading=meaning(得分="experience_score"), remember_as="平台 A", by=second, at=LATER
    )
    source.refresh_from_db()
    assert source.columns == {**reading.columns, "得分": "experience_score"}
    assert (source.delimiter, source.history.first().history_user) == (",", second)
    assert [h.history_user for h in source.history.order_by("history_id")] == [first, second]


def test_what_is_said_of_one_file_goes_before_what_its_source_says(two_shops) -> None:
    source = ImportSource.objects.create(
        name="A",
        kind="metrics",
        delimiter=";",
        columns={"店铺代号": "shop", "得分": "shop_score", "备注": ""},
    )
    said = Reading(encoding="utf-16", columns={"得分": "experience_score"})
    assert bring("metrics", STRANGE, source=source, reading=said).state == "refused"
    said = Reading(delimiter=",", columns={"得分": "experience_score"})
    assert bring("metrics", STRANGE, source=source, reading=said).state == "applied"
    assert (ShopMetrics.objects.get().experience_score, ShopMetrics.objects.get().shop_score) == (4.5, None)


def test_files_of_a_source_are_of_its_kind(two_shops) -> None:
    source = ImportSource.objects.create(name="A", kind="shops")
    with pytest.raises(Refused, match="hold something else"):
        bring("metrics", STRANGE, source=source)
    refused = bring("metrics", STRANGE)
    with pytest.raises(Refused, match="hold something else"):
        imports.read_anew(refused.pk, reading=Reading(), remember_as="A", by=None, at=LATER)
    assert list(ImportBatch.objects.all()) == [refused]


def test_only_what_was_refused_or_called_off_is_read_anew(two_shops) -> None:
    applied = bring("metrics", metrics(("S1", "10", "4.1")))
    shown = bring("metrics", metrics(("S2", "10", "4.1")), consent=ASK)
    for batch in (applied, shown):
        with pytest.raises(Refused, match="Only a file that was refused is read anew"):
            imports.read_anew(batch.pk, reading=Reading(), by=None, at=LATER)
    imports.cancel(shown.pk, by=None)
    assert imports.read_anew(shown.pk, reading=Reading(), by=None, at=LATER).state == "received"


def test_a_person_knows_better_in_what_encoding_a_file_is(db) -> None:
    # These two characters of GB18030 are also UTF-8, for something else.
    content = f"{SHOPS}S1,模模,ordinary,beauty,physical,normal,enterprise\n".encode("gb18030")
    shown = bring("shops", content, consent=ASK)
    assert (shown.state, shown.read_as.startswith("UTF-8")) == ("ready", True)
    imports.cancel(shown.pk, by=None)
    anew = imports.read_anew(shown.pk, reading=Reading(encoding="gb18030"), by=None, at=LATER)
    anew = confirmed(imports.process(anew.pk, at=LATER))
    assert (anew.state, anew.read_as.startswith("GB18030")) == ("applied", True)
    assert Shop.objects.get().name == "模模"


def test_an_encoding_that_does_not_fit_is_refused_by_name(db) -> None:
    content = f"{SHOPS}S1,旗舰店,ordinary,beauty,physical,normal,enterprise\n".encode("gb18030")
    batch = bring("shops", content, reading=Reading(encoding="utf-8"))
    assert (batch.state, errors(batch)[0][3]) == ("refused", "not_chosen_encoding")
    assert "You chose UTF-8" in imports.errors_of(batch)[0].message


def test_a_person_knows_better_what_delimits_the_cells(two_shops) -> None:
    content = metrics(("S1", "10", "4.1")).replace(",", ";")
    refused = bring("metrics", content, reading=Reading(delimiter=","))
    assert refused.state == "refused"
    anew = imports.read_anew(refused.pk, reading=Reading(delimiter=";"), by=None, at=LATER)
    # Never shown in this reading, whatever was agreed to before.
    assert (anew.consent, anew.earlier) == ("ask", refused)
    assert confirmed(imports.process(anew.pk, at=LATER)).state == "applied"


def test_what_is_said_of_encoding_and_delimiter_is_not_said_of_workbooks(two_shops, tmp_path: Path) -> None:
    source = ImportSource.objects.create(
        name="A",
        kind="metrics",
        encoding="gb18030",
        delimiter=";",
        columns={"得分": "shop_score", "备注": ""},
    )
    content = book(
        tmp_path / "book", ["店铺编码", "日期", "得分", "备注"], ["S1", f"{DAY}", "4.5", "好"]
    ).read_bytes()
    batch = bring("metrics", content, source=source)
    assert (batch.state, stands()[1]) == ("applied", "4.50")
    assert batch.headers == ["店铺编码", "日期", "得分", "备注"]


def test_a_workbook_whose_headers_only_its_source_knows_is_read_as_that_says(
    two_shops, tmp_path: Path
) -> None:
    source = ImportSource.objects.create(
        name="A", kind="metrics", columns={"代号": "shop", "天": "day", "得分": "shop_score"}
    )
    content = book(tmp_path / "book", ["代号", "天", "得分"], ["S1", f"{DAY}", "4.5"]).read_bytes()
    assert bring("metrics", content).state == "refused"
    assert bring("metrics", content, source=source).state == "applied"
    assert stands()[1] == "4.50"


def test_headers_that_can_not_be_read_at_all_are_refused_and_break_nothing(db) -> None:
    batch = bring("metrics", f'"shop"x,day,gmv_30d\nS1,{DAY},1\n')
    assert errors(batch)[0][3] == "broken_quotes"
    assert imports.meanings_of(batch) == {}


def test_headers_that_stand_twice_can_be_told_apart_and_read_over(two_shops) -> None:
    content = f"shop,day,shop_score,备注,备注\nS1,{DAY},4.5,好,坏\n"
    refused = bring("metrics", content)
    assert list(imports.meanings_of(refused)) == ["shop", "day", "shop_score", "备注", "备注 (2)"]
    reading = Reading(columns={"备注": "", "备注 (2)": ""})
    anew = imports.read_anew(refused.pk, reading=reading, by=None, at=LATER)
    assert confirmed(imports.process(anew.pk, at=LATER)).state == "applied"


def test_a_file_of_very_many_columns_is_refused_and_asks_nobody_about_each(two_shops) -> None:
    batch = bring("metrics", ",".join(["shop", "day", *(f"c{n}" for n in range(5000))]) + f"\nS1,{DAY}\n")
    assert errors(batch)[0][3] == "too_many_columns"
    assert imports.meanings_of(batch) == {}


def test_rejected_rows_come_back_under_the_source_that_they_came_from(two_shops) -> None:
    source = ImportSource.objects.create(name="A", kind="metrics", encoding="gb18030", delimiter=";")
    content = f"店铺编码;日期;店铺评分\nS1;{DAY};4.5\nS2;{DAY};x\n".encode("gb18030")
    first = bring("metrics", content, source=source, partial=True)
    assert counts(first) == (2, 1, 0, 0, 1)
    mended = rejects(first).replace('"x"', '"4.6"')
    assert counts(bring("metrics", mended, source=source)) == (1, 1, 0, 0, 0)


def test_rejects_of_an_earlier_look_are_gone_once_nothing_is_rejected(db) -> None:
    make_shop(code="S1")
    batch = bring("metrics", metrics(("S1", "10", "4.1"), ("S9", "10", "4.2")), partial=True, consent=ASK)
    assert imports.rejected_path(batch.sha256, batch.pk).exists()
    make_shop(code="S9")
    batch = confirmed(confirmed(batch))
    assert (batch.state, batch.rejected) == ("applied", 0)
    assert not imports.rejected_path(batch.sha256, batch.pk).exists()
