"""What the wronged alone suffers, and how it is heard."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from opsdesk import appeals, penalising
from shops import enrollments, penalties
from shops.models import Alliance, Enrollment, Measure, Violation
from tests.opsdesk.twins.pair import AT_ONCE, CODES, PLACES, Pair, one_of
from tests.opsdesk.twins.seen import Twin

LASTING = ("suspend", "restrict_live", "reduce_room", "reduce_account")
KINDS = ["warning", "points", "score", "deduct", "all", "share", "top_up", "clear", "close", *LASTING]
FEN = st.integers(1, 60_000)
FATES = st.dictionaries(PLACES, st.sampled_from(["undone", "less", "nothing"]), min_size=1, max_size=4)

still_room = precondition(lambda pair: len(pair.wrongs) < AT_ONCE)
some_heard = precondition(lambda pair: pair.heard)
some_first_level = precondition(lambda pair: pair.at_first_level())


class Wrongs(Pair):
    @still_room
    @rule(
        kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=5, unique=True),
        code=st.sampled_from(["V8", "V4"]),
        place=CODES,
        whole=st.booleans(),
        fen=FEN,
        points=st.integers(1, 12),
        days=st.sampled_from([1, 3, 10]),
    )
    def wrong(
        self, kinds: list[str], code: str, place: str, whole: bool, fen: int, points: int, days: int
    ) -> None:
        """A violation that was none, with measures that somebody chose."""
        with self.step("wrong"):
            alliance = Alliance.objects.get(code=place)
            given: dict[str, dict[str, Any]] = {
                "points": {"points": points, "alliance": None if whole else alliance},
                "deduct": {"basis": "fixed", "amount_fen": fen},
                "all": {"kind": "deduct", "basis": "all"},
                "share": {"kind": "deduct", "basis": "share", "share": Decimal("0.3")},
                "top_up": {"amount_fen": fen},
                "score": {"score": Decimal("0.5")},
                "clear": {"alliance": alliance},
                **{kind: {"ends_at": self.at + timedelta(days=days)} for kind in LASTING},
            }
            measures = [Measure(**{"kind": kind} | given.get(kind, {})) for kind in kinds]
            self._imposed(*measures, ground="violation", violation=Violation.objects.get(code=code))

    @still_room
    @rule(place=CODES, ground=st.sampled_from(["metric", "qualification", "judgement"]))
    def wrong_clearance(self, place: str, ground: str) -> None:
        with self.step("wrong clearance"):
            alliance = Alliance.objects.get(code=place)
            self._imposed(Measure(kind="clear"), ground=ground, alliance=alliance)

    @still_room
    @rule(ground=st.sampled_from(["metric", "judgement"]))
    def wrong_stop(self, ground: str) -> None:
        with self.step("wrong stop"):
            listing = self.wronged.listing
            self._imposed(
                Measure(kind="stop"), ground=ground, alliance=listing.alliance, product=listing.product
            )
            self.was_stopped = True

    def _imposed(self, *measures: Measure, **given: Any) -> None:
        penalty = penalties.impose(
            shop=self.wronged.shop,
            by=self.people["maker"],
            at=self.at,
            reason="as it seemed",
            evidence={},
            measures=measures,
            **given,
        )
        self.wrong_done(penalty)

    # How they end

    @some_heard
    @rule(which=PLACES)
    def grant(self, which: int) -> None:
        with self.step("grant"):
            self.rule_on(one_of(self.heard, which), "grant", all_the_same=True)

    @some_heard
    @rule()
    def grant_all(self) -> None:
        with self.step("grant all"):
            for penalty in self.heard:
                self.rule_on(penalty, "grant", all_the_same=True)

    @some_first_level
    @rule(which=PLACES)
    def deny(self, which: int) -> None:
        with self.step("deny"):
            self.rule_on(one_of(self.at_first_level(), which), "deny")

    @some_first_level
    @rule(which=PLACES, fates=FATES)
    def grant_in_part(self, which: int, fates: dict[int, str]) -> None:
        with self.step("grant in part"):
            penalty = one_of(self.at_first_level(), which)
            own = list(penalty.measures.filter(undone_at=None).order_by("pk"))
            told = {own[place % len(own)]: fate for place, fate in fates.items()} if own else {}
            self.rule_on(
                penalty,
                "grant_in_part",
                measures=[measure.pk for measure, fate in told.items() if fate == "undone"],
                less=self._less(told),
                all_the_same=True,
            )

    def _less(self, told: Mapping[Measure, str]) -> dict[int, Any]:
        less: dict[int, Any] = {}
        for measure, fate in told.items():
            if fate == "undone":
                continue
            amount = measure.points or measure.amount_fen
            if measure.kind in LASTING and measure.ends_at is not None:
                less[measure.pk] = self.at + (measure.ends_at - self.at) / 2
            elif measure.kind == "score":
                less[measure.pk] = Decimal("0.25")
            elif amount:
                less[measure.pk] = amount // 2 if fate == "less" else 0
        return less

    @some_heard
    @rule(which=PLACES)
    def stay(self, which: int) -> None:
        """Or end the stay."""
        with self.step("stay"):
            penalty = one_of(self.heard, which)
            penalty.refresh_from_db()
            verb = appeals.stay if penalty.stayed_at is None else appeals.unstay
            verb(self.appeal_of(penalty).pk, reason="doubtful", by=self.people["stays"], at=self.at)

    @precondition(lambda pair: pair.wrongs)
    @rule(which=PLACES)
    def lift(self, which: int) -> None:
        with self.step("lift"):
            penalty = one_of(self.wrongs, which).penalty
            penalising.lift(penalty, by=None, at=self.at, reason="has served its time")

    @precondition(lambda pair: pair.wrongs)
    @rule(which=PLACES)
    def come_in_again(self, which: int) -> None:
        """The wronged alone, by an opening that is void later."""
        with self.step("come in again"):
            place, role = self.where(which, {"cleared"}, {"open"})
            admitted(self, self.wronged, place, role)


def admitted(pair: Pair, one: Twin, place: str, role: str) -> None:
    enrollment = one.enrollment(place, role)
    if enrollment.state != Enrollment.State.APPLIED:
        enrollments.apply(enrollment, by=None, at=pair.at)
    enrollments.admit(enrollment, by=None, at=pair.at)
    pair.file_what_follows(enrollment.shop)
