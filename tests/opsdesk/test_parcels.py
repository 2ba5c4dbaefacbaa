"""Evidence that comes in a ZIP or a folder with many appeals: each file accounted for, none out of place."""

from __future__ import annotations

import io
import stat
import subprocess
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from opsdesk import appeals
from opsdesk.exhibits import ParcelRefused, unpacked
from opsdesk.models import Appeal, Evidence
from shops.errors import NotAllowed
from tests.factories import AT, make_cleared, make_user
from tests.opsdesk.files import HTML, jpeg, mp4, pdf, png, zipped

pytestmark = pytest.mark.django_db

NOW = AT + timedelta(days=2)
HEADER = "penalty,channel,statement,evidence\n"


@pytest.fixture(autouse=True)
def two_days_later() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def file(rows: str, archive: bytes) -> list[Appeal]:
    with unpacked(io.BytesIO(archive)) as parcel:
        return appeals.file_many((HEADER + rows).encode(), by=None, at=NOW, parcel=parcel)


def wrong_rows(rows: str, archive: bytes) -> dict[int, str]:
    with pytest.raises(appeals.FileOfAppealsRefused) as refusal:
        file(rows, archive)
    assert not Appeal.objects.exists()
    assert not Evidence.objects.exists()
    return {wrong.row: wrong.message for wrong in refusal.value.rows}


def refused(archive: bytes) -> str:
    with pytest.raises(ParcelRefused) as refusal, unpacked(io.BytesIO(archive)):
        pass
    return str(refusal.value)


def entry(name: str, **values: Any) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    for key, value in values.items():
        setattr(info, key, value)
    return info


def archive_of(*entries: tuple[zipfile.ZipInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, content in entries:
            archive.writestr(info, content)
    return out.getvalue()


# What is right


def test_each_row_has_the_files_that_it_names() -> None:
    first, second = make_cleared(), make_cleared()
    archive = zipped({"a.jpg": jpeg(), "shop 2/b.png": png(), "shop 2/c.pdf": pdf(), "d.mp4": mp4()})
    filed = file(f"{first},mail,s,a.jpg ; d.mp4\n{second},mail,s,shop 2/b.png；c.pdf\n", archive)
    names = [[one.name for one in appeal.evidence.order_by("pk")] for appeal in filed]
    assert names == [["a.jpg", "d.mp4"], ["b.png", "c.pdf"]]


def test_two_rows_may_name_the_same_file_and_a_row_none() -> None:
    rows = f"{make_cleared()},mail,s,a.jpg\n{make_cleared()},mail,s,a.jpg\n{make_cleared()},mail,s,\n"
    assert [appeal.evidence.count() for appeal in file(rows, zipped({"a.jpg": jpeg()}))] == [1, 1, 0]


def test_a_file_that_many_rows_name_is_looked_into_once(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Mock(wraps=subprocess.run)
    monkeypatch.setattr(subprocess, "run", run)
    rows = "".join(f"{make_cleared()},mail,s,a.jpg\n" for _row in range(3))
    assert len(file(rows, zipped({"a.jpg": jpeg()}))) == 3
    assert run.call_count == 1


def test_a_file_that_is_no_good_is_told_of_each_row_that_names_it() -> None:
    rows = f"{make_cleared()},mail,s,a.jpg\n{make_cleared()},mail,s,a.jpg\n"
    told = wrong_rows(rows, zipped({"a.jpg": HTML}))
    assert set(told) == {2, 3} and all("a.jpg" in message for message in told.values())


def test_what_file_managers_add_is_no_evidence() -> None:
    archive = zipped(
        {"a.jpg": jpeg(), "__MACOSX/._a.jpg": b"x", ".DS_Store": b"x", "f/Thumbs.db": b"x", "f/": b""}
    )
    assert file(f"{make_cleared()},mail,s,a.jpg\n", archive)


def test_names_in_the_encoding_of_a_chinese_windows_are_read() -> None:
    archive = bytearray(zipped({"xxxx.jpg": jpeg()}))
    chinese = bytes(archive).replace(b"xxxx.jpg", "发票".encode("gb18030") + b".jpg")
    [appeal] = file(f"{make_cleared()},mail,s,发票.jpg\n", chinese)
    assert appeal.evidence.get().name == "发票.jpg"


# What is told row by row


def test_every_row_and_every_file_is_accounted_for() -> None:
    archive = zipped(
        {"a.jpg": jpeg(), "b.jpg": HTML, "x/c.png": png(1), "y/c.png": png(2), "left.pdf": pdf()}
    )
    rows = [
        f"{make_cleared()},mail,s,a.jpg",
        f"{make_cleared()},mail,s,missing.jpg",
        f"{make_cleared()},mail,s,b.jpg",
        f"{make_cleared()},mail,s,c.png",
        f"{make_cleared()},mail,s,x/c.png;y/c.png",
        f"{make_cleared()},mail,s,a.jpg;a.jpg",
    ]
    told = wrong_rows("\n".join(rows) + "\n", archive)
    expected = {
        0: "No row names the file “left.pdf”.",
        3: "“missing.jpg” is not among the files.",
        4: "“b.jpg”: This is no JPEG, PNG, PDF or MP4",
        5: "“c.png” stands more than once among the files",
        7: "“a.jpg” and “a.jpg” are one and the same file",
    }
    assert set(told) == set(expected)
    assert all(text in told[row] for row, text in expected.items())


def test_without_a_parcel_a_row_that_names_a_file_is_told() -> None:
    with pytest.raises(appeals.FileOfAppealsRefused, match=r"“a\.jpg” is named, but no files came along"):
        appeals.file_many(f"{HEADER}{make_cleared()},mail,s,a.jpg\n".encode(), by=None, at=NOW)


def test_filing_with_evidence_takes_the_right_to_add_it() -> None:
    officer = make_user("appeals_officer")
    content = f"{HEADER}{make_cleared()},mail,s,a.jpg\n".encode()
    appeals.file_many(f"{HEADER}{make_cleared()},mail,s,\n".encode(), by=officer, at=NOW)
    with pytest.raises(NotAllowed):
        appeals.file_many(content, by=make_user("auditor"), at=NOW)


# Hostile archives


@pytest.mark.parametrize(
    "name",
    ["../a.jpg", "x/../../a.jpg", "/etc/a.jpg", "C:/a.jpg", "x\\..\\a.jpg", "a\n.jpg", "../", "..", " "],
)
def test_a_name_that_leads_out_of_the_zip_is_refused(name: str) -> None:
    assert "leads out of the ZIP" in refused(archive_of((entry(name), jpeg())))


def test_a_name_that_a_nul_cuts_short_is_refused() -> None:
    archive = zipped({"a.jpgX.exe": jpeg()}).replace(b"a.jpgX.exe", b"a.jpg\0.exe")
    assert "leads out of the ZIP" in refused(archive)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_what_is_no_plain_file_is_refused(kind: int) -> None:
    link = entry("a.jpg", create_system=3, external_attr=(kind | 0o777) << 16)
    assert "is a link, or no file at all" in refused(archive_of((link, b"/etc/passwd")))


def test_a_name_of_a_zip_without_end_is_refused() -> None:
    assert "is no name of a file" in refused(zipped({"x" * 5_000: jpeg()}))


def test_two_of_one_name_are_refused_also_where_only_some_disks_take_them_for_one() -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive = archive_of((entry("a.jpg"), jpeg()), (entry("a.jpg"), jpeg(1)))
    assert "“a.jpg” stands in the ZIP more than once" in refused(archive)
    assert "“a.jpg” and “A.JPG” are one name" in refused(zipped({"a.jpg": jpeg(), "A.JPG": jpeg(1)}))
    assert "are one name" in refused(zipped({"\u00e9.jpg": jpeg(), "e\u0301.jpg": jpeg(1)}))


def test_a_file_under_a_password_is_refused() -> None:
    archive = bytearray(zipped({"a.jpg": jpeg()}))
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        archive[archive.index(signature) + place] |= 1
    assert "“a.jpg” is under a password" in refused(bytes(archive))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_packing_is_refused(method: int) -> None:
    assert "packed in an unusual way" in refused(zipped({"a.jpg": jpeg()}, method))


@pytest.mark.parametrize("lies", [False, True], ids=["honest", "lying"])
def test_a_bomb_is_stopped_as_it_unfolds(settings: Any, lies: bool) -> None:
    settings.EVIDENCE_MAX_MB = settings.EVIDENCE_FILM_MAX_MB = 8
    settings.EVIDENCE_PARCEL_MAX_UNPACKED_MB = 20
    one = bytearray(zipped({"a.jpg": bytes(64 << 20)}))
    if lies:
        place = one.index(b"PK\x01\x02") + 24
        one[place : place + 4] = (1000).to_bytes(4, "little")
    assert any(text in refused(bytes(one)) for text in ("larger than 8 MB", "is damaged"))
    assert "unfolds to more than 20 MB" in refused(zipped({f"{n}.jpg": bytes(7 << 20) for n in range(4)}))


def test_more_files_than_are_taken_are_refused_before_any_is_unfolded(settings: Any) -> None:
    settings.EVIDENCE_PARCEL_FILES = 3
    assert "At most 3 files at once" in refused(zipped({f"{n}.jpg": b"" for n in range(4)}))


@pytest.mark.parametrize("cut", [0, 1, 30, 200, -1, -10])
def test_what_is_no_zip_or_a_cut_one_is_refused(cut: int) -> None:
    archive = zipped({"a.jpg": jpeg()})
    assert "This is no ZIP, or a damaged one" in refused(archive[:cut])


def test_a_damaged_file_is_named() -> None:
    archive = bytearray(zipped({"a.jpg": jpeg()}))
    archive[60] ^= 0xFF
    assert "“a.jpg” is damaged in the ZIP" in refused(bytes(archive))


def test_a_zip_in_a_zip_is_no_evidence() -> None:
    told = wrong_rows(f"{make_cleared()},mail,s,in.zip\n", zipped({"in.zip": zipped({"a.jpg": jpeg()})}))
    assert "This is no JPEG" in told[2]


# The page


def test_an_officer_sends_rows_and_a_zip_and_reads_what_is_wrong() -> None:
    client = Client(headers={"accept-language": "en"})
    client.force_login(make_user("appeals_officer"))
    page, rows = reverse("admin:opsdesk_appeal_many"), f"{HEADER}{make_cleared()},mail,s,a.jpg\n".encode()

    def send(archive: bytes) -> Any:
        csv, parcel = SimpleUploadedFile("a.csv", rows), SimpleUploadedFile("a.zip", archive)
        return client.post(page, {"file": csv, "parcel": parcel})

    for archive, why in [
        (b"", "This is no ZIP"),
        (zipped({"../a.jpg": jpeg()}), "leads out of the ZIP"),
        (zipped({"b.jpg": jpeg()}), "Row 2: “a.jpg” is not among the files."),
    ]:
        answer = send(archive)
        assert answer.status_code == 400
        assert why in answer.content.decode()
    assert send(zipped({"a.jpg": jpeg()})).status_code == 302
    assert Evidence.objects.get().name == "a.jpg"
