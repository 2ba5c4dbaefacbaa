"""A check evaluated again, from what it knew then and by the versions that it went by.

A check keeps, of each shop and product that it proposed and of one in a hundred others, every value that its
rules look at, and what it made of them. Replayed, the same criteria are compiled over those values instead:
whatever has become of rules, shops, products, penalties and exemptions since, the answer is to be the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import (
    BigIntegerField,
    BooleanField,
    Case,
    CharField,
    Expression,
    F,
    Func,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.expressions import RawSQL
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, JSONObject

from rules.criteria import Criterion
from rules.evaluation import Evaluation
from rules.models import Proposal, RuleSet, Sweep, SweepInput
from rules.products import ProductEvaluation
from rules.sql import gather, over_everybody
from shops import sql
from shops.models import Alliance, Product, Shop

INSIDE, OUTSIDE, PRODUCTS = "inside", "outside", "products"
# How many differences are told one by one.
TOLD = 100


@dataclass(frozen=True)
class _Population:
    """Those whom a check judges alike: all of them as its rules ask for them, and what they come to."""

    name: str
    everybody: QuerySet[Any]
    verdict: JSONObject


def keep(sweep: Sweep, evaluation: Evaluation, products: ProductEvaluation) -> int:
    """Keep the inputs and the verdicts of what was proposed, and of the sample; how many they are.

    Inside the check's transaction, after filing.
    """
    proposed = Proposal.objects.filter(sweep=sweep).order_by()
    _gather(proposed.filter(product=None).values(kept=F("shop")), Shop)
    setting = {"warns_on_lost_admission": Value(evaluation.alliance.warns_on_lost_admission)}
    of_shops = {"shop": F("pk"), "product": Cast(Value(None), BigIntegerField())}
    kept = sum(_keep(sweep, shops, "pk", of_shops, setting) for shops in _of_shops(evaluation))
    if products.versions:
        _gather(proposed.exclude(product=None).values(kept=F("product")), Product)
        of_products = {"shop": F("product__shop_id"), "product": F("product_id")}
        kept += _keep(sweep, _of_products(products), "product", of_products, {})
    return kept


def _gather(proposed: QuerySet[Any, Any], model: type[Shop | Product]) -> None:
    """First who they are: the others need not be judged once more."""
    sample = model.objects.filter(Q(_Sampled("code"))).order_by()
    with over_everybody():
        gather("rules_kept", proposed.union(sample.values(kept=F("pk"))))


def _keep(
    sweep: Sweep, population: _Population, key: str, who: dict[str, Any], setting: dict[str, Value]
) -> int:
    everybody = population.everybody
    gathered = everybody.filter(**{f"{key}__in": RawSQL("SELECT rules_kept.kept FROM rules_kept", [])})
    rows = gathered.values(
        **{f"of_{name}": found for name, found in who.items()},
        inputs=JSONObject(
            population=Value(population.name),
            **setting,
            **{name: F(name) for name in _names(population)},
        ),
        verdict=population.verdict,
    )
    query, params = rows.query.sql_with_params()
    return sql.execute(
        "INSERT INTO rules_sweepinput (sweep_id, shop_id, product_id, inputs, verdict)"
        f" SELECT %s, of_shop, of_product, inputs, verdict FROM ({query}) kept ON CONFLICT DO NOTHING",
        [sweep.pk, *params],
    )


@dataclass(frozen=True)
class Replay:
    """What a check's inputs come to, evaluated again.

    `differences`: the first of them, of shops and then of products: {"shop", "product", "then", "now"}, the
    product's code None where it is about the shop.
    """

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
    of_shops = sweep.inputs.filter(product=None)
    first = of_shops.values_list("inputs__warns_on_lost_admission", flat=True).first()
    alliance.warns_on_lost_admission = bool(first)
    shops = _Replayed(alliance, sweep.day, sweep=sweep)
    products = _ReplayedProducts(alliance, sweep.day, sweep=sweep)
    for population in [*_of_shops(shops), *([_of_products(products)] if products.versions else [])]:
        again = population.everybody.annotate(again=population.verdict)
        compared += again.count()
        other = again.filter(Q(_Distinct(F("verdict"), F("again"))))
        differing += other.count()
        told = other.order_by("shop__code", "product__code")[: TOLD - len(differences)]
        found = told.values(
            code=F("shop__code"), product_code=F("product__code"), then=F("verdict"), now=F("again")
        )
        differences += [
            {"shop": d["code"], "product": d["product_code"], "then": d["then"], "now": d["now"]}
            for d in found
        ]
    return Replay(sweep, compared, differing, differences)


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
        return _all_codes(self.versions)

    def shops(self) -> QuerySet[Any]:
        """The inputs, under the names by which the criteria ask for them."""
        live = super().shops()
        asked = [_Population(name, live, _verdict_of_shops(self, name)) for name in (INSIDE, OUTSIDE)]
        return _inputs(self.sweep, asked).filter(product=None)

    def inside(self) -> QuerySet[Any]:
        return self.shops().filter(population=INSIDE)

    def candidates(self) -> QuerySet[Any]:
        return self.shops().filter(population=OUTSIDE)


@dataclass(frozen=True)
class _ReplayedProducts(ProductEvaluation):
    """The same of products, in the place of listings."""

    sweep: Sweep | None = None

    def _version(self, purpose: RuleSet.Purpose) -> RuleSet | None:
        """That which the check went by."""
        assert self.sweep is not None
        return {
            RuleSet.Purpose.ADMISSION: self.sweep.product_admission,
            RuleSet.Purpose.CLEARANCE: self.sweep.product_clearance,
            RuleSet.Purpose.OBSERVATION: self.sweep.observation,
        }[purpose]

    @cached_property
    def _exempted_codes(self) -> set[str]:
        return _all_codes(self.versions)

    def checked(self) -> QuerySet[Any]:
        """The inputs, under the names by which the criteria ask for them."""
        asked = _Population(PRODUCTS, self.listed(), _verdict_of_products(self))
        return _inputs(self.sweep, [asked]).filter(product__isnull=False)


def _all_codes(versions: list[RuleSet]) -> set[str]:
    """Any rule may have had its exemptions on the day: the inputs say whether a shop had one."""
    return {rule.code for rule_set in versions for rule in rule_set.rules.all()}


def _inputs(sweep: Sweep | None, asked: list[_Population]) -> QuerySet[Any]:
    names = {name: field for population in asked for name, field in _names(population).items()}
    return SweepInput.objects.filter(sweep=sweep).annotate(
        population=KeyTextTransform("population", "inputs"),
        **{name: Cast(KeyTextTransform(name, "inputs"), field) for name, field in names.items()},
    )


class _Sampled(Func):
    """Whether a code belongs to the fixed sample: one in a hundred, always the same ones."""

    template = "(mod(('x' || left(md5(%(expressions)s), 8))::bit(32)::bigint, 100) = 0)"
    output_field = BooleanField()


class _Distinct(Func):
    """IS DISTINCT FROM."""

    template = "(%(expressions)s)"
    arg_joiner = " IS DISTINCT FROM "

    output_field = BooleanField()


def _of_shops(evaluation: Evaluation) -> list[_Population]:
    return [
        _Population(INSIDE, evaluation.inside(), _verdict_of_shops(evaluation, INSIDE)),
        _Population(OUTSIDE, evaluation.candidates(), _verdict_of_shops(evaluation, OUTSIDE)),
    ]


def _of_products(products: ProductEvaluation) -> _Population:
    return _Population(PRODUCTS, products.checked(), _verdict_of_products(products))


def _verdict_of_shops(evaluation: Evaluation, population: str) -> JSONObject:
    """How a shop fares in each rule, and the kind of proposal that it is due for; empty for none."""
    due = (
        {Proposal.Kind.CLEAR: evaluation.to_clear(), Proposal.Kind.WARN: evaluation.to_warn()}
        if population == INSIDE
        else {Proposal.Kind.ADMIT: evaluation.to_admit()}
    )
    first = Case(
        *(When(condition, then=Value(kind.value)) for kind, condition in due.items()),
        default=Value(""),
        output_field=CharField(),
    )
    return JSONObject(rules=_outcomes(evaluation.criteria), due=first)


def _verdict_of_products(products: ProductEvaluation) -> JSONObject:
    """The same of a product. A version that is only tried out may have it due for a second kind."""
    due = [
        Case(When(condition, then=Value(kind.value)), default=Value(None), output_field=CharField())
        for kind, condition in products.due().items()
    ]
    all_kinds = Func(Value(", "), *due, function="concat_ws", output_field=TextField())
    return JSONObject(rules=_outcomes(products.criteria), due=all_kinds)


def _outcomes(criteria: list[Criterion]) -> JSONObject:
    return JSONObject(**{c.rule.code: c.outcome() for c in criteria})


def _names(population: _Population) -> dict[str, Any]:
    """All that the verdict looks at, by the name under which it asks, and the field it is read as."""
    found: dict[str, Any] = {}
    query = population.everybody.query
    for lookup in _asked([population.verdict]):
        _lookups, parts, annotation = query.solve_lookup_type(lookup)
        name = lookup
        if annotation is not False:
            name = next(n for n in query.annotations if lookup == n or lookup.startswith(f"{n}__"))
        elif parts:
            name = "__".join(parts)
        if name not in found and name != "pk":
            found[name] = query.clone().resolve_ref(name).output_field
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
            # Django's types leave it out.
            yield expression.name  # type: ignore[attr-defined]
        elif isinstance(expression, Expression):
            if isinstance(expression, When):
                yield from _asked([expression.condition, expression.result])
            else:
                yield from _asked(expression.get_source_expressions())
