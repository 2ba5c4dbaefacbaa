"""Evidence in its store, a folder or an S3-compatible bucket: the same there and back, private, or told."""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import boto3
import pytest
import time_machine
from django.core.files.storage import FileSystemStorage, storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from moto.server import ThreadedMotoServer

from opsdesk import appeals, audit, leftovers
from opsdesk.appeals import Offered
from opsdesk.exhibits import Altered, NotNow, keeping, original_of, unpacked, view_of
from opsdesk.models import Appeal, Evidence
from opsdesk.settings import evidence_store
from shops.errors import Refused
from tests.factories import AT, make_appeal, make_cleared, make_evidence, make_user
from tests.opsdesk.files import box, jpeg, mp4, pdf, zipped

pytestmark = pytest.mark.django_db

NOW = AT + timedelta(days=2)
BUCKET = "evidence-of-the-desk"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(server: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The bucket, and the desk's evidence in it, by the settings that production would have."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "desk")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "desk")
    where = {
        "EVIDENCE_S3_BUCKET": BUCKET,
        "EVIDENCE_S3_ENDPOINT": server,
        "EVIDENCE_S3_REGION": "us-east-1",
    }
    for name, value in where.items():
        monkeypatch.setenv(name, value)
    settings.STORAGES = {**settings.STORAGES, "evidence": evidence_store()}
    bucket = boto3.resource("s3", endpoint_url=server, region_name="us-east-1").Bucket(BUCKET)
    bucket.create()
    yield bucket
    bucket.objects.delete()
    bucket.delete()


def test_evidence_comes_back_from_the_store_as_it_went_in(bucket: Any) -> None:
    content = pdf(2)
    evidence = make_evidence(content=content, name="检测报告.pdf")
    kept = {thing.key for thing in bucket.objects.all()}
    assert kept == {f"evidence/{evidence.place}{end}" for end in ("", ".1.jpg", ".2.jpg", ".small.jpg")}
    assert bucket.Object(f"evidence/{evidence.place}").get()["Body"].read() == content
    client = Client()
    client.force_login(make_user("appeals_officer"))
    for page, *args in [("original",), ("page", 2), ("small",)]:
        answer = client.get(reverse(f"admin:opsdesk_evidence_{page}", args=[evidence.token, *args]))
        got = b"".join(answer.streaming_content)
        assert answer.status_code == 200
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert got == content if page == "original" else got.startswith(b"\xff\xd8\xff")


def test_nothing_in_the_store_is_public_and_nothing_leads_to_it(bucket: Any, server: str) -> None:
    evidence = make_evidence()
    grants = bucket.Object(f"evidence/{evidence.place}").Acl().grants
    assert all("AllUsers" not in str(grant) for grant in grants)
    client = Client()
    client.force_login(make_user("appeals_officer"))
    for page in ("viewer", "original"):
        answer = client.get(reverse(f"admin:opsdesk_evidence_{page}", args=[evidence.token]))
        text = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert answer.status_code == 200
        assert server.encode() not in text
        assert evidence.place.encode() not in text + str(answer.headers).encode()


def test_what_is_refused_in_the_end_is_taken_out_of_the_store_again(bucket: Any) -> None:
    evidence = make_evidence()
    before = {thing.key for thing in bucket.objects.all()}
    offered = [Offered("b.jpg", io.BytesIO(jpeg(1))), Offered("a.jpg", io.BytesIO(jpeg()))]
    with pytest.raises(Refused, match="already"):
        appeals.add(evidence.appeal_id, evidence=offered, by=None, at=NOW)
    assert {thing.key for thing in bucket.objects.all()} == before


def test_what_the_store_has_lost_is_not_found(bucket: Any) -> None:
    evidence = make_evidence(make_appeal())
    bucket.objects.delete()
    client = Client()
    client.force_login(make_user("appeals_officer"))
    assert client.get(reverse("admin:opsdesk_evidence_original", args=[evidence.token])).status_code == 404


def test_a_lost_file_is_told_by_the_proof(bucket: Any) -> None:
    evidence = make_evidence(content=pdf(2))
    assert audit.verify_evidence() is None
    bucket.Object(f"evidence/{evidence.place}").delete()
    assert audit.verify_evidence() == (
        f"evidence {evidence.pk} of appeal {evidence.appeal_id} is not whole in the store any more"
    )


# What the store does that it should not


def page(name: str, *args: object) -> Any:
    client = Client(headers={"accept-language": "en"})
    client.force_login(make_user("appeals_officer"))
    return client.get(reverse(f"admin:opsdesk_evidence_{name}", args=args), follow=True)


def in_store(evidence: Evidence) -> Path:
    return Path(storages["evidence"].path(evidence.place))


@pytest.mark.parametrize(
    "other", [jpeg(9), jpeg() + bytes(4 << 20), jpeg()[:-1]], ids=["other", "longer", "shorter"]
)
def test_what_was_changed_in_the_store_is_not_handed_out(
    caplog: pytest.LogCaptureFixture, other: bytes
) -> None:
    evidence = make_evidence()
    in_store(evidence).write_bytes(other)
    answer = page("original", evidence.token)
    assert answer.redirect_chain == [(reverse("admin:opsdesk_evidence_viewer", args=[evidence.token]), 302)]
    assert "The store holds another file than the one that came" in answer.content.decode()
    assert other not in answer.content
    assert f"evidence {evidence.pk} of appeal {evidence.appeal_id} is another file" in caplog.text


@pytest.mark.parametrize("which", ["1", "2", "small"])
@pytest.mark.parametrize("other", [jpeg(77), b""], ids=["exchanged", "emptied"])
def test_a_picture_that_was_changed_in_the_store_is_not_shown(
    caplog: pytest.LogCaptureFixture, which: str, other: bytes
) -> None:
    evidence = make_evidence(content=pdf(2))
    drawn = Path(storages["evidence"].path(f"{evidence.place}.{which}.jpg"))
    drawn.write_bytes(other)
    answer = page("small", evidence.token) if which == "small" else page("page", evidence.token, which)
    told = "The store holds another picture than the desk drew"
    assert (answer.status_code, told in answer.content.decode()) == (503, True)
    assert f"evidence {evidence.pk} of appeal {evidence.appeal_id} has another picture" in caplog.text
    found = audit.verify_evidence()
    assert found and found.endswith(f"{evidence.appeal_id} is shown by another picture than the desk drew")


def test_no_more_of_a_picture_is_read_than_the_desk_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "WRITTEN", 1 << 20)
    evidence = make_evidence()
    Path(storages["evidence"].path(f"{evidence.place}.1.jpg")).write_bytes(bytes(40 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(Altered):
            view_of(evidence.place, "1", evidence.shown["1"])
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_a_picture_whose_sha256_nobody_kept_is_shown_and_named_by_the_proof() -> None:
    content = jpeg()
    place = make_evidence(content=content).place
    evidence = Evidence.objects.create(
        appeal=make_appeal(),
        kind="jpeg",
        name="a.jpg",
        place=place.replace("/", "/0")[:-1],
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        pages=1,
        added_at=NOW,
    )
    for end in ("", ".1.jpg", ".small.jpg"):
        with storages["evidence"].open(f"{place}{end}") as file:
            storages["evidence"].save(f"{evidence.place}{end}", file)
    assert page("page", evidence.token, 1).status_code == 200
    assert "no SHA-256 is known" in str(audit.verify_evidence())


def test_an_original_of_any_size_is_handed_out_in_bounded_memory(settings: Any) -> None:
    film = mp4(more=box(b"free", bytes(40 << 20)))
    evidence = make_evidence(content=film)
    tracemalloc.start()
    try:
        with original_of(evidence.place, evidence.sha256, evidence.size) as file:
            assert sum(len(block) for block in iter(lambda: file.read(1 << 20), b"")) == len(film)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def in_folder(settings: Any, location: object) -> None:
    options = {"location": str(location)}
    folder = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "evidence": folder}


@pytest.fixture(params=["folder", "bucket"])
def failing(request: pytest.FixtureRequest, settings: Any) -> Callable[[], None]:
    """From its call on the store is a folder that can't be, or a bucket that is none."""
    if request.param == "folder":
        return lambda: in_folder(settings, "/dev/null/evidence")
    request.getfixturevalue("bucket")

    def fail() -> None:
        settings.STORAGES["evidence"]["OPTIONS"]["bucket_name"] = "another-that-is-not"
        settings.STORAGES = {**settings.STORAGES}

    return fail


@pytest.fixture
def own_store(settings: Any, tmp_path: Path) -> Path:
    """A store in which nothing lies yet."""
    in_folder(settings, tmp_path / "store")
    return tmp_path / "store"


def test_a_store_that_fails_is_told_in_words_and_nothing_is_kept(
    failing: Callable[[], None], tmp_path: Path
) -> None:
    appeal, penalty = make_appeal(), make_cleared()
    failing()
    why = "The store takes no files just now. Nothing was kept"
    client = Client(headers={"accept-language": "en"})
    client.force_login(make_user("appeals_officer"))
    rows = f"penalty,channel,statement,evidence\n{penalty},mail,s,a.jpg\n".encode()

    def sent(name: str, content: bytes) -> SimpleUploadedFile:
        return SimpleUploadedFile(name, content)

    with time_machine.travel(NOW, tick=False):
        for where, given in [
            (
                reverse("admin:opsdesk_appeal_evidence", args=[appeal.pk]),
                {"evidence": sent("a", jpeg())},
            ),
            (
                reverse("admin:opsdesk_appeal_add"),
                {
                    "penalty": str(penalty),
                    "channel": "mail",
                    "statement": "s",
                    "evidence": sent("a", jpeg()),
                },
            ),
            (
                reverse("admin:opsdesk_appeal_many"),
                {"file": sent("a.csv", rows), "parcel": sent("a.zip", zipped({"a.jpg": jpeg()}))},
            ),
        ]:
            answer = client.post(where, given)
            assert (answer.status_code, why in answer.content.decode()) == (503, True)
        (tmp_path / "a.csv").write_bytes(rows)
        (tmp_path / "a.jpg").write_bytes(jpeg())
        (tmp_path / "files").mkdir()
        (tmp_path / "a.jpg").rename(tmp_path / "files" / "a.jpg")
        out = StringIO()
        with pytest.raises(SystemExit):
            call_command("file_appeals", tmp_path / "a.csv", evidence=tmp_path / "files", stdout=out)
    assert why in out.getvalue()
    assert (Evidence.objects.count(), Appeal.objects.count()) == (0, 1)


def test_a_store_that_does_not_answer_is_told_in_words(settings: Any) -> None:
    evidence = make_evidence()
    in_folder(settings, "/dev/null/evidence")
    why = "The store hands out no files just now"
    for name, *args in [("page", 1), ("small",)]:
        answer = page(name, evidence.token, *args)
        assert (answer.status_code, why in answer.content.decode()) == (503, True)
    assert why in page("original", evidence.token).content.decode()
    with pytest.raises(CommandError, match=why):
        verified()


def test_where_there_is_no_room_to_look_into_a_file_the_officer_is_told(settings: Any) -> None:
    appeal = make_appeal()
    nowhere = {**settings.STORAGES["default"], "OPTIONS": {"location": "/dev/null/files"}}
    settings.STORAGES = {**settings.STORAGES, "default": nowhere}
    with pytest.raises(NotNow, match="The desk has no room for files just now"):
        make_evidence(appeal)
    with pytest.raises(NotNow, match="no room"), unpacked(io.BytesIO(zipped({"a.jpg": jpeg()}))):
        pass


@pytest.mark.parametrize("lang", ["en", "zh-hans"])
def test_a_disk_that_is_full_while_a_file_comes_in_is_told_in_words(settings: Any, lang: str) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = "/dev/null/full"
    appeal = make_appeal()
    client = Client(headers={"accept-language": lang})
    large = bytes(settings.FILE_UPLOAD_MAX_MEMORY_SIZE + 1)
    words = {"en": "The desk has no room for files just now.", "zh-hans": "本台暂时没有存放文件的空间"}
    for role, where, name in [
        ("appeals_officer", reverse("admin:opsdesk_appeal_evidence", args=[appeal.pk]), "evidence"),
        ("appeals_officer", reverse("admin:opsdesk_appeal_many"), "parcel"),
        ("supervisor", reverse("admin:shops_importbatch_add"), "file"),
    ]:
        client.force_login(make_user(role))
        answer = client.post(where, {name: SimpleUploadedFile("a.jpg", large)})
        assert (answer.status_code, words[lang] in answer.content.decode()) == (503, True)
    assert not Evidence.objects.exists()


# What killed processes leave


def verified(*options: str) -> dict[str, Any]:
    out = StringIO()
    call_command("verify_evidence", "--json", *options, stdout=out)
    return json.loads(out.getvalue())


def left_behind(age: timedelta) -> Path:
    """A file as a process leaves it that is killed before it commits."""
    left = in_store(make_evidence()).parent.parent / "ab" / f"ab{secrets.token_hex(23)}"
    left.parent.mkdir(exist_ok=True)
    for path in (left, left.with_name(f"{left.name}.1.jpg")):
        path.write_bytes(jpeg(3))
        then = datetime.now().timestamp() - age.total_seconds()
        os.utime(path, (then, then))
    return left


def test_what_nothing_names_is_told_and_breaks_nothing(own_store: Path) -> None:
    left = left_behind(timedelta(days=9))
    value = verified()
    assert value["holds"] is True
    assert value["left_over"] == [f"ab/{left.name}", f"ab/{left.name}.1.jpg"]
    assert left.exists()


def seen_late(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> None:
    """Something happens after the store was listed, and before it is asked how old its files are."""
    real = FileSystemStorage.get_modified_time

    def late(store: FileSystemStorage, name: str) -> datetime:
        meanwhile()
        return real(store, name)

    monkeypatch.setattr(FileSystemStorage, "get_modified_time", late)


def test_an_upload_that_is_refused_during_the_sweep_is_passed_over(
    own_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, left = left_behind(timedelta(hours=1)), left_behind(timedelta(hours=25))

    def clear() -> None:
        for path in own_store.glob(f"ab/{refused.name}*"):
            path.unlink()

    seen_late(monkeypatch, clear)
    assert [found.place for found in leftovers.sweep(at=datetime.now(UTC))] == [f"ab/{left.name}"]
    assert list(leftovers.left_over()) == []


def test_an_upload_to_a_bucket_that_is_refused_during_the_sweep_is_passed_over(bucket: Any) -> None:
    for digit in "01":
        bucket.put_object(Key=f"evidence/cd/cd{digit * 46}", Body=jpeg())
    found = leftovers.left_over()
    next(found)
    # The folder was listed with both.
    bucket.objects.delete()
    assert list(found) == []


def test_what_was_committed_during_the_sweep_is_not_taken_away(
    own_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, appeal = left_behind(timedelta(days=9)), make_appeal(make_cleared())
    film = {"kind": "mp4", "name": "a.mp4", "sha256": "0" * 64, "size": 1, "added_at": NOW}

    def commit() -> None:
        Evidence.objects.get_or_create(place=f"ab/{left.name}", defaults={"appeal": appeal, **film})

    seen_late(monkeypatch, commit)
    assert list(leftovers.sweep(at=datetime.now(UTC))) == []
    assert left.exists()


def test_what_nothing_names_is_taken_away_once_it_is_old_and_nothing_else(own_store: Path) -> None:
    old, new = left_behind(timedelta(hours=25)), left_behind(timedelta(hours=23))
    strange = old.parent / "notes.txt"
    strange.write_text("not the desk's")
    for place in ("notes", *Evidence.objects.values_list("place", flat=True)):
        for path in own_store.glob(f"**/{place.rpartition('/')[2]}*"):
            os.utime(path, (0, 0))
    value = verified("--sweep")
    assert value["taken_away"] == [f"ab/{old.name}", f"ab/{old.name}.1.jpg"]
    assert value["left_over"] == [f"ab/{new.name}", f"ab/{new.name}.1.jpg"]
    assert (old.exists(), new.exists(), strange.exists()) == (False, True, True)
    assert audit.verify_evidence() is None


def test_what_is_left_in_a_bucket_is_taken_away_as_well(bucket: Any) -> None:
    evidence = make_evidence()
    left = f"cd/cd{secrets.token_hex(23)}"
    bucket.put_object(Key=f"evidence/{left}.small.jpg", Body=jpeg())
    assert verified("--sweep")["left_over"] == [f"{left}.small.jpg"]
    tomorrow = datetime.now(UTC) + timedelta(days=1, minutes=1)
    assert [found.place for found in leftovers.sweep(at=tomorrow)] == [left]
    assert {thing.key.split(".")[0] for thing in bucket.objects.all()} == {f"evidence/{evidence.place}"}
