"""A penalty in the browser's forms: chosen, looked at as a whole, imposed once, taken back in part or all."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from opsdesk import appeals, penalising, review
from rules import casework
from rules.models import Proposal
from shops import catalogue, penalties, points, standing
from shops.accounts import balance_of
from shops.errors import Refused
from shops.models import (
    Alliance,
    Closure,
    DefaultMeasure,
    Enrollment,
    Measure,
    Penalty,
    PointsThreshold,
    Shop,
    Violation,
)
from tests.clients import client_of
from tests.factories import (
    AT,
    DOUYIN,
    WECHAT,
    make_appeal,
    make_cleared_and_warned,
    make_controller,
    make_enrollment,
    make_imposed,
    make_listing,
    make_penalty,
    make_product,
    make_shop,
    make_user,
)
from tests.shops.accounting import paid_in

pytestmark = pytest.mark.django_db


def address(shop: Shop, code: str = "") -> str:
    page = reverse("admin:shops_shop_penalise", args=[shop.pk])
    return f"{page}?violation={Violation.objects.get(code=code).pk}" if code else page


def fields_of(page: str) -> dict[str, Any]:
    """What a browser would send of the page's form, as it stands."""
    sent: dict[str, Any] = {}
    form = page[page.index('<form method="post" novalidate') :]
    for tag in re.findall(r"<input[^>]*>", form):
        found = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if "name" not in found or found.get("type") in ("submit", "button"):
            continue
        if found.get("type") == "checkbox":
            if "checked" in tag:
                sent.setdefault(found["name"], []).append(found.get("value", "on"))
        elif found.get("value"):
            sent[found["name"]] = found["value"]
    for name, inner in re.findall(r'<select name="([^"]+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'<option value="([^"]*)" selected', inner)
        sent[name] = chosen[1] if chosen else ""
    return sent


def looked_at(client: Client, where: str, **said: Any) -> tuple[str, dict[str, Any]]:
    """The page with the whole effect, and what its form would send."""
    said = fields_of(client.get(where).content.decode()) | {"reason": "as found", **said}
    page = client.post(where, said | {"look": "1"}).content.decode()
    return page, fields_of(page) | {"reason": "as found"}


def test_the_page_asks_first_which_violation() -> None:
    page = client_of("operator").get(address(make_shop())).content.decode()
    assert all(code in page for code in ("V8", "WS-V5"))


def test_v4_is_imposed_with_exactly_its_consequences_after_its_whole_effect_was_shown() -> None:
    enrollment = make_enrollment()
    shop = enrollment.shop
    paid_in(shop, 123_400)
    client = client_of("operator")
    page, said = looked_at(client, address(shop, "V4"))
    for told in ("Close the shop for good", "Deduct the whole deposit", "¥1,234.00 → ¥0.00"):
        assert told in page
    assert not Penalty.objects.exists()
    answer = client.post(address(shop, "V4"), said | {"impose": "1"})
    penalty = Penalty.objects.get()
    assert answer["Location"] == reverse("admin:shops_penalty_change", args=[penalty.pk])
    assert sorted(penalty.measures.values_list("kind", flat=True)) == ["clear", "close", "deduct"]
    assert (balance_of(shop), Enrollment.objects.get().state) == (0, "cleared")


def test_sent_twice_it_is_imposed_once() -> None:
    shop, client = make_shop(), client_of("operator")
    _page, said = looked_at(client, address(shop, "V8"), **{"deduct-amount": "100"})
    answers = [client.post(address(shop, "V8"), said | {"impose": "1"}) for _ in range(2)]
    where = reverse("admin:shops_penalty_change", args=[Penalty.objects.get().pk])
    assert [answer.headers.get("Location") for answer in answers] == [where, where]
    assert points.standing_points(shop, None, timezone.now()) == 4


def test_what_was_changed_since_it_was_looked_at_is_shown_again_and_not_imposed() -> None:
    shop, client = make_shop(), client_of("operator")
    _page, said = looked_at(client, address(shop, "V8"), **{"deduct-amount": "100"})
    page = client.post(address(shop, "V8"), said | {"impose": "1", "deduct-amount": "900"}).content.decode()
    assert "Deduct ¥900.00" in page
    assert "Nothing was imposed: something has changed since you looked" in page
    assert not Penalty.objects.exists()
    # That effect was looked at now.
    client.post(address(shop, "V8"), fields_of(page) | {"reason": "as found", "impose": "1"})
    assert Penalty.objects.get().measures.get(kind="deduct").amount_fen == 90_000


def test_a_proposal_that_somebody_has_decided_leads_back_to_what_became_of_it() -> None:
    case = make_penalty(make_shop(), violation_code="V8", status="reported")
    casework.file_from_facts(at=AT)
    proposal = Proposal.objects.get()
    review.reject(proposal.pk, by=make_user("operator"), reason="judgement", at=AT)
    client = client_of("operator")
    answer = client.get(f"{address(case.shop)}?proposal={proposal.pk}", follow=True)
    assert answer.redirect_chain == [(reverse("admin:rules_proposal_change", args=[proposal.pk]), 302)]
    assert f"Proposal {proposal.pk} is rejected: nothing is imposed by it." in answer.content.decode()


def made_serious(shop: Shop) -> None:
    violation = Violation.objects.get(code="V8")
    values = {"serious": True, "bars_controller": True}
    told = list(violation.default_measures.all())
    catalogue.change(violation, values=values, measures=told, by=None, reason="stricter")


def worded_anew(shop: Shop) -> None:
    violation = Violation.objects.get(code="V8")
    told = list(violation.default_measures.all())
    catalogue.change(violation, values={"source": "§9"}, measures=told, by=None, reason="moved")


def penalised_meanwhile(shop: Shop) -> None:
    make_imposed(shop, Measure(kind="warning"), at=timezone.now())


@pytest.mark.parametrize(
    ("happened", "told"),
    [
        (made_serious, "Serious: the shop is never taken back (CL-1)."),
        (made_serious, "other shops are barred as well (R6):"),
        (worded_anew, "Impose it"),
        (penalised_meanwhile, "case 2 of this violation"),
    ],
)
def test_what_became_something_else_since_is_shown_again_and_not_imposed(
    happened: Callable[[Shop], None], told: str
) -> None:
    shop, client = make_shop(controller=make_controller()), client_of("operator")
    make_shop(controller=shop.controller)
    _page, said = looked_at(client, address(shop, "V8"), **{"deduct-amount": "100"})
    happened(shop)
    page = client.post(address(shop, "V8"), said | {"impose": "1"}).content.decode()
    assert told in page
    assert not Measure.objects.filter(kind="points").exists()
    client.post(address(shop, "V8"), fields_of(page) | {"reason": "as found", "impose": "1"})
    assert Measure.objects.filter(kind="points").exists()


@pytest.mark.parametrize("reached", [False, True])
def test_so_is_whom_it_would_reach(reached: bool) -> None:
    """Another shop of the controller, or where one is open: either is barred, or proposed to be cleared."""
    shop, client = make_shop(controller=make_controller()), client_of("operator")
    other = make_shop(controller=shop.controller)
    _page, said = looked_at(client, address(shop, "V4"))
    if reached:
        make_enrollment(other)
    else:
        other = make_shop(controller=shop.controller)
    page = client.post(address(shop, "V4"), said | {"impose": "1"}).content.decode()
    assert ("Proposed to be cleared:" in page) == reached and str(other) in page
    assert not Penalty.objects.exists()


def test_a_form_that_was_changed_after_it_was_imposed_says_so() -> None:
    shop, client = make_shop(), client_of("operator")
    _page, said = looked_at(client, address(shop, "V8"), **{"deduct-amount": "100"})
    client.post(address(shop, "V8"), said | {"impose": "1"})
    page = client.post(address(shop, "V8"), said | {"deduct-amount": "900", "look": "1"}).content.decode()
    again = fields_of(page) | {"reason": "as found", "impose": "1"}
    assert "Something else was imposed" in client.post(address(shop, "V8"), again).content.decode()
    assert Penalty.objects.count() == 1


def test_a_key_that_no_database_holds_is_read_without_what_it_cannot_hold() -> None:
    shop, client = make_shop(), client_of("operator")
    _page, said = looked_at(client, address(shop, "V8"), **{"deduct-amount": "100"})
    client.post(address(shop, "V8"), said | {"impose": "1", "key": "a\x00b"})
    assert Penalty.objects.get().key == "ab"


def test_what_the_catalogue_leaves_open_has_to_be_said_before() -> None:
    shop, client = make_shop(), client_of("operator")
    page, said = looked_at(client, address(shop, "V8"))
    assert "still to be said: amount" in page
    assert 'name="impose"' not in page
    client.post(address(shop, "V8"), said | {"impose": "1"})
    assert not Penalty.objects.exists()


@pytest.mark.parametrize(("points_given", "refused"), [(3, True), (4, False), (5, True)])
def test_other_points_than_the_catalogue_gives_are_refused_beside_the_field(points_given, refused) -> None:
    shop, client = make_shop(), client_of("operator")
    page, said = looked_at(
        client, address(shop, "V8"), **{"deduct-amount": "100", "points-points": str(points_given)}
    )
    assert ("The catalogue gives 4 points for this violation" in page) == refused
    client.post(address(shop, "V8"), said | {"impose": "1"})
    assert Penalty.objects.exists() != refused


def test_points_within_the_catalogues_range_are_free_to_choose() -> None:
    shop, client = make_shop(), client_of("operator")
    DefaultMeasure.objects.create(
        violation=Violation.objects.get(code="V7"), kind="points", points_least=2, points_most=6, position=0
    )
    page, _said = looked_at(client, address(shop, "V7"), **{"points-points": "7"})
    assert "The catalogue gives from 2 to 6 points for this violation." in page
    _page, said = looked_at(client, address(shop, "V7"), **{"points-points": "6"})
    client.post(address(shop, "V7"), said | {"impose": "1"})
    assert points.standing_points(shop, None, timezone.now()) == 6


def test_the_verb_refuses_them_as_well() -> None:
    with pytest.raises(Refused, match="gives 4 points"):
        penalising.impose(
            shop=make_shop(),
            violation=Violation.objects.get(code="V8"),
            measures=[Measure(kind="points", points=5)],
            reason="as found",
            by=None,
            at=AT,
            key="k",
        )


@pytest.mark.parametrize(("language", "told"), [("en", "say until when"), ("zh-hans", "请说明到何时为止")])
def test_an_end_that_the_catalogue_leaves_open_is_asked_beside_its_field(language: str, told: str) -> None:
    shop, client = make_shop(), client_of("operator", language)
    page, said = looked_at(client, address(shop, "WS-V1"))
    [field] = re.findall(r'<div class="[^"]*asked">(?:(?!</div>).)*name="reduce_room-ends_at"', page, re.S)
    assert "errorlist" in field and told in field
    client.post(address(shop, "WS-V1"), said | {"impose": "1"})
    assert not Penalty.objects.exists()
    until = (timezone.localtime() + timedelta(days=7)).replace(microsecond=0)
    _page, said = looked_at(
        client, address(shop, "WS-V1"), **{"reduce_room-ends_at": f"{until:%Y-%m-%dT%H:%M:%S}"}
    )
    client.post(address(shop, "WS-V1"), said | {"impose": "1"})
    assert Measure.objects.get().ends_at == until


def test_of_a_heavier_step_of_the_ladder_the_end_is_asked_as_well() -> None:
    shop, client = make_shop(), client_of("operator")
    page, _said = looked_at(client, address(shop, "WS-V1"), **{"restrict_live-taken": "on"})
    [field] = re.findall(r'<div class="[^"]*asked">(?:(?!</div>).)*name="restrict_live-ends_at"', page, re.S)
    assert "errorlist" in field and "say until when" in field


def test_what_a_person_adds_may_stand_until_its_penalty_is_lifted() -> None:
    shop, client = make_shop(), client_of("operator")
    _page, said = looked_at(client, address(shop, "V1"), **{"restrict_live-taken": "on"})
    client.post(address(shop, "V1"), said | {"impose": "1"})
    assert Measure.objects.get().ends_at is None


def test_earlier_penalties_for_the_same_violation_are_shown() -> None:
    earlier = make_penalty(violation_code="V8")
    page = client_of("operator").get(address(earlier.shop, "V8")).content.decode()
    assert earlier.case_number in page
    assert "case 2 of this violation" in page


def test_a_suspension_that_is_over_before_it_begins_is_refused_on_the_page() -> None:
    shop, client = make_shop(), client_of("operator")
    page, _said = looked_at(
        client,
        address(shop, "V1"),
        **{"suspend-taken": "on", "suspend-ends_at": "2020-01-01T00:00:00"},
    )
    assert "That moment is over." in page


def test_so_is_one_until_a_year_that_nobody_means() -> None:
    page, _said = looked_at(
        client_of("operator"),
        address(make_shop(), "V1"),
        **{"suspend-taken": "on", "suspend-ends_at": "9999-12-31T23:59"},
    )
    assert "Name a day from" in page


def test_a_reported_case_leads_to_its_proposal_and_says_how_it_goes_on() -> None:
    case = make_penalty(violation_code="V8", status="reported")
    where = reverse("admin:shops_penalty_change", args=[case.pk])
    assert "files a proposal to penalise it" in client_of("operator").get(where).content.decode()
    casework.file_from_facts(at=AT)
    proposal = reverse("admin:rules_proposal_change", args=[Proposal.objects.get().pk])
    assert f'href="{proposal}"' in client_of("operator").get(where).content.decode()
    penalties.dismiss(case, by=None, at=AT, reason="unfounded")
    assert "to penalise it" not in client_of("operator").get(where).content.decode()


def test_a_reported_case_is_imposed_from_its_proposal() -> None:
    case = make_penalty(violation_code="V8", status="reported")
    casework.file_from_facts(at=AT)
    proposal = Proposal.objects.get()
    client = client_of("operator")
    where = f"{address(case.shop)}?proposal={proposal.pk}"
    assert where in client.get(reverse("admin:rules_proposal_change", args=[proposal.pk])).content.decode()
    _page, said = looked_at(client, where, **{"deduct-amount": "100"})
    client.post(where, said | {"impose": "1"})
    case.refresh_from_db()
    proposal.refresh_from_db()
    assert (case.status, proposal.status, proposal.penalty) == ("imposed", "accepted", case)


def test_what_a_case_is_about_is_shown_and_not_asked_where_its_proposal_is_accepted() -> None:
    shop = make_shop()
    own, other = make_product(shop), make_product(shop)
    douyin, wechat = Alliance.objects.get(code=DOUYIN), Alliance.objects.get(code=WECHAT)
    make_penalty(shop, violation_code="V1", status="reported", product=own, alliance=douyin)
    casework.file_from_facts(at=AT)
    client, where = client_of("operator"), f"{address(shop)}?proposal={Proposal.objects.get().pk}"
    fields = re.findall(r"<(?:input|select)[^>]*>", client.get(where).content.decode())
    [alliance, product] = [one for one in fields if 'name="alliance"' in one or 'name="product"' in one]
    assert "disabled" in alliance and f'value="{own.code}"' in product and "disabled" in product
    said = {"alliance": str(wechat.pk), "product": other.code}
    _page, sent = looked_at(client, where, **said, **{"warning-taken": "on"})
    client.post(where, sent | said | {"impose": "1"})
    penalty = Penalty.objects.get()
    assert (penalty.status, penalty.alliance, penalty.product) == ("imposed", douyin, own)


def test_nothing_is_promised_of_a_product_that_the_case_does_not_name() -> None:
    shop = make_shop()
    listing = make_listing(make_product(shop), DOUYIN)
    make_penalty(shop, violation_code="V1", status="reported", alliance=listing.alliance)
    casework.file_from_facts(at=AT)
    where = f"{address(shop)}?proposal={Proposal.objects.get().pk}"
    page, _sent = looked_at(
        client_of("operator"), where, **{"product": listing.product.code, "stop-taken": "on"}
    )
    assert "still to be said: product" in page
    assert "Impose it" not in page


def test_points_that_reached_a_threshold_are_penalised_by_what_it_proposes() -> None:
    shop = make_shop()
    PointsThreshold.objects.create(points=4, kinds=["suspend"], days=7)
    make_imposed(shop, Measure(kind="points", points=4), at=timezone.now())
    casework.file_from_facts(at=timezone.now())
    where = f"{address(shop)}?proposal={Proposal.objects.get().pk}"
    client = client_of("operator")
    page, said = looked_at(client, where)
    assert "4 standing points reached" in page
    client.post(where, said | {"impose": "1"})
    assert standing.standing(shop, timezone.now()).status == "suspended"


# A penalty's own page


def test_a_penalty_that_stands_has_a_dash_where_its_end_would_be_explained() -> None:
    page = client_of("auditor").get(reverse("admin:shops_penalty_change", args=[make_penalty().pk]))
    shown = re.search(r'field-ended_why.*?<div class="readonly">(.*?)</div>', page.content.decode(), re.S)
    assert shown is not None and shown[1].strip() == "–"


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
    assert f"{shop.name[:16]}" in drawn.rsplit("<svg", 1)[1]
    assert f">{shop.code}</a></th><td>{shop.name}</td>" in listed and standing in listed


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
