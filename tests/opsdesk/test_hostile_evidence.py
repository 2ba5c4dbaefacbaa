"""Hostile files as evidence: refused in words, or harmless in all that the desk shows and hands out."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from opsdesk import appeals
from opsdesk.appeals import Offered
from opsdesk.exhibits import ENDINGS, as_name, draw, read, to_be_saved_as
from opsdesk.models import Appeal, Evidence
from shops.errors import Refused
from tests.factories import AT, make_appeal, make_evidence, make_user
from tests.opsdesk.costly_evidence import costly, two_faced
from tests.opsdesk.files import SCRIPT, jpeg
from tests.opsdesk.hostile_evidence import NAMES, Case, corpus

NOW = AT + timedelta(days=2)
CASES = [*corpus(), *costly(), *two_faced()]
REFUSED = [case for case in CASES if case.refusal]
TAKEN = [case for case in CASES if not case.refusal]
RUNS_NOTHING = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@pytest.fixture(autouse=True)
def impatient(settings: Any) -> None:
    settings.EVIDENCE_MAX_SECONDS = 3


def named(cases: list[Case]) -> Any:
    return pytest.mark.parametrize("case", cases, ids=[case.name for case in cases])


def assert_runs_nothing(answer: Any) -> None:
    assert {name: answer[name] for name in RUNS_NOTHING} == RUNS_NOTHING
    assert {"private", "no-store"} <= set(answer["Cache-Control"].split(", "))


def content(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_the_corpus_is_as_large_as_it_says_and_every_case_has_a_name() -> None:
    assert len(CASES) >= 140
    assert len({case.name for case in CASES}) == len(CASES)


@named(REFUSED)
def test_what_is_no_good_is_refused_in_words(case: Case, tmp_path: Path) -> None:
    with pytest.raises(Refused) as refusal:
        draw(read(io.BytesIO(case.content), tmp_path))
    assert case.refusal in str(refusal.value)


@named(TAKEN)
@pytest.mark.django_db
def test_what_is_taken_is_shown_as_pixels_alone_and_handed_out_as_it_came(case: Case) -> None:
    client = Client()
    client.force_login(make_user("appeals_officer"))
    [evidence] = appeals.add(
        make_appeal().pk, evidence=[Offered(case.file_name, io.BytesIO(case.content))], by=None, at=NOW
    )
    shown = [("page", number) for number in evidence.page_numbers] + [("small",)] * bool(evidence.pages)
    for page, *args in shown:
        answer = client.get(reverse(f"admin:opsdesk_evidence_{page}", args=[evidence.token, *args]))
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
        assert_runs_nothing(answer)
        drawn = content(answer)
        assert SCRIPT not in drawn
        with Image.open(io.BytesIO(drawn)) as image:
            image.load()
            assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
            assert not image.getexif()
            assert image.width <= 1600
            assert image.width * image.height <= 17_000_000
    answer = client.get(reverse("admin:opsdesk_evidence_original", args=[evidence.token]))
    assert answer["Content-Type"] == "application/octet-stream"
    name = to_be_saved_as(case.file_name, ENDINGS[evidence.kind])
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
    assert_runs_nothing(answer)
    assert content(answer) == case.content
    viewer = client.get(reverse("admin:opsdesk_evidence_viewer", args=[evidence.token]))
    assert SCRIPT not in viewer.content


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("proof.hta", "proof.hta.jpg"),
        ("proof.jpg.html", "proof.jpg.html.jpg"),
        ("proof", "proof.jpg"),
        ("proof.JPG", "proof.JPG"),
        ("proof.jpeg", "proof.jpeg"),
    ],
)
@pytest.mark.django_db
def test_a_picture_is_saved_as_a_picture_whatever_it_was_called(name: str, saved: str) -> None:
    evidence = make_evidence(content=jpeg(), name=name)
    client = Client()
    client.force_login(make_user("appeals_officer"))
    answer = client.get(reverse("admin:opsdesk_evidence_original", args=[evidence.token]))
    assert answer["Content-Disposition"] == f'attachment; filename="{saved}"'


@pytest.mark.django_db
def test_of_several_files_one_that_is_no_good_refuses_all_and_is_named() -> None:
    appeal = make_appeal()
    offered = [Offered("a.jpg", io.BytesIO(jpeg())), Offered("../b.png", io.BytesIO(SCRIPT))]
    with pytest.raises(Refused, match=r"^“b\.png”: This is no JPEG"):
        appeals.add(appeal.pk, evidence=offered, by=None, at=NOW)
    assert not Evidence.objects.exists()


@pytest.mark.parametrize(("given", "kept"), NAMES.items(), ids=[ascii(name)[:40] for name in NAMES])
def test_a_name_is_data_for_people_and_leads_nowhere(given: str, kept: str) -> None:
    assert as_name(given) == kept
    assert len(kept) <= 200


@pytest.mark.parametrize("given", NAMES, ids=[ascii(name)[:40] for name in NAMES])
@pytest.mark.django_db
def test_whatever_it_is_called_a_file_goes_out_under_one_header_in_one_line(given: str) -> None:
    client = Client()
    client.force_login(make_user("appeals_officer"))
    appeal = make_appeal()
    [evidence] = appeals.add(appeal.pk, evidence=[Offered(given, io.BytesIO(jpeg()))], by=None, at=NOW)
    answer = client.get(reverse("admin:opsdesk_evidence_original", args=[evidence.token]))
    assert answer["Content-Disposition"].startswith("attachment; filename")
    assert not {"\r", "\n", "\0"} & set(answer["Content-Disposition"])
    assert "Set-Cookie" not in answer.headers
    assert content(answer) == jpeg()
    page = client.get(reverse("admin:opsdesk_appeal_change", args=[appeal.pk])).content
    assert b"<script>alert" not in page
    # In the store nothing of the name is left.
    assert as_name(given) not in evidence.place


@pytest.mark.django_db
def test_a_page_that_is_sent_as_a_picture_is_told_to_the_officer_who_sent_it() -> None:
    client = Client(headers={"accept-language": "en"})
    client.force_login(make_user("appeals_officer"))
    appeal = make_appeal()
    sent = SimpleUploadedFile("proof.jpg", b"<html>" + SCRIPT, content_type="image/jpeg")
    answer = client.post(reverse("admin:opsdesk_appeal_evidence", args=[appeal.pk]), {"evidence": sent})
    assert answer.status_code == 409
    assert "“proof.jpg”: This is no JPEG, PNG, PDF or MP4" in answer.content.decode()
    assert not Appeal.objects.get(pk=appeal.pk).evidence.exists()
