"""What a daily check files: who is due for what, and the proposals with their evidence."""

from __future__ import annotations

from datetime import datetime

from django.db.models import DateField, Value
from django.db.models.functions import Cast

from rules import promotions, sql
from rules.evaluation import Evaluation, blocking
from rules.models import Proposal, RuleSet, Sweep
from shops.models import Enrollment

Kind = Proposal.Kind

# The enrollment's state at which a proposal of a kind still makes sense.
STATES = {
    Kind.CLEAR: [Enrollment.State.OPEN.value],
    Kind.ADMIT: [Enrollment.State.APPLIED.value, Enrollment.State.LEFT.value],
}


def gather_due(evaluation: Evaluation) -> dict[Proposal.Kind, int]:
    """Keep who is due for what, with the evidence, until the transaction ends; how many are due by kind."""
    evidence = evaluation.evidence()
    since = Cast(Value(evaluation.day), DateField())
    clear, admit = _table(Kind.CLEAR), _table(Kind.ADMIT)
    due = {}
    due[Kind.CLEAR] = sql.gather(
        clear,
        evaluation.inside().filter(evaluation.to_clear()).values("id", **evidence, failing_since=since),
    )
    for criterion in blocking(evaluation.clearing):
        if criterion.metric.column:
            sql.date_failures(clear, criterion.rule.code, criterion.fails_on_imported(), evaluation.day)
    nothing = {"failing_since": Cast(Value(None), DateField())}
    due[Kind.ADMIT] = sql.gather(
        admit,
        evaluation.candidates().filter(evaluation.to_admit()).values("id", **evidence, **nothing),
    )
    return due


def file(sweep: Sweep, evaluation: Evaluation, *, at: datetime) -> None:
    """File what was gathered, by the mode of each rule set, and count it on the check's record.

    Clearances of a day on which they wait are filed as held.
    """
    waits = promotions.in_effect(sweep.alliance, promotions.Effect.WAIT, sweep.day)
    for kind, rule_set in ((Kind.CLEAR, evaluation.clearance), (Kind.ADMIT, evaluation.admission)):
        filing = sql.Filing(
            name=_table(kind),
            sweep=sweep,
            kind=kind,
            rule_set=rule_set.pk,
            states=STATES[kind],
            pinned=pinned(evaluation),
            at=at,
        )
        if rule_set.mode == RuleSet.Mode.SHADOW:
            sweep.in_shadow[kind.value] = filing.count()
            continue
        sweep.already_open += sql.already_open(filing.name, sweep, kind)
        held = kind == Kind.CLEAR and waits is not None
        filed = filing.file(Proposal.Status.HELD if held else Proposal.Status.OPEN)
        sweep.filed += filed
        if filed:
            sweep.by_kind[kind.value] = filed


def pinned(evaluation: Evaluation) -> list[dict[str, object]]:
    """The versions that a proposal's evidence names."""
    return [
        {"id": rule_set.pk, "purpose": rule_set.purpose, "version": rule_set.version}
        for rule_set in (evaluation.admission, evaluation.clearance)
    ]


def _table(kind: Proposal.Kind) -> str:
    return f"rules_due_{kind.value}"
