"""A check evaluated again, from what it knew then and by the versions that it went by.

A check keeps, of each shop that it proposed and of one in a hundred others, every value that its rules look
at, and what it made of them. Replayed, the same criteria are compiled over those values instead of shops:
whatever has become of rules, shops, penalties and exemptions since, the answer is to be the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Expression,
    F,
    Func,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.expressions import RawSQL
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, JSONObject

from rules.evaluation import Evaluation
from rules.models import Proposal, RuleSet, Sweep, SweepInput
from rules.sql import gather, over_everybody
from shops import sql
from shops.models import Alliance, Shop

INSIDE, OUTSIDE = "inside", "outside"
# How many differences are told one by one.
TOLD = 100


def keep(sweep: Sweep, evaluation: Evaluation) -> int:
    """Keep the inputs and the verdict of the shops that were proposed, and of the sample; how many they are.

    Inside the check's transaction, after filing.
    """
    proposed = Proposal.objects.filter(sweep=sweep, product=None).order_by()
    sample = Shop.objects.filter(Q(_Sampled("code"))).order_by()
    # First who they are: the others need not be judged once more.
    with over_everybody():
        gather("rules_kept", proposed.values(kept=F("shop")).union(sample.values(kept=F("pk"))))
    kept = 0
    for population in (INSIDE, OUTSIDE):
        shops = _population(evaluation, population)
        names = _names(evaluation, population, shops)
        rows = shops.filter(pk__in=RawSQL("SELECT rules_kept.kept FROM rules_kept", [])).values(
            "id",
            inputs=JSONObject(
                population=Value(population),
                warns_on_lost_admission=Value(evaluation.alliance.warns_on_lost_admission),
                **{name: F(name) for name in names},
            ),
            verdict=_verdict(evaluation, population),
        )
        query, params = rows.query.sql_with_params()
        kept += sql.execute(
            "INSERT INTO rules_sweepinput (sweep_id, shop_id, inputs, verdict)"
            f" SELECT %s, id, inputs, verdict FROM ({query}) kept ON CONFLICT DO NOTHING",
            [sweep.pk, *params],
        )
    return kept


@dataclass(frozen=True)
class Replay:
    """What a check's inputs come to, evaluated again. `differences`: the first of them, by shop."""

    sweep: Sweep
    compared: int
    differing: int
    differences: list[dict[str, Any]]

    @property
    def identical(self) -> bool:
        return not self.differing


def replay(sweep: Sweep) -> Replay:
    """Evaluate the kept inputs of a check again and hold the outcome against what it made of them then."""
    compared = differing = 0
    differences: list[dict[str, Any]] = []
    alliance = Alliance.objects.get(pk=sweep.alliance_id)
    # The one setting that decides who is due for something. A check's inputs all say the same.
    first = sweep.inputs.values_list("inputs__warns_on_lost_admission", flat=True).first()
    alliance.warns_on_lost_admission = bool(first)
    for population in (INSIDE, OUTSIDE):
        replayed = _Replayed(alliance, sweep.day, sweep=sweep)
        again = _population(replayed, population).annotate(again=_verdict(replayed, population))
        compared += again.count()
        other = again.filter(Q(_Distinct(F("verdict"), F("again"))))
        differing += other.count()
        told = other.order_by("shop__code")[: TOLD - len(differences)]
        differences += told.values("verdict", "again", code=F("shop__code"))
    return Replay(
        sweep,
        compared,
        differing,
        [{"shop": d["code"], "then": d["verdict"], "now": d["again"]} for d in differences],
    )


@dataclass(frozen=True)
class _Replayed(Evaluation):
    """An evaluation over the inputs that `sweep` has kept, in the place of shops."""

    sweep: Sweep | None = None

    def _version(self, purpose: RuleSet.Purpose) -> RuleSet | None:
        """That which the check went by."""
        pinned: RuleSet | None = getattr(self.sweep, purpose.value)
        return pinned

    @cached_property
    def _exempted_codes(self) -> set[str]:
        """Any rule may have had its exemptions on the day: the inputs say whether a shop had one."""
        sets = [self.admission, self.clearance, self.warning]
        return {rule.code for rule_set in sets if rule_set for rule in rule_set.rules.all()}

    def shops(self) -> QuerySet[Any]:
        """The inputs, under the names by which the criteria ask for them."""
        assert self.sweep is not None
        live = super().shops()
        names = {
            name: field
            for population in (INSIDE, OUTSIDE)
            for name, field in _names(self, population, live).items()
        }
        return SweepInput.objects.filter(sweep=self.sweep).annotate(
            population=KeyTextTransform("population", "inputs"),
            **{name: Cast(KeyTextTransform(name, "inputs"), field) for name, field in names.items()},
        )

    def inside(self) -> QuerySet[Any]:
        return self.shops().filter(population=INSIDE)

    def candidates(self) -> QuerySet[Any]:
        return self.shops().filter(population=OUTSIDE)


class _Sampled(Func):
    """Whether a code belongs to the fixed sample: one in a hundred, always the same ones."""

    template = "(mod(('x' || left(md5(%(expressions)s), 8))::bit(32)::bigint, 100) = 0)"
    output_field = BooleanField()


class _Distinct(Func):
    """IS DISTINCT FROM."""

    template = "(%(expressions)s)"
    arg_joiner = " IS DISTINCT FROM "

    output_field = BooleanField()


def _population(evaluation: Evaluation, population: str) -> QuerySet[Any]:
    return evaluation.inside() if population == INSIDE else evaluation.candidates()


def _due(evaluation: Evaluation, population: str) -> Case:
    """The kind of proposal that a shop is due for; empty for none."""
    due = (
        {Proposal.Kind.CLEAR: evaluation.to_clear(), Proposal.Kind.WARN: evaluation.to_warn()}
        if population == INSIDE
        else {Proposal.Kind.ADMIT: evaluation.to_admit()}
    )
    return Case(
        *(When(condition, then=Value(kind.value)) for kind, condition in due.items()),
        default=Value(""),
        output_field=CharField(),
    )


def _verdict(evaluation: Evaluation, population: str) -> JSONObject:
    outcomes = {c.rule.code: c.outcome() for c in evaluation.criteria}
    return JSONObject(rules=JSONObject(**outcomes), due=_due(evaluation, population))


def _names(evaluation: Evaluation, population: str, shops: QuerySet[Any]) -> dict[str, Any]:
    """All that the verdict looks at, by the name under which it asks, and the field it is read as."""
    found: dict[str, Any] = {}
    for lookup in _asked([_verdict(evaluation, population)]):
        _lookups, parts, annotation = shops.query.solve_lookup_type(lookup)
        name = lookup
        if annotation is not False:
            name = next(n for n in shops.query.annotations if lookup == n or lookup.startswith(f"{n}__"))
        elif parts:
            name = "__".join(parts)
        if name not in found and name != "pk":
            found[name] = shops.query.clone().resolve_ref(name).output_field
    return dict(sorted(found.items()))


def _asked(expressions: Iterable[Any]) -> Iterator[str]:
    """Names and look-ups of everything inside the expressions, as they were written."""
    for expression in expressions:
        if isinstance(expression, Q):
            for child in expression.children:
                if isinstance(child, tuple):
                    yield child[0]
                    yield from _asked([child[1]])
                else:
                    yield from _asked([child])
        elif isinstance(expression, F):
            yield expression.name  # type: ignore[attr-defined]
        elif isinstance(expression, Expression):
            if isinstance(expression, When):
                yield from _asked([expression.condition, expression.result])
            else:
                yield from _asked(expression.get_source_expressions())
