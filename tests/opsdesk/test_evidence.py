"""What supports an appeal: added and struck, never replaced, shown to those alone who may look at it."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission, User
from django.core.files.storage import storages
from django.db import IntegrityError, connection, transaction
from django.utils import translation

from opsdesk import appeals, jobs
from opsdesk.appeals import Offered
from opsdesk.exhibits import original_of
from opsdesk.models import Appeal, Evidence
from shops.errors import NotAllowed, Refused
from shops.jobs import clear_away
from shops.models import Violation
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


def offered(*contents: bytes) -> list[Offered]:
    return [Offered(f"{n}.bin", io.BytesIO(content)) for n, content in enumerate(contents, start=1)]


def over(appeal: Appeal) -> Appeal:
    return appeals.withdraw(appeal.pk, reason="rang", by=None, at=NOW)


def stored() -> set[Path]:
    root = Path(storages["evidence"].location)  # type: ignore[attr-defined]
    return {path for path in root.rglob("*") if path.is_file()}


# Adding


def test_files_are_kept_as_they_came_with_who_and_when(officer: User) -> None:
    contents = [jpeg(), png(), pdf(3), mp4()]
    added = appeals.add(make_appeal().pk, evidence=offered(*contents), by=officer, at=NOW)
    assert [(one.kind, one.pages) for one in added] == [("jpeg", 1), ("png", 1), ("pdf", 3), ("mp4", 0)]
    for one, content in zip(added, contents, strict=True):
        assert (one.sha256, one.size) == (hashlib.sha256(content).hexdigest(), len(content))
        assert (one.added_by, one.added_at) == (officer, NOW)
        with original_of(one.place, one.sha256, one.size) as kept:
            assert kept.read() == content
        assert one.history.get().history_user == officer


def test_a_statement_is_evidence_too_and_answers_an_item_by_value(officer: User) -> None:
    appeal = make_appeal(make_penalty(violation_code="V8"))
    [statement] = appeals.add(appeal.pk, text=" the parcel was signed for ", item=0, by=officer, at=NOW)
    assert (statement.kind, statement.text) == ("statement", "the parcel was signed for")
    Violation.objects.filter(code="V8").update(evidence_en="Other", evidence_zh="其他")
    assert statement.item == "Logistics records of the orders"
    with translation.override("zh-hans"):
        assert statement.item == "相关订单的物流记录"


def test_a_statement_that_is_sent_twice_stands_once(officer: User) -> None:
    appeal = make_appeal()
    [said] = appeals.add(appeal.pk, text="已按时发货", by=officer, at=NOW)
    with pytest.raises(Refused, match="on the appeal already, of 13 Mar 2026 09:30:00 by officer"):
        appeals.add(appeal.pk, text=" 已按时发货 ", by=officer, at=NOW)
    assert appeal.evidence.get() == said
    appeals.strike(said.token, reason="unclear", by=officer, at=NOW)
    assert appeals.add(appeal.pk, text="已按时发货", by=officer, at=NOW)


def test_an_appeal_is_filed_with_what_supports_it(officer: User) -> None:
    appeal = make_appeal(evidence=offered(jpeg(), pdf()), by=officer)
    assert [one.name for one in appeal.evidence.order_by("pk")] == ["1.bin", "2.bin"]


def test_without_the_right_to_add_nothing_is_filed_with_evidence(officer: User) -> None:
    officer.groups.clear()
    for codename in ("file_appeal", "work_appeal"):
        officer.user_permissions.add(Permission.objects.get(codename=codename))
    with pytest.raises(NotAllowed):
        make_appeal(evidence=offered(jpeg()), by=User.objects.get(pk=officer.pk))


def test_where_filing_is_refused_nothing_stays_in_the_store() -> None:
    before, late = stored(), make_cleared(at=AT - timedelta(days=60))
    with pytest.raises(appeals.TooLate):
        make_appeal(late, evidence=offered(jpeg()))
    with pytest.raises(Refused, match=r"no such item"):
        appeals.add(make_appeal().pk, evidence=offered(jpeg()), item=9, by=None, at=NOW)
    assert stored() == before


def test_a_late_appeal_is_admitted_with_what_supports_it() -> None:
    late = make_cleared(at=AT - timedelta(days=60))
    values = {"penalty": late, "channel": "mail", "statement": "s", "reason": "was ill"}
    supervisor = make_user("supervisor")
    appeal = appeals.admit_late(**values, evidence=offered(jpeg()), by=supervisor, at=NOW)
    assert appeal.evidence.count() == 1


def test_nothing_at_all_is_no_evidence() -> None:
    with pytest.raises(Refused, match="Choose a file or write a statement"):
        appeals.add(make_appeal().pk, text=" \0 ", by=None, at=NOW)


def test_the_same_file_twice_is_told_by_the_name_of_the_first(officer: User) -> None:
    first = make_evidence(name="发票.jpg", by=officer)
    with pytest.raises(Refused, match=r"“1.bin” is on this appeal already, as “发票.jpg” of .* by officer"):
        appeals.add(first.appeal_id, evidence=offered(jpeg()), by=None, at=NOW)
    with pytest.raises(Refused, match=r"“2.bin” and “1.bin” are one and the same file"):
        appeals.add(first.appeal_id, evidence=offered(png(), png()), by=None, at=NOW)
    assert Evidence.objects.count() == 1


def test_the_same_file_may_support_another_appeal_and_come_back_after_it_was_struck() -> None:
    first = make_evidence()
    make_evidence(make_appeal())
    appeals.strike(first.token, reason="of another case", by=None, at=NOW)
    make_evidence(first.appeal)
    assert first.appeal.evidence.count() == 2


def test_an_appeal_has_so_many_files_at_most(settings: Any) -> None:
    settings.EVIDENCE_MAX_FILES = 2
    appeal = make_appeal(evidence=offered(jpeg()))
    with pytest.raises(Refused, match="at most 2 files: 1 are on it, and 2 would come"):
        appeals.add(appeal.pk, evidence=offered(jpeg(1), jpeg(2)), by=None, at=NOW)
    appeals.add(appeal.pk, evidence=offered(jpeg(1)), text="statements don't count", by=None, at=NOW)


@pytest.mark.parametrize(
    ("content", "limit"), [(jpeg(), "1 MB"), (mp4(more=b""), "2 MB")], ids=["jpeg", "mp4"]
)
def test_a_file_has_so_many_bytes_at_most(settings: Any, content: bytes, limit: str) -> None:
    settings.EVIDENCE_MAX_MB, settings.EVIDENCE_FILM_MAX_MB = 1, 2
    with pytest.raises(Refused, match=f"larger than {limit}"):
        make_evidence(content=content + bytes(int(limit[0]) << 20))


def test_while_the_shop_is_asked_and_after_its_answer_evidence_may_come(officer: User) -> None:
    appeal = make_appeal()
    appeals.take(appeal.pk, by=officer, at=NOW)
    appeals.ask(appeal.pk, items="invoice", by=officer, at=NOW)
    make_evidence(appeal, jpeg(1))
    appeals.answer(appeal.pk, text="here", by=officer, at=NOW)
    make_evidence(appeal, jpeg(2))
    over(appeal)
    with pytest.raises(appeals.AlreadyOver):
        make_evidence(appeal, jpeg(3))


# Striking


def test_what_is_struck_stays_with_who_when_and_why(officer: User) -> None:
    evidence = make_evidence()
    struck = appeals.strike(evidence.token, reason=" of another shop ", by=officer, at=NOW)
    assert (struck.struck_by, struck.struck_at, struck.struck_reason) == (officer, NOW, "of another shop")
    with original_of(struck.place, struck.sha256, struck.size) as kept:
        assert kept.read() == jpeg()
    with pytest.raises(Refused, match="was struck by officer on"):
        appeals.strike(evidence.token, reason="again", by=None, at=NOW)


def test_nothing_is_struck_without_a_reason_nor_once_the_appeal_is_over() -> None:
    evidence = make_evidence()
    with pytest.raises(Refused, match="Say why"):
        appeals.strike(evidence.token, reason=" ", by=None, at=NOW)
    over(evidence.appeal)
    with pytest.raises(appeals.AlreadyOver):
        appeals.strike(evidence.token, reason="late", by=None, at=NOW)


def test_striking_is_for_the_holder_of_the_appeal(officer: User) -> None:
    evidence = make_evidence()
    appeals.take(evidence.appeal_id, by=officer, at=NOW)
    with pytest.raises(Refused, match="only its holder"):
        appeals.strike(evidence.token, reason="r", by=make_user("supervisor"), at=NOW)
    assert appeals.strike(evidence.token, reason="r", by=officer, at=NOW).is_struck


@pytest.mark.parametrize("superuser", [False, True])
def test_whoever_decided_strikes_nothing_of_what_the_shop_handed_in(superuser: bool) -> None:
    maker = User.objects.create_superuser("root") if superuser else make_user("supervisor")
    evidence = make_evidence(make_appeal(make_cleared(by=maker)))
    with pytest.raises(Refused, match="had a part"):
        appeals.strike(evidence.token, reason="r", by=maker, at=NOW)


@pytest.mark.parametrize("role", ["operator", "auditor", "finance", "rules_editor", "administrator"])
def test_adding_and_striking_take_their_rights(role: str) -> None:
    evidence, nobody = make_evidence(), make_user(role)
    with pytest.raises(NotAllowed):
        appeals.add(evidence.appeal_id, evidence=offered(png()), by=nobody, at=NOW)
    with pytest.raises(NotAllowed):
        appeals.strike(evidence.token, reason="r", by=nobody, at=NOW)


# What it answers


def test_what_came_when_nobody_said_so_is_assigned_to_an_item_and_back(officer: User) -> None:
    evidence = make_evidence(make_appeal(make_penalty(violation_code="V8")))
    assert appeals.assign(evidence.token, item=1, by=officer).item_zh == "与买家的聊天记录"
    assert appeals.assign(evidence.token, item=None, by=officer).item == ""
    assert evidence.history.count() == 3


def test_what_it_answers_is_nothing_that_a_judge_has_not_seen(officer: User) -> None:
    evidence = make_evidence(make_appeal(make_penalty(violation_code="V8")))
    seen = appeals.looked_at(evidence.appeal)
    for _again in range(2):
        appeals.assign(evidence.token, item=1, by=officer)
    assert appeals.looked_at(evidence.appeal) == seen
    assert evidence.history.count() == 2


def test_only_items_of_the_checklist_are_assigned_while_the_appeal_is_open(officer: User) -> None:
    appeal = make_appeal(make_penalty(violation_code="V8"))
    evidence, struck = make_evidence(appeal), make_evidence(appeal, content=png())
    appeals.strike(struck.token, reason="r", by=None, at=NOW)
    with pytest.raises(Refused, match="no such item"):
        appeals.assign(evidence.token, item=2, by=officer)
    with pytest.raises(Refused, match="was struck"):
        appeals.assign(struck.token, item=0, by=officer)
    over(appeal)
    with pytest.raises(Refused, match="withdrawn"):
        appeals.assign(evidence.token, item=0, by=officer)


def test_nobody_says_what_evidence_answers_who_decided_or_has_no_right_to() -> None:
    maker = make_user("supervisor")
    evidence = make_evidence(make_appeal(make_penalty(violation_code="V8", imposed_by=maker)))
    with pytest.raises(Refused, match="had a part"):
        appeals.assign(evidence.token, item=0, by=maker)
    with pytest.raises(NotAllowed):
        appeals.assign(evidence.token, item=0, by=make_user("auditor"))


# What PostgreSQL itself refuses


@pytest.mark.parametrize(
    "values",
    [
        {"sha256": "0" * 64},
        {"name": "other.jpg"},
        {"place": "x"},
        {"added_by": None, "size": 1},
        {"pages": 2},
        {"shown_sha256": ["0" * 64] * 2},
        {"shown_sha256": []},
    ],
    ids=str,
)
def test_evidence_is_never_replaced_by_sql(values: dict[str, Any]) -> None:
    evidence = make_evidence()
    with pytest.raises(IntegrityError), transaction.atomic():
        Evidence.objects.filter(pk=evidence.pk).update(**values)


def test_evidence_is_struck_once_by_sql_and_for_a_reason() -> None:
    rows = Evidence.objects.filter(pk=make_evidence().pk)
    with pytest.raises(IntegrityError, match="is_struck_for_a_reason"), transaction.atomic():
        rows.update(struck_at=NOW)
    rows.update(struck_at=NOW, struck_reason="r")
    with pytest.raises(IntegrityError, match="stays struck"), transaction.atomic():
        rows.update(struck_at=None, struck_reason="")


def test_evidence_comes_and_is_struck_by_sql_only_while_its_appeal_is_open() -> None:
    evidence = make_evidence()
    over(evidence.appeal)
    with pytest.raises(IntegrityError, match="it is over"), transaction.atomic():
        Evidence.objects.filter(pk=evidence.pk).update(struck_at=NOW, struck_reason="r")
    with pytest.raises(IntegrityError, match="it is over"), transaction.atomic():
        Evidence.objects.filter(pk=evidence.pk).update(item_en="a", item_zh="甲")
    with pytest.raises(IntegrityError, match="it is over"), transaction.atomic():
        Evidence.objects.create(appeal=evidence.appeal, kind="statement", text="t", added_at=NOW)


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "statement"},
        {"kind": "statement", "text": "t", "place": "p"},
        {"kind": "jpeg", "name": "n", "place": "p", "sha256": "0" * 64, "size": 0, "pages": 1},
        {"kind": "jpeg", "name": "n", "place": "p", "sha256": "x", "size": 1, "pages": 1},
        {"kind": "mp4", "name": "n", "place": "p", "sha256": "0" * 64, "size": 1, "pages": 1},
        {"kind": "html", "name": "n", "place": "p", "sha256": "0" * 64, "size": 1},
        {"kind": "statement", "text": "t", "item_en": "one language"},
        {"kind": "statement", "text": "t", "shown_sha256": ["0" * 64]},
    ],
    ids=str,
)
def test_half_a_record_is_refused_by_sql(values: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Evidence.objects.create(appeal=make_appeal(), added_at=NOW, **values)


@pytest.mark.parametrize("statement", ["DELETE FROM", "TRUNCATE"])
def test_nobody_takes_evidence_away(statement: str) -> None:
    make_evidence()
    with pytest.raises(Exception, match=r"permission denied|only ever added to"), transaction.atomic():
        connection.cursor().execute(f"{statement} opsdesk_evidence")
    assert Evidence.objects.exists()


# The store


def test_nothing_in_the_store_is_called_as_it_was_or_open_to_others() -> None:
    before = stored()
    evidence = make_evidence(name="张三身份证.jpg")
    new = stored() - before
    assert len(new) == 3
    assert all(path.stat().st_mode & 0o077 == 0 for path in new)
    assert all(evidence.place in str(path) and "身份证" not in str(path) for path in new)
    assert len(evidence.place.split("/")[1]) == 48


def test_what_gives_up_old_files_and_figures_leaves_evidence_alone() -> None:
    evidence = make_evidence()
    kept = stored()
    for path in kept:
        os.utime(path, (0, 0))
    with time_machine.travel(NOW + timedelta(days=365 * 20), tick=False):
        clear_away()
    jobs.forget_old_metrics()
    assert stored() == kept
    assert Evidence.objects.get() == evidence
