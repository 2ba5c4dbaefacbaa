"""A penalty's own page, on which it is taken back in part or all, and what its shop's pages tell of it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from opsdesk import appeals
from shops import penalties, standing
from shops.accounts import balance_of
from shops.models import Closure, Enrollment, Measure, Penalty, PointsThreshold
from tests.clients import client_of
from tests.factories import (
    AT,
    make_appeal,
    make_cleared_and_warned,
    make_controller,
    make_enrollment,
    make_imposed,
    make_penalty,
    make_shop,
)
from tests.shops.accounting import paid_in

pytestmark = pytest.mark.django_db

# A penalty's own page


def fields_of(penalty: Penalty) -> dict[str, str]:
    """What its page lists, by the fields' names."""
    page = client_of("auditor").get(reverse("admin:shops_penalty_change", args=[penalty.pk])).content.decode()
    return dict(re.findall(r'form-row field-(\w+)".*?<div class="readonly">(.*?)</div>', page, re.S))


def test_a_penaltys_page_lists_what_is_known_of_it_and_no_more() -> None:
    penalty = make_penalty()
    assert not {"ended", "ended_why", "stayed_at", "product", "confirmed_by"} & fields_of(penalty).keys()
    penalties.overturn(penalty, by=None, at=AT, reason="it was wrong")
    told = fields_of(penalty)
    assert (told["ended"], told["ended_why"]) == ("11 Mar 2026, 09:30", "it was wrong")


def test_what_ran_out_ended_then_however_late_that_was_found() -> None:
    end = AT + timedelta(days=9)
    penalty = make_imposed(make_shop(), Measure(kind="suspend", ends_at=end))
    penalties.run_timers(end + timedelta(days=30))
    assert fields_of(penalty)["ended"] == "20 Mar 2026, 09:30, recorded on 19 Apr 2026, 09:30"


def test_a_penaltys_page_begins_with_what_it_does() -> None:
    penalty = imposed()
    page = client_of("auditor").get(reverse("admin:shops_penalty_change", args=[penalty.pk])).content.decode()
    heading = re.sub(r"<[^>]+>", "", page.split("<h1>")[1].split("</h1>")[0])
    assert heading == f"imposed {penalty.case_number} · {penalty.shop.name} {penalty.shop.code}"
    assert page.index('id="measures"') < page.index('id="course"') < page.index("form-row field-case")


def test_what_is_refused_while_an_appeal_is_heard_is_not_offered() -> None:
    penalty = make_cleared_and_warned()
    offered = [reverse(f"admin:shops_penalty_{step}", args=[penalty.pk]) for step in ("overturn", "undo")]
    page = reverse("admin:shops_penalty_change", args=[penalty.pk])
    client = client_of("supervisor")
    assert all(address in client.get(page).content.decode() for address in offered)
    appeal = make_appeal(penalty)
    assert not any(address in client.get(page).content.decode() for address in offered)
    appeals.withdraw(appeal.pk, reason="rang", by=None, at=appeal.filed_at)
    assert all(address in client.get(page).content.decode() for address in offered)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("reported", "无：尚未作出决定。"),
        ("dismissed", "无：案件已驳回。"),
        ("imposed", "无：本台无需执行任何措施。"),
    ],
)
def test_a_penalty_without_measures_says_why_it_has_none(status: str, words: str) -> None:
    began = "imposed" if status == "imposed" else "reported"
    penalty = make_penalty(violation_code="V8", status=began)
    if status == "dismissed":
        penalties.dismiss(penalty, by=None, at=AT, reason="unfounded")
    page = client_of("auditor", "zh-hans").get(reverse("admin:shops_penalty_change", args=[penalty.pk]))
    shown = re.findall("无：[^<]+", page.content.decode())
    assert shown == [words]


def imposed() -> Penalty:
    shop = make_shop()
    paid_in(shop, 10_000)
    return make_imposed(
        shop,
        Measure(kind="deduct", basis="fixed", amount_fen=10_000),
        Measure(kind="suspend", ends_at=timezone.now() + timedelta(days=5)),
    )


def test_a_penaltys_page_tells_what_each_measure_does_today_and_its_course() -> None:
    penalty = imposed()
    page = client_of("supervisor").get(reverse("admin:shops_penalty_change", args=[penalty.pk]))
    text = page.content.decode()
    for told in ("Deducted ¥100.00 from the deposit", "The shop is suspended until", "stands", "imposed"):
        assert told in text


def test_why_a_penalty_ended_by_itself_is_told_in_chinese() -> None:
    at = timezone.now() - timedelta(days=3)
    penalty = make_imposed(
        make_shop(), Measure(kind="suspend", ends_at=at + timedelta(days=1)), ground="judgement", at=at
    )
    penalties.run_timers(timezone.now())
    where = reverse("admin:shops_penalty_change", args=[penalty.pk])
    assert "its time is over" not in client_of("operator", "zh-hans").get(where).content.decode()


def test_a_part_is_taken_back_on_its_page() -> None:
    penalty = imposed()
    where = reverse("admin:shops_penalty_undo", args=[penalty.pk])
    client = client_of("appeals_officer")
    [deduct] = penalty.measures.filter(kind="deduct")
    client.post(where, {"measures": [deduct.pk], "reason": "the amount was wrong"})
    assert balance_of(penalty.shop) == 10_000
    assert standing.standing(penalty.shop, timezone.now()).status == "suspended"


def test_overturning_is_for_those_who_may() -> None:
    penalty = imposed()
    where = reverse("admin:shops_penalty_overturn", args=[penalty.pk])
    assert client_of("operator").post(where, {"reason": "x"}).status_code == 403
    client_of("appeals_officer").post(where, {"reason": "granted"})
    penalty.refresh_from_db()
    assert (penalty.status, balance_of(penalty.shop)) == ("overturned", 10_000)


# A shop's page


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_shops_page_tells_its_standing_in_both_languages(language: str) -> None:
    penalty = imposed()
    page = client_of("auditor", language).get(reverse("admin:shops_shop_change", args=[penalty.shop.pk]))
    text = page.content.decode()
    assert penalty.case_number in text
    assert ("suspended" if language == "en" else "已封禁") in text


def test_the_list_of_shops_shows_their_standing() -> None:
    imposed()
    text = client_of("auditor").get(reverse("admin:shops_shop_changelist")).content.decode()
    assert "pill-suspended" in text


def test_a_shop_closes_and_returns_on_its_page_with_each_refusal_told() -> None:
    enrollment = make_enrollment()
    shop = enrollment.shop
    client = client_of("operator")
    client.post(reverse("admin:shops_shop_close", args=[shop.pk]), {"reason": "stops trading"})
    assert Enrollment.objects.get().state == "left"
    assert Closure.objects.get().returned_at is None
    page = client.post(reverse("admin:shops_shop_return", args=[shop.pk]), {"reason": "back"})
    assert "(CL-2)" in page.content.decode()


def test_a_shop_leaves_an_alliance_on_its_enrollments_page() -> None:
    enrollment = make_enrollment()
    where = reverse("admin:shops_enrollment_leave", args=[enrollment.pk])
    client_of("operator").post(where, {"reason": "by mail"})
    assert Enrollment.objects.get().state == "left"


def test_the_controllers_page_draws_what_bars_whom() -> None:
    controller = make_controller()
    offender, other = (make_shop(controller=controller) for _ in range(2))
    case = make_penalty(offender, violation_code="V4")
    page = client_of("auditor").get(reverse("admin:shops_controller_change", args=[controller.pk]))
    text = page.content.decode()
    assert f"{offender} → {other}" in text
    assert case.case_number in text


@pytest.mark.parametrize(("language", "standing"), [("en", "closed"), ("zh-hans", "已关店")])
def test_the_controllers_page_lists_its_shops_by_name_with_what_they_may_do(
    language: str, standing: str
) -> None:
    controller = make_controller()
    shop = make_shop(controller=controller, name="一家名字很长很长很长很长很长的旗舰店", status="closed")
    page = client_of("auditor", language).get(reverse("admin:shops_controller_change", args=[controller.pk]))
    drawn, listed = page.content.decode().split("<table", 1)
    assert f"{shop.name[:12]}" in drawn.rsplit("<svg", 1)[1]
    assert f">{shop.code}</a></th><td>{shop.name}</td>" in listed and standing in listed


def test_the_controllers_page_says_of_each_shop_which_case_of_another_bars_it() -> None:
    controller = make_controller()
    offender, _other = (make_shop(controller=controller, code=code) for code in ("A1", "A2"))
    case = make_penalty(offender, violation_code="V4")
    page = client_of("auditor").get(reverse("admin:shops_controller_change", args=[controller.pk]))
    rows = page.content.decode().split("<tbody>")[1].split("</tbody>")[0].split("</tr>")
    assert [case.case_number in row for row in rows[:2]] == [False, True]


def test_the_home_page_reminds_of_what_ends_soon() -> None:
    penalty = imposed()
    text = client_of("operator").get(reverse("admin:index")).content.decode()
    assert "Ends soon" in text
    assert str(penalty.shop) in text


def test_a_supervisor_sets_thresholds() -> None:
    client = client_of("supervisor")
    said = {"alliance": "", "points": "12", "kinds": ["suspend"], "days": "7"}
    client.post(reverse("admin:shops_pointsthreshold_add"), said)
    assert PointsThreshold.objects.get().kinds == ["suspend"]
    refused = client.post(reverse("admin:shops_pointsthreshold_add"), said | {"points": "20", "days": ""})
    assert "A suspension states how many days it lasts." in refused.content.decode()
