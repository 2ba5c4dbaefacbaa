"""Two operators decide the same proposals at the same moments, over HTTP."""

from __future__ import annotations

import http.client
import io
import json
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from urllib.parse import urlencode, urlsplit

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections
from django.db.models import Count

from opsdesk.models import Decision
from rules import sweeps
from rules.models import Proposal
from shops.models import Enrollment, Penalty
from tests.factories import AT, DAY, make_batch, make_metrics, make_proposal, make_sweep, make_user

PROPOSALS = 200
# As many pairs at once as the server has threads, so that both of a pair are often inside together.
PAIRS = 8
CSRF = "a" * 32


def session_of(user: User) -> str:
    """The key of a signed-in session."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return session.session_key


@dataclass
class Operator:
    """Somebody with a browser of his own; `answers` are what the desk said, by proposal."""

    base: str
    session: str
    verb: dict[int, str]
    answers: dict[int, tuple[int, str]] = field(default_factory=dict)
    in_full_swing: threading.Event = field(default_factory=threading.Event)

    def decide(self, mine: list[int], together: threading.Barrier) -> None:
        for proposal in mine:
            # Anew each time: the server closes a connection on which nothing came for two seconds, and on a
            # busy machine the other may take longer.
            browser = http.client.HTTPConnection(urlsplit(self.base).netloc, timeout=60)
            form = {"reason": "as I see it", "csrfmiddlewaretoken": CSRF}
            together.wait(timeout=60)
            browser.request(
                "POST",
                f"/admin/rules/proposal/{proposal}/{self.verb[proposal]}/",
                urlencode(form),
                {
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Cookie": f"{settings.SESSION_COOKIE_NAME}={self.session}; csrftoken={CSRF}",
                    "Accept-Language": "en",
                },
            )
            answer = browser.getresponse()
            self.answers[proposal] = (answer.status, answer.read().decode())
            browser.close()
            if len(self.answers) >= PROPOSALS // 5:
                self.in_full_swing.set()


def race(base: str, ids: list[int], meanwhile: Callable[[], None] | None = None) -> list[Operator]:
    """Each proposal is decided by two at once: both accept, both reject, or one of each.

    Once they are in full swing, `meanwhile` happens.
    """
    first, second = (
        Operator(base, session_of(make_user("operator", username=name)), verb)
        for name, verb in (
            ("first", {pk: "accept" if pk % 3 else "reject" for pk in ids}),
            ("second", {pk: "accept" if pk % 2 else "reject" for pk in ids}),
        )
    )
    threads = []
    for pair in range(PAIRS):
        together = threading.Barrier(2)
        for operator in (first, second):
            mine = ids[pair::PAIRS]
            threads.append(threading.Thread(target=operator.decide, args=(mine, together)))
    for thread in threads:
        thread.start()
    if meanwhile is not None:
        assert first.in_full_swing.wait(timeout=60)
        meanwhile()
    for thread in threads:
        thread.join()
    return [first, second]


def verify_all() -> dict:
    out = io.StringIO()
    with suppress(SystemExit):
        call_command("verify_all", "--json", stdout=out)
    return json.loads(out.getvalue())


def test_of_two_operators_exactly_one_decides_and_the_other_is_told(live_desk: str) -> None:
    operators = race(live_desk, [make_proposal().pk for _ in range(PROPOSALS)])
    statuses = Counter(status for operator in operators for status, _page in operator.answers.values())
    assert statuses == {302: PROPOSALS, 409: PROPOSALS}
    first, second = operators
    for decision in Decision.objects.select_related("decided_by"):
        winner, loser = (first, second) if decision.decided_by.username == "first" else (second, first)
        assert winner.answers[decision.proposal_id][0] == 302
        assert f"{decision.verdict} by {decision.decided_by}" in loser.answers[decision.proposal_id][1]
    accepted = Decision.objects.filter(verdict="accepted").count()
    assert Decision.objects.count() == PROPOSALS
    assert Penalty.objects.count() == Enrollment.objects.filter(state="cleared").count() == accepted
    assert not Proposal.objects.filter(status="open").exists()
    assert verify_all()["broken"] is None


def test_what_a_daily_check_withdraws_meanwhile_nobody_decides(live_desk: str) -> None:
    """The check finds that every shop has recovered, while operators are at work on the same proposals."""
    earlier, batch = make_sweep(), make_batch(first_day=DAY, last_day=DAY)
    proposals = [make_proposal(sweep=earlier) for _ in range(PROPOSALS)]
    for proposal in proposals:
        make_metrics(proposal.shop, batch=batch)
    sweep = sweeps.request(alliance=earlier.alliance, by=None, at=AT, day=DAY)

    operators = race(live_desk, [proposal.pk for proposal in proposals], lambda: sweeps.run(sweep.pk, at=AT))
    sweep.refresh_from_db()
    assert sweep.status == "done"
    statuses = Counter(status for operator in operators for status, _page in operator.answers.values())
    assert set(statuses) == {302, 409}
    assert sweep.withdrawn > 0
    assert Decision.objects.count() == statuses[302]
    assert Proposal.objects.filter(status="withdrawn").count() == sweep.withdrawn
    # Each went one way: decided by somebody, or withdrawn by the check.
    assert statuses[302] + sweep.withdrawn == PROPOSALS
    assert verify_all()["broken"] is None


@pytest.mark.parametrize("wsgi", ["tests.faults.unguarded"])
def test_control_without_locks_and_constraints_proposals_are_decided_twice(live_desk: str) -> None:
    with connections["owner"].cursor() as owner:
        owner.execute("ALTER TABLE opsdesk_decision DROP CONSTRAINT opsdesk_decision_proposal_id_key")
        owner.execute("DROP INDEX shops_measure_clears_an_opening_once")
    operators = race(live_desk, [make_proposal().pk for _ in range(PROPOSALS)])
    done = Counter(status for operator in operators for status, _page in operator.answers.values())[302]
    twice = Decision.objects.values("proposal").annotate(n=Count("pk")).filter(n__gt=1).count()
    assert twice > 0
    assert done == PROPOSALS + twice
    assert "2 decisions" in verify_all()["broken"]
