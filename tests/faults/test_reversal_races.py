"""An import is reversed while others decide on its figures, or a check reads them; or it breaks off."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.db.models import QuerySet

from opsdesk import review
from opsdesk.models import Decision
from opsdesk.review import AlreadyDecided
from rules import reversals
from rules.models import Proposal, Sweep
from shops import sql
from shops.errors import Refused
from shops.models import Coverage, ImportBatch, ShopMetrics
from tests.factories import AT, make_enrollment, make_shop, make_user
from tests.faults.test_killed_imports import ITS_TURN, THE_OTHERS_COMMIT, TO_WRITE, eventually
from tests.rules.reversing import check, reverse_it, scores, standing
from tests.shops.importing import bring


class Trying:
    """A verb tried in a thread of its own; `outcome` is what it returned, or what it raised."""

    def __init__(self, verb: Callable[[], object]) -> None:
        self.outcome: object = None
        self._verb = verb
        self._thread = Thread(target=self._try)
        self._thread.start()

    def _try(self) -> None:
        try:
            self.outcome = self._verb()
        except (Refused, AlreadyDecided) as refusal:
            self.outcome = refusal
        finally:
            connection.close()

    def ended(self, within: float = 60) -> object:
        self._thread.join(within)
        return self.outcome


def an_import_with_a_proposal() -> tuple[ImportBatch, Proposal]:
    make_enrollment(make_shop(code="S1"))
    batch = bring("metrics", scores(("S1", "3.1")))
    check()
    return batch, Proposal.objects.get()


def decided_while_reversed(committed_db, until: Callable[[], bool]) -> tuple[object, ImportBatch, Proposal]:
    """Somebody rejects the proposal and is held back just before its end, while the import is reversed."""
    batch, proposal = an_import_with_a_proposal()
    by = make_user("operator")
    with psycopg.connect(committed_db.env["DATABASE_OWNER_URL"]) as owner:
        owner.execute("LOCK TABLE opsdesk_decision IN SHARE MODE")
        deciding = Trying(lambda: review.reject(proposal.pk, by=by, reason="as I see it", at=AT))
        eventually(TO_WRITE, "the decision never came to its end")
        reversing = Trying(lambda: reverse_it(batch))
        eventually(until, "the reversal never came there")
    assert isinstance(deciding.ended(), Decision)
    outcome = reversing.ended()
    batch.refresh_from_db()
    proposal.refresh_from_db()
    return outcome, batch, proposal


def test_an_import_on_which_somebody_is_deciding_waits_and_then_stays(committed_db) -> None:
    outcome, batch, proposal = decided_while_reversed(committed_db, THE_OTHERS_COMMIT)
    assert isinstance(outcome, Refused)
    assert (batch.state, proposal.status, ShopMetrics.objects.count()) == ("applied", "rejected", 1)


def test_control_without_the_lock_a_decision_is_left_without_its_figures(committed_db, monkeypatch) -> None:
    lock = QuerySet.select_for_update

    def none_on_lists(rows: QuerySet, *args: Any, **options: Any) -> QuerySet:
        # The reversal asks for all that rest on the import, in order; everybody else for one.
        return rows if rows.model is Proposal and rows.ordered else lock(rows, *args, **options)

    monkeypatch.setattr(QuerySet, "select_for_update", none_on_lists)
    _outcome, batch, proposal = decided_while_reversed(committed_db, THE_OTHERS_COMMIT)
    assert (batch.state, proposal.status, ShopMetrics.objects.count()) == ("reversed", "rejected", 0)


def test_who_decides_on_what_is_being_reversed_is_told_that_it_is_withdrawn(committed_db) -> None:
    batch, proposal = an_import_with_a_proposal()
    by = make_user("operator")
    with psycopg.connect(committed_db.env["DATABASE_OWNER_URL"]) as owner:
        owner.execute("LOCK TABLE shops_shopmetrics IN SHARE MODE")
        reversing = Trying(lambda: reverse_it(batch))
        eventually(TO_WRITE, "the reversal never came to writing")
        deciding = Trying(lambda: review.accept(proposal.pk, by=by, reason="as I see it", at=AT))
        eventually(THE_OTHERS_COMMIT, "the decision never met the reversal")
    assert reversing.ended() == 1
    assert isinstance(deciding.ended(), AlreadyDecided)
    proposal.refresh_from_db()
    assert (proposal.status, Decision.objects.count()) == ("withdrawn", 0)


def reversed_while_checked(committed_db, until: Callable[[], bool]) -> ImportBatch:
    """A check is held back just before it files on an import, while that is reversed."""
    make_enrollment(make_shop(code="S1"))
    batch = bring("metrics", scores(("S1", "3.1")))
    with psycopg.connect(committed_db.env["DATABASE_OWNER_URL"]) as owner:
        owner.execute("LOCK TABLE rules_proposal IN SHARE MODE")
        checking = Trying(check)
        eventually(TO_WRITE, "the check never came to filing")
        reversing = Trying(lambda: reverse_it(batch))
        eventually(until, "the reversal never came there")
    sweep = checking.ended()
    assert isinstance(sweep, Sweep) and sweep.filed == 1
    assert isinstance(reversing.ended(), int)
    batch.refresh_from_db()
    return batch


def test_an_import_that_a_running_check_reads_is_reversed_after_it_with_all_that_it_filed(
    committed_db,
) -> None:
    batch = reversed_while_checked(committed_db, ITS_TURN)
    assert (batch.state, Proposal.objects.get().status) == ("reversed", "withdrawn")


def test_control_without_taking_turns_a_proposal_is_left_on_what_is_gone(committed_db, monkeypatch) -> None:
    monkeypatch.setattr(reversals, "take_turns", lambda kind, number: None)

    def both_wait() -> bool:
        [(waiting,)] = sql.fetch(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock' AND wait_event = 'relation'"
        )
        return bool(waiting == 2)

    batch = reversed_while_checked(committed_db, both_wait)
    assert (batch.state, Proposal.objects.get().status) == ("reversed", "open")


def test_an_import_that_breaks_off_in_its_reversal_is_not_half_reversed(committed_db) -> None:
    batch, proposal = an_import_with_a_proposal()
    before = standing()
    with psycopg.connect(committed_db.env["DATABASE_OWNER_URL"]) as owner:
        # By now the figures are gone and the proposal is withdrawn.
        owner.execute("LOCK TABLE shops_importbatch IN SHARE MODE")
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '500ms'")
        with pytest.raises(Exception, match="lock timeout"):
            reverse_it(batch)
    proposal.refresh_from_db()
    assert (standing(), proposal.status) == (before, "open")
    assert Coverage.objects.filter(batch=batch).exists()
