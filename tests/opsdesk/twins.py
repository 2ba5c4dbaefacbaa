"""A shop that is wronged again and again, and its twin that never is: once appeals have undone every wrong,
nothing tells them apart but the record itself.

What both deserve happens to both. What one alone suffers ends in a full grant, on either level.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from opsdesk import appeals, penalising
from opsdesk.models import Appeal
from rules.models import Proposal
from shops import (
    bars,
    controllers,
    deposits,
    enrollments,
    listings,
    penalties,
    points,
    standing,
    topups,
)
from shops.accounts import balance_of
from shops.calendar import midnight
from shops.errors import Refused
from shops.models import Alliance, Enrollment, Listing, Measure, Opening, Penalty, Shop, TopUp, Violation
from tests.factories import (
    AT,
    DOUYIN,
    WECHAT,
    make_controller,
    make_enrollment,
    make_listing,
    make_product,
    make_shop,
    make_user,
)
from tests.shops.accounting import entered, paid_in

STEPS = {
    "wrong": 6,
    "grant": 4,
    "deny": 3,
    "part": 3,
    "stay": 2,
    "lift": 1,
    "come_in_again": 3,
    "deserved": 3,
    "put_out": 2,
    "readmit": 2,
    "pay_in": 2,
    "top_up": 2,
    "compensate": 1,
    "leave": 1,
    "close": 1,
    "come_back": 1,
    "wait": 4,
}
# So many wrongs at most await their grants at once.
AT_ONCE = 3
ENDING = ("suspend", "restrict_live", "reduce_room", "reduce_account")


@dataclass
class Twin:
    shop: Shop
    sibling: Shop
    listing: Listing

    @classmethod
    def born(cls) -> Twin:
        controller = make_controller()
        shop, sibling = make_shop(controller=controller), make_shop(controller=controller)
        for code in (DOUYIN, WECHAT):
            make_enrollment(shop, code)
        product = make_product(shop)
        return cls(shop, sibling, make_listing(product))

    def enrollment(self, code: str) -> Enrollment:
        return Enrollment.objects.get(shop=self.shop, alliance__code=code)


class Pair:
    """The wronged shop and its twin."""

    def __init__(self, seed: int, people: dict[str, User]) -> None:
        self.random = random.Random(seed)
        self.people = people
        self.at: datetime = AT
        self.wronged, self.twin = Twin.born(), Twin.born()
        self.wrongs: list[Penalty] = []
        self.done: Counter[str] = Counter()
        for one in self.both():
            paid_in(one.shop, 500_000, at=AT)

    def both(self) -> tuple[Twin, Twin]:
        return self.wronged, self.twin

    def step(self) -> str | None:
        """One step; what tells the two apart where no wrong is left, or None."""
        name = self.random.choices(list(STEPS), list(STEPS.values()))[0]
        self.at += timedelta(seconds=1)
        try:
            with transaction.atomic():
                happened = getattr(self, f"_{name}")()
        except Refused:
            happened = False
        if happened is not False:
            self.done[name] += 1
        if self.wrongs:
            return None
        return self.differ(name)

    def right_all(self) -> str | None:
        """Grant what is left, and compare."""
        while self.wrongs:
            self._rule("grant", self.wrongs[0], all_the_same=True)
        return self.differ("all was granted")

    def differ(self, after: str) -> str | None:
        mine, theirs = (self.seen(one) for one in self.both())
        self.done["compared"] += 1
        apart = [
            f"{what}: {mine[what]!r}, the twin {theirs[what]!r}"
            for what in mine
            if mine[what] != theirs[what]
        ]
        return f"after {after} at {self.at}: {'; '.join(apart)}" if apart else None

    def seen(self, one: Twin) -> dict[str, Any]:
        shop, at = one.shop, self.at
        stands = standing.standing(shop, at)
        openings = Opening.objects.filter(enrollment__shop=shop, voided_at=None).order_by(
            "enrollment", "number"
        )
        due = TopUp.objects.filter(shop=shop, state="open")
        alliances = list(Alliance.objects.order_by("pk"))
        return {
            "status": stands.status,
            "restrictions": sorted(measure.kind for measure in stands.restrictions),
            "enrollments": list(
                Enrollment.objects.filter(shop=shop).order_by("pk").values_list("state", "openings_used")
            ),
            "openings": list(openings.values_list("number", "opened_on", "closed", "cause")),
            "balance": balance_of(shop),
            "owed": sum(topups.outstanding_of(top_up) for top_up in due),
            "points": [points.standing_points(shop, where, at) for where in (None, *alliances)],
            "product": Listing.objects.get(pk=one.listing.pk).state,
            "stopped": listings.stops().filter(listing=one.listing).count(),
            "for ever": bars.barred_for_ever().filter(pk=shop.pk).exists(),
            "for now": [bars.barred_for_now(where).filter(pk=shop.pk).exists() for where in alliances],
            "sibling": controllers.barred_shops().filter(pk=one.sibling.pk).exists(),
            "proposed": sorted(
                Proposal.objects.filter(
                    shop__in=[shop, one.sibling], status__in=Proposal.UNDECIDED
                ).values_list("kind", flat=True)
            ),
        }

    # Wrongs, and how they end

    def _wrong(self) -> bool | None:
        if len(self.wrongs) == AT_ONCE:
            return False
        shop, soon = self.wronged.shop, self.at + timedelta(days=self.random.choice([1, 3, 10]))
        inside = list(Enrollment.objects.filter(shop=shop, state="open").select_related("alliance"))
        by_metric = bool(inside) and self.random.random() < 0.4
        measures = []
        where = self.random.choice(inside).alliance if inside else None
        if by_metric:
            measures = [Measure(kind="clear")]
        else:
            kinds = [
                "points",
                "deduct",
                "all",
                "share",
                "top_up",
                "score",
                "clear",
                "close",
                "warning",
                "stop",
            ]
            for kind in self.random.sample([*kinds, *ENDING], self.random.randint(1, 5)):
                measures += self._measure(kind, where, soon)
        if not measures:
            return False
        violation = None if by_metric else Violation.objects.get(code=self.random.choice(["V8", "V8", "V4"]))
        penalty = penalties.impose(
            shop=shop,
            ground="metric" if by_metric else "violation",
            violation=violation,
            alliance=where if by_metric or any(m.kind == "stop" for m in measures) else None,
            product=self.wronged.listing.product if any(m.kind == "stop" for m in measures) else None,
            by=self.people["maker"],
            at=self.at,
            reason="as it seemed",
            evidence={},
            measures=measures,
        )
        self._file(penalty)
        self.wrongs.append(penalty)
        return None

    def _measure(self, kind: str, where: Alliance | None, soon: datetime) -> list[Measure]:
        fen = self.random.randint(1, 60_000)
        match kind:
            case "points":
                alliance = self.random.choice([None, where])
                return [Measure(kind=kind, points=self.random.randint(1, 12), alliance=alliance)]
            case "deduct":
                return [Measure(kind=kind, basis="fixed", amount_fen=fen)]
            case "all":
                return [Measure(kind="deduct", basis="all")]
            case "share":
                return [Measure(kind="deduct", basis="share", share=Decimal("0.3"))]
            case "top_up":
                return [Measure(kind=kind, amount_fen=fen)]
            case "score":
                return [Measure(kind=kind, score=Decimal("0.5"))]
            case "clear" | "stop":
                if where is None:
                    return []
                return [Measure(kind=kind, alliance=where if kind == "clear" else None)]
            case "close" | "warning":
                return [Measure(kind=kind)]
        return [Measure(kind=kind, ends_at=soon)]

    def _file(self, penalty: Penalty) -> None:
        appeals.file(penalty=penalty, channel="mail", statement="wrong", by=self.people["clerk"], at=self.at)

    def _rule(self, verb: str, penalty: Penalty, **given: Any) -> None:
        appeal = Appeal.objects.get(penalty=penalty, state__in=Appeal.OPEN)
        judge = self.people[f"judge {appeal.level}"]
        appeals.take(appeal.pk, by=judge, at=self.at)
        getattr(appeals, verb)(appeal.pk, reason="as it is", by=judge, at=self.at, **given)
        if verb == "grant":
            self.wrongs.remove(penalty)
        else:
            self._file(penalty)

    def _one(self, *, first_level: bool = False) -> Penalty | None:
        found = [
            penalty
            for penalty in self.wrongs
            if not first_level or Appeal.objects.get(penalty=penalty, state__in=Appeal.OPEN).level == 1
        ]
        return self.random.choice(found) if found else None

    def _grant(self) -> bool | None:
        if (penalty := self._one()) is None:
            return False
        return self._rule("grant", penalty, all_the_same=True)

    def _deny(self) -> bool | None:
        if (penalty := self._one(first_level=True)) is None:
            return False
        return self._rule("deny", penalty)

    def _part(self) -> bool | None:
        if (penalty := self._one(first_level=True)) is None:
            return False
        undone, less = [], {}
        for measure in penalty.measures.filter(undone_at=None).order_by("pk"):
            if self.random.random() < 0.3:
                undone.append(measure.pk)
            elif self.random.random() < 0.6 and (value := self._less(measure)) is not None:
                less[measure.pk] = value
        return self._rule("grant_in_part", penalty, measures=undone, less=less, all_the_same=True)

    def _less(self, measure: Measure) -> Any:
        if measure.lapsed_at is not None:
            return None
        match measure.kind:
            case "points":
                assert measure.points is not None
                return self.random.randrange(measure.points)
            case "deduct" | "top_up":
                return self.random.randrange(measure.amount_fen) if measure.amount_fen else None
            case "score":
                return Decimal("0.25")
        if (
            measure.kind not in ENDING
            or measure.ends_at is None
            or measure.ends_at <= self.at + timedelta(hours=1)
        ):
            return None
        return self.at + (measure.ends_at - self.at) / 2

    def _stay(self) -> bool | None:
        if (penalty := self._one()) is None:
            return False
        penalty.refresh_from_db()
        appeal = Appeal.objects.get(penalty=penalty, state__in=Appeal.OPEN)
        verb = appeals.stay if penalty.stayed_at is None else appeals.unstay
        verb(appeal.pk, reason="doubtful", by=self.people["judge 1"], at=self.at)
        return None

    def _lift(self) -> bool | None:
        if (penalty := self._one()) is None:
            return False
        penalising.lift(penalty, by=None, at=self.at, reason="has served its time")
        return None

    def _come_in_again(self) -> bool | None:
        """The wronged alone, by an opening that is void later."""
        code = self.random.choice([DOUYIN, WECHAT])
        if self.wronged.enrollment(code).state != "cleared" or self.twin.enrollment(code).state != "open":
            return False
        self._admitted(self.wronged, code)
        return None

    def _admitted(self, one: Twin, code: str) -> None:
        enrollment = one.enrollment(code)
        if enrollment.state != "applied":
            enrollments.apply(enrollment, by=None, at=self.at)
        enrollments.admit(enrollment, by=None, at=self.at)

    # What both deserve, or do

    def _deserved(self) -> None:
        violation = Violation.objects.get(code="V8")
        fen = self.random.randint(1, 20_000)
        ends = self.at + timedelta(days=self.random.choice([2, 5]))
        chosen = self.random.sample(["points", "deduct", "suspend"], self.random.randint(1, 3))
        for one in self.both():
            measures = [Measure(kind="warning")]
            if "points" in chosen:
                measures.append(Measure(kind="points", points=2))
            if "deduct" in chosen and fen:
                measures.append(Measure(kind="deduct", basis="fixed", amount_fen=fen))
            if "suspend" in chosen:
                measures.append(Measure(kind="suspend", ends_at=ends))
            penalising.impose(
                shop=one.shop,
                violation=violation,
                measures=measures,
                reason="as it was",
                by=self.people["maker"],
                at=self.at,
                key=f"{one.shop.pk} {self.at}",
            )

    def _put_out(self) -> bool | None:
        code = self.random.choice([DOUYIN, WECHAT])
        found = [one.enrollment(code) for one in self.both()]
        if any(enrollment.state != "open" for enrollment in found):
            return False
        for enrollment in found:
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
        return None

    def _readmit(self) -> bool | None:
        code = self.random.choice([DOUYIN, WECHAT])
        if any(one.enrollment(code).state not in ("cleared", "left", "applied") for one in self.both()):
            return False
        # Of the wronged first: where it is kept out, neither comes in.
        for one in self.both():
            self._admitted(one, code)
        return None

    def _pay_in(self) -> None:
        fen = self.random.randint(1, 60_000)
        for one in self.both():
            paid_in(one.shop, fen, at=self.at)

    def _top_up(self) -> None:
        fen = self.random.randint(1, 60_000)
        for one in self.both():
            entered(deposits.top_up, one.shop, fen, at=self.at)

    def _compensate(self) -> None:
        fen = self.random.randint(1, 10_000)
        for one in self.both():
            entered(deposits.compensate, one.shop, fen, at=self.at)

    def _leave(self) -> bool | None:
        code = self.random.choice([DOUYIN, WECHAT])
        found = [one.enrollment(code) for one in self.both()]
        if any(enrollment.state != "open" for enrollment in found):
            return False
        for enrollment in found:
            penalising.leave(enrollment, by=None, at=self.at, reason="as it wished")
        return None

    def _close(self) -> None:
        for one in self.both():
            penalising.close(one.shop, by=None, at=self.at, reason="as it wished")

    def _come_back(self) -> None:
        closure = self.twin.shop.closures.filter(returned_at=None).first()
        if closure is None:
            raise Refused("it has not closed")
        self.at = max(self.at, midnight(closure.return_from))
        penalties.run_timers(self.at)
        for one in self.both():
            penalising.come_back(one.shop, by=None, at=self.at, reason="as it wished")

    def _wait(self) -> None:
        self.at += timedelta(days=self.random.choice([0, 1, 4, 12]))
        if self.random.random() < 0.8:
            penalties.run_timers(self.at)


def make_people() -> dict[str, User]:
    return {
        "maker": make_user("supervisor"),
        "clerk": make_user("appeals_officer"),
        "judge 1": make_user("supervisor"),
        "judge 2": make_user("supervisor"),
    }
