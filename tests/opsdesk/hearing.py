"""What may become of an appeal, written once more: plain Python that knows nothing of the product's code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST, SECOND, LEASE = timedelta(days=30), timedelta(days=15), timedelta(hours=24)
OPEN = {"filed", "taken", "waiting", "answered"}


def end_of_third_working_day(moment: datetime) -> datetime:
    found = 0
    while found < 3:
        moment += timedelta(days=1)
        if moment.isoweekday() <= 5:
            found += 1
    return moment.replace(hour=23, minute=59, second=59, microsecond=0)


@dataclass
class Hearing:
    """A penalty that clears and warns, which `maker` imposed at `now`; what each step makes of it.

    Every step says whether it may be done, and does it where it may.
    """

    maker: str
    now: datetime
    state: str = ""
    level: int = 0
    holder: str | None = None
    lease: datetime | None = None
    due: datetime | None = None
    first_judge: str | None = None
    # When the shop was first asked in this appeal.
    asked: datetime | None = None
    # Whether the shop has answered anything of what it was asked.
    came: bool = False
    penalty: str = "imposed"
    cleared: bool = True
    stayed: bool = False
    # Whether the shop has come in again by the next opening.
    readmitted: bool = False

    def __post_init__(self) -> None:
        self.since, self.window, self.ruled = self.now, FIRST, 0

    def step(self, verb: str, who: str) -> bool:
        return bool(getattr(self, verb)(who))

    @property
    def open(self) -> bool:
        return self.state in OPEN

    def _judges(self, who: str) -> bool:
        return who not in (self.maker, self.first_judge if self.level == 2 else None)

    def _holds(self, who: str) -> bool:
        return self.open and self.holder == who

    def _rules(self, who: str) -> bool:
        waits = self.state == "waiting" and self.due is not None and self.now <= self.due
        return self._holds(who) and self._judges(who) and not waits

    def _over(self, state: str, who: str) -> None:
        self.state, self.stayed = state, False
        if state in ("denied", "granted_in_part"):
            if self.level == 1:
                self.first_judge = who
            self.since, self.window = self.now, SECOND
        if state != "withdrawn":
            self.ruled = self.level

    def file(self, who: str) -> bool:
        if (
            self.open
            or self.penalty == "overturned"
            or self.ruled == 2
            or who in (self.maker, self.first_judge)
            or self.now > self.since + self.window
        ):
            return False
        self.state, self.level, self.holder, self.lease = "filed", self.ruled + 1, None, None
        self.asked = None
        return True

    def take(self, who: str) -> bool:
        if not self.open or not self._judges(who):
            return False
        if self.holder not in (None, who) and self.lease is not None and self.now <= self.lease:
            return False
        self.holder, self.lease = who, self.now + LEASE
        self.state = "taken" if self.state == "filed" else self.state
        return True

    def release(self, who: str) -> bool:
        if not self._holds(who):
            return False
        self.holder = self.lease = None
        self.state = "filed" if self.state == "taken" else self.state
        return True

    def ask(self, who: str) -> bool:
        due, asked = end_of_third_working_day(self.now), self.asked or self.now
        if not self._holds(who) or due.date() > asked.date() + timedelta(days=90):
            return False
        self.state, self.due, self.lease, self.asked = "waiting", due, self.now + LEASE, asked
        self.came = False
        return True

    def answer(self, who: str) -> bool:
        if self.state != "waiting" or not self._judges(who):
            return False
        self.came = True
        # Of anybody else it is a piece, and the shop has time for the rest.
        self.state = "answered" if self.holder == who else "waiting"
        return True

    def complete(self, who: str) -> bool:
        if self.state != "waiting" or not self._holds(who) or not self.came:
            return False
        self.state = "answered"
        return True

    def withdraw(self, who: str) -> bool:
        if not self.open or not self._judges(who):
            return False
        self._over("withdrawn", who)
        return True

    def deny(self, who: str) -> bool:
        if not self._rules(who):
            return False
        self._over("denied", who)
        return True

    def grant(self, who: str) -> bool:
        # The opening by which it came in again is void: the earlier one goes on.
        if not self._rules(who):
            return False
        self.cleared, self.penalty = False, "overturned"
        self._over("granted", who)
        return True

    def grant_in_part(self, who: str) -> bool:
        if not self._rules(who) or not self.cleared:
            return False
        self.cleared = False
        self._over("granted_in_part", who)
        return True

    def lift(self, who: str) -> bool:
        if self.penalty != "imposed":
            return False
        self.penalty, self.stayed = "lifted", False
        return True

    def stay(self, who: str) -> bool:
        if not self.open or not self._judges(who) or self.stayed or self.penalty != "imposed":
            return False
        self.stayed = True
        return True

    def unstay(self, who: str) -> bool:
        if not self.open or not self._judges(who) or not self.stayed:
            return False
        self.stayed = False
        return True

    def readmit(self, who: str) -> bool:
        if not self.cleared or self.readmitted:
            return False
        self.readmitted = True
        return True
