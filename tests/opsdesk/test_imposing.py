"""A penalty in the browser's forms: chosen, looked at as a whole, imposed once and as it was looked at."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from opsdesk import review
from rules import casework
from rules.models import Proposal
from shops import catalogue, penalties, points, standing
from shops.accounts import balance_of
from shops.models import Alliance, Enrollment, Measure, Penalty, PointsThreshold, Shop, Violation
from tests.clients import client_of
from tests.factories import (
    AT,
    DOUYIN,
    WECHAT,
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


def test_earlier_penalties_for_the_same_violation_are_shown() -> None:
    earlier = make_penalty(violation_code="V8")
    page = client_of("operator").get(address(earlier.shop, "V8")).content.decode()
    assert earlier.case_number in page
    assert "case 2 of this violation" in page


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
