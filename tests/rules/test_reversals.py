"""An import of metrics is taken back whole, with what was proposed on it; or refused, and nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsdesk import review
from opsdesk.models import Decision
from rules import reversals
from rules.models import Proposal
from shops import imports
from shops.errors import NotAllowed, Refused
from shops.models import Correction, ImportBatch, ShopMetrics
from tests.factories import AT, DAY, make_enrollment, make_proposal, make_shop, make_user
from tests.rules.reversing import LATER, WHY, check, reverse_it, scores, standing
from tests.shops.importing import bring, counts
from tests.shops.test_import_page import client_of, page_of


@pytest.fixture
def shops(db: None) -> None:
    for code in ("S1", "S2", "S3"):
        make_enrollment(make_shop(code=code))


# What it brought is gone.


def test_what_an_import_brought_is_gone_and_what_it_corrected_is_as_before(shops) -> None:
    bring("metrics", scores(("S1", "4.1"), ("S2", "none")))
    before = standing()
    batch = bring("metrics", scores(("S1", "3.1"), ("S2", "4.9"), ("S3", "4.3")))
    assert counts(batch) == (3, 1, 2, 0, 0)
    by = make_user("supervisor")
    assert reverse_it(batch, by) == 0
    assert standing() == before
    batch.refresh_from_db()
    assert (batch.state, batch.reversed_because, counts(batch)) == ("reversed", WHY, (3, 1, 2, 0, 0))
    newest = batch.history.latest("history_id")
    assert (newest.state, newest.history_user, newest.history_change_reason) == ("reversed", by, WHY)
    # What happened stays on record.
    assert Correction.objects.filter(batch=batch).count() == 2


def test_corrections_of_corrections_are_taken_back_one_after_the_other(shops) -> None:
    stood = [standing()]
    batches = []
    for score in ("4.1", "none", "", "3.9"):
        batches.append(bring("metrics", scores(("S1", score))))
        stood.append(standing())
    for batch in reversed(batches):
        stood.pop()
        reverse_it(batch)
        assert standing() == stood[-1]


def test_a_day_that_was_taken_back_comes_in_again(shops) -> None:
    content = scores(("S1", "4.1"), ("S2", "4.2"))
    first = bring("metrics", content)
    stood = standing()
    reverse_it(first)
    again = bring("metrics", content)
    assert counts(again) == (2, 2, 0, 0, 0)
    assert standing() == [{**row, "batch_id": again.pk} for row in stood]
    assert imports.same_before(again) is None


def test_after_it_a_file_of_an_earlier_moment_counts_again(shops) -> None:
    wrong = bring("metrics", scores(("S1", "1.1")))
    earlier = AT - timedelta(hours=2)
    reverse_it(wrong)
    batch = bring("metrics", scores(("S1", "4.1")), as_of=earlier)
    assert (counts(batch), batch.left_alone) == ((1, 1, 0, 0, 0), 0)
    corrected = bring("metrics", scores(("S1", "1.1")))
    reverse_it(corrected)
    assert counts(bring("metrics", scores(("S1", "4.2")), as_of=earlier + timedelta(hours=1)))[2] == 1


def test_other_months_and_days_are_taken_back_with_it(shops) -> None:
    bring("metrics", scores(("S1", "4.1")))
    before = standing()
    rows = [f"S{n},{day},4.5" for n in (1, 2) for day in ("2025-12-31", "2026-01-01", f"{DAY}")]
    batch = bring("metrics", "\n".join(["shop,day,experience_score", *rows]))
    assert (batch.created, batch.updated) == (5, 1)
    reverse_it(batch)
    assert standing() == before


def test_only_the_good_rows_of_a_file_are_taken_back(shops) -> None:
    bring("metrics", scores(("S1", "4.1")))
    before = standing()
    batch = bring("metrics", scores(("S1", "4.4"), ("S9", "4.4"), ("S2", "4.4")), partial=True)
    assert (batch.state, batch.rejected) == ("applied", 1)
    reverse_it(batch)
    assert standing() == before


SCORES = st.one_of(st.sampled_from(["", "none"]), st.decimals(0, 5, places=2).map(str))
FLAGS = st.sampled_from(["", "1", "0"])
CELLS: dict[str, st.SearchStrategy[str]] = {
    "gmv_30d": st.one_of(st.just(""), st.decimals(0, 10**13, places=2).map(str)),
    "paid_orders_30d": st.one_of(st.just(""), st.integers(0, 2_147_483_647).map(str)),
    **dict.fromkeys(
        ("shop_score", "experience_score", "product_score", "service_score", "logistics_score"), SCORES
    ),
    "positive_rate": st.one_of(st.just(""), st.decimals(0, 100, places=4).map(lambda rate: f"{rate}%")),
    **dict.fromkeys(("warehouse_passed", "alliance_connected", "erp_connected", "freight_insurance"), FLAGS),
}
CODES = ["T1", "T2", "T3", "T4"]


@st.composite
def a_file(draw: st.DrawFn, *, whole: bool) -> str:
    columns = list(CELLS) if whole else draw(st.lists(st.sampled_from(list(CELLS)), min_size=1, unique=True))
    codes = draw(st.lists(st.sampled_from(CODES), min_size=1, unique=True))
    rows = [",".join([code, f"{DAY}", *(draw(CELLS[column]) for column in columns)]) for code in codes]
    return "\n".join([f"shop,day,{','.join(columns)}", *rows])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(base=a_file(whole=True), corrections=st.lists(a_file(whole=False), min_size=1, max_size=3))
def test_whatever_stood_is_as_it_was_once_the_corrections_are_taken_back(
    db, base: str, corrections: list[str]
) -> None:
    with transaction.atomic():
        for code in CODES:
            make_shop(code=code)
        bring("metrics", base)
        # What a metric that is declared later would bring.
        ShopMetrics.objects.update(extra={"refund_rate": "0.010", "new": [1, None]})
        stood = [standing()]
        batches = []
        for content in corrections:
            batches.append(bring("metrics", content))
            stood.append(standing())
        for batch in reversed(batches):
            stood.pop()
            reverse_it(batch)
            assert standing() == stood[-1]
        transaction.set_rollback(True)


# With what was proposed on it.


def test_open_proposals_that_rest_on_it_are_withdrawn_and_their_history_names_who(shops) -> None:
    kept = bring("metrics", scores(("S1", "3.1"), ("S2", "3.2")))
    batch = bring("metrics", scores(("S2", "3.3"), ("S3", "3.4")))
    assert check().filed == 3
    by = make_user("supervisor")
    assert reverse_it(batch, by) == 2
    assert {(p.shop.code, p.status) for p in Proposal.objects.all()} == {
        ("S1", "open"),
        ("S2", "withdrawn"),
        ("S3", "withdrawn"),
    }
    for proposal in Proposal.objects.filter(status="withdrawn"):
        newest = proposal.history.latest("history_id")
        assert (newest.history_user, newest.history_change_reason) == (by, f"import {batch.pk} reversed")
        assert proposal.closed_at == newest.history_date == LATER
    assert Proposal.objects.get(status="open").batch == kept


def test_a_held_proposal_is_withdrawn_and_a_closed_one_is_left_alone(shops) -> None:
    batch = bring("metrics", scores(("S1", "3.1")))
    held = make_proposal(status="held", batch=batch)
    closed = make_proposal(status="expired", batch=batch, closed_at=AT)
    assert reverse_it(batch) == 1
    assert [Proposal.objects.get(pk=p.pk).status for p in (held, closed)] == ["withdrawn", "expired"]


def test_the_next_check_files_on_what_stands_now(shops) -> None:
    bring("metrics", scores(("S1", "3.1")))
    batch = bring("metrics", scores(("S1", "3.2"), ("S2", "3.3")))
    check()
    reverse_it(batch)
    assert check().filed == 1
    proposal = Proposal.objects.get(status="open")
    assert (proposal.shop.code, proposal.observed) == ("S1", "3.10")


@pytest.mark.parametrize("verdict", [review.accept, review.reject])
def test_what_people_have_decided_on_keeps_its_import_and_the_refusal_says_what_that_is(
    shops, verdict: Callable[..., Decision]
) -> None:
    batch = bring("metrics", scores(("S1", "3.1"), ("S2", "3.2")))
    check()
    decided = Proposal.objects.get(shop__code="S1")
    verdict(decided.pk, by=make_user("operator"), reason="as I see it", at=AT)
    before = standing()
    with pytest.raises(Refused, match="People have decided on its figures") as refusal:
        reverse_it(batch)
    assert f"{decided.pk} ({decided})" in str(refusal.value)
    assert standing() == before
    assert (ImportBatch.objects.get().state, Proposal.objects.get(shop__code="S2").status) == (
        "applied",
        "open",
    )


def test_a_refusal_names_the_first_twenty(shops) -> None:
    batch = bring("metrics", scores(("S1", "3.1")))
    for _number in range(21):
        make_proposal(status="rejected", batch=batch, closed_at=AT)
    with pytest.raises(Refused) as refusal:
        reverse_it(batch)
    assert str(refusal.value).count(";") == 19
    assert "…" in str(refusal.value)


# Refused.


@pytest.mark.parametrize(
    ("score", "as_of"),
    [("4.1", None), ("4.2", None), ("4.2", AT - timedelta(hours=1))],
    ids=["identical", "correcting", "of an earlier moment"],
)
def test_under_a_later_import_of_the_same_shop_and_day_an_import_stays(shops, score, as_of) -> None:
    batch = bring("metrics", scores(("S1", "4.1"), ("S2", "4.1")))
    later = bring("metrics", scores(("S1", score)), as_of=as_of)
    before = standing()
    with pytest.raises(Refused, match=f"Reverse them first: {later.pk}\\."):
        reverse_it(batch)
    assert standing() == before
    reverse_it(later)
    reverse_it(batch)
    assert standing() == []


def test_later_imports_of_other_shops_or_days_keep_nothing(shops) -> None:
    batch = bring("metrics", scores(("S1", "4.1")))
    others = [
        bring("metrics", scores(("S2", "4.1"))),
        bring("metrics", scores(("S1", "4.1")).replace(f"{DAY}", f"{DAY - timedelta(days=1)}")),
        bring("metrics", scores(("S1", "9"))),
    ]
    assert [other.state for other in others] == ["applied", "applied", "refused"]
    reverse_it(batch)
    assert {(row["day"], row["shop_id"]) for row in standing()} == {
        (DAY, ShopMetrics.objects.get(batch=others[0]).shop_id),
        (DAY - timedelta(days=1), ShopMetrics.objects.get(batch=others[1]).shop_id),
    }


def test_imports_of_other_kinds_and_what_was_not_applied_are_not_reversed(shops) -> None:
    papers = bring("qualifications", "shop,kind,brand,valid_until,verdict\nS1,licence,,,accepted\n")
    with pytest.raises(Refused, match="Only imports of metrics"):
        reverse_it(papers)
    for batch in (
        bring("metrics", scores(("S9", "4.1"))),
        bring("metrics", scores(("S1", "4.1")), consent=ImportBatch.Consent.ASK),
    ):
        with pytest.raises(Refused, match="Only an applied import can be reversed"):
            reverse_it(batch)


def test_nothing_is_reversed_twice(shops) -> None:
    batch = bring("metrics", scores(("S1", "4.1")))
    reverse_it(batch)
    history = batch.history.count()
    with pytest.raises(Refused, match="this one is reversed"):
        reverse_it(batch)
    assert batch.history.count() == history


@pytest.mark.parametrize("reason", ["", " \n ", "\x00"])
def test_nothing_is_reversed_without_a_reason(shops, reason: str) -> None:
    batch = bring("metrics", scores(("S1", "4.1")))
    with pytest.raises(Refused, match="Say why"):
        reverse_it(batch, reason=reason)
    assert ShopMetrics.objects.count() == 1


@pytest.mark.parametrize("role", ["operator", "auditor", "rules_editor", None])
def test_who_may_not_reverse_imports_reverses_none(shops, role: str | None) -> None:
    batch = bring("metrics", scores(("S1", "4.1")))
    with pytest.raises(NotAllowed):
        reverse_it(batch, make_user(role))
    assert ImportBatch.objects.get().state == "applied"


# Superseded data.


def superseded() -> set[str]:
    return set(
        Proposal.objects.filter(reversals.rests_on_superseded_data()).values_list("shop__code", flat=True)
    )


def test_a_proposal_rests_on_superseded_data_until_the_correction_is_taken_back(shops) -> None:
    bring("metrics", scores(("S1", "3.1"), ("S2", "3.2")))
    check()
    assert superseded() == set()
    bring("metrics", scores(("S2", "3.2")))
    bring("metrics", scores(("S1", "4.1")).replace(f"{DAY}", f"{DAY - timedelta(days=1)}"))
    assert superseded() == set()
    correction = bring("metrics", scores(("S1", "4.1"), ("S2", "3.2")))
    assert superseded() == {"S1"}
    reverse_it(correction)
    assert superseded() == set()


# The page.


@pytest.mark.django_db
@pytest.mark.parametrize(("role", "status"), [("supervisor", 302), ("operator", 403), ("auditor", 403)])
def test_a_supervisor_reverses_an_import_on_its_page(shops, role: str, status: int) -> None:
    batch = bring("metrics", scores(("S1", "3.1")))
    check()
    client = client_of(role)
    address = reverse("admin:shops_importbatch_reverse", args=[batch.pk])
    assert (address in client.get(page_of(batch)).content.decode()) == (status == 302)
    answer = client.post(address, {"reason": WHY})
    assert answer.status_code == status
    batch.refresh_from_db()
    assert batch.state == ("reversed" if status == 302 else "applied")
    page = client.get(page_of(batch)).content.decode()
    assert (WHY.replace("'", "&#x27;") in page) == (status == 302)


@pytest.mark.django_db
def test_the_page_asks_for_a_reason_and_tells_a_refusal_in_the_readers_language(shops) -> None:
    batch = bring("metrics", scores(("S1", "3.1")))
    address = reverse("admin:shops_importbatch_reverse", args=[batch.pk])
    supervisor = client_of("supervisor", "zh-hans")
    supervisor.post(address, {"reason": " "})
    assert ImportBatch.objects.get().state == "applied"
    check()
    review.reject(Proposal.objects.get().pk, by=make_user("operator"), reason="as I see it", at=AT)
    page = supervisor.post(address, {"reason": WHY}).content.decode()
    assert "People have decided" not in page
    assert str(Proposal.objects.get().pk) in page
    assert ImportBatch.objects.get().state == "applied"
