from __future__ import annotations

import io
import json

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import connections

from opsdesk import audit, review
from opsdesk.exhibits.keeping import store
from rules.sql import SWEEPING
from shops import deposits, topups
from shops.models import DepositEntry
from tests.factories import (
    AT,
    make_batch,
    make_enrollment,
    make_evidence,
    make_metrics,
    make_proposal,
    make_qualification,
    make_shop,
    make_sweep,
    make_user,
)
from tests.opsdesk.files import jpeg, pdf
from tests.product_proposals import make_product_proposal
from tests.shops.accounting import entered, paid_in, taken_back


def a_desk_at_work() -> None:
    """One of everything, made by the verbs: all facts hold."""
    by = make_user("operator")
    cleared = make_proposal()
    review.accept(cleared.pk, by=by, reason="below_bar", at=AT)
    review.accept(make_proposal(kind="admit").pk, by=by, reason="qualifies", at=AT)
    review.reject(make_proposal().pk, by=by, reason="recovered", at=AT)
    make_proposal()
    make_proposal(kind="admit")
    make_enrollment(state="cleared", openings=3)
    make_metrics(make_shop())
    make_qualification(make_shop())
    make_batch(rows=7, created=4, rejected=3)
    make_sweep()
    # Of products: proposals that wait, for shops that are in, and one that was accepted.
    make_product_proposal(kind="observe")
    make_product_proposal(kind="admit")
    review.accept(make_product_proposal().pk, by=by, reason="below_bar", at=AT)
    a_ledger_at_work()


def a_ledger_at_work() -> None:
    """One of everything on one account: entries 1 to 6, top-ups 1 to 3."""
    shop = make_shop()
    paid_in(shop, 1000)
    topups.demand(shop=shop, amount_fen=100, by=None, at=AT, key="first")
    entered(deposits.top_up, shop, 150)
    topups.demand(shop=shop, amount_fen=60, by=None, at=AT, key="second")
    entered(deposits.deduct, shop, 2000)
    taken_back(entered(deposits.top_up, shop, 40))
    taken_back(DepositEntry.objects.get(kind="deduct"))


def as_owner(*statements: str) -> None:
    with connections["owner"].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def verify(command: str) -> tuple[int, dict]:
    out = io.StringIO()
    try:
        call_command(command, "--json", stdout=out)
    except SystemExit as end:
        return end.code, json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


def test_a_desk_at_work_is_in_order(committed_db) -> None:
    a_desk_at_work()
    status, answer = verify("verify_all")
    assert (status, answer["holds"], answer["broken"]) == (0, True, None)
    assert [check["fact"] for check in answer["checks"]] == ["I1", "I2", "I3", "I5", "I6", "I7", "I8", "A"]


UNGUARDED = (
    "ALTER TABLE shops_depositentry DISABLE TRIGGER USER; ALTER TABLE shops_settlement DISABLE TRIGGER USER;"
    "ALTER TABLE shops_penalty DISABLE TRIGGER USER;"
)
GONE = "DELETE FROM opsdesk_execution WHERE decision_id = 1; DELETE FROM opsdesk_decision WHERE id = 1"

# What somebody breaks by hand as the owner, the check that finds it, and the words that name the record.
BROKEN = {
    "a decision is taken away": (
        "verify_decisions",
        GONE,
        "proposal 1 is accepted without a decision",
    ),
    "a decided proposal is opened again": (
        "verify_decisions",
        "UPDATE rules_proposal SET status = 'open', closed_at = NULL WHERE id = 3",
        "decision 3 is rejected, its proposal 3 is open",
    ),
    "a proposal is taken from under its decision": (
        "verify_decisions",
        "ALTER TABLE rules_proposal DROP CONSTRAINT rules_proposal_pkey CASCADE;"
        "DELETE FROM rules_proposal WHERE id = 1",
        "decision 1 is on proposal 1, which is gone",
    ),
    "what the platform is asked for is taken away": (
        "verify_decisions",
        "DELETE FROM opsdesk_execution WHERE decision_id = 1",
        "decision 1 is accepted, and the platform is asked for nothing",
    ),
    "the platform is asked for what was rejected": (
        "verify_decisions",
        "DROP TRIGGER opsdesk_execution_is_of_what_is_to_be_done ON opsdesk_execution;"
        "INSERT INTO opsdesk_execution"
        " (decision_id, shop_id, kind, asked_at, state, reference, note, changes,"
        " pause_reference, pause_note)"
        " SELECT 3, shop_id, kind, asked_at, state, '', '', '[]', '', ''"
        " FROM opsdesk_execution WHERE decision_id = 2",
        "is of decision 3, which rejects its proposal",
    ),
    "a second decision is written": (
        "verify_decisions",
        "ALTER TABLE opsdesk_decision DROP CONSTRAINT opsdesk_decision_proposal_id_key;"
        "INSERT INTO opsdesk_decision (proposal_id, verdict, reason, note, decided_at)"
        " VALUES (3, 'rejected', 'other', 'x', now())",
        "proposal 3 has 2 decisions",
    ),
    "a shop is closed without a word": (
        "verify_history",
        "UPDATE shops_shop SET status = 'closed', closed_cause = 'violation' WHERE id = 2",
        "shop 2 differs from its newest history in status, closed_cause",
    ),
    "a penalty is rewritten": (
        "verify_history",
        f"{UNGUARDED} UPDATE shops_penalty SET evidence = '{{}}' WHERE id = 1",
        "penalty 1 differs from its newest history in evidence",
    ),
    "a decision is deleted": (
        "verify_history",
        GONE,
        "decision 1 is gone, and its history does not say so",
    ),
    "a paper appears from nowhere": (
        "verify_history",
        "INSERT INTO shops_qualification (shop_id, kind, brand, verdict, received_at)"
        " VALUES (1, 'brand', '伪造', 'accepted', now())",
        "qualification 2 has no history",
    ),
    "a history row is taken away": (
        "verify_history",
        "ALTER TABLE shops_historicalmeasure DISABLE TRIGGER USER; DELETE FROM shops_historicalmeasure",
        "measure 1 has no history",
    ),
    "a shop is put out under an open clearance": (
        "verify_enrollments",
        "UPDATE shops_enrollment SET state = 'left' WHERE id = 4",
        "proposal 4 (clear) is open for a shop outside",
    ),
    "a shop is let in under an open admission": (
        "verify_enrollments",
        "UPDATE shops_enrollment SET state = 'open', openings_used = 1 WHERE id = 5",
        "proposal 5 (admit) is open for a shop inside",
    ),
    "a shop is put out under an open proposal about its product": (
        "verify_enrollments",
        "UPDATE shops_enrollment SET state = 'left' WHERE id = 7",
        "proposal 6 (observe) is open for a shop outside",
    ),
    "a shop is put out under the admission of its product": (
        "verify_enrollments",
        "UPDATE shops_enrollment SET state = 'left' WHERE id = 8",
        "proposal 7 (admit) is open for a shop outside",
    ),
    "a product is stopped without a word": (
        "verify_history",
        "UPDATE shops_listing SET state = 'stopped' WHERE id = 1",
        "listing 1 differs from its newest history in state",
    ),
    "a stop forgets its listing": (
        "verify_history",
        "ALTER TABLE shops_measure DROP CONSTRAINT shops_measure_stop_names_the_listing_it_stopped;"
        "UPDATE shops_measure SET listing_id = NULL WHERE id = 2",
        "measure 2 differs from its newest history in listing_id",
    ),
    "a fourth opening": (
        "verify_enrollments",
        "UPDATE shops_enrollment SET openings_used = 4 WHERE id = 6",
        "enrollment 6 has used 4 openings, more than its alliance allows",
    ),
    "an opening that nobody counts": (
        "verify_enrollments",
        "INSERT INTO shops_opening (enrollment_id, number, cause, closed) VALUES (1, 2, '', true)",
        "has number 2, which is not counted",
    ),
    "an opening of a cleared shop is opened": (
        "verify_enrollments",
        "UPDATE shops_opening SET closed = false, closed_on = NULL, cause = '' WHERE enrollment_id = 1",
        "is open, but is not the one that enrollment 1 is in",
    ),
    "an open shop's opening is closed": (
        "verify_enrollments",
        "UPDATE shops_opening SET closed = true WHERE enrollment_id = 4",
        "enrollment 4 is open without an open opening",
    ),
    "an entry is raised": (
        "verify_ledger",
        f"{UNGUARDED} UPDATE shops_depositentry SET amount_fen = 1001 WHERE id = 1",
        "is number 1 and comes 1; its balance is 1000, the sum up to it 1001 fen",
    ),
    "an entry is taken away": (
        "verify_ledger",
        f"{UNGUARDED} DELETE FROM shops_settlement; DELETE FROM shops_depositentry WHERE id = 2",
        "is number 3 and comes 2; its balance is 0, the sum up to it -150 fen",
    ),
    "an entry is of nobody": (
        "verify_ledger",
        f"{UNGUARDED} ALTER TABLE shops_shop DROP CONSTRAINT shops_shop_pkey CASCADE;"
        "UPDATE shops_depositentry SET shop_id = 99 WHERE id = 1",
        "deposit entry 1 is of shop 99, which is gone",
    ),
    "a balance is below zero": (
        "verify_ledger",
        "ALTER TABLE shops_depositentry DROP CONSTRAINT shops_depositentry_balance_is_never_below_zero;"
        f"{UNGUARDED} INSERT INTO shops_depositentry (shop_id, number, kind, amount_fen, balance_fen, at,"
        " recorded_at, cause, reference, key) VALUES (1, 1, 'deduct', -5, -5, now(), now(), '', '', 'x')",
        "deposit entry 7 leaves shop 1 with -5 fen",
    ),
    "a shortage is let go": (
        "verify_ledger",
        "ALTER TABLE shops_topup DISABLE TRIGGER USER; UPDATE shops_topup SET entry_id = NULL",
        "deposit entry 3 is short by 850 fen, which nobody owes",
    ),
    "a top-up is called settled": (
        "verify_ledger",
        "UPDATE shops_topup SET state = 'settled', ended_at = now() WHERE id = 2",
        "top-up 2 is settled, and of its 60 fen 0 are paid",
    ),
    "a shortage is due again": (
        "verify_ledger",
        "UPDATE shops_topup SET state = 'open', ended_at = NULL WHERE id = 3",
        "top-up 3 is owed, though deduction 3 was taken back",
    ),
    "a deduction is for another shop's measure": (
        "verify_ledger",
        f"{UNGUARDED} UPDATE shops_depositentry SET measure_id = 1 WHERE id = 3",
        "is for measure 1 against shop 1",
    ),
    "a measure deducts twice": (
        "verify_ledger",
        f"{UNGUARDED}"
        "UPDATE shops_penalty SET shop_id = (SELECT shop_id FROM shops_depositentry WHERE id = 3)"
        " WHERE id = (SELECT penalty_id FROM shops_measure WHERE id = 1);"
        "INSERT INTO shops_depositentry (shop_id, number, kind, amount_fen, balance_fen, at, recorded_at,"
        " cause, reference, key, measure_id)"
        " SELECT shop_id, 6 + n, 'deduct', -1, 1150 - n, now(), now(), '', '', n::text, 1"
        " FROM shops_depositentry, generate_series(1, 2) n WHERE id = 1",
        "measure 1 has deducted 2 times",
    ),
    "a payment counts for more than it is": (
        "verify_ledger",
        f"{UNGUARDED} UPDATE shops_settlement SET amount_fen = 151 WHERE id = 1",
        "deposit entry 2 of 150 fen counts for 151",
    ),
    "a payment of a shortage is left to the shop": (
        "verify_ledger",
        "ALTER TABLE shops_topup DISABLE TRIGGER USER;UPDATE shops_topup SET cause = 'shortage' WHERE id = 1",
        "settlement 1: 100 fen were paid for the shortage of top-up 1, and not deducted",
    ),
    "what is deducted of a payment was paid for something else": (
        "verify_ledger",
        f"{UNGUARDED} INSERT INTO shops_depositentry (shop_id, number, kind, amount_fen, balance_fen, at,"
        " recorded_at, cause, reference, key, settlement_id) SELECT shop_id, 7, 'collect', -1,"
        " balance_fen - 1, now(), now(), '', '', 'x', 1 FROM shops_depositentry WHERE number = 6",
        "deposit entry 7 is not what settlement 1 is to be deducted",
    ),
    "a payment of another kind": (
        "verify_ledger",
        f"{UNGUARDED} UPDATE shops_settlement SET entry_id = 1 WHERE id = 1",
        "settlement 1: entry 1 is no payment for top-up 1",
    ),
    "an entry is taken back twice": (
        "verify_ledger",
        "ALTER TABLE shops_depositentry DROP CONSTRAINT shops_depositentry_reverses_id_key;"
        f"{UNGUARDED} INSERT INTO shops_depositentry (shop_id, number, kind, amount_fen, balance_fen, at,"
        " recorded_at, cause, reference, key, reverses_id)"
        " SELECT shop_id, 7, 'reversal', 1150, 2300, now(), now(), '', '', 'x', 3"
        " FROM shops_depositentry WHERE id = 1",
        "deposit entry 3 was taken back 2 times",
    ),
    "half an entry is taken back": (
        "verify_ledger",
        f"{UNGUARDED} UPDATE shops_depositentry SET reverses_id = 1 WHERE id = 5",
        "deposit entry 5 is not the exact opposite of entry 1",
    ),
    "an import that lost a row": (
        "verify_imports",
        "ALTER TABLE shops_importbatch DROP CONSTRAINT shops_importbatch_accounts_for_every_row;"
        "UPDATE shops_importbatch SET rows = 8 WHERE rows = 7",
        "import 2 does not account for its 8 rows",
    ),
    "a refused import that changed something": (
        "verify_imports",
        "UPDATE shops_importbatch SET state = 'refused' WHERE id = 2",
        "import 2 is refused, yet counts rows as changed",
    ),
    "a check that nobody runs": (
        "verify_leases",
        "UPDATE rules_sweep SET status = 'running', finished_at = NULL WHERE id = 1",
        "daily check 1 is running, and nobody runs it",
    ),
    "an import that nobody works on": (
        "verify_leases",
        "UPDATE shops_importbatch SET state = 'applying' WHERE id = 2",
        "import 2 is applying, and nobody is at it",
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_fact_broken_by_hand_is_named(committed_db, broken: str) -> None:
    command, statement, words = BROKEN[broken]
    a_desk_at_work()
    as_owner(statement)
    status, answer = verify(command)
    assert status == 1
    assert words in answer["broken"]
    status, answer = verify("verify_all")
    assert (status, answer["holds"]) == (1, False)


def test_a_running_check_with_a_living_session_is_in_order(committed_db) -> None:
    sweep = make_sweep(status="running", finished_at=None)
    assert audit.verify_leases() is not None
    as_owner(f"SELECT pg_advisory_lock({SWEEPING}, {sweep.pk})")
    assert audit.verify_leases() is None
    connections["owner"].close()


def test_for_people_the_command_says_which_fact_is_broken(committed_db, capsys) -> None:
    a_desk_at_work()
    as_owner(GONE)
    with pytest.raises(SystemExit) as end:
        call_command("verify_all")
    assert end.value.code == 1
    assert "I1 decisions: proposal 1 is accepted without a decision" in capsys.readouterr().out


@pytest.mark.django_db
@pytest.mark.parametrize("lost", ["the original", "a page", "the small picture"])
def test_evidence_that_its_store_has_lost_is_found(lost: str) -> None:
    piece = make_evidence(content=pdf(2))
    make_evidence(content=jpeg())
    assert verify("verify_evidence")[0] == 0
    ends = {"the original": "", "a page": ".2.jpg", "the small picture": ".small.jpg"}
    store().delete(f"{piece.place}{ends[lost]}")
    status, answer = verify("verify_evidence")
    assert status == 1
    assert answer["broken"].startswith(f"evidence {piece.pk} of appeal {piece.appeal_id} is not whole")


@pytest.mark.django_db
def test_evidence_that_is_not_what_came_in_is_found() -> None:
    piece = make_evidence(content=pdf(1))
    with store().open(piece.place, "rb") as file:
        content = file.read()
    store().delete(piece.place)
    store().save(piece.place, ContentFile(content[:-1] + b"\r"))
    status, answer = verify("verify_evidence")
    assert status == 1 and "another file" in answer["broken"]
