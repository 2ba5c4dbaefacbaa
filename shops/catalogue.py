"""The catalogue of violations: what follows from one, and the verbs that write it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import CheckConstraint
from django.utils.translation import gettext as _

from shops import changes, sql
from shops.calendar import day_of, deadline, midnight, points_lapse_at, window
from shops.errors import Refused
from shops.models import DefaultMeasure, Enrollment, Measure, Penalty, Shop, Violation
from shops.rights import require

if TYPE_CHECKING:
    from django.contrib.auth.models import User

CHANGE = "shops.change_violation"
# What people write of an entry; its code is given once.
FIELDS = (
    "group",
    "alliance",
    "name_en",
    "name_zh",
    "source",
    "serious",
    "bars_controller",
    "endangers_transactions",
    "appealable",
    "repeats_within_days",
    "evidence_en",
    "evidence_zh",
    "active",
)
# What people write of a default measure; its position is its place among the others.
MEASURE_FIELDS = (
    "from_case",
    "kind",
    "points_least",
    "points_most",
    "score",
    "basis",
    "amount_fen",
    "share",
    "days",
    "end_asked",
)


def case_number_of(violation: Violation, shop: Shop, at: datetime) -> int:
    """Which case of the violation one of `at` would be for the shop: 1 without earlier ones.

    Earlier penalties count from the day `repeats_within_days` looks back to, that of `at` the last (R12);
    those that were overturned, and cases that were only reported, don't.
    """
    earlier = Penalty.objects.filter(
        shop=shop, violation=violation, status__in=Penalty.PENALISED, imposed_at__lte=at
    )
    if violation.repeats_within_days:
        earlier = earlier.filter(
            imposed_at__gte=midnight(window(day_of(at), violation.repeats_within_days).first)
        )
    return earlier.count() + 1


def consequences(violation: Violation, shop: Shop, *, at: datetime) -> list[Measure]:
    """The measures, unsaved, that a penalty of `at` under the violation takes by itself.

    Where the catalogue leaves something open it is None, to be asked of the operator: see measures.needs. A
    clearance stands once for each alliance that the shop is in, or for the violation's own alone (R19).
    """
    number = case_number_of(violation, shop, at)
    measures = [
        measure
        for default in step_of(violation.default_measures.all(), number)
        for measure in _measures_of(default, violation, shop, at)
    ]
    ask(violation, measures)
    return measures


def step_of(measures: Iterable[DefaultMeasure], number: int) -> list[DefaultMeasure]:
    """Those of a case of that number: of the highest step of the ladder that it reaches."""
    reached = [measure for measure in measures if measure.from_case <= number]
    highest = max((measure.from_case for measure in reached), default=0)
    return [measure for measure in reached if measure.from_case == highest]


def points_of(violation: Violation, shop: Shop, *, at: datetime) -> tuple[int, int] | None:
    """The least and the most points that a penalty of `at` under the violation gives; None where the
    catalogue says nothing of them.
    """
    for default in step_of(violation.default_measures.all(), case_number_of(violation, shop, at)):
        if default.points_least is not None and default.points_most is not None:
            return default.points_least, default.points_most
    return None


def refusal_of_points(points: int, given: tuple[int, int] | None) -> str:
    """Why a penalty can't give so many points, where the catalogue gives `given`; empty where it can."""
    if given is None or given[0] <= points <= given[1]:
        return ""
    least, most = given
    if least == most:
        return _("The catalogue gives %(points)s points for this violation, not more and not fewer.") % {
            "points": least
        }
    return _("The catalogue gives from %(least)s to %(most)s points for this violation.") % {
        "least": least,
        "most": most,
    }


def refuse_other_points(
    violation: Violation, shop: Shop, measures: Iterable[Measure], *, at: datetime
) -> None:
    """Refused where measures give other points than the catalogue gives for the violation, or none."""
    given = points_of(violation, shop, at=at)
    told = [measure.points for measure in measures if measure.kind == Measure.Kind.POINTS] or [0]
    for points in told:
        # None is still to be asked: that is told where the measure is applied.
        if points is not None and (refusal := refusal_of_points(points, given)):
            raise Refused(refusal)


def ends_asked(violation: Violation) -> frozenset[str]:
    """The kinds of measures of which the catalogue asks when they end, whichever step of the ladder says so:
    people may choose a measure of another step than the case has reached.
    """
    return frozenset(one.kind for one in violation.default_measures.all() if one.end_asked)


def ask(violation: Violation, measures: Iterable[Measure]) -> None:
    """Have unsaved measures of a penalty under the violation know whether the catalogue asks when they end:
    one that doesn't say so can't be applied.
    """
    asked = ends_asked(violation)
    for measure in measures:
        measure.end_asked = measure.kind in asked


def _measures_of(
    default: DefaultMeasure, violation: Violation, shop: Shop, at: datetime
) -> Iterator[Measure]:
    if default.kind == Measure.Kind.CLEAR:
        open_ = Enrollment.objects.filter(shop=shop, state=Enrollment.State.OPEN).order_by("alliance")
        if violation.alliance_id is not None:
            open_ = open_.filter(alliance=violation.alliance)
        for enrollment in open_.select_related("alliance"):
            yield Measure(kind=default.kind, alliance=enrollment.alliance)
        return
    measure = Measure(
        kind=default.kind,
        score=default.score,
        basis=default.basis,
        amount_fen=default.amount_fen,
        share=default.share,
    )
    if default.kind == Measure.Kind.POINTS:
        measure.alliance = violation.alliance
        measure.points = default.points_least if default.points_least == default.points_most else None
        measure.ends_at = points_lapse_at(at, default.days) if default.days else None
    elif default.days:
        measure.ends_at = deadline(at, default.days)
    yield measure


def hold(violation: Violation) -> Violation:
    """The entry as it is now, and stays until this transaction ends: its version, its terms and what follows
    from it are of one moment. Others impose under it meanwhile, and nobody changes it.
    """
    sql.execute("SELECT FROM shops_violation WHERE id = %s FOR SHARE", [violation.pk])
    return Violation.objects.select_related("alliance").get(pk=violation.pk)


def version_of(violation: Violation) -> int:
    """The key of the entry's newest version: what a penalty that is imposed now keeps."""
    return changes.latest_change(violation)


@transaction.atomic
def add(
    code: str,
    *,
    values: Mapping[str, Any],
    measures: Sequence[DefaultMeasure],
    by: User | None,
    reason: str,
) -> Violation:
    """A new entry of the catalogue with what follows from it. `values` as for `change`.

    Refused without a reason, where the code is taken, and where its parts contradict each other.
    """
    require(by, CHANGE)
    violation = Violation(code=code)
    _write(violation, values, measures, by=by, reason=reason)
    return violation


@transaction.atomic
def change(
    violation: Violation,
    *,
    values: Mapping[str, Any],
    measures: Sequence[DefaultMeasure],
    by: User | None,
    reason: str,
    seen: int | None = None,
) -> None:
    """Let the entry say something else from now on; penalties keep the version they were imposed under.

    `values`: of FIELDS those that are to change. `measures`: all that are to follow from it, in their order;
    one that stands already is known by its key. `seen`: the version that the person has seen. Refused without
    a reason, where the entry has changed since, and where its parts contradict each other.
    """
    require(by, CHANGE)
    changes.lock(violation)
    changes.refuse_unless_seen(violation, seen)
    _write(violation, values, measures, by=by, reason=reason)


def _write(
    violation: Violation,
    values: Mapping[str, Any],
    measures: Sequence[DefaultMeasure],
    *,
    by: User | None,
    reason: str,
) -> None:
    if not reason.strip():
        raise Refused(_("Say why the catalogue is changed."))
    for name in values:
        if name not in FIELDS:
            raise ValueError(name)
        setattr(violation, name, values[name])
    refuse_contradictions(violation)
    steps = [(measure.from_case, measure.kind) for measure in measures]
    if len(set(steps)) < len(steps):
        raise Refused(_("A step takes each kind of measure once."))
    violation.save_by(by, reason)
    standing = {measure.pk: measure for measure in violation.default_measures.all()}
    for gone in standing.keys() - {measure.pk for measure in measures}:
        standing[gone].delete_by(by, reason)
    for position, told in enumerate(measures):
        measure = standing.get(told.pk) if told.pk else DefaultMeasure()
        if measure is None:
            raise Refused(_("A default measure has been deleted in the meantime. Look at the entry again."))
        said = {name: getattr(told, name) for name in MEASURE_FIELDS} | {"position": position}
        if measure.pk and all(getattr(measure, name) == value for name, value in said.items()):
            continue
        for name, value in said.items():
            setattr(measure, name, value)
        measure.violation = violation
        refuse_contradictions(measure)
        measure.save_by(by, reason)


def refuse_contradictions(record: Violation | DefaultMeasure) -> None:
    """Refused, in words, for an entry or a measure that the database would refuse by itself."""
    try:
        record.full_clean(validate_constraints=False)
        for constraint in record._meta.constraints:
            # Whether a kind stands twice is told of all measures together.
            if isinstance(constraint, CheckConstraint):
                constraint.validate(type(record), record)
    except ValidationError as error:
        raise Refused(" ".join(error.messages)) from error
