"""The command that files many appeals, and the folder of evidence that it takes: nothing leads out of it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from opsdesk import appeals
from opsdesk.exhibits import ParcelRefused, folder
from opsdesk.models import Evidence
from shops.errors import Refused
from tests.factories import AT, make_cleared
from tests.opsdesk.files import jpeg, zipped

pytestmark = pytest.mark.django_db

NOW = AT + timedelta(days=2)
HEADER = "penalty,channel,statement,evidence\n"


@pytest.fixture(autouse=True)
def two_days_later() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def command(*given: object) -> Any:
    out = StringIO()
    try:
        call_command("file_appeals", *map(str, given), "--json", stdout=out)
    except SystemExit as end:
        assert end.code == 1
    return json.loads(out.getvalue())


def test_the_command_takes_a_folder_or_a_zip(tmp_path: Path) -> None:
    for number, packed in enumerate((False, True)):
        penalty, csv = make_cleared(), tmp_path / f"{number}.csv"
        csv.write_text(f"{HEADER}{penalty},mail,s,x/a.jpg\n")
        evidence = tmp_path / f"{number}"
        if packed:
            evidence.write_bytes(zipped({"x/a.jpg": jpeg()}))
        else:
            (evidence / "x").mkdir(parents=True)
            (evidence / "x" / "a.jpg").write_bytes(jpeg())
        value = command(csv, "--evidence", evidence)
        [filed] = value["filed"]
        assert (filed["penalty"], filed["files"]) == (penalty.case_number, 1)


def test_the_command_tells_what_is_wrong_with_status_1(tmp_path: Path) -> None:
    csv = tmp_path / "a.csv"
    csv.write_text(f"{HEADER}P99999999,mail,s,a.jpg\n")
    value = command(csv)
    assert value["filed"] == []
    assert [wrong["row"] for wrong in value["wrong"]] == [2, 2]
    for missing in ([tmp_path / "b.csv"], [csv, "--evidence", tmp_path / "none"]):
        with pytest.raises(CommandError) as error:
            call_command("file_appeals", *map(str, missing))
        assert error.value.returncode == 2


def test_a_folder_with_a_link_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.jpg").symlink_to(tmp_path / "secret")
    (tmp_path / "folder" / "out").symlink_to("/etc")
    with pytest.raises(ParcelRefused) as refusal, folder(tmp_path / "folder"):
        pass
    assert len(refusal.value.reasons) == 2


@pytest.mark.parametrize(("one", "other"), [("\u00e9.jpg", "e\u0301.jpg"), ("a.jpg", "A.jpg")])
def test_two_files_of_a_folder_whose_names_some_disks_take_for_one_are_both_told(
    tmp_path: Path, one: str, other: str
) -> None:
    (tmp_path / "x").mkdir()
    for seed, name in enumerate((one, other)):
        (tmp_path / "x" / name).write_bytes(jpeg(seed))
    if len(list((tmp_path / "x").iterdir())) < 2:
        pytest.skip("this disk takes them for one itself")
    with pytest.raises(ParcelRefused, match="are one name to many disks") as refusal, folder(tmp_path):
        pass
    assert f"“x/{one}”" in str(refusal.value) and f"“x/{other}”" in str(refusal.value)


def test_a_file_is_found_however_its_accents_are_written(tmp_path: Path) -> None:
    (tmp_path / "e\u0301.jpg").write_bytes(jpeg())
    with folder(tmp_path) as parcel, parcel.open(parcel.find("\u00e9.jpg")) as found:
        assert found.read() == jpeg()


@pytest.mark.parametrize("name", ["检测.jpg".encode("gb18030"), b"a\n.jpg"])
def test_a_name_of_a_folder_that_is_no_text_is_told_by_the_command(tmp_path: Path, name: bytes) -> None:
    (tmp_path / "folder").mkdir()
    Path(os.fsdecode(bytes(tmp_path / "folder") + b"/" + name)).write_bytes(jpeg())
    csv = tmp_path / "a.csv"
    csv.write_text(f"{HEADER}{make_cleared()},mail,s,\n")
    told = command(csv, "--evidence", tmp_path / "folder")["wrong"][0]["message"]
    assert "can't be read as a name: rename it" in told
    told.encode()


@pytest.mark.parametrize("swapped", ["x/a.jpg", "x"])
def test_a_link_that_is_put_in_a_files_place_leads_nowhere(tmp_path: Path, swapped: str) -> None:
    inside, outside = tmp_path / "folder" / "x", tmp_path / "outside"
    for place, seed in ((inside, 0), (outside, 5)):
        place.mkdir(parents=True)
        (place / "a.jpg").write_bytes(jpeg(seed))
    rows = f"{HEADER}{make_cleared()},mail,s,a.jpg\n".encode()
    with folder(tmp_path / "folder") as parcel:
        shutil.move(tmp_path / "folder" / swapped, tmp_path / "aside")
        (tmp_path / "folder" / swapped).symlink_to(outside / swapped[2:])
        with pytest.raises(appeals.FileOfAppealsRefused, match="is not what it was when the folder"):
            appeals.file_many(rows, by=None, at=NOW, parcel=parcel)
    assert not Evidence.objects.exists()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: None], ids=["pipe", "folder", "nothing"])
def test_what_is_no_file_any_more_is_told_and_waited_for_by_nobody(tmp_path: Path, make: Any) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    with folder(tmp_path) as parcel:
        (tmp_path / "a.jpg").unlink()
        make(tmp_path / "a.jpg")
        with pytest.raises(Refused, match="is not what it was"):
            parcel.open("a.jpg")
