"""A shop's penalties by rules of thumb: what a person with pencil and paper would keep of them.

Nothing of the desk's own reckoning is used: amounts are added up in a list, openings are counted by hand.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime

PENALISED = ("imposed", "lifted", "expired")
LASTING = ("suspend", "restrict_live")


@dataclass
class Done:
    """A measure: what it did, and whether that stands."""

    kind: str
    alliance: str = ""
    points: int = 0
    # In fen: what it asks for; what it took of the deposit at once, and in all with what came later.
    claimed: int = 0
    at_once: int = 0
    taken: int = 0
    ends_at: datetime | None = None
    undone: bool = False
    over: bool = False

    def active(self, at: datetime) -> bool:
        return not self.undone and not self.over and (self.ends_at is None or self.ends_at > at)


@dataclass
class Case:
    serious: bool
    measures: list[Done]
    status: str = "imposed"


@dataclass
class Place:
    """The shop in an alliance. `ends`: what closed each opening: a measure, or "left"; None: nothing."""

    state: str
    limit: int | None
    ends: list[Done | str | None] = field(default_factory=lambda: [None])

    @property
    def used(self) -> int:
        return len(self.ends)


@dataclass
class Owed:
    """`fen`: what is still to be paid. Of a shortage what is paid is deducted at once.

    `counted`: what counts towards it, the oldest money first, and whether the shop paid that for debts.
    `born`: after which money it came.
    """

    fen: int
    measure: Done
    due: date
    shortage: bool = False
    born: int = 0
    counted: list[Counted] = field(default_factory=list)

    def count(self, one: Counted) -> None:
        self.fen -= one.fen
        self.counted.append(one)


@dataclass(frozen=True)
class Counted:
    place: int
    fen: int
    payment: bool


@dataclass
class Book:
    places: dict[str, Place]
    reported: str = "normal"
    balance: int = 0
    owed: list[Owed] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    # The day from which it may return, while it is closed by itself.
    returns_at: datetime | None = None
    # What has come in or back so far.
    moneys: int = 0

    # What follows

    def for_ever(self) -> bool:
        return any(
            case.status in PENALISED
            and (case.serious or any(m.kind == "close" and not m.undone for m in case.measures))
            for case in self.cases
        )

    def barred(self, alliance: str) -> bool:
        return self.for_ever() or any(
            case.status == "imposed"
            and any(m.kind == "clear" and m.alliance == alliance and not m.undone for m in case.measures)
            for case in self.cases
        )

    def measures(self, at: datetime, *kinds: str) -> list[Done]:
        return [m for case in self.cases for m in case.measures if m.kind in kinds and m.active(at)]

    def status(self, at: datetime) -> str:
        if self.returns_at is not None or self.measures(at, "close"):
            return "closed"
        if self.reported == "normal" and self.measures(at, "suspend"):
            return "suspended"
        return self.reported

    def points(self, at: datetime) -> int:
        return sum(m.points for m in self.measures(at, "points"))

    # What happens

    def take(self, fen: int, measure: Done, due: date) -> None:
        measure.at_once = measure.taken = min(fen, self.balance)
        self.balance -= measure.taken
        if fen > measure.taken:
            self.owe(Owed(fen - measure.taken, measure, due, shortage=True))

    def owe(self, owed: Owed) -> None:
        owed.born = self.moneys
        # Sorting leaves those of a day in the order in which they came.
        self.owed = sorted([*self.owed, owed], key=lambda one: one.due)

    def pay(self, fen: int) -> None:
        self.balance += fen
        self.moneys += 1
        self.count(fen, self.moneys)

    def count(self, fen: int, place: int, *, gone: bool = False) -> tuple[int, int]:
        """How much of it counts, and how much of that is deducted. `gone`: it isn't there any more."""
        counted = taken = 0
        for owed in self.owed:
            would = not gone or (not owed.shortage and owed.born < place)
            paid = min(fen - counted, owed.fen) if would else 0
            counted += paid
            taken += paid if owed.shortage else 0
            self.counts(owed, Counted(place, paid, payment=True))
        return counted, taken

    def meet(self, fen: int) -> None:
        self.moneys += 1
        for owed in self.owed:
            met = min(fen, owed.fen, self.balance) if owed.shortage else 0
            fen -= met
            self.counts(owed, Counted(self.moneys, met, payment=False))

    def counts(self, owed: Owed, one: Counted) -> None:
        if not one.fen:
            return
        owed.count(one)
        if owed.shortage:
            self.balance -= one.fen
            owed.measure.taken += one.fen

    def lessen(self, measure: Done, fen: int, today: date) -> None:
        """It took or demanded so much and no more."""
        measure.claimed = fen
        own = [one for one in self.owed if one.measure is measure]
        self.owed = [one for one in self.owed if one.measure is not measure]
        counted = sorted((part for one in own for part in one.counted), key=lambda part: part.place)
        before, self.balance, measure.taken = measure.taken, self.balance + measure.taken, 0
        measure.at_once = measure.taken = min(measure.at_once, fen)
        self.balance -= measure.at_once
        if own:
            anew = Owed(fen - measure.at_once, measure, own[-1].due, own[-1].shortage)
            left = []
            for part in counted:
                on = min(part.fen, anew.fen)
                self.counts(anew, replace(part, fen=on))
                left.append(replace(part, fen=part.fen - on))
            self.owe(anew)
            taken = self.free(left)
            if anew.shortage:
                before -= taken
        self.meet(before - measure.taken)

    def free(self, counted: list[Counted]) -> int:
        """What was paid of it counts for what is due next, as far as it is there or was due as it was paid.
        Returns what shortages took of it.
        """
        there, taken, left = self.balance, 0, []
        for part in [one for one in counted if one.payment]:
            fen = min(part.fen, there)
            there -= fen
            on, deducted = self.count(fen, part.place)
            taken += deducted
            left.append(replace(part, fen=part.fen - on))
        for part in left:
            self.count(part.fen, part.place, gone=True)
        return taken

    def clear(self, alliance: str) -> Done:
        place = self.places[alliance]
        measure = Done("clear", alliance)
        place.state, place.ends[-1] = "cleared", measure
        return measure

    def undo(self, measure: Done) -> None:
        if measure.undone:
            return
        measure.undone = True
        for place in self.places.values():
            # It was never out: of two openings one is left, which ended as the later did.
            place.ends = [e for n, e in enumerate(place.ends) if e is not measure or n + 1 == place.used]
        self.balance += measure.taken
        own = [one for one in self.owed if one.measure is measure]
        self.owed = [one for one in self.owed if one.measure is not measure]
        taken = self.free([part for one in own for part in one.counted])
        # Whoever was deducted from since found the rest missing.
        self.meet(measure.taken - (taken if any(one.shortage for one in own) else 0))

    def go_on(self, at: datetime) -> None:
        """Where a clearance was wrong and nothing else keeps it out, the shop is in again."""
        for alliance, place in self.places.items():
            last = place.ends[-1]
            undone = isinstance(last, Done) and last.undone
            kept_out = self.barred(alliance) or self.status(at) == "closed"
            if place.state in ("cleared", "applied") and undone and not kept_out:
                place.state, place.ends[-1] = "open", None

    def lapse(self, at: datetime) -> None:
        for case in self.cases:
            due = [m for m in case.measures if m.ends_at and m.ends_at <= at and not m.undone and not m.over]
            for measure in due:
                measure.over = True
            if due:
                self.expire(case, at)

    def expire(self, case: Case, at: datetime) -> None:
        left = [m for m in case.measures if not m.undone]
        lasting = [m for m in left if m.kind == "close" or (m.kind in (*LASTING, "points") and not m.over)]
        if case.status == "imposed" and not lasting and any(m.over for m in left):
            case.status = "expired"
            self.go_on(at)
