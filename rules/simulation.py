"""What a rule set would do to everyone, before it acts: beside the version in force on a day.

Both versions are asked over the same population and the same day, by the expressions that a daily check runs.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from time import perf_counter
from typing import TYPE_CHECKING

from django.db import Error
from django.db.models import Max, Min
from django.utils.formats import date_format
from django.utils.timezone import localdate
from django.utils.translation import gettext as _t

from rules import distributions, publishing, simulated, simulated_products
from rules.evaluation import Evaluation
from rules.models import RuleSet, Simulation
from rules.products import ProductEvaluation
from rules.sql import over_everybody
from rules.sweeps import ATTEMPTS, KEPT_DYING
from shops import sql
from shops.errors import Refused
from shops.models import ProductMetrics, ShopMetrics
from shops.rights import require

if TYPE_CHECKING:
    from django.contrib.auth.models import User

RUN = "rules.run_simulation"
Status = Simulation.Status

# First half of an advisory lock: a session's on the simulation that it works on.
SIMULATING = 7_306_007
# Further back one looks at other people's past, not at a rule.
MOST_DAYS_BACK = 30


def request(
    rule_set: RuleSet, *, by: User | None, at: datetime, day: date | None = None, days_back: int = 0
) -> Simulation:
    """Ask what `rule_set` would do on `day` (by default the newest with metrics) and some days before it.

    Refused for a set without a rule that is evaluated, for a day without metrics of its subjects, further
    back than MOST_DAYS_BACK or than there are metrics, and for earlier days of products.
    """
    require(by, RUN)
    if days_back and rule_set.subject == RuleSet.Subject.PRODUCT:
        raise Refused(_t("Rules on products are simulated on one day alone."))
    if not rule_set.rules.exclude(metric="").exists():
        raise Refused(_t("This set has no rule that is evaluated: there is nothing to simulate."))
    if not 0 <= days_back <= MOST_DAYS_BACK:
        raise Refused(_t("A simulation looks back at most %(most)s days.") % {"most": MOST_DAYS_BACK})
    day = _refuse_without_metrics(rule_set, day, days_back, today=localdate(at))
    simulation = Simulation(
        rule_set=rule_set,
        day=day,
        days_back=days_back,
        against=publishing.in_force(rule_set.alliance, rule_set.purpose, day, rule_set.subject),
        requested_at=at,
        requested_by=by,
    )
    simulation.save()
    return simulation


def _refuse_without_metrics(rule_set: RuleSet, day: date | None, days_back: int, *, today: date) -> date:
    """The day, by default the newest: refused where nothing was measured then, or as far back."""
    of_products = rule_set.subject == RuleSet.Subject.PRODUCT
    measured = (ProductMetrics if of_products else ShopMetrics).objects.filter(day__lte=today)
    known = measured.aggregate(first=Min("day"), newest=Max("day"))
    if known["newest"] is None:
        raise Refused(_t("No metrics have been imported yet: there is no day to simulate."))
    day = day or known["newest"]
    if day > known["newest"]:
        raise Refused(_t("There are no metrics after %(day)s yet.") % {"day": date_format(known["newest"])})
    if day - timedelta(days=days_back) < known["first"]:
        raise Refused(_t("There are no metrics before %(day)s.") % {"day": date_format(known["first"])})
    if not measured.filter(day=day).exists():
        raise Refused(_t("There are no metrics of %(day)s.") % {"day": date_format(day)})
    return day


def unfinished() -> list[int]:
    """Simulations that wait for a worker, or whose worker died."""
    waiting = Simulation.objects.filter(status__in=Simulation.UNFINISHED).order_by("pk")
    return sorted(set(waiting.values_list("pk", flat=True)) - sql.leases(SIMULATING))


def run(simulation_id: int, *, at: datetime) -> Simulation:
    """Carry a requested simulation out. Safe to call again and at once: what is finished stays as it is.

    One that another session works on is left alone. It writes nothing but its own record.
    """
    with sql.lease(SIMULATING, simulation_id) as held:
        simulation = Simulation.objects.select_related("rule_set__alliance", "against").get(pk=simulation_id)
        if not held or simulation.status not in Simulation.UNFINISHED:
            return simulation
        # Each try has left its mark before it began: one that killed its worker could not.
        if simulation.tries >= ATTEMPTS:
            return _finish(simulation, Status.FAILED, at, failure=KEPT_DYING)
        simulation.tries += 1
        simulation.status = Status.RUNNING
        simulation.save()
        try:
            with _Progress(simulation.pk) as progress, sql.one_snapshot():
                _carry_out(simulation, progress)
        except Refused as refusal:
            return _finish(simulation, Status.FAILED, at, failure=str(refusal))
        # Whatever it was, the record says so; and whoever called hears of it.
        except Exception as failure:
            _finish(simulation, Status.FAILED, at, failure=str(failure) or type(failure).__name__)
            raise
        return _finish(simulation, Status.DONE, at)


def _finish(simulation: Simulation, status: Simulation.Status, at: datetime, failure: str = "") -> Simulation:
    simulation.status, simulation.finished_at, simulation.failure = status, at, failure
    if status == Status.FAILED:
        # The shops that it named are rolled back with it.
        simulation.result, simulation.checked = {}, 0
    simulation.done = 1
    simulation.save()
    return simulation


class _Progress:
    """Tells how far a simulation is over a connection of its own, while its transaction is still open.

    A simulation does not fail for it: where there is no such connection nothing is told.
    """

    def __init__(self, simulation_id: int) -> None:
        self._simulation_id = simulation_id
        self._beside = sql.Beside()

    def __enter__(self) -> _Progress:
        return self

    def tell(self, share: float) -> None:
        with suppress(Error):
            self._beside.fetch(
                "UPDATE rules_simulation SET done = %s WHERE id = %s RETURNING id",
                [share, self._simulation_id],
            )

    def of(self, steps: int) -> Callable[[], None]:
        """What tells that another of so many steps is done."""
        done = 0

        def step() -> None:
            nonlocal done
            done += 1
            self.tell(done / (steps + 1))

        return step

    def __exit__(self, *error: object) -> None:
        with suppress(Error):
            self._beside.close()


def _carry_out(simulation: Simulation, progress: _Progress) -> None:
    began = perf_counter()
    # As the snapshot has it. Whether it is changed meanwhile, the digest tells.
    simulation.rule_set.refresh_from_db()
    simulation.digest = publishing.digest_of(simulation.rule_set)
    with over_everybody():
        if simulation.rule_set.subject == RuleSet.Subject.PRODUCT:
            _simulate_products(simulation, progress)
        else:
            _simulate_shops(simulation, progress)
    simulation.seconds = Decimal(f"{perf_counter() - began:.3f}")


def _simulate_shops(simulation: Simulation, progress: _Progress) -> None:
    rule_set, day = simulation.rule_set, simulation.day
    # Also beside none: what the alliance's other rules say goes on.
    sides = {
        "draft": Evaluation(rule_set.alliance, day, instead=rule_set),
        "now": Evaluation(rule_set.alliance, day, instead=simulation.against),
    }
    step = progress.of(len(sides) * (1 + simulation.days_back) + 2)
    simulated.begin()
    for side, evaluation in sides.items():
        simulated.judge(side, evaluation)
        step()
    simulated.tell_changes(simulation.pk)
    step()
    inside, candidates = simulated.population(sides["draft"])
    simulation.checked = inside + candidates
    simulation.result = {
        "inside": inside,
        "candidates": candidates,
        **simulated.verdicts(),
        "rules": simulated.failing_by_rule(),
        "totals": simulated.totals(simulation.pk),
        "breakdown": simulated.breakdown(simulation.pk),
        "distributions": distributions.of_shops(rule_set.purpose, sides),
    }
    step()
    if simulation.days_back:
        days = [day - timedelta(days=ago) for ago in range(simulation.days_back, -1, -1)]
        for earlier in days:
            for side, evaluation in sides.items():
                simulated.keep_day(side, Evaluation(evaluation.alliance, earlier, instead=evaluation.instead))
                step()
        simulation.result |= {"days": simulated.days(days), "flapping": simulated.flapping(days)}


def _simulate_products(simulation: Simulation, progress: _Progress) -> None:
    rule_set, day = simulation.rule_set, simulation.day
    # As for shops.
    sides = {
        "draft": ProductEvaluation(rule_set.alliance, day, instead=rule_set),
        "now": ProductEvaluation(rule_set.alliance, day, instead=simulation.against),
    }
    step = progress.of(len(sides) + 2)
    simulated_products.begin()
    for side, products in sides.items():
        simulated_products.judge(side, products)
        step()
    simulated_products.tell_changes(simulation.pk)
    step()
    inside, candidates = simulated_products.population(sides["draft"])
    simulation.checked = inside + candidates
    simulation.result = {
        "inside": inside,
        "candidates": candidates,
        **simulated_products.verdicts(),
        "rules": simulated_products.failing_by_rule(),
        "totals": simulated_products.totals(simulation.pk),
        "breakdown": simulated_products.breakdown(simulation.pk),
        "distributions": distributions.of_products(rule_set.purpose, sides),
    }
    step()
