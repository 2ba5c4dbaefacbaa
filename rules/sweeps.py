"""The daily check: open, evaluate, file, withdraw, close."""

from __future__ import annotations

from datetime import date, datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Count,
    DateField,
    F,
    FilteredRelation,
    Max,
    Min,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from rules import sql
from rules.criteria import Outcome
from rules.evaluation import Evaluation, blocking
from rules.models import Proposal, Sweep
from shops.errors import Refused
from shops.models import Alliance, Enrollment, ImportBatch, ShopMetrics
from shops.rights import require
from shops.sql import lease, leases, take_turns

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Kind = Proposal.Kind
Status = Sweep.Status

# Why a check failed, where no exception says so; told in the reader's language.
INTERRUPTED = gettext_noop("interrupted")
KEPT_DYING = gettext_noop("its worker died again and again")
# A check that has killed this many workers will kill the next.
ATTEMPTS = 3

# The enrollment's state at which a proposal of a kind still makes sense.
STATES = {
    Kind.CLEAR: [Enrollment.State.OPEN.value],
    Kind.ADMIT: [Enrollment.State.APPLIED.value, Enrollment.State.LEFT.value],
}


def newest_day(today: date) -> date | None:
    """The newest day with metrics, not after `today`: the day that is checked."""
    return ShopMetrics.objects.filter(day__lte=today).aggregate(newest=Max("day"))["newest"]


def request(*, alliance: Alliance, by: User | None, at: datetime, day: date | None = None) -> Sweep:
    """Ask for a check of `day` (by default the newest). An unfinished one of that day is returned instead.

    Refused when no metrics have come in, or no rules are in force on that day.
    """
    require(by, "rules.run_sweep")
    day = day or newest_day(at.astimezone(sql.get_default_timezone()).date())
    if day is None:
        raise Refused(_("No metrics have been imported yet: there is no day to check."))
    evaluation = Evaluation(alliance, day)
    with transaction.atomic():
        # Two people pressing the button at once get the same check.
        Alliance.objects.select_for_update(no_key=True).get(pk=alliance.pk)
        waiting = Sweep.objects.filter(alliance=alliance, day=day, status__in=Sweep.UNFINISHED).first()
        if waiting is not None:
            return waiting
        sweep = Sweep(
            alliance=alliance,
            day=day,
            status=Status.WAITING,
            requested_at=at,
            requested_by=by,
            admission=evaluation.admission,
            clearance=evaluation.clearance,
        )
        sweep.save_by(by)
        return sweep


def is_checked(alliance: Alliance, day: date) -> bool:
    """Whether a check of that day has been done or held: then the timetable asks for no other.

    One that somebody ran before the day's first metrics came in has seen nothing, and one from before an
    import of the day was reversed has seen figures that are gone: neither counts.
    """
    done = Sweep.objects.filter(alliance=alliance, day=day, status__in=[Status.DONE, Status.HELD])
    of_the_day = {"kind": ImportBatch.Kind.METRICS, "first_day__lte": day, "last_day__gte": day}
    came_in = ImportBatch.objects.filter(**of_the_day, state=ImportBatch.State.APPLIED).aggregate(
        first=Min("finished_at")
    )
    # When it was written, not when it was asked for: it may have waited while a check was still reading.
    reversals = ImportBatch.history.filter(**of_the_day, state=ImportBatch.State.REVERSED).aggregate(
        last=Max("history_date")
    )
    since = [moment for moment in (came_in["first"], reversals["last"]) if moment is not None]
    return (done.filter(started_at__gte=max(since)) if since else done).exists()


def abandoned() -> list[Sweep]:
    """Checks that still have to be carried out and that nobody is at: never started, or their worker died."""
    waiting = Sweep.objects.filter(status__in=Sweep.UNFINISHED)
    return list(waiting.exclude(pk__in=leases(sql.SWEEPING)).order_by("id"))


def run(sweep_id: int, *, at: datetime) -> Sweep:
    """Carry a requested check out. Safe to run twice: a finished one is returned as it is.

    The session's advisory lock tells that somebody is at it: it ends with the process, however that ends,
    and whoever comes next starts over, for nothing of an unfinished check is ever committed. One that has
    lost ATTEMPTS workers fails instead of taking the next.
    Refused while another process is at it.
    """
    with lease(sql.SWEEPING, sweep_id) as alone:
        if not alone:
            raise Refused(_("This check is already running."))
        sweep = Sweep.objects.select_related("alliance", "admission", "clearance").get(pk=sweep_id)
        if sweep.status not in Sweep.UNFINISHED:
            return sweep
        # One that killed its worker could not count itself: each try has left its mark before it began.
        if sweep.history.filter(status=Status.RUNNING).count() >= ATTEMPTS:
            _finish(sweep, Status.FAILED, at, failure=KEPT_DYING)
            return sweep
        _start(sweep, at)
        try:
            with transaction.atomic():
                _carry_out(sweep, at)
        # Whatever it was, the record says so; and whoever called hears of it.
        except Exception as failure:
            sweep.refresh_from_db()
            _finish(sweep, Status.FAILED, at, failure=str(failure) or type(failure).__name__)
            raise
        return sweep


def _start(sweep: Sweep, at: datetime) -> None:
    """Mark it running. One that died while running gives way; one that lives refuses us."""
    running = Sweep.objects.select_for_update(no_key=True).filter(
        alliance=sweep.alliance, status=Status.RUNNING
    )
    try:
        with transaction.atomic():
            # Locked before it's judged: one that is just finishing must not be called interrupted.
            for other in running.exclude(pk=sweep.pk):
                with lease(sql.SWEEPING, other.pk) as died:
                    if not died:
                        raise Refused(
                            _("Another check of %(alliance)s is running.") % {"alliance": sweep.alliance}
                        )
                    _finish(other, Status.FAILED, at, failure=INTERRUPTED)
            sweep.status = Status.RUNNING
            sweep.started_at = at
            sweep.save_by(None)
    except IntegrityError:
        raise Refused(_("Another check of %(alliance)s is running.") % {"alliance": sweep.alliance}) from None


def _finish(sweep: Sweep, status: Sweep.Status, at: datetime, failure: str = "") -> None:
    sweep.status = status
    sweep.finished_at = at
    sweep.failure = failure
    sweep.save_by(None)


def _carry_out(sweep: Sweep, at: datetime) -> None:
    began = perf_counter()
    # An import that is being taken back is gone or still there, never half.
    take_turns(*sql.READING_METRICS, shared=True)
    evaluation = Evaluation(sweep.alliance, sweep.day)
    # Another version may have come into force since the check was asked for: this one is what it goes by.
    sweep.admission, sweep.clearance = evaluation.admission, evaluation.clearance
    evaluation.prepare()
    _count(sweep, evaluation)
    _gather_due(evaluation)
    pinned = [
        {"id": rule_set.pk, "purpose": rule_set.purpose, "version": rule_set.version}
        for rule_set in (evaluation.admission, evaluation.clearance)
    ]
    for kind, rule_set in ((Kind.CLEAR, evaluation.clearance), (Kind.ADMIT, evaluation.admission)):
        due = f"rules_due_{kind}"
        sweep.already_open += sql.already_open(due, sweep, kind)
        filed = sql.file_proposals(
            due, sweep, kind, rule_set=rule_set.pk, states=STATES[kind], pinned=pinned, at=at
        )
        sweep.filed += filed
        if filed:
            sweep.by_kind[kind.value] = filed
    # Last, for decisions lock enrollments before proposals, and filing looks at the former.
    sweep.withdrawn = _withdraw_recovered(evaluation, at)
    sweep.seconds = round(perf_counter() - began, 3)
    _finish(sweep, Status.DONE, at)


def _tally(shops: QuerySet[Any], verdict: Case) -> dict[str, int]:
    return dict(shops.values(verdict=verdict).annotate(n=Count("*")).values_list("verdict", "n"))


def _count(sweep: Sweep, evaluation: Evaluation) -> None:
    """How many were checked, how many fail a clearance rule, how many could not be judged."""
    inside = _tally(evaluation.inside(), evaluation.judged_inside())
    candidates = _tally(evaluation.candidates(), evaluation.judged_candidates())
    sweep.checked = sum(inside.values()) + sum(candidates.values())
    sweep.failing = inside.get(Outcome.FAILS, 0)
    sweep.no_data = inside.get(Outcome.NO_DATA, 0) + candidates.get(Outcome.NO_DATA, 0)


def _gather_due(evaluation: Evaluation) -> None:
    evidence = evaluation.evidence()
    since = Cast(Value(evaluation.day), DateField())
    sql.gather(
        f"rules_due_{Kind.CLEAR}",
        evaluation.inside().filter(evaluation.to_clear()).values("id", **evidence, failing_since=since),
    )
    for criterion in blocking(evaluation.clearing):
        if criterion.metric.column:
            sql.date_failures(
                f"rules_due_{Kind.CLEAR}", criterion.rule.code, criterion.fails_on_imported(), evaluation.day
            )
    nothing = {"failing_since": Cast(Value(None), DateField())}
    sql.gather(
        f"rules_due_{Kind.ADMIT}",
        evaluation.candidates().filter(evaluation.to_admit()).values("id", **evidence, **nothing),
    )


def _open_ones(evaluation: Evaluation, kind: Proposal.Kind) -> QuerySet[Any]:
    """Shops with an open proposal of this kind (`filed`)."""
    return (
        evaluation.shops()
        .annotate(
            filed=FilteredRelation(
                "proposals",
                condition=Q(
                    proposals__alliance=evaluation.alliance,
                    proposals__kind=kind,
                    proposals__status__in=[status.value for status in Proposal.UNDECIDED],
                    proposals__product__isnull=True,
                ),
            )
        )
        .filter(filed__id__isnull=False)
    )


def _withdraw_recovered(evaluation: Evaluation, at: datetime) -> int:
    """Withdraw what no longer stands: no rule that failed still does, or the shop has changed its state.

    A rule without data today proves nothing: its proposal stays. Nor does a day before the proposal's own,
    or any day against what a person filed by hand.
    """
    State = Enrollment.State
    by_an_earlier_check = Q(filed__sweep__isnull=False, filed__day__lte=evaluation.day)
    still_in_question = sql.TextArray(
        [
            Case(When(c.passes(), then=Value(None)), default=Value(c.rule.code), output_field=CharField())
            for c in blocking(evaluation.clearing)
        ]
    )
    still_due = Case(
        When(evaluation.to_clear(), then=Value(True)), default=Value(False), output_field=BooleanField()
    )
    recovered = by_an_earlier_check & ~Q(still_in_question__overlap=F("filed__failed_rules"))
    sql.gather(
        "rules_recovered",
        _open_ones(evaluation, Kind.CLEAR)
        .annotate(still_in_question=still_in_question, still_due=still_due)
        .filter(
            Q(en__state__differs=State.OPEN)
            | Q(filed__sweep__isnull=False) & evaluation.not_served()
            | recovered & Q(still_due=False)
        )
        .values(proposal=F("filed__id")),
    )
    withdrawn = sql.withdraw("rules_recovered", at=at, reason=f"recovered on {evaluation.day}")
    fails = evaluation.any_fails([*evaluation.admitting, *evaluation.clearing])
    sql.gather(
        "rules_recovered",
        _open_ones(evaluation, Kind.ADMIT)
        .filter(
            by_an_earlier_check & fails
            | evaluation.not_served()
            | Q(fact_barred__key__isnull=False)
            | Q(en__state__in=[State.OPEN, State.CLEARED])
            # R18: it has taken its application back.
            | Q(en__state=State.LEFT, en__openings_used__gt=0)
        )
        .values(proposal=F("filed__id")),
    )
    return withdrawn + sql.withdraw(
        "rules_recovered", at=at, reason=f"no longer qualifies on {evaluation.day}"
    )
