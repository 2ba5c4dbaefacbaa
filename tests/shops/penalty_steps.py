"""Random steps at one shop, done by the desk and by the model, and what differs after each."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.timezone import localdate

from shops import bars, closing, deposits, enrollments, lessening, penalties, points, standing, topups
from shops.accounts import balance_of
from shops.calendar import midnight
from shops.errors import Refused
from shops.models import Alliance, Enrollment, Measure, Penalty, Shop, TopUp, Violation
from tests.factories import AT, DOUYIN, WECHAT, make_enrollment, make_shop
from tests.shops.accounting import entered, paid_in
from tests.shops.penalty_model import LASTING, PENALISED, Book, Case, Done, Owed, Place

STEPS = {
    "impose": 6,
    "overturn": 3,
    "part": 2,
    "lessen": 2,
    "lift": 2,
    "wait": 3,
    "pay_in": 2,
    "top_up": 2,
    "apply": 2,
    "admit": 3,
    "leave": 1,
    "close": 1,
    "come_back": 1,
    "import": 1,
}


class Walk:
    """One shop in two alliances, and the model of it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.at: datetime = AT
        self.shop = make_shop()
        self.alliances = {code: Alliance.objects.get(code=code) for code in (DOUYIN, WECHAT)}
        for code in self.alliances:
            make_enrollment(self.shop, code)
        self.book = Book(
            {code: Place("open", alliance.openings_limit) for code, alliance in self.alliances.items()}
        )
        self.penalties: list[Penalty] = []
        self.done: Counter[str] = Counter()

    def step(self) -> str | None:
        """One step by both; what differs afterwards, or None."""
        name = self.random.choices(list(STEPS), list(STEPS.values()))[0]
        # No two steps happen in one moment: a shop that returns has been away.
        self.at += timedelta(seconds=1)
        getattr(self, f"_{name}")()
        self.done[name] += 1
        differs = [
            f"{what}: {ours!r}, by the model {theirs!r}"
            for what, ours, theirs in self._compared()
            if ours != theirs
        ]
        return f"after {name} at {self.at}: {'; '.join(differs)}" if differs else None

    def _compared(self) -> list[tuple[str, Any, Any]]:
        shop, book, at = self.shop, self.book, self.at
        stands = standing.standing(shop, at)
        enrolled = Enrollment.objects.filter(shop=shop).values_list(
            "alliance__code", "state", "openings_used"
        )
        outstanding = topups.with_outstanding(TopUp.objects.filter(shop=shop, state="open"))
        return [
            (
                "places",
                {code: (state, used) for code, state, used in enrolled},
                {code: (place.state, place.used) for code, place in book.places.items()},
            ),
            ("balance", balance_of(shop), book.balance),
            ("owed", sum(one.outstanding_fen for one in outstanding), sum(o.fen for o in book.owed)),  # type: ignore[attr-defined]
            ("points", points.standing_points(shop, None, at), book.points(at)),
            ("status", stands.status, book.status(at)),
            ("restrictions", len(stands.restrictions), len(book.measures(at, "restrict_live"))),
            ("for ever", bars.barred_for_ever().filter(pk=shop.pk).exists(), book.for_ever()),
            (
                "penalties",
                list(Penalty.objects.filter(shop=shop).order_by("pk").values_list("status", flat=True)),
                [case.status for case in book.cases],
            ),
        ]

    def _refused(self, verb: Callable[[], object]) -> bool:
        try:
            verb()
        except Refused:
            return True
        return False

    def _agree(self, refused: bool, by_the_model: bool, what: str) -> bool:
        assert refused == by_the_model, f"{what} at {self.at}: refused {refused}, by the model {by_the_model}"
        return not refused

    # Steps

    def _impose(self) -> None:
        serious = self.random.random() < 0.15
        chosen: list[Measure] = []
        told: list[Callable[[], list[Done]]] = []
        soon = self.at + timedelta(days=self.random.choice([1, 3, 10]))
        inside = [code for code, place in self.book.places.items() if place.state == "open"]
        kinds = ["points", "deduct", "all", "top_up", "suspend", "restrict_live", "clear", "close", "warning"]
        for kind in self.random.sample(kinds, self.random.randint(1, 4)):
            fen = self.random.randint(1, 50_000)
            if kind == "points":
                chosen.append(Measure(kind=kind, points=4, ends_at=soon))
                told.append(lambda: [Done("points", points=4, ends_at=soon)])
            elif kind == "deduct":
                chosen.append(Measure(kind=kind, basis="fixed", amount_fen=fen))
                told.append(lambda fen=fen: [self._taken(fen)])  # type: ignore[misc]
            elif kind == "all":
                chosen.append(Measure(kind="deduct", basis="all"))
                told.append(lambda: [self._taken(self.book.balance)])
            elif kind == "top_up":
                chosen.append(Measure(kind=kind, amount_fen=fen))
                told.append(lambda fen=fen: [self._demanded(fen)])  # type: ignore[misc]
            elif kind in LASTING:
                chosen.append(Measure(kind=kind, ends_at=soon))
                told.append(lambda kind=kind: [Done(kind, ends_at=soon)])  # type: ignore[misc]
            elif kind == "clear" and inside:
                code = inside.pop()
                chosen.append(Measure(kind=kind, alliance=self.alliances[code]))
                told.append(lambda code=code: [self.book.clear(code)])  # type: ignore[misc]
            elif kind in ("close", "warning"):
                chosen.append(Measure(kind=kind))
                told.append(lambda kind=kind: [Done(kind)])  # type: ignore[misc]
        if not chosen:
            return
        self.penalties.append(
            penalties.impose(
                shop=self.shop,
                ground="violation",
                violation=Violation.objects.get(code="V4" if serious else "V8"),
                by=None,
                at=self.at,
                reason="as it came",
                evidence={},
                measures=chosen,
            )
        )
        done = [one for tell in told for one in tell()]
        if any(one.kind == "close" for one in done):
            done += [self.book.clear(code) for code in inside if self.book.places[code].state == "open"]
        self.book.cases.append(Case(serious, done))

    def _taken(self, fen: int) -> Done:
        measure = Done("deduct", claimed=fen)
        if fen:
            self.book.take(fen, measure, self._due())
        return measure

    def _demanded(self, fen: int) -> Done:
        measure = Done("top_up", claimed=fen)
        self.book.owe(Owed(fen, measure, self._due()))
        return measure

    def _due(self) -> date:
        return localdate(self.at) + timedelta(days=7)

    def _one(self) -> tuple[Penalty, Case] | None:
        if not self.penalties:
            return None
        number = self.random.randrange(len(self.penalties))
        return self.penalties[number], self.book.cases[number]

    def _overturn(self) -> None:
        if (one := self._one()) is None:
            return
        penalty, case = one
        refused = self._refused(lambda: penalties.overturn(penalty, by=None, at=self.at, reason="granted"))
        if self._agree(refused, case.status not in PENALISED, "overturn"):
            case.status = "overturned"
            for measure in case.measures:
                self.book.undo(measure)
            self.book.go_on(self.at)

    def _lift(self) -> None:
        if (one := self._one()) is None:
            return
        penalty, case = one
        refused = self._refused(lambda: penalties.lift(penalty, by=None, at=self.at, reason="over"))
        closed = any(m.kind == "close" and not m.undone for m in case.measures)
        if self._agree(refused, case.status != "imposed" or closed, "lift"):
            case.status = "lifted"
            for measure in case.measures:
                if measure.kind in LASTING and not measure.undone:
                    measure.over = True
            self.book.go_on(self.at)

    def _part(self) -> None:
        if (one := self._one()) is None:
            return
        penalty, case = one
        number = self.random.randrange(len(case.measures))
        measure = list(penalty.measures.order_by("pk"))[number]
        own = case.measures[number]
        refused = self._refused(
            lambda: penalties.undo_measures(penalty, [measure], by=None, at=self.at, reason="in part")
        )
        left = [m for m in case.measures if m is not own and not m.undone]
        kept = own.kind == "clear" and any(m.kind == "close" for m in left)
        if self._agree(refused, case.status not in PENALISED or not left or kept, "part"):
            self.book.undo(own)
            self.book.expire(case, self.at)
            self.book.go_on(self.at)

    def _lessen(self) -> None:
        """Fewer points, a smaller sum or an earlier end: what is left of it counts, and of nothing else."""
        if (one := self._one()) is None:
            return
        penalty, case = one
        number = self.random.randrange(len(case.measures))
        own, measure = case.measures[number], list(penalty.measures.order_by("pk"))[number]
        in_money = own.kind in ("deduct", "top_up")
        if own.kind in LASTING:
            less: Any = self.at + timedelta(hours=30)
            kept = own.ends_at is not None and less < own.ends_at
        elif own.kind == "points" or in_money:
            less = self.random.choice([1, 2, 3, 4, self.random.randint(1, 50_000)])
            kept = less < (own.claimed if in_money else own.points)
        else:
            return
        refused = self._refused(
            lambda: lessening.lessen_measures(penalty, {measure.pk: less}, by=None, at=self.at, reason="less")
        )
        stands = case.status in PENALISED and not own.undone and not own.over
        if not self._agree(refused, not (stands and kept), "lessen"):
            return
        if in_money:
            self.book.lessen(own, less, localdate(self.at))
        elif own.kind == "points":
            own.points = less
        else:
            own.ends_at = less

    def _wait(self) -> None:
        self.at += timedelta(days=self.random.choice([0, 1, 4, 60]))
        if self.random.random() < 0.7:
            penalties.run_timers(self.at)
            self.book.lapse(self.at)

    def _pay_in(self) -> None:
        fen = self.random.randint(1, 60_000)
        paid_in(self.shop, fen, at=self.at)
        self.book.balance += fen
        self.book.meet(fen)

    def _top_up(self) -> None:
        fen = self.random.randint(1, 40_000)
        entered(deposits.top_up, self.shop, fen, at=self.at)
        self.book.pay(fen)

    def _enrollment(self) -> tuple[Enrollment, Place]:
        code = self.random.choice(list(self.alliances))
        found = Enrollment.objects.get(shop=self.shop, alliance=self.alliances[code])
        return found, self.book.places[code]

    def _apply(self) -> None:
        enrollment, place = self._enrollment()
        refused = self._refused(lambda: enrollments.apply(enrollment, by=None, at=self.at))
        away = self.book.returns_at is not None
        if self._agree(refused, place.state in ("open", "applied") or away, "apply"):
            place.state = "applied"

    def _admit(self) -> None:
        enrollment, place = self._enrollment()
        refused = self._refused(lambda: enrollments.admit(enrollment, by=None, at=self.at))
        kept_out = (
            place.state != "applied"
            or self.book.barred(enrollment.alliance.code)
            or bool(self.book.measures(self.at, "suspend"))
            or self.book.returns_at is not None
            or self.book.reported == "closed"
            or (place.limit is not None and place.used >= place.limit)
        )
        if self._agree(refused, kept_out, "admit"):
            place.state = "open"
            place.ends.append(None)

    def _leave(self) -> None:
        enrollment, place = self._enrollment()
        refused = self._refused(lambda: enrollments.leave(enrollment, by=None, at=self.at))
        if self._agree(refused, place.state not in ("open", "applied"), "leave"):
            self._left(place)

    def _left(self, place: Place) -> None:
        # Whoever goes by itself is no longer one who was put out, unless it only takes its application back.
        put_out = place.state == "applied" and isinstance(place.ends[-1], Done)
        if place.state == "open":
            place.ends[-1] = "left"
        place.state = "cleared" if put_out else "left"

    def _close(self) -> None:
        refused = self._refused(lambda: closing.close(self.shop, by=None, at=self.at))
        if self._agree(refused, self.book.status(self.at) == "closed", "close"):
            for place in self.book.places.values():
                # Also whoever was out already is one that went.
                place.state, place.ends[-1] = "left", "left"
            self.book.returns_at = midnight(self.shop.closures.get(returned_at=None).return_from)

    def _come_back(self) -> None:
        refused = self._refused(lambda: closing.come_back(self.shop, by=None, at=self.at))
        away = self.book.returns_at
        if self._agree(refused, away is None or self.at < away or self.book.for_ever(), "return"):
            self.book.returns_at = None

    def _import(self) -> None:
        """Tomorrow's file: it lifts nothing that stands, and leaves nothing that is over."""
        status = self.random.choice(["normal", "normal", "suspended"])
        shop = Shop.objects.get(pk=self.shop.pk)
        shop.status = status
        shop.save_by(None, "import")
        self.book.reported = status
