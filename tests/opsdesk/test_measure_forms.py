"""The page on which a penalty is imposed: nothing that was typed is dropped, nothing that follows unsaid."""

from __future__ import annotations

import re
from decimal import Decimal
from html import unescape

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.urls import reverse

from opsdesk import penalising
from opsdesk.models import Decision
from rules import casework
from rules.models import Proposal
from shops import measures as effects
from shops.errors import Refused
from shops.models import DefaultMeasure, Measure, Penalty, PointsThreshold, Shop, Violation
from tests.clients import client_of
from tests.factories import AT, make_enrollment, make_imposed, make_penalty, make_shop
from tests.opsdesk.test_imposing import address, fields_of, looked_at
from tests.shops.accounting import paid_in

pytestmark = pytest.mark.django_db


def field(page: str, name: str) -> str:
    """What the page has above that field's control, in its own row."""
    rows = re.split(r'<div class="(?:errors )?asked">', page)
    [row] = [row for row in rows if re.search(rf'name="{name}"', row.split("</div>")[0])]
    return unescape(row.split("</div>")[0])


def imposed(shop: Shop, code: str, *measures: Measure) -> Penalty:
    """By the verb, past the page."""
    return penalising.impose(
        shop=shop,
        violation=Violation.objects.get(code=code),
        measures=list(measures),
        reason="as found",
        by=None,
        at=AT,
        key="k",
    )


# What Enter presses


def test_the_first_button_of_the_form_looks_and_imposes_nothing() -> None:
    shop, client = make_shop(), client_of("operator")
    page, _said = looked_at(client, address(shop, "V8"), **{"deduct-amount": "100"})
    form = page[page.index('<form method="post" novalidate') :]
    first = re.search(r'<(?:input[^>]*type="submit"|button)[^>]*>', form)
    assert first is not None and 'name="look"' in first[0]
    assert 'name="impose"' in form


# What was typed


@pytest.mark.parametrize(
    ("typed", "at", "told"),
    [
        ({"points-points": "5"}, "points-points", "“points” isn't ticked"),
        ({"deduct-amount": "100"}, "deduct-amount", "“deduct from the deposit” isn't ticked"),
        ({"top_up-amount": "100"}, "top_up-amount", "“demand a top-up” isn't ticked"),
        ({"score-score": "0.3"}, "score-score", "“deduct experience score” isn't ticked"),
        ({"suspend-ends_at": "2030-01-01T00:00"}, "suspend-ends_at", "“suspend the shop” isn't ticked"),
    ],
)
def test_what_is_typed_beside_a_box_that_is_not_ticked_is_refused_at_its_field(
    typed: dict[str, str], at: str, told: str
) -> None:
    page, _said = looked_at(
        client_of("operator"), address(make_shop(), "V1"), **{"warning-taken": "on"}, **typed
    )
    assert told in field(page, at)
    assert 'id="effect"' not in page


@pytest.mark.parametrize(
    ("basis", "typed", "told"),
    [
        ("all", "amount", "An amount doesn't go with “the whole balance”"),
        ("share", "amount", "An amount doesn't go with “a share of the balance”"),
        ("all", "percent", "A share doesn't go with “the whole balance”"),
        ("fixed", "percent", "A share doesn't go with “a fixed sum”"),
        ("actual_loss", "percent", "A share doesn't go with “the actual loss”"),
    ],
)
def test_a_sum_that_does_not_go_with_how_it_is_deducted_is_refused_at_its_field(
    basis: str, typed: str, told: str
) -> None:
    said = {"deduct-taken": "on", "deduct-basis": basis, f"deduct-{typed}": "50"}
    page, _said = looked_at(client_of("operator"), address(make_shop(), "V1"), **said)
    assert told in field(page, f"deduct-{typed}")
    assert 'id="effect"' not in page


@pytest.mark.parametrize("name", ["deduct-amount", "deduct-percent", "top_up-amount", "score-score"])
def test_nothing_at_all_is_not_taken_for_a_sum_that_is_still_to_be_said(name: str) -> None:
    kind = name.split("-")[0]
    basis = "share" if name == "deduct-percent" else "fixed"
    said = {f"{kind}-taken": "on", "deduct-basis": basis, name: "0"}
    page, _said = looked_at(client_of("operator"), address(make_shop(), "V1"), **said)
    assert "errorlist" in field(page, name)


def test_so_says_the_page_in_chinese() -> None:
    said = {"deduct-amount": "100", "deduct-basis": "all"}
    page, _said = looked_at(client_of("operator", "zh-hans"), address(make_shop(), "V4"), **said)
    assert "金额不适用于“全部余额”：请清空此项，或改选“固定金额”。" in field(page, "deduct-amount")


# What the catalogue gives


def test_what_follows_by_itself_and_is_left_out_is_told_before_it_is_imposed() -> None:
    enrollment = make_enrollment()
    paid_in(enrollment.shop, 100_00)
    client = client_of("operator")
    where = address(enrollment.shop, "V4")
    said = fields_of(client.get(where).content.decode()) | {"reason": "as found"}
    assert "The catalogue also gives:" not in client.post(where, said | {"look": "1"}).content.decode()
    mild = {name: value for name, value in said.items() if name not in ("close-taken", "deduct-taken")}
    page = client.post(where, mild | {"look": "1", "warning-taken": "on"}).content.decode()
    [left_out] = re.findall(r"The catalogue also gives:</p><ul>(.*?)</ul>", page)
    assert left_out == "<li>Close the shop for good</li><li>Deduct the whole deposit</li>"
    # As it was shown, it may be imposed.
    client.post(where, fields_of(page) | {"reason": "as found", "impose": "1"})
    assert sorted(Penalty.objects.get().measures.values_list("kind", flat=True)) == ["clear", "warning"]


def test_so_is_a_sum_that_takes_the_place_of_the_one_it_gives() -> None:
    shop = make_shop()
    paid_in(shop, 100_00)
    said = {"deduct-basis": "fixed", "deduct-amount": "1"}
    page, _said = looked_at(client_of("operator"), address(shop, "V4"), **said)
    assert "The catalogue gives instead:</p><ul><li>Deduct the whole deposit</li></ul>" in page


def test_what_a_threshold_gives_and_is_left_out_is_told_as_its_own() -> None:
    shop = make_shop()
    PointsThreshold.objects.create(points=4, kinds=["suspend", "warning"], days=7)
    make_imposed(shop, Measure(kind="points", points=4), at=AT)
    casework.file_from_facts(at=AT)
    where = f"{address(shop)}?proposal={Proposal.objects.get().pk}"
    client = client_of("operator")
    said = fields_of(client.get(where).content.decode()) | {"reason": "as found", "look": "1"}
    del said["suspend-taken"]
    page = client.post(where, said).content.decode()
    [left_out] = re.findall(r"The threshold also gives:</p><ul>(.*?)</ul>", page)
    assert left_out.startswith("<li>Suspend the shop until")


@pytest.mark.parametrize("most", [4, 6])
def test_points_that_the_catalogue_gives_are_not_left_out(most: int) -> None:
    shop, client = make_shop(), client_of("operator")
    DefaultMeasure.objects.filter(violation__code="V8", kind="points").update(points_most=most)
    where = address(shop, "V8")
    said = fields_of(client.get(where).content.decode()) | {"reason": "as found", "deduct-amount": "100"}
    said.pop("points-taken")
    page = client.post(where, said | {"look": "1"}).content.decode()
    assert "The catalogue gives" in page[: page.index('name="points-taken"')]
    assert 'id="effect"' not in page
    with pytest.raises(Refused, match="The catalogue gives"):
        imposed(shop, "V8", Measure(kind="warning"))


def test_an_end_that_a_later_step_asks_is_asked_of_whoever_takes_its_measure_before() -> None:
    """Live selling is restricted at the third case of WS-V1, until when is asked."""
    shop, client = make_shop(), client_of("operator")
    until = {"reduce_room-ends_at": "2030-01-01T00:00"}
    page, _said = looked_at(client, address(shop, "WS-V1"), **until, **{"restrict_live-taken": "on"})
    assert "say until when" in field(page, "restrict_live-ends_at")
    assert 'id="effect"' not in page
    with pytest.raises(Refused, match="needs to be told: ends at"):
        imposed(shop, "WS-V1", Measure(kind="restrict_live"))


# What follows from a serious violation


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", ["every alliance, for ever (CL-1)", "The shop will be proposed to be cleared (CL-1, R19):"]),
        ("zh-hans", ["所有联盟，永久（CL-1）", "将建议清退该店铺（CL-1、R19）："]),
    ],
)
def test_what_a_serious_violation_bars_for_ever_and_clears_is_told_and_comes(
    language: str, told: list[str]
) -> None:
    enrollment, client = make_enrollment(), client_of("operator", language)
    amount = {"deduct-taken": "on", "deduct-amount": "1"}
    page, said = looked_at(client, address(enrollment.shop, "V11"), **amount)
    assert all(words in page for words in told)
    client.post(address(enrollment.shop, "V11"), said | {"impose": "1"})
    assert Proposal.objects.get(kind="clear").enrollment == enrollment


def test_nothing_is_proposed_where_its_own_measures_clear_the_shop_and_nothing_bars_for_a_minor_one() -> None:
    enrollment, client = make_enrollment(), client_of("operator")
    page, _said = looked_at(client, address(enrollment.shop, "V4"))
    assert "for ever (CL-1)" in page and "will be proposed" not in page
    page, _said = looked_at(client, address(enrollment.shop, "V8"), **{"deduct-amount": "1"})
    assert "for ever (CL-1)" not in page and "will be proposed" not in page


def test_the_button_that_closes_or_clears_looks_like_no_other() -> None:
    shop, client = make_enrollment().shop, client_of("operator")
    grave = 'class="button default grave"'
    assert grave in looked_at(client, address(shop, "V4"))[0]
    assert grave not in looked_at(client, address(shop, "V8"), **{"deduct-amount": "1"})[0]


# A proposal to penalise


def a_proposal_of(code: str) -> Proposal:
    make_penalty(make_enrollment().shop, violation_code=code, status="reported")
    casework.file_from_facts(at=AT)
    return Proposal.objects.get(kind="penalise", case__violation__code=code)


def page_of(proposal: Proposal, language: str = "en") -> str:
    where = reverse("admin:rules_proposal_change", args=[proposal.pk])
    return client_of("operator", language).get(where).content.decode()


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "Still to be said: deduct from the deposit (amount)"),
        ("zh-hans", "尚待填写： 扣划保证金（金额）"),
    ],
)
def test_what_has_to_be_said_before_is_not_offered_for_accepting(language: str, told: str) -> None:
    page = page_of(a_proposal_of("V8"), language)
    assert told in page
    assert "accept-reason" not in page and "reject-reason" in page


def test_what_follows_by_itself_is_accepted_on_its_page() -> None:
    assert "accept-reason" in page_of(a_proposal_of("V4"))


def test_accepted_all_the_same_it_leads_to_the_form_and_the_note_goes_along() -> None:
    proposal, client = a_proposal_of("V8"), client_of("operator")
    accept = reverse("admin:rules_proposal_accept", args=[proposal.pk])
    answer = client.post(accept, {"reason": "violation", "note": "三次核实 & found"})
    assert answer.status_code == 409
    page = answer.content.decode()
    where = f"{reverse('admin:shops_shop_penalise', args=[proposal.shop_id])}?proposal={proposal.pk}"
    assert f'action="{where}"' in page
    [note] = re.findall(r'name="note" value="([^"]*)"', page)
    form = client.post(where, {"note": note.replace("&amp;", "&")}).content.decode()
    assert "三次核实 &amp; found</textarea>" in form
    assert "errorlist" not in form
    assert not Decision.objects.exists()


def test_of_many_those_that_ask_something_are_linked_to_their_forms() -> None:
    asking, plain = a_proposal_of("V8"), a_proposal_of("V4")
    chosen = {"action": "accept_selected", ACTION_CHECKBOX_NAME: [asking.pk, plain.pk], "decide": "1"}
    answer = client_of("operator").post(
        reverse("admin:rules_proposal_changelist"), chosen | {"reason": "violation"}, follow=True
    )
    page = answer.content.decode()
    where = f"{reverse('admin:shops_shop_penalise', args=[asking.shop_id])}?proposal={asking.pk}"
    assert f'1 proposal still needs its measures filled in: <a href="{where}">' in page
    assert "1 proposal decided." in page


def test_the_case_that_is_decided_is_not_among_the_earlier_ones() -> None:
    proposal = a_proposal_of("V8")
    page = client_of("operator").get(f"{address(proposal.shop)}?proposal={proposal.pk}").content.decode()
    assert "No earlier penalty for the same violation." in page


# What is still to be said


def test_what_is_still_to_be_said_is_marked_at_its_fields() -> None:
    said = {"stop-taken": "on"}
    page, _said = looked_at(client_of("operator", "zh-hans"), address(make_shop(), "V8"), **said)
    assert "尚待填写" in field(page, "deduct-amount")
    assert "尚待填写" not in field(page, "deduct-percent")
    assert "尚待填写：商品、联盟" in page
    [row] = re.findall(r'field-product">(.*?)name="product"', page, re.S)
    assert "尚待填写" in row


@pytest.mark.parametrize("score", [Decimal("0.3"), Decimal("0.30")])
def test_a_score_reads_the_same_before_and_after(score: Decimal) -> None:
    assert effects.describe(Measure(kind="score", score=score)) == "Deduct 0.3 of the experience score"
