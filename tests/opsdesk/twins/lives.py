"""What both deserve, or do."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from opsdesk import penalising
from shops import deposits, penalties
from shops.calendar import midnight
from shops.models import Measure, Violation
from tests.opsdesk.twins.pair import OF_WHOM, PLACES, Pair, one_of
from tests.opsdesk.twins.seen import Twin
from tests.opsdesk.twins.wrongs import FEN, admitted
from tests.shops.accounting import entered

MONEY = ["pay_in", "top_up", "top_up", "compensate"]


class Lives(Pair):
    @rule(
        kinds=st.sets(st.sampled_from(["points", "deduct", "suspend"])),
        fen=st.integers(1, 20_000),
        days=st.sampled_from([2, 5]),
    )
    def deserved(self, kinds: set[str], fen: int, days: int) -> None:
        with self.step("deserved"):
            given = {
                "points": {"points": 4},
                "deduct": {"basis": "fixed", "amount_fen": fen},
                "suspend": {"ends_at": self.at + timedelta(days=days)},
            }
            self.alike(
                lambda one: penalising.impose(
                    shop=one.shop,
                    violation=Violation.objects.get(code="V8"),
                    measures=[
                        Measure(kind="warning"),
                        *(Measure(kind=kind, **given[kind]) for kind in sorted(kinds)),
                    ],
                    reason="as it was",
                    by=self.people["maker"],
                    at=self.at,
                    key=f"{one.shop.pk} {self.at}",
                )
            )

    @rule(which=PLACES)
    def put_out(self, which: int) -> None:
        with self.step("put out"):
            place, role = self.where(which, {"open"})

            def cleared(one: Twin) -> None:
                enrollment = one.enrollment(place, role)
                penalties.impose(
                    shop=enrollment.shop,
                    ground="metric",
                    alliance=enrollment.alliance,
                    by=None,
                    at=self.at,
                    reason="below the bar",
                    evidence={},
                    measures=[Measure(kind="clear")],
                )
                self.file_what_follows(enrollment.shop)

            self.alike(cleared)

    @rule(which=PLACES)
    def readmit(self, which: int) -> None:
        with self.step("readmit"):
            place, role = self.where(which, {"cleared", "left", "applied"})
            self.alike(lambda one: admitted(self, one, place, role))

    @rule(verb=st.sampled_from(MONEY), fen=FEN)
    def move_money(self, verb: str, fen: int) -> None:
        with self.step(verb.replace("_", " ")):
            self.alike(lambda one: entered(getattr(deposits, verb), one.shop, fen, at=self.at))

    @rule(which=PLACES)
    def leave(self, which: int) -> None:
        with self.step("leave"):
            place, role = self.where(which, {"open"})
            self.alike(
                lambda one: penalising.leave(
                    one.enrollment(place, role), by=None, at=self.at, reason="as it wished"
                )
            )

    # Seldom, for little happens until it comes back.
    @precondition(lambda pair: not pair.away and pair.steps_done % 4 == 0)
    @rule(role=OF_WHOM)
    def close(self, role: str) -> None:
        with self.step("close"):
            self.alike(lambda one: penalising.close(one.of(role), by=None, at=self.at, reason="as it wished"))
            self.away.add(role)

    @precondition(lambda pair: pair.away)
    @rule(which=PLACES)
    def come_back(self, which: int) -> None:
        role = one_of(sorted(self.away), which)
        closure = self.twin.of(role).closures.get(returned_at=None)
        self.at = max(self.at, midnight(closure.return_from))
        with self.step("come back"):
            penalising.run_timers(self.at)
            self.alike(
                lambda one: penalising.come_back(one.of(role), by=None, at=self.at, reason="as it wished")
            )
            self.away.discard(role)

    @rule(days=st.sampled_from([0, 1, 4, 12]), late=st.booleans())
    def wait(self, days: int, late: bool) -> None:
        """And have what is over end, unless the timer is late."""
        self.at += timedelta(days=days)
        with self.step("wait"):
            if not late:
                penalising.run_timers(self.at)
