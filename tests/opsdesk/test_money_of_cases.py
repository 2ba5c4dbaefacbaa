"""What the platform's own movements took for a case: told where it is decided, and given back."""

from __future__ import annotations

import pytest
from django.urls import reverse

from opsdesk import appeals, review
from rules import casework
from rules.models import Proposal
from shops import accounts
from shops.models import Penalty, Shop
from tests.clients import client_of
from tests.factories import AT, make_appeal, make_shop, make_user
from tests.shops.accounting import paid_in, sound
from tests.shops.importing import bring

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    shop = make_shop(code="S1")
    paid_in(shop, 100_00)
    bring("deposits", "reference,shop,kind,amount,at,penalty\nM1,S1,deduct,30.05,2026-03-02,P1\n")
    return shop


def case_of(status: str) -> Penalty:
    bring("penalties", f"reference,shop,violation,imposed_at,status\nP1,S1,V8,2026-03-01,{status}\n")
    return Penalty.objects.get(reference="P1")


def page_of(name: str, key: int, language: str = "en") -> str:
    return client_of("supervisor", language).get(reverse(f"admin:{name}_change", args=[key])).content.decode()


def test_an_appeal_that_is_granted_gives_it_back_and_its_page_says_so(shop: Shop) -> None:
    penalty = case_of("imposed")
    judge = make_user("appeals_officer")
    appeal = make_appeal(penalty)
    appeals.take(appeal.pk, by=judge, at=AT)
    for name, key in (("opsdesk_appeal", appeal.pk), ("shops_penalty", penalty.pk)):
        assert "¥30.05 deducted for this case by the platform" in page_of(name, key)
    appeals.grant(appeal.pk, by=judge, at=AT, reason="not theirs")
    assert (accounts.balance_of(shop), sound()) == (100_00, True)
    for name, key in (("opsdesk_appeal", appeal.pk), ("shops_penalty", penalty.pk)):
        assert "had deducted for this case went back to the deposit" in page_of(name, key)
        assert "曾为本案件扣划的 ¥30.05 已退还" in page_of(name, key, "zh-hans")


def test_a_proposal_that_is_rejected_dismisses_the_case_and_gives_it_back(shop: Shop) -> None:
    case_of("reported")
    casework.file_from_facts(at=AT)
    review.reject(Proposal.objects.get().pk, by=make_user("operator"), reason="unfounded", at=AT)
    assert Penalty.objects.get().status == "dismissed"
    assert (accounts.balance_of(shop), sound()) == (100_00, True)
