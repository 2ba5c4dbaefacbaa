"""The page of a daily check: its figures, and what a supervisor does with one that is held."""

from __future__ import annotations

import pytest
from django.urls import reverse

from rules.models import Sweep
from tests.clients import client_of
from tests.factories import AT, DAY, DOUYIN, make_sweep, make_user

pytestmark = pytest.mark.django_db

BRAKES = [
    {"brake": "most_cleared", "observed": "0.4321", "limit": "0.1000"},
    {
        "brake": "largest_jump",
        "observed": "0.9000",
        "limit": "0.3000",
        "metric": "shop_score",
        "now": "0.44",
        "usual": "4.40",
    },
]


def held(**values) -> Sweep:
    return make_sweep(status="held", brakes=BRAKES, **values)


def page(sweep: Sweep, role: str = "supervisor", language: str = "en") -> str:
    return client_of(role, language).get(address(sweep, "change")).content.decode()


def address(sweep: Sweep, name: str) -> str:
    return reverse(f"admin:rules_sweep_{name}", args=[sweep.pk])


def test_a_held_check_shows_the_figures_with_their_limits_as_words_and_as_bars() -> None:
    text = page(held())
    assert "43.2 % of the shops that are in would be proposed to be cleared, above 10 %." in text
    assert "The median of shop score is 0.44; lately it was about 4.40" in text
    assert '<meter min="0" max="1" value="0.4321"' in text
    assert '<meter min="0" max="1" value="0.1000"' in text


def test_a_chinese_reader_learns_the_same_in_chinese() -> None:
    text = page(held(), language="zh-hans")
    assert "43.2 %" in text
    assert "would be proposed" not in text and "The median of" not in text


def test_only_who_may_release_is_offered_it() -> None:
    assert address(sweep := held(), "release") in page(sweep)
    assert address(sweep, "drop") not in page(sweep, "operator")


def test_a_check_that_is_done_offers_nothing_but_tells_why_it_was_released() -> None:
    sweep = make_sweep(brakes=BRAKES, ruled_at=AT, ruled_by=make_user("supervisor"), ruling="a real slump")
    text = page(sweep)
    assert "a real slump" in text
    assert address(sweep, "release") not in text


def test_the_page_tells_the_outcomes_of_each_rule() -> None:
    counts = {"holds": 11, "fails": 22, "exempt": 33, "no_data": 44}
    text = page(make_sweep(by_rule={"DF-C1": counts}, in_shadow={"clear": 5}))
    assert "".join(f"<td>{count}</td>" for count in counts.values()) in text
    assert "Rules in shadow mode would have filed:" in text


@pytest.mark.parametrize(("name", "status"), [("release", "waiting"), ("drop", "dropped")])
def test_a_supervisor_rules_on_a_held_check_with_a_reason(name: str, status: str) -> None:
    sweep, client = held(), client_of("supervisor")
    answer = client.post(address(sweep, name), {"reason": "the platform says so"})
    assert (answer.status_code, answer["Location"]) == (302, address(sweep, "change"))
    sweep.refresh_from_db()
    assert (sweep.status, sweep.ruling) == (status, "the platform says so")
    assert sweep.ruled_by is not None


@pytest.mark.parametrize("name", ["release", "drop"])
def test_what_is_wrong_is_answered_in_words_with_its_status(name: str) -> None:
    sweep, client = held(), client_of("supervisor")
    answer = client.post(address(sweep, name), {"reason": " "})
    assert answer.status_code == 400
    assert "Releasing or dropping a check takes a reason." in answer.content.decode()
    assert client_of("operator").post(address(sweep, name), {"reason": "yes"}).status_code == 403
    assert client.get(address(sweep, name)).status_code == 405
    assert client.post(f"/admin/rules/sweep/999999/{name}/", {"reason": "yes"}).status_code == 404
    make_sweep(day=DAY)
    answer = client.post(address(sweep, name), {"reason": "yes"})
    assert answer.status_code == 409
    assert "A newer check of this day exists" in answer.content.decode()


def test_the_home_page_tells_that_a_check_is_held_and_why() -> None:
    held(day=AT.date())
    text = client_of("supervisor").get("/admin/").content.decode()
    assert "This check is held and has filed nothing:" in text
    assert "43.2 % of the shops" in text
    assert "Release or drop it" in text
    assert "Release or drop it" not in client_of("operator").get("/admin/").content.decode()
    assert DOUYIN in text
