"""The evaluation alone, of both alliances: `python -m tests.bench.evaluated DAY`.

Prints how many seconds each of two questions took, and what was found:
`due`: who is due for what and by which rules; for each kind how many, and a digest of them and their rules.
`fails`: every rule that fails, of every shop of which any does.
What is found is kept in temporary tables, which go with the transaction.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import date
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsdesk.settings")
django.setup()

# Models can be imported only once Django is set up.
from django.db import transaction  # noqa: E402
from django.db.models import Case, CharField, QuerySet, Value, When  # noqa: E402

from rules import sql  # noqa: E402
from rules.criteria import Criterion  # noqa: E402
from rules.evaluation import Evaluation  # noqa: E402
from rules.judging import any_fails, blocking  # noqa: E402
from shops.models import Alliance  # noqa: E402
from shops.sql import fetch  # noqa: E402

DIGEST = "SELECT count(*), sum(hashtextextended(id || array_to_string(failed, ','), 0))::text FROM bench_due"


def evaluations(day: date) -> list[Evaluation]:
    return [Evaluation(alliance, day) for alliance in Alliance.objects.order_by("code")]


def failed(criteria: list[Criterion]) -> sql.TextArray:
    codes = [Case(When(c.fails(), then=Value(c.rule.code)), output_field=CharField()) for c in criteria]
    return sql.TextArray(codes)


def due(evaluation: Evaluation) -> dict[str, QuerySet]:
    """Kind → who is due for it, with the rules that fail."""
    inside, candidates = evaluation.inside(), evaluation.candidates()
    out = failed(blocking(evaluation.clearing))
    kinds = {"clear": inside.filter(evaluation.to_clear()).values("id", failed=out)}
    if evaluation.warnings():
        told = evaluation.evidence_to_warn()["failed"]
        kinds["warn"] = inside.filter(evaluation.to_warn()).values("id", failed=told)
    return {**kinds, "admit": candidates.filter(evaluation.to_admit()).values("id", failed=out)}


def every_failure(evaluation: Evaluation) -> QuerySet:
    """The rules of admission and clearance that fail, of every shop of which any does."""
    rules = blocking([*evaluation.admitting, *evaluation.clearing])
    return evaluation.shops().filter(any_fails(rules)).values("id", failed=failed(rules))


def timed(day: date, ask: Any) -> tuple[float, dict[str, list[Any]]]:
    began, found = time.monotonic(), {}
    for evaluation in evaluations(day):
        with transaction.atomic():
            evaluation.prepare()
            for kind, shops in ask(evaluation).items():
                with sql.over_everybody():
                    sql.gather("bench_due", shops)
                [(count, digest)] = fetch(DIGEST) if kind else [(0, "")]
                found[f"{evaluation.alliance.code} {kind}"] = [count, digest]
    return time.monotonic() - began, found


def main() -> None:
    day = date.fromisoformat(sys.argv[1])
    due_in, found = timed(day, due)
    fails_in, _nothing = timed(day, lambda evaluation: {"": every_failure(evaluation)})
    print(json.dumps({"due": due_in, "fails": fails_in, "found": found}))


if __name__ == "__main__":
    main()
