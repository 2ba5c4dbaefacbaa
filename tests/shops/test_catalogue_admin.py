"""The catalogue's pages: what follows, in both languages; editing with measures; earlier versions."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from shops import catalogue, versions
from shops.models import DefaultMeasure, Measure, Violation
from tests.clients import client_of
from tests.factories import make_penalty, make_user

pytestmark = pytest.mark.django_db


def entry(code: str) -> Violation:
    return Violation.objects.get(code=code)


def page_of(violation: Violation) -> str:
    return reverse("admin:shops_violation_change", args=[violation.pk])


def form_of(violation: Violation, *measures: dict[str, Any], **values: Any) -> dict[str, Any]:
    """The page's form as it stands, with these values; `measures` in place of those that stand."""
    told = {name: getattr(violation, name) for name in catalogue.FIELDS} | {
        "alliance": violation.alliance_id,
        "reason": "as agreed",
        "seen": catalogue.version_of(violation) if violation.pk else "",
        **values,
    }
    told |= {
        "default_measures-TOTAL_FORMS": len(measures),
        "default_measures-INITIAL_FORMS": sum("id" in measure for measure in measures),
    }
    for number, measure in enumerate(measures):
        told |= {f"default_measures-{number}-{name}": value for name, value in measure.items()}
    return {
        name: "on" if value is True else value
        for name, value in told.items()
        if value is not None and value is not False
    }


def row(measure: DefaultMeasure, **values: Any) -> dict[str, Any]:
    told = {name: getattr(measure, name) for name in catalogue.MEASURE_FIELDS if name != "amount_fen"}
    return {"id": measure.pk, **told, **values}


def test_a_reader_sees_what_follows_in_both_languages_and_writes_nothing() -> None:
    answer = client_of("operator").get(page_of(entry("V8")))
    shown = answer.content.decode()
    assert "4 points" in shown and "deduct from the deposit, how much is asked" in shown
    assert "4 分" in shown
    assert 'name="reason"' not in shown and 'name="_save"' not in shown


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_reader_reads_each_measure_once_and_in_words(language: str) -> None:
    page = client_of("operator", language).get(page_of(entry("V8"))).content.decode()
    assert "default_measures-" not in page
    assert "default_measures-" in client_of("supervisor", language).get(page_of(entry("V8"))).content.decode()


def test_the_ladder_is_a_table_of_its_steps() -> None:
    shown = client_of("auditor").get(page_of(entry("WS-V1"))).context
    assert [(step.from_case, step.in_english) for step in shown["ladder"]] == [
        (1, ["reduce the live room's traffic, until when is asked"]),
        (2, ["reduce the account's traffic, until when is asked"]),
        (3, ["restrict live selling, until when is asked"]),
    ]


def test_the_page_counts_the_penalties_under_the_entry() -> None:
    violation = entry("V9")
    for status in ("imposed", "imposed", "overturned"):
        make_penalty(violation_code="V9", status=status)
    make_penalty(violation_code="V8")
    shown = client_of("operator").get(page_of(violation)).context["penalties"]
    assert [(status, count) for status, _label, count in shown] == [("imposed", "2"), ("overturned", "1")]


def test_a_supervisor_changes_an_entry_with_its_measures() -> None:
    violation = entry("V8")
    points, deduction = violation.default_measures.all()
    client = client_of("supervisor")
    told = form_of(
        violation,
        row(points, points_most=8),
        row(deduction, DELETE="on"),
        {"from_case": 3, "kind": "top_up", "amount": "1234.56"},
        source="§2, §3",
        repeats_within_days=365,
    )
    answer = client.post(page_of(violation), told)
    assert answer.status_code == 302, answer.context["errors"]
    violation.refresh_from_db()
    assert (violation.source, violation.repeats_within_days) == ("§2, §3", 365)
    assert [
        (m.from_case, m.kind, m.points_least, m.points_most, m.amount_fen)
        for m in violation.default_measures.all()
    ] == [(1, "points", 4, 8, None), (3, "top_up", None, None, 123456)]
    newest = versions.versions_of(violation)[0]
    assert newest.reason == "as agreed" and newest.by is not None


def test_versions_stand_beside_each_other_with_what_differs() -> None:
    violation = entry("V8")
    catalogue.change(violation, values={"source": "§9"}, measures=[], by=None, reason="nothing follows")
    context = client_of("operator").get(page_of(violation)).context
    told = {str(name): cells for name, cells in context["differences"]}
    assert told["source"] == ["§9", "§2"]
    assert told["consequences"] == ["–", "4 points; deduct from the deposit, how much is asked"]
    assert "name in English" not in told


def test_a_new_entry_is_added_with_its_measures() -> None:
    client = client_of("supervisor")
    values = {"code": "V12", "group": "service", "name_en": "Late", "name_zh": "延迟", "source": "§1"}
    told = form_of(Violation(), {"from_case": 1, "kind": "suspend", "days": 7}, **values)
    answer = client.post(reverse("admin:shops_violation_add"), told)
    assert answer.status_code == 302, answer.context["errors"]
    [measure] = entry("V12").default_measures.all()
    assert (measure.kind, measure.days) == (Measure.Kind.SUSPEND, 7)
    assert len(versions.versions_of(entry("V12"))) == 1


def test_a_page_that_was_opened_before_somebody_elses_change_says_so_and_keeps_what_was_typed() -> None:
    violation = entry("V1")
    told = form_of(violation, source="§1")
    other = make_user("supervisor")
    catalogue.change(violation, values={"source": "§9"}, measures=[], by=other, reason="faster")
    answer = client_of("supervisor").post(page_of(violation), told)
    assert answer.status_code == 200
    assert other.username in answer.content.decode() and 'value="§1"' in answer.content.decode()
    assert entry("V1").source == "§9"


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        ({"from_case": 1, "kind": "suspend"}, "A suspension ends"),
        ({"from_case": 1, "kind": "deduct"}, "on what basis"),
        ({"from_case": 1, "kind": "deduct", "basis": "all", "amount": "5"}, "An amount above zero"),
        ({"from_case": 0, "kind": "warning"}, "counted from 1"),
        (
            {"from_case": 1, "kind": "points", "points_least": 5, "points_most": 2},
            "2) is less than the least (5)",
        ),
        ({"from_case": 1, "kind": "points", "points_least": 0, "points_most": 2}, "the least first"),
    ],
)
def test_what_contradicts_itself_is_said_beside_the_measure(measure: dict[str, Any], said: str) -> None:
    violation = entry("V1")
    answer = client_of("supervisor").post(page_of(violation), form_of(violation, measure))
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not violation.default_measures.exists()


def test_a_kind_that_stands_twice_in_a_step_is_said() -> None:
    violation = entry("V1")
    warning = {"from_case": 1, "kind": "warning"}
    answer = client_of("supervisor").post(page_of(violation), form_of(violation, warning, warning))
    assert answer.status_code == 200
    assert not violation.default_measures.exists()


def test_kinds_change_places_on_the_page() -> None:
    violation = entry("WS-V1")
    room, account, live = violation.default_measures.all()
    told = form_of(violation, row(room, kind=account.kind), row(account, kind=room.kind), row(live))
    answer = client_of("supervisor").post(page_of(violation), told)
    assert answer.status_code == 302, answer.context["errors"]
    assert [m.kind for m in violation.default_measures.all()] == [
        "reduce_account",
        "reduce_room",
        "restrict_live",
    ]


@pytest.mark.parametrize("role", ["operator", "rules_editor", "auditor"])
def test_nobody_but_supervisors_gets_the_form_through(role: str) -> None:
    violation = entry("V1")
    assert client_of(role).post(page_of(violation), form_of(violation, source="§9")).status_code == 403
    assert entry("V1").source == "§2"


@pytest.mark.parametrize(("language", "told"), [("en", "4 points"), ("zh-hans", "4 分")])
def test_the_list_and_its_export_tell_what_follows(language: str, told: str) -> None:
    client = client_of("supervisor", language)
    assert told in client.get(reverse("admin:shops_violation_changelist")).content.decode()


def test_old_versions_can_be_opened_one_by_one() -> None:
    violation = entry("V8")
    number = catalogue.version_of(violation)
    for role in ("auditor", "supervisor"):
        address = reverse("admin:shops_violation_simple_history", args=[violation.pk, number])
        assert client_of(role).get(address).status_code == 200
