"""The pages of evidence, as officers use them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from opsdesk import appeals, checklists
from opsdesk.models import Evidence
from shops.models import Penalty
from tests.clients import signed_in
from tests.factories import AT, make_appeal, make_cleared, make_evidence, make_penalty, make_user
from tests.opsdesk.files import jpeg, mp4, pdf, png

pytestmark = pytest.mark.django_db

NOW = AT + timedelta(days=2)


@pytest.fixture(autouse=True)
def two_days_later() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def officer() -> User:
    return make_user("appeals_officer", username="officer")


def address(page: str, *args: object) -> str:
    return reverse(f"admin:opsdesk_{page}", args=args)


def stored() -> set[Path]:
    root = Path(storages["evidence"].location)  # type: ignore[attr-defined]
    return {path for path in root.rglob("*") if path.is_file()}


def test_an_officer_files_with_several_files_in_one_go(officer: User) -> None:
    penalty = make_cleared()
    files = [SimpleUploadedFile(f"{n}.x", content) for n, content in enumerate([jpeg(), png(), pdf(2)])]
    given = {"penalty": penalty.case_number, "channel": "phone", "statement": "s", "evidence": files}
    signed_in(officer).post(address("appeal_add"), given)
    assert [one.kind for one in Evidence.objects.order_by("pk")] == ["jpeg", "png", "pdf"]


def test_the_page_of_an_appeal_shows_the_checklist_and_what_has_come_in(officer: User) -> None:
    appeal = make_appeal(make_penalty(violation_code="V8"))
    client = signed_in(officer)
    page = client.get(address("appeal_change", appeal.pk)).content.decode()
    assert page.count("nothing yet") == 2
    client.post(
        address("appeal_evidence", appeal.pk),
        {"item": "1", "evidence": [SimpleUploadedFile("chat.png", png())], "text": "as they wrote"},
    )
    page = client.get(address("appeal_change", appeal.pk)).content.decode()
    assert page.count("nothing yet") == 1
    assert "chat.png" in page and "as they wrote" in page
    picture = Evidence.objects.get(kind="png")
    assert picture.item_zh == "与买家的聊天记录"
    client.post(address("evidence_strike", picture.token), {"reason": "of another buyer"})
    page = client.get(address("appeal_change", appeal.pk)).content.decode()
    assert "of another buyer" in page and "piece-struck" in page
    assert (
        address("evidence_strike", picture.token)
        not in client.get(address("evidence_viewer", picture.token)).content.decode()
    )


def test_what_was_filed_for_no_item_is_assigned_on_a_page(officer: User) -> None:
    appeal = make_appeal(make_penalty(violation_code="V8"))
    evidence, client = make_evidence(appeal), signed_in(officer)
    page = client.get(address("appeal_change", appeal.pk)).content.decode()
    assert (page.count("nothing yet"), address("evidence_item", evidence.token) in page) == (2, True)
    client.post(address("evidence_item", evidence.token), {"item": "0"})
    page = client.get(address("appeal_change", appeal.pk)).content.decode()
    assert (page.count("nothing yet"), address("evidence_item", evidence.token) in page) == (1, False)
    form = client.get(address("evidence_item", evidence.token)).content.decode()
    assert '<option value="0" selected>' in form


def test_where_nothing_is_expected_there_is_nothing_to_assign_to(officer: User) -> None:
    client, evidence = signed_in(officer), make_evidence()
    assert client.get(address("evidence_item", evidence.token)).status_code == 404
    assert (
        address("evidence_item", evidence.token)
        not in client.get(address("evidence_viewer", evidence.token)).content.decode()
    )


def test_the_shops_answer_comes_with_its_files(officer: User) -> None:
    appeal = make_appeal(make_penalty(violation_code="V8"))
    appeals.take(appeal.pk, by=officer, at=NOW)
    appeals.ask(appeal.pk, items="物流记录", by=officer, at=NOW)
    client = signed_in(officer)
    form = client.get(address("appeal_answer", appeal.pk)).content.decode()
    assert "The shop was asked for:<br>物流记录" in form
    client.post(
        address("appeal_answer", appeal.pk),
        {"text": "见附件", "asked": "True", "item": "0", "evidence": [SimpleUploadedFile("a.png", png())]},
    )
    appeal.refresh_from_db()
    [evidence] = appeal.evidence.all()
    assert (appeal.state, evidence.name, evidence.item_zh) == ("answered", "a.png", "相关订单的物流记录")


def test_an_answer_that_names_an_item_comes_with_the_files_for_it(officer: User) -> None:
    appeal = make_appeal(make_penalty(violation_code="V8"))
    appeals.take(appeal.pk, by=officer, at=NOW)
    appeals.ask(appeal.pk, items="物流记录", by=officer, at=NOW)
    given = {"text": "见附件", "asked": "True", "item": "0"}
    answer = signed_in(officer).post(address("appeal_answer", appeal.pk), given)
    appeal.refresh_from_db()
    assert (answer.status_code, appeal.state) == (409, "waiting")
    assert "Choose the files that answer" in answer.content.decode()


def test_an_answer_whose_file_is_no_good_is_not_recorded(officer: User) -> None:
    appeal = make_appeal()
    appeals.take(appeal.pk, by=officer, at=NOW)
    appeals.ask(appeal.pk, items="物流记录", by=officer, at=NOW)
    answer = signed_in(officer).post(
        address("appeal_answer", appeal.pk),
        {"text": "见附件", "asked": "True", "evidence": [SimpleUploadedFile("a.png", b"MZ")]},
    )
    appeal.refresh_from_db()
    assert (answer.status_code, appeal.state, appeal.evidence.exists()) == (409, "waiting", False)
    assert "“a.png”" in answer.content.decode()


def test_the_shop_is_asked_for_what_the_checklist_misses(officer: User) -> None:
    appeal = make_appeal(make_penalty(violation_code="V8"))
    make_evidence(appeal, item=0)
    form = signed_in(officer).get(address("appeal_ask", appeal.pk)).content.decode()
    assert "Chat records with the buyers" in form
    assert "Logistics records" not in form


def test_a_checklist_stays_as_it_was_when_the_penalty_was_imposed() -> None:
    kept = {"violation": {"evidence_en": "a\nb", "evidence_zh": "甲"}}
    appeal = make_appeal(make_penalty(violation_code="V8", evidence=kept))
    assert [(item.en, item.zh) for item in checklists.items_of(appeal.penalty)] == [("a", "甲"), ("b", "b")]
    assert checklists.items_of(Penalty.objects.get(pk=make_cleared().pk)) == []


def test_what_has_no_page_is_not_found(officer: User) -> None:
    client, film = signed_in(officer), make_evidence(content=mp4())
    [statement] = appeals.add(film.appeal_id, text="t", by=None, at=NOW)
    for page, *args in [
        ("page", film.token, 1),
        ("small", film.token),
        ("original", statement.token),
        ("page", make_evidence(make_appeal()).token, 2),
        ("page", make_evidence(make_appeal()).token, 0),
        ("viewer", uuid.uuid4()),
    ]:
        assert client.get(address(f"evidence_{page}", *args)).status_code == 404
    assert client.get(address("evidence_viewer", film.token)).status_code == 200


def test_a_number_is_no_address() -> None:
    evidence = make_evidence()
    client = signed_in(make_user("supervisor"))
    for guess in (evidence.pk, evidence.place, evidence.sha256):
        assert client.get(f"/admin/opsdesk/appeal/evidence/{guess}/original/").status_code in (302, 404)
    for root in ("/files/", "/media/", "/static/", "/evidence/"):
        assert client.get(f"{root}{evidence.place}").status_code == 404


def test_what_the_store_has_lost_is_not_found_and_breaks_no_page(officer: User) -> None:
    evidence, client = make_evidence(), signed_in(officer)
    for path in stored():
        if evidence.place in str(path):
            path.unlink()
    assert client.get(address("evidence_original", evidence.token)).status_code == 404
    assert client.get(address("evidence_page", evidence.token, 1)).status_code == 404
    assert client.get(address("appeal_change", evidence.appeal_id)).status_code == 200
