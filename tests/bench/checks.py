"""What the rules of both alliances cost over very many shops, each figure beside a yardstick run with it.

In each of several rounds, one after the other: a hand-written query of the same conditions; the evaluation;
the first check of each alliance, which files; one more, which finds everything filed; a simulation of a draft
of each; and rule engines of Python, asked shop by shop. Medians of the rounds. Then the same without the
engines for fewer shops, to see whether the cost grows as they do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from tests.bench.crowd import DAY, crowd
from tests.bench.desk import CHECKOUT, Desk, Run, new_desk

ALLIANCES = ("douyin-featured", "wechat-select")
HAND, EVALUATION = "hand-written SQL", "evaluation"
FIRST, AGAIN, SIMULATION = "first check", "a second check", "simulation"
# What is measured, times what, and how many times at most.
AIMS = {EVALUATION: (HAND, 2), FIRST: (EVALUATION, 10), AGAIN: (EVALUATION, 10), SIMULATION: (EVALUATION, 3)}
# So many times as long as ours a shop is to take the engines of Python, at least.
ENGINES = {"rule-engine": 40, "zen-engine": 10}
EVERY_RULE = "every rule of every shop"
# For so many shops the engines are asked; they remember nothing from one to the next.
ASKED = 5_000
# The smaller crowds, as shares of the whole one.
SMALLER = (100, 10)

# The import that the crowd's metrics are said to have come by.
BATCH = f"""
from django.utils.timezone import now
from shops.models import ImportBatch
ImportBatch.objects.create(kind="metrics", state="applied", file_name="crowd.csv", sha256="0" * 64, size=0,
    received_at=now(), as_of=now(), finished_at=now(), first_day="{DAY}", last_day="{DAY}")
"""
# A bar a little higher than the one in force.
DRAFTS = """
from django.utils.timezone import now
from rules import drafts
from rules.models import RuleSet
for alliance, code, bar in (("douyin-featured", "DF-C1", "3.55"), ("wechat-select", "WS-C1", "4.22")):
    first = RuleSet.objects.get(alliance__code=alliance, purpose="clearance", version=1)
    draft = drafts.draft_from(first, by=None, at=now())
    rule = draft.rules.get(code=code)
    rule.value = bar
    drafts.edit_rule(rule, by=None)
"""
# As if nothing had been checked. Nobody has decided anything yet.
UNDONE = (
    *(f"DELETE FROM rules_{table}" for table in ("sweepinput", "simulatedchange", "simulation")),
    *(
        f"DELETE FROM rules_{prefix}{table}"
        for table in ("proposal", "sweep")
        for prefix in ("", "historical")
    ),
    "VACUUM ANALYZE rules_proposal, rules_historicalproposal, rules_sweepinput, rules_simulatedchange",
)


@dataclass
class Bench:
    desk: Desk
    shops: int
    # Seconds by what was measured, a figure a round; and the largest peak of memory, in MB.
    seconds: dict[str, list[float]] = field(default_factory=dict)
    peak: dict[str, float] = field(default_factory=dict)
    filed: int = 0
    changed: int = 0
    # Shops for which an engine of Python named other rules.
    differing: dict[str, int] = field(default_factory=dict)

    def round(self, *, engines: bool) -> None:
        due = self._by_hand()
        found = self._evaluated()
        assert found == due, f"{found}, by hand {due}"
        first = self._check(FIRST)
        self.filed = sum(answer["filed"] for answer in first)
        # The first alliance's check also files from the record, such as against a controller's other shops.
        open_already = sum(answer["already_open"] for answer in first)
        expected = sum(shops for shops, _digest in due.values())
        assert self.filed + open_already == expected, f"{self.filed} filed of {expected}"
        again = self._check(AGAIN)
        assert [answer["filed"] + answer["withdrawn"] for answer in again] == [0, 0], again
        self._simulate()
        if engines:
            self._ask_engines()
        self.desk.unguarded(*UNDONE)

    def _by_hand(self) -> dict[str, list[Any]]:
        script = CHECKOUT / "tests/bench/hand_checks.sql"
        run = self._run(lambda: self.desk.psql(script, "--tuples-only", f"--variable=day={DAY}"))
        self._keep(HAND, run.seconds, run.peak)
        return run.answer

    def _evaluated(self) -> dict[str, list[Any]]:
        run = self._run(lambda: self.desk.python("-m", "tests.bench.evaluated", str(DAY)))
        self._keep(EVALUATION, run.answer["due"], run.peak)
        self._keep(EVERY_RULE, run.answer["fails"], run.peak)
        return run.answer["found"]

    def _check(self, what: str) -> list[dict]:
        runs = [
            self._run(
                lambda alliance=alliance: self.desk.manage(
                    "sweep", "--alliance", alliance, "--day", str(DAY), "--json"
                )
            )
            for alliance in ALLIANCES
        ]
        return self._keep_all(what, runs)

    def _simulate(self) -> None:
        runs = [
            self._run(
                lambda alliance=alliance: self.desk.manage(
                    "simulate", f"{alliance}/clearance", "--day", str(DAY), "--json"
                )
            )
            for alliance in ALLIANCES
        ]
        told = self._keep_all(SIMULATION, runs)
        self.changed = sum(total["shops"] for answer in told for total in answer["totals"])

    def _ask_engines(self) -> None:
        """What they take for all shops, by what they took for some."""
        asked = min(ASKED, self.shops)
        run = self._run(lambda: self.desk.python("-m", "tests.bench.engines", str(DAY), str(asked)))
        for name in ENGINES:
            self._keep(name, run.answer[name]["µs"] * self.shops / 1e6, run.peak)
            self.differing[name] = run.answer[name]["differing"]

    def _run(self, measured: Callable[[], Run]) -> Run:
        self.desk.settle()
        return measured()

    def _keep_all(self, what: str, runs: list[Run]) -> list[dict]:
        """Commands tell their own seconds: without starting a process, as a worker does it."""
        answers = [run.answer for run in runs]
        own = sum(float(answer["seconds"]) for answer in answers)
        self._keep(what, own, max(run.peak for run in runs))
        self.seconds.setdefault(f"{what}, as commands", []).append(sum(run.seconds for run in runs))
        return answers

    def _keep(self, what: str, seconds: float, peak: float) -> None:
        self.seconds.setdefault(what, []).append(seconds)
        self.peak[what] = max(peak, self.peak.get(what, 0))
        print(f"  {what}: {seconds:.2f} s, {peak:.0f} MB", flush=True)

    def median(self, what: str) -> float:
        return median(self.seconds[what])

    def times(self, what: str, yardstick: str) -> float:
        """The median of the ratios of each round: what disturbs one disturbs both."""
        pairs = zip(self.seconds[what], self.seconds[yardstick], strict=True)
        return median(one / other for one, other in pairs)


@contextmanager
def a_crowd(shops: int) -> Iterator[Bench]:
    with new_desk() as desk:
        desk.manage("shell", "--verbosity", "0", "--command", BATCH)
        desk.unguarded(*crowd(shops), "VACUUM ANALYZE")
        desk.manage("shell", "--verbosity", "0", "--command", DRAFTS)
        yield Bench(desk, shops)


def measure(shops: int, rounds: int, *, engines: bool = False) -> Bench:
    with a_crowd(shops) as bench:
        for _round in range(rounds):
            bench.round(engines=engines)
    return bench


def report(shops: int, rounds: int, told: dict[str, Any]) -> None:
    print(f"{shops:,} shops, both alliances, {rounds} rounds, medians", flush=True)
    bench = measure(shops, rounds, engines=True)
    line = "{:<34}{:>9}{:>9}{:>9}{:>9}".format
    print(line("", "seconds", "ratio", "aim", "MB"))
    print(line(HAND, f"{bench.median(HAND):.2f}", "1.00", "", ""))
    for what, (yardstick, aim) in AIMS.items():
        ratio = bench.times(what, yardstick)
        seconds, peak = f"{bench.median(what):.2f}", f"{bench.peak[what]:.0f}"
        print(line(f"{what} ÷ {yardstick}", seconds, f"{ratio:.2f}", f"≤ {aim}", peak))
        told[what] = {"seconds": bench.median(what), "times": yardstick, "ratio": ratio, "aim": aim}
    print(f"{bench.filed:,} proposals filed by the first checks, none by the second;", end=" ")
    print(f"{bench.changed:,} shops that the simulated drafts would change")
    print(line("a shop", "µs", "ratio", "aim", "differ"))
    print(line(f"{EVERY_RULE}, ours", f"{bench.median(EVERY_RULE) / shops * 1e6:.2f}", "1.00", "", ""))
    for name, aim in ENGINES.items():
        ratio, cost = bench.times(name, EVERY_RULE), bench.median(name) / shops * 1e6
        print(line(name, f"{cost:.2f}", f"{ratio:.1f}", f"≥ {aim}", bench.differing[name]))
        told[name] = {"µs a shop": cost, "ratio": ratio, "aim": aim, "differing": bench.differing[name]}
    _growth(bench, rounds, told)


def _growth(largest: Bench, rounds: int, told: dict[str, Any]) -> None:
    """What one of very many shops costs, beside one of fewer: the same is linear, less is better."""
    crowds = [measure(largest.shops // share, rounds) for share in SMALLER if largest.shops >= 1000 * share]
    crowds.append(largest)
    line = ("{:<34}" + "{:>12}" * len(crowds)).format
    print(line("µs a shop, by how many there are", *(f"{crowd.shops:,}" for crowd in crowds)))
    told["growth"] = {}
    for what in (HAND, *AIMS):
        costs = [crowd.median(what) / crowd.shops * 1e6 for crowd in crowds]
        print(line(what, *(f"{cost:.2f}" for cost in costs)))
        told["growth"][what] = {crowd.shops: cost for crowd, cost in zip(crowds, costs, strict=True)}
