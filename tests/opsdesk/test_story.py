"""A shop's story is read back from the record in the reader's language, in the order in which it came."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.translation import override

from opsdesk import appeals, execution, notices, penalising, review
from opsdesk.models import Channel, Decision, Execution, Notice
from opsdesk.pages import ON_A_PAGE
from opsdesk.story import REASONS, story
from rules import exemptions
from rules.models import ShopExemption
from shops import closing, deposits, enrollments, penalties, topups
from shops.models import Alliance, Enrollment, Measure, Opening, Penalty, Shop
from tests.clients import client_of
from tests.factories import (
    AT,
    DAY,
    DOUYIN,
    make_appeal,
    make_cleared,
    make_enrollment,
    make_imposed,
    make_listing,
    make_product,
    make_proposal,
    make_qualification,
    make_shop,
    make_user,
)
from tests.product_proposals import make_product_proposal
from tests.shops.accounting import entered, paid_in

pytestmark = pytest.mark.django_db

# What stands in Chinese sentences as it is: codes of rules and records, and names.
AS_THEY_ARE = r"\b(DF-C1|PR-C1|[SGPA]\d+)\b"


def test_a_shops_story_tells_who_did_what_in_order() -> None:
    by = make_user("operator")
    shop = make_shop()
    enrollment = make_enrollment(shop, state="applied")
    review.accept(make_proposal(enrollment, kind="admit").pk, by=by, reason="qualifies", at=AT)
    enrollment.refresh_from_db()
    clearance = make_proposal(enrollment)
    review.accept(clearance.pk, by=by, reason="below_bar", at=AT + timedelta(days=9))
    clearance.refresh_from_db()
    penalties.overturn(clearance.penalty, by=None, at=AT + timedelta(days=12), reason="wrong data")
    enrollments.leave(Enrollment.objects.get(), by=None, at=AT)
    make_proposal()  # another shop's
    told = story(Shop.objects.get(pk=shop.pk))
    assert [event.at for event in told] == sorted(event.at for event in told)
    labels = {event.record.model.__name__ for event in told}
    assert labels == {
        "Shop",
        "Enrollment",
        "Opening",
        "Proposal",
        "Decision",
        "Execution",
        "Penalty",
        "Measure",
        "Notice",
    }
    openings = [event.what for event in told if event.record.model is Opening]
    assert openings == [
        "Douyin Featured Alliance: opening 1 is open",
        "Douyin Featured Alliance: opening 1 is closed: metric",
        "Douyin Featured Alliance: opening 1 is open",
        "Douyin Featured Alliance: opening 1 is closed: voluntary",
    ]
    assert {event.who for event in told if event.record.model is Decision} == {by}


def test_a_shops_story_tells_of_its_products_as_well() -> None:
    by = make_user("operator")
    listing = make_listing(make_product(code="G1", name="面霜"), state="applied")
    admission = make_product_proposal(listing, kind="admit")
    review.accept(admission.pk, by=by, reason="qualifies", at=AT)
    stop = make_product_proposal(listing)
    review.accept(stop.pk, by=by, reason="below_bar", at=AT)
    make_product_proposal()  # another shop's
    case = Penalty.objects.get().case_number
    told = [event.what for event in story(listing.product.shop) if event.what.startswith("面霜 (G1)")]
    assert told == [
        "面霜 (G1) in WeChat Select Alliance: applied",
        f"面霜 (G1): Proposal {admission.pk}, admit: open",
        "面霜 (G1) in WeChat Select Alliance: promoted",
        f"面霜 (G1): Proposal {admission.pk}, admit: accepted",
        f"面霜 (G1): Proposal {admission.pk} is accepted: qualifies",
        "面霜 (G1): On the platform, admit: to do",
        f"面霜 (G1): Proposal {stop.pk}, stop PR-C1: open",
        f"面霜 (G1): Penalty {case}, metric: imposed",
        f"面霜 (G1): Measure stop a product of penalty {case}",
        f"面霜 (G1): Proposal {stop.pk}, stop PR-C1: accepted",
        f"面霜 (G1): Proposal {stop.pk} is accepted: below the bar",
        f"面霜 (G1): On the platform, stop {case}: to do",
    ]


def test_a_story_asks_no_more_for_many_products(django_assert_max_num_queries) -> None:
    listing = make_listing()
    shop = listing.product.shop
    for _number in range(5):
        proposal = make_product_proposal(make_listing(make_product(shop)))
        review.accept(proposal.pk, by=None, reason="below_bar", at=AT)
    with django_assert_max_num_queries(16):
        story(shop)


def a_shop_of_which_much_is_told() -> Shop:
    """One of everything that is told of a shop, made by the verbs; people write Chinese."""
    by, shop = make_user("supervisor"), make_shop(code="S1", name="一叶")
    when = {"by": None, "at": AT}
    enrollment = make_enrollment(shop, state="applied")
    make_qualification(shop)
    exemptions.grant(
        shop=shop,
        alliance=Alliance.objects.get(code=DOUYIN),
        rule_code="DF-C1",
        until=DAY + timedelta(days=9),
        reason="新店",
        **when,
    )
    review.accept(make_proposal(enrollment, kind="admit").pk, reason="qualifies", **when)
    listing = make_listing(make_product(shop, code="G1", name="面霜"))
    review.accept(make_product_proposal(listing).pk, reason="below_bar", **when)
    enrollment.refresh_from_db()
    review.reject(make_proposal(enrollment).pk, reason="recovered", **when)
    cleared = review.accept(make_proposal(enrollment).pk, reason="below_bar", **when)
    execution.record(cleared.execution.pk, outcome=Execution.State.FAILED, by=None, note="平台维护")
    paid_in(shop, 1000, cause="到账")
    taken = Measure(kind="deduct", basis="fixed", amount_fen=200_000)
    make_imposed(shop, taken, Measure(kind="points", points=4), reason="属实")
    entered(deposits.top_up, shop, 1000, cause="到账")
    topups.remind(
        topups.demand(shop=shop, amount_fen=100, key="more", **when), by=None, at=AT + timedelta(days=1)
    )
    appeal = make_appeal(cleared.proposal.penalty)
    notices.record_delivery(
        Notice.objects.get(penalty=cleared.proposal.penalty).pk,
        channel=Channel.MAIL,
        delivered_at=AT + timedelta(hours=1),
        by=None,
        at=AT + timedelta(days=1),
    )
    appeals.take(appeal.pk, by=by, at=AT + timedelta(days=2))
    appeals.stay(appeal.pk, by=by, at=AT + timedelta(days=2), reason="证据充分")
    appeals.grant(appeal.pk, by=by, at=AT + timedelta(days=3), reason="评分有误")
    closing.close(shop, by=None, at=AT + timedelta(days=4))
    return shop


def test_a_story_is_told_in_the_readers_language_with_why_each_thing_was_done() -> None:
    shop = a_shop_of_which_much_is_told()
    with override("zh-hans"):
        told = story(shop)
    assert {event.record.model for event in told} >= REASONS.keys()
    for event in told:
        for text in (event.what, event.why):
            assert not re.search("[A-Za-z]", re.sub(AS_THEY_ARE, "", text)), text
    assert (Opening, "抖音精选联盟：第 1 次开通已关闭：指标", "已清退") in {
        (event.record.model, event.what, event.why) for event in told
    }


def test_a_story_tells_in_words_that_the_platform_has_not_undone_what_it_is_to_undo() -> None:
    shop = make_shop()
    penalty = make_cleared(make_enrollment(shop))
    execution.record(penalty.execution.pk, outcome=Execution.State.DONE, by=None, on=AT.date())
    penalising.overturn(penalty, by=None, at=AT + timedelta(days=1), reason="wrong data")
    execution.record(penalty.execution.pk, outcome=Execution.State.FAILED, by=None, note="page was down")
    told = [(event.what, event.why) for event in story(shop) if event.record.model is Execution]
    on_the_platform = f"On the platform, clear {penalty}: "
    assert told == [
        (on_the_platform + "to do", ""),
        (on_the_platform + "done", ""),
        (on_the_platform + "to undo", ""),
        (on_the_platform + "to undo", "the platform has not undone it"),
    ]


def test_a_story_is_told_to_each_reader_in_his_language() -> None:
    """Nothing of it is stored in words."""
    shop = make_shop()
    exemptions.grant(
        shop=shop,
        alliance=Alliance.objects.get(code=DOUYIN),
        rule_code="DF-C1",
        until=DAY + timedelta(days=9),
        reason="新店",
        by=None,
        at=AT,
    )
    [told] = [event for event in story(shop) if event.record.model is ShopExemption]
    assert (told.what, told.why) == ("Exempt from DF-C1 until 19 Mar 2026", "granted")
    with override("zh-hans"):
        [told] = [event for event in story(shop) if event.record.model is ShopExemption]
    assert (told.what, told.why) == ("豁免 DF-C1，有效期至 2026年3月19日", "已豁免")


def page_of(shop: Shop, role: str, **query: str) -> str:
    return client_of(role).get(reverse("admin:shops_shop_story", args=[shop.pk]), query).content.decode()


def test_the_page_of_a_story_leads_to_its_records_the_latest_first() -> None:
    appeal = make_appeal()
    shop = appeal.penalty.shop
    page = page_of(shop, "appeals_officer")
    assert page.index(f"Appeal {appeal.number} against") < page.index("opening 1 is open")
    assert reverse("admin:opsdesk_appeal_change", args=[appeal.pk]) in page
    assert reverse("admin:shops_penalty_change", args=[appeal.penalty_id]) in page


def test_the_page_of_a_story_tells_nobody_what_he_may_not_see_elsewhere() -> None:
    appeal = make_appeal()
    page = page_of(appeal.penalty.shop, "operator")
    assert appeal.penalty.case_number in page
    assert appeal.number not in page


def test_a_long_story_is_told_page_by_page() -> None:
    shop = make_shop()
    for _ in range(ON_A_PAGE):
        paid_in(shop, 1)
    first, second = page_of(shop, "finance"), page_of(shop, "finance", p="2")
    assert ("?p=2" in first, "?p=1" in second) == (True, True)
    # The shop itself was recorded a moment ago, and all that it paid long before.
    assert [page.count("balance ¥") for page in (first, second)] == [ON_A_PAGE - 1, 1]
    assert "?p=2" in page_of(shop, "finance", p="many")
