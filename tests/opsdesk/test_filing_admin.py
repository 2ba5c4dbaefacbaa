"""How an officer files an appeal: from a penalty's page, and by its form."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from opsdesk import appeals
from opsdesk.models import Appeal
from shops.models import Penalty
from tests.clients import client_of, signed_in
from tests.factories import AT, make_appeal, make_cleared, make_penalty, make_user
from tests.opsdesk.files import jpeg

pytestmark = pytest.mark.django_db

NOW = AT + timedelta(days=2)
FILING = "/admin/opsdesk/appeal/add/"


@pytest.fixture(autouse=True)
def two_days_later() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def client() -> Client:
    return client_of("appeals_officer")


def filed(case: Penalty, **values: object) -> dict:
    return {
        "penalty": case.case_number,
        "channel": "phone",
        "reference": "call 17",
        "statement": "评分有误",
        **values,
    }


def test_an_officer_files_an_appeal_from_a_penalty(client: Client) -> None:
    penalty = make_cleared()
    form = client.get(FILING, {"penalty": penalty.case_number}).content.decode()
    assert f'value="{penalty.case_number}"' in form
    assert "Admitted late because" not in form
    answer = client.post(FILING, filed(penalty, filed_at="2026-03-12T10:00"))
    appeal = Appeal.objects.get(penalty=penalty)
    assert answer["Location"] == reverse("admin:opsdesk_appeal_change", args=[appeal.pk])
    assert (appeal.channel, appeal.reference, appeal.messages.get().text) == ("phone", "call 17", "评分有误")
    assert appeal.filed_at.isoformat() == "2026-03-12T02:00:00+00:00"


@pytest.mark.parametrize("quoted", ["case 9", "p%08d"])
def test_a_case_is_found_by_either_number(client: Client, quoted: str) -> None:
    penalty = make_penalty(violation_code="V1", reference="case 9")
    client.post(FILING, filed(penalty, penalty=quoted % penalty.pk if "%" in quoted else quoted))
    assert Appeal.objects.get().penalty == penalty


@pytest.mark.parametrize("quoted", ["", "P", "P99999999999999999999", "case 8", "%%"])
def test_a_case_that_is_not_on_record_is_named(client: Client, quoted: str) -> None:
    make_cleared()
    answer = client.post(FILING, {"penalty": quoted, "channel": "mail", "statement": "s"})
    assert answer.status_code == 200
    assert not Appeal.objects.exists()


@pytest.mark.parametrize(
    ("language", "again"), [("en", "Choose the files again"), ("zh-hans", "请重新选择文件")]
)
def test_who_sent_files_with_a_mistake_is_told_to_choose_them_again(language: str, again: str) -> None:
    client = client_of("appeals_officer", language)
    mistaken = filed(make_cleared(), statement="")
    file = SimpleUploadedFile("a.jpg", jpeg())
    assert again in client.post(FILING, {**mistaken, "evidence": file}).content.decode()
    assert again not in client.post(FILING, mistaken).content.decode()


def test_only_a_supervisor_is_asked_to_admit_what_comes_too_late(client: Client) -> None:
    penalty = make_cleared(at=AT - timedelta(days=60))
    refused = client.post(FILING, filed(penalty, late_reason="was ill")).content.decode()
    assert "Out of time" in refused and "A supervisor may admit it" in refused
    supervisor = signed_in(make_user("supervisor"))
    form = supervisor.post(FILING, filed(penalty)).context["form"]
    assert "Out of time" in form.errors["late_reason"][0] and "Say here why" in form.errors["late_reason"][1]
    supervisor.post(FILING, filed(penalty, late_reason="was ill"))
    assert Appeal.objects.get().late_reason == "was ill"


def test_a_reason_to_admit_what_is_in_time_is_not_lost_without_a_word() -> None:
    supervisor = signed_in(make_user("supervisor"))
    page = supervisor.post(FILING, filed(make_cleared(), late_reason="was ill")).content.decode()
    assert "needs nobody&#x27;s leave" in page and not Appeal.objects.exists()


@pytest.mark.parametrize(
    ("language", "why"),
    [
        ("en", "had a part in what this appeal is about (decided it): somebody else files it"),
        ("zh-hans", "参与过此申诉所涉的决定（作出决定）"),
    ],
)
def test_whoever_decided_is_told_that_somebody_else_files(language: str, why: str) -> None:
    maker = make_user("supervisor")
    told = signed_in(maker, language).post(FILING, filed(make_cleared(by=maker)))
    assert why in told.content.decode()
    assert not Appeal.objects.exists()


def case_page(client: Client, case: Penalty) -> str:
    return client.get(reverse("admin:shops_penalty_change", args=[case.pk])).content.decode()


def test_a_penaltys_page_leads_to_its_appeal(client: Client) -> None:
    case = make_cleared()
    assert f"{FILING}?penalty={case.case_number}" in case_page(client, case)


@pytest.mark.parametrize(
    ("language", "open_already", "somebody_else"),
    [("en", "is open already", "somebody else files it"), ("zh-hans", "正在处理中", "须由他人")],
)
def test_where_nothing_can_be_filed_the_page_says_why_instead(
    language: str, open_already: str, somebody_else: str
) -> None:
    maker = make_user("supervisor")
    case = make_cleared(by=maker)
    page = case_page(signed_in(maker, language), case)
    assert FILING not in page and somebody_else in page
    make_appeal(case)
    page = case_page(client_of("appeals_officer", language), case)
    assert FILING not in page and open_already in page


def test_after_both_levels_the_page_leads_nowhere(client: Client) -> None:
    case = make_cleared()
    for _level in (1, 2):
        appeal, judge = make_appeal(case, at=NOW), make_user("appeals_officer")
        appeals.take(appeal.pk, by=judge, at=NOW)
        appeals.deny(appeal.pk, reason="right", by=judge, at=NOW)
    page = case_page(client, case)
    assert FILING not in page and "there is no third" in page
