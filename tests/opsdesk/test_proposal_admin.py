"""The review queue: what its list shows and filters, what of it goes out, and filing by hand."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qsl

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from opsdesk import worklist
from rules import casework
from rules.models import Proposal
from shops.models import Alliance, Measure, PointsThreshold
from tests.clients import client_of
from tests.exporting import taken
from tests.factories import (
    AT,
    DAY,
    DOUYIN,
    WECHAT,
    make_controller,
    make_enrollment,
    make_imposed,
    make_proposal,
    make_shop,
    make_sweep,
)

pytestmark = pytest.mark.django_db

QUEUE = "/admin/rules/proposal/"


def listed(client: Client, **query: str) -> list[Proposal]:
    answer = client.get(QUEUE, query)
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list)


def of_shop(alliance: str = DOUYIN, **values) -> Proposal:
    """A proposal to clear the shop of these values."""
    return make_proposal(make_enrollment(make_shop(**values), alliance))


def page_of(client: Client, proposal: Proposal) -> str:
    return client.get(reverse("admin:rules_proposal_change", args=[proposal.pk])).content.decode()


# The list


def test_the_list_shows_what_an_operator_decides_by() -> None:
    make_sweep(day=DAY + timedelta(days=2))
    make_proposal(make_enrollment(make_shop(code="DY-7", name="青禾小店"), openings=2), failing_since=DAY)
    page = client_of().get(QUEUE).content.decode()
    for shown in (
        "青禾小店",
        "DY-7",
        "beauty",
        "Douyin Featured Alliance",
        "clear",
        "metric",
        "DF-C1",
        "3.49 → &lt; 3.50",
        "−0.01",
        "3 days",
        "¥120,000.00",
        "2/3",
    ):
        assert shown in page, shown


def test_points_are_listed_with_the_threshold_that_they_reached() -> None:
    PointsThreshold(points=6, kinds=["warning"]).save_by(None)
    make_imposed(make_shop(), Measure(kind=Measure.Kind.POINTS, points=8, ends_at=AT + timedelta(days=365)))
    casework.file_from_facts(at=AT)
    page = client_of().get(QUEUE).content.decode()
    assert "threshold of points" in page
    assert re.search(r"8 → [^<]*6<", page)


def test_days_failing_run_to_the_last_check_of_its_alliance_alone() -> None:
    make_sweep(DOUYIN, DAY + timedelta(days=4))
    make_sweep(WECHAT, DAY + timedelta(days=9))
    make_proposal(failing_since=DAY)
    assert worklist.days_failing(worklist.proposals().get()) == 5


def test_days_failing_of_a_closed_proposal_run_to_its_end() -> None:
    make_sweep(DOUYIN, DAY + timedelta(days=40))
    make_proposal(failing_since=DAY, status="withdrawn", closed_at=AT + timedelta(days=1))
    assert worklist.days_failing(worklist.proposals().get()) == 3


def test_money_and_dates_follow_the_language() -> None:
    proposal = make_proposal()
    address = reverse("admin:rules_proposal_change", args=[proposal.pk])
    chinese = client_of(language="zh-hans").get(address).content.decode()
    assert "¥120,000.00" in chinese
    assert "2026年3月10日" in chinese
    assert "10 Mar 2026" in client_of().get(address).content.decode()


def test_only_open_ones_are_listed_unless_asked_otherwise() -> None:
    client = client_of()
    stands = make_proposal()
    gone = make_proposal(status="withdrawn", closed_at=AT)
    assert listed(client) == [stands]
    assert listed(client, status="withdrawn") == [gone]
    assert set(listed(client, status="all")) == {stands, gone}


def test_filters_by_alliance_kind_ground_and_rule() -> None:
    client = client_of()
    douyin, wechat, admission = of_shop(), of_shop(WECHAT), make_proposal(kind="admit")
    papers = make_proposal(
        ground="qualification", failed_rules=["DF-C2"], lead_rule="DF-C2", lead_metric="brand_papers_ok"
    )
    of_wechat = str(Alliance.objects.get(code=WECHAT).pk)
    assert listed(client, alliance__id__exact=of_wechat) == [wechat]
    assert listed(client, kind__exact="admit") == [admission]
    assert listed(client, ground__exact="qualification") == [papers]
    assert listed(client, rule="DF-C1") == [douyin]


@pytest.mark.parametrize(
    ("metric", "margin", "band"),
    [
        ("experience_score", "-0.09", "near"),
        ("experience_score", "-0.10", "middle"),
        ("experience_score", "-0.29", "middle"),
        ("experience_score", "-0.30", "far"),
        ("positive_rate", "-0.019", "near"),
        ("positive_rate", "-0.020", "middle"),
        ("positive_rate", "-0.060", "far"),
        ("brand_papers_ok", None, "none"),
    ],
)
def test_margin_bands_are_of_the_metrics_scale(metric: str, margin: str | None, band: str) -> None:
    client = client_of()
    proposal = make_proposal(lead_metric=metric, margin=margin)
    found = {name for name in ("near", "middle", "far", "none") if listed(client, margin=name)}
    assert found == {band}
    assert listed(client, margin=band) == [proposal]


def test_filter_by_controllers_who_have_several_shops_or_by_one_of_them() -> None:
    client = client_of()
    several, single = make_controller("C-several"), make_controller("C-single")
    make_shop(controller=several)
    one_of_several, one_alone = of_shop(controller=several), of_shop(controller=single)
    of_shop()
    assert listed(client, controller="several") == [one_of_several]
    assert listed(client, controller="C-single") == [one_alone]


@pytest.mark.parametrize(
    ("days", "band"), [(0, "0"), (1, "1-3"), (3, "1-3"), (4, "4-7"), (7, "4-7"), (8, "8")]
)
def test_filter_by_age(days: int, band: str) -> None:
    client = client_of()
    make_proposal(filed_on=timezone.localdate() - timedelta(days=days))
    assert {name for name in ("0", "1-3", "4-7", "8") if listed(client, age=name)} == {band}


def test_search_finds_by_part_of_a_shops_name_or_code() -> None:
    client = client_of()
    found = of_shop(code="DY-77", name="青禾小店")
    of_shop()
    assert listed(client, q="青禾小") == [found]
    assert listed(client, q="dy-77") == [found]


# Pasted codes


@pytest.mark.parametrize("text", ["A1,B2", "A1 B2", "A1\nB2\n", "A1，B2", " A1 \t B2;A1 "])
def test_codes_are_taken_however_people_paste_them(text: str) -> None:
    assert worklist.codes_in(text) == ["A1", "B2"]


def test_no_more_than_500_codes_are_taken() -> None:
    assert len(worklist.codes_in("\n".join(f"S{number}" for number in range(600)))) == 500


def test_pasted_codes_filter_the_list_and_unknown_ones_are_named() -> None:
    client = client_of()
    wanted, _other = of_shop(code="DY-1"), of_shop(code="DY-2")
    answer = client.post(f"{QUEUE}codes/", {"codes": "DY-1\nNO-SUCH", "kind__exact": "clear"}, follow=True)
    assert list(answer.context["cl"].result_list) == [wanted]
    assert "NO-SUCH" in answer.content.decode()
    assert answer.request["QUERY_STRING"] == "kind__exact=clear&codes=DY-1%2CNO-SUCH"


def test_a_long_pasted_list_waits_in_the_session_instead_of_the_address() -> None:
    client = client_of()
    wanted = of_shop(code="DY-1")
    codes = [f"shop-with-a-long-code-{number:04d}" for number in range(499)]
    answer = client.post(f"{QUEUE}codes/", {"codes": "\n".join([*codes, "DY-1"])})
    assert len(answer["Location"]) < 200
    assert list(client.get(answer["Location"]).context["cl"].result_list) == [wanted]
    # Another person's session knows nothing of it, and is shown the whole list rather than an error.
    assert client_of().get(answer["Location"]).status_code == 200


def test_an_empty_paste_clears_the_filter() -> None:
    answer = client_of().post(f"{QUEUE}codes/", {"codes": " ", "status": "all"})
    assert answer["Location"] == f"{QUEUE}?status=all"


# How much it costs


def test_the_list_asks_no_more_for_fifty_proposals_than_for_one(django_assert_max_num_queries) -> None:
    client = client_of()
    client.get(QUEUE)
    for _number in range(50):
        make_proposal()
    with django_assert_max_num_queries(14) as asked:
        assert len(listed(client)) == 50
    assert not any('"rules_proposal"."evidence"' in query["sql"] for query in asked.captured_queries)


# Taking it away, and filing by hand


def test_the_export_holds_the_filtered_rows_and_no_live_formula() -> None:
    of_shop(code="DY-1", name="=HYPERLINK(1)")
    of_shop(WECHAT, code="WX-1")
    alliance = str(Alliance.objects.get(code=DOUYIN).pk)
    [cells] = taken(client_of(), f"{QUEUE}export/", {"alliance__id__exact": alliance})
    assert (cells["shop's code"], cells["shop"], cells["margin"]) == ("DY-1", "'=HYPERLINK(1)", "-0.010000")


def test_the_export_needs_its_own_permission() -> None:
    assert client_of("finance").get(f"{QUEUE}export/").status_code == 403
    assert f"{QUEUE}export/" not in client_of("finance").get(QUEUE).content.decode()
    assert f"{QUEUE}export/" in client_of("auditor").get(QUEUE).content.decode()
    assert "export/" in client_of("auditor").get(QUEUE).content.decode()


def test_a_pasted_list_that_waits_in_the_session_is_kept_in_an_export() -> None:
    client = client_of()
    codes = [f"DY-{number:020d}" for number in range(100)]
    of_shop(code=codes[7])
    of_shop(code="DY-other")
    address = client.post(f"{QUEUE}codes/", {"codes": "\n".join(codes)})["Location"]
    query = dict(parse_qsl(address.partition("?")[2]))
    assert [row["shop's code"] for row in taken(client, f"{QUEUE}export/", query)] == [codes[7]]


def test_a_proposal_is_filed_by_hand_with_a_statement() -> None:
    client = client_of()
    enrollment = make_enrollment(make_shop(code="DY-9"))
    data = {"shop": "DY-9", "alliance": enrollment.alliance_id, "statement": "Sells what it must not."}
    answer = client.post(f"{QUEUE}file/", data)
    proposal = Proposal.objects.get()
    assert answer["Location"] == reverse("admin:rules_proposal_change", args=[proposal.pk])
    assert (proposal.kind, proposal.ground) == ("clear", "judgement")
    assert "Sells what it must not." in page_of(client, proposal)


@pytest.mark.parametrize("change", [{"shop": "NO-SUCH"}, {"statement": ""}, {"alliance": ""}])
def test_filing_by_hand_says_what_is_missing(change: dict[str, str]) -> None:
    enrollment = make_enrollment(make_shop(code="DY-9"))
    data = {"shop": "DY-9", "alliance": enrollment.alliance_id, "statement": "Sells what it must not."}
    answer = client_of().post(f"{QUEUE}file/", data | change)
    assert answer.context["form"].errors
    assert not Proposal.objects.exists()


def test_filing_by_hand_for_a_shop_that_is_not_in_is_refused_on_the_page() -> None:
    shop = make_shop(code="DY-9")
    data = {"shop": shop.code, "alliance": Alliance.objects.get(code=DOUYIN).pk, "statement": "No."}
    answer = client_of().post(f"{QUEUE}file/", data)
    assert "is not open in" in answer.content.decode()
