"""What is proposed and decided: of the wronged alone, as nobody would propose it of the other, or of both."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from opsdesk import penalising, review
from rules import casework
from rules.models import Proposal
from shops.errors import Refused
from shops.models import Enrollment, Penalty, Violation
from tests.factories import make_penalty, make_proposal
from tests.opsdesk.twins.cases import LADDER, consequences
from tests.opsdesk.twins.pair import CODES, OF_WHOM, PLACES, Pair, one_of
from tests.opsdesk.twins.wrongs import still_room

Kind = Proposal.Kind


class Proposals(Pair):
    @still_room
    @rule(place=CODES, by_hand=st.booleans())
    def wrongly_proposed(self, place: str, by_hand: bool) -> None:
        """A clearance, as an operator or a daily check files it, is accepted."""
        with self.step("wrongly proposed"):
            enrollment = self.wronged.enrollment(place)
            known = Proposal.objects.filter(
                enrollment=enrollment, kind="clear", status__in=Proposal.UNDECIDED
            )
            if enrollment.state != Enrollment.State.OPEN or known.exists():
                raise Refused("there is nothing to propose")
            if by_hand:
                proposal = review.file_by_hand(
                    shop=enrollment.shop,
                    alliance=enrollment.alliance,
                    statement="unsuitable",
                    by=self.people["operator"],
                    at=self.at,
                )
            else:
                proposal = make_proposal(enrollment)
            self._accepted(proposal, heard=True)

    @still_room
    @rule(code=st.sampled_from(["V8", "V4", "V11", LADDER]), days=st.sampled_from([2, 6]))
    def wrongly_reported(self, code: str, days: int) -> None:
        """A case is penalised as it is proposed."""
        with self.step("wrongly reported"):
            shop, violation = self.wronged.shop, Violation.objects.get(code=code)
            case = make_penalty(
                shop,
                violation_code=code,
                status=Penalty.Status.REPORTED,
                at=self.at,
                alliance=violation.alliance,
            )
            casework.file_from_facts(at=self.at, shops=[shop])
            penalising.accept(
                Proposal.objects.get(case=case, kind="penalise"),
                measures=consequences(code, shop, self.at, days),
                reason="as reported",
                by=self.people["operator"],
                at=self.at,
            )
            case.refresh_from_db()
            self.wrong_done(case)

    @still_room
    @rule(role=OF_WHOM, code=st.sampled_from(["V2", "V10"]))
    def wrongly_removed(self, role: str, code: str) -> None:
        """From the platform, so that the other shop of its controller is proposed to be cleared."""
        with self.step("wrongly removed"):
            shop = self.wronged.of(role)
            penalty = penalising.impose(
                shop=shop,
                violation=Violation.objects.get(code=code),
                measures=consequences(code, shop, self.at, days=3),
                reason="as it seemed",
                by=self.people["maker"],
                at=self.at,
                key=f"removed {self.at}",
            )
            self.wrong_done(penalty)

    @rule(days=st.sampled_from([2, 6]))
    def deserved_on_the_ladder(self, days: int) -> None:
        with self.step("deserved on the ladder"):
            self.alike(lambda one: self.stepped_up(one, self.at + timedelta(days=days)))

    @precondition(lambda pair: pair.waiting)
    @rule(which=PLACES, accepts=st.booleans(), heard=st.booleans())
    def decide(self, which: int, accepts: bool, heard: bool) -> None:
        """On what is proposed; of the twin as well, if the same is proposed of it."""
        with self.step("accept" if accepts else "reject"):
            proposal = one_of(self.wronged.undecided(), which)
            told = self.wronged.told(proposal)
            same = [one for one in self.twin.undecided() if self.twin.told(one) == told]
            if same:
                of = {self.wronged.shop.pk: proposal, self.twin.shop.pk: same[0]}
                self.alike(lambda one: self._decided(of[one.shop.pk], accepts))
            elif proposal.kind == Kind.ADMIT:
                raise Refused("nothing wrong would be done to it")
            elif accepts:
                # What nothing but a ruling takes back is appealed against.
                falls = proposal.points_threshold_id or (proposal.case_id and proposal.kind == Kind.CLEAR)
                self._accepted(proposal, heard=heard or not falls)
            else:
                self._decided(proposal, accepts)

    def _decided(self, proposal: Proposal, accepts: bool) -> None:
        if accepts:
            self._accept(proposal)
        else:
            review.reject(proposal.pk, by=self.people["operator"], reason="thin_evidence", at=self.at)

    def _accept(self, proposal: Proposal) -> Proposal:
        decision = review.accept(proposal.pk, by=self.people["operator"], reason="violation", at=self.at)
        return decision.proposal

    def _accepted(self, proposal: Proposal, *, heard: bool) -> None:
        penalty = self._accept(proposal).penalty
        assert penalty is not None
        self.wrong_done(penalty, heard=heard)
