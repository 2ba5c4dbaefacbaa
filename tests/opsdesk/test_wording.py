"""What a notice says, line by line: nothing that will never be, and no hole."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from opsdesk import notices, penalising, review
from opsdesk.known import known_of
from opsdesk.models import AppealTerms, Notice
from opsdesk.wording import text_of
from rules import casework
from rules.models import Proposal
from shops import catalogue
from shops.models import Measure, Penalty, PointsThreshold, Violation
from tests.factories import (
    AT,
    make_cleared,
    make_controller,
    make_enrollment,
    make_imposed,
    make_penalty,
    make_shop,
    make_user,
)
from tests.opsdesk.test_notices import told
from tests.shops.importing import bring

pytestmark = pytest.mark.django_db

Kind = Measure.Kind


def put_out(rule: str, reason: str) -> Penalty:
    """The clearance that the desk's record proposes under that rule, accepted."""
    casework.file_from_facts(at=AT)
    proposal = Proposal.objects.get(failed_rules=[rule])
    penalty = review.accept(proposal.pk, by=None, reason=reason, at=AT).proposal.penalty
    assert penalty is not None
    return penalty


def test_who_is_removed_from_the_platform_is_promised_no_way_back() -> None:
    case = make_imposed(make_enrollment().shop, Measure(kind=Kind.WARNING), code="V10")
    text = told(put_out("CL-1", "judgement"))
    assert f"Nothing but that case {case} is overturned" in text["What would undo it"]
    assert "next opening" not in text["What would undo it"]
    assert "goes on" not in text["What would undo it"]
    assert f"{case} against shop {case.shop.code}" in text["Case of the shop"]
    assert "Case of the controller" not in text


def test_whom_its_controller_bars_is_promised_no_way_back_while_that_case_stands() -> None:
    controller = make_controller()
    make_enrollment(make_shop(controller=controller))
    case = make_imposed(make_shop(controller=controller), Measure(kind=Kind.WARNING), code="V11")
    text = told(put_out("R6-C1", "controller_barred"))
    assert (
        f"or that case {case} of shop {case.shop.code} is overturned or dismissed"
        in text["What would undo it"]
    )
    assert "next opening" not in text["What would undo it"]
    assert f"{case} against shop {case.shop.code}: " in text["Case of the controller"]


@pytest.mark.parametrize(("language", "ground"), [("en", "judgement"), ("zh", "判断")])
def test_a_case_without_a_violation_is_told_by_its_ground(language: str, ground: str) -> None:
    controller = make_controller()
    make_enrollment(make_shop(controller=controller))
    case = make_imposed(make_shop(controller=controller), Measure(kind=Kind.CLOSE), ground="judgement")
    text = told(put_out("R6-C1", "controller_barred"), language)
    line = next(words for words in text.values() if words.startswith(str(case)))
    assert line.endswith(ground)
    assert "None" not in str(text)


def test_a_serious_violation_has_the_shop_out_for_ever_whatever_its_penalty_does() -> None:
    penalty = make_penalty(violation_code="V10")
    notices.write(penalty, by=None, at=AT)
    assert "the shop is out for ever" in told(penalty)["What would undo it"]


def test_what_links_feel_is_told_of_every_measure() -> None:
    enrollment = make_enrollment()
    penalty = make_imposed(
        enrollment.shop,
        Measure(kind=Kind.CLEAR),
        Measure(kind=Kind.SUSPEND, ends_at=AT + timedelta(days=14)),
        alliance=enrollment.alliance,
        code="V5",
    )
    notices.write(penalty, by=None, at=AT)
    links = told(penalty)["Live links and open orders"]
    assert "in this alliance no longer work" in links and "While the shop is suspended" in links
    chinese = told(penalty, "zh")["推广链接与未完成订单"]
    assert "封禁" in chinese and len(chinese.split("\n")) == len(links.split("\n")) == 3


def test_what_is_to_be_paid_is_told_with_its_day_and_what_becomes_of_it() -> None:
    shop = make_shop()
    deduction = Measure(kind=Kind.DEDUCT, basis=Measure.Basis.FIXED, amount_fen=50_000)
    penalty = make_imposed(shop, deduction, Measure(kind=Kind.TOP_UP, amount_fen=12_345))
    notices.write(penalty, by=None, at=AT)
    short, demanded, becomes = told(penalty)["To be paid"].split("\n")
    assert short == "¥500.00 into the deposit, until 18 Mar 2026"
    assert demanded == "¥123.45 into the deposit, until 18 Mar 2026"
    assert "stays due" in becomes and "not refunded" in becomes
    assert told(penalty, "zh")["应补缴"].startswith("保证金 ¥500.00，须在 2026年3月18日 前（含当日）缴足")


def test_of_what_nobody_owes_nothing_is_said() -> None:
    assert "To be paid" not in told(make_cleared())


def terms(**values: str) -> None:
    current = AppealTerms.current()
    for name, value in values.items():
        setattr(current, name, value)
    current.save_by(None, "as the desk is called")


REACHED = {"contact_zh": "电话 400-000-0000", "contact_en": "Telephone 400-000-0000"}


def test_where_the_terms_say_how_the_desk_is_reached_the_notice_does_and_keeps_it() -> None:
    terms(issuer_zh="联盟治理组", issuer_en="Alliance governance", **REACHED)
    penalty = make_cleared()
    terms(**dict.fromkeys(("issuer_zh", "issuer_en", "contact_zh", "contact_en"), ""))
    assert "\nTelephone 400-000-0000\n" in told(penalty)["Appeal"]
    assert "\n电话 400-000-0000\n" in told(penalty, "zh")["申诉"]
    notice = Notice.objects.get(penalty=penalty)
    assert (notice.issuer_zh, notice.issuer_en) == ("联盟治理组", "Alliance governance")
    assert (notice.contact_zh, notice.contact_en) == tuple(REACHED.values())
    for name in ("issuer_zh", "issuer_en", "contact_zh", "contact_en"):
        with pytest.raises(IntegrityError, match="what it says never changes"), transaction.atomic():
            Notice.objects.filter(pk=notice.pk).update(**{name: "another"})


def test_where_they_do_not_the_notice_names_the_platforms_channel_and_nobody() -> None:
    penalty = make_cleared()
    assert "Appeal through the platform's merchant channel" in told(penalty)["Appeal"]
    assert "平台的商家渠道" in told(penalty, "zh")["申诉"]
    assert Notice.objects.get(penalty=penalty).issuer_en == ""


def test_what_files_brought_is_issued_by_the_same() -> None:
    terms(issuer_zh="联盟治理组", issuer_en="Alliance governance", **REACHED)
    questions(1)
    assert Notice.objects.values_list("issuer_zh", "contact_en").get() == (
        "联盟治理组",
        REACHED["contact_en"],
    )


def penalised(ground: str) -> Penalty:
    """A warning that somebody has given for a violation, for points or for a metric, and why."""
    shop, given = make_shop(), {"measures": [Measure(kind=Kind.WARNING)], "at": AT}
    if ground == "violation":
        violation = Violation.objects.get(code="V1")
        return penalising.impose(
            shop=shop,
            violation=violation,
            reason="sold to himself",
            evidence="seen",
            by=None,
            key="k",
            **given,
        )
    PointsThreshold.objects.create(points=4, kinds=["warning"])
    make_imposed(shop, Measure(kind=Kind.POINTS, points=4))
    casework.file_from_facts(at=AT)
    proposal = Proposal.objects.get(shop=shop)
    decision = penalising.accept(proposal, reason="sold to himself", by=make_user("supervisor"), **given)
    penalty = decision.proposal.penalty
    assert penalty is not None
    return penalty


@pytest.mark.parametrize("ground", ["violation", "points"])
@pytest.mark.parametrize(("language", "label"), [("en", "Reason"), ("zh", "理由")])
def test_the_shop_reads_why_it_was_decided(ground: str, language: str, label: str) -> None:
    assert told(penalised(ground), language)[label] == "sold to himself"


@pytest.mark.parametrize(
    ("language", "label", "words"), [("en", "Reason", "below the bar"), ("zh", "理由", "不达标")]
)
def test_a_reason_of_the_table_is_told_in_words(language: str, label: str, words: str) -> None:
    assert words in told(make_cleared(), language)[label]


@pytest.mark.parametrize(("language", "label"), [("en", "Clause"), ("zh", "条款")])
def test_a_violation_is_told_as_the_version_says_under_which_it_was_penalised(
    language: str, label: str
) -> None:
    offence = Violation.objects.get(code="V1")
    as_it_is = {"values": {}, "measures": list(offence.default_measures.all())}
    catalogue.change(offence, **as_it_is, by=None, reason="as it was")
    penalty = penalised("violation")
    source = penalty.violation.source
    catalogue.change(
        penalty.violation,
        values={"source": "§9 Z9", "name_en": "Another", "name_zh": "另一个"},
        measures=list(penalty.violation.default_measures.all()),
        by=None,
        reason="rewritten",
    )
    penalty = Penalty.objects.get(pk=penalty.pk)
    text = dict(text_of(penalty, known_of([penalty], AT), "zh-hans" if language == "zh" else "en"))
    assert (
        text[label]
        == {
            "en": f"{source}, version 2 of V1",
            "zh": f"{source}，V1 第 2 版",
        }[language]
    )
    assert not {"Another", "另一个", "Z9"} & set(str(text).replace("'", " ").split())


def test_a_case_that_keeps_no_version_is_told_by_its_source_alone() -> None:
    penalty = make_penalty(violation_code="V4")
    notices.write(penalty, by=None, at=AT)
    assert told(penalty)["Clause"] == penalty.violation.source


def questions(count: int) -> int:
    """How many queries it takes to write the notices of so many penalties that a file has brought."""
    codes = [make_shop().code for _ in range(count)]
    rows = "".join(f"R{code},{code},V8,2026-03-11 08:00,imposed,4,500\n" for code in codes)
    bring("penalties", f"reference,shop,violation,imposed_at,status,points,deposit_deducted\n{rows}", at=AT)
    with CaptureQueriesContext(connection) as asked:
        assert notices.write_for_files(at=AT) == count
    return len(asked)


def test_the_notices_of_twenty_penalties_ask_no_more_than_that_of_one() -> None:
    assert questions(20) == questions(1)
