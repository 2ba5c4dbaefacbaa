"""Evidence in an S3-compatible store: the same there and back, private, and under settings alone."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from django.test import Client
from django.urls import reverse
from moto.server import ThreadedMotoServer

from opsdesk import appeals, audit
from opsdesk.appeals import Offered
from opsdesk.settings import evidence_store
from shops.errors import Refused
from tests.factories import AT, make_appeal, make_evidence, make_user
from tests.opsdesk.files import jpeg, pdf

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
