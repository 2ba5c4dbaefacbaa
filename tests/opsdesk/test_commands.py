"""The command line's contract: what goes to standard output, and the exit status."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils.timezone import localdate

from rules.models import Sweep, SweepInput
from tests.factories import (
    DAY,
    DOUYIN,
    WECHAT,
    make_enrollment,
    make_metrics,
    make_product,
    make_proposal,
    make_shop,
)
from tests.rules.test_products import listed

pytestmark = pytest.mark.django_db


def answer(*command: str) -> Any:
    """The JSON value of a command: exactly one, and nothing else on standard output."""
    out = StringIO()
    call_command(*command, "--json", stdout=out)
    return json.loads(out.getvalue())


def status_of(*command: str) -> int:
    try:
        call_command(*command, stdout=StringIO())
    except CommandError as error:
        return error.returncode
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_sweep_answers_with_its_counts() -> None:
    for score in ("3.49", "3.50", None):
        make_metrics(make_enrollment().shop, experience_score=score)
    value = answer("sweep", "--alliance", DOUYIN, "--day", DAY.isoformat())
    assert isinstance(value.pop("sweep"), int)
    assert float(value.pop("seconds")) >= 0
    assert value == {
        "alliance": DOUYIN,
        "day": DAY.isoformat(),
        "status": "done",
        "checked": 3,
        "failing": 1,
        "no_data": 1,
        "filed": 1,
        "withdrawn": 0,
        "already_open": 0,
        "by_kind": {"clear": 1},
    }


def test_sweep_again_files_nothing_and_says_how_many_are_open() -> None:
    make_metrics(make_enrollment().shop, experience_score="3.49")
    answer("sweep", "--alliance", DOUYIN)
    again = answer("sweep", "--alliance", DOUYIN)
    assert (again["filed"], again["already_open"], again["by_kind"]) == (0, 1, {})


def test_sweep_takes_the_newest_day_but_none_of_the_future() -> None:
    shop = make_enrollment().shop
    make_metrics(shop, DAY)
    make_metrics(shop, localdate() + timedelta(days=1))
    assert answer("sweep", "--alliance", DOUYIN)["day"] == DAY.isoformat()


def test_sweep_without_metrics_is_refused_with_status_1() -> None:
    assert status_of("sweep", "--alliance", DOUYIN) == 1


def test_a_refusal_is_one_json_value_too() -> None:
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("sweep", "--alliance", DOUYIN, "--json", stdout=out)
    assert list(json.loads(out.getvalue())) == ["refused"]


def test_an_unknown_alliance_is_bad_usage_with_status_2() -> None:
    assert status_of("sweep", "--alliance", "nowhere") == 2
    assert status_of("list_proposals", "--alliance", "nowhere") == 2


def test_check_shop_answers_every_rule_of_both_sets() -> None:
    shop = make_shop(code="S1")
    make_enrollment(shop, openings=2)
    make_metrics(shop, experience_score="3.49", shop_score="4.10")
    value = answer("check_shop", "S1", "--alliance", DOUYIN, "--day", DAY.isoformat())
    assert {key: value[key] for key in ("shop", "alliance", "day", "enrollment")} == {
        "shop": "S1",
        "alliance": DOUYIN,
        "day": DAY.isoformat(),
        "enrollment": "open",
    }
    admission, clearance = value["admission"], value["clearance"]
    assert (admission["version"], admission["holds"]) == (1, False)
    assert (clearance["version"], clearance["holds"]) == (1, False)
    assert [rule["code"] for rule in admission["rules"]] == [f"DF-A{n}" for n in range(1, 13)]
    assert [rule["code"] for rule in clearance["rules"]] == ["DF-C1", "DF-C2"]
    by_code = {rule["code"]: rule for rule in admission["rules"] + clearance["rules"]}
    assert by_code["DF-A5"] == {
        "code": "DF-A5",
        "metric": "shop_score",
        "observed": "4.10",
        "operator": ">",
        "threshold": "4.1",
        "outcome": "fails",
        "margin": "0",
        "advisory": False,
    }
    assert by_code["DF-A12"]["observed"] == 1
    assert (by_code["DF-A12"]["threshold"], by_code["DF-A12"]["margin"]) == (0, 1)
    assert (by_code["DF-A7"]["observed"], by_code["DF-A7"]["threshold"]) == (True, True)
    assert by_code["DF-A7"]["margin"] is None
    assert by_code["DF-A11"]["advisory"] is True
    assert (by_code["DF-C1"]["outcome"], by_code["DF-C1"]["margin"]) == ("fails", "-0.01")
    assert (by_code["DF-C2"]["outcome"], by_code["DF-C2"]["observed"]) == ("exempt", None)


def test_check_shop_says_none_for_no_score_yet_and_null_for_missing() -> None:
    make_metrics(make_shop(code="NEW"), shop_score=None, shop_score_none=True)
    make_metrics(make_shop(code="GAP"), shop_score=None)

    def observed(code: str) -> tuple[Any, str]:
        rules = answer("check_shop", code, "--alliance", WECHAT)["admission"]["rules"]
        rule = next(rule for rule in rules if rule["code"] == "WS-A3")
        return rule["observed"], rule["outcome"]

    assert observed("NEW") == ("none", "exempt")
    assert observed("GAP") == (None, "no_data")


def test_check_shop_of_a_shop_outside_the_alliance_has_no_enrollment() -> None:
    make_metrics(make_shop(code="OUT"))
    value = answer("check_shop", "OUT", "--alliance", WECHAT)
    assert (value["enrollment"], value["admission"]["holds"]) == (None, True)


def test_an_unknown_shop_is_bad_usage_with_status_2() -> None:
    assert status_of("check_shop", "NOBODY", "--alliance", DOUYIN) == 2


def test_list_proposals_answers_the_open_ones() -> None:
    proposal = make_proposal()
    make_proposal(status="withdrawn", closed_at="2026-03-11T00:00:00+08:00")
    assert answer("list_proposals", "--alliance", DOUYIN) == [
        {
            "id": proposal.pk,
            "shop": proposal.shop.code,
            "product": None,
            "kind": "clear",
            "ground": "metric",
            "status": "open",
            "filed_on": proposal.filed_on.isoformat(),
            "rules": ["DF-C1"],
        }
    ]


def test_list_proposals_by_status_and_kind() -> None:
    make_proposal(status="withdrawn", closed_at="2026-03-11T00:00:00+08:00")
    make_proposal(kind="admit")
    assert [p["status"] for p in answer("list_proposals", "--alliance", DOUYIN, "--status", "withdrawn")] == [
        "withdrawn"
    ]
    assert [p["kind"] for p in answer("list_proposals", "--alliance", DOUYIN, "--kind", "admit")] == ["admit"]
    assert answer("list_proposals", "--alliance", WECHAT) == []


def a_bad_morning() -> None:
    for number in range(20):
        make_metrics(make_enrollment().shop, experience_score="3.40" if number < 3 else "4.00")


def test_a_held_sweep_ends_with_status_1_and_tells_its_counts_and_why() -> None:
    a_bad_morning()
    out = StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("sweep", "--alliance", DOUYIN, "--json", stdout=out)
    value = json.loads(out.getvalue())
    assert end.value.code == 1
    assert {key: value[key] for key in ("status", "checked", "failing", "filed", "by_kind")} == {
        "status": "held",
        "checked": 20,
        "failing": 3,
        "filed": 0,
        "by_kind": {},
    }
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("sweep", "--alliance", DOUYIN, stdout=out)
    assert "15 % of the shops that are in would be proposed to be cleared, above 10 %." in out.getvalue()


def test_sweep_release_files_and_keeps_the_reason() -> None:
    a_bad_morning()
    value = answer("sweep", "--alliance", DOUYIN, "--release", "as announced")
    assert (value["status"], value["filed"]) == ("done", 3)
    sweep = Sweep.objects.get(pk=value["sweep"])
    assert (sweep.ruling, sweep.ruled_by) == ("as announced", None)


def test_sweep_release_changes_nothing_where_no_brake_trips() -> None:
    make_metrics(make_enrollment().shop, experience_score="3.40")
    value = answer("sweep", "--alliance", DOUYIN, "--release", "to be sure")
    assert (value["status"], value["filed"]) == ("done", 1)
    assert Sweep.objects.get().ruling == ""


def test_sweep_replay_says_identical_or_what_differs() -> None:
    make_metrics(make_enrollment().shop, experience_score="3.49")
    sweep = answer("sweep", "--alliance", DOUYIN)["sweep"]
    value = answer("sweep", "--replay", str(sweep))
    assert value == {
        "sweep": sweep,
        "alliance": DOUYIN,
        "day": DAY.isoformat(),
        "compared": 1,
        "identical": True,
        "differing": 0,
        "differences": [],
    }
    kept = SweepInput.objects.get()
    SweepInput.objects.create(
        sweep_id=sweep, shop=make_shop(code="S9"), inputs=kept.inputs, verdict={**kept.verdict, "due": ""}
    )
    assert status_of("sweep", "--replay", str(sweep)) == 1
    assert status_of("sweep", "--replay", "999999") == 2


@pytest.mark.parametrize("day", ["0001-01-01", "1999-12-31", "2101-01-01", "9999-12-31"])
@pytest.mark.parametrize("command", ["sweep", "check_shop"])
def test_a_day_that_nothing_could_be_reckoned_from_is_bad_usage(command: str, day: str) -> None:
    shop = make_enrollment().shop
    named = [shop.code] if command == "check_shop" else []
    arguments = [command, *named, "--alliance", DOUYIN, "--day", day]
    with pytest.raises(CommandError, match="name a day from 2000-01-01 to 2100-12-31"):
        call_command(*arguments)


def test_sweep_replay_names_the_product_that_differs() -> None:
    listing = listed("applied", settled_orders=29)
    sweep = answer("sweep", "--alliance", WECHAT)["sweep"]
    kept = SweepInput.objects.get(product=listing.product)
    other = make_product(listing.product.shop, code="G9")
    SweepInput.objects.create(
        sweep_id=sweep, shop=kept.shop, product=other, inputs=kept.inputs, verdict={**kept.verdict, "due": ""}
    )
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("sweep", "--replay", str(sweep), stdout=out)
    assert f"{kept.shop.code}, product G9: then" in out.getvalue()
