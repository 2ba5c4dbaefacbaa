"""What other systems leave in the drop folder comes in by itself, each file once, and once it is whole."""

from __future__ import annotations

import os
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from opsdesk import jobs
from shops import imports, sql
from shops.imports import drop_folder
from shops.models import ImportBatch, ShopMetrics
from tests.factories import AT, DAY, make_shop

GOOD = f"shop,day,gmv_30d\nS1,{DAY},10\n"
A_MINUTE = timedelta(minutes=1)


@pytest.fixture
def folder(db: None, settings, tmp_path: Path) -> Path:
    """Where metrics are left."""
    make_shop(code="S1")
    settings.DROP_FOLDER = str(tmp_path)
    (tmp_path / "metrics").mkdir()
    return tmp_path / "metrics"


def leave(
    folder: Path, name: str = "metrics.csv", content: str = GOOD, touched: datetime = AT - A_MINUTE
) -> Path:
    path = folder / name
    path.write_text(content)
    os.utime(path, (touched.timestamp(), touched.timestamp()))
    return path


def collected(at: datetime = AT) -> list[ImportBatch]:
    """What comes in now, as a worker leaves it."""
    return [imports.process(batch.pk, at=at) for batch in imports.collect(at=at)]


def names_in(folder: Path) -> list[str]:
    """The files in it and below, by their path."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def test_a_whole_file_is_taken_once_and_applied(folder: Path) -> None:
    leave(folder, "今天.csv")
    [batch] = collected()
    assert (batch.state, batch.kind, batch.file_name) == ("applied", "metrics", "今天.csv")
    assert (batch.received_by, batch.received_at, batch.consent) == (None, AT, "unless_suspicious")
    assert ShopMetrics.objects.count() == 1
    assert names_in(folder) == [f"taken/{batch.pk}-今天.csv"]
    assert collected(AT + A_MINUTE) == []
    assert ImportBatch.objects.count() == 1


def test_each_kind_has_a_folder_and_unknown_ones_are_nobodys_business(folder: Path) -> None:
    (folder.parent / "qualifications").mkdir()
    leave(
        folder.parent / "qualifications", "a.csv", "shop,kind,brand,valid_until,verdict\nS1,licence,,,通过\n"
    )
    (folder.parent / "pictures").mkdir()
    leave(folder.parent / "pictures")
    leave(folder.parent)
    leave(folder, "b.csv")
    assert [(batch.kind, batch.state) for batch in collected()] == [
        ("qualifications", "applied"),
        ("metrics", "applied"),
    ]
    assert (folder.parent / "pictures" / "metrics.csv").exists()
    assert (folder.parent / "metrics.csv").exists()
    assert names_in(folder.parent / "pictures") == ["metrics.csv"]


def test_what_others_speak_of_is_taken_before_them(folder: Path) -> None:
    for kind, content in (
        ("penalties", f"reference,shop,violation,imposed_at,product\nP1,S1,V9,{DAY},G1\n"),
        ("product_metrics", f"product,day,settled_orders\nG1,{DAY},30\n"),
        ("listings", "product,alliance,state\nG1,douyin-featured,promoted\n"),
        ("products", "code,shop,name,category\nG1,S1,口红,beauty\n"),
    ):
        (folder.parent / kind).mkdir()
        leave(folder.parent / kind, "a.csv", content)
    assert [(batch.kind, batch.state) for batch in collected()] == [
        ("products", "applied"),
        ("listings", "applied"),
        ("product_metrics", "applied"),
        ("penalties", "applied"),
    ]


def test_a_file_is_taken_once_it_has_been_still_for_ten_seconds(folder: Path) -> None:
    leave(folder, touched=AT)
    assert collected(AT + timedelta(seconds=9)) == []
    assert names_in(folder) == ["metrics.csv"]
    assert len(collected(AT + timedelta(seconds=10))) == 1


@pytest.mark.parametrize(
    "name", [".metrics.csv", "metrics.csv.part", "metrics.csv.tmp", "M.CSV.FilePart", "m.csv.crdownload"]
)
def test_what_others_are_still_writing_is_left_alone(folder: Path, name: str) -> None:
    leave(folder, name)
    assert collected() == []
    assert names_in(folder) == [name]


def test_what_is_no_file_of_this_folder_is_left_alone(folder: Path, tmp_path_factory) -> None:
    elsewhere = leave(tmp_path_factory.mktemp("elsewhere"))
    (folder / "link.csv").symlink_to(elsewhere)
    (folder / "nowhere.csv").symlink_to(folder / "nothing")
    (folder / "below.csv").mkdir()
    os.mkfifo(folder / "pipe.csv")
    assert collected() == []
    assert names_in(folder) == ["link.csv", "nowhere.csv", "pipe.csv"]


def test_without_a_drop_folder_and_where_it_is_not_there_nothing_comes_in(folder: Path, settings) -> None:
    leave(folder)
    for missing in ("", str(folder / "nothing")):
        settings.DROP_FOLDER = missing
        assert imports.collect(at=AT) == []


def test_a_file_that_a_killed_collection_left_comes_in_again_and_changes_nothing(folder: Path) -> None:
    leave(folder)
    [first] = collected()
    # It ended between receiving and moving away.
    (folder / "taken" / f"{first.pk}-metrics.csv").rename(folder / "taking" / "metrics.csv")
    [second] = collected(AT + A_MINUTE)
    assert (second.state, second.unchanged, second.sha256) == ("applied", 1, first.sha256)
    assert names_in(folder) == [f"taken/{second.pk}-metrics.csv"]


def test_a_file_that_was_not_yet_received_is_not_lost_under_a_new_one_of_its_name(folder: Path) -> None:
    make_shop(code="S2")
    (folder / "taking").mkdir()
    leave(folder / "taking")
    leave(folder, content=GOOD.replace("S1", "S2"))
    assert [batch.created for batch in collected()] == [1, 1]
    assert set(ShopMetrics.objects.values_list("shop__code", flat=True)) == {"S1", "S2"}


@pytest.mark.parametrize("earlier", ["a.csv", "b.csv"])
def test_of_two_files_that_disagree_the_one_laid_down_later_is_right(folder: Path, earlier: str) -> None:
    for name, gmv in (("a.csv", 10), ("b.csv", 11)):
        leave(folder, name, GOOD.replace(",10", f",{gmv}"))
    os.utime(folder / earlier, (AT.timestamp() - 7200, AT.timestamp() - 7200))
    assert [batch.state for batch in collected()] == ["applied", "applied"]
    assert ShopMetrics.objects.get().gmv_30d == (11 if earlier == "a.csv" else 10)


@pytest.mark.parametrize("place", ["taking", "taken", "refused"])
def test_where_files_can_not_be_moved_away_none_comes_in(folder: Path, place: str, caplog) -> None:
    leave(folder)
    (folder / place).write_text("in the way")
    for minute in range(3):
        assert collected(AT + minute * A_MINUTE) == []
    assert not ImportBatch.objects.exists()
    assert "nothing of" in caplog.text
    assert (folder / "metrics.csv").exists()
    (folder / place).unlink()
    assert len(collected()) == 1


@pytest.mark.parametrize("name", ["指" * 83 + "x.csv", "指" * 83 + "ab.csv", "x" * 255])
def test_a_name_as_long_as_names_may_be_comes_in_once(folder: Path, name: str) -> None:
    # Up to 255 bytes; the number before it would make it longer.
    leave(folder, name)
    [batch] = collected()
    assert batch.file_name == name
    assert collected(AT + A_MINUTE) == []
    [kept] = (folder / "taken").iterdir()
    number, _dash, end = kept.name.partition("-")
    assert number == str(batch.pk) and name.endswith(end) and len(os.fsencode(kept.name)) > 250


def test_of_two_long_names_that_differ_in_front_both_are_kept(folder: Path, settings) -> None:
    settings.IMPORT_MAX_BYTES = 1
    leave(folder, "甲" + "指" * 82 + "x.csv")
    leave(folder, "乙" + "指" * 82 + "x.csv")
    assert collected() == []
    assert len(names_in(folder)) == 2
    assert all(name.startswith("refused/") and name.endswith("指x.csv") for name in names_in(folder))


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a second file system")
def test_where_taken_can_not_be_moved_to_nothing_comes_in_time_and_again(folder: Path, caplog) -> None:
    leave(folder)
    # On another file system, where no permission tells that nothing can be moved to.
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
        (folder / "taken").symlink_to(elsewhere)
        for minute in range(3):
            assert collected(AT + minute * A_MINUTE) == []
    assert not ImportBatch.objects.exists()
    assert "nothing of" in caplog.text
    assert (folder / "metrics.csv").exists()


def test_a_file_of_one_name_refused_on_two_days_is_kept_twice(folder: Path, settings) -> None:
    settings.IMPORT_MAX_BYTES = 1
    for day in range(2):
        leave(folder)
        assert collected(AT + timedelta(days=day)) == []
    assert len(names_in(folder / "refused")) == 2


def test_what_is_no_file_is_left_alone_in_taking_too(folder: Path, tmp_path_factory) -> None:
    elsewhere = leave(tmp_path_factory.mktemp("elsewhere"))
    (folder / "taking").mkdir()
    (folder / "taking" / "link.csv").symlink_to(elsewhere)
    os.mkfifo(folder / "taking" / "pipe.csv")
    assert collected() == []
    assert names_in(folder) == ["taking/link.csv", "taking/pipe.csv"]


def test_a_name_that_is_no_text_comes_in(folder: Path) -> None:
    path = os.path.join(os.fsencode(folder), "指标.csv".encode("gb18030"))
    with open(path, "w") as file:
        file.write(GOOD)
    os.utime(path, (0, 0))
    [batch] = collected()
    assert (batch.state, batch.file_name[-4:]) == ("applied", ".csv")


def test_a_suspicious_file_waits_for_a_person(folder: Path) -> None:
    codes = [make_shop().code for _shop in range(20)]
    leave(folder, content="\n".join(["shop,day,gmv_30d", *(f"{code},{DAY},10" for code in codes)]))
    [batch] = collected()
    assert (batch.state, batch.created, bool(batch.suspicions)) == ("ready", 20, True)
    assert not ShopMetrics.objects.exists()
    assert names_in(folder) == [f"taken/{batch.pk}-metrics.csv"]


def test_a_bad_file_is_refused_as_from_anybody(folder: Path) -> None:
    leave(folder, content=GOOD.replace(",10", ",x"))
    [batch] = collected()
    assert batch.state == "refused"
    assert names_in(folder) == [f"taken/{batch.pk}-metrics.csv"]


def test_what_is_too_large_goes_to_the_refused_and_takes_nobodys_place_there(
    folder: Path, settings, caplog
) -> None:
    settings.IMPORT_MAX_BYTES = len(GOOD)
    for minute, content in enumerate((GOOD * 2, GOOD * 3)):
        leave(folder, content=content)
        assert collected(AT + minute * A_MINUTE) == []
    assert not ImportBatch.objects.exists()
    assert [path.read_text() for path in sorted((folder / "refused").iterdir())] == [GOOD * 2, GOOD * 3]
    assert names_in(folder / "taking") == []
    assert "is not taken" in caplog.text


def test_while_one_job_collects_another_leaves_at_once(committed_db, settings, tmp_path: Path) -> None:
    settings.DROP_FOLDER = str(tmp_path)
    (tmp_path / "metrics").mkdir()
    path = leave(tmp_path / "metrics")
    with psycopg.connect(committed_db.env["DATABASE_URL"]) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", drop_folder.COLLECTING)
        jobs.collect_files()
        assert path.exists() and not ImportBatch.objects.exists()
        # Let go by name: of a session that ends, the server lets go some time after its client has gone.
        other.execute("SELECT pg_advisory_unlock(%s, %s)", drop_folder.COLLECTING)
    jobs.collect_files()
    assert not path.exists()
    # And the place is free again.
    assert sql.leases(drop_folder.COLLECTING[0]) == set()


def test_the_timetable_takes_files_in_and_a_worker_applies_them(
    committed_db, worker, settings, tmp_path
) -> None:
    make_shop(code="S1")
    settings.DROP_FOLDER = str(tmp_path)
    (tmp_path / "metrics").mkdir()
    path = leave(tmp_path / "metrics", touched=datetime.now(AT.tzinfo) - drop_folder.STILL_FOR)
    jobs.collect_files()
    assert not path.exists()
    worker.burst()
    assert ImportBatch.objects.get().state == "applied"
    assert ShopMetrics.objects.count() == 1
