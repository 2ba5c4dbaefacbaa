"""The four commands, as other programs call them: one JSON value, exit status, and what is left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models.signals import post_save

from shops import imports
from shops.models import ImportBatch, ImportProgress, Shop, ShopMetrics
from tests import databases
from tests.factories import DAY, make_shop

DATA = databases.CHECKOUT / "tests" / "data"
GOOD = f"shop,day,gmv_30d,shop_score\nS1,{DAY},100.00,4.5\n"
BAD = f"{GOOD}S9,{DAY},1,6\n"


@pytest.fixture
def file(tmp_path: Path):
    def file(content: str | bytes, name: str = "file.csv") -> str:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return file


def run(command: str, *args: str) -> tuple[int, Any]:
    """Exit status and the JSON value."""
    out = StringIO()
    status: Any = 0
    try:
        call_command(command, *args, "--json", stdout=out)
    except SystemExit as end:
        status = end.code
    return status, json.loads(out.getvalue())


@pytest.mark.django_db
def test_a_good_file_is_answered_as_the_contract_says(file) -> None:
    make_shop(code="S1")
    status, answer = run("import_metrics", file(GOOD))
    seconds = answer.pop("seconds")
    assert (status, answer) == (
        0,
        {
            "batch": ImportBatch.objects.get().pk,
            "rows": 1,
            "created": 1,
            "updated": 0,
            "unchanged": 0,
            "rejected": 0,
            "errors": [],
        },
    )
    whole, _point, decimals = seconds.partition(".")
    assert whole.isdigit() and len(decimals) == 3


@pytest.mark.django_db
def test_one_bad_row_refuses_the_file_with_exit_status_2(file) -> None:
    make_shop(code="S1")
    status, answer = run("import_metrics", file(BAD))
    assert (status, answer["batch"], answer["rows"], answer["rejected"]) == (2, None, 2, 2)
    assert [(error["row"], error["column"], error["value"]) for error in answer["errors"]] == [
        (3, "shop", "S9"),
        (3, "shop_score", "6"),
    ]
    assert all(error["message"] for error in answer["errors"])
    assert set(answer["errors"][0]) == {"row", "column", "value", "message"}
    assert not ShopMetrics.objects.exists()


@pytest.mark.django_db
def test_a_partial_import_is_done_and_writes_the_rejected_rows(file, tmp_path: Path) -> None:
    make_shop(code="S1")
    out = tmp_path / "out.csv"
    status, answer = run("import_metrics", file(BAD), "--partial", "--errors", str(out))
    assert (status, answer["created"], answer["rejected"]) == (0, 1, 1)
    assert ImportBatch.objects.get(pk=answer["batch"]).state == "applied"
    assert out.read_text("utf-8-sig").splitlines()[-1].endswith(f'"S9","{DAY}","1","6"')


@pytest.mark.django_db
def test_a_file_that_is_no_table_is_refused_with_exit_status_2(file) -> None:
    for content in ("", b"\xff\xff", "colour\nred\n", "shop,day,day,gmv_30d\nS1,2026-01-01,2026-01-01,1\n"):
        status, answer = run("import_metrics", file(content))
        assert (status, answer["batch"], answer["rows"]) == (2, None, 0)
        assert answer["errors"]


@pytest.mark.django_db
def test_a_missing_file_and_a_bad_moment_are_bad_usage(file) -> None:
    with pytest.raises(CommandError) as missing:
        call_command("import_shops", "/nowhere/shops.csv")
    assert missing.value.returncode == 2
    assert "/nowhere/shops.csv" in str(missing.value)
    with pytest.raises(CommandError):
        call_command("import_metrics", file(GOOD), "--as-of", "yesterday")
    with pytest.raises(CommandError) as future:
        call_command("import_metrics", file(GOOD), "--as-of", "2999-01-01")
    assert future.value.returncode == 2
    assert not ImportBatch.objects.exists()


@pytest.mark.django_db
def test_a_file_refused_before_it_is_read_is_answered_in_json_too(file, settings) -> None:
    settings.IMPORT_MAX_BYTES = 10
    status, answer = run("import_metrics", file(GOOD))
    assert (status, answer["batch"], answer["rows"], len(answer["errors"])) == (2, None, 0, 1)
    assert "larger than" in answer["errors"][0]["message"]


@pytest.mark.django_db
def test_nothing_is_imported_where_the_rejected_rows_cannot_be_written(file, tmp_path: Path) -> None:
    make_shop(code="S1")
    good = file(GOOD)
    for options in (
        ["--errors", str(tmp_path)],
        ["--errors", "/nowhere/out.csv"],
        ["--errors", good],
        ["--errors", str(tmp_path / "out.csv"), "--enqueue"],
    ):
        with pytest.raises(CommandError) as refusal:
            call_command("import_metrics", good, *options)
        assert refusal.value.returncode == 2
    assert Path(good).read_text() == GOOD
    assert not ImportBatch.objects.exists()


@pytest.mark.django_db
def test_a_missing_file_leaves_no_file_of_rejected_rows_behind(tmp_path: Path) -> None:
    for options in ([], ["--dry-run"]):
        with pytest.raises(CommandError) as missing:
            call_command(
                "import_shops", "/nowhere/shops.csv", "--errors", str(tmp_path / "out.csv"), *options
            )
        assert missing.value.returncode == 2
    assert not (tmp_path / "out.csv").exists()


@pytest.fixture
def called_off_at_once() -> Iterator[None]:
    """Somebody calls each import off as soon as it was received, before anyone works on it."""

    def call_off(instance: ImportProgress, created: bool, **_signal: Any) -> None:
        if created:
            imports.cancel(instance.batch_id, by=None)

    post_save.connect(call_off, sender=ImportProgress)
    yield
    post_save.disconnect(call_off, sender=ImportProgress)


@pytest.mark.django_db
@pytest.mark.usefixtures("called_off_at_once")
def test_an_import_called_off_meanwhile_is_answered_as_not_done(file) -> None:
    make_shop(code="S1")
    status, answer = run("import_metrics", file(GOOD))
    assert (status, answer["batch"], answer["created"], answer["seconds"]) == (2, None, 0, None)
    out = StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("import_metrics", file(GOOD), stdout=out)
    assert end.value.code == 2
    assert "file.csv: cancelled; 0 rows" in out.getvalue()
    assert not ShopMetrics.objects.exists()


@pytest.mark.django_db
def test_a_file_whose_name_is_no_utf8_is_a_file(file, tmp_path: Path) -> None:
    make_shop(code="S1")
    name = os.fsdecode("指标.csv".encode("gb18030"))
    assert run("import_metrics", file(GOOD, name), "--dry-run")[0] == 0
    assert run("import_metrics", file(GOOD, name))[0] == 0
    assert ImportBatch.objects.get().file_name.endswith(".csv")


@pytest.mark.django_db
def test_a_dry_run_counts_and_leaves_nothing(file, tmp_path: Path) -> None:
    make_shop(code="S1")
    status, answer = run("import_metrics", file(GOOD), "--dry-run")
    assert (status, answer["batch"], answer["created"]) == (0, None, 1)
    out = tmp_path / "out.csv"
    status, answer = run("import_metrics", file(BAD), "--dry-run", "--errors", str(out))
    assert (status, answer["batch"], answer["rejected"]) == (2, None, 2)
    assert "S9" in out.read_text("utf-8-sig")
    assert not ImportBatch.objects.exists()
    assert not ShopMetrics.objects.exists()
    with pytest.raises(CommandError) as future:
        call_command("import_metrics", file(GOOD), "--dry-run", "--as-of", "2999-01-01")
    assert future.value.returncode == 2


@pytest.mark.django_db
def test_the_moment_of_the_files_knowledge_is_kept(file) -> None:
    make_shop(code="S1")
    status, answer = run("import_metrics", file(GOOD), "--as-of", f"{DAY + timedelta(days=1)}T03:00")
    assert status == 0
    as_of = ImportBatch.objects.get(pk=answer["batch"]).as_of
    assert as_of.isoformat() == f"{DAY}T19:00:00+00:00"


@pytest.mark.django_db
def test_the_summary_is_for_people(file) -> None:
    make_shop(code="S1")
    out = StringIO()
    call_command("import_metrics", file(BAD), "--partial", stdout=out)
    assert "file.csv: applied; 2 rows, 1 created, 0 updated, 0 unchanged, 1 rejected" in out.getvalue()
    assert "row 3 · shop_score · 6: Expected a number from 0 to 5." in out.getvalue()


def test_the_command_is_a_process_that_prints_one_json_value(committed_db, file) -> None:
    command = [sys.executable, "manage.py", "import_metrics", file(BAD), "--json"]
    done = subprocess.run(
        command, cwd=databases.CHECKOUT, env=committed_db.env, capture_output=True, text=True
    )
    assert done.returncode == 2, done.stderr
    assert json.loads(done.stdout)["rejected"] == 2
    gone = [*command[:3], "/nowhere.csv"]
    done = subprocess.run(gone, cwd=databases.CHECKOUT, env=committed_db.env, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")


def test_a_worker_takes_what_was_left_to_it(committed_db, worker, file) -> None:
    make_shop(code="S1")
    status, answer = run("import_metrics", file(GOOD), "--enqueue")
    assert (status, answer["rows"], answer["seconds"]) == (0, 0, None)
    assert ImportBatch.objects.get(pk=answer["batch"]).state == "received"
    worker.burst()
    batch = ImportBatch.objects.get(pk=answer["batch"])
    assert (batch.state, batch.created) == ("applied", 1)


@pytest.mark.django_db
def test_the_files_for_newcomers_come_in() -> None:
    for name, command, rows in (
        ("shops.csv", "import_shops", 6),
        ("shops-gb18030.csv", "import_shops", 3),
        ("enrollments.csv", "import_enrollments", 7),
        ("qualifications.csv", "import_qualifications", 4),
        ("metrics.csv", "import_metrics", 6),
        ("metrics-gb18030.csv", "import_metrics", 3),
        ("products.csv", "import_products", 4),
        ("products-gb18030.csv", "import_products", 2),
        ("listings.csv", "import_listings", 4),
        ("product_metrics.csv", "import_product_metrics", 4),
        ("penalties.csv", "import_penalties", 6),
    ):
        status, answer = run(command, str(DATA / name))
        assert (status, answer["rows"], answer["created"]) == (0, rows, rows), (name, answer["errors"])
    assert Shop.objects.filter(name__contains="旗舰店").exists()
    status, answer = run("import_metrics", str(DATA / "metrics-bad.csv"))
    assert (status, answer["batch"], len(answer["errors"])) == (2, None, 9)
