"""What every step has in common: it is taken or refused as a whole, and where no wrong is left the two are
held against each other.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, TypeVar

from django.db import transaction
from django.utils.timezone import localdate
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from opsdesk import appeals, audit, penalising, resting
from opsdesk.models import Appeal
from rules import casework, sweeps
from rules.models import Proposal
from shops import bars
from shops.errors import Refused
from shops.models import Alliance, Measure, Penalty, Shop
from tests.factories import AT, DOUYIN, WECHAT, make_metrics
from tests.opsdesk.twins import cases
from tests.opsdesk.twins.scene import Scene
from tests.opsdesk.twins.seen import ROLES, Twin, apart, listed
from tests.shops.accounting import sound
from tests.shops.importing import bring

SHOPS = "code,name,shop_type,category,goods_kind,status,subject_kind,closed_on,closed_cause\n"
CODES = st.sampled_from([DOUYIN, WECHAT])
OF_WHOM = st.sampled_from(ROLES)
PLACES = st.integers(0, 5)
# So many wrongs at most await their grants at once.
AT_ONCE = 3


T = TypeVar("T")


def one_of(found: Sequence[T], which: int) -> T:
    return found[which % len(found)]


@dataclass
class Wrong:
    """What the wronged alone suffers. `heard`: an appeal against it is; otherwise it rests on one that is."""

    penalty: Penalty
    heard: bool = True
    level: int = 1


class Pair(RuleBasedStateMachine):
    """The wronged shop and its twin. Nothing is left of them once the example is over."""

    # Called after each step with what it came to, and with what went wrong where something did.
    count: ClassVar[Callable[[str | None, str], None]] = staticmethod(lambda problem, outcome: None)

    # What every pair begins with, made once: an example that is over has left it as it was.
    scene: ClassVar[Scene]

    def __init__(self) -> None:
        super().__init__()
        self.begun_in = sys.exception()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.at: datetime = AT
        self.wronged, self.twin = copy.deepcopy(self.scene.twins)
        self.people = self.scene.people
        self.wrongs: list[Wrong] = []
        self.steps_done = 0
        # Whether something is proposed of the wronged, or a product was ever stopped; what the platform says.
        self.waiting = self.was_stopped = False
        self.status = dict.fromkeys(ROLES, "normal")
        self.checked: date | None = None
        # Who has closed by itself.
        self.away: set[str] = set()

    @property
    def both(self) -> tuple[Twin, Twin]:
        return self.wronged, self.twin

    def teardown(self) -> None:
        try:
            # Where a step has failed already, that is to be told.
            if sys.exception() is self.begun_in:
                self.right_everything()
        finally:
            self.over()

    def over(self) -> None:
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)

    # Steps

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self.at += timedelta(seconds=1)
        self.steps_done += 1
        problem: str | None = "it raised"
        outcome, alike = name, not self.wrongs
        try:
            try:
                with transaction.atomic():
                    yield
            except Refused:
                # Nothing has happened.
                outcome = f"{name}, refused"
            else:
                self.forget_what_fell()
                self.waiting = self.wronged.undecided().exists()
                if self.wrongs:
                    self.sit_past_no_bar()
                else:
                    self.agree(name)
                    outcome = outcome if alike else f"{name}, and all was righted"
            problem = None
        except AssertionError as failure:
            problem = str(failure)
            raise
        finally:
            type(self).count(problem, outcome)

    def alike(self, verb: Callable[[Twin], Any]) -> None:
        """The same to both: while a wrong stands, or the platform keeps one from going on, to neither where
        one is refused it; otherwise both are, or neither is.
        """
        if self.wrongs or "closed" in self.status.values():
            for one in self.both:
                verb(one)
            return
        refusals = [self._refusal(verb, one) for one in self.both]
        if all(refusals):
            raise Refused(refusals[0])
        if any(refusals):
            raise AssertionError(f"of the two one is refused: {' / '.join(refusals)} at {self.at}")

    def _refusal(self, verb: Callable[[Twin], Any], one: Twin) -> str:
        try:
            with transaction.atomic():
                verb(one)
        except Refused as refusal:
            return str(refusal)
        return ""

    def where(self, which: int, states: set[str], twins: set[str] | None = None) -> tuple[str, str]:
        """Some alliance and role in which the wronged is in one of the states, and the twin as well or in one
        of its own. Refused where there is none.
        """
        mine, theirs = (one.states() for one in self.both)
        found = [key for key in mine if mine[key] in states and theirs[key] in (twins or states)]
        if not found:
            raise Refused("neither stands so")
        return one_of(found, which)

    def file_what_follows(self, shop: Shop) -> None:
        """As the desk's doors do once they have changed something of a shop."""
        casework.file_from_facts(at=self.at, shops=[shop])

    def wrong_done(self, penalty: Penalty, *, heard: bool = True) -> None:
        """From now on it is to be righted."""
        self.file_what_follows(penalty.shop)
        if heard:
            self.file(penalty)
        self.wrongs.append(Wrong(penalty, heard))

    # Hearings

    @property
    def heard(self) -> list[Penalty]:
        return [wrong.penalty for wrong in self.wrongs if wrong.heard]

    def at_first_level(self) -> list[Penalty]:
        return [wrong.penalty for wrong in self.wrongs if wrong.heard and wrong.level == 1]

    def file(self, penalty: Penalty) -> None:
        appeals.file(penalty=penalty, channel="mail", statement="wrong", by=self.people["clerk"], at=self.at)

    def appeal_of(self, penalty: Penalty) -> Appeal:
        return Appeal.objects.get(penalty=penalty, state__in=Appeal.OPEN)

    def rule_on(self, penalty: Penalty, verb: str, **given: Any) -> None:
        appeal = self.appeal_of(penalty)
        judge = self.people[f"judge {appeal.level}"]
        appeals.take(appeal.pk, by=judge, at=self.at)
        getattr(appeals, verb)(appeal.pk, reason="as it is", by=judge, at=self.at, **given)
        if verb != "grant":
            self.file(penalty)
            [wrong] = [wrong for wrong in self.wrongs if wrong.penalty == penalty]
            wrong.level = 2

    def forget_what_fell(self) -> None:
        if not self.wrongs:
            return
        keys = [wrong.penalty.pk for wrong in self.wrongs]
        stand = Penalty.objects.filter(pk__in=keys, status__in=Penalty.PENALISED)
        left = set(stand.values_list("pk", flat=True))
        self.wrongs = [wrong for wrong in self.wrongs if wrong.penalty.pk in left]
        if not self.heard:
            # Of what is over nothing can be imposed anew.
            penalising.run_timers(self.at)
            self._decide_what_is_listed()

    def _decide_what_is_listed(self) -> None:
        """What rested on wrongs has fallen by itself, or is listed for somebody to overturn; what would have
        been less without them is imposed anew, and after it what came after it: each is the case that it was.
        """
        found = listed(self.wronged)
        found += cases.later_steps(found)
        wrong = [one.penalty.pk for one in self.wrongs]
        anew = [
            (penalty, measure.ends_at)
            for penalty in found
            if penalty.pk not in wrong
            for measure in penalty.measures.standing().filter(kind__in=Measure.LASTING)
        ]
        for penalty in found:
            penalising.overturn(penalty, by=self.people["judge 1"], at=self.at, reason="without ground")
        for already, (penalty, ends_at) in enumerate(anew):
            # After those that were imposed before it, which may be over by now, and are cases all the same.
            number = cases.number_of(penalty) + already
            cases.step(penalty.shop, ends_at, by=self.people["maker"], at=self.at, number=number)
        stand = [f"{one} of {one.shop} ({one.reason})" for one in resting.in_effect().filter(pk__in=wrong)]
        self.wrongs = []
        assert not stand, f"what it rested on has fallen, and nobody is told, at {self.at}: {stand}"

    def stepped_up(self, one: Twin, ends_at: datetime) -> None:
        cases.step(one.shop, ends_at, by=self.people["maker"], at=self.at)

    def sit_past_no_bar(self) -> None:
        """Nobody was let in by a later opening while what put it out bars it, unless that is proposed to be
        ended.
        """
        for alliance in Alliance.objects.filter(code__in=[DOUYIN, WECHAT]):
            inside = Measure.objects.standing().filter(
                kind="clear",
                penalty__in=bars.barring(alliance),
                opening__enrollment__shop__in=self.wronged.shops,
                opening__enrollment__state="open",
                alliance=alliance,
            )
            for measure in inside:
                cleared = Proposal.objects.filter(
                    enrollment__openings=measure.opening, kind="clear", status__in=Proposal.UNDECIDED
                )
                assert cleared.exists(), f"let in past {measure.penalty}, which bars it, at {self.at}"

    def reported(self, role: str, status: str) -> None:
        """The platform's file has come in, of both."""
        closed = f"{localdate(self.at)},voluntary" if status == "closed" else ","
        rows = [
            f"{shop.code},{shop.name},{shop.shop_type},{shop.category},{shop.goods_kind},{status},"
            f"{shop.subject_kind},{closed}\n"
            for shop in (one.of(role) for one in self.both)
        ]
        batch = bring("shops", SHOPS + "".join(rows), at=self.at)
        assert (batch.state, batch.updated) == ("applied", 2)
        self.status[role] = status
        # Whoever was only kept out by that goes on.
        penalising.run_timers(self.at)

    def check(self) -> None:
        """The daily check of one alliance; all four shops measure well."""
        day = localdate(self.at)
        if self.checked != day:
            for shop in (*self.wronged.shops, *self.twin.shops):
                make_metrics(shop, day)
            self.checked = day
        alliance = Alliance.objects.get(code=WECHAT)
        sweeps.run(sweeps.request(alliance=alliance, by=None, at=self.at).pk, at=self.at)

    def right_everything(self) -> None:
        while self.heard:
            self.at += timedelta(seconds=1)
            self.rule_on(self.heard[0], "grant", all_the_same=True)
            self.forget_what_fell()
        for role in ROLES:
            if self.status[role] == "closed":
                self.at += timedelta(seconds=1)
                self.reported(role, "normal")
        self.agree("all was granted")
        assert sound()
        assert (audit.verify_enrollments() or audit.verify_history()) is None

    # Comparing

    def agree(self, after: str) -> None:
        """That nothing tells the two apart: what is proposed of the wronged alone is withdrawn at once; what
        is to be proposed of one as of the other comes with the next look at the record, the day's check too.
        """
        if "closed" in self.status.values():
            # Nobody goes on with an opening before its platform has opened it again.
            return
        differ = apart(self.wronged, self.twin, self.at)
        mine, theirs = before = [one.proposed() for one in self.both]
        if mine != theirs:
            casework.file_from_facts(at=self.at)
            if self.checked:
                self.check()
            now, theirs = (one.proposed() for one in self.both)
            # What that look has withdrawn from both was right of both.
            if more := mine - (before[1] | theirs):
                differ.append(f"still proposed: {sorted(more)!r}")
            elif now != theirs:
                differ.append(f"proposed: {sorted(now)!r}, of the twin {sorted(theirs)!r}")
        assert not differ, f"after {after} at {self.at}: {'; '.join(differ)}"
