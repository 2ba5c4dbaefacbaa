"""Random rules and random shops, and where the compiled SQL and the model of them disagree."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from django.db import connection, transaction
from django.db.models import BooleanField, Case, Q, Value, When
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st

from rules import evidence
from rules.evaluation import Evaluation
from rules.models import Alternative, Rule, RuleSet, ShopExemption
from shops.models import (
    Alliance,
    Controller,
    Enrollment,
    Opening,
    Penalty,
    Qualification,
    Shop,
    ShopMetrics,
    Violation,
)
from tests.factories import AT, DAY, DOUYIN, SHANGHAI, make_batch, make_declared, make_published
from tests.rules import model
from tests.rules.model import Facts, Said, SaidRule

PURPOSES = ("admission", "clearance", "warning")
SHOPS = 200
CODES = [f"R-{number}" for number in range(1, 13)]
DAYS = [DAY - timedelta(days=ago) for ago in (0, 10, 30, 31, 400)]
CATEGORIES = ["beauty", "food", "toys"]
SHOP_TYPES = ["flagship", "exclusive", "multi_brand", "ordinary"]
GOODS, SUBJECTS = ["physical", "virtual", "mixed"], ["enterprise", "sole_trader"]
SCORES = [Decimal(score) for score in ("0", "3.49", "3.50", "3.51", "4.10", "4.11", "5.00")]
COUNTS = [0, 1, 2, 3, 5, 10, 29, 30, 31]
# What values are, and what they are compared with: few, so that they meet.
VALUES: dict[str, list[Any]] = {
    "shop_score": SCORES,
    "experience_score": SCORES,
    "care_score": SCORES,
    "positive_rate": [Decimal(rate) for rate in ("0", "0.7499", "0.7500", "0.7501", "1")],
    "gmv_30d": [Decimal(amount) for amount in ("0", "0.01", "5000.00", "5000.01")],
    "paid_orders_30d": COUNTS,
    "circumvention_penalties_365d": COUNTS[:3],
    "penalties:V8:30d": COUNTS[:3],
    "penalties:V9:365d": COUNTS[:3],
    "controller_serious_cases": COUNTS[:3],
    "controller_serious_penalties": COUNTS[:3],
    "controller_transaction_cases": COUNTS[:3],
    "openings_left": COUNTS[:4],
    "days_since_entry": COUNTS,
    "days_since_clearance": COUNTS,
    "shop_status": ["preparing", "normal", "suspended", "closed"],
    "account_ok": [True, False],
    "warehouse_passed": [True, False],
    "has_licence": [True, False],
    "alliance_and_erp_connected": [True, False],
    "brand_papers_ok": [True, False],
}
COUNTED = [metric for metric, values in VALUES.items() if isinstance(values[-1], int) and len(values) > 2]
BARE = ["known", "unknown"]
# What a rule's row says in the same words.
AS_SAID = ["exemption", "categories", "shop_types", "goods_kinds", "subject_kinds", "entered_from"]
AS_SAID += ["entered_until", "warn_within", "advisory"]


def operators_of(metric: str) -> list[str]:
    if metric == "shop_status":
        return ["=", "≠", "in", *BARE]
    if metric in model.TEXTS_AND_FLAGS:
        return ["=", "≠", *BARE]
    return [">", "≥", "<", "≤", "=", "≠", "in", "between", *BARE]


@st.composite
def conditions(draw: st.DrawFn) -> Said:
    metric = draw(st.sampled_from(sorted(VALUES)))
    operator = draw(st.sampled_from(operators_of(metric)))
    values = st.sampled_from(VALUES[metric])
    if operator in BARE:
        return Said(metric, operator)
    if operator == "in":
        return Said(metric, operator, tuple(draw(st.lists(values, min_size=1, max_size=3, unique=True))))
    if operator == "between":
        return Said(metric, operator, tuple(sorted(draw(st.tuples(values, values)))))
    return Said(metric, operator, (draw(values),))


@st.composite
def said_rules(draw: st.DrawFn, code: str) -> SaidRule:
    def some(of: list[str]) -> tuple[str, ...]:
        seldom = draw(st.integers(0, 4)) == 0
        return (
            tuple(draw(st.lists(st.sampled_from(of), min_size=1, max_size=2, unique=True))) if seldom else ()
        )

    own = draw(conditions())
    purpose = draw(st.sampled_from(["admission", "clearance", "clearance", "warning"]))
    numeric = own.metric not in model.TEXTS_AND_FLAGS and own.operator not in BARE
    entered = sorted(draw(st.tuples(*[st.sampled_from([*DAYS, DAY - timedelta(days=29)])] * 2)))
    asks = draw(st.sampled_from(["", "", "", "from", "until", "both"]))
    sample = st.tuples(st.sampled_from(COUNTED), st.sampled_from([1, 3, 30]))
    bands = [Decimal("0.01"), Decimal("0.0001"), Decimal(1), Decimal(5)]
    return SaidRule(
        own.metric,
        own.operator,
        own.thresholds,
        code=code,
        purpose=purpose,
        alternatives=tuple(draw(st.one_of(st.just([]), st.lists(conditions(), max_size=3)))),
        exemption=draw(st.sampled_from(["", "", "virtual_goods", "no_score_yet", "no_brand"])),
        categories=some(CATEGORIES),
        shop_types=some(SHOP_TYPES),
        goods_kinds=some(GOODS),
        subject_kinds=some(SUBJECTS),
        entered_from=entered[0] if asks in ("from", "both") else None,
        entered_until=entered[1] if asks in ("until", "both") else None,
        sample=draw(st.one_of(st.none(), st.none(), sample)),
        warn_within=draw(st.sampled_from([None, *bands])) if purpose == "clearance" and numeric else None,
        advisory=draw(st.integers(0, 5)) == 0,
    )


@st.composite
def rule_books(draw: st.DrawFn) -> list[SaidRule]:
    """Rules of all three purposes."""
    count = draw(st.integers(6, len(CODES)))
    return [draw(said_rules(code)) for code in CODES[:count]]


def random_facts(random: Random) -> Facts:
    """A shop: each figure at or beside a threshold, and each now and then missing."""

    def maybe(values: Iterable[Any], missing: float = 0.15) -> Any:
        return None if random.random() < missing else random.choice(list(values))

    def score() -> Any:
        return model.NONE_YET if random.random() < 0.15 else maybe(SCORES)

    def cases(codes: list[str]) -> list[tuple[str, str, int]]:
        statuses = ["imposed", "imposed", "lifted", "expired", "reported", "overturned"]
        return [
            (random.choice(codes), random.choice(statuses), random.choice([0, 29, 30, 364, 365]))
            for _ in range(random.choice([0, 0, 1, 2]))
        ]

    def paper() -> tuple[str, Any]:
        verdict = random.choice(["accepted", "accepted", "rejected", "pending"])
        return verdict, maybe([DAY, DAY - timedelta(days=1)])

    flags = ("warehouse_passed", "alliance_connected", "erp_connected", "has_licence")
    metrics = {
        "shop_score": score(),
        "experience_score": score(),
        "care_score": score(),
        "positive_rate": maybe(VALUES["positive_rate"]),
        "gmv_30d": maybe(VALUES["gmv_30d"]),
        "paid_orders_30d": maybe(COUNTS),
        **{flag: maybe([True, False]) for flag in flags},
    }
    used = random.choice([0, 1, 2, 3])
    return Facts(
        day=DAY,
        category=random.choice(CATEGORIES),
        shop_type=random.choice([*SHOP_TYPES, "ordinary", "ordinary"]),
        goods_kind=random.choice(GOODS),
        subject_kind=random.choice(SUBJECTS),
        status=random.choice(VALUES["shop_status"]),
        account_ok=maybe([True, False]),
        entered_on=maybe(DAYS),
        metrics=metrics if random.random() > 0.1 else None,
        penalties=cases(["V8", "V9"]),
        relatives=cases(["V2", "V4", "V8", "V11"]),
        papers=[paper() for _ in range(random.choice([0, 0, 1, 2]))],
        openings_used=used,
        closed=(random.choice(COUNTS), random.choice(["metric", "violation", "voluntary"])) if used else None,
        exempted_from={code for code in CODES if random.random() < 0.03},
    )


def keep_shops(shops: list[Facts]) -> list[int]:
    """Write them into the tables; their ids, in order."""
    alliance = Alliance.objects.get(code=DOUYIN)
    number = range(len(shops))
    controllers = Controller.objects.bulk_create(Controller(code=f"controller-{n}") for n in number)

    def shop(n: int, facts: Facts, code: str) -> Shop:
        same = ("category", "shop_type", "goods_kind", "subject_kind", "status", "account_ok", "entered_on")
        return Shop(
            code=code,
            name=code,
            name_key=code,
            controller=controllers[n],
            **{name: getattr(facts, name) for name in same},
        )

    kept = Shop.objects.bulk_create(shop(n, facts, f"S-{n}") for n, facts in enumerate(shops))
    related = Shop.objects.bulk_create(shop(n, facts, f"T-{n}") for n, facts in enumerate(shops))
    violations = {violation.code: violation for violation in Violation.objects.all()}

    def penalty(of: Shop, case: tuple[str, str, int]) -> Penalty:
        code, status, ago = case
        # At the two ends of the day in turn: both are in.
        clock = datetime.min.time() if ago % 2 else datetime.max.time()
        at = datetime.combine(DAY - timedelta(days=ago), clock, SHANGHAI)
        return Penalty(
            shop=of,
            ground="violation",
            violation=violations[code],
            status=status,
            reported_at=at,
            imposed_at=None if status == "reported" else at,
            ended_at=None if status in ("reported", "imposed") else at,
        )

    Penalty.objects.bulk_create(
        penalty(of[n], case)
        for n, facts in enumerate(shops)
        for of, cases in ((kept, facts.penalties), (related, facts.relatives))
        for case in cases
    )
    Qualification.objects.bulk_create(
        Qualification(
            shop=kept[n], kind="brand", brand=str(brand), verdict=verdict, valid_until=until, received_at=AT
        )
        for n, facts in enumerate(shops)
        for brand, (verdict, until) in enumerate(facts.papers)
    )
    enrollments = Enrollment.objects.bulk_create(
        Enrollment(shop=kept[n], alliance=alliance, state="applied", openings_used=facts.openings_used)
        for n, facts in enumerate(shops)
    )
    Opening.objects.bulk_create(
        Opening(
            enrollment=enrollments[n],
            number=facts.openings_used,
            closed=True,
            closed_on=DAY - timedelta(days=facts.closed[0]),
            cause=facts.closed[1],
        )
        for n, facts in enumerate(shops)
        if facts.closed
    )
    ShopExemption.objects.bulk_create(
        ShopExemption(
            shop=kept[n], alliance=alliance, rule_code=code, until=DAY, reason="for a while", granted_at=AT
        )
        for n, facts in enumerate(shops)
        for code in facts.exempted_from
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT shops_make_month(%s)", [DAY])
    batch = make_batch()
    ShopMetrics.objects.bulk_create(
        ShopMetrics(
            shop=kept[n],
            day=DAY,
            batch=batch,
            extra={
                key: f"{value:.2f}" if isinstance(value, Decimal) else value
                for key, value in facts.metrics.items()
                if key in model.DECLARED and value is not None
            },
            **{
                **{
                    key: None if value == model.NONE_YET else value
                    for key, value in facts.metrics.items()
                    if key not in model.DECLARED
                },
                **{f"{score}_none": facts.metrics[score] == model.NONE_YET for score in model.SCORES},
            },
        )
        for n, facts in enumerate(shops)
        if facts.metrics
    )
    return [shop.pk for shop in kept]


def _written(said: Said) -> dict[str, str]:
    texts = [str(t).lower() if isinstance(t, bool) else str(t) for t in said.thresholds]
    ends = said.operator == "between"
    return {
        "metric": said.metric,
        "operator": said.operator,
        "value": texts[0] if ends else ", ".join(texts),
        "upper": texts[1] if ends else "",
    }


def _column(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def whole(book: list[SaidRule]) -> list[SaidRule]:
    """With a rule that only advises for each purpose that has none: an empty set is never published."""
    said = {rule.purpose for rule in book}
    return [
        *book,
        *(
            SaidRule("account_ok", "=", (True,), code=f"R-{purpose}", purpose=purpose, advisory=True)
            for purpose in PURPOSES
            if purpose not in said
        ),
    ]


def keep_rules(book: list[SaidRule]) -> None:
    """Write them, made whole, as rows of rule sets that are in force on DAY."""
    alliance = Alliance.objects.get(code=DOUYIN)
    for purpose in PURPOSES:
        rule_set = RuleSet.objects.create(alliance=alliance, purpose=purpose, version=1000, in_force_from=DAY)
        mine = [said for said in whole(book) if said.purpose == purpose]
        rules = Rule.objects.bulk_create(
            Rule(
                rule_set=rule_set,
                position=position,
                code=said.code,
                sentence_en=said.code,
                sentence_zh=said.code,
                source="test",
                sample_metric=said.sample[0] if said.sample else "",
                sample_minimum=said.sample[1] if said.sample else None,
                **_written(said),
                **{name: _column(getattr(said, name)) for name in AS_SAID},
            )
            for position, said in enumerate(mine, start=1)
        )
        Alternative.objects.bulk_create(
            Alternative(rule=rule, position=position, **_written(other))
            for rule, said in zip(rules, mine, strict=True)
            for position, other in enumerate(said.alternatives, start=1)
        )
        make_published(rule_set)


def compiled(ids: list[int]) -> list[dict[str, Any]]:
    """What the one statement says of each shop, in order."""
    evaluation = Evaluation(Alliance.objects.get(code=DOUYIN), DAY)
    evaluation.prepare()
    criteria = [*evaluation.admitting, *evaluation.clearing, *evaluation.warning_criteria]

    def yes(condition: Q) -> Case:
        return Case(When(condition, then=Value(True)), default=Value(False), output_field=BooleanField())

    asked = {
        f"{name}_{number}": yes(getattr(criterion, name)())
        for number, criterion in enumerate(criteria)
        for name in ("fails", "passes", "lacks_data")
    }
    told = {key: value for key, value in evaluation.evidence_to_warn().items() if key != "judged"}
    rows = (
        evaluation.shops()
        .filter(pk__in=ids)
        .values(
            "pk",
            judged=evidence.of(criteria),
            to_clear=yes(evaluation.to_clear()),
            to_admit=yes(evaluation.to_admit()),
            to_warn=yes(evaluation.to_warn()),
            **told,
            **asked,
        )
    )
    found = {row["pk"]: row for row in rows}
    for row in found.values():
        for number, entry in enumerate(row["judged"]):
            for name in ("fails", "passes", "lacks_data"):
                entry[name] = row[f"{name}_{number}"]
    return [found[pk] for pk in ids]


def _number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _same(metric: str, kept: Any, expected: Any) -> bool:
    if metric in model.TEXTS_AND_FLAGS or expected in (None, model.NONE_YET):
        return bool(kept == expected)
    return kept not in (None, "none") and Decimal(str(kept)) == Decimal(expected)


def problem_of(rule: SaidRule, facts: Facts, entry: dict[str, Any]) -> str | None:
    """How the entry of a rule differs from what the model says of the shop."""
    expected = model.outcome(rule, facts)
    if entry["outcome"] != expected:
        return f"{entry['outcome']}, not {expected}"
    if not _same(rule.metric, entry["observed"], model.own_value(rule, facts)):
        return f"observed {entry['observed']}"
    if _number(entry["margin"]) != model.margin(rule, facts):
        return f"margin {entry['margin']}, not {model.margin(rule, facts)}"
    for said, told in zip(rule.alternatives, entry.get("alternatives", []), strict=True):
        if told["metric"] != said.metric or not _same(
            said.metric, told["observed"], model.value_of(said.metric, facts)
        ):
            return f"alternative {told}"
    # What a set is judged by. A shop without metrics is told apart there, once for all rules.
    bare = model.outcome(rule, facts, measured_or_not=True)
    asked = {"fails": bare == "fails", "passes": bare in ("holds", "exempt"), "lacks_data": bare == "no_data"}
    told = {name: entry[name] for name in asked}
    return None if told == asked else f"{told}, not {asked}"


# A smaller book would say no more: a problem names its rule and its shop. And each try takes seconds.
GENERATING = {
    "deadline": None,
    "database": None,
    "phases": [Phase.generate],
    "suppress_health_check": list(HealthCheck),
}


def disagreements(book: list[SaidRule], seed: int) -> tuple[int, list[str]]:
    """How many pairs of a rule and a shop were compared, and what the two don't agree on."""
    random = Random(seed)
    shops = [random_facts(random) for _ in range(SHOPS)]
    with transaction.atomic():
        make_declared("care_score")
        make_declared("has_licence", type="flag")
        keep_rules(book)
        rows = compiled(keep_shops(shops))
        transaction.set_rollback(True)
    rules = sorted(whole(book), key=lambda rule: PURPOSES.index(rule.purpose))
    problems = []
    for facts, row in zip(shops, rows, strict=True):
        for rule, entry in zip(rules, row["judged"], strict=True):
            if problem := problem_of(rule, facts, entry):
                problems.append(f"{rule} · {facts}: {problem}")
        warned = model.warnings(rules, facts)
        expected = (model.is_cleared(rules, facts), model.is_admitted(rules, facts), bool(warned))
        if (row["to_clear"], row["to_admit"], row["to_warn"]) != expected:
            problems.append(f"{facts}: to clear, admit, warn: not {expected}")
        if warned and (row["failed"], row["lead_rule"]) != (warned, warned[0]):
            problems.append(f"{facts}: warned for {row['failed']}, not {warned}")
    return len(shops) * len(rules), problems
